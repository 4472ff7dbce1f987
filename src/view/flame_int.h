/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a flame graph is made: view_flame() is prune -> layout -> draw.
 *
 *   prune   one pass over all nodes: totals, a histogram of them, and from it the weight under
 *           which a frame is not kept. Since a parent is never lighter than its children, what is
 *           kept is a tree.
 *   layout  names (demangled, cleaned, sorted), siblings sorted by name and merged, preorder.
 *   draw    the picture as it looks without scripts: at most max_live elements.
 *   data    the whole kept tree as text, from which the script draws other parts on zoom.
 *
 * All positions are weights (integers); only drawing turns them into pixels:
 *
 *   |<------------------ total ------------------>|   the frame
 *   |<-child->|<--- child --->|<-other->|<- self->|   what stands on it
 *   start
 */
#ifndef SPOOR_VIEW_FLAME_INT_H
#define SPOOR_VIEW_FLAME_INT_H

#include "base/base.h"
#include "prof/prof.h"
#include "view/view.h"

#define FLAME_NONE UINT32_MAX
#define FLAME_SHADES 16
#define FLAME_KIND_LETTERS "ukcjivbm" /* classes in the style: one letter per enum frame_kind */

/* A frame of the picture, in preorder; node 0 is the root ("all"). */
struct flame_node {
	u64 start, total, self;
	u64 other;   /* weight of callees that were not kept */
	u64 n_other; /* and how many frames these are, with all that stands on them */
	u32 end;     /* the first node after this one's subtree */
	u32 name;    /* index in names */
	u32 depth;
};

/* A name to show: clean UTF-8 without control characters, sorted by text and kind. */
struct flame_name {
	const char *text;
	u32 n;
	u8 kind;  /* enum frame_kind */
	u8 shade; /* 0..FLAME_SHADES-1, a hash of the text */
};

struct flame_tree {
	VEC(struct flame_node) nodes;
	VEC(struct flame_name) names;
	struct intern strings; /* what names point into */
	u64 total;
	u64 n_all;  /* frames with weight in the profile, the root not counted */
	u32 depth;  /* rows of the kept tree, the root's included */
	u64 n_left; /* frames that were not kept */
	u64 least;  /* the weight from which on frames were kept */
};

/* Where a picture is drawn, in pixels. */
struct flame_geom {
	u32 width, height, top, bottom, pad;
	u32 row;   /* height of a frame */
	u32 rows;  /* levels that are drawn */
	double ch; /* estimated width of a letter */
	bool inverted;
};

/* A shown weight: "12,345 samples", "1.2 ms", "3.4 MB". */
struct flame_unit {
	const char *name;
	u64 scale;
	char kind; /* 'n' a count, 't' nanoseconds, 'b' bytes */
};

/* What flame_visit() calls for every rectangle, in order; name is FLAME_NONE for a grey block. */
struct flame_box {
	u32 node; /* the frame; of a grey block: the first of the frames in it, or FLAME_NONE */
	u32 depth;
	u64 start, total;
	u64 n_frames; /* in a grey block */
	bool grey;
};
typedef void (*flame_box_fn)(const struct flame_box *b, void *arg);

/* flame_tree.c: prune and layout. t is zeroed by the caller's {0}; flame_tree_done() frees. */
void flame_tree_build(struct flame_tree *t, const struct prof *p, const struct flame_opts *o,
		      u32 column);
void flame_tree_done(struct flame_tree *t);

/* flame_draw.c */
/* Every frame of at least `least` weight in the first g->rows levels; narrower neighbours join. */
void flame_visit(const struct flame_tree *t, const struct flame_geom *g, u64 least, flame_box_fn fn,
		 void *arg);
/* The rectangles. *least is raised until no more than max_live elements are needed. */
u64 flame_fit(const struct flame_tree *t, struct flame_geom *g, double min_width_px, u32 max_live);
void flame_draw(const struct flame_tree *t, const struct flame_geom *g,
		const struct flame_unit *unit, u64 least, struct out *out);
void flame_weight(struct buf *b, const struct flame_unit *unit, u64 weight);
void flame_pct(struct buf *b, u64 part, u64 whole);

/* flame_svg.c: everything around the rectangles. */
struct flame_page {
	const struct prof *p;
	const struct flame_opts *o;
	const struct flame_tree *t;
	const struct flame_unit *unit;
	struct flame_geom *g;
	u32 column;
	u32 max_live;
	struct buf head; /* elements */
};
void flame_head_build(struct flame_page *pg); /* fills head, sets g->top */
void flame_page_begin(const struct flame_page *pg, struct out *out);
void flame_page_end(const struct flame_page *pg, struct out *out);

/* flame_data.c: the tree for the script, as elements with base64 text. */
void flame_data_write(const struct flame_tree *t, struct out *out);

#endif
