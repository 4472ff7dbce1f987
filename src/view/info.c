// SPDX-License-Identifier: Apache-2.0
/* What is in a file, what is missing from it and why, and how stacks fared. */
#include "view/view_int.h"

struct facts {
	u64 stacks; /* unique */
	u64 nodes, frames, threads, processes, cpus;
	u32 depth_max;
	u64 samples, kcut, ucut, unone;
	const struct prof_health **health; /* most stacks first */
	u64 health_stacks;
};

static void count_tree(struct facts *f, const struct prof *p)
{
	u32 n = prof_nnodes(p), i;
	u32 *depth = big_realloc(NULL, 0, n * sizeof(u32));

	f->nodes = n ? n - 1 : 0;
	f->frames = p->frames.n;
	for (i = 0; i < n; i++) {
		bool used = false;
		u32 c;

		depth[i] = i ? depth[p->parent.v[i]] + 1 : 0;
		f->depth_max = MAX(f->depth_max, depth[i]);
		for (c = 0; c < p->nvalues; c++)
			used |= p->self[c].v[i] != 0;
		f->stacks += used;
	}
	big_free(depth, n * sizeof(u32));
}

static void count_who(struct facts *f, const struct prof *p)
{
	u8 *cpu_seen = xcalloc(UINT16_MAX + 1, 1);
	struct map pids = {0}, tids = {0};
	size_t i;

	for (i = 0; p->have_samples && i < p->samples.n; i++) {
		const struct prof_sample *s = &p->samples.v[i];

		f->kcut += !!(s->flags & SAMPLE_KSTACK_CUT);
		f->ucut += !!(s->flags & SAMPLE_USTACK_CUT);
		f->unone += !!(s->flags & SAMPLE_USTACK_NONE);
		if (s->cpu != UINT16_MAX && !cpu_seen[s->cpu]) {
			cpu_seen[s->cpu] = 1;
			f->cpus++;
		}
	}
	f->samples = p->have_samples ? p->samples.n : 0;
	for (i = 0; i < p->threads.n; i++) {
		const struct prof_thread *t = &p->threads.v[i];

		map_put(&tids, (u64)t->pid << 32 | t->tid);
		if (t->pid != UINT32_MAX)
			map_put(&pids, t->pid);
	}
	f->threads = tids.n;
	f->processes = MAX(pids.n, p->meta.processes);
	map_done(&pids);
	map_done(&tids);
	free(cpu_seen);
}

static int cmp_health(const void *va, const void *vb, void *arg)
{
	const struct prof_health *a = *(const struct prof_health *const *)va;
	const struct prof_health *b = *(const struct prof_health *const *)vb;

	if (a->stacks != b->stacks)
		return a->stacks < b->stacks ? 1 : -1;
	return strcmp(prof_str(arg, a->module), prof_str(arg, b->module));
}

static void facts_init(struct facts *f, const struct prof *p)
{
	size_t i;

	*f = (struct facts){0};
	count_tree(f, p);
	count_who(f, p);
	f->health = xcalloc(p->health.n + 1, sizeof(*f->health));
	for (i = 0; i < p->health.n; i++) {
		f->health[i] = &p->health.v[i];
		f->health_stacks += p->health.v[i].stacks;
	}
	qsort_r(f->health, p->health.n, sizeof(*f->health), cmp_health, (void *)p);
}

/* Other formats have no last chunk that could be missing. */
static bool is_cut_off(const struct prof *p)
{
	return p->format && !strcmp(p->format, "spoor") && !p->meta.complete_file;
}

/* ---- text ------------------------------------------------------------------------------------ */

struct screen {
	struct out *out;
	struct buf line;
	bool color;
};

/* The line that was put together, under its label; nothing when it is empty. */
static void field(struct screen *s, const char *label)
{
	char head[16];

	if (!s->line.n)
		return;
	snprintf(head, sizeof(head), "%-10s", label);
	out_puts(s->out, s->color ? "\033[1m" : "");
	out_puts(s->out, head);
	out_puts(s->out, s->color ? "\033[0m" : "");
	buf_addc(&s->line, '\n');
	out_buf(s->out, &s->line);
}

static void add_str(struct screen *s, const char *before, const struct prof *p, u32 string)
{
	if (!string)
		return;
	buf_adds(&s->line, s->line.n ? before : "");
	esc_term(&s->line, prof_str(p, string), intern_len(&p->strings, string));
}

static void add_count(struct screen *s, u64 n, const char *one, const char *many)
{
	char num[32];

	buf_addf(&s->line, "%s%s %s", s->line.n ? ", " : "", fmt_count(num, n),
		 n == 1 ? one : many);
}

static void text_origin(struct screen *s, const struct prof *p, const struct info_opts *o)
{
	const struct prof_meta *m = &p->meta;
	char num[32];

	esc_term(&s->line, o->path, strlen(o->path));
	buf_addf(&s->line, " (%s", p->format ? p->format : "unknown format");
	if (o->size_bytes)
		buf_addf(&s->line, ", %s", fmt_size(num, o->size_bytes));
	buf_adds(&s->line, is_cut_off(p) ? ")  CUT OFF: the recording never ended" : ")");
	field(s, "file");
	add_str(s, "", p, m->hostname);
	add_str(s, ", Linux ", p, m->os_release);
	add_str(s, ", ", p, m->arch);
	if (m->ncpus)
		add_count(s, m->ncpus, "CPU", "CPUs");
	add_str(s, ", ", p, m->cpu_model);
	field(s, "host");
	add_str(s, "", p, m->cmdline);
	field(s, "command");
	add_str(s, "", p, m->event);
	if (m->freq_hz)
		buf_addf(&s->line, "%s%llu Hz", s->line.n ? ", " : "",
			 (unsigned long long)m->freq_hz);
	add_str(s,
		p->format && !strcmp(p->format, "spoor") ? ", recorded by spoor "
							 : ", recorded by ",
		p, m->version);
	field(s, "event");
	meta_start(p, &s->line);
	if (meta_dur_ns(p))
		buf_addf(&s->line, "%sfor %s", s->line.n ? ", " : "", fmt_dur(num, meta_dur_ns(p)));
	field(s, "time");
}

static void text_content(struct screen *s, const struct prof *p, const struct facts *f)
{
	double idle = meta_idle_pct(p);
	char num[48];
	u32 c;

	if (p->have_samples)
		add_count(s, f->samples, "sample", "samples");
	else
		buf_adds(&s->line, "no timed samples");
	if (idle >= 0)
		buf_addf(&s->line, ", CPUs %.1f %% idle (%s idle samples not kept)", idle,
			 fmt_count(num, p->meta.idle_samples));
	field(s, "samples");
	/* One column that counts samples says nothing new. */
	for (c = 0; c < p->nvalues && (p->nvalues > 1 || !p->have_samples); c++) {
		buf_adds(&s->line, c ? ", " : "");
		esc_term(&s->line, prof_str(p, p->values[c].name),
			 intern_len(&p->strings, p->values[c].name));
		buf_addf(&s->line, " %s", value_text(num, p, c, prof_sum(p, c)));
	}
	buf_adds(&s->line, p->acct.saturated ? " (OVERFLOW: cut at the largest number)" : "");
	field(s, "values");
	add_count(s, f->stacks, "unique stack", "unique stacks");
	add_count(s, f->nodes, "tree node", "tree nodes");
	add_count(s, f->frames ? f->frames - 1 : 0, "frame", "frames");
	add_count(s, f->depth_max, "deep at most", "deep at most");
	field(s, "stacks");
	if (f->processes)
		add_count(s, f->processes, "process", "processes");
	if (f->threads)
		add_count(s, f->threads, "thread", "threads");
	if (f->cpus)
		add_count(s, f->cpus, "CPU", "CPUs");
	field(s, "seen");
}

static void text_missing(struct screen *s, const struct prof *p, const struct facts *f)
{
	const struct prof_meta *m = &p->meta;
	u64 dur = meta_dur_ns(p);
	char num[32];
	size_t i;

	meta_losses(p, false, "", &s->line);
	field(s, "lost");
	meta_losses(p, true, "", &s->line);
	field(s, "dropped");
	for (i = 0; i < p->notes.n; i++) {
		add_str(s, "", p, p->notes.v[i].reason);
		if (p->notes.v[i].events > 1)
			buf_addf(&s->line, " (%s times)", fmt_count(num, p->notes.v[i].events));
		field(s, "note");
	}
	if (f->kcut)
		add_count(s, f->kcut, "kernel stack hit the depth limit",
			  "kernel stacks hit the depth limit");
	if (f->ucut)
		add_count(s, f->ucut, "user stack hit the depth limit",
			  "user stacks hit the depth limit");
	if (f->unone)
		add_count(s, f->unone, "sample has no user stack where there should be one",
			  "samples have no user stack where there should be one");
	field(s, "cut");
	if (m->cost_cpu_ns) {
		buf_addf(&s->line, "%s of CPU time", fmt_dur(num, m->cost_cpu_ns));
		if (dur)
			buf_addf(&s->line, " (%.2f %% of one CPU)", pct_of(m->cost_cpu_ns, dur));
		if (m->cost_bpf_ns == UINT64_MAX)
			buf_adds(&s->line, ", time in BPF not known");
		else
			buf_addf(&s->line, ", %s in BPF", fmt_dur(num, m->cost_bpf_ns));
	}
	field(s, "cost");
}

#define HEALTH_ROWS 20

static void health_row(struct text_table *t, const struct prof *p, const struct facts *f,
		       const struct prof_health *h)
{
	double ok = pct_of(h->complete, h->stacks);
	char num[32];

	text_cell(t, TEXT_PLAIN, "%s", fmt_count(num, h->stacks));
	text_cell(t, TEXT_PLAIN, "%.1f", pct_of(h->stacks, f->health_stacks));
	text_cell(t, ok < 50 ? TEXT_WARM : TEXT_PLAIN, "%.1f", ok);
	if (h->module)
		text_cell_esc(t, TEXT_PLAIN, prof_str(p, h->module),
			      intern_len(&p->strings, h->module));
	else
		text_cell(t, TEXT_DIM, "[unknown]");
}

/* Words in lines of width columns, under each other behind the label's place. */
static void wrapped(struct screen *s, const char *label, u32 width)
{
	struct buf all = s->line;
	size_t room = width > 30 ? width - 10 : SIZE_MAX, at = 0;

	s->line = (struct buf){0};
	while (at < all.n) {
		size_t n = text_fit(all.p + at, all.n - at, room), cut = n;

		while (at + n < all.n && cut && all.p[at + cut] != ' ')
			cut--;
		n = cut ? cut : n;
		buf_add(&s->line, all.p + at, n);
		field(s, at ? "" : label);
		at += n;
		at += at < all.n && all.p[at] == ' ';
	}
	buf_done(&all);
}

static void text_health(struct screen *s, const struct prof *p, const struct facts *f, u32 width)
{
	double complete = meta_complete_pct(p);
	size_t i, n = MIN(p->health.n, (size_t)HEALTH_ROWS);
	struct text_table t = {0};

	if (complete >= 0)
		buf_addf(&s->line, "%.1f %% of stacks reach a known root", complete);
	field(s, "health");
	if (!n)
		return;
	text_col(&t, "STACKS", false);
	text_col(&t, "SHARE%", false);
	text_col(&t, "COMPLETE%", false);
	text_col(&t, "USER STACKS END IN", true);
	for (i = 0; i < n; i++)
		health_row(&t, p, f, f->health[i]);
	text_table_print(&t, width, s->color, s->out);
	if (p->health.n > n)
		out_printf(s->out, "# %zu more (-j shows all)\n", p->health.n - n);
	for (i = 0; i < n; i++) {
		const struct prof_health *h = f->health[i];

		if (!h->hint)
			continue;
		add_str(s, "", p, h->module);
		buf_adds(&s->line, ": ");
		esc_term(&s->line, prof_str(p, h->hint), intern_len(&p->strings, h->hint));
		wrapped(s, "mend", width);
	}
}

/* ---- JSON: docs/report-json.md --------------------------------------------------------------- */

static void json_values(struct json *j, const struct prof *p)
{
	u32 c;

	json_arr(j, "values");
	for (c = 0; c < p->nvalues; c++) {
		json_obj(j, NULL);
		json_str(j, "name", prof_str(p, p->values[c].name));
		json_str(j, "unit", prof_str(p, p->values[c].unit));
		value_json(j, "sum", p, c, prof_sum(p, c));
		json_end(j);
	}
	json_end(j);
}

static void json_health(struct json *j, const struct prof *p, const struct facts *f)
{
	size_t i;

	json_arr(j, "health");
	for (i = 0; i < p->health.n; i++) {
		const struct prof_health *h = f->health[i];

		json_obj(j, NULL);
		json_str(j, "module", prof_str(p, h->module));
		json_u64(j, "stacks", h->stacks);
		json_u64(j, "complete", h->complete);
		json_str(j, "hint", prof_str(p, h->hint));
		json_end(j);
	}
	json_end(j);
}

static void info_json(const struct prof *p, const struct facts *f, const struct info_opts *o,
		      struct out *out)
{
	struct json j;

	meta_json_begin(&j, p, "spoor-info/1", out);
	json_str(&j, "path", o->path);
	if (o->size_bytes)
		json_u64(&j, "size_bytes", o->size_bytes);
	json_bool(&j, "cut_off", is_cut_off(p));
	json_bool(&j, "timed", p->have_samples);
	json_bool(&j, "overflow", p->acct.saturated);
	json_values(&j, p);
	json_u64(&j, "samples", f->samples);
	json_u64(&j, "idle_samples", p->meta.idle_samples);
	json_u64(&j, "unique_stacks", f->stacks);
	json_u64(&j, "nodes", f->nodes);
	json_u64(&j, "frames", f->frames ? f->frames - 1 : 0);
	json_u64(&j, "depth_max", f->depth_max);
	json_u64(&j, "processes", f->processes);
	json_u64(&j, "threads", f->threads);
	json_u64(&j, "cpus_seen", f->cpus);
	json_u64(&j, "kernel_stacks_cut", f->kcut);
	json_u64(&j, "user_stacks_cut", f->ucut);
	json_u64(&j, "user_stacks_missing", f->unone);
	json_u64(&j, "cost_cpu_ns", p->meta.cost_cpu_ns);
	if (p->meta.cost_bpf_ns != UINT64_MAX)
		json_u64(&j, "cost_bpf_ns", p->meta.cost_bpf_ns);
	json_health(&j, p, f);
	json_end(&j);
	json_done(&j);
}

int view_info(const struct prof *p, const struct info_opts *o, struct out *out)
{
	struct screen s = {.out = out, .color = o->color};
	struct facts f;

	facts_init(&f, p);
	if (o->json) {
		info_json(p, &f, o, out);
	} else {
		text_origin(&s, p, o);
		text_content(&s, p, &f);
		text_missing(&s, p, &f);
		text_health(&s, p, &f, o->width);
	}
	buf_done(&s.line);
	free(f.health);
	return out_error(out);
}
