/* SPDX-License-Identifier: Apache-2.0 */
/* The two halves of the folded format: fmt_folded.c reads, folded_write.c writes. */
#ifndef SPOOR_FOLDED_INT_H
#define SPOOR_FOLDED_INT_H

#include "prof/lines_int.h"

int folded_write(struct out *out, const struct prof *p, const struct prof_write_opts *o);

#endif
