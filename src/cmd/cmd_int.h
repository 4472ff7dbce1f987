/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of cmd/ share: texts that are made from the commands' descriptors. */
#ifndef SPOOR_CMD_INT_H
#define SPOOR_CMD_INT_H

#include "cmd/cmd.h"

const struct command *cmd_find(const char *name); /* NULL when there is none */
/* The table of options, never NULL. */
const struct opt *cmd_opts(const struct command *c);
/* "spoor: unknown command NAME" with the nearest one; EXIT_USAGE. */
int cmd_unknown(const char *name);

void cmd_first_screen(struct buf *b); /* commands by question; at most 24 lines of 80 columns */
void cmd_version(struct buf *b);
void cmd_help_text(struct buf *b, const struct command *c, int width);
/* A man page in roff; c NULL: spoor(1) itself. */
void cmd_man(struct buf *b, const struct command *c);
void cmd_complete_bash(struct buf *b);
void cmd_complete_zsh(struct buf *b);
void cmd_complete_fish(struct buf *b);

#endif
