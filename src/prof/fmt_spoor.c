// SPDX-License-Identifier: Apache-2.0
/*
 * spoor: the recording file. Reads whole chunks as they come, so it works from a pipe. What is
 * damaged is skipped by looking for the next chunk's magic, and counted.
 */
#include "prof/spoor_int.h"

#include <zstd.h>

#define READ_BYTES (256u << 10)
#define DAMAGE_NAMED 16 /* places named one by one; more are summed up */

/* A window on the input: bytes [pos, n) of buf are unread; base is the file offset of buf[0]. */
struct window {
	struct in *in;
	char *buf;
	size_t pos, n, cap;
	u64 base;
	bool eof;
};

/* Where we are in a recording. Several may follow each other in one file. */
struct reading {
	struct window w;
	struct prof *p;	       /* all that was read so far */
	struct prof last;      /* only its meta counts: the newest of this recording */
	bool open, ended, any; /* a recording has begun; its last chunk was seen */
	u32 seq;
	u32 n_damaged;
	bool in_damage; /* looking for the next chunk; counted already */
	u64 crc_bytes;	/* how much was checksummed, also in vain */
};

/* Makes want bytes readable at pos. 0, 1 at the end of the input, -errno. */
static int want(struct window *w, size_t bytes)
{
	while (w->n - w->pos < bytes) {
		ssize_t k;

		if (w->eof)
			return 1;
		if (w->pos) {
			memmove(w->buf, w->buf + w->pos, w->n - w->pos);
			w->base += w->pos;
			w->n -= w->pos;
			w->pos = 0;
		}
		if (w->cap - w->n < READ_BYTES) {
			/* Grows with what really came, not with what a header promises. */
			size_t cap = MAX(w->cap * 2, w->n + READ_BYTES);

			w->buf = big_realloc(w->buf, w->cap, cap);
			w->cap = cap;
		}
		k = in_read(w->in, w->buf + w->n, w->cap - w->n);
		if (k < 0)
			return (int)k;
		w->n += (size_t)k;
		w->eof = !k;
	}
	return 0;
}

static u64 here(const struct window *w)
{
	return w->base + w->pos;
}

/* "damaged chunk at byte N"; events is what its header says was in it, at least 1. */
static void damaged(struct reading *r, u64 offset, u64 events)
{
	char text[64] = "more damaged chunks";

	if (r->n_damaged++ < DAMAGE_NAMED)
		snprintf(text, sizeof(text), "damaged chunk at byte %llu",
			 (unsigned long long)offset);
	prof_lose(r->p, text, false, MAX(events, (u64)1), 0);
}

/* From one past pos on to the next magic, or to the last bytes that may be the start of one. */
static void resync(struct reading *r)
{
	struct window *w = &r->w;
	const char *at;

	if (!r->in_damage)
		damaged(r, here(w), 1);
	r->in_damage = true;
	w->pos++;
	at = memmem(w->buf + w->pos, w->n - w->pos, SPOOR_MAGIC, SPOOR_MAGIC_BYTES);
	if (at)
		w->pos = (size_t)(at - w->buf);
	else if (w->n - w->pos >= SPOOR_MAGIC_BYTES)
		w->pos = w->n - (SPOOR_MAGIC_BYTES - 1);
}

static bool header_parse(struct spoor_header *h, const char *buf)
{
	struct rd r = {(const u8 *)buf + SPOOR_MAGIC_BYTES, (const u8 *)buf + SPOOR_HEADER_BYTES,
		       false};

	if (memcmp(buf, SPOOR_MAGIC, SPOOR_MAGIC_BYTES))
		return false;
	h->version = rd_u16(&r);
	h->type = rd_u8(&r);
	h->codec = rd_u8(&r);
	h->seq = rd_u32(&r);
	h->stored = rd_u32(&r);
	h->plain = rd_u32(&r);
	h->events = rd_u32(&r);
	h->payload_crc = rd_u32(&r);
	return rd_u32(&r) == crc32c(0, buf, SPOOR_HEADER_BYTES - 4) &&
	       h->stored <= SPOOR_STORED_MAX && h->plain <= SPOOR_PLAIN_MAX;
}

/* Grows with what comes out, so a lying length costs nothing. NULL when it is not what h says. */
static char *decompress(const struct spoor_header *h, const char *stored, size_t *cap)
{
	ZSTD_DStream *z = ZSTD_createDStream();
	ZSTD_inBuffer src = {stored, h->stored, 0};
	ZSTD_outBuffer dst = {NULL, 0, 0};
	size_t rc = 1;

	BUG_ON(!z);
	while (rc && dst.pos < (size_t)h->plain + 1) {
		size_t size = MIN(MAX(dst.size * 2, (size_t)64 << 10), (size_t)h->plain + 1);

		if (dst.pos == dst.size) {
			dst.dst = big_realloc(dst.dst, dst.size, size);
			dst.size = size;
		}
		rc = ZSTD_decompressStream(z, &dst, &src);
		if (ZSTD_isError(rc) || (rc && src.pos == src.size && dst.pos < dst.size))
			break;
	}
	ZSTD_freeDStream(z);
	*cap = dst.size;
	if (!rc && dst.pos == h->plain && src.pos == src.size)
		return dst.dst;
	big_free(dst.dst, dst.size);
	return NULL;
}

static void recording_end(struct reading *r)
{
	if (!r->open)
		return;
	r->last.meta.complete_file = r->ended;
	prof_merge_meta(r->p, &r->last);
	if (!r->ended)
		prof_lose(r->p, "recording was cut off", false, 0, 0);
	prof_done(&r->last);
	prof_init(&r->last);
	r->open = r->ended = false;
}

/* A gap in the numbers is a chunk of which nothing was found. Damage that was seen explains it. */
static void check_seq(struct reading *r, u32 seq)
{
	if (seq > r->seq + 1 && !r->n_damaged)
		prof_lose(r->p, "missing chunk", false, seq - r->seq - 1, 0);
	r->seq = seq;
}

static int payload(struct reading *r, const struct spoor_header *h, const char *stored)
{
	const char *plain = stored;
	struct prof part;
	char *own = NULL;
	size_t cap = 0;
	int rc = -EBADMSG;

	prof_init(&part);
	if (h->codec == SPOOR_ZSTD)
		plain = own = decompress(h, stored, &cap);
	else if (h->codec != SPOOR_PLAIN || h->plain != h->stored)
		plain = NULL;
	if (plain)
		rc = spoor_payload_read(&part, plain, h->plain);
	if (!rc) {
		prof_merge_data(r->p, &part);
		if (!r->p->meta.wall_offset_ns)
			r->p->meta.wall_offset_ns = part.meta.wall_offset_ns;
		prof_done(&r->last);
		prof_init(&r->last);
		prof_merge_meta(&r->last, &part);
	}
	big_free(own, cap);
	prof_done(&part);
	return rc;
}

/* A whole chunk with good checksums. */
static void chunk(struct reading *r, const struct spoor_header *h, const char *stored, u64 offset)
{
	if (h->version != SPOOR_FORMAT_VERSION || h->type < SPOOR_HEAD || h->type > SPOOR_END) {
		prof_lose(r->p, "chunk of a newer version of spoor", false, MAX(h->events, 1u), 0);
		return;
	}
	r->any = true;
	/* Numbers that begin again are another recording whose head was lost. */
	if (h->type == SPOOR_HEAD || r->ended || (r->open && h->seq <= r->seq)) {
		recording_end(r);
		r->seq = 0;
	}
	r->open = true;
	if (h->type == SPOOR_HEAD)
		return;
	check_seq(r, h->seq);
	if (payload(r, h, stored))
		damaged(r, offset, h->events);
	else
		r->ended = h->type == SPOOR_END;
}

/* 0 to go on, 1 at the end of the input, -errno. */
static int next_chunk(struct reading *r)
{
	struct window *w = &r->w;
	struct spoor_header h;
	const char *stored;
	u64 offset;
	int rc = want(w, SPOOR_HEADER_BYTES);

	if (rc < 0 || (rc && w->pos == w->n))
		return rc;
	if (rc || !header_parse(&h, w->buf + w->pos)) {
		resync(r);
		return 0;
	}
	offset = here(w);
	rc = want(w, SPOOR_HEADER_BYTES + (size_t)h.stored);
	if (rc < 0)
		return rc;
	if (rc) { /* cut off; but what looks like a chunk in there may be one */
		damaged(r, offset, h.events);
		r->in_damage = true;
		w->pos += SPOOR_MAGIC_BYTES;
		return 0;
	}
	stored = w->buf + w->pos + SPOOR_HEADER_BYTES;
	r->crc_bytes += h.stored;
	r->in_damage = crc32c(0, stored, h.stored) != h.payload_crc;
	if (!r->in_damage) {
		chunk(r, &h, stored, offset);
	} else {
		damaged(r, offset, h.events);
		/*
		 * It may have been cut short and another chunk begin inside. Made-up headers could
		 * have the same bytes checksummed over and over, so there is a limit to that.
		 */
		if (r->crc_bytes < 4 * offset + SPOOR_STORED_MAX / 4) {
			w->pos += SPOOR_MAGIC_BYTES;
			return 0;
		}
	}
	w->pos += SPOOR_HEADER_BYTES + (size_t)h.stored;
	return 0;
}

static int spoor_read(struct in *in, struct prof *p)
{
	struct reading r = {.w.in = in, .p = p};
	int rc;

	prof_init(&r.last);
	do
		rc = next_chunk(&r);
	while (!rc);
	if (rc > 0)
		rc = 0;
	recording_end(&r);
	if (!rc && !r.any)
		rc = err(-EBADMSG, "%s: no whole chunk of a recording in it", in_name(in));
	prof_done(&r.last);
	big_free(r.w.buf, r.w.cap);
	return rc;
}

static int spoor_sniff(const char *head, size_t n)
{
	if (n >= SPOOR_MAGIC_BYTES && !memcmp(head, SPOOR_MAGIC, SPOOR_MAGIC_BYTES))
		return 100;
	return memmem(head, n, SPOOR_MAGIC, SPOOR_MAGIC_BYTES) ? 90 : 0;
}

static int spoor_write(struct out *out, const struct prof *p, const struct prof_write_opts *o)
{
	return spoor_write_whole(out, p);
}

const struct prof_format fmt_spoor = {
	.name = "spoor",
	.exts = "spoor",
	.help = "a recording made by spoor record",
	.sniff = spoor_sniff,
	.read = spoor_read,
	.write = spoor_write,
	.binary = true,
};
