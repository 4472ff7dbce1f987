// SPDX-License-Identifier: Apache-2.0
#include "prof/lines_int.h"

static int refill(struct lines *l)
{
	size_t left = l->n - l->pos;
	ssize_t k;

	if (l->pos) {
		memmove(l->buf, l->buf + l->pos, left);
		l->pos = 0;
		l->n = left;
		l->moved = true;
	}
	if (l->cap < left + LINES_BLOCK + LINES_PAD) {
		size_t cap = MAX(l->cap * 2, left + LINES_BLOCK + LINES_PAD);

		l->buf = big_realloc(l->buf, l->cap, cap);
		l->cap = cap;
		l->moved = true;
	}
	k = in_read(l->in, l->buf + l->n, l->cap - LINES_PAD - l->n);
	if (k < 0)
		return (int)k;
	l->n += (size_t)k;
	l->eof = !k;
	memset(l->buf + l->n, 0, LINES_PAD);
	return 0;
}

/* Eats up to the next line end without keeping it. */
static int skip_rest(struct lines *l)
{
	for (;;) {
		char *end = memchr(l->buf + l->pos, '\n', l->n - l->pos);
		int rc;

		if (end) {
			l->pos = (size_t)(end + 1 - l->buf);
			return 0;
		}
		l->pos = l->n;
		if (l->eof)
			return 0;
		rc = refill(l);
		if (rc)
			return rc;
	}
}

int lines_next(struct lines *l, char **line, size_t *n)
{
	size_t seen = 0;

	for (;;) {
		char *start = l->buf ? l->buf + l->pos : NULL, *end = NULL;
		size_t have = l->n - l->pos;
		int rc;

		if (have > seen)
			end = memchr(start + seen, '\n', have - seen);
		if (!end && have >= LINES_MAX) {
			l->n_cut++;
			rc = skip_rest(l);
			if (rc)
				return rc;
			l->number++;
			seen = 0;
			continue;
		}
		if (end || (l->eof && have)) {
			*n = end ? (size_t)(end - start) : have;
			l->pos += *n + (end != NULL);
			*line = start;
			l->number++;
			if (*n && start[*n - 1] == '\r')
				(*n)--;
			return 1;
		}
		if (l->eof)
			return 0;
		seen = have;
		rc = refill(l);
		if (rc)
			return rc;
	}
}

void lines_done(struct lines *l)
{
	big_free(l->buf, l->cap);
	l->buf = NULL;
}

/* ---- counts ---------------------------------------------------------------------------------- */

static const char no_count[] = "no count at the end of the line";
static const char too_large[] = "count above 2^64";

/* Almost all counts are only digits. False when this one is not. */
static bool plain_count(const char *s, size_t n, u64 *value, const char **why)
{
	u64 v = 0;

	*why = NULL;
	for (size_t i = 0; i < n; i++) {
		u64 d = (u64)(u8)s[i] - '0';

		if (d > 9)
			return false;
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, d, &v))
			*why = too_large;
	}
	*value = v;
	return n > 0;
}

struct decimal {
	u64 digits; /* up to 19 significant ones */
	long exp10;
	bool any;
};

static size_t digits(struct decimal *d, const char *s, size_t i, size_t n, bool fraction)
{
	for (; i < n && s[i] >= '0' && s[i] <= '9'; i++) {
		d->any = true;
		if (d->digits < UINT64_MAX / 10 - 1) {
			d->digits = d->digits * 10 + (u64)(s[i] - '0');
			d->exp10 -= fraction;
		} else {
			d->exp10 += !fraction;
		}
	}
	return i;
}

static size_t exponent(struct decimal *d, const char *s, size_t i, size_t n)
{
	bool minus = false;
	size_t start;
	long e = 0;

	i++;
	if (i < n && (s[i] == '+' || s[i] == '-'))
		minus = s[i++] == '-';
	start = i;
	for (; i < n && s[i] >= '0' && s[i] <= '9'; i++)
		e = MIN(e * 10 + (s[i] - '0'), 100000L);
	d->exp10 += minus ? -e : e;
	return i > start ? i : 0;
}

/* digits * 10^exp10 in fixed point; too small is 0. */
static const char *to_fixed(const struct decimal *d, u64 *value, u64 *scale)
{
	u64 v = d->digits;
	long e = d->exp10;

	while (v && e < 0 && v % 10 == 0) {
		v /= 10;
		e++;
	}
	*scale = v && e < 0 ? SCALE_FRACTION : 1;
	if (*scale > 1)
		e += 6;
	for (; e < 0 && v; e++)
		v /= 10;
	for (; e > 0 && v; e--) {
		if (__builtin_mul_overflow(v, 10, &v))
			return too_large;
	}
	*value = v;
	return NULL;
}

const char *count_parse(const char *s, size_t n, u64 *value, u64 *scale)
{
	struct decimal d = {0};
	const char *why;
	bool minus = n && s[0] == '-';
	size_t i;

	*scale = 1;
	if (plain_count(s, n, value, &why))
		return why;
	i = digits(&d, s, minus || (n && s[0] == '+'), n, false);
	if (i < n && s[i] == '.')
		i = digits(&d, s, i + 1, n, true);
	if (d.any && i < n && (s[i] == 'e' || s[i] == 'E'))
		i = exponent(&d, s, i, n);
	if (!d.any || i != n)
		return no_count;
	return minus ? "negative count" : to_fixed(&d, value, scale);
}

void count_format(struct buf *b, u64 v, u64 scale)
{
	char fraction[24];
	size_t n;

	buf_add_u64(b, v / scale);
	if (v % scale == 0)
		return;
	n = (size_t)snprintf(fraction, sizeof(fraction), ".%06llu",
			     (unsigned long long)(v % scale));
	while (fraction[n - 1] == '0')
		n--;
	buf_add(b, fraction, n);
}

/* ---- annotations ----------------------------------------------------------------------------- */

bool annotation_kind(char letter, u8 *kind)
{
	switch (letter) {
	case 'k':
		*kind = FRAME_KERNEL;
		return true;
	case 'j':
		*kind = FRAME_JIT;
		return true;
	case 'i':
		*kind = FRAME_INLINED;
		return true;
	default:
		return false;
	}
}

char annotation_letter(u8 kind)
{
	switch (kind) {
	case FRAME_KERNEL:
	case FRAME_BPF:
		return 'k';
	case FRAME_JIT:
		return 'j';
	case FRAME_INLINED:
		return 'i';
	default:
		return 0;
	}
}
