// SPDX-License-Identifier: Apache-2.0
/*
 * A chunk's payload into a profile. The bytes may be anyone's: every id is checked against what
 * came before it, and a count can never be larger than the bytes that are left, so that memory is
 * bounded by the size of the payload.
 */
#include "prof/spoor_int.h"

struct parse {
	struct rd r; /* the section being read */
	struct prof *p;
	VEC(u32) strings; /* the file's id -> p's */
};

static u64 count(struct parse *c, size_t min_bytes)
{
	u64 n = rd_uvarint(&c->r);

	if (n > (size_t)(c->r.end - c->r.p) / min_bytes)
		c->r.bad = true;
	return c->r.bad ? 0 : n;
}

static u64 below(struct parse *c, u64 limit)
{
	u64 v = rd_uvarint(&c->r);

	if (v >= limit)
		c->r.bad = true;
	return c->r.bad ? 0 : v;
}

static u32 string(struct parse *c)
{
	u64 i = below(c, c->strings.n);

	return c->r.bad ? 0 : c->strings.v[i];
}

static void get_strings(struct parse *c)
{
	u64 n = count(c, 1);

	for (u64 i = 0; i < n && !c->r.bad; i++) {
		u64 len = rd_uvarint(&c->r);
		const char *s = rd_bytes(&c->r, len);

		if (s)
			vec_push(&c->strings, prof_string(c->p, s, len));
	}
}

static void meta_field(struct parse *c, const struct spoor_meta_field *f, const char *s, size_t n)
{
	struct rd num = {(const u8 *)s, (const u8 *)s + n, false};
	char *to = (char *)&c->p->meta + f->off;
	u64 v;

	if (f->string)
		v = prof_string(c->p, s, n);
	else if (f->key == META_WALL_OFFSET_NS)
		v = (u64)rd_svarint(&num);
	else
		v = rd_uvarint(&num);
	if (num.bad || (f->bytes == 4 && v > UINT32_MAX))
		c->r.bad = true;
	else if (f->bytes == 4)
		*(u32 *)to = (u32)v;
	else
		memcpy(to, &v, sizeof(v));
}

static void get_meta(struct parse *c)
{
	while (c->r.p < c->r.end && !c->r.bad) {
		u64 key = rd_uvarint(&c->r), len = rd_uvarint(&c->r);
		const char *s = rd_bytes(&c->r, len);
		const struct spoor_meta_field *f;

		for (f = spoor_meta_fields; f->key && f->key != key; f++)
			;
		if (s && f->key)
			meta_field(c, f, s, len);
	}
}

static void get_frames(struct parse *c)
{
	u64 n = count(c, 5);

	vec_reserve(&c->p->frames, n + 1);
	for (u64 i = 0; i < n && !c->r.bad; i++) {
		struct prof_frame f = {.name = string(c)};

		f.module = string(c);
		f.offset = rd_uvarint(&c->r);
		f.kind = rd_u8(&c->r);
		f.flags = rd_u8(&c->r);
		if (f.kind >= FRAME_KINDS) /* from a later version */
			f.kind = FRAME_USER;
		vec_push(&c->p->frames, f);
	}
}

static void get_nodes(struct parse *c)
{
	struct prof *p = c->p;
	u64 n = count(c, 2);

	vec_reserve(&p->parent, n + 1);
	vec_reserve(&p->frame, n + 1);
	for (u64 i = 1; i <= n && !c->r.bad; i++) {
		u64 up = rd_uvarint(&c->r), frame = below(c, p->frames.n);

		if (up < 1 || up > i)
			c->r.bad = true;
		vec_push(&p->parent, (u32)(i - up));
		vec_push(&p->frame, (u32)frame);
	}
}

static void get_column(struct parse *c, u32 column)
{
	struct prof *p = c->p;
	size_t nodes = p->parent.n;
	u64 n = count(c, 2), node = 0;

	vec_reserve(&p->self[column], nodes);
	memset(p->self[column].v, 0, nodes * sizeof(u64));
	p->self[column].n = nodes;
	for (u64 i = 0; i < n && !c->r.bad; i++) {
		u64 step = below(c, nodes - node), w = rd_uvarint(&c->r);

		if (c->r.bad || (i && !step)) {
			c->r.bad = true;
			return;
		}
		node += step;
		p->self[column].v[node] = w;
	}
}

static void get_values(struct parse *c)
{
	struct prof *p = c->p;
	u64 n = count(c, 4);

	if (n < 1 || n > PROF_VALUES)
		c->r.bad = true;
	for (u32 i = 0; i < n && !c->r.bad; i++) {
		struct prof_value *v = &p->values[i];

		v->name = string(c);
		v->unit = string(c);
		v->scale = rd_uvarint(&c->r);
		if (v->scale != 1 && v->scale != SCALE_FRACTION)
			c->r.bad = true;
		get_column(c, i);
		p->nvalues = i + 1;
	}
}

static void get_threads(struct parse *c)
{
	u64 n = count(c, 3);

	vec_reserve(&c->p->threads, n);
	for (u64 i = 0; i < n && !c->r.bad; i++) {
		struct prof_thread t = {.pid = (u32)below(c, 1ull << 32)};

		t.tid = (u32)below(c, 1ull << 32);
		t.comm = string(c);
		vec_push(&c->p->threads, t);
	}
}

static void get_samples(struct parse *c)
{
	struct prof *p = c->p;
	u64 n = count(c, 5), time_ns = 0, kind;
	struct prof_sample *s;

	if (n && !p->threads.n)
		c->r.bad = true;
	if (c->r.bad || !n)
		return;
	vec_reserve(&p->samples, n);
	memset(p->samples.v, 0, n * sizeof(*s));
	p->samples.n = n;
	s = p->samples.v;
	for (u64 i = 0; i < n; i++) {
		time_ns += (u64)rd_svarint(&c->r);
		s[i].time_ns = time_ns;
	}
	for (u64 i = 0; i < n; i++)
		s[i].node = (u32)below(c, p->parent.n);
	for (u64 i = 0; i < n; i++)
		s[i].thread = (u32)below(c, p->threads.n);
	for (u64 i = 0; i < n; i++)
		s[i].cpu = (u16)(below(c, 1u << 16) - 1);
	for (u64 i = 0; i < n; i++) {
		kind = below(c, 1u << 10);
		s[i].flags = (u8)(kind >> 2);
		s[i].value = (u8)(kind & 3);
		if (s[i].value >= p->nvalues)
			c->r.bad = true;
	}
	for (u64 i = 0; i < n; i++) {
		if (s[i].value)
			s[i].weight = rd_uvarint(&c->r);
	}
}

static void get_losses(struct parse *c)
{
	u64 n = count(c, 4);

	for (u64 i = 0; i < n && !c->r.bad; i++) {
		struct prof_loss l = {.reason = string(c)};

		l.dropped = rd_u8(&c->r);
		l.events = rd_uvarint(&c->r);
		l.weight = rd_uvarint(&c->r);
		vec_push(&c->p->losses, l);
	}
}

static void get_notes(struct parse *c)
{
	u64 n = count(c, 2);

	for (u64 i = 0; i < n && !c->r.bad; i++) {
		struct prof_loss l = {.reason = string(c)};

		l.events = rd_uvarint(&c->r);
		vec_push(&c->p->notes, l);
	}
}

static void get_health(struct parse *c)
{
	u64 n = count(c, 4);

	for (u64 i = 0; i < n && !c->r.bad; i++) {
		struct prof_health h = {.module = string(c)};

		h.hint = string(c);
		h.stacks = rd_uvarint(&c->r);
		h.complete = rd_uvarint(&c->r);
		vec_push(&c->p->health, h);
	}
}

static void get_acct(struct parse *c)
{
	c->p->acct.saturated = rd_u8(&c->r);
	c->p->have_samples = rd_u8(&c->r);
}

static void section(struct parse *c, u8 tag)
{
	static void (*const get[])(struct parse * c) = {
		[SECTION_META] = get_meta,	 [SECTION_STRINGS] = get_strings,
		[SECTION_FRAMES] = get_frames,	 [SECTION_NODES] = get_nodes,
		[SECTION_VALUES] = get_values,	 [SECTION_THREADS] = get_threads,
		[SECTION_SAMPLES] = get_samples, [SECTION_LOSSES] = get_losses,
		[SECTION_NOTES] = get_notes,	 [SECTION_HEALTH] = get_health,
		[SECTION_ACCT] = get_acct,
	};

	if (tag < ARRAY_SIZE(get) && get[tag])
		get[tag](c);
}

/* in = sum + dropped holds because it is made so; the file does not say what in was. */
static void balance(struct prof *p)
{
	bool *sat = &p->acct.saturated;

	for (size_t i = 0; i < p->losses.n; i++) {
		if (p->losses.v[i].dropped)
			p->acct.dropped = sat_add(p->acct.dropped, p->losses.v[i].weight, sat);
	}
	p->acct.in = sat_add(prof_sum(p, 0), p->acct.dropped, sat);
	for (u32 c = 0; c < p->nvalues; c++) {
		size_t n = p->self[c].n;

		if (n >= p->parent.n)
			continue;
		vec_reserve(&p->self[c], p->parent.n);
		memset(p->self[c].v + n, 0, (p->parent.n - n) * sizeof(u64));
		p->self[c].n = p->parent.n;
	}
}

int spoor_payload_read(struct prof *p, const void *payload, size_t n)
{
	struct rd r = {payload, (const u8 *)payload + n, false};
	struct parse c = {.p = p};
	u32 seen = 0;

	vec_push(&c.strings, 0);
	while (r.p < r.end && !r.bad && !c.r.bad) {
		u8 tag = rd_u8(&r);
		u64 len = rd_uvarint(&r);
		const u8 *body = rd_bytes(&r, len);

		/* Each at most once; in order, because ids refer to what came before. */
		if (!body || (tag < 32 && seen >> tag)) {
			r.bad = true;
			break;
		}
		if (tag < 32)
			seen |= 1u << tag;
		c.r = (struct rd){body, body + len, false};
		section(&c, tag);
	}
	vec_done(&c.strings);
	if (r.bad || c.r.bad)
		return -EBADMSG;
	balance(p);
	return 0;
}
