/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes to a reader of profiles: it ends, the books balance, and what it read can be written.
 */
#ifndef SPOOR_FUZZ_PROF_H
#define SPOOR_FUZZ_PROF_H

#include "prof/prof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static inline void fuzz_books(const struct prof *p)
{
	u64 in;

	if (__builtin_add_overflow(prof_sum(p, 0), p->acct.dropped, &in))
		in = UINT64_MAX;
	BUG_ON(p->acct.in != in);
	for (size_t i = 1; i < p->parent.n; i++)
		BUG_ON(p->parent.v[i] >= i || p->frame.v[i] >= p->frames.n);
	for (size_t i = 0; i < p->samples.n; i++)
		BUG_ON(p->samples.v[i].node >= p->parent.n ||
		       p->samples.v[i].thread >= p->threads.n ||
		       p->samples.v[i].value >= p->nvalues);
}

static inline void fuzz_write(const struct prof *p, const char *format)
{
	struct prof_write_opts o = {.column = ~0u};
	struct buf b = {0};
	struct out *out = out_mem(&b);

	BUG_ON(prof_format_find(format)->write(out, p, &o));
	out_close(out);
	buf_done(&b);
}

static inline int fuzz_read(const u8 *data, size_t n, const char *format)
{
	struct in *in = in_mem(data, n, "fuzz");
	struct prof p;
	int rc;

	log_level = -1;
	prof_init(&p);
	rc = prof_load_in(&p, in, format);
	BUG_ON(rc && !*err_msg());
	fuzz_books(&p);
	if (!rc && p.parent.n < 20000) {
		fuzz_write(&p, "folded");
		fuzz_write(&p, "spoor");
		if (p.acct.in < 1000)
			fuzz_write(&p, "perfscript");
	}
	in_close(in);
	prof_done(&p);
	return 0;
}

#endif
