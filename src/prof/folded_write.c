// SPDX-License-Identifier: Apache-2.0
/* Writing folded text, sorted, so that two files can be compared line by line. */
#include "prof/folded_int.h"
#include "prof/tree_int.h"

struct writing {
	struct out *out;
	const struct prof *p;
	u32 column;
	bool annotate;
	struct buf path; /* "comm;main;read" of where we are */
	VEC(u32) ends;	 /* its length at each depth */
};

/* ';' separates frames and a line end ends the stack, so neither can be in a name. */
static void add_name(struct buf *b, const char *s, size_t n)
{
	size_t start = b->n;

	if (!prof_text_clean(b, s, n))
		buf_add(b, s, n);
	if (!memchr(b->p + start, ';', b->n - start))
		return;
	for (size_t i = start; i < b->n; i++) {
		if (b->p[i] == ';')
			b->p[i] = ':';
	}
}

static int write_node(void *arg, u32 node, u32 depth)
{
	struct writing *w = arg;
	const struct prof *p = w->p;
	const struct prof_frame *f = &p->frames.v[p->frame.v[node]];
	char letter = w->annotate ? annotation_letter(f->kind) : 0;
	u64 self = p->self[w->column].v[node];

	w->path.n = depth > 1 ? w->ends.v[depth - 2] : 0;
	w->ends.n = depth - 1;
	if (depth > 1)
		buf_addc(&w->path, ';');
	add_name(&w->path, prof_str(p, f->name), intern_len(&p->strings, f->name));
	if (letter)
		buf_addf(&w->path, "_[%c]", letter);
	vec_push(&w->ends, (u32)w->path.n);
	if (!self)
		return 0;
	buf_addc(&w->path, ' ');
	count_format(&w->path, self, p->values[w->column].scale);
	buf_addc(&w->path, '\n');
	out_write(w->out, w->path.p, w->path.n);
	return out_error(w->out);
}

int folded_write(struct out *out, const struct prof *p, const struct prof_write_opts *o)
{
	struct writing w = {.out = out, .p = p, .annotate = o->annotate};
	int rc;

	w.column = o->column < p->nvalues ? o->column : prof_column_default(p);
	rc = tree_walk(p, write_node, &w);
	buf_done(&w.path);
	vec_done(&w.ends);
	return rc ? rc : out_flush(out);
}
