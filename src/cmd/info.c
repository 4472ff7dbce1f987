// SPDX-License-Identifier: Apache-2.0
/* spoor info: what is in a file, what is missing, how stacks fared. */
#include "cmd/input_int.h"
#include "view/view.h"

#include <sys/stat.h>

struct info_cmd {
	const char *format;
	bool json, no_color, strict, quiet;
	u8 verbose;
};

static const struct opt info_options[] = {
	{0, "format", OPT_STR, offsetof(struct info_cmd, format), "NAME",
	 "format of the input; normally told by content"},
	{'j', "json", OPT_FLAG, offsetof(struct info_cmd, json), NULL,
	 "JSON: one object for each file"},
	{0, "no-color", OPT_FLAG, offsetof(struct info_cmd, no_color), NULL,
	 "no colour even on a terminal; NO_COLOR in the environment does the same"},
	{0, "strict", OPT_FLAG, offsetof(struct info_cmd, strict), NULL,
	 "exit status 3 when a file is incomplete: samples lost, data dropped, file cut off"},
	OPTS_COMMON(struct info_cmd),
	OPT_END,
};

static int info_run(struct command_ctx *c);

const struct command cmd_info = {
	.name = "info",
	.group = GROUP_FILE,
	.summary = "say what is in a recording, what was lost, how complete stacks are",
	.usage = "[options] [FILE...]",
	.details =
		"Shows for each FILE where and when it was recorded, what it holds, what was lost "
		"(never recorded, by cause), what was dropped (in the file but unusable, by "
		"reason), whether the file was cut off, and what the recording cost. Without FILE "
		"the newest *.spoor of the current directory is read.\n\n"
		"Stack health says in which files user stacks end. A stack is complete when it "
		"reaches a root that is known, such as a thread's start function; one that stops "
		"in a library most often went through code built without frame pointers. The last "
		"column says what would help.",
	.examples = "spoor info\tthe newest recording here\n"
		    "spoor info old.spoor new.spoor\tseveral files\n"
		    "spoor info -j rec.spoor | jq '.health[0]'\tfor a script",
	.opts = info_options,
	.opts_bytes = sizeof(struct info_cmd),
	.run = info_run,
};

static int info_one(const struct info_cmd *o, const char *path, struct out *out, bool *incomplete)
{
	struct info_opts vo = {.path = path,
			       .json = o->json,
			       .color = cmd_color(o->no_color),
			       .width = cmd_width()};
	struct prof p;
	struct stat st;
	int rc;

	prof_init(&p);
	rc = prof_load(&p, path, o->format);
	if (!rc) {
		*incomplete |= cmd_is_incomplete(&p);
		if (strcmp(path, "-") && !stat(path, &st) && S_ISREG(st.st_mode))
			vo.size_bytes = (u64)st.st_size;
		if (out_bytes(out) && !o->json)
			out_puts(out, "\n");
		rc = view_info(&p, &vo, out);
	}
	prof_done(&p);
	return rc;
}

static int info_run(struct command_ctx *c)
{
	const struct info_cmd *o = c->opts;
	struct opt_list files = c->inputs;
	const char *newest;
	bool incomplete = false;
	struct out *out;
	int rc = 0, rc_close;
	size_t i;

	if (!files.n) {
		newest = cmd_newest_recording(c->arena);
		if (!newest) {
			err_print("info");
			return EXIT_USAGE;
		}
		files = (struct opt_list){&newest, 1};
	}
	out = out_open("-", false);
	if (!out)
		return -EIO;
	for (i = 0; i < files.n; i++) {
		int rc_one = info_one(o, files.v[i], out, &incomplete);

		/* One bad file does not hide the others. */
		if (rc_one && files.n > 1)
			err_print("info");
		rc = rc ? rc : rc_one;
	}
	rc_close = out_close(out);
	if (rc == -EINVAL || (rc && files.n > 1)) {
		if (files.n == 1)
			err_print("info");
		return rc == -EINVAL ? EXIT_USAGE : EXIT_WORLD;
	}
	rc = rc ? rc : rc_close;
	return rc ? rc : o->strict && incomplete ? EXIT_LOST : EXIT_DONE;
}
