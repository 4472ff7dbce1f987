/* SPDX-License-Identifier: Apache-2.0 */
/* What commands that read profiles share. */
#ifndef SPOOR_INPUT_INT_H
#define SPOOR_INPUT_INT_H

#include "cmd/cmd.h"
#include "prof/prof.h"

/* Which samples: options for every table; T has struct prof_filter keep. */
#define OPTS_FILTER(T)                                                                             \
	{0, NULL, OPT_GROUP, .help = "Which samples (the rest is counted as dropped)"},            \
		{0,	  "filter",                                                                \
		 OPT_STR, offsetof(T, keep.frame_regex),                                           \
		 "REGEX", "only stacks with a frame that matches"},                                \
		{'p',                                                                              \
		 "pid",                                                                            \
		 OPT_LIST,                                                                         \
		 offsetof(T, keep.pids),                                                           \
		 "PID",                                                                            \
		 "only these processes",                                                           \
		 .complete = "pid"},                                                               \
		{'t', "tid", OPT_LIST, offsetof(T, keep.tids), "TID", "only these threads"},       \
		{'n',	   "name",                                                                 \
		 OPT_LIST, offsetof(T, keep.comms),                                                \
		 "NAME",   "only processes of this name; * and ? stand for any text"},             \
		{'C',	   "cpu",                                                                  \
		 OPT_LIST, offsetof(T, keep.cpus),                                                 \
		 "CPUS",   "only these CPUs, such as 0-3,5"},                                      \
		{0,	  "from",                                                                  \
		 OPT_DUR, offsetof(T, keep.from_ns),                                               \
		 "TIME",  "only from this time after the start"},                                  \
	{                                                                                          \
		0, "to", OPT_DUR, offsetof(T, keep.to_ns), "TIME",                                 \
			"only up to this time after the start"                                     \
	}

/*
 * Loads the inputs into p (initialised, empty), several become one. None given: the newest
 * *.spoor of the current directory, which is then named on stderr. format: NULL tells by content.
 * 0, -EINVAL when there is nothing to read (wrong use), or another -errno; with a message. Says
 * what the files lack in one line on stderr. *incomplete (unless NULL) becomes true when samples
 * were lost, data was dropped or a file is cut off.
 */
int cmd_load(struct command_ctx *c, struct prof *p, const char *format, bool *incomplete);
bool cmd_is_incomplete(const struct prof *p);
/* The newest *.spoor in the current directory, owned by the arena; NULL with a message. */
const char *cmd_newest_recording(struct arena *a);
/* The column of that name; NULL gives ~0u, the default. 0, or -EINVAL with a message. */
int cmd_value_find(const struct prof *p, const char *name, u32 *column);
/* Keeps what the options ask for; a regex also sees names as they are shown. 0 or -EINVAL. */
int cmd_filter(struct prof *p, const struct prof_filter *keep, bool no_demangle);
bool cmd_is_filtered(const struct prof_filter *keep);
/* Standard output is a terminal that may have colour; no_color is the option. */
bool cmd_color(bool no_color);
/* Columns of the terminal on standard output, 0 when it is none. */
u32 cmd_width(void);

#endif
