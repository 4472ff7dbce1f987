// SPDX-License-Identifier: Apache-2.0
/* What is asked of a finished profile: order, sums, totals, losses. */
#include "prof/prof_int.h"

/* Merges the sorted runs [a, b) and [b, c) of from into to; equal times keep their order. */
static void merge_runs(const struct prof_sample *from, struct prof_sample *to, size_t a, size_t b,
		       size_t c)
{
	size_t i = a, j = b, k = a;

	while (i < b && j < c)
		to[k++] = from[j].time_ns < from[i].time_ns ? from[j++] : from[i++];
	while (i < b)
		to[k++] = from[i++];
	while (j < c)
		to[k++] = from[j++];
}

static size_t run_end(const struct prof_sample *s, size_t i, size_t n)
{
	for (i++; i < n && s[i].time_ns >= s[i - 1].time_ns; i++)
		;
	return i;
}

/* Natural merge sort: a recording is a few sorted runs, one a CPU or a chunk. */
static void sort_samples(struct prof *p)
{
	size_t n = p->samples.n, bytes = n * sizeof(struct prof_sample);
	struct prof_sample *v = p->samples.v, *tmp;

	if (!n || run_end(v, 0, n) == n)
		return;
	tmp = big_realloc(NULL, 0, bytes);
	while (run_end(v, 0, n) < n) {
		for (size_t a = 0, b, c; a < n; a = c) {
			b = run_end(v, a, n);
			c = b < n ? run_end(v, b, n) : n;
			merge_runs(v, tmp, a, b, c);
		}
		memcpy(v, tmp, bytes);
	}
	big_free(tmp, bytes);
}

void prof_finish(struct prof *p)
{
	sort_samples(p);
	prof_index_drop(p);
}

u64 prof_sum(const struct prof *p, u32 column)
{
	bool sat = false;
	u64 sum = 0;

	for (size_t i = 0; i < p->self[column].n; i++)
		sum = sat_add(sum, p->self[column].v[i], &sat);
	return sum;
}

u32 prof_column_default(const struct prof *p)
{
	for (u32 c = 0; c < p->nvalues; c++) {
		if (prof_sum(p, c))
			return c;
	}
	return 0;
}

u64 *prof_totals(const struct prof *p, u32 column)
{
	size_t n = p->parent.n, bytes = n * sizeof(u64);
	u64 *t = big_realloc(NULL, 0, MAX(bytes, (size_t)1));
	bool sat = false;

	memcpy(t, p->self[column].v, bytes);
	for (size_t i = n; i-- > 1;)
		t[p->parent.v[i]] = sat_add(t[p->parent.v[i]], t[i], &sat);
	return t;
}

static u64 events_sum(const struct prof *p, bool dropped)
{
	bool sat = false;
	u64 sum = 0;

	for (size_t i = 0; i < p->losses.n; i++) {
		if (p->losses.v[i].dropped == dropped)
			sum = sat_add(sum, p->losses.v[i].events, &sat);
	}
	return sum;
}

u64 prof_lost(const struct prof *p)
{
	return events_sum(p, false);
}

u64 prof_dropped(const struct prof *p)
{
	return events_sum(p, true);
}

static void add_item(const struct prof *p, struct buf *b, const struct prof_loss *l)
{
	char n[28];

	if (l->events) {
		buf_adds(b, fmt_count(n, l->events));
		buf_addc(b, ' ');
	}
	esc_term(b, prof_str(p, l->reason), intern_len(&p->strings, l->reason));
}

static void add_losses(const struct prof *p, struct buf *b, bool dropped)
{
	const char *sep = dropped ? "dropped: " : "lost: ";

	for (size_t i = 0; i < p->losses.n; i++) {
		if (p->losses.v[i].dropped != dropped)
			continue;
		if (sep[0] != ',' && b->n)
			buf_adds(b, "; ");
		buf_adds(b, sep);
		add_item(p, b, &p->losses.v[i]);
		sep = ", ";
	}
}

void prof_loss_line(const struct prof *p, struct buf *b)
{
	struct buf line = {0};

	add_losses(p, &line, false);
	add_losses(p, &line, true);
	for (size_t i = 0; i < p->notes.n; i++) {
		buf_adds(&line, i ? ", " : line.n ? "; note: " : "note: ");
		add_item(p, &line, &p->notes.v[i]);
	}
	if (p->acct.saturated)
		buf_addf(&line, "%snumbers above 2^64 were cut", line.n ? "; " : "");
	buf_add(b, line.p, line.n);
	buf_done(&line);
}

/* ---- text ------------------------------------------------------------------------------------ */

static inline bool plain8(const char *s)
{
	const u64 ones = 0x0101010101010101ull, highs = ones << 7;
	u64 v;

	memcpy(&v, s, 8);
	/* Some byte above 0x7e, or below 0x20? (0x7f is caught with the high ones.) */
	return !((v | (v + ones) | (v - ones * 0x20)) & highs);
}

static inline bool is_c0(const char *s, size_t len)
{
	return len == 1 ? (u8)*s < 0x20 || *s == 0x7f : len == 2 && *s == '\xc2' && (u8)s[1] < 0xa0;
}

bool prof_text_ok(const char *s, size_t n)
{
	while (n) {
		size_t len;

		if (n >= 8 && plain8(s)) {
			s += 8;
			n -= 8;
			continue;
		}
		len = utf8_len(s, n);
		if (!len || is_c0(s, len))
			return false;
		s += len;
		n -= len;
	}
	return true;
}

u64 prof_text_clean(struct buf *out, const char *s, size_t n)
{
	u64 bad = 0;

	if (prof_text_ok(s, n))
		return 0;
	while (n) {
		size_t len = utf8_len(s, n);

		if (!len || is_c0(s, len)) {
			len = len ? len : 1;
			buf_adds(out, "\xef\xbf\xbd");
			bad++;
		} else {
			buf_add(out, s, len);
		}
		s += len;
		n -= len;
	}
	return bad;
}
