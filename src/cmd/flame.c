// SPDX-License-Identifier: Apache-2.0
/* spoor flame: from profiles of any format to one SVG. */
#include "cmd/input_int.h"
#include "sym/sym.h"
#include "view/view.h"

#include <sys/stat.h>
#include <unistd.h>

struct flame_cmd {
	const char *output, *title, *subtitle, *value, *format;
	struct prof_filter keep;
	u64 width_px;
	bool inverted, offsets, no_demangle, strict, quiet;
	u8 verbose;
};

static const struct opt flame_options[] = {
	{0, NULL, OPT_GROUP, .help = "The picture"},
	{'o', "output", OPT_STR, offsetof(struct flame_cmd, output), "FILE",
	 "Write the picture here; - is standard output.", .complete = "file"},
	{0, "title", OPT_STR, offsetof(struct flame_cmd, title), "TEXT", "Its title."},
	{0, "subtitle", OPT_STR, offsetof(struct flame_cmd, subtitle), "TEXT",
	 "A line under the title."},
	{0, "width", OPT_U64, offsetof(struct flame_cmd, width_px), "PX",
	 "Its width in pixels. Default 1200.", .min = 320, .max = 20000},
	{0, "inverted", OPT_FLAG, offsetof(struct flame_cmd, inverted), NULL,
	 "Root at the top (icicle graph)."},
	{0, "value", OPT_STR, offsetof(struct flame_cmd, value), "NAME",
	 "What widths stand for when the profile has several values; `spoor info` lists them."},
	{0, "no-demangle", OPT_FLAG, offsetof(struct flame_cmd, no_demangle), NULL,
	 "Show C++ and Rust names as they stand in the file."},
	{0, "offsets", OPT_FLAG, offsetof(struct flame_cmd, offsets), NULL,
	 "Keep functions without a name apart, as [file+0xoffset], instead of one [file]."},
	OPTS_FILTER(struct flame_cmd),
	{0, NULL, OPT_GROUP, .help = "Input"},
	{0, "format", OPT_STR, offsetof(struct flame_cmd, format), "NAME",
	 "Format of the input; normally told by content."},
	{0, "strict", OPT_FLAG, offsetof(struct flame_cmd, strict), NULL,
	 "Exit status 3 when the input is incomplete: samples lost, data dropped, file cut off."},
	OPTS_COMMON(struct flame_cmd),
	OPT_END,
};

static int flame_run(struct command_ctx *c);

const struct command cmd_flame = {
	.name = "flame",
	.group = GROUP_CPU,
	.summary = "draw a flame graph: an SVG with zoom and search",
	.usage = "[options] [INPUT...]",
	.details =
		"INPUT is a recording (.spoor), folded stacks or perf script output, plain or "
		"compressed; - is standard input. Without INPUT the newest *.spoor of the current "
		"directory is read, and named on stderr. Several inputs are added up.\n\n"
		"Without -o the picture goes to standard output when that is a file or the input "
		"is -, and else to a file of the current directory named after the input, whose "
		"name is printed.\n\n"
		"The picture opens at once at any size: only what can be seen is drawn, the "
		"heaviest frames are in the file and appear on zoom, grey stands for the rest. "
		"In a browser: a click zooms; / or Ctrl-F searches by regular expression and shows "
		"the share of what matches, Ctrl-I ignores case; arrow keys and Enter walk; Esc "
		"goes back. Zoom and search are in the address, to be passed on. Without scripts "
		"it is a still picture.\n\n"
		"Exit status: 0 done, 1 wrong use, 2 unreadable input or no samples (the picture "
		"then says so), 3 --strict and something is missing.",
	.examples = "spoor flame\tthe newest recording, as an SVG of its name\n"
		    "spoor record -a -d 10 -o - | spoor flame - > x.svg\tthe whole machine, 10 s\n"
		    "spoor flame -n nginx --from 2s --to 3s rec.spoor\tone second of one program\n"
		    "spoor flame --filter '^tcp_' -o tcp.svg stacks.folded\tonly some stacks\n"
		    "perf script | spoor flame - > x.svg\tfrom a recording made by perf",
	.opts = flame_options,
	.opts_bytes = sizeof(struct flame_cmd),
	.run = flame_run,
};

/* Does standard output lead into a file that someone redirected it to? */
static bool stdout_is_file(void)
{
	struct stat st;

	return !fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode);
}

/* Where to write: dir/app.folded.gz -> app.svg here. */
static const char *output_name(struct command_ctx *c, const struct flame_cmd *o, const char *in)
{
	const char *base = strrchr(in, '/');
	struct buf b = {0};
	const char *name;
	char *dot;

	if (o->output)
		return o->output;
	if (stdout_is_file() || (!strcmp(in, "-") && !isatty(STDOUT_FILENO)))
		return "-";
	if (!strcmp(in, "-"))
		return "flame.svg";
	buf_adds(&b, base ? base + 1 : in);
	if (!b.n)
		buf_adds(&b, "flame");
	dot = strrchr(b.p, '.');
	if (dot && dot != b.p && (!strcmp(dot, ".gz") || !strcmp(dot, ".zst"))) {
		*dot = '\0';
		dot = strrchr(b.p, '.');
	}
	if (dot && dot != b.p)
		*dot = '\0';
	b.n = strlen(b.p);
	buf_adds(&b, ".svg");
	name = arena_strndup(c->arena, b.p, b.n);
	buf_done(&b);
	return name;
}

/* An empty picture is written too, but is a failure: a script should not take it for an answer. */
static int say_empty(const struct prof *p, const struct flame_cmd *o, const char *in)
{
	for (u32 i = 0; i < p->nvalues; i++) {
		if (prof_sum(p, i))
			return 0;
	}
	err(-EBADMSG, "no samples in %s%s", strcmp(in, "-") ? in : "standard input",
	    cmd_is_filtered(&o->keep) ? " pass the filter" : "");
	if (strcmp(in, "-"))
		err_try("spoor info %s", in);
	return -EBADMSG;
}

static int draw(struct prof *p, const struct flame_cmd *o, struct out *out)
{
	struct flame_opts fo = {.title = o->title,
				.subtitle = o->subtitle,
				.width_px = (u32)o->width_px,
				.inverted = o->inverted,
				.offsets = o->offsets,
				.rename = o->no_demangle ? NULL : sym_demangle};
	int rc = cmd_filter(p, &o->keep, o->no_demangle);

	if (!rc)
		rc = cmd_value_find(p, o->value, &fo.column);
	return rc ? rc : view_flame(p, &fo, out);
}

/*
 * Nothing could be read. A file stays as it was; but what is redirected exists already, and has to
 * be a picture whatever happens. The message for stderr is kept.
 */
static void draw_problem(struct command_ctx *c, struct out *out)
{
	const struct flame_cmd *o = c->opts;
	struct flame_opts fo = {.title = o->title,
				.subtitle = o->subtitle,
				.width_px = (u32)o->width_px,
				.problem = arena_strndup(c->arena, err_msg(), strlen(err_msg()))};
	struct prof none;

	prof_init(&none);
	prof_finish(&none);
	view_flame(&none, &fo, out);
	prof_done(&none);
}

/* Reads, draws, and puts the whole picture in its place, or nothing. */
static int draw_file(struct command_ctx *c, const char *in, bool *incomplete)
{
	const struct flame_cmd *o = c->opts;
	const char *name = output_name(c, o, in);
	struct out *out = out_open(name, true);
	struct prof p;
	int rc, rc_close;

	if (!out)
		return -EIO;
	prof_init(&p);
	rc = cmd_load(c, &p, o->format, incomplete);
	if (!rc)
		rc = draw(&p, o, out);
	if (rc && strcmp(name, "-")) {
		out_abort(out);
		goto done;
	}
	if (rc)
		draw_problem(c, out);
	rc_close = out_close(out);
	rc = rc ? rc : rc_close;
	if (!rc)
		rc = say_empty(&p, o, in);
	if (!rc && !o->output && strcmp(name, "-"))
		printf("%s\n", name);
done:
	prof_done(&p);
	return rc;
}

static int flame_run(struct command_ctx *c)
{
	const struct flame_cmd *o = c->opts;
	const char *in = c->inputs.n ? c->inputs.v[0] : cmd_newest_recording(c->arena);
	bool incomplete = false;
	int rc = -EINVAL;

	if (in && o->keep.to_ns && o->keep.to_ns <= o->keep.from_ns)
		err(-EINVAL, "--to is not after --from: nothing is between them");
	else if (in)
		rc = draw_file(c, in, &incomplete);
	if (rc == -EINVAL) {
		err_print("flame");
		return EXIT_USAGE;
	}
	return rc ? rc : o->strict && incomplete ? EXIT_LOST : EXIT_DONE;
}
