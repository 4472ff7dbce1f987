// SPDX-License-Identifier: Apache-2.0
/* The model of a profile: see prof.h for what it is and prof_int.h for how things are found. */
#include "prof/prof_int.h"

#define SLOTS_MIN 64

const char *frame_kind_name(enum frame_kind k)
{
	static const char *const names[FRAME_KINDS] = {
		[FRAME_USER] = "user", [FRAME_KERNEL] = "kernel",   [FRAME_COMM] = "comm",
		[FRAME_JIT] = "jit",   [FRAME_INLINED] = "inlined", [FRAME_VDSO] = "vdso",
		[FRAME_BPF] = "bpf",   [FRAME_MARK] = "mark",
	};

	return k < FRAME_KINDS ? names[k] : "unknown";
}

/* ---- tables ---------------------------------------------------------------------------------- */

static inline size_t slot_home(const struct slots *s, u64 hash)
{
	return (size_t)((hash >> 32) * s->cap >> 32);
}

static inline size_t slot_next(const struct slots *s, size_t i)
{
	return i + 1 < s->cap ? i + 1 : 0;
}

/* Room for want entries at a load of 0.75. The old table goes first: it can be made again. */
static void slots_alloc(struct slots *s, size_t want)
{
	size_t cap = MAX(want + want / 3 + 1, (size_t)SLOTS_MIN);

	big_free(s->v, s->cap * sizeof(*s->v));
	s->v = big_realloc(NULL, 0, cap * sizeof(*s->v));
	memset(s->v, 0, cap * sizeof(*s->v));
	s->cap = cap;
	s->n = 0;
}

static void slots_done(struct slots *s)
{
	big_free(s->v, s->cap * sizeof(*s->v));
	*s = (struct slots){0};
}

static inline bool slots_full(const struct slots *s)
{
	return (s->n + 1) * 4 > s->cap * 3;
}

static void slots_put(struct slots *s, u64 hash, u32 id)
{
	size_t i = slot_home(s, hash);

	while (s->v[i])
		i = slot_next(s, i);
	s->v[i] = id + 1;
	s->n++;
}

static inline u64 node_hash(u32 parent, u32 frame)
{
	return hash_u64((u64)parent << 32 | frame);
}

static u64 frame_hash(const struct prof_frame *f)
{
	u64 h = hash_u64((u64)f->name << 32 | f->module);

	return hash_u64(h ^ f->offset ^ (u64)f->kind << 56 ^ (u64)f->flags << 48);
}

static bool frame_eq(const struct prof_frame *a, const struct prof_frame *b)
{
	return a->name == b->name && a->module == b->module && a->offset == b->offset &&
	       a->kind == b->kind && a->flags == b->flags;
}

static u64 thread_hash(u32 pid, u32 tid, u32 comm)
{
	return hash_u64(hash_u64((u64)pid << 32 | tid) + comm);
}

static void nodes_rebuild(struct prof *p, size_t want)
{
	struct slots *s = &p->index->nodes;

	slots_alloc(s, want);
	for (u32 i = 1; i < p->parent.n; i++) {
		if (p->parent.v[i] != i - 1)
			slots_put(s, node_hash(p->parent.v[i], p->frame.v[i]), i);
	}
}

static void frames_rebuild(struct prof *p, size_t want)
{
	struct slots *s = &p->index->frames;

	slots_alloc(s, want);
	for (u32 i = 0; i < p->frames.n; i++)
		slots_put(s, frame_hash(&p->frames.v[i]), i);
}

static void threads_rebuild(struct prof *p, size_t want)
{
	struct slots *s = &p->index->threads;

	slots_alloc(s, want);
	for (u32 i = 0; i < p->threads.n; i++) {
		const struct prof_thread *t = &p->threads.v[i];

		slots_put(s, thread_hash(t->pid, t->tid, t->comm), i);
	}
}

struct prof_index *prof_index_get(struct prof *p)
{
	size_t branches = 0;

	if (p->index)
		return p->index;
	p->index = xcalloc(1, sizeof(*p->index));
	for (u32 i = 1; i < p->parent.n; i++)
		branches += p->parent.v[i] != i - 1;
	nodes_rebuild(p, branches);
	frames_rebuild(p, p->frames.n);
	threads_rebuild(p, p->threads.n);
	return p->index;
}

void prof_index_drop(struct prof *p)
{
	if (!p->index)
		return;
	slots_done(&p->index->nodes);
	slots_done(&p->index->frames);
	slots_done(&p->index->threads);
	free(p->index);
	p->index = NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void add_root(struct prof *p)
{
	vec_push(&p->frames, (struct prof_frame){.kind = FRAME_MARK});
	vec_push(&p->parent, 0);
	vec_push(&p->frame, 0);
	for (u32 c = 0; c < p->nvalues; c++)
		vec_push(&p->self[c], 0);
}

void prof_init(struct prof *p)
{
	*p = (struct prof){.nvalues = 1};
	p->values[0] = (struct prof_value){intern_adds(&p->strings, "samples"),
					   intern_adds(&p->strings, "count"), 1};
	p->meta.cost_bpf_ns = UINT64_MAX;
	add_root(p);
}

void prof_done(struct prof *p)
{
	prof_index_drop(p);
	intern_done(&p->strings);
	vec_done(&p->frames);
	vec_done(&p->parent);
	vec_done(&p->frame);
	for (u32 c = 0; c < PROF_VALUES; c++)
		vec_done(&p->self[c]);
	vec_done(&p->samples);
	vec_done(&p->threads);
	vec_done(&p->losses);
	vec_done(&p->notes);
	vec_done(&p->health);
	*p = (struct prof){0};
}

static void keep_string(struct buf *b, const struct prof *p, u32 id)
{
	buf_add(b, prof_str(p, id), intern_len(&p->strings, id));
	buf_addc(b, '\0');
}

/* The strings that outlive a reset: those of meta, then those of the columns. */
static size_t kept_strings(struct prof *p, u32 **at)
{
	struct prof_meta *m = &p->meta;
	u32 *meta[] = {&m->hostname, &m->os_release, &m->arch,	 &m->cmdline,
		       &m->event,    &m->cpu_model,  &m->version};
	size_t n = ARRAY_SIZE(meta);

	memcpy(at, meta, sizeof(meta));
	for (u32 c = 0; c < p->nvalues; c++) {
		at[n++] = &p->values[c].name;
		at[n++] = &p->values[c].unit;
	}
	return n;
}

void prof_reset(struct prof *p)
{
	u32 *at[7 + 2 * PROF_VALUES];
	size_t n = kept_strings(p, at);
	struct buf text = {0};
	const char *s;

	for (size_t i = 0; i < n; i++)
		keep_string(&text, p, *at[i]);
	p->strings.bytes.n = p->strings.offs.n = 0;
	if (p->strings.slots)
		memset(p->strings.slots, 0, p->strings.nslots * sizeof(*p->strings.slots));
	s = text.p;
	for (size_t i = 0; i < n; i++, s += strlen(s) + 1)
		*at[i] = intern_adds(&p->strings, s);
	buf_done(&text);
	p->frames.n = p->parent.n = p->frame.n = 0;
	for (u32 c = 0; c < p->nvalues; c++)
		p->self[c].n = 0;
	p->samples.n = p->threads.n = p->losses.n = p->notes.n = p->health.n = 0;
	p->have_samples = false;
	p->acct.in = p->acct.dropped = 0;
	p->acct.saturated = false;
	prof_index_drop(p);
	add_root(p);
}

/* ---- building -------------------------------------------------------------------------------- */

u32 prof_string(struct prof *p, const char *s, size_t n)
{
	return intern_add(&p->strings, s, n);
}

const char *prof_str(const struct prof *p, u32 string)
{
	return intern_str(&p->strings, string);
}

u32 prof_frame_id(struct prof *p, const struct prof_frame *f)
{
	struct slots *s = &prof_index_get(p)->frames;
	u64 hash = frame_hash(f);
	u32 id;

	for (size_t i = slot_home(s, hash); s->v[i]; i = slot_next(s, i)) {
		id = s->v[i] - 1;
		if (frame_eq(&p->frames.v[id], f))
			return id;
	}
	BUG_ON(p->frames.n >= UINT32_MAX - 1);
	id = (u32)p->frames.n;
	if (slots_full(s))
		frames_rebuild(p, s->cap + s->cap / 4);
	vec_push(&p->frames, *f);
	slots_put(s, hash, id);
	return id;
}

u32 prof_value_id(struct prof *p, const char *name, const char *unit)
{
	u32 n = intern_adds(&p->strings, name), u = intern_adds(&p->strings, unit), c;

	for (c = 0; c < p->nvalues; c++) {
		if (p->values[c].name == n && p->values[c].unit == u)
			return c;
	}
	if (c == PROF_VALUES)
		return 0;
	p->values[c] = (struct prof_value){n, u, 1};
	vec_reserve(&p->self[c], p->parent.n);
	memset(p->self[c].v, 0, p->parent.n * sizeof(u64));
	p->self[c].n = p->parent.n;
	p->nvalues++;
	return c;
}

u32 prof_thread_id(struct prof *p, u32 pid, u32 tid, u32 comm_string)
{
	struct slots *s = &prof_index_get(p)->threads;
	u64 hash = thread_hash(pid, tid, comm_string);
	u32 id;

	for (size_t i = slot_home(s, hash); s->v[i]; i = slot_next(s, i)) {
		const struct prof_thread *t = &p->threads.v[s->v[i] - 1];

		if (t->pid == pid && t->tid == tid && t->comm == comm_string)
			return s->v[i] - 1;
	}
	BUG_ON(p->threads.n >= UINT32_MAX - 1);
	id = (u32)p->threads.n;
	if (slots_full(s))
		threads_rebuild(p, s->cap + s->cap / 4);
	vec_push(&p->threads, (struct prof_thread){pid, tid, comm_string});
	slots_put(s, hash, id);
	return id;
}

static u32 node_add(struct prof *p, u32 parent, u32 frame)
{
	u32 id = (u32)p->parent.n;

	BUG_ON(p->parent.n >= UINT32_MAX - 1);
	vec_push(&p->parent, parent);
	vec_push(&p->frame, frame);
	vec_push(&p->self[0], 0);
	for (u32 c = 1; c < p->nvalues; c++)
		vec_push(&p->self[c], 0);
	if (parent != id - 1) {
		struct slots *s = &p->index->nodes;

		if (slots_full(s))
			nodes_rebuild(p, s->cap + s->cap / 4);
		else
			slots_put(s, node_hash(parent, frame), id);
	}
	return id;
}

u32 prof_node(struct prof *p, u32 parent, u32 frame)
{
	const struct slots *s;
	size_t next = (size_t)parent + 1;

	if (next < p->parent.n) {
		if (p->parent.v[next] == parent && p->frame.v[next] == frame)
			return (u32)next;
	} else {
		BUG_ON(next > p->parent.n);
		return node_add(p, parent, frame); /* the newest node has no children */
	}
	s = &prof_index_get(p)->nodes;
	for (size_t i = slot_home(s, node_hash(parent, frame)); s->v[i]; i = slot_next(s, i)) {
		u32 id = s->v[i] - 1;

		if (p->frame.v[id] == frame && p->parent.v[id] == parent)
			return id;
	}
	return node_add(p, parent, frame);
}

u32 prof_stack(struct prof *p, const u32 *frames, size_t n)
{
	u32 node = 0;

	for (size_t i = 0; i < n; i++)
		node = prof_node(p, node, frames[i]);
	return node;
}

void prof_add(struct prof *p, u32 node, u32 column, u64 weight)
{
	u64 *self = &p->self[column].v[node];
	u64 before = *self;

	*self = sat_add(before, weight, &p->acct.saturated);
	/* What did not fit is not counted as come in either, so that the books balance. */
	if (column == 0)
		p->acct.in = sat_add(p->acct.in, *self - before, &p->acct.saturated);
}

void prof_sample_add(struct prof *p, const struct prof_sample *s)
{
	BUG_ON(s->node >= p->parent.n || s->value >= p->nvalues);
	prof_add(p, s->node, 0, p->values[0].scale);
	if (s->value)
		prof_add(p, s->node, s->value, s->weight);
	vec_push(&p->samples, *s);
	p->have_samples = true;
}

struct prof_loss *prof_loss_find(struct prof *p, bool note, const char *reason, bool dropped)
{
	u32 string = intern_adds(&p->strings, reason);
	struct prof_loss fresh = {.reason = string, .dropped = dropped};

	if (note) {
		for (size_t i = 0; i < p->notes.n; i++) {
			if (p->notes.v[i].reason == string)
				return &p->notes.v[i];
		}
		vec_push(&p->notes, fresh);
		return &p->notes.v[p->notes.n - 1];
	}
	for (size_t i = 0; i < p->losses.n; i++) {
		if (p->losses.v[i].reason == string && p->losses.v[i].dropped == dropped)
			return &p->losses.v[i];
	}
	vec_push(&p->losses, fresh);
	return &p->losses.v[p->losses.n - 1];
}

void prof_lose(struct prof *p, const char *reason, bool dropped, u64 events, u64 weight)
{
	struct prof_loss *l = prof_loss_find(p, false, reason, dropped);
	bool *sat = &p->acct.saturated;

	l->events = sat_add(l->events, events, sat);
	l->weight = sat_add(l->weight, weight, sat);
	if (dropped) {
		u64 before = p->acct.dropped;

		p->acct.dropped = sat_add(before, weight, sat);
		p->acct.in = sat_add(p->acct.in, p->acct.dropped - before, sat);
	}
}

void prof_note(struct prof *p, const char *what, u64 events)
{
	struct prof_loss *l = prof_loss_find(p, true, what, false);

	l->events = sat_add(l->events, events, &p->acct.saturated);
}

void prof_scale_raise(struct prof *p, u32 column, u64 scale)
{
	u64 by = scale / p->values[column].scale;
	bool *sat = &p->acct.saturated;

	if (by <= 1)
		return;
	p->values[column].scale = scale;
	for (u32 i = 0; i < p->self[column].n; i++)
		p->self[column].v[i] = sat_mul(p->self[column].v[i], by, sat);
	if (column) {
		for (size_t i = 0; i < p->samples.n; i++) {
			struct prof_sample *s = &p->samples.v[i];

			if (s->value == column)
				s->weight = sat_mul(s->weight, by, sat);
		}
		return;
	}
	for (size_t i = 0; i < p->losses.n; i++)
		p->losses.v[i].weight = sat_mul(p->losses.v[i].weight, by, sat);
	p->acct.dropped = sat_mul(p->acct.dropped, by, sat);
	p->acct.in = sat_add(prof_sum(p, 0), p->acct.dropped, sat);
}
