// SPDX-License-Identifier: Apache-2.0
/*
 * What recording costs, as a share of the CPU time of the traced CPUs. The first seconds over the
 * limit lower the sampling rate; when that did not help, recording stops.
 */
#include <sys/resource.h>

#include "run/record_int.h"

#define WARN_PCT 5.0
#define SECONDS_OVER 2 /* one bad second may be symbols being loaded */
#define SLOWER_MAX 3

static u64 timeval_ns(const struct timeval *tv)
{
	return (u64)tv->tv_sec * NSEC_PER_SEC + (u64)tv->tv_usec * 1000;
}

u64 budget_self_ns(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return timeval_ns(&ru.ru_utime) + timeval_ns(&ru.ru_stime);
}

enum budget_verdict budget_check(struct budget *b, u64 now_ns, u64 cost_ns, u32 cpus)
{
	u64 wall_ns = now_ns - b->last_ns, spent_ns = cost_ns - b->last_cost_ns;

	if (!b->last_ns || !cpus || wall_ns < NSEC_PER_SEC / 2) {
		if (!b->last_ns) {
			b->last_ns = now_ns;
			b->last_cost_ns = cost_ns;
		}
		return BUDGET_FINE;
	}
	b->last_ns = now_ns;
	b->last_cost_ns = cost_ns;
	b->now_pct = 100.0 * (double)spent_ns / ((double)wall_ns * cpus);
	b->n_over = b->limit_pct > 0 && b->now_pct > b->limit_pct ? b->n_over + 1 : 0;
	if (b->n_over >= SECONDS_OVER) {
		b->n_over = 0;
		return b->n_slower++ < SLOWER_MAX ? BUDGET_SLOWER : BUDGET_STOP;
	}
	if (b->now_pct > WARN_PCT && !b->warned) {
		b->warned = true;
		return BUDGET_WARN;
	}
	return BUDGET_FINE;
}
