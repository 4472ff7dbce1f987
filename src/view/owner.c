// SPDX-License-Identifier: Apache-2.0
/*
 * Whose weight it is. Samples say their thread and CPU; weight that did not come from samples
 * (folded text) has only the first frame of its stack, which by custom is the process's name.
 */
#include "view/view_int.h"

struct tally {
	const struct prof *p;
	u32 column;
	u64 *rest;    /* per node: weight that no sample accounts for */
	u64 *threads; /* per thread */
	u64 *cpus;    /* per CPU, UINT16_MAX for unknown */
	u64 *comms;   /* per string: rest by the first frame's name */
};

static void tally_samples(struct tally *t)
{
	const struct prof *p = t->p;
	size_t i;

	for (i = 0; p->have_samples && i < p->samples.n; i++) {
		const struct prof_sample *s = &p->samples.v[i];
		u64 w = !t->column ? p->values[0].scale : s->value == t->column ? s->weight : 0;
		u64 *rest = &t->rest[s->node];

		w = MIN(w, *rest); /* only when a column saturated */
		*rest -= w;
		if (s->thread < p->threads.n)
			t->threads[s->thread] += w;
		else
			t->threads[p->threads.n] += w;
		t->cpus[s->cpu] += w;
	}
}

static void tally_rest(struct tally *t)
{
	const struct prof *p = t->p;
	u32 n = prof_nnodes(p), i;

	/* Children come after their parents: push what is left up to the first frame. */
	for (i = n; i-- > 1;) {
		if (p->parent.v[i])
			t->rest[p->parent.v[i]] += t->rest[i];
		else
			t->comms[p->frames.v[p->frame.v[i]].name] += t->rest[i];
	}
	t->comms[0] += n ? t->rest[0] : 0;
}

static void tally_init(struct tally *t, const struct prof *p, u32 column)
{
	size_t nodes_bytes = prof_nnodes(p) * sizeof(u64);

	*t = (struct tally){.p = p, .column = column};
	t->rest = big_realloc(NULL, 0, nodes_bytes);
	memcpy(t->rest, p->self[column].v, nodes_bytes);
	t->threads = xcalloc(p->threads.n + 1, sizeof(u64));
	t->cpus = xcalloc(UINT16_MAX + 1, sizeof(u64));
	t->comms = xcalloc(intern_count(&p->strings), sizeof(u64));
	tally_samples(t);
	tally_rest(t);
}

static void tally_done(struct tally *t)
{
	big_free(t->rest, prof_nnodes(t->p) * sizeof(u64));
	free(t->threads);
	free(t->cpus);
	free(t->comms);
}

static struct owner *owner_get(struct owners *o, struct map *index, u64 key,
			       const struct owner *fresh)
{
	u64 *id = map_put(index, key);

	if (!*id) {
		vec_push(&o->v, *fresh);
		*id = o->v.n;
	}
	return &o->v.v[*id - 1];
}

/*
 * A process is named after its main thread, and when that changed its name (exec) after the one
 * that has most weight; the name of another thread will do when nothing is known of the main one.
 */
static void name_owner(struct owner *o, const struct prof_thread *t, u64 weight)
{
	u64 rank = MIN(weight, UINT64_MAX >> 1) + 1;

	if (t->tid == t->pid)
		rank |= 1ull << 63;
	if (rank > o->name_weight) {
		o->name_weight = rank;
		o->comm = t->comm;
	}
}

/* A process whose pid is unknown is known by its name alone. */
static u64 process_key(const struct prof_thread *t)
{
	return t->pid == UINT32_MAX ? 1ull << 32 | t->comm : t->pid;
}

static void add_processes(struct owners *o, const struct tally *t)
{
	const struct prof *p = t->p;
	struct map index = {0}, tids = {0};
	u32 i;

	for (i = 0; i < p->threads.n; i++) {
		const struct prof_thread *th = &p->threads.v[i];
		struct owner fresh = {.pid = th->pid, .tid = UINT32_MAX}, *ow;
		u64 *tid_seen;

		/* A main thread without weight still names its process. */
		if (!t->threads[i] && th->tid != th->pid)
			continue;
		ow = owner_get(o, &index, process_key(th), &fresh);
		name_owner(ow, th, t->threads[i]);
		ow->weight += t->threads[i];
		tid_seen = map_put(&tids, (u64)th->pid << 32 | th->tid);
		if (t->threads[i] && !*tid_seen) {
			*tid_seen = 1;
			ow->n_threads++;
		}
	}
	map_done(&index);
	map_done(&tids);
}

static void add_threads(struct owners *o, const struct tally *t)
{
	const struct prof *p = t->p;
	u32 i;

	for (i = 0; i < p->threads.n; i++) {
		const struct prof_thread *th = &p->threads.v[i];

		if (t->threads[i])
			vec_push(&o->v, (struct owner){.pid = th->pid,
						       .tid = th->tid,
						       .comm = th->comm,
						       .n_threads = 1,
						       .weight = t->threads[i]});
	}
}

static void add_rest(struct owners *o, const struct tally *t)
{
	const struct owner unknown = {.pid = UINT32_MAX, .tid = UINT32_MAX, .cpu = NONE};
	u32 i;

	for (i = 0; i < intern_count(&t->p->strings); i++) {
		struct owner ow = unknown;

		ow.comm = i;
		ow.weight = t->comms[i] + (i ? 0 : t->threads[t->p->threads.n]);
		if (ow.weight)
			vec_push(&o->v, ow);
	}
}

static void add_cpus(struct owners *o, const struct tally *t)
{
	struct owner unknown = {.cpu = NONE, .weight = t->cpus[UINT16_MAX]};
	u32 i;

	for (i = 0; i < UINT16_MAX; i++)
		if (t->cpus[i])
			vec_push(&o->v, (struct owner){.cpu = i, .weight = t->cpus[i]});
	for (i = 0; i < intern_count(&t->p->strings); i++)
		unknown.weight += t->comms[i];
	if (unknown.weight)
		vec_push(&o->v, unknown);
}

/* Processes of one name become one. */
static void merge_names(struct owners *o)
{
	struct owners out = {0};
	struct map index = {0};
	size_t i;

	for (i = 0; i < o->v.n; i++) {
		const struct owner *from = &o->v.v[i];
		struct owner fresh = {.comm = from->comm, .pid = UINT32_MAX, .tid = UINT32_MAX};
		struct owner *to;

		if (!from->weight)
			continue;
		to = owner_get(&out, &index, from->comm, &fresh);
		to->weight += from->weight;
		to->n_threads += from->n_threads;
		to->n_pids += from->pid != UINT32_MAX;
	}
	map_done(&index);
	vec_done(&o->v);
	*o = out;
}

static void drop_empty(struct owners *o)
{
	size_t i, n = 0;

	for (i = 0; i < o->v.n; i++)
		if (o->v.v[i].weight)
			o->v.v[n++] = o->v.v[i];
	o->v.n = n;
}

int owners_init(struct owners *o, const struct prof *p, enum report_by by, u32 column)
{
	struct tally t;

	*o = (struct owners){0};
	if ((by == BY_CPU || by == BY_THREAD) && !p->have_samples && prof_sum(p, column)) {
		err_try("spoor report --by function");
		return err(-EINVAL, "the input (%s) has stacks only, without %s",
			   p->format ? p->format : "merged", by == BY_CPU ? "CPUs" : "threads");
	}
	tally_init(&t, p, column);
	if (by == BY_CPU) {
		add_cpus(o, &t);
	} else {
		if (by == BY_THREAD)
			add_threads(o, &t);
		else
			add_processes(o, &t);
		add_rest(o, &t);
	}
	tally_done(&t);
	if (by == BY_NAME)
		merge_names(o);
	drop_empty(o);
	return 0;
}

void owners_done(struct owners *o)
{
	vec_done(&o->v);
}
