// SPDX-License-Identifier: Apache-2.0
/* Any tree, names and weights as a flame graph: the picture is well formed, the sums are right. */
#include <stdint.h>

#include "view/flame_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const tags[] = {
	"?xml ",     "svg ",	   "/svg>",   "!-- flame", "title>",   "/title>", "style>",
	"/style>",   "rect ",	   "/rect>",  "g id=\"",   "/g>",      "text ",	  "/text>",
	"metadata ", "/metadata>", "script>", "/script>",  "![CDATA[",
};

static bool is_one_of(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_starts(s, list[i]))
			return true;
	}
	return false;
}

/* Nothing in a picture but our own tags, entities and clean text. */
static void check_text(const char *s, size_t n)
{
	static const char *const entities[] = {"lt;", "gt;", "amp;", "quot;", "#39;"};
	const char *script = strstr(s, "<![CDATA["), *end = script ? script : s + n;

	BUG_ON(strlen(s) != n);
	for (const char *p = s; p < end; p++) {
		BUG_ON(*p == '<' && !is_one_of(p + 1, tags, ARRAY_SIZE(tags)));
		BUG_ON(*p == '&' && !is_one_of(p + 1, entities, ARRAY_SIZE(entities)));
		BUG_ON((u8)*p < 0x20 && *p != '\n' && *p != '\t');
		BUG_ON(!utf8_len(p, (size_t)(s + n - p)) && ((u8)*p & 0xc0) != 0x80);
	}
}

static void check_tree(const struct prof *p, const struct flame_opts *o)
{
	struct flame_tree t = {0};

	flame_tree_build(&t, p, o, 0);
	BUG_ON(t.nodes.n > o->max_nodes);
	for (u32 i = 0; i < t.nodes.n; i++) {
		const struct flame_node *node = &t.nodes.v[i];
		u64 at = node->start;

		for (u32 j = i + 1; j < node->end; j = t.nodes.v[j].end) {
			BUG_ON(t.nodes.v[j].start != at);
			at += t.nodes.v[j].total;
		}
		BUG_ON(at + node->other + node->self > node->start + node->total);
		BUG_ON(!p->acct.saturated &&
		       at + node->other + node->self != node->start + node->total);
	}
	flame_tree_done(&t);
}

static bool shorten(const char *raw, struct buf *out, void *arg)
{
	if (raw[0] & 1)
		return false;
	buf_add(out, raw, MIN(strlen(raw), (size_t)2));
	return true;
}

/* Records of: how far up the parent is, kind, weight, length and bytes of the name. */
static void build(struct prof *p, struct rd *r)
{
	u32 node = 0;

	while (r->p < r->end && !r->bad) {
		u8 up = rd_u8(r), kind = rd_u8(r);
		u64 weight = rd_uvarint(r);
		size_t len = rd_u8(r);
		struct prof_frame f = {.kind = (u8)(kind % FRAME_KINDS)};
		const char *name;

		len = MIN(len, (size_t)(r->end - r->p));
		name = rd_bytes(r, len);
		if (!name)
			break;
		f.name = prof_string(p, name, strnlen(name, len));
		for (; up & 7 && node; up--)
			node = p->parent.v[node];
		node = prof_node(p, node, prof_frame_id(p, &f));
		prof_add(p, node, 0, weight);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rd r = {data, data + n, false};
	u8 flags = rd_u8(&r), nodes = rd_u8(&r);
	struct flame_opts o = {.column = ~0u,
			       .max_nodes = nodes + 1u,
			       .max_live = flags & 1 ? 20 : 0,
			       .inverted = flags & 2,
			       .rename = flags & 4 ? shorten : NULL};
	struct buf b = {0};
	struct out *out = out_mem(&b);
	struct prof p;

	prof_init(&p);
	build(&p, &r);
	prof_finish(&p);
	check_tree(&p, &o);
	BUG_ON(view_flame(&p, &o, out));
	out_close(out);
	check_text(b.p, b.n);
	buf_done(&b);
	prof_done(&p);
	return 0;
}
