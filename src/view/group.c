// SPDX-License-Identifier: Apache-2.0
/* Frames that a person takes for one thing (a function, a file), with self and total weight. */
#include "sym/sym.h"
#include "view/view_int.h"

static enum group_class frame_class(const struct prof_frame *f, enum group_by by)
{
	if (f->kind == FRAME_COMM)
		return GROUP_COMM;
	if (f->kind == FRAME_MARK)
		return GROUP_MARK;
	return by == GROUP_FUNCTION && (f->flags & FRAME_UNKNOWN) ? GROUP_UNKNOWN : GROUP_CODE;
}

/* Inlined and called copies of a function are one group: the kind is no part of the key. */
static u64 frame_key(const struct prof_frame *f, enum group_by by, enum group_class class)
{
	if (class == GROUP_COMM || class == GROUP_MARK)
		return f->name;
	if (class == GROUP_UNKNOWN)
		return f->module || f->kind != FRAME_KERNEL ? f->module : 1ull << 32;
	if (by == GROUP_FUNCTION)
		return (u64)f->name << 32 | f->module;
	return f->module ? f->module : 1ull << 32 | f->kind;
}

static void group_frames(struct groups *g, const struct prof *p)
{
	struct map seen[GROUP_CLASSES] = {0};
	u32 i, c;

	g->of_frame = big_realloc(NULL, 0, p->frames.n * sizeof(u32));
	for (i = 0; i < p->frames.n; i++) {
		const struct prof_frame *f = &p->frames.v[i];
		enum group_class class = frame_class(f, g->by);
		u64 *id = map_put(&seen[class], frame_key(f, g->by, class));

		if (!*id) {
			vec_push(&g->v, (struct group){.frame = i, .class = class});
			*id = g->v.n;
		}
		g->of_frame[i] = (u32)*id - 1;
		g->v.v[*id - 1].n_frames++;
	}
	for (c = 0; c < GROUP_CLASSES; c++)
		map_done(&seen[c]);
	g->nostack = (u32)g->v.n;
	vec_push(&g->v, (struct group){.frame = NONE, .class = GROUP_NOSTACK});
}

/* From the last node to the first, so that siblings come out in the order of their ids. */
static void link_children(struct groups *g, const struct prof *p)
{
	u32 n = prof_nnodes(p), i;

	g->child = big_realloc(NULL, 0, n * sizeof(u32));
	g->sibling = big_realloc(NULL, 0, n * sizeof(u32));
	memset(g->child, 0xff, n * sizeof(u32));
	memset(g->sibling, 0xff, n * sizeof(u32));
	for (i = n; i-- > 1;) {
		g->sibling[i] = g->child[p->parent.v[i]];
		g->child[p->parent.v[i]] = i;
	}
}

/* Weight that ends in a process name, or in nothing, is that of stacks without code. */
static void sum_self(struct groups *g, const struct prof *p)
{
	u32 i;

	for (i = 0; i < prof_nnodes(p); i++) {
		u32 id = i ? g->of_frame[p->frame.v[i]] : g->nostack;

		if (g->v.v[id].class == GROUP_COMM)
			id = g->nostack;
		g->v.v[id].self += p->self[g->column].v[i];
	}
	g->v.v[g->nostack].total = g->v.v[g->nostack].self;
}

static void add_total(u32 node, u32 group, void *arg)
{
	struct groups *g = arg;

	g->v.v[group].total += g->totals[node];
}

void groups_each_outermost(const struct groups *g, const struct prof *p,
			   void (*fn)(u32 node, u32 group, void *arg), void *arg)
{
	u32 *on_path = big_realloc(NULL, 0, g->v.n * sizeof(u32));
	u32 node = 0;

	memset(on_path, 0, g->v.n * sizeof(u32));
	for (;;) {
		u32 next = g->child[node];

		while (next == NONE && node) { /* leave node; the root's group is never asked for */
			on_path[g->of_frame[p->frame.v[node]]]--;
			next = g->sibling[node];
			node = p->parent.v[node];
		}
		if (next == NONE)
			break;
		node = next;
		if (!on_path[g->of_frame[p->frame.v[node]]]++)
			fn(node, g->of_frame[p->frame.v[node]], arg);
	}
	big_free(on_path, g->v.n * sizeof(u32));
}

void groups_init(struct groups *g, const struct prof *p, enum group_by by, u32 column)
{
	*g = (struct groups){.by = by, .column = column};
	group_frames(g, p);
	link_children(g, p);
	g->totals = prof_totals(p, column);
	g->sum = prof_sum(p, column);
	sum_self(g, p);
	groups_each_outermost(g, p, add_total, g);
}

void groups_done(struct groups *g, const struct prof *p)
{
	u32 n = prof_nnodes(p);

	big_free(g->of_frame, p->frames.n * sizeof(u32));
	big_free(g->child, n * sizeof(u32));
	big_free(g->sibling, n * sizeof(u32));
	big_free(g->totals, n * sizeof(u64));
	vec_done(&g->v);
}

/* "[libx.so: no symbols]" for all of a module's unknown addresses. */
static void unknown_name(const struct prof *p, const struct prof_frame *f, struct buf *b)
{
	const char *module = prof_str(p, f->module), *base = strrchr(module, '/');
	size_t n;

	base = base && base[1] ? base + 1 : module;
	base += *base == '[';
	n = strcspn(base, "]");
	if (!n || !strncmp(base, "unknown", MAX(n, 7u)))
		buf_adds(b, f->kind == FRAME_KERNEL ? "[kernel: no symbols]" : "[unknown]");
	else
		buf_addf(b, "[%.*s: no symbols]", (int)MIN(n, 4096u), base);
}

void group_name(const struct groups *g, const struct prof *p, u32 group, bool raw, struct buf *b)
{
	const struct group *gr = &g->v.v[group];
	const struct prof_frame *f = gr->frame == NONE ? NULL : &p->frames.v[gr->frame];
	const char *name = f ? prof_str(p, f->name) : "";

	if (!f)
		buf_adds(b, "[no stack]");
	else if (gr->class == GROUP_UNKNOWN && gr->n_frames > 1)
		unknown_name(p, f, b);
	else if (g->by == GROUP_MODULE && gr->class == GROUP_CODE)
		buf_adds(b, f->module		      ? prof_str(p, f->module)
			    : f->kind == FRAME_KERNEL ? "[kernel]"
						      : "[unknown]");
	else if (raw || gr->class != GROUP_CODE || !sym_demangle(name, b, NULL))
		buf_add(b, name, intern_len(&p->strings, f->name));
}

const char *group_module(const struct groups *g, const struct prof *p, u32 group)
{
	u32 frame = g->v.v[group].frame;

	return frame == NONE ? "" : prof_str(p, p->frames.v[frame].module);
}

const char *group_kind(const struct groups *g, const struct prof *p, u32 group)
{
	u32 frame = g->v.v[group].frame;

	return frame_kind_name(frame == NONE ? FRAME_MARK : p->frames.v[frame].kind);
}

void group_json(struct json *j, const struct groups *g, const struct prof *p, u32 group, bool raw)
{
	const struct group *gr = &g->v.v[group];
	struct buf name = {0};

	group_name(g, p, group, raw, &name);
	json_strn(j, "name", buf_str(&name), name.n);
	buf_done(&name);
	if (g->by == GROUP_FUNCTION) {
		if (gr->class == GROUP_CODE)
			json_str(j, "symbol", prof_str(p, p->frames.v[gr->frame].name));
		if (*group_module(g, p, group))
			json_str(j, "module", group_module(g, p, group));
		if (gr->class == GROUP_UNKNOWN)
			json_u64(j, "addresses", gr->n_frames);
	}
	json_str(j, "kind", group_kind(g, p, group));
}
