/* SPDX-License-Identifier: Apache-2.0 */
/* What commands that read profiles share. */
#ifndef SPOOR_INPUT_INT_H
#define SPOOR_INPUT_INT_H

#include "cmd/cmd.h"
#include "prof/prof.h"

/*
 * Loads the inputs into p (initialised, empty), several become one. None given: the newest
 * *.spoor of the current directory, which is then named on stderr. format: NULL tells by content.
 * 0, -EINVAL when there is nothing to read (wrong use), or another -errno; with a message. Says what
 * the files lack in one line on stderr. *incomplete (unless NULL) becomes true when samples were
 * lost, data was dropped or a file is cut off.
 */
int cmd_load(struct command_ctx *c, struct prof *p, const char *format, bool *incomplete);
bool cmd_is_incomplete(const struct prof *p);
/* The newest *.spoor in the current directory, owned by the arena; NULL with a message. */
const char *cmd_newest_recording(struct arena *a);
/* The column of that name; NULL gives ~0u, the default. 0, or -EINVAL with a message. */
int cmd_value_find(const struct prof *p, const char *name, u32 *column);
/* Standard output is a terminal that may have colour; no_color is the option. */
bool cmd_color(bool no_color);
/* Columns of the terminal on standard output, 0 when it is none. */
u32 cmd_width(void);

#endif
