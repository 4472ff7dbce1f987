// SPDX-License-Identifier: Apache-2.0
/* Tables for people: columns as wide as they need to be, cut at the terminal's edge. */
#include "view/view_int.h"

#define GAP 2
#define PAD_MAX 100 /* a name longer than this does not push the next column away for all rows */
#define LEFT_MIN 24

static const char *const style_on[TEXT_STYLES] = {
	[TEXT_PLAIN] = "",	  [TEXT_HEAD] = "\033[1m", [TEXT_HOT] = "\033[1;31m",
	[TEXT_WARM] = "\033[33m", [TEXT_DIM] = "\033[2m",  [TEXT_KERNEL] = "\033[36m",
};

size_t text_width(const char *s, size_t n)
{
	size_t i, width = 0;

	for (i = 0; i < n; i++)
		width += ((u8)s[i] & 0xc0) != 0x80;
	return width;
}

size_t text_fit(const char *s, size_t n, size_t width)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (((u8)s[i] & 0xc0) == 0x80)
			continue;
		if (!width--)
			break;
	}
	return i;
}

static void styled(struct buf *b, enum text_style style, bool color, const char *s, size_t n)
{
	if (!color || style == TEXT_PLAIN || !n) {
		buf_add(b, s, n);
		return;
	}
	buf_adds(b, style_on[style]);
	buf_add(b, s, n);
	buf_adds(b, "\033[0m");
}

void text_line(struct out *out, enum text_style style, bool color, const char *s, size_t n)
{
	struct buf b = {0};

	styled(&b, style, color, s, n);
	buf_addc(&b, '\n');
	out_buf(out, &b);
	buf_done(&b);
}

void text_col(struct text_table *t, const char *head, bool left)
{
	BUG_ON(t->ncols == TEXT_COLS || t->cells.n);
	t->cols[t->ncols++] = (struct text_col){head, left};
}

static void cell_end(struct text_table *t, enum text_style style, size_t off)
{
	struct text_cell c = {.off = (u32)off, .n = (u32)(t->text.n - off), .style = style};

	vec_push(&t->cells, c);
}

void text_cell(struct text_table *t, enum text_style style, const char *fmt, ...)
{
	size_t off = t->text.n;
	va_list ap;

	va_start(ap, fmt);
	buf_addvf(&t->text, fmt, ap);
	va_end(ap);
	cell_end(t, style, off);
}

void text_cell_esc(struct text_table *t, enum text_style style, const char *s, size_t n)
{
	size_t off = t->text.n;

	esc_term(&t->text, s, n);
	cell_end(t, style, off);
}

/* How wide each column is to be: its widest cell, then the left ones share what the screen has. */
static void col_widths(const struct text_table *t, u32 width, size_t *w)
{
	size_t i, total = 0;
	u32 c;

	for (c = 0; c < t->ncols; c++)
		w[c] = text_width(t->cols[c].head, strlen(t->cols[c].head));
	for (i = 0; i < t->cells.n; i++) {
		const struct text_cell *cell = &t->cells.v[i];
		size_t n = text_width(t->text.p + cell->off, cell->n);

		c = i % t->ncols;
		w[c] = MAX(w[c], n);
	}
	for (c = 0; c < t->ncols; c++)
		total += w[c] + GAP;
	/* The last left column gives first, down to a few characters, then those before it. */
	for (c = t->ncols; width && c-- > 0 && total - GAP > width;) {
		size_t over = total - GAP - width, min = MIN(w[c], LEFT_MIN);

		if (!t->cols[c].left)
			continue;
		over = MIN(over, w[c] - min);
		w[c] -= over;
		total -= over;
	}
}

static void print_cell(struct buf *b, const struct text_table *t, u32 c, size_t w, const char *s,
		       size_t n, enum text_style style, bool color, bool cut)
{
	size_t len = text_width(s, n), pad = len < w ? MIN(w, PAD_MAX) - MIN(len, PAD_MAX) : 0;
	bool last = c + 1 == t->ncols;

	if (!t->cols[c].left)
		buf_addf(b, "%*s", (int)pad, "");
	if (cut && len > w) {
		styled(b, style, color, s, text_fit(s, n, w ? w - 1 : 0));
		buf_adds(b, w ? "…" : "");
	} else {
		styled(b, style, color, s, n);
	}
	if (t->cols[c].left && !last)
		buf_addf(b, "%*s", (int)pad, "");
	if (!last)
		buf_addf(b, "%*s", GAP, "");
}

static void trim_right(struct buf *b)
{
	while (b->n && b->p[b->n - 1] == ' ')
		b->n--;
}

void text_table_print(struct text_table *t, u32 width, bool color, struct out *out)
{
	size_t w[TEXT_COLS], i;
	struct buf b = {0};
	u32 c;

	col_widths(t, width, w);
	for (c = 0; c < t->ncols; c++)
		print_cell(&b, t, c, w[c], t->cols[c].head, strlen(t->cols[c].head), TEXT_HEAD,
			   color, false);
	trim_right(&b);
	buf_addc(&b, '\n');
	for (i = 0; i < t->cells.n; i++) {
		const struct text_cell *cell = &t->cells.v[i];

		c = (u32)(i % t->ncols);
		print_cell(&b, t, c, w[c], t->text.p + cell->off, cell->n, cell->style, color,
			   width != 0);
		if (c + 1 < t->ncols)
			continue;
		trim_right(&b);
		buf_addc(&b, '\n');
		out_buf(out, &b);
	}
	out_buf(out, &b);
	buf_done(&b);
	buf_done(&t->text);
	vec_done(&t->cells);
}
