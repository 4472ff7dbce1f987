// SPDX-License-Identifier: Apache-2.0
/* One profile into another. */
#include "prof/prof_int.h"

/* From src's ids to dst's. */
struct idmap {
	u32 *strings, *frames, *nodes, *threads;
	u32 values[PROF_VALUES];
};

static u32 *ids_new(size_t n)
{
	return big_realloc(NULL, 0, MAX(n, (size_t)1) * sizeof(u32));
}

static void ids_free(u32 *ids, size_t n)
{
	big_free(ids, MAX(n, (size_t)1) * sizeof(u32));
}

static u32 string_in(struct prof *dst, const struct prof *src, u32 id)
{
	return prof_string(dst, prof_str(src, id), intern_len(&src->strings, id));
}

static void map_strings(struct idmap *m, struct prof *dst, const struct prof *src)
{
	u32 n = intern_count(&src->strings);

	m->strings = ids_new(n);
	for (u32 i = 0; i < n; i++)
		m->strings[i] = string_in(dst, src, i);
}

static void map_frames(struct idmap *m, struct prof *dst, const struct prof *src)
{
	m->frames = ids_new(src->frames.n);
	for (size_t i = 0; i < src->frames.n; i++) {
		struct prof_frame f = src->frames.v[i];

		f.name = m->strings[f.name];
		f.module = m->strings[f.module];
		m->frames[i] = prof_frame_id(dst, &f);
	}
}

static void map_nodes(struct idmap *m, struct prof *dst, const struct prof *src)
{
	m->nodes = ids_new(src->parent.n);
	m->nodes[0] = 0;
	for (size_t i = 1; i < src->parent.n; i++)
		m->nodes[i] =
			prof_node(dst, m->nodes[src->parent.v[i]], m->frames[src->frame.v[i]]);
}

static void map_threads(struct idmap *m, struct prof *dst, const struct prof *src)
{
	m->threads = ids_new(src->threads.n);
	for (size_t i = 0; i < src->threads.n; i++) {
		const struct prof_thread *t = &src->threads.v[i];

		m->threads[i] = prof_thread_id(dst, t->pid, t->tid, m->strings[t->comm]);
	}
}

static bool is_fresh(const struct prof *p)
{
	return p->parent.n == 1 && !p->acct.in && p->nvalues == 1 && !p->losses.n;
}

/* Column 0 is what the books are kept in, so it always goes to column 0. */
static void map_values(struct idmap *m, struct prof *dst, const struct prof *src)
{
	struct prof_value *first = &dst->values[0];

	if (is_fresh(dst)) {
		first->name = m->strings[src->values[0].name];
		first->unit = m->strings[src->values[0].unit];
	} else if (first->name != m->strings[src->values[0].name] ||
		   first->unit != m->strings[src->values[0].unit]) {
		prof_note(dst, "input measures something else; its numbers were added all the same",
			  1);
	}
	m->values[0] = 0;
	for (u32 c = 1; c < src->nvalues; c++) {
		u32 to = prof_value_id(dst, prof_str(src, src->values[c].name),
				       prof_str(src, src->values[c].unit));

		if (!to && prof_sum(src, c))
			prof_note(dst, "more kinds of values than fit; only their count was kept",
				  1);
		m->values[c] = to;
	}
	for (u32 c = 0; c < src->nvalues; c++) {
		if (!c || m->values[c])
			prof_scale_raise(dst, m->values[c], src->values[c].scale);
	}
}

/* What a number of src's column c is multiplied by to be one of dst's. */
static u64 value_factor(const struct idmap *m, const struct prof *dst, const struct prof *src,
			u32 c)
{
	return dst->values[m->values[c]].scale / src->values[c].scale;
}

static void add_values(const struct idmap *m, struct prof *dst, const struct prof *src)
{
	for (u32 c = 0; c < src->nvalues; c++) {
		u64 by = value_factor(m, dst, src, c);

		if (c && !m->values[c])
			continue;
		for (size_t i = 0; i < src->self[c].n; i++) {
			u64 w = src->self[c].v[i];

			if (w)
				prof_add(dst, m->nodes[i], m->values[c],
					 sat_mul(w, by, &dst->acct.saturated));
		}
	}
}

static u64 moved(u64 time_ns, s64 shift_ns)
{
	if (shift_ns < 0 && time_ns < -(u64)shift_ns)
		return 0;
	return time_ns + (u64)shift_ns;
}

static void add_samples(const struct idmap *m, struct prof *dst, const struct prof *src)
{
	s64 shift_ns = 0;

	if (dst->meta.wall_offset_ns && src->meta.wall_offset_ns)
		__builtin_sub_overflow(src->meta.wall_offset_ns, dst->meta.wall_offset_ns,
				       &shift_ns);
	vec_reserve(&dst->samples, dst->samples.n + src->samples.n);
	for (size_t i = 0; i < src->samples.n; i++) {
		struct prof_sample s = src->samples.v[i];

		s.time_ns = moved(s.time_ns, shift_ns);
		s.node = m->nodes[s.node];
		s.thread = m->threads[s.thread];
		if (s.value) {
			s.weight = sat_mul(s.weight, value_factor(m, dst, src, s.value),
					   &dst->acct.saturated);
			s.value = (u8)m->values[s.value];
		}
		dst->samples.v[dst->samples.n++] = s;
	}
}

static void add_losses(const struct idmap *m, struct prof *dst, const struct prof *src)
{
	u64 by = value_factor(m, dst, src, 0);

	for (size_t i = 0; i < src->losses.n; i++) {
		const struct prof_loss *l = &src->losses.v[i];

		prof_lose(dst, prof_str(src, l->reason), l->dropped, l->events,
			  sat_mul(l->weight, by, &dst->acct.saturated));
	}
	for (size_t i = 0; i < src->notes.n; i++)
		prof_note(dst, prof_str(src, src->notes.v[i].reason), src->notes.v[i].events);
	dst->acct.saturated |= src->acct.saturated;
}

static void add_health(const struct idmap *m, struct prof *dst, const struct prof *src)
{
	struct map seen = {0};

	for (size_t i = 0; i < dst->health.n; i++)
		*map_put(&seen, dst->health.v[i].module) = i + 1;
	for (size_t i = 0; i < src->health.n; i++) {
		struct prof_health h = src->health.v[i], *to;
		u64 *at = map_put(&seen, m->strings[h.module]);

		if (!*at) {
			vec_push(&dst->health,
				 (struct prof_health){.module = m->strings[h.module]});
			*at = dst->health.n;
		}
		to = &dst->health.v[*at - 1];
		to->stacks = sat_add(to->stacks, h.stacks, &dst->acct.saturated);
		to->complete = sat_add(to->complete, h.complete, &dst->acct.saturated);
		if (h.hint)
			to->hint = m->strings[h.hint];
	}
	map_done(&seen);
}

void prof_merge_data(struct prof *dst, const struct prof *src)
{
	struct idmap m = {0};
	bool fresh = is_fresh(dst);

	map_strings(&m, dst, src);
	map_frames(&m, dst, src);
	map_values(&m, dst, src);
	map_nodes(&m, dst, src);
	map_threads(&m, dst, src);
	add_values(&m, dst, src);
	if (!fresh && dst->have_samples != src->have_samples && src->acct.in)
		prof_note(dst, "inputs with and without times: time views show a part only", 1);
	add_samples(&m, dst, src);
	dst->have_samples |= src->have_samples;
	add_losses(&m, dst, src);
	add_health(&m, dst, src);
	ids_free(m.strings, intern_count(&src->strings));
	ids_free(m.frames, src->frames.n);
	ids_free(m.nodes, src->parent.n);
	ids_free(m.threads, src->threads.n);
}

static void first_string(struct prof *dst, u32 *to, const struct prof *src, u32 from)
{
	if (!*to && from)
		*to = string_in(dst, src, from);
}

void prof_merge_meta(struct prof *dst, const struct prof *src)
{
	struct prof_meta *d = &dst->meta;
	const struct prof_meta *s = &src->meta;
	bool *sat = &dst->acct.saturated, first = !d->start_ns && !d->end_ns && !d->ncpus;
	s64 shift_ns = 0;

	if (d->wall_offset_ns && s->wall_offset_ns)
		__builtin_sub_overflow(s->wall_offset_ns, d->wall_offset_ns, &shift_ns);
	first_string(dst, &d->hostname, src, s->hostname);
	first_string(dst, &d->os_release, src, s->os_release);
	first_string(dst, &d->arch, src, s->arch);
	first_string(dst, &d->cmdline, src, s->cmdline);
	first_string(dst, &d->event, src, s->event);
	first_string(dst, &d->cpu_model, src, s->cpu_model);
	first_string(dst, &d->version, src, s->version);
	if (s->start_ns)
		d->start_ns =
			d->start_ns ? MIN(d->start_ns, moved(s->start_ns, shift_ns)) : s->start_ns;
	if (s->end_ns)
		d->end_ns = MAX(d->end_ns, moved(s->end_ns, shift_ns));
	d->wall_offset_ns = d->wall_offset_ns ? d->wall_offset_ns : s->wall_offset_ns;
	d->freq_hz = d->freq_hz ? d->freq_hz : s->freq_hz;
	d->ncpus = MAX(d->ncpus, s->ncpus);
	d->idle_samples = sat_add(d->idle_samples, s->idle_samples, sat);
	d->cost_cpu_ns = sat_add(d->cost_cpu_ns, s->cost_cpu_ns, sat);
	if (s->cost_bpf_ns != UINT64_MAX)
		d->cost_bpf_ns = d->cost_bpf_ns == UINT64_MAX
					 ? s->cost_bpf_ns
					 : sat_add(d->cost_bpf_ns, s->cost_bpf_ns, sat);
	d->processes = sat_add(d->processes, s->processes, sat);
	d->complete_file = (first || d->complete_file) && s->complete_file;
}

void prof_merge(struct prof *dst, const struct prof *src)
{
	prof_merge_data(dst, src);
	prof_merge_meta(dst, src);
	if (!dst->format)
		dst->format = src->format;
}
