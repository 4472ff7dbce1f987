// SPDX-License-Identifier: Apache-2.0
/* flame: the flame graph, an SVG that opens at once at any size. See flame_int.h. */
#include "view/flame_int.h"

const struct view flame_view = {
	.name = "flame",
	.help = "flame graph: where the time goes, by stack; an SVG with zoom and search",
};

#define ROWS_STATIC 300 /* levels drawn without scripts */

static u32 column_of(const struct prof *p, const struct flame_opts *o)
{
	if (o->column != ~0u)
		return MIN(o->column, p->nvalues - 1);
	for (u32 c = 0; c < p->nvalues; c++) {
		if (prof_sum(p, c))
			return c;
	}
	return 0;
}

static struct flame_unit unit_of(const struct prof *p, u32 column)
{
	const struct prof_value *v = &p->values[column];
	const char *unit = prof_str(p, v->unit);
	struct flame_unit u = {prof_str(p, v->name), MAX(v->scale, 1ull), 'n'};

	if (!strcmp(unit, "ns"))
		u.kind = 't';
	else if (!strcmp(unit, "bytes"))
		u.kind = 'b';
	else if (!*u.name)
		u.name = "samples";
	return u;
}

int view_flame(const struct prof *p, const struct flame_opts *o, struct out *out)
{
	u32 column = column_of(p, o), max_live = o->max_live ? o->max_live : 4000;
	struct flame_unit unit = unit_of(p, column);
	struct flame_tree t = {0};
	struct flame_geom g = {.width = o->width_px ? MAX(o->width_px, 320u) : 1200,
			       .row = o->height_px ? MAX(o->height_px, 8u) : 16,
			       .pad = 10,
			       .bottom = 36,
			       .rows = ROWS_STATIC,
			       .inverted = o->inverted};
	struct flame_page pg = {p, o, &t, &unit, &g, column, max_live, {0}};
	u64 least = 1;

	g.ch = 0.59 * (g.row > 13 ? 12 : g.row - 2);
	flame_tree_build(&t, p, o, column);
	if (t.total)
		least = flame_fit(&t, &g, o->min_width_px > 0 ? o->min_width_px : 0.1, max_live);
	else
		g.rows = 4;
	flame_head_build(&pg);
	g.height = g.top + g.rows * g.row + g.bottom;
	flame_page_begin(&pg, out);
	if (t.total)
		flame_draw(&t, &g, &unit, least, out);
	flame_page_end(&pg, out);
	buf_done(&pg.head);
	flame_tree_done(&t);
	return out_error(out);
}
