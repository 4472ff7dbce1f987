// SPDX-License-Identifier: Apache-2.0
/* Man pages in roff, from the commands' descriptors. */
#include "cmd/cmd_int.h"

/* Text in running lines: nothing in it may look like a request or an escape. */
static void roff_text(struct buf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((s[i] == '.' || s[i] == '\'') && (!i || s[i - 1] == '\n'))
			buf_adds(b, "\\&");
		if (s[i] == '\\')
			buf_adds(b, "\\e");
		else if (s[i] == '-')
			buf_adds(b, "\\-");
		else if (s[i] == '\'')
			buf_adds(b, "\\(aq");
		else
			buf_addc(b, s[i]);
	}
}

static void roff(struct buf *b, const char *s)
{
	roff_text(b, s, strlen(s));
}

/* Paragraphs are separated by blank lines; lines that start with a blank are kept as they are. */
static void roff_paragraphs(struct buf *b, const char *text)
{
	bool verbatim = false;

	for (const char *s = text; *s;) {
		size_t n = strcspn(s, "\n");

		if (verbatim != (n && *s == ' ')) {
			verbatim = !verbatim;
			buf_adds(b, verbatim ? ".nf\n" : ".fi\n");
		}
		if (n) {
			roff_text(b, s, n);
			buf_addc(b, '\n');
		} else if (s[1]) {
			buf_adds(b, ".PP\n");
		}
		s += n + (s[n] == '\n');
	}
	if (verbatim)
		buf_adds(b, ".fi\n");
}

static void roff_option(struct buf *b, const struct opt *o)
{
	buf_adds(b, ".TP\n");
	if (o->letter)
		buf_addf(b, "\\fB\\-%c\\fR", o->letter);
	if (o->letter && o->name)
		buf_adds(b, ", ");
	if (o->name) {
		buf_adds(b, "\\fB\\-\\-");
		roff(b, o->name);
		buf_adds(b, "\\fR");
	}
	if (opt_takes_arg(o)) {
		buf_adds(b, " \\fI");
		roff(b, o->arg ? o->arg : o->choices ? o->choices : "ARG");
		buf_adds(b, "\\fR");
	}
	buf_addc(b, '\n');
	roff(b, o->help ? o->help : "");
	buf_addc(b, '\n');
}

static void roff_options(struct buf *b, const struct command *c)
{
	buf_adds(b, ".SH OPTIONS\n");
	for (const struct opt *o = cmd_opts(c); !opt_is_end(o); o++) {
		if (o->type != OPT_GROUP) {
			roff_option(b, o);
			continue;
		}
		buf_adds(b, ".SS ");
		roff(b, o->help);
		buf_addc(b, '\n');
	}
	roff_option(b, &opt_help_option);
}

static void roff_examples(struct buf *b, const char *examples)
{
	buf_adds(b, ".SH EXAMPLES\n");
	for (const char *s = examples; *s;) {
		size_t n = strcspn(s, "\n"), cmd = strcspn(s, "\t\n");

		buf_adds(b, ".TP\n\\fB");
		roff_text(b, s, cmd);
		buf_adds(b, "\\fR\n");
		if (cmd < n)
			roff_text(b, s + cmd + 1, n - cmd - 1);
		buf_addc(b, '\n');
		s += n + (s[n] == '\n');
	}
}

static void roff_exit_status(struct buf *b)
{
	static const char *const meaning[][2] = {
		{"0", "Done."},
		{"1", "Wrong use: an option, a command or an input that makes no sense."},
		{"2", "The world refused: a permission, the kernel, a file."},
		{"3", "Done, but something was lost and \\-\\-strict was given."},
		{"4", "A check failed."},
	};

	buf_adds(b, ".SH EXIT STATUS\n");
	for (size_t i = 0; i < ARRAY_SIZE(meaning); i++)
		buf_addf(b, ".TP\n\\fB%s\\fR\n%s\n", meaning[i][0], meaning[i][1]);
}

static void see_also(struct buf *b, const struct command *c)
{
	const char *sep = "";

	buf_adds(b, ".SH SEE ALSO\n");
	if (c) {
		buf_adds(b, "\\fBspoor\\fR(1)");
		sep = ", ";
	}
	for (size_t i = 0; commands[i]; i++) {
		if (commands[i] == c)
			continue;
		buf_addf(b, "%s\\fBspoor\\-%s\\fR(1)", sep, commands[i]->name);
		sep = ", ";
	}
	buf_addc(b, '\n');
}

static void title(struct buf *b, const char *command, const char *summary)
{
	buf_adds(b, ".\\\" Made by `make man` from the option tables; changes here are lost.\n");
	buf_adds(b, ".TH SPOOR");
	if (command) {
		buf_adds(b, "\\-");
		for (const char *s = command; *s; s++)
			buf_addc(b, (char)(*s >= 'a' && *s <= 'z' ? *s - 'a' + 'A' : *s));
	}
	buf_adds(b, " 1 \"\" \"spoor " SPOOR_VERSION "\" \"spoor\"\n.SH NAME\nspoor");
	if (command)
		buf_addf(b, "\\-%s", command);
	buf_adds(b, " \\- ");
	roff(b, summary);
	buf_addc(b, '\n');
}

static void man_spoor(struct buf *b)
{
	title(b, NULL, "shows what a Linux machine is doing and why it is slow");
	buf_adds(b, ".SH SYNOPSIS\n\\fBspoor\\fR \\fICOMMAND\\fR [\\fIoptions\\fR] "
		    "[\\fIINPUT\\fR...]\n.br\n\\fBspoor\\fR \\fB\\-\\-help\\fR | "
		    "\\fB\\-\\-version\\fR\n.SH DESCRIPTION\n");
	roff_paragraphs(b, "Commands take files, or - for standard input, as inputs. -o FILE is "
			   "the output, - is standard output. Options and inputs may mix; -- ends "
			   "options. The same letter means the same thing in every command.\n");
	buf_adds(b, ".SH COMMANDS\n");
	for (size_t g = 0; cmd_groups[g]; g++) {
		buf_addf(b, ".SS %s\n", cmd_groups[g]);
		for (size_t i = 0; commands[i]; i++) {
			if (strcmp(commands[i]->group, cmd_groups[g]))
				continue;
			buf_addf(b, ".TP\n\\fBspoor\\-%s\\fR(1)\n", commands[i]->name);
			roff(b, commands[i]->summary);
			buf_addc(b, '\n');
		}
	}
}

void cmd_man(struct buf *b, const struct command *c)
{
	if (c) {
		title(b, c->name, c->summary);
		buf_addf(b, ".SH SYNOPSIS\n\\fBspoor %s\\fR ", c->name);
		roff(b, c->usage);
		buf_addc(b, '\n');
		if (c->details) {
			buf_adds(b, ".SH DESCRIPTION\n");
			roff_paragraphs(b, c->details);
		}
		roff_options(b, c);
		if (c->examples)
			roff_examples(b, c->examples);
	} else {
		man_spoor(b);
	}
	roff_exit_status(b);
	see_also(b, c);
}
