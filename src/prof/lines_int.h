/* SPDX-License-Identifier: Apache-2.0 */
/* Text input a line at a time, from blocks; for the readers of text formats. */
#ifndef SPOOR_LINES_INT_H
#define SPOOR_LINES_INT_H

#include "prof/prof_int.h"

#define LINES_BLOCK (1u << 20)
#define LINES_MAX (64u << 20) /* a longer line is cut here and its rest skipped */
#define LINES_PAD 16	      /* bytes that may be read, and written, past a line */

/* Zero it and set in. */
struct lines {
	struct in *in;
	char *buf;
	size_t pos, n, cap;
	bool eof, moved; /* moved: what earlier lines pointed to is gone; the user clears it */
	u64 number;	 /* of the line returned last, from 1 */
	u64 n_cut;	 /* lines that were too long */
};

/*
 * The next line without its end (\n or \r\n), writable, valid until the next call. Returns 1, or 0
 * at the end, or -errno. A last line without an end counts.
 */
int lines_next(struct lines *l, char **line, size_t *n);
void lines_done(struct lines *l);

/*
 * A number with its optional fraction and exponent, in fixed point x 1,000,000 when it has either
 * and is not whole; *scale says which (1 or SCALE_FRACTION). NULL, or why it is no count.
 */
const char *count_parse(const char *s, size_t n, u64 *value, u64 *scale);

/* The kind that an annotation letter stands for ("_[k]"), and back; 0 when there is none. */
bool annotation_kind(char letter, u8 *kind);
char annotation_letter(u8 kind);

/* Appends v, which is stored in scale, as a decimal number. */
void count_format(struct buf *b, u64 v, u64 scale);

#endif
