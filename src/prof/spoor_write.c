// SPDX-License-Identifier: Apache-2.0
/* Writing the recording file: see docs/format.md and spoor_int.h. */
#include "prof/spoor_int.h"

#include <zstd.h>

#define FIELD(k, is_string, member)                                                                \
	{                                                                                          \
		k, is_string, offsetof(struct prof_meta, member),                                  \
			sizeof(((struct prof_meta *)0)->member)                                    \
	}

const struct spoor_meta_field spoor_meta_fields[] = {
	FIELD(META_HOSTNAME, true, hostname),
	FIELD(META_OS_RELEASE, true, os_release),
	FIELD(META_ARCH, true, arch),
	FIELD(META_CMDLINE, true, cmdline),
	FIELD(META_EVENT, true, event),
	FIELD(META_CPU_MODEL, true, cpu_model),
	FIELD(META_VERSION, true, version),
	FIELD(META_START_NS, false, start_ns),
	FIELD(META_END_NS, false, end_ns),
	FIELD(META_WALL_OFFSET_NS, false, wall_offset_ns),
	FIELD(META_FREQ_HZ, false, freq_hz),
	FIELD(META_NCPUS, false, ncpus),
	FIELD(META_IDLE_SAMPLES, false, idle_samples),
	FIELD(META_COST_CPU_NS, false, cost_cpu_ns),
	FIELD(META_COST_BPF_NS, false, cost_bpf_ns),
	FIELD(META_PROCESSES, false, processes),
	{0},
};

static void put_string(const struct prof *p, u32 id, struct buf *b)
{
	size_t n = intern_len(&p->strings, id);

	buf_uvarint(b, n);
	buf_add(b, prof_str(p, id), n);
}

static void meta_number(const struct spoor_meta_field *f, u64 v, struct buf *b)
{
	struct buf num = {0};

	if (f->key == META_WALL_OFFSET_NS)
		buf_svarint(&num, (s64)v);
	else
		buf_uvarint(&num, v);
	buf_uvarint(b, f->key);
	buf_uvarint(b, num.n);
	buf_add(b, num.p, num.n);
	buf_done(&num);
}

static void put_meta(const struct prof *p, struct buf *b)
{
	for (const struct spoor_meta_field *f = spoor_meta_fields; f->key; f++) {
		const char *at = (const char *)&p->meta + f->off;
		u64 v = 0;

		if (f->bytes == 4)
			v = *(const u32 *)at;
		else
			memcpy(&v, at, sizeof(v));
		if (f->key == META_COST_BPF_NS && v == UINT64_MAX)
			continue;
		if (f->string && v) {
			buf_uvarint(b, f->key);
			put_string(p, (u32)v, b);
		} else if (!f->string && (v || f->key == META_COST_BPF_NS)) {
			meta_number(f, v, b);
		}
	}
}

static void put_strings(const struct prof *p, struct buf *b)
{
	u32 n = intern_count(&p->strings);

	buf_uvarint(b, n - 1);
	for (u32 i = 1; i < n; i++)
		put_string(p, i, b);
}

static void put_frames(const struct prof *p, struct buf *b)
{
	buf_uvarint(b, p->frames.n - 1);
	for (size_t i = 1; i < p->frames.n; i++) {
		const struct prof_frame *f = &p->frames.v[i];

		buf_uvarint(b, f->name);
		buf_uvarint(b, f->module);
		buf_uvarint(b, f->offset);
		buf_addc(b, (char)f->kind);
		buf_addc(b, (char)f->flags);
	}
}

static void put_nodes(const struct prof *p, struct buf *b)
{
	buf_uvarint(b, p->parent.n - 1);
	for (size_t i = 1; i < p->parent.n; i++) {
		buf_uvarint(b, i - p->parent.v[i]);
		buf_uvarint(b, p->frame.v[i]);
	}
}

static void put_column(const struct prof *p, u32 c, struct buf *b)
{
	size_t n = 0, last = 0;

	for (size_t i = 0; i < p->self[c].n; i++)
		n += p->self[c].v[i] != 0;
	buf_uvarint(b, n);
	for (size_t i = 0; i < p->self[c].n; i++) {
		if (!p->self[c].v[i])
			continue;
		buf_uvarint(b, i - last);
		buf_uvarint(b, p->self[c].v[i]);
		last = i;
	}
}

static void put_values(const struct prof *p, struct buf *b)
{
	buf_uvarint(b, p->nvalues);
	for (u32 c = 0; c < p->nvalues; c++) {
		buf_uvarint(b, p->values[c].name);
		buf_uvarint(b, p->values[c].unit);
		buf_uvarint(b, p->values[c].scale);
		put_column(p, c, b);
	}
}

static void put_threads(const struct prof *p, struct buf *b)
{
	buf_uvarint(b, p->threads.n);
	for (size_t i = 0; i < p->threads.n; i++) {
		const struct prof_thread *t = &p->threads.v[i];

		buf_uvarint(b, t->pid);
		buf_uvarint(b, t->tid);
		buf_uvarint(b, t->comm);
	}
}

/* Column by column: numbers of a kind side by side compress best. */
static void put_samples(const struct prof *p, struct buf *b)
{
	const struct prof_sample *s = p->samples.v, *end, *i;
	u64 last_ns = 0;

	buf_uvarint(b, p->samples.n);
	if (!p->samples.n)
		return;
	end = s + p->samples.n;
	for (i = s; i < end; i++) {
		buf_svarint(b, (s64)(i->time_ns - last_ns));
		last_ns = i->time_ns;
	}
	for (i = s; i < end; i++)
		buf_uvarint(b, i->node);
	for (i = s; i < end; i++)
		buf_uvarint(b, i->thread);
	for (i = s; i < end; i++)
		buf_uvarint(b, (u16)(i->cpu + 1));
	for (i = s; i < end; i++)
		buf_uvarint(b, (u32)i->flags << 2 | i->value);
	for (i = s; i < end; i++) {
		if (i->value)
			buf_uvarint(b, i->weight);
	}
}

static void put_losses(const struct prof *p, struct buf *b)
{
	buf_uvarint(b, p->losses.n);
	for (size_t i = 0; i < p->losses.n; i++) {
		const struct prof_loss *l = &p->losses.v[i];

		buf_uvarint(b, l->reason);
		buf_addc(b, l->dropped);
		buf_uvarint(b, l->events);
		buf_uvarint(b, l->weight);
	}
}

static void put_notes(const struct prof *p, struct buf *b)
{
	buf_uvarint(b, p->notes.n);
	for (size_t i = 0; i < p->notes.n; i++) {
		buf_uvarint(b, p->notes.v[i].reason);
		buf_uvarint(b, p->notes.v[i].events);
	}
}

static void put_health(const struct prof *p, struct buf *b)
{
	buf_uvarint(b, p->health.n);
	for (size_t i = 0; i < p->health.n; i++) {
		const struct prof_health *h = &p->health.v[i];

		buf_uvarint(b, h->module);
		buf_uvarint(b, h->hint);
		buf_uvarint(b, h->stacks);
		buf_uvarint(b, h->complete);
	}
}

static void put_acct(const struct prof *p, struct buf *b)
{
	buf_addc(b, p->acct.saturated);
	buf_addc(b, p->have_samples);
}

void spoor_payload_write(const struct prof *p, struct buf *out)
{
	static const struct {
		enum spoor_section tag;
		void (*put)(const struct prof *p, struct buf *b);
	} sections[] = {
		{SECTION_META, put_meta},	{SECTION_STRINGS, put_strings},
		{SECTION_FRAMES, put_frames},	{SECTION_NODES, put_nodes},
		{SECTION_VALUES, put_values},	{SECTION_THREADS, put_threads},
		{SECTION_SAMPLES, put_samples}, {SECTION_LOSSES, put_losses},
		{SECTION_NOTES, put_notes},	{SECTION_HEALTH, put_health},
		{SECTION_ACCT, put_acct},
	};
	struct buf body = {0};

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		buf_reset(&body);
		sections[i].put(p, &body);
		buf_addc(out, (char)sections[i].tag);
		buf_uvarint(out, body.n);
		buf_add(out, buf_str(&body), body.n);
	}
	buf_done(&body);
}

/* ---- chunks ---------------------------------------------------------------------------------- */

static void put_le(u8 *p, u64 v, int bytes)
{
	while (bytes--) {
		*p++ = (u8)v;
		v >>= 8;
	}
}

static void write_chunk(struct out *out, const struct spoor_header *h, const void *stored)
{
	u8 b[SPOOR_HEADER_BYTES];

	memcpy(b, SPOOR_MAGIC, SPOOR_MAGIC_BYTES);
	put_le(b + 8, SPOOR_FORMAT_VERSION, 2);
	b[10] = h->type;
	b[11] = h->codec;
	put_le(b + 12, h->seq, 4);
	put_le(b + 16, h->stored, 4);
	put_le(b + 20, h->plain, 4);
	put_le(b + 24, h->events, 4);
	put_le(b + 28, crc32c(0, stored, h->stored), 4);
	put_le(b + 32, crc32c(0, b, 32), 4);
	out_write(out, b, sizeof(b));
	out_write(out, stored, h->stored);
}

static u32 events_of(const struct prof *p)
{
	u64 n = p->have_samples ? p->samples.n : prof_sum(p, 0) / p->values[0].scale;

	return (u32)MIN(n, (u64)UINT32_MAX);
}

static int write_prof(struct out *out, const struct prof *p, enum spoor_type type, u32 seq)
{
	struct spoor_header h = {.type = (u8)type, .codec = SPOOR_ZSTD, .seq = seq};
	struct buf plain = {0};
	char *stored = NULL;
	size_t bound, n;
	int rc = 0;

	spoor_payload_write(p, &plain);
	bound = ZSTD_compressBound(plain.n);
	if (plain.n > SPOOR_PLAIN_MAX || bound > SPOOR_STORED_MAX) {
		rc = err(-EFBIG, "the profile is too large for a recording file");
		goto out;
	}
	stored = big_realloc(NULL, 0, bound);
	n = ZSTD_compress(stored, bound, plain.p, plain.n, plain.n > (8u << 20) ? 1 : 3);
	BUG_ON(ZSTD_isError(n));
	h.stored = (u32)n;
	h.plain = (u32)plain.n;
	h.events = events_of(p);
	write_chunk(out, &h, stored);
	rc = out_flush(out);
	big_free(stored, bound);
out:
	buf_done(&plain);
	return rc;
}

int spoor_begin(struct out *out)
{
	static const char text[] =
		"A recording of spoor " SPOOR_VERSION ". `spoor info FILE` says what is in it.\n";
	struct spoor_header h = {.type = SPOOR_HEAD,
				 .codec = SPOOR_PLAIN,
				 .stored = sizeof(text) - 1,
				 .plain = sizeof(text) - 1};

	write_chunk(out, &h, text);
	return out_flush(out);
}

int spoor_chunk(struct out *out, struct prof *p)
{
	return write_prof(out, p, SPOOR_DATA, ++p->n_chunks);
}

int spoor_end(struct out *out, struct prof *p)
{
	return write_prof(out, p, SPOOR_END, ++p->n_chunks);
}

int spoor_write_whole(struct out *out, const struct prof *p)
{
	int rc = spoor_begin(out);

	return rc ? rc : write_prof(out, p, SPOOR_END, 1);
}
