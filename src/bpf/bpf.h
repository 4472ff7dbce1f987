/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf: the only folder that touches libbpf, bpf(2) and perf_event_open(2). Three things:
 * the sampler (stacks, by time or by counter), task events (who mapped, forked, exec'd, exited),
 * and probing what this kernel can do.
 */
#ifndef SPOOR_BPF_H
#define SPOOR_BPF_H

#include "base/base.h"

/* ---- sampler.c, sampler.bpf.c ------------------------------------------------------------------
 */

#define SAMPLER_MAX_STACK 127 /* the kernel's own limit is kernel.perf_event_max_stack */

struct sampler_opts {
	u64 freq_hz;
	u32 max_stack;	   /* frames, each of kernel and user; clamped to the sysctl */
	bool kernel, user; /* which stacks to take */
	bool idle;	   /* keep samples of idle CPUs */
	bool follow;	   /* children of the given pids belong to the target too */
	const u8 *cpus;	   /* one byte per CPU, NULL: all */
	size_t ncpus;
	const u32 *pids, *tids; /* targets as our own pid namespace sees them; none: everything */
	size_t npids, ntids;
	u64 cgroup_id; /* 0: any; descendants included */
	u32 cgroup_level;
	u64 ring_bytes; /* 0: a sensible default */
	bool force_sw;	/* cpu-clock even where there are counters */
};

/* A sample as it comes out of the ring; stack points into it and is valid during the call. */
struct sampler_event {
	u64 time_ns; /* CLOCK_MONOTONIC */
	u64 stack_hash;
	u64 weight; /* the event's period: ns or cycles */
	u32 cpu, pid, tid;
	char comm[16];
	u8 flags;	/* SAMPLER_* */
	bool new_stack; /* nk, nu and ips are given; else this hash was given before */
	u16 nk, nu;
	const u64 *ips; /* nk kernel then nu user addresses, leaf first */
	/*
	 * If the function that runs starts at leaf_entry, then leaf_ret is its return address, and
	 * the stack has it not: it runs without a frame. 0: nothing like that was found.
	 */
	u64 leaf_ret, leaf_entry;
};
#define SAMPLER_KSTACK_CUT 1
#define SAMPLER_USTACK_CUT 2
#define SAMPLER_USTACK_NONE 4
#define SAMPLER_IN_KERNEL 8 /* interrupted in the kernel */
#define SAMPLER_OTHER_NS 16 /* a pid namespace that ours cannot see: pid and tid are 0 */

struct sampler_stats {
	u64 samples, idle; /* kept; seen and not kept */
	u64 filtered;
	u64 lost_ring;		  /* no room in the ring buffer */
	u64 lost_scratch;	  /* scratch busy (nested) */
	u64 resent;		  /* not lost: a stack was sent again */
	u64 follow_full;	  /* children not followed: too many targets */
	u64 recursion_misses;	  /* the kernel skipped our program */
	u64 bad_records;	  /* came out of the ring damaged */
	u64 run_cnt, run_time_ns; /* UINT64_MAX when the kernel does not keep them */
	u32 cpus;
};

struct sampler;
/* Loads the program and opens one event per CPU, disabled. 0 or -errno with message and try line.
 */
int sampler_open(struct sampler **s, const struct sampler_opts *o);
const char *sampler_event_name(const struct sampler *s); /* "cpu-clock" or "cycles" */
const char *sampler_event_unit(const struct sampler *s); /* "ns" or "cycles" */
int sampler_add_pid(struct sampler *s, u32 pid);	 /* a target more, while running */
int sampler_start(struct sampler *s);
int sampler_stop(struct sampler *s); /* events off; what is in the ring can still be drained */
int sampler_set_freq(struct sampler *s, u64 freq_hz);
int sampler_cpu(struct sampler *s, u32 cpu, bool online); /* a CPU came or went */
int sampler_fd(const struct sampler *s); /* for epoll: readable when the ring is filling */
/* Hands over what is in the ring; number of events or -errno. */
int sampler_drain(struct sampler *s, void (*fn)(const struct sampler_event *e, void *arg),
		  void *arg);
/*
 * Every stack is sent in full once more from here on, so that user space can forget those it has.
 * Samples already in the ring still refer to them: keep them until the next such call.
 */
void sampler_forget(struct sampler *s);
/* Whether children of targets are found by the kernel side; if not, call sampler_add_pid(). */
bool sampler_follows(const struct sampler *s);
void sampler_stats(struct sampler *s, struct sampler_stats *st);
void sampler_free(struct sampler *s);

/* ---- taskev.c: perf's side-band events from every CPU, merged into time order
 * -------------------- */

enum taskev_type {
	TASKEV_MMAP,
	TASKEV_COMM,
	TASKEV_EXEC,
	TASKEV_FORK,
	TASKEV_EXIT,
	TASKEV_KSYM,
	TASKEV_LOST
};
struct taskev {
	enum taskev_type type;
	u64 time_ns; /* CLOCK_MONOTONIC */
	u32 cpu, pid, tid, ppid;
	/* MMAP (executable mappings only) */
	u64 start, end, pgoff, ino, ino_gen;
	u32 maj, min;
	u8 build_id[20], build_id_len;
	const char *path; /* MMAP; COMM and EXEC: the comm; KSYM: the symbol */
	/* KSYM: start, end; removed, bpf */
	bool removed, bpf;
	u64 lost; /* LOST: events */
};
struct taskev_ring;
int taskev_open(struct taskev_ring **t, const u8 *cpus, size_t ncpus); /* enabled from the start */
int taskev_cpu(struct taskev_ring *t, u32 cpu, bool online);
/* Events up to `until_ns` in time order (UINT64_MAX: all); the rest stays for the next call. */
int taskev_drain(struct taskev_ring *t, u64 until_ns, void (*fn)(const struct taskev *e, void *arg),
		 void *arg);
void taskev_free(struct taskev_ring *t);

/* ---- ksyms.c: names of loaded BPF programs
 * ------------------------------------------------------- */

/* Every function of every loaded BPF program; fn returns nonzero to stop. Its value, 0 or -errno.
 */
int bpf_prog_ksyms(int (*fn)(u64 addr, u32 size_bytes, const char *name, void *arg), void *arg);

/* ---- objects.c: what is loaded, by name --------------------------------------------------------
 */

/* kind is "program" or "map"; nonzero stops. */
typedef int (*bpf_object_fn)(const char *kind, u32 id, const char *name, void *arg);
/* Every program and map whose name starts with prefix. fn's value, 0, or -errno (-EPERM). */
int bpf_objects_each(const char *prefix, bpf_object_fn fn, void *arg);

/* ---- feature.c: what this kernel can do, found out by doing it ---------------------------------
 */

/* What the attempts share: the kernel's BTF is read once. */
struct feature_ctx;
struct feature_ctx *feature_ctx_new(struct arena *a);
void feature_ctx_free(struct feature_ctx *x);

struct feature_recipe;
struct feature {
	const char *id;	  /* "kprobe" */
	const char *what; /* "kprobe: entry of a kernel function" */
	bool needed;	  /* recording cannot do without it */
	/*
	 * Loads a program, attaches it, makes it run and looks whether it did; leaves nothing
	 * behind. 0 works; -errno: see why (a static or arena string) and mend (a command or
	 * setting, or NULL).
	 */
	int (*probe)(struct feature_ctx *x, const struct feature *f, const char **why,
		     const char **mend);
	const struct feature_recipe *recipe; /* feature_int.h: for probe() alone */
};
extern const struct feature features[];	  /* ends with id NULL */
const char *feature_libbpf_version(void); /* "1.1" */

#endif
