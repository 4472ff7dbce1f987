/* SPDX-License-Identifier: Apache-2.0 */
/* Random profiles from a seed, and what must hold for every profile. */
#ifndef SPOOR_PROF_GEN_H
#define SPOOR_PROF_GEN_H

#include "test.h"

#include "prof/prof.h"

static inline u64 gen_next(u64 *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return hash_u64(*seed);
}

static inline u64 gen_below(u64 *seed, u64 n)
{
	return gen_next(seed) % n;
}

/* Sum of a column plus what was dropped is what came in; the tree is a tree; ids are in range. */
static inline void prof_check(const struct prof *p)
{
	u64 in;

	if (__builtin_add_overflow(prof_sum(p, 0), p->acct.dropped, &in))
		in = UINT64_MAX;
	assert_true(p->acct.in == in);
	assert_true(p->nvalues >= 1 && p->nvalues <= PROF_VALUES);
	assert_true(p->parent.n >= 1 && p->parent.n == p->frame.n);
	for (u32 c = 0; c < p->nvalues; c++)
		assert_int_equal(p->self[c].n, p->parent.n);
	for (size_t i = 1; i < p->parent.n; i++) {
		assert_true(p->parent.v[i] < i);
		assert_true(p->frame.v[i] < p->frames.n);
	}
	for (size_t i = 0; i < p->frames.n; i++) {
		assert_true(p->frames.v[i].name < intern_count(&p->strings));
		assert_true(p->frames.v[i].module < intern_count(&p->strings));
		assert_true(p->frames.v[i].kind < FRAME_KINDS);
	}
	for (size_t i = 0; i < p->samples.n; i++) {
		assert_true(p->samples.v[i].node < p->parent.n);
		assert_true(p->samples.v[i].thread < p->threads.n);
		assert_true(p->samples.v[i].value < p->nvalues);
		assert_true(!i || p->samples.v[i - 1].time_ns <= p->samples.v[i].time_ns);
	}
}

static inline u32 gen_frame(struct prof *p, u64 *seed, bool root)
{
	static const char *const odd[] = {"operator()", "a b c",	"x::y<int, (z)1>::w(int)",
					  "[unknown]",	"\u00fc\u4e2d", "foo+0x12"};
	char name[64];
	struct prof_frame f = {.kind = root ? FRAME_COMM : (u8)gen_below(seed, 2)};

	if (!root && gen_below(seed, 8) == 0)
		snprintf(name, sizeof(name), "%s", odd[gen_below(seed, ARRAY_SIZE(odd))]);
	else
		snprintf(name, sizeof(name), "%s%d", root ? "comm" : "func",
			 (int)gen_below(seed, root ? 5 : 40));
	f.name = prof_string(p, name, strlen(name));
	if (f.kind == FRAME_KERNEL)
		f.module = prof_string(p, "[kernel.kallsyms]", 17);
	else if (f.kind == FRAME_USER)
		f.module = prof_string(p, "/usr/lib/libc.so.6", 18);
	return prof_frame_id(p, &f);
}

/* n stacks. With samples, each is an event of a thread; else an aggregated weight. */
static inline void prof_gen(struct prof *p, u64 seed, size_t n, bool samples)
{
	u32 cycles = prof_value_id(p, "cycles", "cycles"), comm, pid;

	for (size_t i = 0; i < n; i++) {
		u32 frames[24], depth = 2 + (u32)gen_below(&seed, 20), node;
		struct prof_sample s = {.time_ns = 1000000 + i * 1000 - gen_below(&seed, 5000)};

		for (u32 k = 0; k < depth; k++)
			frames[k] = gen_frame(p, &seed, k == 0);
		node = prof_stack(p, frames, depth);
		if (!samples) {
			prof_add(p, node, 0, 1 + gen_below(&seed, 1000));
			prof_add(p, node, cycles, gen_below(&seed, 1u << 30));
			continue;
		}
		s.node = node;
		s.cpu = (u16)gen_below(&seed, 4);
		s.value = (u8)cycles;
		s.weight = gen_below(&seed, 1u << 30);
		comm = p->frames.v[frames[0]].name;
		pid = 100 + (u32)atoi(prof_str(p, comm) + 4);
		s.thread = prof_thread_id(p, pid, pid + 1, comm);
		prof_sample_add(p, &s);
	}
}

static inline void gen_path(const struct prof *p, u32 node, struct buf *b)
{
	const struct prof_frame *f = &p->frames.v[p->frame.v[node]];

	if (p->parent.v[node])
		gen_path(p, p->parent.v[node], b);
	buf_addf(b, ";%s|%s|%d", prof_str(p, f->name), prof_str(p, f->module), f->kind);
}

/* A number that does not depend on the order of nodes, frames or strings. */
static inline u64 prof_digest(const struct prof *p)
{
	u64 sum = 0;
	struct buf b = {0};

	for (u32 c = 0; c < p->nvalues; c++) {
		for (u32 i = 0; i < prof_nnodes(p); i++) {
			if (!p->self[c].v[i])
				continue;
			buf_reset(&b);
			gen_path(p, i, &b);
			buf_addf(&b, " %s %s %llu %llu", prof_str(p, p->values[c].name),
				 prof_str(p, p->values[c].unit),
				 (unsigned long long)p->values[c].scale,
				 (unsigned long long)p->self[c].v[i]);
			sum += hash_bytes(b.p, b.n);
		}
	}
	for (size_t i = 0; i < p->samples.n; i++) {
		const struct prof_sample *s = &p->samples.v[i];
		const struct prof_thread *t = &p->threads.v[s->thread];

		buf_reset(&b);
		gen_path(p, s->node, &b);
		buf_addf(&b, " %llu %u %u %s %u %s %llu %u", (unsigned long long)s->time_ns, t->pid,
			 t->tid, prof_str(p, t->comm), s->cpu,
			 prof_str(p, p->values[s->value].name), (unsigned long long)s->weight,
			 s->flags);
		sum += hash_bytes(b.p, b.n);
	}
	buf_done(&b);
	return sum;
}

#endif
