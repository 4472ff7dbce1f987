/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: what happens while something is being recorded. procs.c keeps who mapped what and when;
 * stacks.c turns addresses into frames with them; feed.c joins samples and task events in time
 * order; record.c runs the loop and writes chunks; command.c is the recorded command, budget.c
 * watches what it all costs.
 */
#ifndef SPOOR_RUN_H
#define SPOOR_RUN_H

#include "base/base.h"
#include "bpf/bpf.h"
#include "prof/prof.h"
#include "sym/sym.h"

struct record_opts {
	struct sampler_opts sampler;
	u64 dur_ns;	      /* 0: until Ctrl-C or the command's end */
	const char *out_path; /* "-" stdout */
	char **cmd;	      /* NULL-terminated command to run, or NULL */
	double budget_pct;    /* 0: never stop */
	bool progress;	      /* a line on stderr that is kept up to date */
	bool no_cache;
	bool all;	     /* with cmd: record everything while it runs */
	const char *cmdline; /* what was typed, for the recording */
};
struct record_result {
	u64 samples, processes, lost, idle;
	u64 cpu_ns, bpf_ns;
	double complete_pct; /* share of samples whose stack is complete */
	int cmd_status;	     /* wait status of the command, or -1 */
	bool over_budget;
	struct buf summary; /* the one line at the end; empty when nothing was recorded */
};
/*
 * 0 or -errno with message; with -errno the summary says what was written before, if anything. When
 * the command could not be run, cmd_status is that of a shell (127 or 126). The result's buf is the
 * caller's.
 */
int record_run(const struct record_opts *o, struct record_result *r);

#endif
