// SPDX-License-Identifier: Apache-2.0
/* New names for frames, and what follows when two frames become one. */
#include "prof/prof_int.h"

/* Renames frames in place. True when there may be equal ones now. */
static bool rename_frames(struct prof *p, prof_rename_fn fn, void *arg)
{
	struct buf raw = {0}, shown = {0};
	bool changed = false;

	for (size_t i = 1; i < p->frames.n; i++) {
		struct prof_frame *f = &p->frames.v[i];

		if (f->kind == FRAME_COMM || f->kind == FRAME_MARK || f->flags & FRAME_UNKNOWN)
			continue;
		buf_reset(&raw);
		buf_reset(&shown);
		buf_adds(&raw, prof_str(p, f->name)); /* a copy: strings may move */
		if (!fn(buf_str(&raw), &shown, arg))
			continue;
		f->name = prof_string(p, buf_str(&shown), shown.n);
		changed = true;
	}
	buf_done(&raw);
	buf_done(&shown);
	return changed;
}

/* Makes equal frames one. to[old] = new. Returns false when all are different. */
static bool unite_frames(struct prof *p, u32 *to)
{
	size_t n = p->frames.n;
	struct prof_frame *old = p->frames.v;
	size_t bytes = p->frames.cap * sizeof(*old);

	memset(&p->frames, 0, sizeof(p->frames));
	for (size_t i = 0; i < n; i++)
		to[i] = prof_frame_id(p, &old[i]);
	big_free(old, bytes);
	return p->frames.n < n;
}

/* Makes equal children of a node one, in place: a new id is never larger than the old one. */
static void unite_nodes(struct prof *p, const u32 *frame_to)
{
	size_t n = p->parent.n, bytes = n * sizeof(u32);
	u32 *to = big_realloc(NULL, 0, bytes);

	prof_index_drop(p);
	p->parent.n = p->frame.n = 1;
	for (u32 c = 0; c < p->nvalues; c++)
		p->self[c].n = 1;
	to[0] = 0;
	for (size_t i = 1; i < n; i++) {
		u32 parent = to[p->parent.v[i]], frame = frame_to[p->frame.v[i]];
		u64 self[PROF_VALUES];

		for (u32 c = 0; c < p->nvalues; c++)
			self[c] = p->self[c].v[i];
		to[i] = prof_node(p, parent, frame);
		for (u32 c = 0; c < p->nvalues; c++)
			p->self[c].v[to[i]] =
				sat_add(p->self[c].v[to[i]], self[c], &p->acct.saturated);
	}
	for (size_t i = 0; i < p->samples.n; i++)
		p->samples.v[i].node = to[p->samples.v[i].node];
	big_free(to, bytes);
}

void prof_rename(struct prof *p, prof_rename_fn fn, void *arg)
{
	bool finished = !p->index;
	size_t n = p->frames.n;
	u32 *to;

	if (!rename_frames(p, fn, arg))
		return;
	prof_index_drop(p);
	to = xcalloc(n, sizeof(*to));
	if (unite_frames(p, to))
		unite_nodes(p, to);
	free(to);
	if (finished)
		prof_index_drop(p);
}
