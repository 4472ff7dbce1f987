// SPDX-License-Identifier: Apache-2.0
/* Completion scripts for bash, zsh and fish, from the commands' descriptors. */
#include "cmd/cmd_int.h"

/* Calls fn for each real option of c, -h included. */
static void each_option(struct buf *b, const struct command *c,
			void (*fn)(struct buf *b, const struct command *c, const struct opt *o))
{
	for (const struct opt *o = cmd_opts(c); !opt_is_end(o); o++)
		if (o->type != OPT_GROUP)
			fn(b, c, o);
	fn(b, c, &opt_help_option);
}

/* Choices separated by blanks instead of bars. */
static void add_choices(struct buf *b, const char *choices)
{
	for (const char *s = choices; *s; s++)
		buf_addc(b, *s == '|' ? ' ' : *s);
}

static void add_commands(struct buf *b)
{
	for (size_t i = 0; commands[i]; i++)
		buf_addf(b, "%s%s", i ? " " : "", commands[i]->name);
}

static bool completes(const char *what, const char *kind)
{
	return what && !strcmp(what, kind);
}

/* ---- bash ---------------------------------------------------------------------------------- */

static const char bash_head[] =
	"# bash completion for spoor, made by `spoor help --completion bash`\n"
	"_spoor_files() {\n"
	"\tcompopt -o filenames 2>/dev/null\n"
	"\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	"}\n"
	"_spoor_words() {\n"
	"\tmapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
	"}\n"
	"_spoor() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} i opts=\n"
	"\tCOMPREPLY=()\n"
	"\t# --option=value comes as three words\n"
	"\tif [[ $cur == = ]]; then\n"
	"\t\tcur=\n"
	"\telif [[ $prev == = ]]; then\n"
	"\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\tfi\n";

static void bash_arg(struct buf *b, const struct command *c, const struct opt *o)
{
	if (!opt_takes_arg(o))
		return;
	buf_adds(b, "\t\t");
	if (o->letter)
		buf_addf(b, "-%c", o->letter);
	if (o->name)
		buf_addf(b, "%s--%s", o->letter ? "|" : "", o->name);
	buf_adds(b, ") ");
	if (o->choices) {
		buf_adds(b, "_spoor_words '");
		add_choices(b, o->choices);
		buf_adds(b, "'; ");
	} else if (completes(o->complete, "file")) {
		buf_adds(b, "_spoor_files; ");
	} else if (completes(o->complete, "pid")) {
		buf_adds(b, "_spoor_words \"$(cd /proc && echo [0-9]*)\"; ");
	} else if (completes(o->complete, "command")) {
		buf_adds(b, "mapfile -t COMPREPLY < <(compgen -c -- \"$cur\"); ");
	}
	buf_adds(b, "return ;;\n");
}

static void bash_name(struct buf *b, const struct command *c, const struct opt *o)
{
	if (o->name)
		buf_addf(b, " --%s", o->name);
	else
		buf_addf(b, " -%c", o->letter);
}

static void bash_command(struct buf *b, const struct command *c)
{
	buf_addf(b, "\t%s)\n", c->name);
	if (c->takes_command)
		buf_adds(b, "\t\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
			    "\t\t\t[[ ${COMP_WORDS[i]} == -- ]] || continue\n"
			    "\t\t\tif ((i + 1 == COMP_CWORD)); then\n"
			    "\t\t\t\tmapfile -t COMPREPLY < <(compgen -c -- \"$cur\")\n"
			    "\t\t\telse\n"
			    "\t\t\t\t_spoor_files\n"
			    "\t\t\tfi\n"
			    "\t\t\treturn\n"
			    "\t\tdone\n");
	buf_adds(b, "\t\tcase $prev in\n");
	each_option(b, c, bash_arg);
	buf_adds(b, "\t\tesac\n\t\topts='");
	each_option(b, c, bash_name);
	buf_adds(b, "'\n");
	if (completes(c->complete, "subcommand")) {
		buf_adds(b, "\t\t[[ $cur == -* ]] || opts='");
		add_commands(b);
		buf_adds(b, "'\n");
	} else if (!c->no_inputs) {
		buf_adds(b, "\t\t[[ $cur == -?* ]] || { _spoor_files; return; }\n");
	}
	buf_adds(b, "\t\t;;\n");
}

void cmd_complete_bash(struct buf *b)
{
	buf_adds(b, bash_head);
	buf_adds(b, "\tif ((COMP_CWORD == 1)); then\n\t\t_spoor_words '");
	add_commands(b);
	buf_adds(b, " --help --version'\n\t\treturn\n\tfi\n\tcase ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; commands[i]; i++)
		bash_command(b, commands[i]);
	buf_adds(b, "\tesac\n\t_spoor_words \"$opts\"\n}\ncomplete -F _spoor spoor\n");
}

/* ---- zsh ----------------------------------------------------------------------------------- */

/* Inside '...' and inside a description, where [ ] : end it. */
static void zsh_text(struct buf *b, const char *s)
{
	for (; *s; s++) {
		if (strchr("[]:\\", *s))
			buf_addc(b, '\\');
		if (*s == '\'')
			buf_adds(b, "'\\''");
		else
			buf_addc(b, *s);
	}
}

/* 'SPEC[help]:ARG:action' ; spec is one spelling. */
static void zsh_spec(struct buf *b, const struct opt *o, const char *spec)
{
	bool again = o->type == OPT_LIST || o->type == OPT_COUNT;

	buf_adds(b, " \\\n\t\t\t'");
	if (again)
		buf_addc(b, '*');
	else if (o->letter && o->name)
		buf_addf(b, "(-%c --%s)", o->letter, o->name);
	buf_adds(b, spec);
	buf_addc(b, '[');
	zsh_text(b, o->help ? o->help : "");
	buf_addc(b, ']');
	if (opt_takes_arg(o)) {
		buf_addc(b, ':');
		zsh_text(b, o->arg ? o->arg : "value");
		buf_addc(b, ':');
		if (o->choices) {
			buf_addc(b, '(');
			add_choices(b, o->choices);
			buf_addc(b, ')');
		} else if (completes(o->complete, "file")) {
			buf_adds(b, "_files");
		} else if (completes(o->complete, "pid")) {
			buf_adds(b, "_pids");
		} else if (completes(o->complete, "command")) {
			buf_adds(b, "_command_names -e");
		}
	}
	buf_addc(b, '\'');
}

static void zsh_option(struct buf *b, const struct command *c, const struct opt *o)
{
	char spec[80];

	if (o->letter) {
		snprintf(spec, sizeof(spec), "-%c%s", o->letter, opt_takes_arg(o) ? "+" : "");
		zsh_spec(b, o, spec);
	}
	if (o->name) {
		snprintf(spec, sizeof(spec), "--%s%s", o->name, opt_takes_arg(o) ? "=" : "");
		zsh_spec(b, o, spec);
	}
}

static void zsh_subcommands(struct buf *b)
{
	buf_adds(b, " \\\n\t\t\t'1:command:(");
	add_commands(b);
	buf_adds(b, ")'");
}

void cmd_complete_zsh(struct buf *b)
{
	buf_adds(b, "#compdef spoor\n# zsh completion for spoor, made by `spoor help --completion "
		    "zsh`\n_spoor() {\n\tlocal -a cmds\n\tcmds=(\n");
	for (size_t i = 0; commands[i]; i++) {
		buf_addf(b, "\t\t'%s:", commands[i]->name);
		zsh_text(b, commands[i]->summary);
		buf_adds(b, "'\n");
	}
	buf_adds(b, "\t)\n\tif ((CURRENT == 2)); then\n\t\t_describe -t commands 'spoor command' "
		    "cmds\n\t\treturn\n\tfi\n\tlocal cmd=$words[2]\n\tshift words\n"
		    "\t((CURRENT--))\n\tcase $cmd in\n");
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		buf_addf(b, "\t%s)\n\t\t_arguments -s -S", c->name);
		each_option(b, c, zsh_option);
		if (c->takes_command)
			buf_adds(b, " \\\n\t\t\t'*:::command:_normal'");
		else if (completes(c->complete, "subcommand"))
			zsh_subcommands(b);
		else if (!c->no_inputs)
			buf_adds(b, " \\\n\t\t\t'*:input:_files'");
		buf_adds(b, "\n\t\t;;\n");
	}
	/* Run when autoloaded as a function; only define it when sourced. */
	buf_adds(b, "\tesac\n}\nif [[ $funcstack[1] == _spoor ]]; then\n\t_spoor \"$@\"\nelse\n"
		    "\tcompdef _spoor spoor\nfi\n");
}

/* ---- fish ---------------------------------------------------------------------------------- */

static void fish_text(struct buf *b, const char *s)
{
	for (; *s; s++) {
		if (*s == '\'' || *s == '\\')
			buf_addc(b, '\\');
		buf_addc(b, *s);
	}
}

static void fish_option(struct buf *b, const struct command *c, const struct opt *o)
{
	buf_addf(b, "complete -c spoor -n '__fish_seen_subcommand_from %s'", c->name);
	if (o->letter)
		buf_addf(b, " -s %c", o->letter);
	if (o->name)
		buf_addf(b, " -l %s", o->name);
	if (opt_takes_arg(o)) {
		if (o->choices) {
			buf_adds(b, " -x -a '");
			add_choices(b, o->choices);
			buf_addc(b, '\'');
		} else if (completes(o->complete, "file")) {
			buf_adds(b, " -r -F");
		} else if (completes(o->complete, "pid")) {
			buf_adds(b, " -x -a '(__fish_complete_pids)'");
		} else if (completes(o->complete, "command")) {
			buf_adds(b, " -x -a '(__fish_complete_command)'");
		} else {
			buf_adds(b, " -x");
		}
	}
	buf_adds(b, " -d '");
	fish_text(b, o->help ? o->help : "");
	buf_adds(b, "'\n");
}

static const char fish_head[] =
	"# fish completion for spoor, made by `spoor help --completion fish`\n"
	"function __spoor_after_dashes\n"
	"\tset -l words (commandline -opc)\n"
	"\tset -e words[1..(contains -i -- -- $words)]\n"
	"\tcomplete -C (string join ' ' -- (string escape -- $words) (commandline -ct))\n"
	"end\n"
	"complete -c spoor -f\n";

void cmd_complete_fish(struct buf *b)
{
	buf_adds(b, fish_head);
	buf_adds(b,
		 "complete -c spoor -n __fish_use_subcommand -l help -d 'show the commands'\n"
		 "complete -c spoor -n __fish_use_subcommand -l version -d 'show the version'\n");
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		buf_addf(b, "complete -c spoor -n __fish_use_subcommand -a %s -d '", c->name);
		fish_text(b, c->summary);
		buf_adds(b, "'\n");
		each_option(b, c, fish_option);
		buf_addf(b, "complete -c spoor -n '__fish_seen_subcommand_from %s", c->name);
		if (c->takes_command)
			buf_adds(b, "; and contains -- -- (commandline -opc)' -a "
				    "'(__spoor_after_dashes)'\n");
		else if (completes(c->complete, "subcommand"))
			buf_adds(b, "' -a '");
		else
			buf_adds(b, c->no_inputs ? "' -f\n" : "' -F\n");
		if (completes(c->complete, "subcommand")) {
			add_commands(b);
			buf_adds(b, "'\n");
		}
	}
}
