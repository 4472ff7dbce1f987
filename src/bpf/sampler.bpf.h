/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sampler.bpf: what the sampling program and user space share.
 *
 * A record in the ring. The addresses follow only the first time a stack is seen:
 *
 *   0        8       16        24    28    32    36   38   40     41    48      64
 *   +--------+-------+---------+-----+-----+-----+----+----+------+-----+-------+-------------
 *   | time   | hash  | weight  | cpu | pid | tid | nk | nu |flags | new | comm  | nk + nu ips
 *   +--------+-------+---------+-----+-----+-----+----+----+------+-----+-------+-------------
 *
 * With SAMPLER_REC_LEAF the last two of the user addresses are no callers: what the top of the
 * stack holds, and the function that is called right before that address.
 *
 * Whether user space has a stack already is kept in `seen`, an array with one slot for many
 * hashes: a slot holds the hash that was sent last. When two stacks share a slot they are sent
 * again in turn, so nothing is ever missing and nothing can be full.
 */
#ifndef SPOOR_SAMPLER_BPF_H
#define SPOOR_SAMPLER_BPF_H

#define SAMPLER_FRAMES 127 /* of each kind; kernel.perf_event_max_stack as it comes */
#define SAMPLER_SEEN_BITS 16
#define SAMPLER_SEEN (1u << SAMPLER_SEEN_BITS)
#define SAMPLER_PIDNS_DEPTH 32 /* the kernel's MAX_PID_NS_LEVEL */

#define SAMPLER_REC_KSTACK_CUT 1
#define SAMPLER_REC_USTACK_CUT 2
#define SAMPLER_REC_USTACK_NONE 4
#define SAMPLER_REC_IN_KERNEL 8
#define SAMPLER_REC_OTHER_NS 16
#define SAMPLER_REC_LEAF 32

struct sampler_rec {
	__u64 time_ns;
	__u64 hash;
	__u64 weight;
	__u32 cpu, pid, tid;
	__u16 nk, nu;
	__u8 flags;
	__u8 is_new;
	__u8 pad[6];
	char comm[16];
	__u64 ips[256]; /* 127 + 127 used; the rest lets the verifier see that nothing overflows */
};
#define SAMPLER_REC_HEAD 64

/* Offsets in the kernel's structures, looked up in its BTF by user space. */
struct sampler_offs {
	__u32 task_pid, task_tgid, task_thread_pid, task_group_leader;
	__u32 pid_level, pid_numbers, upid_size, upid_nr, upid_ns, pidns_inum;
};

/* Constant while the program runs; the verifier drops what is not wanted. */
struct sampler_cfg {
	__u64 cgroup_id; /* 0: any */
	__u32 cgroup_level;
	__u32 frames;
	__u32 kernel, user, idle, by_pid, by_tid, nested;
	__u32 wake_bytes; /* wake user space when the ring holds more */
	__u32 pidns_ino;
	struct sampler_offs offs;
};

/* Keys of `targets`: the kind above the number. */
#define SAMPLER_KEY_PID (0ull << 32) /* as the initial namespace numbers them */
#define SAMPLER_KEY_TID (1ull << 32)
#define SAMPLER_KEY_NSPID (2ull << 32) /* as our own namespace numbers them */
#define SAMPLER_KEY_NSTID (3ull << 32)

struct sampler_counts {
	__u64 samples, idle, filtered, lost_ring, lost_scratch, resent, follow_full;
};

struct sampler_scratch {
	struct sampler_counts counts;
	__u64 busy;
	struct sampler_rec rec;
};

#endif
