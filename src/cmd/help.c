// SPDX-License-Identifier: Apache-2.0
/* spoor help: a command's help, man page and completion, all made from its descriptor. */
#include "cmd/cmd_int.h"

struct help_opts {
	bool man, list;
	const char *completion;
};

static const struct opt help_options[] = {
	{0, "man", OPT_FLAG, offsetof(struct help_opts, man), NULL,
	 "print the man page of the command, or of spoor, in roff"},
	{0, "completion", OPT_CHOICE, offsetof(struct help_opts, completion), "SHELL",
	 "print the completion script for this shell", "bash|zsh|fish"},
	{0, "list", OPT_FLAG, offsetof(struct help_opts, list), NULL,
	 "print the names of all commands, one a line"},
	OPT_END,
};

static int help_run(struct command_ctx *ctx);

const struct command cmd_help = {
	.name = "help",
	.group = GROUP_HELP,
	.summary = "explain a command; print man pages and shell completions",
	.usage = "[options] [COMMAND]",
	.details = "Without a command, shows all commands by the question that they answer.",
	.examples = "spoor help record\twhat record does and takes\n"
		    "spoor help --man record | man -l -\tthe same as a man page\n"
		    "source <(spoor help --completion bash)\tcompletion in this shell, at once\n",
	.opts = help_options,
	.opts_bytes = sizeof(struct help_opts),
	.complete = "subcommand",
	.run = help_run,
};

static void add_examples(struct buf *b, const char *examples, int width)
{
	for (const char *s = examples; *s;) {
		size_t n = strcspn(s, "\n"), cmd = strcspn(s, "\t\n");

		buf_addf(b, "  %.*s\n", (int)cmd, s);
		if (cmd < n) {
			char *what = xstrndup(s + cmd + 1, n - cmd - 1);
			opt_wrap(b, what, 6, width);
			free(what);
		}
		s += n + (s[n] == '\n');
	}
}

void cmd_help_text(struct buf *b, const struct command *c, int width)
{
	buf_addf(b, "spoor %s: %s\n\nusage: spoor %s %s\n\n", c->name, c->summary, c->name,
		 c->usage);
	if (c->details) {
		opt_wrap(b, c->details, 0, width);
		buf_addc(b, '\n');
	}
	if (cmd_opts(c)->type != OPT_GROUP)
		buf_adds(b, "Options:\n");
	opt_help(b, cmd_opts(c), width);
	if (c->examples) {
		buf_adds(b, "\nExamples:\n");
		add_examples(b, c->examples, width);
	}
}

static int print_buf(struct buf *b)
{
	fwrite(b->p, 1, b->n, stdout);
	buf_done(b);
	return EXIT_DONE;
}

static int print_completion(const char *shell)
{
	struct buf b = {0};

	if (!strcmp(shell, "bash"))
		cmd_complete_bash(&b);
	else if (!strcmp(shell, "zsh"))
		cmd_complete_zsh(&b);
	else
		cmd_complete_fish(&b);
	return print_buf(&b);
}

static int help_run(struct command_ctx *ctx)
{
	const struct help_opts *o = ctx->opts;
	const struct command *c = NULL;
	struct buf b = {0};

	if (ctx->inputs.n > 1)
		return cmd_misuse(ctx, "one command at a time");
	if (ctx->inputs.n) {
		c = cmd_find(ctx->inputs.v[0]);
		if (!c)
			return cmd_unknown(ctx->inputs.v[0]);
	}
	if (o->completion)
		return print_completion(o->completion);
	if (o->man)
		cmd_man(&b, c);
	else if (o->list)
		for (size_t i = 0; commands[i]; i++)
			buf_addf(&b, "%s\n", commands[i]->name);
	else if (c)
		cmd_help_text(&b, c, 80);
	else
		cmd_first_screen(&b);
	return print_buf(&b);
}
