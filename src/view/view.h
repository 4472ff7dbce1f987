/* SPDX-License-Identifier: Apache-2.0 */
/* view: pictures and tables of a finished profile. One file each, one line in table.c. */
#ifndef SPOOR_VIEW_H
#define SPOOR_VIEW_H

#include "base/base.h"
#include "prof/prof.h"

struct view {
	const char *name; /* "flame" */
	const char *help;
	const char *needs; /* "samples" when it cannot do without timed samples, else NULL */
};
extern const struct view *const views[]; /* NULL-terminated */

/* ---- flame.c: an SVG that opens at once at any size -------------------------------------------
 */

struct flame_opts {
	const char *title, *subtitle; /* title NULL: "Flame Graph" */
	u32 column;		      /* value column; ~0u = default */
	u32 width_px;		      /* 0: 1200 */
	u32 height_px;		      /* of a frame; 0: 16 */
	double min_width_px;	      /* live elements; 0: 0.1 */
	u32 max_live;		      /* elements in the file; 0: 4,000 */
	u32 max_nodes;		      /* embedded for zooming; 0: 200,000 */
	bool inverted;		      /* icicle */
	bool offsets;		      /* keep unknown functions of one file apart */
	const char *problem;	      /* said in an empty picture: why it is */
	prof_rename_fn rename;	      /* shown name of a raw one (sym_demangle); NULL: as it is */
	void *rename_arg;
};
extern const struct view flame_view;
/*
 * Writes the picture. An empty profile gives a valid picture that says so. 0 or -errno; the caller
 * closes out. Time and memory: one pass over the nodes and 4 (beyond 2^32 samples: 8) bytes each.
 */
int view_flame(const struct prof *p, const struct flame_opts *o, struct out *out);

/* ---- report.c, tree.c: where the weight is, as a table or a tree -------------------------------
 */

/* BY_NAME: processes of one name together, which is what many short processes need. */
enum report_by { BY_FUNCTION, BY_PROCESS, BY_THREAD, BY_CPU, BY_FILE, BY_NAME };
enum report_sort { SORT_SELF, SORT_TOTAL, SORT_NAME };
struct report_opts {
	enum report_by by;
	enum report_sort sort;
	/*
	 * A tree from the functions of this name (or, when none has it, matching this regular
	 * expression), upwards or downwards; "" or ".": from every leaf, or from the roots.
	 */
	const char *callers, *callees;
	u64 limit;	/* rows at most; 0: all */
	double min_pct; /* rows below are left out; negative: 0, in a tree 0.5 except for its roots
			 */
	u32 column;	/* ~0u = default */
	u32 width;	/* of the terminal in columns; 0: nothing is cut */
	bool json, color;
	bool raw_names; /* do not demangle */
};
/* 0; -EINVAL for a user's mistake, also when the profile lacks what `by` needs; or -errno. */
int view_report(const struct prof *p, const struct report_opts *o, struct out *out);

/* ---- info.c: what is in the file: host, event, time, losses, stack health by module -------------
 */

struct info_opts {
	const char *path;
	u64 size_bytes; /* of the file; 0: unknown */
	u32 width;	/* as in report_opts */
	bool json, color;
};
int view_info(const struct prof *p, const struct info_opts *o, struct out *out);

/* ---- summary.c: at most ten lines of 80 columns, as after ./start -------------------------------
 */

struct summary_opts {
	const char *path; /* for the hint: NULL when the newest recording is meant */
	bool color, raw_names;
};
int view_summary(const struct prof *p, const struct summary_opts *o, struct out *out);

#endif
