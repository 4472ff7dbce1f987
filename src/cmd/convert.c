// SPDX-License-Identifier: Apache-2.0
/* spoor convert: from any format that is read to any that is written, saying what gets lost. */
#include "cmd/input_int.h"
#include "sym/sym.h"

#include <unistd.h>

struct convert_cmd {
	const char *format, *as, *output, *value;
	struct prof_filter keep;
	bool annotate, formats, no_demangle, strict, quiet;
	u8 verbose;
};

#define OFF(member) offsetof(struct convert_cmd, member)
static const struct opt convert_options[] = {
	{'o', "output", OPT_STR, OFF(output), "FILE", "where to; - is standard output, the default",
	 .complete = "file"},
	{0, "as", OPT_STR, OFF(as), "FORMAT",
	 "format to write; without it, what FILE's name ends in says it, or folded"},
	{0, "format", OPT_STR, OFF(format), "FORMAT",
	 "format of the inputs; normally told by content"},
	{0, "formats", OPT_FLAG, OFF(formats), NULL, "list the formats and what each cannot carry"},
	{0, "value", OPT_STR, OFF(value), "NAME",
	 "which value to write where there is room for one"},
	{0, "annotate", OPT_FLAG, OFF(annotate), NULL,
	 "folded: mark kernel, JIT and inlined frames with _[k], _[j], _[i]"},
	{0, "no-demangle", OPT_FLAG, OFF(no_demangle), NULL,
	 "leave C++ and Rust names as they are"},
	OPTS_FILTER(struct convert_cmd),
	{0, NULL, OPT_GROUP, 0, NULL, "Other"},
	{0, "strict", OPT_FLAG, OFF(strict), NULL,
	 "exit status 3 when something was lost or dropped"},
	OPTS_COMMON(struct convert_cmd),
	OPT_END,
};

static int convert_run(struct command_ctx *c);

const struct command cmd_convert = {
	.name = "convert",
	.group = GROUP_FILE,
	.summary = "turn recordings and profiles into other formats",
	.usage = "[options] [FILE...]",
	.details =
		"Reads any known format, told by content, plain or compressed with gzip or zstd, "
		"and "
		"writes another. Several inputs become one. Without FILE the newest *.spoor of the "
		"current directory is read; - is standard input.\n\n"
		"What the target cannot carry, and what could not be read, is said on standard "
		"error: the weight that goes in comes out, or is counted as dropped.",
	.examples = "spoor convert --as folded rec.spoor > rec.folded\tfor scripts that know "
		    "folded text\n"
		    "spoor convert --as perfscript rec.spoor | stackcollapse-perf.pl\tlike perf "
		    "script\n"
		    "perf script | spoor convert -o perf.spoor -\tfrom perf's text\n"
		    "spoor convert --formats\twhat there is",
	.opts = convert_options,
	.opts_bytes = sizeof(struct convert_cmd),
	.run = convert_run,
};

static int list_formats(void)
{
	printf("%-12s %-5s %-5s %s\n", "FORMAT", "READ", "WRITE", "WHAT");
	for (size_t i = 0; prof_formats[i]; i++) {
		const struct prof_format *f = prof_formats[i];

		printf("%-12s %-5s %-5s %s\n", f->name, f->read ? "yes" : "-",
		       f->write ? "yes" : "-", f->help);
		if (f->cannot)
			printf("%-12s %-5s %-5s cannot carry: %s\n", "", "", "", f->cannot);
	}
	return EXIT_DONE;
}

/* One of the |-separated endings of a format, with a dot before it. */
static bool has_ending(const char *path, const char *exts)
{
	size_t n, len = strlen(path);

	for (; exts && *exts; exts += n + (exts[n] == '|')) {
		n = strcspn(exts, "|");
		if (len > n && path[len - n - 1] == '.' && !memcmp(path + len - n, exts, n))
			return true;
	}
	return false;
}

static const char *format_to_write(const struct convert_cmd *o)
{
	if (o->as)
		return o->as;
	for (size_t i = 0; o->output && prof_formats[i]; i++) {
		if (prof_formats[i]->write && has_ending(o->output, prof_formats[i]->exts))
			return prof_formats[i]->name;
	}
	return "folded";
}

static int convert(struct command_ctx *c, struct prof *p, bool *incomplete)
{
	const struct convert_cmd *o = c->opts;
	struct prof_write_opts w = {.annotate = o->annotate};
	const char *to = format_to_write(o);
	const struct prof_format *f = prof_format_to_write(to);
	const char *path = o->output ? o->output : "-";
	int rc;

	if (!f)
		return -EINVAL;
	if (f->binary && !strcmp(path, "-") && isatty(STDOUT_FILENO)) {
		err(-EINVAL, "%s is binary, and standard output is a terminal", to);
		err_try("-o FILE");
		return -EINVAL;
	}
	rc = cmd_load(c, p, o->format, incomplete);
	if (!rc)
		rc = cmd_filter(p, &o->keep, o->no_demangle);
	if (!rc)
		rc = cmd_value_find(p, o->value, &w.column);
	if (rc)
		return rc;
	if (!o->no_demangle) {
		prof_rename(p, sym_demangle, NULL);
		prof_finish(p);
	}
	if (f->cannot)
		log_info("%s cannot carry %s", to, f->cannot);
	return prof_save(p, path, to, &w);
}

static int convert_run(struct command_ctx *c)
{
	const struct convert_cmd *o = c->opts;
	bool incomplete = false;
	struct prof p;
	int rc;

	if (o->formats)
		return list_formats();
	prof_init(&p);
	rc = convert(c, &p, &incomplete);
	prof_done(&p);
	if (rc == -EINVAL) {
		err_print(c->cmd->name);
		return EXIT_USAGE;
	}
	if (rc)
		return rc;
	return o->strict && incomplete ? EXIT_LOST : EXIT_DONE;
}
