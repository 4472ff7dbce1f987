// SPDX-License-Identifier: Apache-2.0
/* spoor report: where the weight is, as a table or a tree. */
#include "cmd/input_int.h"
#include "view/view.h"

#define DEFAULT_ROWS 20
#define DEFAULT_TREE_ROWS 50

struct report_cmd {
	const char *by, *sort, *callers, *callees, *value, *format;
	struct prof_filter keep;
	u64 limit;
	double min_pct;
	bool json, summary, no_demangle, no_color, strict, quiet;
	u8 verbose;
};

static const struct opt report_options[] = {
	{0, NULL, OPT_GROUP, .help = "What to show"},
	{0, "by", OPT_CHOICE, offsetof(struct report_cmd, by), "WHAT",
	 "one row per function (the default), process, thread, cpu, file (binary, library, "
	 "kernel), or name (all processes of one name)",
	 .choices = "function|process|thread|cpu|file|name"},
	{0, "callers", OPT_STR, offsetof(struct report_cmd, callers), "FUNC",
	 "a tree of who calls FUNC (its exact name, else a regular expression); \".\" starts at "
	 "every function where stacks end"},
	{0, "callees", OPT_STR, offsetof(struct report_cmd, callees), "FUNC",
	 "a tree of what FUNC calls; \".\" starts at the processes"},
	{0, "summary", OPT_FLAG, offsetof(struct report_cmd, summary), NULL,
	 "at most ten lines: losses, processes, functions"},
	{0, "value", OPT_STR, offsetof(struct report_cmd, value), "NAME",
	 "which number to add up when the profile has several; `spoor info` lists them"},
	{0, "sort", OPT_CHOICE, offsetof(struct report_cmd, sort), "KEY",
	 "order of the rows: self (the default), total or name", .choices = "self|total|name"},
	{0, "limit", OPT_U64, offsetof(struct report_cmd, limit), "N",
	 "at most N rows; 0 shows all. Default 20, in a tree 50"},
	{0, "min", OPT_PCT, offsetof(struct report_cmd, min_pct), "PCT",
	 "leave out rows below this share. Default 0, in a tree 0.5 but for its roots"},
	OPTS_FILTER(struct report_cmd),
	{0, NULL, OPT_GROUP, .help = "Input and output"},
	{0, "format", OPT_STR, offsetof(struct report_cmd, format), "NAME",
	 "format of the input; normally told by content"},
	{'j', "json", OPT_FLAG, offsetof(struct report_cmd, json), NULL,
	 "one JSON object, as docs/report-json.md says"},
	{0, "no-demangle", OPT_FLAG, offsetof(struct report_cmd, no_demangle), NULL,
	 "show C++ and Rust names as they stand in the file"},
	{0, "no-color", OPT_FLAG, offsetof(struct report_cmd, no_color), NULL,
	 "no colour even on a terminal; NO_COLOR in the environment does the same"},
	{0, "strict", OPT_FLAG, offsetof(struct report_cmd, strict), NULL,
	 "exit status 3 when the input is incomplete: samples lost, data dropped, file cut off"},
	OPTS_COMMON(struct report_cmd),
	OPT_END,
};

static void report_defaults(void *opts);
static int report_run(struct command_ctx *c);

const struct command cmd_report = {
	.name = "report",
	.group = GROUP_CPU,
	.summary = "show where the time is, by function, process, file, or as a tree",
	.usage = "[options] [INPUT...]",
	.details =
		"INPUT is a recording (.spoor), folded stacks or perf script output, plain or "
		"compressed; - is standard input. Without INPUT the newest *.spoor of the current "
		"directory is read, and named on stderr. Several inputs are added up.\n\n"
		"SELF is the weight of stacks that end in a function: it was running itself. TOTAL "
		"is the weight of stacks that contain it, so it or something it called was "
		"running; a function that calls itself counts once for each stack. ~TIME is the "
		"CPU time which that many samples stand for at the sampling rate. Shares are of "
		"what is left after filtering.\n\n"
		"Addresses without a symbol are one row for each file. Weight of stacks that have "
		"no code at all is shown as [no stack]. What is not shown is counted in the last "
		"line.\n\n"
		"In a tree only branching indents: a line right under another one, without a "
		"bend, is its only child that is shown, and without numbers it has the same ones; "
		"an empty SELF% is 0. OF IT% is the share of the function that the tree starts "
		"from. In a function that calls itself the tree starts from the outermost call, so "
		"each stack is in it once.\n\n"
		"With --by cpu, BUSY% is the part of its ticks in which a CPU was not idle; it is "
		"there when the recording knows how many idle ticks it left out.\n\n"
		"Exit status: 0 done, 1 wrong use (also: no function of that name), 2 unreadable "
		"input, 3 --strict and something is missing.",
	.examples = "spoor report\tthe functions in which the newest recording spent its time\n"
		    "spoor report --by process rec.spoor\twhich processes\n"
		    "spoor report --callers clear_page_erms\twho makes the kernel clear pages\n"
		    "spoor report --callees . -n nginx --limit 0\tthe whole call tree of nginx\n"
		    "spoor report --filter '^tcp_' --from 2s --to 3s\tone second of the network\n"
		    "perf script | spoor report -\tfrom a recording made by perf\n"
		    "spoor report -j | jq '.rows[0].name'\tfor a script",
	.opts = report_options,
	.opts_bytes = sizeof(struct report_cmd),
	.defaults = report_defaults,
	.run = report_run,
};

static void report_defaults(void *opts)
{
	struct report_cmd *o = opts;

	o->limit = UINT64_MAX;
	o->min_pct = -1.0;
	o->by = "function";
	o->sort = "self";
}

static int index_of(const char *const *names, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return (int)i;
	BUG_ON("the option's choices and the table differ");
}

static struct report_opts view_opts(const struct report_cmd *o)
{
	static const char *const by[] = {"function", "process", "thread", "cpu", "file", "name"};
	static const char *const sort[] = {"self", "total", "name"};
	bool tree = o->callers || o->callees;

	return (struct report_opts){
		.by = (enum report_by)index_of(by, ARRAY_SIZE(by), o->by),
		.sort = (enum report_sort)index_of(sort, ARRAY_SIZE(sort), o->sort),
		.callers = o->callers,
		.callees = o->callees,
		.limit = o->limit != UINT64_MAX ? o->limit
			 : tree			? DEFAULT_TREE_ROWS
						: DEFAULT_ROWS,
		.min_pct = o->min_pct,
		.width = cmd_width(),
		.json = o->json,
		.color = cmd_color(o->no_color),
		.raw_names = o->no_demangle,
	};
}

static int check_use(const struct report_cmd *o)
{
	bool tree = o->callers || o->callees;

	if (o->callers && o->callees)
		return err(-EINVAL, "--callers and --callees cannot be shown in one tree");
	if (tree && strcmp(o->by, "function"))
		return err(-EINVAL, "a tree is of functions: --by %s does not go with it", o->by);
	if (o->summary && (tree || o->json))
		return err(-EINVAL, "--summary is text on its own: not with %s",
			   o->json ? "--json" : "--callers or --callees");
	if (o->keep.to_ns && o->keep.to_ns <= o->keep.from_ns)
		return err(-EINVAL, "--to is not after --from: nothing is between them");
	return 0;
}

static int show(struct command_ctx *c, struct prof *p, struct out *out)
{
	const struct report_cmd *o = c->opts;
	struct report_opts vo = view_opts(o);
	struct summary_opts so = {.path = c->inputs.n ? c->inputs.v[0] : NULL,
				  .color = vo.color,
				  .raw_names = vo.raw_names};
	int rc;

	rc = cmd_filter(p, &o->keep, o->no_demangle);
	if (!rc)
		rc = cmd_value_find(p, o->value, &vo.column);
	if (rc)
		return rc;
	return o->summary ? view_summary(p, &so, out) : view_report(p, &vo, out);
}

static int report_run(struct command_ctx *c)
{
	const struct report_cmd *o = c->opts;
	bool incomplete = false;
	struct out *out = NULL;
	struct prof p;
	int rc;

	prof_init(&p);
	rc = check_use(o);
	if (rc)
		goto done;
	rc = cmd_load(c, &p, o->format, &incomplete);
	if (rc)
		goto done;
	out = out_open("-", false);
	rc = out ? show(c, &p, out) : -EIO;
done:
	if (out) {
		int rc_close = out_close(out);

		rc = rc ? rc : rc_close;
	}
	prof_done(&p);
	if (rc == -EINVAL) {
		err_print("report");
		return EXIT_USAGE;
	}
	return rc ? rc : o->strict && incomplete ? EXIT_LOST : EXIT_DONE;
}
