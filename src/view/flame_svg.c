// SPDX-License-Identifier: Apache-2.0
/* flame_svg: title, honesty line, legend, style and script around the rectangles. See flame_int.h.
 */
#include "view/flame_int.h"
#include "view/view_int.h"

EMBED(flame_css, "src/view/flame.css");
EMBED(flame_js, "src/view/flame.js");

/* Two ends of a scale of colours; names are spread over it by their hash. */
struct palette {
	u8 from[3], to[3];
	const char *legend;
};
static const struct palette palettes[FRAME_KINDS] = {
	[FRAME_USER] = {{235, 100, 62}, {252, 211, 88}, "user"},
	[FRAME_KERNEL] = {{106, 160, 216}, {165, 206, 238}, "kernel"},
	[FRAME_COMM] = {{209, 190, 165}, {231, 219, 200}, "process"},
	[FRAME_JIT] = {{124, 190, 92}, {184, 221, 130}, "JIT"},
	[FRAME_INLINED] = {{96, 190, 180}, {158, 222, 208}, "inlined"},
	[FRAME_VDSO] = {{176, 148, 220}, {206, 186, 238}, "vdso"},
	[FRAME_BPF] = {{226, 132, 188}, {242, 174, 214}, "BPF"},
	[FRAME_MARK] = {{196, 196, 196}, {214, 214, 214}, "mark"},
};

/* ---- the lines under the title ------------------------------------------------------------------
 */

struct lines {
	struct flame_page *pg;
	struct buf line;
	size_t max_bytes;
	u32 y;
};

static void line_end(struct lines *l)
{
	if (!l->line.n)
		return;
	l->y += 15;
	buf_addf(&l->pg->head, "<text class=\"fact\" x=\"%u\" y=\"%u\">", l->pg->g->width / 2,
		 l->y);
	esc_xml(&l->pg->head, l->line.p, l->line.n);
	buf_adds(&l->pg->head, "</text>\n");
	buf_reset(&l->line);
}

/* One fact more; a new line when it does not fit. */
static void fact(struct lines *l, const char *fmt, ...) PRINTF(2, 3);
static void fact(struct lines *l, const char *fmt, ...)
{
	struct buf b = {0};
	va_list ap;

	va_start(ap, fmt);
	buf_addvf(&b, fmt, ap);
	va_end(ap);
	if (l->line.n && l->line.n + b.n + 4 > l->max_bytes)
		line_end(l);
	if (l->line.n)
		buf_adds(&l->line, " · ");
	buf_add(&l->line, b.p, MIN(b.n, l->max_bytes));
	buf_done(&b);
}

static void facts_recording(struct lines *l)
{
	const struct prof *p = l->pg->p;
	const struct prof_meta *m = &p->meta;
	const char *event = prof_str(p, m->event);
	char num[32];

	if (*event && m->freq_hz)
		fact(l, "%s at %llu Hz", event, (unsigned long long)m->freq_hz);
	else if (*event)
		fact(l, "%s", event);
	if (meta_dur_ns(p))
		fact(l, "%s", fmt_dur(num, meta_dur_ns(p)));
	if (m->ncpus)
		fact(l, "%u CPU%s", m->ncpus, m->ncpus == 1 ? "" : "s");
	if (m->hostname)
		fact(l, "%s", prof_str(p, m->hostname));
	if (m->processes)
		fact(l, "%s processes", fmt_count(num, m->processes));
}

/* What the user asked to leave out is not missing. */
static bool is_filter(const struct prof *p, const struct prof_loss *d)
{
	return !strcmp(prof_str(p, d->reason), "filter");
}

static void facts_missing(struct lines *l)
{
	const struct prof *p = l->pg->p;
	char num[32];

	if (prof_lost(p) || p->meta.event)
		fact(l, "%s lost", fmt_count(num, prof_lost(p)));
	for (size_t i = 0; i < p->losses.n; i++) {
		const struct prof_loss *d = &p->losses.v[i];
		u64 n = d->weight ? d->weight : d->events;

		if (d->dropped && is_filter(p, d))
			fact(l, "%s filtered out", fmt_count(num, n));
		else if (d->dropped)
			fact(l, "%s dropped: %s", fmt_count(num, n), prof_str(p, d->reason));
	}
	for (size_t i = 0; i < p->notes.n; i++)
		fact(l, "%s %s", fmt_count(num, p->notes.v[i].events),
		     prof_str(p, p->notes.v[i].reason));
	if (p->acct.saturated)
		fact(l, "counts overflowed and are cut at 2^64-1");
}

static void facts_quality(struct lines *l)
{
	const struct prof *p = l->pg->p;
	double complete = meta_complete_pct(p);
	struct buf b = {0};
	char num[32];

	flame_weight(&b, l->pg->unit, l->pg->t->total);
	fact(l, "%s", buf_str(&b));
	buf_done(&b);
	facts_missing(l);
	if (p->meta.idle_samples)
		fact(l, "%s idle hidden", fmt_count(num, p->meta.idle_samples));
	if (complete >= 0)
		fact(l, "%.1f %% of stacks complete", complete);
}

static void facts_picture(struct lines *l)
{
	const struct flame_tree *t = l->pg->t;
	struct buf b = {0};
	char num[32], num2[32];

	if (!t->n_left)
		return;
	flame_weight(&b, l->pg->unit, t->least);
	fact(l,
	     "the %s heaviest of %s frames are in this file, from %s up; grey stands for the rest",
	     fmt_count(num, t->n_all - t->n_left), fmt_count(num2, t->n_all), buf_str(&b));
	buf_done(&b);
}

void flame_head_build(struct flame_page *pg)
{
	const struct flame_geom *g = pg->g;
	const char *title = pg->o->title ? pg->o->title : "Flame Graph";
	const char *subtitle = pg->o->subtitle;
	struct lines l = {.pg = pg, .max_bytes = g->width / 6, .y = 26};
	struct buf *h = &pg->head;

	buf_addf(h, "<text id=\"title\" x=\"%u\" y=\"%u\">", g->width / 2, l.y);
	esc_xml(h, title, strlen(title));
	buf_adds(h, "</text>\n");
	if (subtitle && *subtitle) {
		l.y += 18;
		buf_addf(h, "<text id=\"subtitle\" x=\"%u\" y=\"%u\">", g->width / 2, l.y);
		esc_xml(h, subtitle, strlen(subtitle));
		buf_adds(h, "</text>\n");
	}
	facts_recording(&l);
	facts_quality(&l);
	line_end(&l);
	facts_picture(&l);
	line_end(&l);
	if (pg->t->depth > g->rows && g->rows >= 300) {
		buf_addf(h, "<text id=\"deep\" class=\"fact\" x=\"%u\" y=\"%u\">", g->width / 2,
			 l.y + 15);
		buf_addf(h, "the first %u of %u levels are drawn; scripts show the rest</text>\n",
			 g->rows, pg->t->depth);
		l.y += 15;
	}
	buf_done(&l.line);
	pg->g->top = l.y + 12;
}

/* ---- the page ----------------------------------------------------------------------------------
 */

static void add_palette(struct buf *b, u32 kind)
{
	const struct palette *p = &palettes[kind];

	for (u32 s = 0; s < FLAME_SHADES; s++) {
		buf_addf(b, ".%c%u{fill:#", FLAME_KIND_LETTERS[kind], s);
		for (int c = 0; c < 3; c++)
			buf_addf(b, "%02x",
				 p->from[c] +
					 (p->to[c] - p->from[c]) * (int)s / (FLAME_SHADES - 1));
		buf_adds(b, "}\n");
	}
}

static u32 kinds_used(const struct flame_tree *t)
{
	u32 mask = 1u << FRAME_MARK;

	for (size_t i = 0; i < t->names.n; i++)
		mask |= 1u << t->names.v[i].kind;
	return mask;
}

static void add_legend(struct buf *b, const struct flame_page *pg)
{
	u32 mask = kinds_used(pg->t) & ~(1u << FRAME_MARK), y = pg->g->height - 22;
	u32 x = pg->g->width - pg->g->pad;

	for (u32 k = FRAME_KINDS; k-- > 0;) {
		if (!(mask & 1u << k) || !(mask & (mask - 1)))
			continue;
		x -= 17 + 7 * (u32)strlen(palettes[k].legend) + 8;
		buf_addf(b,
			 "<rect class=\"%c7\" x=\"%u\" y=\"%u\" width=\"10\" height=\"10\"/>"
			 "<text class=\"key\" x=\"%u\" y=\"%u\">%s</text>\n",
			 FLAME_KIND_LETTERS[k], x, y, x + 14, y + 9, palettes[k].legend);
	}
}

/* What the script has to know; as attributes, so that no text ever becomes script. */
static void add_config(struct buf *b, const struct flame_page *pg)
{
	const struct flame_geom *g = pg->g;

	buf_addf(b,
		 "<g id=\"frames\" data-width=\"%u\" data-top=\"%u\" data-bottom=\"%u\" "
		 "data-pad=\"%u\" data-row=\"%u\" data-rows=\"%u\" data-inverted=\"%d\" "
		 "data-live=\"%u\" data-scale=\"%llu\" data-kind=\"%c\" data-left=\"%llu\" "
		 "data-unit=\"",
		 g->width, g->top, g->bottom, g->pad, g->row, g->rows, g->inverted, pg->max_live,
		 (unsigned long long)pg->unit->scale, pg->unit->kind,
		 (unsigned long long)pg->t->n_left);
	esc_xml(b, pg->unit->name, strlen(pg->unit->name));
	buf_adds(b, "\">\n");
}

void flame_page_begin(const struct flame_page *pg, struct out *out)
{
	const struct flame_geom *g = pg->g;
	const char *title = pg->o->title ? pg->o->title : "Flame Graph";
	u32 mask = kinds_used(pg->t);
	struct buf b = {0};

	buf_addf(&b,
		 "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n"
		 "<svg version=\"1.1\" xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" "
		 "height=\"%u\" viewBox=\"0 0 %u %u\">\n<!-- flame graph by spoor " SPOOR_VERSION
		 " -->\n<title>",
		 g->width, g->height, g->width, g->height);
	esc_xml(&b, title, strlen(title));
	buf_adds(&b, "</title>\n<style>\n");
	out_buf(out, &b);
	out_puts(out, flame_css);
	for (u32 k = 0; k < FRAME_KINDS; k++) {
		if (mask & 1u << k)
			add_palette(&b, k);
	}
	buf_addf(&b,
		 "#frames text{font-size:%upx}\n</style>\n"
		 "<rect id=\"back\" width=\"100%%\" height=\"100%%\"/>\n",
		 g->row > 13 ? 12 : g->row - 2);
	add_config(&b, pg);
	out_buf(out, &b);
	buf_done(&b);
}

static void add_empty(struct buf *b, const struct flame_page *pg)
{
	const struct prof *p = pg->p;
	const char *why = "the profile has no stacks with a weight above zero";
	bool filtered = false;

	for (size_t i = 0; i < p->losses.n; i++)
		filtered |= is_filter(p, &p->losses.v[i]);
	if (pg->o->problem)
		why = pg->o->problem;
	else if (filtered)
		why = "nothing passes the filter";
	else if (prof_dropped(p))
		why = "all of it was dropped";
	else if (prof_lost(p))
		why = "all of it was lost";
	else if (p->meta.idle_samples)
		why = "every CPU was idle";
	buf_addf(b, "<text class=\"empty\" x=\"%u\" y=\"%u\">no samples: ", pg->g->width / 2,
		 pg->g->top + 36);
	esc_xml(b, why, strlen(why));
	buf_adds(b, "</text>\n");
}

void flame_page_end(const struct flame_page *pg, struct out *out)
{
	const struct flame_geom *g = pg->g;
	struct buf b = {0};

	buf_addf(&b, "</g>\n<g id=\"head\">\n<rect class=\"bar\" width=\"%u\" height=\"%u\"/>\n",
		 g->width, g->top - 4);
	buf_add(&b, pg->head.p, pg->head.n);
	buf_addf(&b,
		 "<text id=\"unzoom\" class=\"ctl hide\" x=\"%u\" y=\"26\">Reset Zoom</text>\n"
		 "<text id=\"search\" class=\"ctl hide\" x=\"%u\" y=\"26\">Search</text>\n"
		 "<text id=\"ic\" class=\"ctl hide\" x=\"%u\" y=\"26\">ic</text>\n"
		 "<text id=\"matched\" x=\"%u\" y=\"44\"> </text>\n</g>\n",
		 g->pad, g->width - g->pad - 24, g->width - g->pad, g->width - g->pad);
	buf_addf(&b,
		 "<g id=\"foot\">\n<rect class=\"bar\" y=\"%u\" width=\"%u\" height=\"%u\"/>\n"
		 "<text id=\"details\" aria-live=\"polite\" x=\"%u\" y=\"%u\"> </text>\n",
		 g->height - g->bottom + 2, g->width, g->bottom - 2, g->pad, g->height - 13);
	add_legend(&b, pg);
	buf_adds(&b, "</g>\n");
	if (!pg->t->total)
		add_empty(&b, pg);
	out_buf(out, &b);
	if (pg->t->total) {
		flame_data_write(pg->t, out);
		out_puts(out, "<script><![CDATA[\n");
		out_puts(out, flame_js);
		out_puts(out, "]]></script>\n");
	}
	out_puts(out, "</svg>\n");
	buf_done(&b);
}
