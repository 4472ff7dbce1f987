// SPDX-License-Identifier: Apache-2.0
/*
 * The shape of `perf script` for scripts that know it. A profile has frames, not addresses: a
 * frame's number stands for one, above 0x400000 in a program and above 0xffffffff81000000 in the
 * kernel. Weight that has no samples becomes as many samples as it is, since scripts count headers.
 */
#include "prof/perfscript_int.h"

#define UNTIMED_MAX 50000000u

static void add_clean(struct buf *b, const struct prof *p, u32 string)
{
	const char *s = prof_str(p, string);
	size_t n = intern_len(&p->strings, string);

	if (!prof_text_clean(b, s, n))
		buf_add(b, s, n);
}

static void add_frame(struct buf *b, const struct prof *p, u32 id)
{
	const struct prof_frame *f = &p->frames.v[id];
	bool kernel = f->kind == FRAME_KERNEL || f->kind == FRAME_BPF;
	u64 addr = (kernel ? 0xffffffff81000000ull : 0x400000) + (u64)id * 16;

	if ((f->flags & FRAME_UNKNOWN) && f->module) {
		buf_addf(b, "\t%16llx [unknown] (",
			 (unsigned long long)(f->offset ? f->offset : addr));
	} else {
		buf_addf(b, "\t%16llx ", (unsigned long long)addr);
		add_clean(b, p, f->name);
		buf_adds(b, f->kind == FRAME_MARK || !f->name ? " (" : "+0x0 (");
	}
	if (f->kind == FRAME_INLINED)
		buf_adds(b, "inlined");
	else if (f->module)
		add_clean(b, p, f->module);
	else
		buf_adds(b, kernel ? "[kernel.kallsyms]" : "[unknown]");
	buf_adds(b, ")\n");
}

/* Leaf first, down to the comm, which the header has. Returns the comm's string, 0 when none. */
static u32 add_stack(struct buf *b, const struct prof *p, u32 node)
{
	for (; node; node = p->parent.v[node]) {
		const struct prof_frame *f = &p->frames.v[p->frame.v[node]];

		if (!p->parent.v[node] && f->kind == FRAME_COMM)
			return f->name;
		if (f->kind != FRAME_MARK || strcmp(prof_str(p, f->name), "[no stack]"))
			add_frame(b, p, p->frame.v[node]);
	}
	return 0;
}

/* As perf prints it: scripts find the comm's end by the blanks of the padding. */
static void add_task(struct buf *b, const struct prof *p, u32 comm, u32 pid, u32 tid)
{
	size_t start = b->n;

	add_clean(b, p, comm);
	if (b->n == start)
		buf_adds(b, "[none]");
	if (pid != UINT32_MAX)
		buf_addf(b, " %7u/%-7d ", pid, (int)tid);
	else
		buf_addf(b, " %7d ", (int)tid);
}

static void add_event(struct buf *b, const struct prof *p, u32 column, u64 period)
{
	buf_addf(b, " %10llu ", (unsigned long long)period);
	add_clean(b, p, column || !p->meta.event ? p->values[column].name : p->meta.event);
	buf_adds(b, ": \n");
}

static void write_sample(const struct prof *p, const struct prof_sample *s, struct buf *b,
			 struct buf *stack)
{
	struct prof_thread t = {UINT32_MAX, UINT32_MAX, 0};
	u32 comm;

	if (s->thread < p->threads.n)
		t = p->threads.v[s->thread];
	buf_reset(stack);
	comm = add_stack(stack, p, s->node);
	add_task(b, p, t.comm ? t.comm : comm, t.pid, t.tid);
	if (s->cpu != UINT16_MAX)
		buf_addf(b, "[%03u] ", s->cpu);
	buf_addf(b, "%5llu.%09llu:", (unsigned long long)(s->time_ns / NSEC_PER_SEC),
		 (unsigned long long)(s->time_ns % NSEC_PER_SEC));
	add_event(b, p, s->value, s->value ? s->weight : 1);
	buf_add(b, stack->p, stack->n);
	buf_addc(b, '\n');
}

/* What self has beyond the samples, in whole events. */
static u64 *untimed(const struct prof *p, u64 *sum)
{
	u64 *rest = big_realloc(NULL, 0, MAX(p->parent.n * sizeof(u64), (size_t)1));
	u64 scale = p->values[0].scale;
	bool sat = false;

	for (size_t i = 0; i < p->parent.n; i++)
		rest[i] = (p->self[0].v[i] + scale / 2) / scale;
	for (size_t i = 0; i < p->samples.n; i++)
		rest[p->samples.v[i].node] -= rest[p->samples.v[i].node] > 0;
	*sum = 0;
	for (size_t i = 0; i < p->parent.n; i++)
		*sum = sat_add(*sum, rest[i], &sat);
	return rest;
}

static void write_untimed(struct out *out, const struct prof *p, const u64 *rest, struct buf *b,
			  struct buf *stack)
{
	for (u32 i = 0; i < p->parent.n; i++) {
		if (!rest[i])
			continue;
		buf_reset(stack);
		buf_reset(b);
		/* Scripts want the number of a thread; nobody knows it. */
		add_task(b, p, add_stack(stack, p, i), UINT32_MAX, 0);
		add_event(b, p, 0, 1);
		buf_add(b, stack->p, stack->n);
		buf_addc(b, '\n');
		for (u64 k = 0; k < rest[i] && !out_error(out); k++)
			out_write(out, b->p, b->n);
	}
}

int perfscript_write(struct out *out, const struct prof *p, const struct prof_write_opts *o)
{
	struct buf b = {0}, stack = {0};
	u64 n;
	u64 *rest = untimed(p, &n);
	int rc = 0;

	if (n > UNTIMED_MAX) {
		rc = err(-EINVAL, "%llu events without times would be as many samples of text",
			 (unsigned long long)n);
		err_try("--as folded");
		goto out;
	}
	for (size_t i = 0; i < p->samples.n; i++) {
		write_sample(p, &p->samples.v[i], &b, &stack);
		out_buf(out, &b);
	}
	write_untimed(out, p, rest, &b, &stack);
	rc = out_flush(out);
out:
	big_free(rest, MAX(p->parent.n * sizeof(u64), (size_t)1));
	buf_done(&b);
	buf_done(&stack);
	return rc;
}
