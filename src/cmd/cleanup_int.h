/* SPDX-License-Identifier: Apache-2.0 */
/* What cleanup looks for, each kind by itself, under a root so that tests can make a machine up. */
#ifndef SPOOR_CLEANUP_INT_H
#define SPOOR_CLEANUP_INT_H

#include "cmd/cmd.h"

struct cleanup {
	const char *root; /* in front of /proc and /sys: "" or a made-up machine */
	bool dry_run;
	bool others; /* another spoor runs: what has no owner's pid in its name may be its own */
	u64 now_s;   /* wall clock */
	u64 removed, kept, failed;
	struct out *out; /* one line for each thing found */
};

/* The number at the end of "spoor-123", "spoor_rec_123"; 0 when there is none. */
pid_t cleanup_owner(const char *name);

/*
 * `.NAME.spoor-PID.tmp` (cache: NAME.PID.tmp, and NAME.sym not used for 30 days) whose writer is
 * gone and that nobody wrote to in the last minute. A directory that is not there is empty.
 */
void cleanup_files(struct cleanup *c, const char *dir, bool cache);
/* instances/spoor* and probes in groups spoor* of tracefs. */
void cleanup_tracefs(struct cleanup *c);
/* spoor* pinned in /sys/fs/bpf. */
void cleanup_bpffs(struct cleanup *c);

#endif
