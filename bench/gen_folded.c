// SPDX-License-Identifier: Apache-2.0
/*
 * gen_folded: folded text of any size, for benchmarks. The same seed gives the same bytes.
 *
 *   gen_folded --unique 100000 --samples 20000000 --seed 1 > f100k.folded     (125 MB)
 *
 * Stacks are 10 to 120 deep, 34 on average, of 4,000 names of 36 characters on average. Each
 * follows an earlier one down to a depth that is uniformly random and goes on with random names:
 * prefixes are shared less than in real profiles, so the tree is larger (22 new nodes a stack).
 */
#include "base/base.h"

#include <math.h>

#define N_NAMES 4000
#define DEPTH_MIN 10
#define DEPTH_MAX 120
#define DEPTH_SCALE 26.2 /* of the exponential that gives a mean of 34 after the cut */

struct gen {
	u64 seed;
	char *names[N_NAMES];
	VEC(u16) frames; /* all paths behind each other */
	VEC(u64) starts;
	struct map seen; /* hashes of paths */
};

static u64 next(struct gen *g)
{
	g->seed += 0x9e3779b97f4a7c15ull;
	return hash_u64(g->seed);
}

static u64 below(struct gen *g, u64 n)
{
	return (u64)((unsigned __int128)next(g) * n >> 64);
}

static double unit(struct gen *g)
{
	return ((double)(next(g) >> 11) + 0.5) / 9007199254740992.0;
}

static void make_names(struct gen *g)
{
	static const char *const parts[] = {
		"alloc", "buffer",  "cache",  "dispatch",  "event",  "flush",	 "gather", "handle",
		"index", "journal", "kernel", "lookup",	   "memory", "network",	 "object", "parse",
		"queue", "read",    "submit", "transform", "update", "validate", "worker", "yield",
	};

	for (int i = 0; i < N_NAMES; i++) {
		size_t want = 12 + below(g, 36);
		struct buf b = {0};

		buf_adds(&b, parts[below(g, ARRAY_SIZE(parts))]);
		while (b.n < want) {
			buf_adds(&b, below(g, 4) ? "_" : "::");
			buf_adds(&b, parts[below(g, ARRAY_SIZE(parts))]);
		}
		buf_addf(&b, "%d", i);
		g->names[i] = b.p;
	}
}

static void add_path(struct gen *g)
{
	u64 start = g->frames.n, hash = 0, depth, shared = 0;

	do
		depth = DEPTH_MIN + (u64)(-log(unit(g)) * DEPTH_SCALE);
	while (depth > DEPTH_MAX);
	vec_reserve(&g->frames, start + depth);
	if (g->starts.n) {
		u64 i = below(g, g->starts.n), from = g->starts.v[i];
		u64 end = i + 1 < g->starts.n ? g->starts.v[i + 1] : start;

		shared = below(g, MIN(depth, end - from));
		memcpy(g->frames.v + start, g->frames.v + from, shared * sizeof(u16));
	}
	for (u64 k = shared; k < depth; k++)
		g->frames.v[start + k] = (u16)below(g, N_NAMES);
	hash = hash_bytes(g->frames.v + start, depth * sizeof(u16));
	if (*map_put(&g->seen, hash))
		return; /* seen before: the caller goes on until there are enough */
	*map_put(&g->seen, hash) = 1;
	g->frames.n += depth;
	vec_push(&g->starts, start);
}

static void print_paths(struct gen *g, u64 samples)
{
	struct out *out = out_fd(1);
	double *share = xcalloc(g->starts.n, sizeof(*share)), sum = 0;
	u64 n = g->starts.n, left = samples;
	struct buf line = {0};

	for (u64 i = 0; i < n; i++)
		sum += share[i] = -log(unit(g));
	for (u64 i = 0; i < n; i++) {
		u64 end = i + 1 < n ? g->starts.v[i + 1] : g->frames.n, rest = n - i - 1;
		u64 count = 1 + (u64)((double)(samples - n) * share[i] / sum);

		count = rest ? MIN(count, left - rest) : left;
		left -= count;
		for (u64 k = g->starts.v[i]; k < end; k++) {
			buf_adds(&line, g->names[g->frames.v[k]]);
			buf_addc(&line, k + 1 < end ? ';' : ' ');
		}
		buf_add_u64(&line, count);
		buf_addc(&line, '\n');
		out_buf(out, &line);
	}
	free(share);
	buf_done(&line);
	out_close(out);
}

int main(int argc, char **argv)
{
	u64 unique = 100000, samples = 0;
	struct gen g = {.seed = 1};

	for (int i = 1; i + 1 < argc; i += 2) {
		u64 v;

		if (parse_u64(argv[i + 1], &v))
			return 1;
		if (!strcmp(argv[i], "--unique"))
			unique = v;
		else if (!strcmp(argv[i], "--samples"))
			samples = v;
		else if (!strcmp(argv[i], "--seed"))
			g.seed = v;
		else
			return 1;
	}
	if (argc % 2 == 0 || !unique) {
		fprintf(stderr, "usage: gen_folded [--unique N] [--samples N] [--seed N]\n");
		return 1;
	}
	make_names(&g);
	while (g.starts.n < unique)
		add_path(&g);
	print_paths(&g, MAX(samples, unique));
	return 0;
}
