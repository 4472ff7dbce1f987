/* SPDX-License-Identifier: Apache-2.0 */
/* What the text views share: grouping of frames, of samples by owner, and laying out tables. */
#ifndef SPOOR_VIEW_INT_H
#define SPOOR_VIEW_INT_H

#include "view/view.h"

#define NONE UINT32_MAX

/* ---- group.c: frames that a person takes for one thing -----------------------------------------
 */

enum group_by { GROUP_FUNCTION, GROUP_MODULE };
enum group_class {
	GROUP_CODE,
	GROUP_UNKNOWN, /* all addresses without a symbol in one module */
	GROUP_COMM,
	GROUP_MARK,
	GROUP_NOSTACK, /* weight of stacks without any code */
	GROUP_CLASSES
};

struct group {
	u32 frame;    /* one of its frames; NONE for GROUP_NOSTACK */
	u32 n_frames; /* how many there are */
	u8 class;
	u64 self;  /* weight of stacks that end here */
	u64 total; /* weight of stacks that it is in, each counted once however often it recurs */
};

struct groups {
	enum group_by by;
	u32 *of_frame; /* frame -> index into v */
	VEC(struct group) v;
	u32 nostack;
	u32 *child, *sibling; /* the tree downwards: first child, next sibling; NONE ends */
	u64 *totals;	      /* prof_totals() of column */
	u64 sum;	      /* of column */
	u32 column;
};

/* Groups every frame and sums the column up. The tables are the caller's, until groups_done(). */
void groups_init(struct groups *g, const struct prof *p, enum group_by by, u32 column);
void groups_done(struct groups *g, const struct prof *p);
/*
 * Calls fn for every node that is the first of its group on the way from the root: the nodes whose
 * totals, added up, are the group's total.
 */
void groups_each_outermost(const struct groups *g, const struct prof *p,
			   void (*fn)(u32 node, u32 group, void *arg), void *arg);
/* Appends the name to show (not escaped); raw: as it stands in the file. */
void group_name(const struct groups *g, const struct prof *p, u32 group, bool raw, struct buf *b);
/* "" when unknown. */
const char *group_module(const struct groups *g, const struct prof *p, u32 group);
const char *group_kind(const struct groups *g, const struct prof *p, u32 group);

/* The members that name a group, in an open JSON object. */
void group_json(struct json *j, const struct groups *g, const struct prof *p, u32 group, bool raw);

/* ---- owner.c: weight by process, thread, CPU or process name ------------------------------------
 */

struct owner {
	u32 comm; /* string; 0 unknown */
	u32 pid, tid;
	u32 cpu;
	u32 n_threads, n_pids; /* seen with weight */
	u64 weight, name_weight;
};
struct owners {
	VEC(struct owner) v;
};
/* -EINVAL with a message when the profile cannot tell. */
int owners_init(struct owners *o, const struct prof *p, enum report_by by, u32 column);
void owners_done(struct owners *o);

/* ---- text.c: tables for people ------------------------------------------------------------------
 */

enum text_style { TEXT_PLAIN, TEXT_HEAD, TEXT_HOT, TEXT_WARM, TEXT_DIM, TEXT_KERNEL, TEXT_STYLES };
#define TEXT_COLS 8

struct text_col {
	const char *head;
	bool left; /* aligned to the left; the last such column takes what width is left */
};
struct text_cell {
	u32 off, n; /* escaped text in bytes */
	u8 style;
};
struct text_table {
	struct text_col cols[TEXT_COLS];
	u32 ncols;
	struct buf text;
	VEC(struct text_cell) cells; /* ncols a row */
};
void text_col(struct text_table *t, const char *head, bool left);
void text_cell(struct text_table *t, enum text_style style, const char *fmt, ...) PRINTF(3, 4);
/* Text from a stranger: is escaped for the terminal. */
void text_cell_esc(struct text_table *t, enum text_style style, const char *s, size_t n);
/* Prints head and rows, no wider than width (0: any), and frees the table. */
void text_table_print(struct text_table *t, u32 width, bool color, struct out *out);
void text_line(struct out *out, enum text_style style, bool color, const char *s, size_t n);
size_t text_width(const char *s, size_t n); /* columns of valid UTF-8 */
/* Bytes of s that fit into width columns. */
size_t text_fit(const char *s, size_t n, size_t width);

/* ---- value.c, meta.c: what the numbers mean, where they come from
 * -------------------------------------------------------------
 */

double pct_of(u64 part, u64 whole); /* 0 when whole is 0 */
enum text_style pct_style(double pct);
u32 value_column(const struct prof *p, u32 column); /* ~0u becomes the default */
/* A weight in the column's unit for people: 1,234 or 12.3 ms or 1.2 MB; at least 32 bytes. */
char *value_text(char *out, const struct prof *p, u32 column, u64 weight);
const char *value_head(const struct prof *p, u32 column); /* SAMPLES, TIME, BYTES ... */
/* CPU time that a weight of samples stands for, or false when the rate is not known. */
bool value_time(const struct prof *p, u32 column, u64 weight, u64 *ns);
char *value_time_text(char *out, u64 ns); /* at least 32 bytes */
void json_pct(struct json *j, const char *key, double pct);
void value_json(struct json *j, const char *key, const struct prof *p, u32 column, u64 weight);

u64 meta_dur_ns(const struct prof *p);		      /* 0 unknown */
double meta_idle_pct(const struct prof *p);	      /* negative: unknown */
double meta_complete_pct(const struct prof *p);	      /* of stacks; negative: unknown */
void meta_start(const struct prof *p, struct buf *b); /* wall time of the start, or nothing */
/* The `#` lines above a table. */
void meta_head(const struct prof *p, u32 width, bool color, struct out *out);
/* "3 lost (2 ring buffer full, ...)" of one kind; word is " lost", or nothing. */
void meta_losses(const struct prof *p, bool dropped, const char *word, struct buf *b);
/* Opens the one object of a JSON document: "schema", "meta". */
void meta_json_begin(struct json *j, const struct prof *p, const char *schema, struct out *out);
void value_json_head(struct json *j, const struct prof *p, u32 column, u64 sum); /* "value" */

/* ---- tree.c -------------------------------------------------------------------------------------
 */

int view_tree(const struct prof *p, const struct report_opts *o, struct out *out);

#endif
