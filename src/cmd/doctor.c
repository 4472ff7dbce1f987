// SPDX-License-Identifier: Apache-2.0
/* spoor doctor: what this machine can and cannot do, why not, and what would mend it. */
#include "cmd/doctor_int.h"

#include "bpf/bpf.h"

struct doctor_opts {
	bool json, quiet;
	u8 verbose;
};

static const struct opt doctor_options[] = {
	{'j', "json", OPT_FLAG, offsetof(struct doctor_opts, json), NULL, "print JSON"},
	OPTS_COMMON(struct doctor_opts),
	OPT_END,
};

static int doctor_run(struct command_ctx *ctx);

const struct command cmd_doctor = {
	.name = "doctor",
	.group = GROUP_MACHINE,
	.summary = "what works here, what does not, why, and what would mend it",
	.usage = "[-j] [-v]",
	.details =
		"Each line is ok, no, or -- for something that is only worth knowing. A line that "
		"says no is followed by the command or setting that would change it.\n\n"
		"Kinds of probes are tried by attaching a program, making the probe fire and "
		"looking whether the program ran: that something loads does not mean that it "
		"works. Everything is held by file descriptors, so that nothing stays attached, "
		"whatever happens.\n\n"
		"The exit status is 0 when spoor record would work, and 4 when it would not. -v "
		"shows how long each attempt took, -q only what does not work.",
	.examples = "spoor doctor\twhat works here\n"
		    "spoor doctor -q\twhat does not\n"
		    "spoor doctor -j | jq '.checks[] | select(.status == \"no\")'\tfor scripts\n",
	.opts = doctor_options,
	.opts_bytes = sizeof(struct doctor_opts),
	.no_inputs = true,
	.run = doctor_run,
};

const char *doctor_text(struct doctor *d, const char *fmt, ...)
{
	struct buf b = {0};
	const char *s;
	va_list ap;

	va_start(ap, fmt);
	buf_addvf(&b, fmt, ap);
	va_end(ap);
	s = arena_strndup(d->arena, buf_str(&b), b.n);
	buf_done(&b);
	return s;
}

const char *doctor_read(struct doctor *d, const char *path, size_t max_bytes)
{
	FILE *f = fopen(doctor_text(d, "%s%s", d->root, path), "re");
	char *text;
	size_t n;

	if (!f)
		return NULL;
	text = arena_alloc(d->arena, max_bytes + 1);
	n = fread(text, 1, max_bytes, f);
	fclose(f);
	while (n && text[n - 1] == '\n')
		text[--n] = '\0';
	return text;
}

void doctor_add(struct doctor *d, const char *id, const char *what, enum doctor_status status,
		const char *why, const char *mend)
{
	u64 now = clock_mono_ns();

	if (status == DOCTOR_OK)
		mend = NULL;
	vec_push(&d->lines,
		 (struct doctor_line){d->group, id, what, status, why, mend, now - d->last_ns});
	d->last_ns = now;
}

/* Everything in features[]: needed ones first, as the group of recording. */
static bool try_features(struct doctor *d)
{
	struct feature_ctx *x = feature_ctx_new(d->arena);
	bool records = true;

	for (int pass = 0; pass < 2; pass++) {
		d->group = pass ? "Probes" : "Recording";
		for (const struct feature *f = features; f->id; f++) {
			const char *why, *mend;
			int rc;

			if (f->needed != !pass)
				continue;
			rc = f->probe(x, f, &why, &mend);
			records &= !rc || !f->needed;
			doctor_add(d, f->id, f->what, rc ? DOCTOR_NO : DOCTOR_OK, why, mend);
		}
	}
	feature_ctx_free(x);
	return records;
}

static const char *status_name(enum doctor_status status)
{
	return status == DOCTOR_OK ? "ok" : status == DOCTOR_NO ? "no" : "--";
}

static void print_json(const struct doctor *d, bool records)
{
	struct out *out = out_fd(1);
	struct json j;

	fflush(stdout);
	json_init(&j, out, true);
	json_obj(&j, NULL);
	json_bool(&j, "records", records);
	json_arr(&j, "checks");
	for (size_t i = 0; i < d->lines.n; i++) {
		const struct doctor_line *l = &d->lines.v[i];

		json_obj(&j, NULL);
		json_str(&j, "group", l->group);
		json_str(&j, "id", l->id);
		json_str(&j, "what", l->what);
		json_str(&j, "status", status_name(l->status));
		json_str(&j, "why", l->why);
		json_str(&j, "try", l->mend);
		json_u64(&j, "took_ns", l->took_ns);
		json_end(&j);
	}
	json_end(&j);
	json_end(&j);
	json_done(&j);
	out_close(out);
}

static void add_line(struct buf *b, const struct doctor_line *l, size_t column, bool times)
{
	struct buf left = {0};
	char took[32];

	buf_addf(&left, "  %s  %s", status_name(l->status), l->what);
	buf_add(b, left.p, left.n);
	if (l->why)
		buf_addf(b, "%*s", (int)(column - left.n), "");
	if (l->why)
		esc_term(b, l->why, strlen(l->why));
	if (times)
		buf_addf(b, "  (%s)", fmt_dur(took, l->took_ns));
	buf_addc(b, '\n');
	buf_done(&left);
}

static void print_table(const struct doctor *d, const struct doctor_opts *o, bool records)
{
	const char *group = "";
	struct buf b = {0};
	size_t column = 0;

	for (size_t i = 0; i < d->lines.n; i++)
		column = MAX(column, strlen(d->lines.v[i].what) + strlen("  ok    "));
	for (size_t i = 0; i < d->lines.n; i++) {
		const struct doctor_line *l = &d->lines.v[i];
		const struct doctor_line *next = i + 1 < d->lines.n ? l + 1 : NULL;

		if (o->quiet && l->status != DOCTOR_NO)
			continue;
		if (strcmp(group, l->group))
			buf_addf(&b, "%s%s\n", *group ? "\n" : "", l->group);
		group = l->group;
		add_line(&b, l, column, o->verbose > 0);
		/* What mends a run of lines is said once, after the last. */
		if (l->mend && (!next || !next->mend || strcmp(next->mend, l->mend) ||
				strcmp(next->group, l->group)))
			buf_addf(&b, "      try: %s\n", l->mend);
	}
	buf_addf(&b, "\nspoor record %s here.\n", records ? "works" : "does NOT work");
	fwrite(b.p, 1, b.n, stdout);
	buf_done(&b);
}

static int doctor_run(struct command_ctx *ctx)
{
	const struct doctor_opts *o = ctx->opts;
	struct doctor d = {.arena = ctx->arena, .root = "", .last_ns = clock_mono_ns()};
	bool records;

	doctor_machine(&d);
	doctor_rights(&d);
	doctor_settings(&d);
	records = try_features(&d);
	doctor_names(&d);
	doctor_space(&d);
	if (o->json)
		print_json(&d, records);
	else
		print_table(&d, o, records);
	vec_done(&d.lines);
	return records ? EXIT_DONE : EXIT_CHECK;
}
