// SPDX-License-Identifier: Apache-2.0
/*
 * flame_data: the kept tree for the script. Text that no name can break out of: base64, in as many
 * elements as needed to stay under the 10 MB that XML readers allow for one text. Decoded:
 *
 *   uvarint n_names
 *   n_names x { u8 kind << 4 | shade, uvarint bytes shared with the name before, uvarint n,
 *               n bytes UTF-8 }                                           (sorted, so much is
 * shared) uvarint n_nodes n_nodes x { uvarint up << 2 | has_other << 1 | has_self, (preorder; depth
 * = depth of uvarint name,                                              the one before + 1 - up)
 *               [uvarint self], [uvarint other, uvarint n_other] }
 */
#include "view/flame_int.h"

#define CHUNK_BYTES (3u << 20)	   /* a multiple of 3, so that chunks join */
#define NAMES_MAX_BYTES (6u << 20) /* of all names together */
#define NAME_MIN_BYTES 24

/* How long a name may be so that all fit; names of a usual profile are far from any limit. */
static u32 name_cap(const struct flame_tree *t)
{
	u32 cap = 2048;

	for (;;) {
		u64 sum = 0;

		for (size_t i = 0; i < t->names.n; i++)
			sum += MIN(t->names.v[i].n, cap);
		if (sum <= NAMES_MAX_BYTES || cap <= NAME_MIN_BYTES)
			return cap;
		cap /= 2;
	}
}

static u32 cut_utf8(const char *s, u32 n, u32 cap)
{
	if (n <= cap)
		return n;
	while (cap && ((u8)s[cap] & 0xc0) == 0x80)
		cap--;
	return cap;
}

static void add_names(const struct flame_tree *t, struct buf *b)
{
	u32 cap = name_cap(t), prev_n = 0;
	const char *prev = "";

	buf_uvarint(b, t->names.n);
	for (size_t i = 0; i < t->names.n; i++) {
		const struct flame_name *name = &t->names.v[i];
		u32 n = cut_utf8(name->text, name->n, cap), same = 0;

		while (same < n && same < prev_n && name->text[same] == prev[same])
			same++;
		buf_addc(b, (char)(name->kind << 4 | name->shade));
		buf_uvarint(b, same);
		buf_uvarint(b, n - same);
		buf_add(b, name->text + same, n - same);
		prev = name->text;
		prev_n = n;
	}
}

static void add_nodes(const struct flame_tree *t, struct buf *b)
{
	u32 depth = 0;

	buf_uvarint(b, t->nodes.n);
	for (size_t i = 0; i < t->nodes.n; i++) {
		const struct flame_node *n = &t->nodes.v[i];
		u32 up = i ? depth + 1 - n->depth : 0;

		buf_uvarint(b, (u64)up << 2 | (u64)(n->n_other > 0) << 1 | (n->self > 0));
		buf_uvarint(b, n->name);
		if (n->self)
			buf_uvarint(b, n->self);
		if (n->n_other) {
			buf_uvarint(b, n->other);
			buf_uvarint(b, n->n_other);
		}
		depth = n->depth;
	}
}

static void write_base64(struct out *out, const u8 *p, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char line[4 * 1024 + 1];
	size_t at = 0;

	for (size_t i = 0; i < n; i += 3) {
		u32 v = (u32)p[i] << 16;

		v |= i + 1 < n ? (u32)p[i + 1] << 8 : 0;
		v |= i + 2 < n ? p[i + 2] : 0;
		line[at++] = digits[v >> 18];
		line[at++] = digits[v >> 12 & 63];
		line[at++] = i + 1 < n ? digits[v >> 6 & 63] : '=';
		line[at++] = i + 2 < n ? digits[v & 63] : '=';
		if (at == sizeof(line) - 1) {
			out_write(out, line, at);
			at = 0;
		}
	}
	out_write(out, line, at);
}

void flame_data_write(const struct flame_tree *t, struct out *out)
{
	struct buf b = {0};

	add_names(t, &b);
	add_nodes(t, &b);
	for (size_t i = 0; i < b.n; i += CHUNK_BYTES) {
		out_puts(out, "<metadata class=\"tree\">");
		write_base64(out, (const u8 *)b.p + i, MIN(b.n - i, (size_t)CHUNK_BYTES));
		out_puts(out, "</metadata>\n");
	}
	buf_done(&b);
}
