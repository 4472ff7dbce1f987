/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of `perf script`: a header line a sample, frames leaf first, a blank line.
 *
 *   comm  PID[/TID] [CPU] SEC.FRAC: PERIOD EVENT: payload
 *   <tab>ADDR symbol+0xOFF (dso)
 *
 * perfscript_parse.c takes lines apart, fmt_perfscript.c makes a profile, perfscript_write.c
 * writes.
 */
#ifndef SPOOR_PERFSCRIPT_INT_H
#define SPOOR_PERFSCRIPT_INT_H

#include "prof/lines_int.h"

struct perfscript_header {
	struct str comm, event, payload;
	u32 pid, tid; /* UINT32_MAX unknown */
	u16 cpu;      /* UINT16_MAX unknown */
	bool timed;
	u64 time_ns, period; /* period 1 when there is none */
};
/*
 * No field is quoted, and a comm may hold anything, so the time is the anchor: the first SEC.FRAC:
 * with a number of a thread before it. Without times the first number that an event follows.
 */
bool perfscript_header(const char *s, size_t n, struct perfscript_header *h);

struct perfscript_frame {
	u64 addr;
	struct str symbol; /* without +0xOFF; empty when unknown */
	struct str dso;	   /* without brackets; empty when there is none */
	u8 kind;	   /* enum frame_kind */
};
bool perfscript_frame(const char *s, size_t n, struct perfscript_frame *f);

int perfscript_write(struct out *out, const struct prof *p, const struct prof_write_opts *o);

#endif
