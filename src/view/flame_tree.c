// SPDX-License-Identifier: Apache-2.0
/*
 * flame_tree: from a profile of any size to the few hundred thousand heaviest frames, named, sorted
 * and laid out. See flame_int.h.
 */
#include "view/flame_int.h"

#define NAME_MAX_BYTES 2000
#define LEFT 0x80000000u /* in marks: not kept; the rest is the nearest kept ancestor */

/* ---- prune --------------------------------------------------------------------------------------
 */

/* self + callees per node, in 32 bits where the sum allows: half the memory, half the time. */
struct totals {
	u32 *v32;
	u64 *v64;
	u32 n;
};

/* A frame that is kept, in order of node id: a parent comes before its children. */
struct kept {
	u64 total, self, other, n_other;
	u32 parent; /* index in kept */
	u32 name;
	u32 frame;
	bool gone; /* merged into an equal sibling */
};
struct kept_vec {
	struct kept *v;
	size_t n, cap;
};

/* Buckets 0..63 are exact, then 32 to a power of two. */
#define HIST_BUCKETS (64 + 58 * 32)

static u32 bucket_of(u64 w)
{
	int e;

	if (w < 64)
		return (u32)w;
	e = 63 - __builtin_clzll(w);
	return 64 + (u32)(e - 6) * 32 + ((u32)(w >> (e - 5)) & 31);
}

static u64 bucket_floor(u32 b)
{
	if (b < 64)
		return b;
	if (b >= HIST_BUCKETS)
		return UINT64_MAX;
	b -= 64;
	return (u64)(32 + b % 32) << (b / 32 + 1);
}

static inline u64 self_of(const struct prof *p, u32 column, u32 node)
{
	return node < p->self[column].n ? p->self[column].v[node] : 0;
}

static inline u64 totals_get(const struct totals *t, u32 i)
{
	return t->v32 ? t->v32[i] : t->v64[i];
}

/* From here on the entry of a visited node says where it went (an index, or LEFT | ancestor). */
static inline void totals_mark(struct totals *t, u32 i, u32 mark)
{
	if (t->v32)
		t->v32[i] = mark;
	else
		t->v64[i] = mark;
}

static void totals_build(struct totals *t, const struct prof *p, u32 column, u64 *hist)
{
	const u32 *parent = p->parent.v;
	u32 *v;

	t->n = prof_nnodes(p);
	if (prof_sum(p, column) > UINT32_MAX || p->self[column].n < t->n) {
		t->v64 = prof_totals(p, column);
		for (u32 i = 0; i < t->n; i++)
			hist[bucket_of(t->v64[i])]++;
		return;
	}
	/* calloc: untouched pages of a big array are zero for free */
	t->v32 = v = xcalloc(MAX(t->n, 1u), sizeof(*v));
	for (u32 i = t->n; i-- > 1;) {
		v[i] += (u32)p->self[column].v[i];
		v[parent[i]] += v[i];
		hist[bucket_of(v[i])]++;
	}
	if (t->n) {
		v[0] += (u32)p->self[column].v[0];
		hist[bucket_of(v[0])]++;
	}
}

static void totals_done(struct totals *t)
{
	free(t->v32);
	big_free(t->v64, (size_t)t->n * 8);
}

/*
 * The bucket that still fits into max nodes. Of the one below it, as many as there is room for
 * (*room), first come first served: a parent has the smaller id, so the result is still a tree.
 */
static u32 cut_at(const u64 *hist, u64 max, u64 *room)
{
	u64 n = 0;
	u32 b = HIST_BUCKETS;

	while (b > 1 && n + hist[b - 1] <= max)
		n += hist[--b];
	*room = max - n;
	return b;
}

static void keep(struct flame_tree *t, const struct prof *p, u32 column, struct totals *tot,
		 const u64 *hist, u32 max, struct kept_vec *kv)
{
	u64 room;
	u32 cut = cut_at(hist, max, &room);
	u64 sure = bucket_floor(cut), maybe = cut > 1 ? bucket_floor(cut - 1) : 1;

	for (u32 i = 0; i < tot->n; i++) {
		u64 w = totals_get(tot, i);
		u32 up = i ? (u32)totals_get(tot, p->parent.v[i]) : 0;
		bool safe = cut < HIST_BUCKETS && w >= sure;
		struct kept k = {.total = w, .parent = up, .frame = p->frame.v[i]};

		if (!w && i)
			continue; /* its mark stays 0, and nothing with weight stands on it */
		if (i && !safe && (w < maybe || !room)) {
			struct kept *a = &kv->v[up & ~LEFT];

			a->n_other++;
			if (!(up & LEFT))
				a->other += w;
			t->n_left++;
			totals_mark(tot, i, LEFT | (up & ~LEFT));
			continue;
		}
		if (!safe && room)
			room--;
		k.self = self_of(p, column, i);
		totals_mark(tot, i, (u32)kv->n);
		vec_push(kv, k);
		t->n_all += i > 0;
	}
	t->n_all += t->n_left;
	t->least = t->n_left ? MAX(maybe, 1) : 0;
}

/* ---- names --------------------------------------------------------------------------------------
 */

/* Bytes of a sequence that must not reach a page: controls, line separators, non-characters. */
static bool is_odd(const char *s, size_t len)
{
	if (len == 1)
		return (u8)*s < 0x20 || *s == 0x7f;
	if (len == 2)
		return (u8)*s == 0xc2 && (u8)s[1] < 0xa0;
	return len == 3 && (!memcmp(s, "\xe2\x80\xa8", 3) || !memcmp(s, "\xe2\x80\xa9", 3) ||
			    !memcmp(s, "\xef\xbf\xbe", 3) || !memcmp(s, "\xef\xbf\xbf", 3));
}

/* Appends s as clean text, as much as is ever shown: what is odd or not UTF-8 becomes U+FFFD. */
static void clean_add(struct buf *b, const char *s, size_t n)
{
	size_t i = 0, most = MIN(n, (size_t)NAME_MAX_BYTES);

	while (i < most) {
		size_t plain = i, len;

		while (plain < most && (u8)s[plain] >= 0x20 && (u8)s[plain] < 0x7f)
			plain++;
		buf_add(b, s + i, plain - i);
		i = plain;
		if (i == most)
			break;
		len = utf8_len(s + i, n - i);
		if (!len || is_odd(s + i, len))
			buf_adds(b, "\xef\xbf\xbd");
		else
			buf_add(b, s + i, len);
		i += MAX(len, (size_t)1);
	}
	if (i < n)
		buf_adds(b, "…");
}

/* "[gzip+0xcc5c]" is shown as "[gzip]": hundreds of nameless slivers tell less than their file. */
static size_t unknown_len(const struct prof_frame *f, const char *raw)
{
	const char *plus = f->flags & FRAME_UNKNOWN ? strrchr(raw, '+') : NULL;

	return plus && plus > raw && str_starts(plus, "+0x") && str_ends(raw, "]")
		       ? (size_t)(plus - raw)
		       : 0;
}

/* The name of a frame as an interned string: one byte of kind, then the text. */
static u32 name_of(struct flame_tree *t, const struct prof *p, const struct flame_opts *o,
		   u32 frame, struct buf *b, struct buf *shown)
{
	const struct prof_frame *f = &p->frames.v[frame];
	const char *raw = prof_str(p, f->name);
	size_t unknown = o->offsets ? 0 : unknown_len(f, raw);

	buf_reset(b);
	buf_reset(shown);
	buf_addc(b, (char)('A' + f->kind));
	if (unknown) {
		clean_add(b, raw, unknown);
		buf_addc(b, ']');
	} else if (o->rename && o->rename(raw, shown, o->rename_arg) && shown->n) {
		clean_add(b, shown->p, shown->n);
	} else {
		clean_add(b, raw, strlen(raw));
	}
	if (b->n == 1)
		buf_adds(b, "[empty]");
	return intern_add(&t->strings, b->p, b->n);
}

static int name_cmp(const void *x, const void *y, void *arg)
{
	const struct intern *in = arg;
	const char *a = intern_str(in, *(const u32 *)x), *b = intern_str(in, *(const u32 *)y);
	int c = strcmp(a + 1, b + 1);

	return c ? c : (u8)*a - (u8)*b;
}

/* Fills t->names in sorted order and turns the kept frames' string ids into indexes of it. */
static void names_sort(struct flame_tree *t, struct kept_vec *kv)
{
	u32 n = intern_count(&t->strings) - 1; /* without "" */
	u32 *ids = xcalloc(n + 1, sizeof(*ids)), *rank = xcalloc(n + 1, sizeof(*rank));

	for (u32 i = 0; i < n; i++)
		ids[i] = i + 1;
	qsort_r(ids, n, sizeof(*ids), name_cmp, &t->strings);
	vec_reserve(&t->names, n);
	for (u32 i = 0; i < n; i++) {
		const char *s = intern_str(&t->strings, ids[i]);
		size_t len = intern_len(&t->strings, ids[i]) - 1;
		struct flame_name name = {s + 1, (u32)len, (u8)(*s - 'A'), 0};

		name.shade = (u8)(hash_bytes(s + 1, len) % FLAME_SHADES);
		vec_push(&t->names, name);
		rank[ids[i]] = i;
	}
	for (size_t i = 0; i < kv->n; i++)
		kv->v[i].name = rank[kv->v[i].name];
	free(ids);
	free(rank);
}

/* Gives every kept frame its name. True when different frames turned out to have one name. */
static bool names_build(struct flame_tree *t, const struct prof *p, const struct flame_opts *o,
			struct kept_vec *kv)
{
	u32 *of = xcalloc(p->frames.n + 1, sizeof(*of)); /* frame -> string, 0: not yet */
	struct buf b = {0}, shown = {0};
	u32 n_frames = 1;

	buf_addf(&b, "%call", 'A' + FRAME_MARK);
	kv->v[0].name = intern_add(&t->strings, b.p, b.n);
	for (size_t i = 1; i < kv->n; i++) {
		u32 f = kv->v[i].frame;

		if (!of[f]) {
			of[f] = name_of(t, p, o, f, &b, &shown);
			n_frames++;
		}
		kv->v[i].name = of[f];
	}
	n_frames -= intern_count(&t->strings) - 1;
	free(of);
	buf_done(&b);
	buf_done(&shown);
	names_sort(t, kv);
	return n_frames > 0;
}

/* Siblings that have the same name become one. */
static void siblings_merge(struct kept_vec *kv)
{
	u32 *now = xcalloc(kv->n, sizeof(*now));
	struct map seen = {0};

	for (size_t i = 1; i < kv->n; i++) {
		struct kept *k = &kv->v[i], *same;
		u64 *slot;

		k->parent = now[k->parent];
		slot = map_put(&seen, (u64)k->parent << 32 | k->name);
		now[i] = (u32)i;
		if (!*slot) {
			*slot = i;
			continue;
		}
		now[i] = (u32)*slot;
		same = &kv->v[*slot];
		same->total += k->total;
		same->self += k->self;
		same->other += k->other;
		same->n_other += k->n_other;
		k->gone = true;
	}
	map_done(&seen);
	free(now);
}

/* ---- layout -------------------------------------------------------------------------------------
 */

struct layout {
	u32 *order; /* kept frames, by parent, then by name */
	u32 *first; /* kept frame -> place of its first child in order; [n] too */
	u32 *size;  /* kept frame -> frames in its subtree */
	u32 *pre;   /* kept frame -> place in preorder */
};

/* One pass of a radix sort: dst = src stably sorted by key; count has room for keys + 1. */
static void sort_pass(const struct kept_vec *kv, const u32 *src, u32 *dst, u32 n, bool by_parent,
		      u32 *count, u32 keys)
{
	memset(count, 0, (keys + 1) * sizeof(*count));
	for (u32 i = 0; i < n; i++) {
		const struct kept *k = &kv->v[src[i]];

		count[(by_parent ? k->parent : k->name) + 1]++;
	}
	for (u32 i = 0; i < keys; i++)
		count[i + 1] += count[i];
	for (u32 i = 0; i < n; i++) {
		const struct kept *k = &kv->v[src[i]];

		dst[count[by_parent ? k->parent : k->name]++] = src[i];
	}
}

static void layout_sort(struct layout *l, const struct kept_vec *kv, u32 n_names)
{
	u32 n = (u32)kv->n, m = 0;
	u32 *tmp = xcalloc(n, sizeof(*tmp)), *by_name = xcalloc(n, sizeof(*by_name));
	u32 *count = xcalloc(MAX(n, n_names) + 1, sizeof(*count));

	l->order = xcalloc(n, sizeof(*l->order));
	l->first = xcalloc(n + 1, sizeof(*l->first));
	for (u32 i = 1; i < n; i++) {
		if (!kv->v[i].gone)
			tmp[m++] = i;
	}
	sort_pass(kv, tmp, by_name, m, false, count, n_names);
	sort_pass(kv, by_name, l->order, m, true, count, n);
	/* after the pass, count[k] is where the children of k end */
	for (u32 i = 0; i < n; i++)
		l->first[i + 1] = count[i];
	free(tmp);
	free(by_name);
	free(count);
}

static void place(struct flame_tree *t, const struct kept *k, u32 at, u32 size, u32 depth,
		  u64 start, u64 room)
{
	struct flame_node *n = &t->nodes.v[at];

	n->start = start;
	n->total = MIN(k->total, room); /* less only where sums have saturated */
	n->self = k->self;
	n->other = k->other;
	n->n_other = k->n_other;
	n->name = k->name;
	n->depth = depth;
	n->end = at + size;
	t->depth = MAX(t->depth, depth + 1);
}

static void layout(struct flame_tree *t, const struct kept_vec *kv)
{
	u32 n = (u32)kv->n;
	struct layout l = {0};

	layout_sort(&l, kv, (u32)t->names.n);
	l.size = xcalloc(n, sizeof(*l.size));
	l.pre = xcalloc(n, sizeof(*l.pre));
	for (u32 i = n; i-- > 1;) {
		if (!kv->v[i].gone)
			l.size[kv->v[i].parent] += ++l.size[i];
	}
	l.size[0]++;
	vec_reserve(&t->nodes, l.size[0]);
	t->nodes.n = l.size[0];
	place(t, &kv->v[0], 0, l.size[0], 0, 0, UINT64_MAX);
	for (u32 i = 0; i < n; i++) {
		if (kv->v[i].gone)
			continue;
		struct flame_node *up = &t->nodes.v[l.pre[i]];
		u32 at = l.pre[i] + 1;
		u64 start = up->start, end = up->start + up->total;

		for (u32 j = l.first[i]; j < l.first[i + 1]; j++) {
			u32 c = l.order[j];

			l.pre[c] = at;
			place(t, &kv->v[c], at, l.size[c], up->depth + 1, start, end - start);
			start += t->nodes.v[at].total;
			at += l.size[c];
		}
		up->other = MIN(up->other, end - start);
		up->self = MIN(up->self, end - start - up->other);
	}
	free(l.order);
	free(l.first);
	free(l.size);
	free(l.pre);
}

void flame_tree_build(struct flame_tree *t, const struct prof *p, const struct flame_opts *o,
		      u32 column)
{
	u64 *hist = xcalloc(HIST_BUCKETS, sizeof(*hist));
	struct totals tot = {0};
	struct kept_vec kv = {0};

	if (prof_nnodes(p)) {
		totals_build(&tot, p, column, hist);
		hist[0] = 0;
		keep(t, p, column, &tot, hist, o->max_nodes ? o->max_nodes : 200000, &kv);
		totals_done(&tot);
	} else {
		vec_push(&kv, (struct kept){0});
	}
	t->total = kv.v[0].total;
	if (names_build(t, p, o, &kv))
		siblings_merge(&kv);
	layout(t, &kv);
	vec_done(&kv);
	free(hist);
}

void flame_tree_done(struct flame_tree *t)
{
	vec_done(&t->nodes);
	vec_done(&t->names);
	intern_done(&t->strings);
}
