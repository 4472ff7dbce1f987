// SPDX-License-Identifier: Apache-2.0
/* The report as a table: one row per function, file, process, thread, CPU or process name. */
#include "view/view_int.h"

struct row {
	const struct owner *owner; /* NULL: a group */
	u32 group;
	u64 self, total;
};

struct report {
	const struct prof *p;
	const struct report_opts *o;
	u32 column;
	u64 sum;
	struct groups groups;
	struct owners owners;
	VEC(struct row) rows;
	size_t shown;	 /* the first rows, after sorting */
	u64 hidden_self; /* weight of the rest */
};

static bool by_groups(const struct report *r)
{
	return r->o->by == BY_FUNCTION || r->o->by == BY_FILE;
}

static int cmp_u64_down(u64 a, u64 b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

static int cmp_str(const struct prof *p, u32 a, u32 b)
{
	return a == b ? 0 : strcmp(prof_str(p, a), prof_str(p, b));
}

/* Names break ties, so that the same profile always gives the same table. */
static int cmp_name(const struct report *r, const struct row *a, const struct row *b)
{
	const struct prof *p = r->p;
	const struct group *ga, *gb;
	int c;

	if (a->owner) {
		if (r->o->by == BY_CPU)
			return cmp_u64_down(b->owner->cpu, a->owner->cpu);
		c = cmp_str(p, a->owner->comm, b->owner->comm);
		c = c ? c : cmp_u64_down(b->owner->pid, a->owner->pid);
		return c ? c : cmp_u64_down(b->owner->tid, a->owner->tid);
	}
	ga = &r->groups.v.v[a->group];
	gb = &r->groups.v.v[b->group];
	if (ga->frame == NONE || gb->frame == NONE)
		return (ga->frame == NONE) - (gb->frame == NONE);
	c = 0;
	if (r->o->by == BY_FUNCTION && ga->class == gb->class)
		c = cmp_str(p, p->frames.v[ga->frame].name, p->frames.v[gb->frame].name);
	c = c ? c : cmp_str(p, p->frames.v[ga->frame].module, p->frames.v[gb->frame].module);
	return c ? c : cmp_u64_down(b->group, a->group);
}

static int cmp_rows(const void *va, const void *vb, void *arg)
{
	const struct row *a = va, *b = vb;
	const struct report *r = arg;
	int c = 0;

	if (r->o->sort == SORT_SELF)
		c = cmp_u64_down(a->self, b->self);
	if (!c && r->o->sort != SORT_NAME)
		c = cmp_u64_down(a->total, b->total);
	return c ? c : cmp_name(r, a, b);
}

static void rows_from_groups(struct report *r)
{
	u32 i;

	for (i = 0; i < r->groups.v.n; i++) {
		const struct group *g = &r->groups.v.v[i];

		/* Separators such as "--" are no functions; a mark that holds weight is shown. */
		if (g->class == GROUP_COMM || !g->total || (g->class == GROUP_MARK && !g->self))
			continue;
		vec_push(&r->rows, (struct row){.group = i, .self = g->self, .total = g->total});
	}
}

static void rows_from_owners(struct report *r)
{
	size_t i;

	for (i = 0; i < r->owners.v.n; i++) {
		const struct owner *ow = &r->owners.v.v[i];

		vec_push(&r->rows,
			 (struct row){.owner = ow, .self = ow->weight, .total = ow->weight});
	}
}

static u64 row_weight(const struct report *r, const struct row *row)
{
	return r->o->sort == SORT_SELF ? row->self : row->total;
}

static void rows_choose(struct report *r)
{
	size_t i, n = 0;

	for (i = 0; i < r->rows.n; i++)
		r->hidden_self += r->rows.v[i].self;
	if (r->rows.n)
		qsort_r(r->rows.v, r->rows.n, sizeof(*r->rows.v), cmp_rows, r);
	for (i = 0; i < r->rows.n && (!r->o->limit || n < r->o->limit); i++) {
		struct row row = r->rows.v[i];

		if (pct_of(row_weight(r, &row), r->sum) < r->o->min_pct)
			continue;
		/* Those that are left out keep their place behind, nobody looks at their order. */
		r->rows.v[i] = r->rows.v[n];
		r->rows.v[n++] = row;
		r->hidden_self -= row.self;
	}
	r->shown = n;
}

/* ---- text ------------------------------------------------------------------------------------ */

static void text_num(struct text_table *t, u32 v)
{
	if (v == NONE)
		text_cell(t, TEXT_DIM, "-");
	else
		text_cell(t, TEXT_PLAIN, "%u", v);
}

static void text_weight(const struct report *r, struct text_table *t, u64 weight)
{
	char num[48];
	u64 ns;

	text_cell(t, TEXT_PLAIN, "%s", value_text(num, r->p, r->column, weight));
	if (value_time(r->p, r->column, weight, &ns))
		text_cell(t, TEXT_DIM, "%s", value_time_text(num, ns));
}

static void text_pct(struct text_table *t, u64 weight, u64 sum)
{
	double pct = pct_of(weight, sum);

	text_cell(t, pct_style(pct), "%.1f", pct);
}

static void text_weight_cols(const struct report *r, struct text_table *t)
{
	u64 ns;

	text_col(t, value_head(r->p, r->column), false);
	if (value_time(r->p, r->column, 0, &ns))
		text_col(t, "~TIME", false);
}

static void text_group_row(const struct report *r, struct text_table *t, const struct row *row)
{
	const char *module = group_module(&r->groups, r->p, row->group), *base;
	bool kernel = !strcmp(group_kind(&r->groups, r->p, row->group), "kernel");
	struct buf name = {0};

	text_pct(t, row->self, r->sum);
	text_pct(t, row->total, r->sum);
	text_weight(r, t, row->self);
	group_name(&r->groups, r->p, row->group, r->o->raw_names, &name);
	text_cell_esc(t, kernel ? TEXT_KERNEL : TEXT_PLAIN, buf_str(&name), name.n);
	buf_done(&name);
	if (r->o->by != BY_FUNCTION)
		return;
	base = strrchr(module, '/');
	base = base && base[1] ? base + 1 : module;
	if (!strcmp(base, "[kernel.kallsyms]"))
		base = "[kernel]";
	text_cell_esc(t, TEXT_DIM, base, strlen(base));
}

/* Every CPU ticks alike, so what a CPU should have seen is the whole over their number. */
static bool cpu_busy_pct(const struct prof *p, u64 weight, double *pct)
{
	double all = (double)p->meta.idle_samples + (double)p->samples.n;
	double seen = (double)weight / (double)MAX(p->values[0].scale, 1);

	if (!p->meta.idle_samples || !p->meta.ncpus || !p->have_samples)
		return false;
	*pct = MIN(seen / all * p->meta.ncpus * 100.0, 100.0);
	return true;
}

static void text_owner_row(const struct report *r, struct text_table *t, const struct row *row)
{
	const struct owner *ow = row->owner;
	const char *comm = ow->comm ? prof_str(r->p, ow->comm) : "[unknown]";
	double busy;

	text_pct(t, row->self, r->sum);
	text_weight(r, t, row->self);
	switch (r->o->by) {
	case BY_CPU:
		if (cpu_busy_pct(r->p, row->self, &busy) && !r->column)
			text_cell(t, TEXT_PLAIN, "%.1f", busy);
		text_num(t, ow->cpu);
		return;
	case BY_NAME:
		text_num(t, ow->n_pids ? ow->n_pids : NONE);
		break;
	case BY_THREAD:
		text_num(t, ow->pid);
		text_num(t, ow->tid);
		break;
	default:
		text_num(t, ow->n_threads ? ow->n_threads : NONE);
		text_num(t, ow->pid);
	}
	text_cell_esc(t, TEXT_PLAIN, comm, strlen(comm));
}

static void text_cols(const struct report *r, struct text_table *t)
{
	double busy;

	text_col(t, by_groups(r) ? "SELF%" : "SHARE%", false);
	if (by_groups(r))
		text_col(t, "TOTAL%", false);
	text_weight_cols(r, t);
	switch (r->o->by) {
	case BY_FUNCTION:
		text_col(t, "FUNCTION", true);
		text_col(t, "MODULE", true);
		break;
	case BY_FILE:
		text_col(t, "FILE", true);
		break;
	case BY_CPU:
		if (cpu_busy_pct(r->p, 0, &busy) && !r->column)
			text_col(t, "BUSY%", false);
		text_col(t, "CPU", false);
		break;
	case BY_NAME:
		text_col(t, "PIDS", false);
		text_col(t, "NAME", true);
		break;
	case BY_THREAD:
		text_col(t, "PID", false);
		text_col(t, "TID", false);
		text_col(t, "THREAD", true);
		break;
	case BY_PROCESS:
		text_col(t, "THREADS", false);
		text_col(t, "PID", false);
		text_col(t, "PROCESS", true);
	}
}

static void text_foot(const struct report *r, struct out *out)
{
	size_t hidden = r->rows.n - r->shown;
	struct buf b = {0};
	char num[32];

	if (!hidden)
		return;
	buf_addf(&b, "# %s more, together %.1f %%", fmt_count(num, hidden),
		 pct_of(r->hidden_self, r->sum));
	buf_adds(&b, by_groups(r) ? " self" : "");
	buf_adds(&b, r->o->limit && r->shown == r->o->limit ? " (--limit 0 shows all)" : "");
	text_line(out, TEXT_DIM, r->o->color, b.p, b.n);
	buf_done(&b);
}

static void report_text(const struct report *r, struct out *out)
{
	struct text_table t = {0};
	size_t i;

	meta_head(r->p, r->o->width, r->o->color, out);
	if (!r->sum) {
		out_puts(out, "nothing to show: no weight is left\n");
		return;
	}
	text_cols(r, &t);
	for (i = 0; i < r->shown; i++) {
		if (r->rows.v[i].owner)
			text_owner_row(r, &t, &r->rows.v[i]);
		else
			text_group_row(r, &t, &r->rows.v[i]);
	}
	text_table_print(&t, r->o->width, r->o->color, out);
	text_foot(r, out);
}

/* ---- JSON: docs/report-json.md --------------------------------------------------------------- */

static void json_id(struct json *j, const char *key, u32 id)
{
	if (id != NONE)
		json_u64(j, key, id);
}

static void json_owner(struct json *j, const struct report *r, const struct owner *ow)
{
	double busy;

	if (r->o->by == BY_CPU) {
		json_id(j, "cpu", ow->cpu);
		if (!r->column && cpu_busy_pct(r->p, ow->weight, &busy))
			json_pct(j, "busy_pct", busy);
		return;
	}
	json_str(j, "name", prof_str(r->p, ow->comm));
	if (r->o->by == BY_NAME) {
		json_u64(j, "processes", ow->n_pids);
		return;
	}
	json_id(j, "pid", ow->pid);
	if (r->o->by == BY_THREAD)
		json_id(j, "tid", ow->tid);
	else
		json_u64(j, "threads", ow->n_threads);
}

static void json_row(struct json *j, const struct report *r, const struct row *row)
{
	u64 ns;

	json_obj(j, NULL);
	if (row->owner)
		json_owner(j, r, row->owner);
	else
		group_json(j, &r->groups, r->p, row->group, r->o->raw_names);
	value_json(j, "self", r->p, r->column, row->self);
	value_json(j, "total", r->p, r->column, row->total);
	json_pct(j, "self_pct", pct_of(row->self, r->sum));
	json_pct(j, "total_pct", pct_of(row->total, r->sum));
	if (value_time(r->p, r->column, row->self, &ns))
		json_u64(j, "self_time_ns", ns);
	json_end(j);
}

static void report_json(const struct report *r, struct out *out)
{
	static const char *const names[] = {
		[BY_FUNCTION] = "function", [BY_PROCESS] = "process", [BY_THREAD] = "thread",
		[BY_CPU] = "cpu",	    [BY_FILE] = "file",	      [BY_NAME] = "name"};
	struct json j;
	size_t i;

	meta_json_begin(&j, r->p, "spoor-report/1", out);
	value_json_head(&j, r->p, r->column, r->sum);
	json_str(&j, "by", names[r->o->by]);
	json_arr(&j, "rows");
	for (i = 0; i < r->shown; i++)
		json_row(&j, r, &r->rows.v[i]);
	json_end(&j);
	json_obj(&j, "hidden");
	json_u64(&j, "rows", r->rows.n - r->shown);
	value_json(&j, "self", r->p, r->column, r->hidden_self);
	json_end(&j);
	json_end(&j);
	json_done(&j);
}

int view_report(const struct prof *p, const struct report_opts *o, struct out *out)
{
	struct report r = {.p = p, .o = o, .column = value_column(p, o->column)};
	int rc = 0;

	if (o->callers || o->callees)
		return view_tree(p, o, out);
	r.sum = prof_sum(p, r.column);
	if (by_groups(&r)) {
		groups_init(&r.groups, p, o->by == BY_FILE ? GROUP_MODULE : GROUP_FUNCTION,
			    r.column);
		rows_from_groups(&r);
	} else {
		rc = owners_init(&r.owners, p, o->by, r.column);
		rows_from_owners(&r);
	}
	if (!rc) {
		rows_choose(&r);
		if (o->json)
			report_json(&r, out);
		else
			report_text(&r, out);
		rc = out_error(out);
	}
	if (by_groups(&r))
		groups_done(&r.groups, p);
	owners_done(&r.owners);
	vec_done(&r.rows);
	return rc;
}
