// SPDX-License-Identifier: Apache-2.0
#include "prof/tree_int.h"

struct tree {
	const struct prof *p;
	u32 *start; /* of each node's children in kids; one more at the end */
	u32 *kids;  /* node ids */
	u32 *rank;  /* of each frame in the order of names */
};

static int frame_cmp(const void *a, const void *b, void *arg)
{
	const struct prof *p = arg;
	const struct prof_frame *x = &p->frames.v[*(const u32 *)a];
	const struct prof_frame *y = &p->frames.v[*(const u32 *)b];
	int c = strcmp(prof_str(p, x->name), prof_str(p, y->name));

	if (!c)
		c = strcmp(prof_str(p, x->module), prof_str(p, y->module));
	if (!c)
		c = (x->kind > y->kind) - (x->kind < y->kind);
	return c ? c : (x->offset > y->offset) - (x->offset < y->offset);
}

static void rank_frames(struct tree *t)
{
	size_t n = t->p->frames.n;
	u32 *order = xmalloc(n * sizeof(*order));

	t->rank = xmalloc(n * sizeof(*t->rank));
	for (size_t i = 0; i < n; i++)
		order[i] = (u32)i;
	qsort_r(order, n, sizeof(*order), frame_cmp, (void *)t->p);
	for (size_t i = 0; i < n; i++)
		t->rank[order[i]] = (u32)i;
	free(order);
}

/* Counting sort by parent: start[i + 1] first counts, then is the end of the children so far. */
static void sort_by_parent(struct tree *t)
{
	size_t n = t->p->parent.n;
	const u32 *parent = t->p->parent.v;

	t->start = big_realloc(NULL, 0, (n + 2) * sizeof(u32));
	t->kids = big_realloc(NULL, 0, n * sizeof(u32));
	memset(t->start, 0, (n + 2) * sizeof(u32));
	for (size_t i = 1; i < n; i++)
		t->start[parent[i] + 2]++;
	for (size_t i = 2; i < n + 2; i++)
		t->start[i] += t->start[i - 1];
	for (size_t i = 1; i < n; i++)
		t->kids[t->start[parent[i] + 1]++] = (u32)i;
}

static int kid_cmp(const void *a, const void *b, void *arg)
{
	const struct tree *t = arg;
	u32 x = t->rank[t->p->frame.v[*(const u32 *)a]],
	    y = t->rank[t->p->frame.v[*(const u32 *)b]];

	return (x > y) - (x < y);
}

static void sort_kids(struct tree *t, u32 node)
{
	u32 *kids = t->kids + t->start[node];
	u32 n = t->start[node + 1] - t->start[node];

	if (n > 1)
		qsort_r(kids, n, sizeof(*kids), kid_cmp, t);
}

static int walk(struct tree *t, tree_fn fn, void *arg)
{
	VEC(u32) path = {0}; /* next child to visit, by depth; its parent is on the level before */
	u32 node = 0;
	int rc = 0;

	sort_kids(t, 0);
	vec_push(&path, t->start[0]);
	while (path.n && !rc) {
		u32 *next = &path.v[path.n - 1];

		if (*next == t->start[node + 1]) {
			path.n--;
			node = t->p->parent.v[node];
			continue;
		}
		node = t->kids[(*next)++];
		rc = fn(arg, node, (u32)path.n);
		sort_kids(t, node);
		vec_push(&path, t->start[node]);
	}
	vec_done(&path);
	return rc;
}

int tree_walk(const struct prof *p, tree_fn fn, void *arg)
{
	struct tree t = {.p = p};
	size_t n = p->parent.n;
	int rc;

	rank_frames(&t);
	sort_by_parent(&t);
	rc = walk(&t, fn, arg);
	big_free(t.start, (n + 2) * sizeof(u32));
	big_free(t.kids, n * sizeof(u32));
	free(t.rank);
	return rc;
}
