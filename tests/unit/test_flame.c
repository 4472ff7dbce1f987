// SPDX-License-Identifier: Apache-2.0
/* The flame graph's tree and picture, against sums that are computed here. */
#include "test.h"

#include "view/flame_int.h"

static u32 add_stack(struct prof *p, const char *folded, u64 weight)
{
	char *copy = xstrdup(folded), *save = NULL;
	u32 node = 0;

	for (char *s = strtok_r(copy, ";", &save); s; s = strtok_r(NULL, ";", &save)) {
		struct prof_frame f = {.name = prof_string(p, s, strlen(s)), .kind = FRAME_USER};

		node = prof_node(p, node, prof_frame_id(p, &f));
	}
	free(copy);
	prof_add(p, node, 0, weight);
	return node;
}

static u64 next_random(u64 *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void random_prof(struct prof *p, u32 n_stacks, u64 most, u64 seed)
{
	char path[512];

	prof_init(p);
	for (u32 i = 0; i < n_stacks; i++) {
		int n = snprintf(path, sizeof(path), "app");

		for (u64 d = next_random(&seed) % 12; d > 0; d--)
			n += snprintf(path + n, sizeof(path) - (size_t)n, ";f%u",
				      (u32)(next_random(&seed) % 5));
		add_stack(p, path, 1 + next_random(&seed) % most);
	}
	prof_finish(p);
}

static void draw(const struct prof *p, const struct flame_opts *o, struct buf *b)
{
	struct out *out = out_mem(b);

	assert_int_equal(view_flame(p, o, out), 0);
	assert_int_equal(out_close(out), 0);
}

/* Every frame is itself, its callees and what was left out; callees lie side by side inside it. */
static void check_tree(const struct flame_tree *t)
{
	for (u32 i = 0; i < t->nodes.n; i++) {
		const struct flame_node *n = &t->nodes.v[i];
		u64 at = n->start;
		const struct flame_name *prev = NULL;

		for (u32 j = i + 1; j < n->end; j = t->nodes.v[j].end) {
			const struct flame_node *kid = &t->nodes.v[j];
			const struct flame_name *name = &t->names.v[kid->name];

			assert_int_equal(kid->depth, n->depth + 1);
			assert_int_equal(kid->start, at);
			assert_true(kid->end <= n->end);
			at += kid->total;
			assert_true(!prev || prev < name); /* sorted, and no name twice */
			prev = name;
		}
		assert_true(at + n->other + n->self == n->start + n->total);
	}
}

static void test_tree_whole(void **state)
{
	struct flame_opts o = {0};
	struct flame_tree t = {0};
	struct prof p;

	random_prof(&p, 3000, 100, 1);
	flame_tree_build(&t, &p, &o, 0);
	check_tree(&t);
	assert_int_equal(t.total, prof_sum(&p, 0));
	assert_int_equal(t.nodes.n, prof_nnodes(&p));
	assert_int_equal(t.n_left, 0);
	flame_tree_done(&t);
	prof_done(&p);
}

static void test_tree_pruned(void **state)
{
	static const u32 limits[] = {1, 2, 10, 333, 2000};
	struct prof p;

	random_prof(&p, 3000, 100, 2);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct flame_opts o = {.max_nodes = limits[i]};
		struct flame_tree t = {0};
		u64 left = 0;

		flame_tree_build(&t, &p, &o, 0);
		check_tree(&t);
		assert_int_equal(t.total, prof_sum(&p, 0));
		assert_int_equal(t.nodes.n, limits[i]);
		for (u32 j = 0; j < t.nodes.n; j++) {
			assert_true(t.nodes.v[j].total >= t.least);
			left += t.nodes.v[j].n_other;
		}
		assert_int_equal(left, t.n_left);
		assert_int_equal(t.n_left + t.nodes.n, prof_nnodes(&p));
		flame_tree_done(&t);
	}
	prof_done(&p);
}

/* Sums beyond 32 bits take another way through the same code. */
static void test_tree_wide(void **state)
{
	struct flame_opts o = {.max_nodes = 500};
	struct flame_tree t = {0};
	struct prof p;

	random_prof(&p, 3000, 1ull << 40, 3);
	assert_true(prof_sum(&p, 0) > UINT32_MAX);
	flame_tree_build(&t, &p, &o, 0);
	check_tree(&t);
	assert_int_equal(t.nodes.n, 500);
	assert_true(t.total == prof_sum(&p, 0));
	flame_tree_done(&t);
	prof_done(&p);
}

static void test_tree_saturated(void **state)
{
	struct flame_opts o = {0};
	struct flame_tree t = {0};
	struct buf b = {0};
	struct prof p;

	prof_init(&p);
	add_stack(&p, "a;b", 1ull << 63);
	add_stack(&p, "a;c", (1ull << 63) - 1);
	add_stack(&p, "a;d;e", UINT64_MAX);
	add_stack(&p, "a", 5);
	prof_finish(&p);
	flame_tree_build(&t, &p, &o, 0);
	for (u32 i = 1; i < t.nodes.n; i++) {
		assert_true(t.nodes.v[i].start + t.nodes.v[i].total >= t.nodes.v[i].start);
		assert_true(t.nodes.v[i].start + t.nodes.v[i].total <= t.total);
	}
	flame_tree_done(&t);
	draw(&p, &o, &b);
	assert_non_null(strstr(b.p, "overflowed"));
	buf_done(&b);
	prof_done(&p);
}

static void test_tree_deep(void **state)
{
	struct flame_opts o = {.max_nodes = 5000};
	struct flame_tree t = {0};
	u32 node = 0;
	struct prof p;

	prof_init(&p);
	for (u32 i = 0; i < 20000; i++) {
		struct prof_frame f = {.name = prof_string(&p, "deep", 4)};

		node = prof_node(&p, node, prof_frame_id(&p, &f));
	}
	prof_add(&p, node, 0, 7);
	prof_finish(&p);
	flame_tree_build(&t, &p, &o, 0);
	check_tree(&t);
	assert_int_equal(t.nodes.n, 5000);
	assert_int_equal(t.depth, 5000);
	assert_int_equal(t.n_left, 15001);
	flame_tree_done(&t);
	prof_done(&p);
}

static bool rename_first(const char *raw, struct buf *out, void *arg)
{
	if (raw[0] != 'x')
		return false;
	buf_addc(out, raw[1]);
	return true;
}

/* xa1 and xa2 are both shown as "a", so they and what stands on them become one. */
static void test_rename_merges(void **state)
{
	struct flame_opts o = {.rename = rename_first};
	struct flame_tree t = {0};
	struct prof p;

	prof_init(&p);
	add_stack(&p, "r;xa1;k", 3);
	add_stack(&p, "r;xa2;k;m", 4);
	add_stack(&p, "r;xa2", 5);
	add_stack(&p, "r;xb1", 6);
	prof_finish(&p);
	flame_tree_build(&t, &p, &o, 0);
	check_tree(&t);
	assert_int_equal(t.nodes.n, 6); /* all r a k m b */
	assert_string_equal(t.names.v[t.nodes.v[2].name].text, "a");
	assert_int_equal(t.nodes.v[2].total, 12);
	assert_int_equal(t.nodes.v[2].self, 5);
	assert_int_equal(t.nodes.v[3].total, 7);
	flame_tree_done(&t);
	prof_done(&p);
}

/* Functions without a name are one of their file, unless offsets are asked for. */
static void test_unknown_merges(void **state)
{
	static const char *const names[] = {"[gzip+0x10]", "[gzip+0x20]", "[zip+0x10]"};
	struct prof p;

	prof_init(&p);
	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		struct prof_frame f = {.name = prof_string(&p, names[i], strlen(names[i])),
				       .offset = 16 + i,
				       .flags = FRAME_UNKNOWN};

		prof_add(&p, prof_node(&p, 0, prof_frame_id(&p, &f)), 0, 1);
	}
	prof_finish(&p);
	for (int offsets = 0; offsets < 2; offsets++) {
		struct flame_opts o = {.offsets = offsets};
		struct flame_tree t = {0};

		flame_tree_build(&t, &p, &o, 0);
		check_tree(&t);
		assert_int_equal(t.nodes.n, offsets ? 4 : 3);
		assert_string_equal(t.names.v[t.nodes.v[1].name].text,
				    offsets ? "[gzip+0x10]" : "[gzip]");
		flame_tree_done(&t);
	}
	prof_done(&p);
}

static u32 count_of(const char *text, const char *what)
{
	u32 n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void test_live_bounded(void **state)
{
	static const u32 limits[] = {20, 300, 4000};
	struct prof p;

	random_prof(&p, 20000, 50, 4);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct flame_opts o = {.max_live = limits[i], .column = ~0u};
		struct buf b = {0};
		char *from, *to;

		draw(&p, &o, &b);
		from = strstr(b.p, "<g id=\"frames\"");
		to = strstr(from, "</g>");
		*to = '\0';
		assert_true(count_of(from, "<rect") > 0);
		assert_true(count_of(from, "<rect") + count_of(from, "<title") +
				    count_of(from, "<text") <=
			    limits[i]);
		buf_done(&b);
	}
	prof_done(&p);
}

static void test_escaped(void **state)
{
	struct flame_opts o = {.title = "</title><script>", .subtitle = "a & \"b\""};
	struct buf b = {0};
	struct prof p;

	prof_init(&p);
	add_stack(&p, "<img src=x onerror=alert(1)>;]]>\x01\x1b\xff&amp", 1);
	prof_finish(&p);
	draw(&p, &o, &b);
	assert_null(strstr(b.p, "<img"));
	assert_null(strstr(b.p, "</title><script>"));
	assert_non_null(strstr(b.p, "&lt;img src=x onerror=alert(1)&gt; (1 sample, 100.00%)"));
	assert_non_null(strstr(b.p, "]]&gt;\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd&amp;amp (1"));
	assert_int_equal(count_of(b.p, "]]>"), 1); /* where the script's CDATA ends */
	buf_done(&b);
	prof_done(&p);
}

static void test_empty(void **state)
{
	struct flame_opts o = {.column = ~0u};
	struct buf b = {0};
	struct prof p;

	prof_init(&p);
	prof_finish(&p);
	draw(&p, &o, &b);
	assert_non_null(strstr(b.p, "no samples: "));
	assert_null(strstr(b.p, "<script"));
	assert_non_null(strstr(b.p, "</svg>"));
	buf_done(&b);
	prof_done(&p);
}

static void test_units(void **state)
{
	static const struct {
		struct flame_unit unit;
		u64 weight;
		const char *want;
	} cases[] = {
		{{"samples", 1, 'n'}, 1, "1 sample"},
		{{"samples", 1, 'n'}, 1234567, "1,234,567 samples"},
		{{"samples", 1000000, 'n'}, 1500000, "1.5 samples"},
		{{"samples", 1000000, 'n'}, 2000000, "2 samples"},
		{{"cpu-clock", 1, 't'}, 1500000, "1.5 ms"},
		{{"bytes", 1, 'b'}, 2500000, "2.5 MB"},
		{{"a<b", 1, 'n'}, 2, "2 a&lt;b"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf b = {0};

		flame_weight(&b, &cases[i].unit, cases[i].weight);
		assert_string_equal(b.p, cases[i].want);
		buf_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree_whole),   cmocka_unit_test(test_tree_pruned),
		cmocka_unit_test(test_tree_wide),    cmocka_unit_test(test_tree_saturated),
		cmocka_unit_test(test_tree_deep),    cmocka_unit_test(test_rename_merges),
		cmocka_unit_test(test_live_bounded), cmocka_unit_test(test_escaped),
		cmocka_unit_test(test_empty),	     cmocka_unit_test(test_unknown_merges),
		cmocka_unit_test(test_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
