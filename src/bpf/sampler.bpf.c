// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Takes a sample on every tick of a perf event: who runs, and the kernel's and the user's stack.
 * Must load on Linux 5.10 and later: no atomic exchange, no bpf_loop. The few places that look
 * into kernel structures get their offsets from user space.
 */
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/sampler.bpf.h"

#define LEAF_MAX_BYTES 65536 /* functions without a frame are shorter */

const volatile struct sampler_cfg cfg = {};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SAMPLER_SEEN);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u32);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sampler_scratch);
} scratch SEC(".maps");

static __always_inline __u64 read_u64(__u64 addr)
{
	__u64 v = 0;

	bpf_probe_read_kernel(&v, sizeof(v), (void *)addr);
	return v;
}

static __always_inline __u32 read_u32(__u64 addr)
{
	__u32 v = 0;

	bpf_probe_read_kernel(&v, sizeof(v), (void *)addr);
	return v;
}

/* The number of a task in our own pid namespace; 0 when it cannot be seen from there. */
static __always_inline __u32 ns_number(__u64 task)
{
	__u64 pid = read_u64(task + cfg.offs.task_thread_pid);
	__u32 level, i;

	if (!pid)
		return 0;
	level = read_u32(pid + cfg.offs.pid_level);
#pragma clang loop unroll(disable)
	for (i = 0; i < SAMPLER_PIDNS_DEPTH; i++) {
		__u64 upid = pid + cfg.offs.pid_numbers + (__u64)i * cfg.offs.upid_size;
		__u64 ns;

		if (i > level)
			break;
		ns = read_u64(upid + cfg.offs.upid_ns);
		if (read_u32(ns + cfg.offs.pidns_inum) == cfg.pidns_ino)
			return read_u32(upid + cfg.offs.upid_nr);
	}
	return 0;
}

static __always_inline int is_target(__u64 key)
{
	return bpf_map_lookup_elem(&targets, &key) != 0;
}

/* ns_pid and ns_tid are 0 unless we live in a pid namespace of our own. */
static __always_inline int wanted(__u32 pid, __u32 tid, __u32 ns_pid, __u32 ns_tid)
{
	if (cfg.cgroup_id && bpf_get_current_ancestor_cgroup_id(cfg.cgroup_level) != cfg.cgroup_id)
		return 0;
	if (!cfg.by_pid && !cfg.by_tid)
		return 1;
	if (cfg.by_pid && is_target(SAMPLER_KEY_PID | pid))
		return 1;
	if (cfg.by_tid && is_target(SAMPLER_KEY_TID | tid))
		return 1;
	if (cfg.nested && cfg.by_pid && ns_pid && is_target(SAMPLER_KEY_NSPID | ns_pid))
		return 1;
	return cfg.nested && cfg.by_tid && ns_tid && is_target(SAMPLER_KEY_NSTID | ns_tid);
}

static __always_inline __u64 stack_hash(const struct sampler_rec *rec)
{
	__u64 h = ((__u64)(rec->flags & SAMPLER_REC_LEAF) << 32 | (__u64)rec->nk << 16 | rec->nu) +
		  0x9e3779b97f4a7c15ull;
	__u32 n = (__u32)rec->nk + rec->nu, i;

#pragma clang loop unroll(disable)
	for (i = 0; i < 2 * SAMPLER_FRAMES; i++) {
		if (i >= n)
			break;
		h = (h ^ rec->ips[i]) * 0xd6e8feb86659fd93ull;
		h ^= h >> 32;
	}
	return h ? h : 1;
}

/*
 * A function that calls nothing and keeps nothing on the stack has no frame even where frame
 * pointers are on, so its caller is missing from the stack. Then the top of the stack is its return
 * address, and right before that is the call. Whether the called function is the running one is for
 * user space to see, which has the symbols.
 *
 *   ret - 5     ret - 4      ret
 *   | e8        | distance   |        call entry; entry = ret + distance
 */
static __always_inline void take_leaf(struct bpf_perf_event_data *ctx, struct sampler_rec *rec)
{
#ifdef __TARGET_ARCH_x86
	__u64 ret = 0, code = 0, entry;
	__u32 at = (__u32)rec->nk + rec->nu;

	if ((rec->flags & SAMPLER_REC_IN_KERNEL) || !rec->nu || rec->nu > SAMPLER_FRAMES - 2)
		return;
	if (bpf_probe_read_user(&ret, sizeof(ret), (void *)PT_REGS_SP(&ctx->regs)) ||
	    bpf_probe_read_user(&code, sizeof(code), (void *)(ret - sizeof(code))))
		return;
	entry = ret + (__s64)(__s32)(code >> 32);
	if ((code >> 24 & 0xff) != 0xe8 || PT_REGS_IP(&ctx->regs) - entry >= LEAF_MAX_BYTES)
		return;
	rec->ips[at & 255] = ret;
	rec->ips[(at + 1) & 255] = entry;
	rec->nu += 2;
	rec->flags |= SAMPLER_REC_LEAF;
#endif
}

/* Fills in both stacks, nk, nu, and what flags say about them. */
static __always_inline void take_stacks(struct bpf_perf_event_data *ctx, struct sampler_rec *rec)
{
	__u32 bytes = cfg.frames * 8;
	__u32 nk = 0, nu = 0;
	long got;

	if (cfg.kernel && (rec->flags & SAMPLER_REC_IN_KERNEL)) {
		got = bpf_get_stack(ctx, rec->ips, bytes, 0);
		nk = got > 0 ? (__u32)got / 8 : 0;
		if (nk >= cfg.frames)
			rec->flags |= SAMPLER_REC_KSTACK_CUT;
	}
	nk &= 127;
	if (cfg.user) {
		got = bpf_get_stack(ctx, &rec->ips[nk], bytes, BPF_F_USER_STACK);
		nu = got > 0 ? (__u32)got / 8 : 0;
		if (nu >= cfg.frames)
			rec->flags |= SAMPLER_REC_USTACK_CUT;
		if (!nu)
			rec->flags |= SAMPLER_REC_USTACK_NONE;
	}
	rec->nk = nk;
	rec->nu = nu & 127;
	take_leaf(ctx, rec);
}

/* Sends the record; the stack itself only when user space does not have it. */
static __always_inline void send(struct sampler_scratch *s)
{
	struct sampler_rec *rec = &s->rec;
	__u32 slot_no = rec->hash & (SAMPLER_SEEN - 1);
	__u64 *slot = bpf_map_lookup_elem(&seen, &slot_no);
	__u64 flags = BPF_RB_NO_WAKEUP, before, n = 0;

	if (!slot)
		return;
	before = *(volatile __u64 *)slot;
	rec->is_new = before != rec->hash;
	if (rec->is_new)
		n = (__u64)rec->nk + rec->nu;
	asm volatile("" : "+r"(n)); /* the verifier wants to see the very register checked */
	if (n > 2 * SAMPLER_FRAMES)
		return;
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > cfg.wake_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	if (bpf_ringbuf_output(&ring, rec, SAMPLER_REC_HEAD + n * 8, flags)) {
		s->counts.lost_ring++;
		return;
	}
	s->counts.samples++;
	if (rec->is_new) {
		/* Only now: a lost stack must be sent in full the next time. */
		*(volatile __u64 *)slot = rec->hash;
		if (before)
			s->counts.resent++;
	}
}

static __always_inline void sample(struct bpf_perf_event_data *ctx, struct sampler_scratch *s)
{
	struct sampler_rec *rec = &s->rec;
	__u64 id = bpf_get_current_pid_tgid();
	__u32 pid = id >> 32, tid = (__u32)id, ns_pid = 0, ns_tid = 0;
	__u8 flags = 0;

	if (!tid && !cfg.idle) {
		s->counts.idle++;
		return;
	}
	if (cfg.nested && tid) {
		__u64 task = bpf_get_current_task();

		ns_tid = ns_number(task);
		ns_pid = ns_number(read_u64(task + cfg.offs.task_group_leader));
		if (!ns_tid)
			flags |= SAMPLER_REC_OTHER_NS;
	}
	if (!wanted(pid, tid, ns_pid, ns_tid)) {
		s->counts.filtered++;
		return;
	}
	rec->time_ns = bpf_ktime_get_ns();
	rec->weight = ctx->sample_period;
	rec->cpu = bpf_get_smp_processor_id();
	rec->pid = cfg.nested ? ns_pid : pid;
	rec->tid = cfg.nested ? ns_tid : tid;
	/* The upper half of the addresses is the kernel's, on x86-64 and aarch64 alike. */
	if ((__s64)PT_REGS_IP(&ctx->regs) < 0)
		flags |= SAMPLER_REC_IN_KERNEL;
	rec->flags = flags;
	bpf_get_current_comm(rec->comm, sizeof(rec->comm));
	take_stacks(ctx, rec);
	rec->hash = stack_hash(rec);
	send(s);
}

SEC("perf_event")
int spoor_tick(struct bpf_perf_event_data *ctx)
{
	__u32 zero = 0;
	struct sampler_scratch *s = bpf_map_lookup_elem(&scratch, &zero);

	if (!s)
		return 0;
	/* A per-CPU slot needs no atomics: what nests on this CPU ends before we go on. */
	if (s->busy) {
		s->counts.lost_scratch++;
		return 0;
	}
	*(volatile __u64 *)&s->busy = 1;
	sample(ctx, s);
	*(volatile __u64 *)&s->busy = 0;
	return 0;
}

/* A child of a target is a target. */
SEC("raw_tp/sched_process_fork")
int spoor_fork(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 child = ctx->args[1];
	__u32 pid = bpf_get_current_pid_tgid() >> 32, one = 1, zero = 0;
	__u64 key = SAMPLER_KEY_PID | read_u32(child + cfg.offs.task_tgid);
	struct sampler_scratch *s;

	if (key == (SAMPLER_KEY_PID | pid))
		return 0; /* a thread */
	if (!is_target(SAMPLER_KEY_PID | pid)) {
		__u64 leader;

		if (!cfg.nested)
			return 0;
		leader = read_u64(bpf_get_current_task() + cfg.offs.task_group_leader);
		if (!is_target(SAMPLER_KEY_NSPID | ns_number(leader)))
			return 0;
	}
	if (bpf_map_update_elem(&targets, &key, &one, BPF_ANY)) {
		s = bpf_map_lookup_elem(&scratch, &zero);
		if (s)
			s->counts.follow_full++;
	}
	return 0;
}

/* A task is freed: after its exit was collected, and a leader after its last thread. */
SEC("raw_tp/sched_process_free")
int spoor_free(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 task = ctx->args[0];
	__u32 pid = read_u32(task + cfg.offs.task_pid);
	__u64 key = SAMPLER_KEY_PID | pid;

	if (pid == read_u32(task + cfg.offs.task_tgid))
		bpf_map_delete_elem(&targets, &key);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
