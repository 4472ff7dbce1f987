// SPDX-License-Identifier: Apache-2.0
#include "base/base.h"

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && !memcmp(s + n - m, suffix, m);
}

bool str_glob(const char *pattern, const char *s)
{
	const char *star = NULL, *resume = NULL;

	while (*s) {
		if (*pattern == '*') {
			star = pattern++;
			resume = s;
		} else if (*pattern == '?' || *pattern == *s) {
			pattern++;
			s++;
		} else if (star) {
			pattern = star + 1;
			s = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

static void buf_reserve(struct buf *b, size_t more)
{
	size_t want = b->n + more + 1;

	BUG_ON(want < more);
	if (want <= b->cap)
		return;
	b->cap = MAX(want, b->cap * 2);
	b->cap = MAX(b->cap, (size_t)64);
	b->p = xrealloc(b->p, b->cap);
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	buf_reserve(b, n);
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
	buf_reserve(b, 1);
	b->p[b->n++] = c;
	b->p[b->n] = '\0';
}

void buf_addvf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	buf_reserve(b, 128);
	n = vsnprintf(b->p + b->n, b->cap - b->n, fmt, ap);
	BUG_ON(n < 0);
	if ((size_t)n >= b->cap - b->n) {
		buf_reserve(b, (size_t)n);
		vsnprintf(b->p + b->n, b->cap - b->n, fmt, again);
	}
	b->n += (size_t)n;
	va_end(again);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_addvf(b, fmt, ap);
	va_end(ap);
}

void buf_add_u64(struct buf *b, u64 v)
{
	char digits[20];
	int i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_add(b, digits + i, sizeof(digits) - (size_t)i);
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	if (b->p)
		b->p[0] = '\0';
}

void buf_done(struct buf *b)
{
	free(b->p);
	*b = (struct buf){0};
}

const char *buf_str(const struct buf *b)
{
	return b->p ? b->p : "";
}

void buf_uvarint(struct buf *b, u64 v)
{
	while (v >= 0x80) {
		buf_addc(b, (char)(v | 0x80));
		v >>= 7;
	}
	buf_addc(b, (char)v);
}

void buf_svarint(struct buf *b, s64 v)
{
	buf_uvarint(b, ((u64)v << 1) ^ (u64)(v >> 63));
}

const void *rd_bytes(struct rd *r, size_t n)
{
	const u8 *p = r->p;

	if (r->bad || n > (size_t)(r->end - p)) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	return p;
}

u8 rd_u8(struct rd *r)
{
	const u8 *p = rd_bytes(r, 1);

	return p ? *p : 0;
}

u16 rd_u16(struct rd *r)
{
	const u8 *p = rd_bytes(r, 2);

	return p ? (u16)(p[0] | p[1] << 8) : 0;
}

u32 rd_u32(struct rd *r)
{
	const u8 *p = rd_bytes(r, 4);

	return p ? p[0] | p[1] << 8 | p[2] << 16 | (u32)p[3] << 24 : 0;
}

u64 rd_u64(struct rd *r)
{
	u64 lo = rd_u32(r);

	return lo | (u64)rd_u32(r) << 32;
}

u64 rd_uvarint(struct rd *r)
{
	u64 v = 0;
	int shift;

	for (shift = 0; shift < 64; shift += 7) {
		u8 c = rd_u8(r);

		/* The tenth byte has room for one bit only. */
		if (r->bad || (shift == 63 && c > 1))
			break;
		v |= (u64)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return v;
	}
	r->bad = true;
	return 0;
}

s64 rd_svarint(struct rd *r)
{
	u64 v = rd_uvarint(r);

	return (s64)(v >> 1) ^ -(s64)(v & 1);
}
