/* SPDX-License-Identifier: Apache-2.0 */
/* cmd: one file a subcommand, its descriptor first; one line in table.c. */
#ifndef SPOOR_CMD_H
#define SPOOR_CMD_H

#include "base/base.h"

struct command_ctx {
	const struct command *cmd;
	void *opts; /* the command's own struct */
	struct opt_list inputs;
	char **rest;	     /* takes_command: what follows "--", NULL when there is none */
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
	size_t opts_bytes;    /* sizeof the struct that opts fill; zeroed, then defaults() */
	bool no_inputs;	      /* operands are a mistake */
	bool takes_command;   /* what follows "--" is a command to run; else more inputs */
	const char *complete; /* what inputs are, for completion; NULL: files */
	void (*defaults)(void *opts);
	/*
	 * Exit status 0 to 4, or a run command's own; a negative errno prints err_msg() and gives
	 * 2. Whatever was printed to stdout is flushed and checked by the caller.
	 */
	int (*run)(struct command_ctx *c);
};
extern const struct command *const commands[]; /* NULL-terminated */
extern const char *const cmd_groups[]; /* NULL-terminated, in the order of the first screen */
#define GROUP_CPU "Where does CPU time go?"
#define GROUP_FILE "What is in this file?"
#define GROUP_MACHINE "What can this machine do?"
#define GROUP_HELP "How do I use this?"

/* -q and -v, for every table; T has bool quiet and u8 verbose. They set log_level before run(). */
#define OPTS_COMMON(T)                                                                             \
	{'q', "quiet", OPT_FLAG, offsetof(T, quiet), NULL, "say only what went wrong"},            \
	{                                                                                          \
		'v', "verbose", OPT_COUNT, offsetof(T, verbose), NULL,                             \
			"say more about what is being done; twice: everything"                     \
	}

#define EXIT_DONE 0
#define EXIT_USAGE 1
#define EXIT_WORLD 2
#define EXIT_LOST 3
#define EXIT_CHECK 4

int cmd_main(int argc, char **argv); /* all of main() */
/* A mistake in the use of a command: says it with a `try:` line, returns EXIT_USAGE. */
int cmd_misuse(const struct command_ctx *c, const char *fmt, ...) PRINTF(2, 3);

#endif
