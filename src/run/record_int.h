/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that make up a recording share. */
#ifndef SPOOR_RUN_RECORD_H
#define SPOOR_RUN_RECORD_H

#include "run/procs_int.h"
#include "run/run.h"
#include "run/stacks_int.h"

/* ---- command.c: the command that is recorded ---------------------------------------------------
 */

struct command_run {
	pid_t pid;   /* 0: none */
	int go_fd;   /* a byte lets it exec */
	int fail_fd; /* errno of a failed exec, or end of file */
	int pidfd;   /* readable when it has ended; -1 */
	int status;  /* wait status once collected, or -1 */
};
/* A child that waits before exec, so that nothing of the command is missed. 0 or -errno. */
int command_start(struct command_run *c, char **cmd);
/* Lets it run. -errno with a message and the status of a shell when it cannot be executed. */
int command_go(struct command_run *c, char **cmd);
/* Waits until it has ended. */
void command_wait(struct command_run *c);
void command_done(struct command_run *c); /* ends one that was never let go */

/* ---- budget.c ----------------------------------------------------------------------------------
 */

enum budget_verdict { BUDGET_FINE, BUDGET_WARN, BUDGET_SLOWER, BUDGET_STOP };
struct budget {
	double limit_pct; /* 0: never */
	u64 last_ns, last_cost_ns;
	double now_pct; /* over the last second */
	u32 n_over;	/* seconds over the limit in a row */
	u32 n_slower;	/* times the rate was lowered */
	bool warned;
};
u64 budget_self_ns(void); /* CPU time of this process */
/* cost_ns: CPU time spent so far, ours and our programs'; at most once a second. */
enum budget_verdict budget_check(struct budget *b, u64 now_ns, u64 cost_ns, u32 cpus);

/* ---- feed.c: samples and task events, joined in time order -------------------------------------
 */

struct feed {
	struct sampler *sampler;
	struct taskev_ring *tasks;
	struct sym_ctx *sym;
	struct procs procs;
	struct stacks stacks;
	struct prof *prof;
	VEC(struct sampler_event) queue; /* stacks are in `stacks` already */
	size_t done;			 /* of queue */
	u32 column;			 /* of the event's weight in the profile */
	u64 samples, complete;
	u64 task_events_lost, task_events_lost_said;
	struct map followed; /* pids whose children are targets, when the kernel does not say */
	bool follow;
};
void feed_init(struct feed *f, const struct sampler_opts *o, s64 wall_offset_ns);
/* Processes what is there; all: up to this moment, else but the last milliseconds. 0 or -errno. */
int feed_drain(struct feed *f, bool all);
void feed_done(struct feed *f);

/* ---- record.c, summary.c -----------------------------------------------------------------------
 */

struct recorder {
	const struct record_opts *o;
	struct record_result *r;
	struct sampler_opts so; /* o->sampler, clamped to what the kernel allows */
	struct loop *loop;
	struct command_run command;
	u32 command_pid;
	bool not_run; /* the command could not be executed */
	struct sym_ctx *sym;
	struct feed feed;
	struct prof prof;
	struct out *out;
	struct buf online;	   /* one byte per CPU */
	VEC(int) pidfds;	   /* of the targets; -1 once ended */
	struct sampler_stats said; /* what earlier chunks have told */
	struct budget budget;
	u64 start_ns, chunk_ns, freq_hz;
	s64 wall_offset_ns;
	u32 traced_cpus;	 /* the most there were */
	const char *why_stopped; /* NULL: as planned */
	u32 n_signals;
	bool progress_shown;
	int rc; /* first failure while running */
};

/* Fills in meta; ids of strings are good for the chunk p only. */
void summary_meta(struct recorder *rec, const struct sampler_stats *st);
/* The line at the end. file_bytes: what was written. */
void summary_line(struct recorder *rec, const struct sampler_stats *st, u64 file_bytes);
void summary_progress(struct recorder *rec, const struct sampler_stats *st);
u64 summary_lost(const struct sampler_stats *st);

#endif
