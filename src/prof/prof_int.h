/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside prof/: the hash tables that make finding a string, frame, node or thread fast while a
 * profile is being built.
 *
 * Most nodes of a real tree are the only, or the first, child of their parent, and are made right
 * after it. So the tree itself is the index for these: node i + 1 is looked at before any table is.
 * Only the others (parent[i] != i - 1) are in `nodes`, which keeps it a small fraction of the tree.
 */
#ifndef SPOOR_PROF_INT_H
#define SPOOR_PROF_INT_H

#include "prof/prof.h"

#define SCALE_FRACTION 1000000ull /* fixed point of fractional counts */

/* Open addressing, linear probing; a slot holds id + 1, or 0. cap need not be a power of two. */
struct slots {
	u32 *v;
	size_t cap, n;
};

struct prof_index {
	struct slots nodes, frames, threads;
};

static inline u64 sat_add(u64 a, u64 b, bool *saturated)
{
	u64 r;

	if (__builtin_add_overflow(a, b, &r)) {
		*saturated = true;
		return UINT64_MAX;
	}
	return r;
}

static inline u64 sat_mul(u64 a, u64 b, bool *saturated)
{
	u64 r;

	if (__builtin_mul_overflow(a, b, &r)) {
		*saturated = true;
		return UINT64_MAX;
	}
	return r;
}

/* Makes the tables again from the arrays when they are gone. */
struct prof_index *prof_index_get(struct prof *p);
void prof_index_drop(struct prof *p);

/* Adds to the loss or note with this text, or makes one. */
struct prof_loss *prof_loss_find(struct prof *p, bool note, const char *reason, bool dropped);

/* prof_merge() in two halves; the reader of recordings has its own idea of meta. */
void prof_merge_data(struct prof *dst, const struct prof *src);
void prof_merge_meta(struct prof *dst, const struct prof *src);

/*
 * Replaces what is not UTF-8 and control characters by U+FFFD. Returns the number of replacements;
 * out is only touched when it is not 0.
 */
u64 prof_text_clean(struct buf *out, const char *s, size_t n);
bool prof_text_ok(const char *s, size_t n);

extern const struct prof_format fmt_spoor, fmt_folded, fmt_perfscript;

#endif
