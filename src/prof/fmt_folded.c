// SPDX-License-Identifier: Apache-2.0
/*
 * folded: one stack a line, "comm;main;read 12", root first, as stackcollapse scripts write it.
 * Two numbers at the end of every line are a difference: before and after.
 */
#include "prof/folded_int.h"

#define NAME_WORD 8

/* Raw text of a frame -> frame id. The text itself is in the profile's strings. */
struct name_slot {
	u32 hash, frame;
	u32 off, len; /* of the name in strings.bytes; without the annotation */
};

struct folded {
	struct lines l;
	struct prof *p;
	struct {
		struct name_slot *v;
		size_t cap, n;
	} names;
	/* The line before: its text up to and with the last ';', and what was found in it. */
	const char *prev;
	size_t prev_n;
	VEC(u32) ends;	/* of each frame: where its ';' is */
	VEC(u32) nodes; /* of each frame */
	bool diff;	/* two counts a line */
	u32 before;	/* the column of the first one */
	u64 n_good;
};

/* ---- names ----------------------------------------------------------------------------------- */

static inline u64 mix(u64 h, u64 w)
{
	unsigned __int128 r =
		(unsigned __int128)(h ^ w ^ 0x9e3779b97f4a7c15ull) * 0xe7037ed1a0b428dbull;

	return (u64)r ^ (u64)(r >> 64);
}

/*
 * The place of the next ';' at or after s, and on the way the hash of what is before it. There is
 * one: the line ends with it. Reads up to 7 bytes further.
 */
static inline const char *name_end(const char *s, u64 *hash)
{
	const u64 ones = 0x0101010101010101ull, semi = ones * ';';
	u64 h = 0, w, x, hit;
	unsigned int k;

	for (;; s += NAME_WORD) {
		memcpy(&w, s, NAME_WORD);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		w = __builtin_bswap64(w);
#endif
		x = w ^ semi;
		hit = (x - ones) & ~x & ones << 7;
		if (hit)
			break;
		h = mix(h, w);
	}
	k = (unsigned int)__builtin_ctzll(hit) / 8;
	w = k ? w << (64 - 8 * k) : 0;
	*hash = mix(h, w ^ k);
	return s + k;
}

static bool annotated(const char *s, size_t n, u8 *kind)
{
	return n > 4 && s[n - 1] == ']' && s[n - 4] == '_' && s[n - 3] == '[' &&
	       annotation_kind(s[n - 2], kind);
}

static bool names_match(const struct folded *f, const struct name_slot *slot, const char *s,
			size_t n)
{
	return slot->len <= n && !memcmp(f->p->strings.bytes.v + slot->off, s, slot->len);
}

static void names_put(struct folded *f, struct name_slot slot)
{
	size_t i = slot.hash & (f->names.cap - 1);

	while (f->names.v[i].frame)
		i = (i + 1) & (f->names.cap - 1);
	f->names.v[i] = slot;
	f->names.n++;
}

static void names_grow(struct folded *f)
{
	struct name_slot *old = f->names.v;
	size_t n = f->names.cap;

	f->names.cap = n ? n * 2 : 1024;
	f->names.v = big_realloc(NULL, 0, f->names.cap * sizeof(*old));
	memset(f->names.v, 0, f->names.cap * sizeof(*old));
	f->names.n = 0;
	for (size_t i = 0; i < n; i++) {
		if (old[i].frame)
			names_put(f, old[i]);
	}
	big_free(old, n * sizeof(*old));
}

static bool is_mark(const char *s, size_t n)
{
	static const char *const marks[] = {"-", "--", "[no stack]", "[truncated]"};

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		if (n == strlen(marks[i]) && !memcmp(s, marks[i], n))
			return true;
	}
	return false;
}

static bool is_unknown(const char *s, size_t n)
{
	if (n < 2 || s[0] != '[' || s[n - 1] != ']')
		return false;
	return (n == 9 && !memcmp(s, "[unknown]", 9)) || memmem(s, n, "+0x", 3);
}

/* The frame for a text that is not in the table. */
static u32 name_new(struct folded *f, const char *s, size_t n, bool first, u32 hash)
{
	struct prof_frame fr = {.kind = first ? FRAME_COMM : FRAME_USER};
	bool marked = annotated(s, n, &fr.kind), clean = true;
	struct buf text = {0};
	size_t len = marked ? n - 4 : n;
	u64 bad;
	u32 id;

	if (!marked && is_mark(s, n))
		fr.kind = FRAME_MARK;
	if (!first && is_unknown(s, len))
		fr.flags = FRAME_UNKNOWN;
	bad = prof_text_clean(&text, s, len);
	if (bad) {
		prof_note(f->p, "bytes in names that are not printable UTF-8", bad);
		clean = false;
	}
	fr.name = bad ? prof_string(f->p, text.p, text.n) : prof_string(f->p, s, len);
	buf_done(&text);
	id = prof_frame_id(f->p, &fr);
	/* A repaired name is not what the text says; it is looked up the long way every time. */
	if (clean && len < UINT32_MAX) {
		if ((f->names.n + 1) * 2 > f->names.cap)
			names_grow(f);
		names_put(f, (struct name_slot){hash, id, f->p->strings.offs.v[fr.name], (u32)len});
	}
	return id;
}

static inline u32 name_frame(struct folded *f, const char *s, size_t n, bool first, u64 hash64)
{
	u32 hash = (u32)(hash64 >> 32) ^ (first ? 0x5bd1e995u : 0);
	size_t mask = f->names.cap - 1;

	for (size_t i = hash & mask; f->names.v[i].frame; i = (i + 1) & mask) {
		const struct name_slot *slot = &f->names.v[i];
		u8 kind = 0;

		if (slot->hash != hash || !names_match(f, slot, s, n))
			continue;
		/* The rest of the text, if any, has to be the annotation of that kind. */
		if (slot->len == n) {
			kind = f->p->frames.v[slot->frame].kind;
			if ((kind == FRAME_COMM) == first && !annotation_letter(kind))
				return slot->frame;
		} else if (slot->len + 4 == n && annotated(s, n, &kind) &&
			   f->p->frames.v[slot->frame].kind == kind) {
			return slot->frame;
		}
	}
	return name_new(f, s, n, first, hash);
}

/* ---- stacks ---------------------------------------------------------------------------------- */

/* How many bytes are equal from the start of both. */
static size_t common(const char *a, const char *b, size_t n)
{
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		u64 x, y;

		memcpy(&x, a + i, 8);
		memcpy(&y, b + i, 8);
		if (x != y)
			break;
	}
	while (i < n && a[i] == b[i])
		i++;
	return i;
}

/* The node of the stack in s[0..n); s[n] is writable and becomes ';'. */
static u32 stack_node(struct folded *f, char *s, size_t n)
{
	const char *at = s, *stop = s + n;
	size_t same = 0, k;
	u32 node = 0;

	*(char *)stop = ';';
	if (f->prev)
		same = common(f->prev, s, MIN(f->prev_n, n + 1));
	for (k = f->nodes.n; k && f->ends.v[k - 1] >= same; k--)
		;
	f->nodes.n = f->ends.n = k;
	if (k) {
		node = f->nodes.v[k - 1];
		at = s + f->ends.v[k - 1] + 1;
	}
	for (; at <= stop; k++) {
		u64 hash;
		const char *end = name_end(at, &hash);

		node = prof_node(f->p, node, name_frame(f, at, (size_t)(end - at), !k, hash));
		vec_push(&f->ends, (u32)(end - s));
		vec_push(&f->nodes, node);
		at = end + 1;
	}
	f->prev = s;
	f->prev_n = n + 1;
	return node;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static inline bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Cuts the last word off s[0..*n): returns where it starts, and *n without the blanks before. */
static size_t last_word(const char *s, size_t *n)
{
	size_t i = *n, start;

	while (i && !blank(s[i - 1]))
		i--;
	start = i;
	while (i && blank(s[i - 1]))
		i--;
	*n = i;
	return start;
}

static void drop(struct folded *f, const char *why, u64 weight)
{
	prof_lose(f->p, why, true, 1, weight);
}

/* value in the column's own fixed point. */
static u64 scaled(struct folded *f, u32 column, u64 value, u64 scale)
{
	prof_scale_raise(f->p, column, scale);
	return sat_mul(value, f->p->values[column].scale / scale, &f->p->acct.saturated);
}

/* The number at the end of s[0..*n), cut off; NULL, or why there is none. */
static const char *take_count(const char *s, size_t *n, u64 *value, u64 *scale)
{
	size_t end = *n, start = last_word(s, n);

	return count_parse(s + start, end - start, value, scale);
}

static void folded_line(struct folded *f, char *s, size_t n)
{
	u64 value[2] = {0}, scale[2] = {1, 1};
	const char *why;
	u32 node;

	while (n && blank(s[n - 1]))
		n--;
	if (!n)
		return;
	why = take_count(s, &n, &value[0], &scale[0]);
	if (!why && f->diff)
		why = take_count(s, &n, &value[1], &scale[1]);
	if (why) {
		drop(f, why, 0);
		return;
	}
	value[0] = scaled(f, 0, value[0], scale[0]);
	f->n_good++;
	if (!n) {
		drop(f, "no stack before the count", value[0]);
		return;
	}
	node = stack_node(f, s, n);
	prof_add(f->p, node, 0, value[0]);
	if (f->diff)
		prof_add(f->p, node, f->before, scaled(f, f->before, value[1], scale[1]));
}

/* How the lines of the head end: number of lines, and of those with one and with two counts. */
static void count_head(const char *s, size_t n, size_t tally[3])
{
	const char *end = s + n, *eol;

	tally[0] = tally[1] = tally[2] = 0;
	for (; s < end; s = eol + 1) {
		size_t len;
		u64 v, scale;

		eol = memchr(s, '\n', (size_t)(end - s));
		if (!eol && tally[0])
			break;
		eol = eol ? eol : end;
		len = (size_t)(eol - s);
		while (len && (blank(s[len - 1]) || s[len - 1] == '\r'))
			len--;
		if (!len)
			continue;
		tally[0]++;
		if (take_count(s, &len, &v, &scale) || !len)
			continue;
		tally[1]++;
		tally[2] += !take_count(s, &len, &v, &scale) && len;
	}
}

static void folded_begin(struct folded *f)
{
	size_t tally[3], n;
	const char *head;

	n = in_peek(f->l.in, &head);
	count_head(head, n, tally);
	f->diff = tally[1] && tally[2] == tally[1];
	if (f->diff) {
		f->before = prof_value_id(f->p, "before", "count");
		prof_note(f->p, "two counts a line: the last is shown, the first is value 'before'",
			  0);
	}
	names_grow(f);
}

static int folded_read(struct in *in, struct prof *p)
{
	struct folded f = {.l.in = in, .p = p};
	char *line;
	size_t n;
	int rc;

	folded_begin(&f);
	while ((rc = lines_next(&f.l, &line, &n)) > 0) {
		if (f.l.moved)
			f.prev = NULL;
		f.l.moved = false;
		if (!f.prev)
			f.nodes.n = f.ends.n = 0;
		folded_line(&f, line, n);
	}
	if (f.l.n_cut)
		prof_lose(p, "line longer than 64 MiB", true, f.l.n_cut, 0);
	if (!rc && !f.n_good)
		rc = err(-EBADMSG, "%s: no line of %llu has a stack and a count", in_name(in),
			 (unsigned long long)f.l.number);
	lines_done(&f.l);
	big_free(f.names.v, f.names.cap * sizeof(*f.names.v));
	vec_done(&f.ends);
	vec_done(&f.nodes);
	return rc;
}

static int folded_sniff(const char *head, size_t n)
{
	size_t tally[3];

	if (memchr(head, '\0', n))
		return 0;
	count_head(head, n, tally);
	if (!tally[1])
		return memchr(head, ';', n) ? 2 : 0;
	return tally[1] * 2 > tally[0] ? 50 : 10;
}

const struct prof_format fmt_folded = {
	.name = "folded",
	.exts = "folded|txt",
	.help = "one stack a line: comm;main;read 12",
	.sniff = folded_sniff,
	.read = folded_read,
	.write = folded_write,
	.cannot = "times, CPUs, threads, modules, losses",
};
