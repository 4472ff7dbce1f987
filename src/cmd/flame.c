// SPDX-License-Identifier: Apache-2.0
/* spoor flame: from profiles of any format to one SVG. */
#include "cmd/cmd.h"
#include "prof/prof.h"
#include "sym/sym.h"
#include "view/view.h"

#include <sys/stat.h>
#include <unistd.h>

struct flame_cmd {
	const char *output, *title, *subtitle, *value, *match;
	struct opt_list pids, tids, comms;
	u64 from_ns, to_ns, width_px;
	bool inverted, no_demangle;
};

static const struct opt flame_options[] = {
	{'o', "output", OPT_STR, offsetof(struct flame_cmd, output), "FILE",
	 "write the picture here; - is standard output", .complete = "file"},
	{0, "title", OPT_STR, offsetof(struct flame_cmd, title), "TEXT", "title of the picture"},
	{0, "subtitle", OPT_STR, offsetof(struct flame_cmd, subtitle), "TEXT",
	 "a line under the title"},
	{0, "width", OPT_U64, offsetof(struct flame_cmd, width_px), "PX",
	 "width of the picture in pixels (1200)", .min = 320, .max = 20000},
	{0, "inverted", OPT_FLAG, offsetof(struct flame_cmd, inverted), NULL,
	 "root at the top (icicle graph)"},
	{0, "value", OPT_STR, offsetof(struct flame_cmd, value), "NAME",
	 "what widths stand for, when the profile has several values"},
	{0, "no-demangle", OPT_FLAG, offsetof(struct flame_cmd, no_demangle), NULL,
	 "show C++ and Rust names as they are in the file"},
	{0, NULL, OPT_GROUP, 0, NULL, "What to show"},
	{'p', "pid", OPT_LIST, offsetof(struct flame_cmd, pids), "PID", "only these processes",
	 .complete = "pid"},
	{'t', "tid", OPT_LIST, offsetof(struct flame_cmd, tids), "TID", "only these threads"},
	{'n', "name", OPT_LIST, offsetof(struct flame_cmd, comms), "NAME",
	 "only processes of this name; * and ? match any"},
	{0, "match", OPT_STR, offsetof(struct flame_cmd, match), "REGEX",
	 "only stacks with a frame that matches"},
	{0, "from", OPT_DUR, offsetof(struct flame_cmd, from_ns), "TIME",
	 "only from this time after the start, e.g. 2s or 500ms"},
	{0, "to", OPT_DUR, offsetof(struct flame_cmd, to_ns), "TIME",
	 "only up to this time after the start"},
	OPT_END,
};

static int flame_run(struct command_ctx *c);

const struct command cmd_flame = {
	.name = "flame",
	.group = GROUP_CPU,
	.summary = "draw a flame graph: an SVG with zoom and search",
	.usage = "[options] INPUT...",
	.details =
		"Reads recordings (.spoor), folded stacks and perf script output, told apart by "
		"content, plain or compressed; - is standard input. Several inputs are added "
		"up.\n\n"
		"Without -o the picture goes to standard output when that is a file or the input "
		"is -, and else to a file named after the input, whose name is printed.\n\n"
		"The picture opens at once at any size: only what can be seen is drawn, the "
		"heaviest frames are in the file and appear on zoom, grey stands for the rest. "
		"In a browser: click zooms, / or Ctrl-F searches by regular expression, Ctrl-I "
		"ignores case, arrow keys and Enter walk, Esc goes back. Without scripts it is a "
		"still picture.",
	.examples =
		"spoor flame rec.spoor\twrite rec.svg\n"
		"spoor record -a -d 10 -o - | spoor flame - > x.svg\tthe whole machine, 10 s\n"
		"spoor flame -n nginx --from 2s --to 3s rec.spoor\tone second of one program\n"
		"spoor flame --match 'malloc|free' -o - stacks.folded > x.svg\tonly some stacks",
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
static const char *output_name(struct command_ctx *c, const struct flame_cmd *o)
{
	const char *in = c->inputs.v[0], *base = strrchr(in, '/');
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

static int load(struct prof *p, const struct opt_list *inputs)
{
	struct prof one;
	int rc;

	if (inputs->n == 1)
		return prof_load(p, inputs->v[0], NULL);
	for (size_t i = 0; i < inputs->n; i++) {
		prof_init(&one);
		rc = prof_load(&one, inputs->v[i], NULL);
		if (!rc)
			prof_merge(p, &one);
		prof_done(&one);
		if (rc)
			return rc;
	}
	prof_finish(p);
	return 0;
}

static int column_find(const struct prof *p, const char *name, u32 *column)
{
	struct buf b = {0};

	*column = ~0u;
	for (u32 i = 0; i < p->nvalues && name; i++) {
		buf_addf(&b, "%s%s", i ? ", " : "", prof_str(p, p->values[i].name));
		if (!strcmp(prof_str(p, p->values[i].name), name))
			*column = i;
	}
	if (name && *column == ~0u) {
		err(-EINVAL, "this profile has no value %s", name);
		err_try("--value with one of: %s", buf_str(&b));
	}
	buf_done(&b);
	return name && *column == ~0u ? -EINVAL : 0;
}

static void say_losses(const struct prof *p)
{
	struct buf b = {0};

	prof_loss_line(p, &b);
	if (b.n)
		log_warn("flame: %s", b.p);
	buf_done(&b);
}

/* An empty picture is written too, but is a failure: a script should not take it for an answer. */
static int say_empty(const struct prof *p, const struct command_ctx *c, bool filtered)
{
	u64 sum = 0;

	for (u32 i = 0; i < p->nvalues; i++)
		sum |= prof_sum(p, i);
	if (sum)
		return 0;
	err(-EBADMSG, "no samples in %s%s%s", c->inputs.v[0], c->inputs.n > 1 ? " ..." : "",
	    filtered ? " that pass the filter" : "");
	err_try("spoor info %s", c->inputs.v[0]);
	return -EBADMSG;
}

/* 0, a negative errno, or EXIT_USAGE after saying why. */
static int draw(struct prof *p, const struct flame_cmd *o, const struct prof_filter *filter,
		struct out *out)
{
	struct flame_opts fo = {.title = o->title,
				.subtitle = o->subtitle,
				.width_px = (u32)o->width_px,
				.inverted = o->inverted,
				.rename = o->no_demangle ? NULL : sym_demangle};
	int rc = filter ? prof_filter(p, filter) : 0;

	if (!rc)
		rc = column_find(p, o->value, &fo.column);
	if (rc == -EINVAL) {
		err_print("flame");
		return EXIT_USAGE;
	}
	return rc ? rc : view_flame(p, &fo, out);
}

static int flame_run(struct command_ctx *c)
{
	const struct flame_cmd *o = c->opts;
	struct prof_filter filter = {.pids = o->pids,
				     .tids = o->tids,
				     .comms = o->comms,
				     .frame_regex = o->match,
				     .from_ns = o->from_ns,
				     .to_ns = o->to_ns};
	bool filtered = o->pids.n || o->tids.n || o->comms.n || o->match || o->from_ns || o->to_ns;
	const char *name;
	struct out *out;
	struct prof p;
	int rc;

	if (!c->inputs.n) {
		err(-EINVAL, "what should be drawn? give a file, or - for standard input");
		err_try("spoor flame rec.spoor");
		err_print("flame");
		return EXIT_USAGE;
	}
	name = output_name(c, o);
	out = out_open(name, true);
	if (!out)
		return -EIO;
	prof_init(&p);
	rc = load(&p, &c->inputs);
	if (!rc)
		rc = draw(&p, o, filtered ? &filter : NULL, out);
	if (rc) {
		out_abort(out);
		goto done;
	}
	rc = out_close(out);
	if (rc)
		goto done;
	say_losses(&p);
	rc = say_empty(&p, c, filtered);
	if (!rc && !o->output && strcmp(name, "-"))
		printf("%s\n", name);
done:
	prof_done(&p);
	return rc;
}
