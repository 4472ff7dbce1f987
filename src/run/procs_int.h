/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who mapped what, and when. Fed with task events and asked for samples in time order. Processes
 * older than the recording are read from /proc when their first sample is met (reading all of them
 * at the start would cost more than a short recording), those that start later are known from
 * their events, so that a process that lived for 2 ms has its mappings too.
 *
 *   proc ----> maps (shared by forks until one changes) ----> mapping ----> file
 *                gen: a new number for every content                          (one per identity)
 */
#ifndef SPOOR_RUN_PROCS_H
#define SPOOR_RUN_PROCS_H

#include "base/base.h"
#include "bpf/bpf.h"
#include "sym/sym.h"

#define PROCS_MAPPINGS_MAX 8192 /* executable ones of one process; more are counted, not kept */

/* A mapped file as it was when it was mapped; equal ones are one. */
struct map_file {
	char *path;
	struct sym_id id;
	bool anon;		/* code without a file: heap, memfd, JIT */
	struct sym_module *mod; /* filled in by whoever looks up first */
	struct map_file *next;	/* same hash */
};

struct mapping {
	u64 start, end, pgoff;
	struct map_file *file;
};

struct maps {
	u32 refs;
	u64 gen;
	VEC(struct mapping) v; /* by start, without overlaps */
};

struct proc {
	u32 pid, ppid;
	struct maps *maps; /* NULL: not read yet */
	u64 read_ns;	   /* when read from /proc: older mmap events are in it already */
	u64 exit_ns;	   /* 0: lives */
	u64 reread_ns;	   /* last time /proc was asked again */
	bool kthread;	   /* has no user space */
	bool sampled;
	bool gone; /* could not be read: it had ended */
};

struct procs {
	const char *root; /* of /proc */
	s64 wall_offset_ns;
	struct map by_pid; /* -> struct proc * */
	struct map files;  /* hash -> first struct map_file * */
	u64 last_gen;
	u64 n_sampled; /* distinct processes that had a sample */
	u64 mappings_dropped;
};

void procs_init(struct procs *p, const char *root, s64 wall_offset_ns);
void procs_done(struct procs *p);
/* MMAP, EXEC, FORK and EXIT; others are ignored. */
void procs_event(struct procs *p, const struct taskev *e);
/* The process of a sample taken at time_ns, its mappings read if need be. Never NULL. */
struct proc *procs_sampled(struct procs *p, u32 pid, u64 time_ns);
/* The mapping that holds addr, or NULL. */
const struct mapping *proc_mapping(const struct proc *pr, u64 addr);
/*
 * An address was in no mapping: code may have been made executable without an event. Reads /proc
 * again, at most once a second; true when the mappings are new.
 */
bool procs_reread(struct procs *p, struct proc *pr, u64 now_ns);
/* Forgets processes that ended before the time. */
void procs_forget(struct procs *p, u64 before_ns);

#endif
