/* SPDX-License-Identifier: Apache-2.0 */
/* cmd: one file a subcommand, its descriptor first; one line in table.c. */
#ifndef SPOOR_CMD_H
#define SPOOR_CMD_H

#include "base/base.h"

struct command_ctx {
	const struct command *cmd;
	const void *opts; /* the command's own struct */
	struct opt_list inputs;
	char **rest;	     /* after "--", NULL when there is none */
	struct arena *arena; /* lives as long as the command */
};

struct command {
	const char *name;
	const char *group;    /* the question it answers: one of cmd_groups[] */
	const char *summary;  /* "record stacks of the whole machine, a process or a command" */
	const char *usage;    /* "[options] [-- COMMAND ARGS]" : without "spoor record" */
	const char *details;  /* paragraphs for help and the man page; blank line between */
	const char *examples; /* lines "command\tdescription" */
	const struct opt *opts;
	size_t opts_bytes; /* sizeof the struct that opts fill; zeroed, then defaults() */
	void (*defaults)(void *opts);
	/* Exit status 0 to 4, or a run command's own; a negative errno prints err_msg() and
	 * gives 2. */
	int (*run)(struct command_ctx *c);
};
extern const struct command *const commands[]; /* NULL-terminated */
extern const char *const cmd_groups[]; /* NULL-terminated, in the order of the first screen */

#define EXIT_DONE 0
#define EXIT_USAGE 1
#define EXIT_WORLD 2
#define EXIT_LOST 3
#define EXIT_CHECK 4

int cmd_main(int argc, char **argv); /* all of main() */

#endif
