// SPDX-License-Identifier: Apache-2.0
/*
 * The report as a tree: what functions call, or who calls them. The tree is never built whole:
 * the heaviest place is opened first, until enough rows are there, and each place keeps the nodes
 * of the profile that meet in it.
 *
 *   callees of f (down): a place's list is the nodes under the first f of each stack
 *   callers of f (up):   the list walks from the first f of each stack to the root, all in step
 */
#include <regex.h>

#include "view/view_int.h"

struct entry {
	u32 group; /* where it goes */
	u32 node;
	u64 weight;
};

struct place {
	u32 group;
	u32 parent; /* index of a place; NONE for a root */
	u32 root;
	u32 first, last, next; /* shown children, heaviest first */
	u32 row;	       /* its number among the printed rows */
	u64 total, self;
	size_t list, nlist; /* in tree.lists */
	size_t cont_bytes;  /* of the lead of lines under it */
};

struct tree {
	const struct prof *p;
	const struct report_opts *o;
	struct groups groups;
	bool up, from_all;
	VEC(struct place) places;
	VEC(u32) heap; /* places to open, heaviest on top */
	VEC(struct entry) lists;
	VEC(struct entry) fresh; /* entries to be sorted into places */
	u64 *acc;		 /* per group, while sorting: weight, then place + 1 */
	u32 *count;		 /* per group, while sorting */
	VEC(u32) touched;
	u32 first, last; /* shown roots */
	size_t shown, small;
};

/* ---- heap ------------------------------------------------------------------------------------ */

/* Equal weight: the one that was found first, so that the order never depends on luck. */
static bool heavier(const struct tree *t, u32 a, u32 b)
{
	u64 wa = t->places.v[a].total, wb = t->places.v[b].total;

	return wa > wb || (wa == wb && a < b);
}

static void swap_u32(u32 *a, u32 *b)
{
	u32 c = *a;

	*a = *b;
	*b = c;
}

static void heap_push(struct tree *t, u32 place)
{
	size_t i = t->heap.n;

	vec_push(&t->heap, place);
	while (i && heavier(t, t->heap.v[i], t->heap.v[(i - 1) / 2])) {
		swap_u32(&t->heap.v[i], &t->heap.v[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

static u32 heap_pop(struct tree *t)
{
	u32 top = t->heap.v[0];
	size_t i = 0, n = --t->heap.n;

	t->heap.v[0] = t->heap.v[n];
	for (;;) {
		size_t best = i, c;

		for (c = 2 * i + 1; c <= 2 * i + 2 && c < n; c++)
			if (heavier(t, t->heap.v[c], t->heap.v[best]))
				best = c;
		if (best == i)
			return top;
		swap_u32(&t->heap.v[i], &t->heap.v[best]);
		i = best;
	}
}

/* ---- growing --------------------------------------------------------------------------------- */

static u32 place_new(struct tree *t, u32 group, u32 parent, u64 total, u32 n)
{
	u32 id = (u32)t->places.n;
	struct place pl = {.group = group, .parent = parent, .total = total};

	pl.root = parent == NONE ? id : t->places.v[parent].root;
	pl.first = pl.last = pl.next = NONE;
	pl.list = t->lists.n;
	vec_reserve(&t->lists, t->lists.n + n);
	t->lists.n += n;
	vec_push(&t->places, pl);
	heap_push(t, id);
	return id;
}

#define DEFAULT_MIN_PCT 0.5

/* By default a tree of many light functions still has its roots. */
static double min_pct(const struct tree *t, u32 parent)
{
	if (t->o->min_pct >= 0)
		return t->o->min_pct;
	return parent == NONE ? 0 : DEFAULT_MIN_PCT;
}

/* Sorts the fresh entries by group into new places under parent; light ones are only counted. */
static void sort_fresh(struct tree *t, u32 parent)
{
	size_t i;

	t->touched.n = 0;
	for (i = 0; i < t->fresh.n; i++) {
		const struct entry *e = &t->fresh.v[i];

		if (!t->count[e->group]++)
			vec_push(&t->touched, e->group);
		t->acc[e->group] += e->weight;
	}
	for (i = 0; i < t->touched.n; i++) {
		u32 g = t->touched.v[i];
		u64 total = t->acc[g];

		t->acc[g] = 0;
		if (total && pct_of(total, t->groups.sum) >= min_pct(t, parent))
			t->acc[g] = place_new(t, g, parent, total, t->count[g]) + 1ull;
		else
			t->small++;
	}
	for (i = 0; i < t->fresh.n; i++) {
		const struct entry *e = &t->fresh.v[i];
		struct place *pl;

		if (!t->acc[e->group])
			continue;
		pl = &t->places.v[t->acc[e->group] - 1];
		t->lists.v[pl->list + pl->nlist++] = *e;
		/* Callees only: what stays in the place itself. */
		pl->self += t->p->self[t->groups.column].v[e->node];
	}
	for (i = 0; i < t->touched.n; i++)
		t->acc[t->touched.v[i]] = t->count[t->touched.v[i]] = 0;
	t->fresh.n = 0;
}

static void open_up(struct tree *t, const struct place *pl, const struct entry *e)
{
	/* A stack without code hangs directly on its process name. */
	u32 node = pl->group == t->groups.nostack ? e->node : t->p->parent.v[e->node];

	if (node)
		vec_push(&t->fresh,
			 (struct entry){t->groups.of_frame[t->p->frame.v[node]], node, e->weight});
}

static void open_down(struct tree *t, const struct entry *e)
{
	u32 c;

	for (c = t->groups.child[e->node]; c != NONE; c = t->groups.sibling[c])
		vec_push(&t->fresh, (struct entry){t->groups.of_frame[t->p->frame.v[c]], c,
						   t->groups.totals[c]});
}

static void place_open(struct tree *t, u32 id)
{
	struct place *pl = &t->places.v[id];
	size_t i;

	for (i = 0; i < pl->nlist; i++) {
		const struct entry *e = &t->lists.v[pl->list + i];

		if (t->up)
			open_up(t, pl, e);
		else if (pl->group != t->groups.nostack)
			open_down(t, e);
	}
	sort_fresh(t, id);
}

/* The heap gives them heaviest first, so appending keeps every list of children sorted. */
static void place_show(struct tree *t, u32 id)
{
	u32 parent = t->places.v[id].parent;
	u32 *first = parent == NONE ? &t->first : &t->places.v[parent].first;
	u32 *last = parent == NONE ? &t->last : &t->places.v[parent].last;

	if (*last == NONE)
		*first = id;
	else
		t->places.v[*last].next = id;
	*last = id;
	t->shown++;
}

static void tree_grow(struct tree *t)
{
	sort_fresh(t, NONE);
	while (t->heap.n && (!t->o->limit || t->shown < t->o->limit)) {
		u32 id = heap_pop(t);

		place_show(t, id);
		place_open(t, id);
	}
}

/* ---- where it starts ------------------------------------------------------------------------- */

static void start_leaves(struct tree *t)
{
	const struct prof *p = t->p;
	u32 i;

	for (i = 0; i < prof_nnodes(p); i++) {
		u32 g = i ? t->groups.of_frame[p->frame.v[i]] : t->groups.nostack;
		u64 self = p->self[t->groups.column].v[i];

		if (t->groups.v.v[g].class == GROUP_COMM)
			g = t->groups.nostack;
		if (self)
			vec_push(&t->fresh, (struct entry){g, i, self});
	}
}

static void start_roots(struct tree *t)
{
	u64 self = t->p->self[t->groups.column].v[0];

	open_down(t, &(struct entry){0, 0, 0});
	if (self)
		vec_push(&t->fresh, (struct entry){t->groups.nostack, 0, self});
}

struct start {
	struct tree *t;
	const u8 *matched; /* per group */
};

static void start_at(u32 node, u32 group, void *arg)
{
	struct start *s = arg;

	if (s->matched[group])
		vec_push(&s->t->fresh, (struct entry){group, node, s->t->groups.totals[node]});
}

enum match { MATCH_SYMBOL, MATCH_SHOWN, MATCH_REGEX };

static bool group_matches(const struct tree *t, u32 group, enum match how, const char *name,
			  const regex_t *re)
{
	u32 frame = t->groups.v.v[group].frame;
	struct buf shown = {0};
	bool hit;

	if (!t->groups.v.v[group].total)
		return false;
	if (how == MATCH_SYMBOL)
		return frame != NONE && !strcmp(prof_str(t->p, t->p->frames.v[frame].name), name);
	group_name(&t->groups, t->p, group, false, &shown);
	if (how == MATCH_SHOWN)
		hit = !strcmp(buf_str(&shown), name);
	else
		hit = !regexec(re, buf_str(&shown), 0, NULL, 0) ||
		      (frame != NONE &&
		       !regexec(re, prof_str(t->p, t->p->frames.v[frame].name), 0, NULL, 0));
	buf_done(&shown);
	return hit;
}

static size_t match_all(const struct tree *t, enum match how, const char *name, const regex_t *re,
			u8 *matched)
{
	size_t n = 0;
	u32 i;

	for (i = 0; i < t->groups.v.n; i++) {
		matched[i] = group_matches(t, i, how, name, re);
		n += matched[i];
	}
	return n;
}

/* A name that differs in case only or holds what was given, else the nearest in spelling. */
static void suggest(const struct tree *t, const char *name)
{
	const char **names = xcalloc(t->groups.v.n, sizeof(*names)), *best = NULL;
	u64 best_total = 0;
	size_t n = 0;
	u32 i;

	for (i = 0; i < t->groups.v.n; i++) {
		const struct group *g = &t->groups.v.v[i];
		const char *s;

		if (g->frame == NONE || !g->total)
			continue;
		s = prof_str(t->p, t->p->frames.v[g->frame].name);
		if (strlen(s) < 64)
			names[n++] = s;
		if (strcasestr(s, name) && g->total > best_total) {
			best_total = g->total;
			best = s;
		}
	}
	if (!best)
		best = opt_nearest(name, names, n);
	if (best)
		err_try("did you mean %s?", best);
	free(names);
}

static int start_matching(struct tree *t, const char *name)
{
	u8 *matched = xcalloc(t->groups.v.n, 1);
	struct start s = {t, matched};
	char why[128];
	regex_t re;
	int rc = 0;

	if (match_all(t, MATCH_SYMBOL, name, NULL, matched) ||
	    match_all(t, MATCH_SHOWN, name, NULL, matched))
		goto found;
	rc = regcomp(&re, name, REG_EXTENDED | REG_NOSUB);
	if (rc) {
		regerror(rc, &re, why, sizeof(why));
		rc = err(-EINVAL, "no function %s, and as a regular expression: %s", name, why);
		goto out;
	}
	if (!match_all(t, MATCH_REGEX, name, &re, matched)) {
		rc = err(-EINVAL, "no function in the profile matches %s", name);
		suggest(t, name);
	}
	regfree(&re);
	if (rc)
		goto out;
found:
	groups_each_outermost(&t->groups, t->p, start_at, &s);
out:
	free(matched);
	return rc;
}

/* ---- printing -------------------------------------------------------------------------------- */

#define LEAD_MAX 240 /* bytes; a tree that branches deeper is not indented further */

/* The next place in reading order, or NONE. */
static u32 place_after(const struct tree *t, u32 id)
{
	if (t->places.v[id].first != NONE)
		return t->places.v[id].first;
	while (id != NONE && t->places.v[id].next == NONE)
		id = t->places.v[id].parent;
	return id == NONE ? NONE : t->places.v[id].next;
}

/*
 * What is before the name. Only where the tree branches is there a new indentation; an only child
 * stands right under its parent, so that long chains stay readable.
 */
static void lead(struct tree *t, u32 id, struct buf *cont, struct buf *line)
{
	struct place *pl = &t->places.v[id];
	const struct place *up = pl->parent == NONE ? NULL : &t->places.v[pl->parent];

	if (!up) {
		buf_reset(cont);
		buf_adds(cont, "  ");
	} else {
		cont->n = up->cont_bytes;
		buf_add(line, cont->p, cont->n);
		if (up->first != up->last && cont->n < LEAD_MAX) {
			buf_adds(line, pl->next == NONE ? "└─ " : "├─ ");
			buf_adds(cont, pl->next == NONE ? "   " : "│  ");
		}
	}
	pl->cont_bytes = cont->n;
}

/* An only child with its parent's whole weight needs no numbers: they are right above. */
static bool repeats_parent(const struct tree *t, const struct place *pl)
{
	const struct place *up = pl->parent == NONE ? NULL : &t->places.v[pl->parent];

	return up && up->first == up->last && up->total == pl->total;
}

static void cell_pct(struct text_table *tt, enum text_style style, bool show, double pct)
{
	char num[32] = "";

	if (show)
		snprintf(num, sizeof(num), "%.1f", pct);
	text_cell(tt, style, "%s", num);
}

static void tree_numbers(const struct tree *t, struct text_table *tt, const struct place *pl)
{
	u64 root_total = t->places.v[pl->root].total, sum = t->groups.sum;
	double pct = pct_of(pl->total, sum);
	bool blank = repeats_parent(t, pl);
	char num[48];

	cell_pct(tt, pct_style(pct), !blank, pct);
	if (!t->from_all)
		cell_pct(tt, TEXT_PLAIN, !blank, pct_of(pl->total, root_total));
	if (!t->up)
		cell_pct(tt, TEXT_PLAIN, pl->self, pct_of(pl->self, sum));
	text_cell(tt, TEXT_PLAIN, "%s",
		  blank ? "" : value_text(num, t->p, t->groups.column, pl->total));
}

static void tree_row(struct tree *t, struct text_table *tt, u32 id, const struct buf *before)
{
	const struct place *pl = &t->places.v[id];
	const struct group *g = &t->groups.v.v[pl->group];
	enum text_style style = TEXT_PLAIN;
	struct buf name = {0}, text = {0};

	tree_numbers(t, tt, pl);
	group_name(&t->groups, t->p, pl->group, t->o->raw_names, &name);
	esc_term(&text, buf_str(&name), name.n);
	if (g->class == GROUP_COMM)
		style = TEXT_HEAD;
	else if (!strcmp(group_kind(&t->groups, t->p, pl->group), "kernel"))
		style = TEXT_KERNEL;
	text_cell(tt, style, "%s%s", buf_str(before), buf_str(&text));
	buf_done(&name);
	buf_done(&text);
}

static void tree_text(struct tree *t, struct out *out)
{
	struct text_table tt = {0};
	struct buf cont = {0}, line = {0}, foot = {0};
	size_t more = t->heap.n;
	u32 id;

	meta_head(t->p, t->o->width, t->o->color, out);
	text_col(&tt, "TOTAL%", false);
	if (!t->from_all)
		text_col(&tt, "OF IT%", false);
	if (!t->up)
		text_col(&tt, "SELF%", false);
	text_col(&tt, value_head(t->p, t->groups.column), false);
	text_col(&tt, t->up ? "FUNCTION, UNDER IT ITS CALLERS" : "FUNCTION, UNDER IT WHAT IT CALLS",
		 true);
	for (id = t->first; id != NONE; id = place_after(t, id)) {
		buf_reset(&line);
		lead(t, id, &cont, &line);
		tree_row(t, &tt, id, &line);
	}
	text_table_print(&tt, t->o->width, t->o->color, out);
	if (more || t->small)
		buf_addf(&foot, "# not shown:");
	if (more)
		buf_addf(&foot, " %zu more branches (--limit 0)%s", more, t->small ? "," : "");
	if (t->small)
		buf_addf(&foot, " %zu under %g %% (--min 0)", t->small, min_pct(t, 0));
	if (foot.n)
		text_line(out, TEXT_DIM, t->o->color, foot.p, foot.n);
	buf_done(&cont);
	buf_done(&line);
	buf_done(&foot);
}

static void tree_json_row(struct tree *t, struct json *j, u32 id, u32 row)
{
	struct place *pl = &t->places.v[id];

	pl->row = row;
	json_obj(j, NULL);
	if (pl->parent == NONE)
		json_s64(j, "parent", -1);
	else
		json_u64(j, "parent", t->places.v[pl->parent].row);
	group_json(j, &t->groups, t->p, pl->group, t->o->raw_names);
	if (!t->up)
		value_json(j, "self", t->p, t->groups.column, pl->self);
	value_json(j, "total", t->p, t->groups.column, pl->total);
	json_pct(j, "total_pct", pct_of(pl->total, t->groups.sum));
	if (!t->from_all)
		json_pct(j, "root_pct", pct_of(pl->total, t->places.v[pl->root].total));
	json_end(j);
}

static void tree_json(struct tree *t, struct out *out)
{
	struct json j;
	u32 id, row = 0;

	meta_json_begin(&j, t->p, "spoor-report/1", out);
	value_json_head(&j, t->p, t->groups.column, t->groups.sum);
	json_str(&j, "tree", t->up ? "callers" : "callees");
	json_arr(&j, "rows");
	for (id = t->first; id != NONE; id = place_after(t, id))
		tree_json_row(t, &j, id, row++);
	json_end(&j);
	json_obj(&j, "hidden");
	json_u64(&j, "branches", t->heap.n);
	json_u64(&j, "below_min", t->small);
	json_end(&j);
	json_end(&j);
	json_done(&j);
}

static void tree_done(struct tree *t)
{
	vec_done(&t->places);
	vec_done(&t->heap);
	vec_done(&t->lists);
	vec_done(&t->fresh);
	vec_done(&t->touched);
	free(t->acc);
	free(t->count);
	groups_done(&t->groups, t->p);
}

int view_tree(const struct prof *p, const struct report_opts *o, struct out *out)
{
	const char *from = o->callers ? o->callers : o->callees;
	struct tree t = {.p = p, .o = o, .up = o->callers, .first = NONE, .last = NONE};
	int rc = 0;

	t.from_all = !*from || !strcmp(from, ".");
	groups_init(&t.groups, p, GROUP_FUNCTION, value_column(p, o->column));
	t.acc = xcalloc(t.groups.v.n, sizeof(*t.acc));
	t.count = xcalloc(t.groups.v.n, sizeof(*t.count));
	if (!t.from_all)
		rc = start_matching(&t, from);
	else if (t.up)
		start_leaves(&t);
	else
		start_roots(&t);
	if (!rc) {
		tree_grow(&t);
		if (o->json)
			tree_json(&t, out);
		else
			tree_text(&t, out);
		rc = out_error(out);
	}
	tree_done(&t);
	return rc;
}
