// SPDX-License-Identifier: Apache-2.0
/* flame_draw: which rectangles a picture needs, and the elements for them. See flame_int.h. */
#include "view/flame_int.h"

#define TITLE_MIN_PX 1.0 /* narrower ones cannot be pointed at */
#define TEXT_MIN_CHARS 5 /* of a name that is cut; shorter names are shown when they fit */
#define TEXT_PAD_PX 3
#define GREY_MAX_PX 30
#define GREY_TEXT_PX 130 /* "1,234,567 frames" */

/* ---- which -------------------------------------------------------------------------------------
 */

/*
 * Neighbours in one row that are too narrow to be drawn one by one. A block of them ends when it is
 * wide enough to be pointed at, so that a click on it leads somewhere new.
 */
struct run {
	u64 least, most; /* weight of a block */
	flame_box_fn fn;
	void *arg;
	bool on;
	struct flame_box box;
};

static void run_flush(struct run *r)
{
	if (r->on && r->box.total >= r->least)
		r->fn(&r->box, r->arg);
	r->on = false;
}

static void run_add(struct run *r, const struct flame_tree *t, u32 i)
{
	const struct flame_node *n = &t->nodes.v[i];

	if (r->on && (r->box.depth != n->depth || r->box.start + r->box.total != n->start ||
		      r->box.total >= r->most))
		run_flush(r);
	if (!r->on)
		r->box = (struct flame_box){i, n->depth, n->start, 0, 0, true};
	r->on = true;
	r->box.total += n->total;
	r->box.n_frames += n->end - i;
}

void flame_visit(const struct flame_tree *t, const struct flame_geom *g, u64 least, flame_box_fn fn,
		 void *arg)
{
	u64 most = (u64)((double)t->total * GREY_MAX_PX / (g->width - 2 * g->pad));
	struct run run = {.least = least, .most = most, .fn = fn, .arg = arg};
	u32 i = 0;

	while (i < t->nodes.n) {
		const struct flame_node *n = &t->nodes.v[i];
		struct flame_box box = {i, n->depth, n->start, n->total, 0, false};

		if (n->depth >= g->rows) {
			i = n->end;
			continue;
		}
		if (n->total < least) {
			run_add(&run, t, i);
			i = n->end;
			continue;
		}
		run_flush(&run);
		fn(&box, arg);
		if (n->n_other && n->other >= least && n->depth + 1 < g->rows) {
			box = (struct flame_box){.node = FLAME_NONE,
						 .depth = n->depth + 1,
						 .start = n->start + n->total - n->self - n->other,
						 .total = n->other,
						 .n_frames = n->n_other,
						 .grey = true};
			fn(&box, arg);
		}
		i++;
	}
	run_flush(&run);
}

/* Pixels from the left edge, times 100, rounded: neighbours share an edge exactly. */
static u64 x100(const struct flame_tree *t, const struct flame_geom *g, u64 weight)
{
	u64 w = (g->width - 2 * g->pad) * 100;

	return (u64)(((unsigned __int128)weight * w + t->total / 2) / t->total);
}

struct count {
	const struct flame_tree *t;
	const struct flame_geom *g;
	u32 n_elements, rows;
};

/* How many bytes of its name a frame has room for, 0: none; *cut: ".." follows. An estimate: the
 * script measures. */
static u32 text_fit(const struct flame_tree *t, const struct flame_geom *g, u32 node, u64 width100,
		    bool *cut)
{
	const struct flame_name *name = &t->names.v[t->nodes.v[node].name];
	double px = (double)width100 / 100 - 2 * TEXT_PAD_PX;
	u32 room = px > 0 ? (u32)(px / g->ch) : 0, chars = 0, n = 0, short_n = 0;

	while (n < name->n && chars <= room) {
		n += MAX((u32)utf8_len(name->text + n, name->n - n), 1u);
		if (++chars + 2 == room)
			short_n = n;
	}
	*cut = chars > room;
	if (!*cut)
		return n;
	return room < TEXT_MIN_CHARS ? 0 : short_n;
}

static void count_box(const struct flame_box *b, void *arg)
{
	struct count *c = arg;
	u64 w = x100(c->t, c->g, b->start + b->total) - x100(c->t, c->g, b->start);
	bool cut;

	c->n_elements += 1 + (w >= TITLE_MIN_PX * 100);
	c->n_elements +=
		b->grey ? w >= GREY_TEXT_PX * 100 : text_fit(c->t, c->g, b->node, w, &cut) > 0;
	c->rows = MAX(c->rows, b->depth + 1);
}

u64 flame_fit(const struct flame_tree *t, struct flame_geom *g, double min_width_px, u32 max_live)
{
	double px = (double)(g->width - 2 * g->pad);
	u64 least = MAX((u64)(min_width_px / px * (double)t->total), 1ull), step;

	for (;;) {
		struct count c = {.t = t, .g = g};

		flame_visit(t, g, least, count_box, &c);
		if (c.n_elements <= max_live || least >= t->total) {
			g->rows = c.rows;
			return least;
		}
		step = MAX(least / 5, 1ull);
		least = least < t->total - step ? least + step : t->total;
	}
}

/* ---- how ---------------------------------------------------------------------------------------
 */

/* The script's weight() prints the same. */
void flame_weight(struct buf *b, const struct flame_unit *unit, u64 weight)
{
	char num[32], frac[16];
	size_t n;

	if (unit->kind == 't') {
		buf_adds(b, fmt_dur(num, weight / unit->scale));
		return;
	}
	if (unit->kind == 'b') {
		buf_adds(b, fmt_size(num, weight / unit->scale));
		return;
	}
	buf_adds(b, fmt_count(num, weight / unit->scale));
	if (weight % unit->scale) {
		n = (size_t)snprintf(frac, sizeof(frac), ".%06u",
				     (u32)(weight % unit->scale * 1000000 / unit->scale));
		while (frac[n - 1] == '0')
			n--;
		buf_add(b, frac, frac[n - 1] == '.' ? 0 : n);
	}
	buf_addc(b, ' ');
	if (weight == unit->scale && !strcmp(unit->name, "samples"))
		buf_adds(b, "sample");
	else
		esc_xml(b, unit->name, strlen(unit->name));
}

void flame_pct(struct buf *b, u64 part, u64 whole)
{
	buf_addf(b, "%.2f%%", whole ? 100.0 * (double)part / (double)whole : 0.0);
}

struct draw {
	const struct flame_tree *t;
	const struct flame_geom *g;
	const struct flame_unit *unit;
	struct out *out;
	struct buf b;
};

static void add_px(struct buf *b, const char *attr, u64 px100)
{
	buf_adds(b, attr);
	buf_add_u64(b, px100 / 100);
	if (px100 % 100) {
		buf_addc(b, '.');
		buf_addc(b, (char)('0' + px100 % 100 / 10));
		if (px100 % 10)
			buf_addc(b, (char)('0' + px100 % 10));
	}
	buf_addc(b, '"');
}

static u32 row_y(const struct flame_geom *g, u32 depth)
{
	if (g->inverted)
		return g->top + depth * g->row;
	return g->height - g->bottom - (depth + 1) * g->row;
}

static void draw_title(struct draw *d, const struct flame_box *box)
{
	struct buf *b = &d->b;
	char num[32];

	buf_adds(b, "<title>");
	if (box->grey) {
		buf_adds(b, fmt_count(num, box->n_frames));
		buf_adds(b, box->node == FLAME_NONE ? " frames too small to keep"
						    : " frames too narrow to draw");
	} else {
		const struct flame_name *name = &d->t->names.v[d->t->nodes.v[box->node].name];

		esc_xml(b, name->text, name->n);
	}
	buf_adds(b, " (");
	flame_weight(b, d->unit, box->total);
	buf_adds(b, ", ");
	flame_pct(b, box->total, d->t->total);
	buf_adds(b, ")</title>");
}

static void draw_text(struct draw *d, const struct flame_box *box, u64 x, u64 w)
{
	bool cut = false;
	u32 n = box->grey ? w >= GREY_TEXT_PX * 100 : text_fit(d->t, d->g, box->node, w, &cut);
	char num[32];

	if (!n)
		return;
	add_px(&d->b, "<text x=\"", x + TEXT_PAD_PX * 100);
	add_px(&d->b, " y=\"", row_y(d->g, box->depth) * 100 + d->g->row * 72);
	buf_addc(&d->b, '>');
	if (box->grey)
		buf_addf(&d->b, "%s frames", fmt_count(num, box->n_frames));
	else
		esc_xml(&d->b, d->t->names.v[d->t->nodes.v[box->node].name].text, n);
	buf_adds(&d->b, cut ? "..</text>\n" : "</text>\n");
}

static void draw_box(const struct flame_box *box, void *arg)
{
	static const char kinds[] = FLAME_KIND_LETTERS;
	struct draw *d = arg;
	u64 x = x100(d->t, d->g, box->start), w = x100(d->t, d->g, box->start + box->total) - x;

	x += d->g->pad * 100;
	if (box->grey) {
		buf_adds(&d->b, "<rect class=\"o\"");
	} else {
		const struct flame_name *name = &d->t->names.v[d->t->nodes.v[box->node].name];

		buf_addf(&d->b, "<rect class=\"%c%u\"", kinds[name->kind], name->shade);
	}
	add_px(&d->b, " x=\"", x);
	add_px(&d->b, " y=\"", row_y(d->g, box->depth) * 100);
	add_px(&d->b, " width=\"", w);
	add_px(&d->b, " height=\"", (d->g->row - 1) * 100);
	if (w >= TITLE_MIN_PX * 100) {
		buf_addc(&d->b, '>');
		draw_title(d, box);
		buf_adds(&d->b, "</rect>\n");
	} else {
		buf_adds(&d->b, "/>\n");
	}
	draw_text(d, box, x, w);
	if (d->b.n > 60000)
		out_buf(d->out, &d->b);
}

void flame_draw(const struct flame_tree *t, const struct flame_geom *g,
		const struct flame_unit *unit, u64 least, struct out *out)
{
	struct draw d = {.t = t, .g = g, .unit = unit, .out = out};

	flame_visit(t, g, least, draw_box, &d);
	out_buf(out, &d.b);
	buf_done(&d.b);
}
