// SPDX-License-Identifier: Apache-2.0
/* From argv to a command's run(): finding it, parsing its options, reporting how it ended. */
#include "cmd/cmd_int.h"

#include <lzma.h>
#include <sys/utsname.h>
#include <zlib.h>
#include <zstd.h>

#include "bpf/bpf.h"

static const struct opt no_opts[] = {OPT_END};

const struct opt *cmd_opts(const struct command *c)
{
	return c->opts ? c->opts : no_opts;
}

const struct command *cmd_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

int cmd_unknown(const char *name)
{
	VEC(const char *) names = {0};
	struct buf shown = {0};
	const char *near;

	for (size_t i = 0; commands[i]; i++)
		vec_push(&names, commands[i]->name);
	near = opt_nearest(name, names.v, names.n);
	esc_term(&shown, name, strlen(name));
	fprintf(stderr, "spoor: unknown command %s\ntry: spoor%s%s\n", buf_str(&shown),
		near ? " " : "", near ? near : "");
	buf_done(&shown);
	vec_done(&names);
	return EXIT_USAGE;
}

int cmd_misuse(const struct command_ctx *c, const char *fmt, ...)
{
	struct buf text = {0}, shown = {0};
	va_list ap;

	va_start(ap, fmt);
	buf_addvf(&text, fmt, ap);
	va_end(ap);
	esc_term(&shown, text.p, text.n);
	fprintf(stderr, "spoor: %s: %s\ntry: spoor %s --help\n", c->cmd->name, buf_str(&shown),
		c->cmd->name);
	buf_done(&text);
	buf_done(&shown);
	return EXIT_USAGE;
}

void cmd_first_screen(struct buf *b)
{
	buf_adds(b, "spoor shows what a Linux machine is doing and why it is slow.\n");
	for (size_t g = 0; cmd_groups[g]; g++) {
		bool heading = false;

		for (size_t i = 0; commands[i]; i++) {
			if (strcmp(commands[i]->group, cmd_groups[g]))
				continue;
			if (!heading)
				buf_addf(b, "\n%s\n", cmd_groups[g]);
			heading = true;
			buf_addf(b, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
		}
	}
	buf_adds(b, "\nspoor COMMAND --help tells more about one. To begin, as root:\n"
		    "  spoor record -a -d 10 -o a.spoor && spoor flame a.spoor\n");
}

void cmd_version(struct buf *b)
{
	struct utsname u;

	buf_adds(b, "spoor " SPOOR_VERSION);
	if (!uname(&u))
		buf_addf(b, " (%s, Linux %s)", u.machine, u.release);
	buf_addf(b, "\nwith libbpf %s, zlib %s, zstd %s, xz %s, libiberty's demangler\n",
		 feature_libbpf_version(), zlibVersion(), ZSTD_versionString(),
		 lzma_version_string());
	buf_adds(b, "licence: Apache-2.0; BPF programs: GPL-2.0-only OR BSD-2-Clause\n"
		    "linked: libbpf LGPL-2.1 OR BSD-2-Clause, libelf LGPL-3.0+ OR GPL-2.0+,\n"
		    "        zlib Zlib, zstd BSD-3-Clause, liblzma 0BSD, libiberty LGPL-2.0+\n");
}

static void set_log_level(const struct opt *opts, const char *dst)
{
	for (const struct opt *o = opts; !opt_is_end(o); o++) {
		if (o->name && !strcmp(o->name, "quiet") && o->type == OPT_FLAG &&
		    *(const bool *)(dst + o->off))
			log_level = -1;
		if (o->name && !strcmp(o->name, "verbose") && o->type == OPT_COUNT &&
		    *(const u8 *)(dst + o->off))
			log_level = MIN(*(const u8 *)(dst + o->off), 2);
	}
}

static void add_inputs(struct command_ctx *ctx, char **more)
{
	struct opt_list *in = &ctx->inputs;
	size_t n = 0;

	while (more[n])
		n++;
	const char **v = arena_alloc(ctx->arena, (in->n + n + 1) * sizeof(*v));
	if (in->n)
		memcpy(v, in->v, in->n * sizeof(*v));
	memcpy(v + in->n, more, n * sizeof(*v));
	*in = (struct opt_list){v, in->n + n};
}

static int run_command(const struct command *c, struct arena *arena, int argc, char **argv)
{
	struct command_ctx ctx = {.cmd = c, .arena = arena};
	struct opt_result res;
	int rc;

	ctx.opts = arena_alloc(arena, MAX(c->opts_bytes, (size_t)1));
	if (c->defaults)
		c->defaults(ctx.opts);
	if (opt_parse(arena, c->name, cmd_opts(c), ctx.opts, argc, argv, &res))
		return EXIT_USAGE;
	if (res.help) {
		struct buf b = {0};
		cmd_help_text(&b, c, 80);
		fwrite(b.p, 1, b.n, stdout);
		buf_done(&b);
		return EXIT_DONE;
	}
	ctx.inputs = res.inputs;
	if (c->takes_command)
		ctx.rest = res.rest;
	else if (res.rest)
		add_inputs(&ctx, res.rest);
	if (c->no_inputs && ctx.inputs.n)
		return cmd_misuse(&ctx, "%s: takes no inputs%s", ctx.inputs.v[0],
				  c->takes_command ? "; a command goes after --" : "");
	set_log_level(cmd_opts(c), ctx.opts);
	rc = c->run(&ctx);
	if (rc >= 0)
		return rc;
	err_print(c->name);
	return EXIT_WORLD;
}

/* What stdio still holds may not fit any more: a result that did not arrive is no success. */
static int flush_stdout(const char *command, int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	err(errno ? -errno : -EIO, "cannot write to standard output");
	err_print(command);
	return status == EXIT_DONE ? EXIT_WORLD : status;
}

static int print_text(void (*make)(struct buf *b))
{
	struct buf b = {0};

	make(&b);
	fwrite(b.p, 1, b.n, stdout);
	buf_done(&b);
	return flush_stdout(NULL, EXIT_DONE);
}

int cmd_main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "--help";
	const struct command *c;
	struct arena arena;
	int status;

	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		return print_text(cmd_first_screen);
	if (!strcmp(name, "--version") || !strcmp(name, "-V"))
		return print_text(cmd_version);
	c = cmd_find(name);
	if (!c)
		return cmd_unknown(name);
	arena_init(&arena);
	status = run_command(c, &arena, argc - 2, argv + 2);
	arena_done(&arena);
	return flush_stdout(c->name, status);
}
