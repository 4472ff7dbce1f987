// SPDX-License-Identifier: Apache-2.0
/* The model: tree, sums, merging, renaming, saturation. */
#include "prof_gen.h"

static u32 frame(struct prof *p, const char *name)
{
	struct prof_frame f = {.name = prof_string(p, name, strlen(name))};

	return prof_frame_id(p, &f);
}

static u32 stack(struct prof *p, const char *a, const char *b, const char *c)
{
	u32 f[3] = {frame(p, a), frame(p, b), frame(p, c)};

	return prof_stack(p, f, 3);
}

static void test_tree(void **state)
{
	struct prof p;
	u32 abc, abd, axc;
	u64 *t;

	prof_init(&p);
	abc = stack(&p, "a", "b", "c");
	abd = stack(&p, "a", "b", "d");
	axc = stack(&p, "a", "x", "c");
	assert_int_equal(stack(&p, "a", "b", "d"), abd);
	assert_int_equal(stack(&p, "a", "b", "c"), abc);
	assert_int_equal(stack(&p, "a", "x", "c"), axc);
	assert_int_equal(prof_nnodes(&p), 7); /* root a b c d x c */
	prof_add(&p, abc, 0, 3);
	prof_add(&p, abd, 0, 4);
	prof_add(&p, axc, 0, 5);
	prof_finish(&p);
	prof_check(&p);
	t = prof_totals(&p, 0);
	assert_int_equal(t[0], 12);
	assert_int_equal(t[p.parent.v[abc]], 7);
	assert_int_equal(t[p.parent.v[axc]], 5);
	big_free(t, prof_nnodes(&p) * 8);
	prof_done(&p);
}

/* Every path that is put in is found again, whatever the order; against a plain list of paths. */
static void test_tree_against_paths(void **state)
{
	VEC(u32) node = {0}, sum = {0};
	VEC(u64) path = {0};
	u64 seed = 7;
	struct prof p;
	u32 f[4];

	prof_init(&p);
	for (int i = 0; i < 4; i++)
		f[i] = frame(&p, (const char[]){(char)('a' + i), 0});
	for (int i = 0; i < 20000; i++) {
		u32 depth = 1 + (u32)gen_below(&seed, 7), stack_frames[8], at;
		u64 key = 1;
		size_t k;

		for (u32 d = 0; d < depth; d++) {
			u32 which = (u32)gen_below(&seed, 4);

			stack_frames[d] = f[which];
			key = key << 2 | which;
		}
		at = prof_stack(&p, stack_frames, depth);
		prof_add(&p, at, 0, 2);
		for (k = 0; k < path.n && path.v[k] != key; k++)
			;
		if (k == path.n) {
			vec_push(&path, key);
			vec_push(&node, at);
			vec_push(&sum, 0);
		}
		assert_int_equal(node.v[k], at);
		sum.v[k] += 2;
	}
	for (size_t k = 0; k < path.n; k++)
		assert_int_equal(p.self[0].v[node.v[k]], sum.v[k]);
	prof_finish(&p);
	prof_check(&p);
	vec_done(&path);
	vec_done(&node);
	vec_done(&sum);
	prof_done(&p);
}

static void test_saturates(void **state)
{
	struct prof p;
	u32 n;
	u64 *t;

	prof_init(&p);
	n = stack(&p, "a", "b", "c");
	prof_add(&p, n, 0, 1ull << 63);
	prof_add(&p, n, 0, (1ull << 63) - 1);
	prof_add(&p, n, 0, 1);
	prof_add(&p, stack(&p, "a", "b", "d"), 0, 5);
	prof_lose(&p, "bad count", true, 1, 9);
	assert_true(p.acct.saturated);
	prof_finish(&p);
	prof_check(&p);
	assert_true(prof_sum(&p, 0) == UINT64_MAX);
	t = prof_totals(&p, 0);
	assert_true(t[0] == UINT64_MAX);
	big_free(t, prof_nnodes(&p) * 8);
	prof_done(&p);
}

static void test_columns(void **state)
{
	struct prof p;
	u32 n;

	prof_init(&p);
	n = stack(&p, "a", "b", "c");
	assert_int_equal(prof_value_id(&p, "samples", "count"), 0);
	assert_int_equal(prof_value_id(&p, "bytes", "bytes"), 1);
	assert_int_equal(prof_value_id(&p, "ns", "ns"), 2);
	assert_int_equal(prof_value_id(&p, "x", "count"), 3);
	assert_int_equal(prof_value_id(&p, "y", "count"), 0);
	assert_int_equal(prof_value_id(&p, "bytes", "bytes"), 1);
	prof_add(&p, n, 3, 5);
	n = stack(&p, "a", "b", "d");
	prof_add(&p, n, 1, 6);
	prof_add(&p, n, 0, 2);
	prof_scale_raise(&p, 0, 1000000);
	prof_add(&p, n, 0, 500000);
	assert_int_equal(prof_sum(&p, 0), 2500000);
	assert_int_equal(prof_sum(&p, 1), 6);
	assert_int_equal(prof_sum(&p, 3), 5);
	prof_finish(&p);
	prof_check(&p);
	prof_done(&p);
}

static void test_merge_is_the_sum(void **state)
{
	struct prof all, a, b, c;

	prof_init(&all);
	prof_init(&a);
	prof_init(&b);
	prof_init(&c);
	prof_gen(&all, 1, 500, true);
	prof_gen(&all, 2, 500, true);
	prof_gen(&a, 1, 500, true);
	prof_gen(&b, 2, 500, true);
	prof_lose(&b, "bad count", true, 1, 7);
	prof_lose(&b, "ring buffer full", false, 3, 0);
	prof_merge(&c, &b);
	prof_merge(&c, &a);
	prof_finish(&c);
	prof_finish(&all);
	prof_check(&c);
	assert_true(prof_digest(&c) == prof_digest(&all));
	assert_int_equal(prof_nnodes(&c), prof_nnodes(&all));
	assert_int_equal(c.acct.in, 1007);
	assert_int_equal(c.acct.dropped, 7);
	assert_int_equal(prof_lost(&c), 3);
	prof_done(&a);
	prof_done(&b);
	prof_done(&c);
	prof_done(&all);
}

static void test_merge_moves_clocks(void **state)
{
	struct prof a, b;
	struct prof_sample s = {.time_ns = 100};

	prof_init(&a);
	prof_init(&b);
	a.meta = (struct prof_meta){.start_ns = 50, .end_ns = 150, .wall_offset_ns = 1000};
	b.meta = (struct prof_meta){.start_ns = 90, .end_ns = 120, .wall_offset_ns = 900};
	prof_thread_id(&a, 1, 1, 0);
	prof_thread_id(&b, 1, 1, 0);
	prof_sample_add(&a, &s);
	prof_sample_add(&b, &s);
	prof_merge(&a, &b);
	prof_finish(&a);
	prof_check(&a);
	assert_int_equal(a.samples.v[0].time_ns, 0);
	assert_int_equal(a.samples.v[1].time_ns, 100);
	assert_int_equal(a.meta.start_ns, 0); /* -10 is before the clock began */
	assert_int_equal(a.meta.end_ns, 150);
	prof_done(&a);
	prof_done(&b);
}

static bool shorten(const char *raw, struct buf *out, void *arg)
{
	if (strncmp(raw, "func", 4))
		return false;
	buf_add(out, raw, 5);
	return true;
}

static void test_rename_merges(void **state)
{
	struct prof p;
	u64 before[2];
	u32 nodes;

	prof_init(&p);
	prof_gen(&p, 3, 1000, true);
	before[0] = prof_sum(&p, 0);
	before[1] = prof_sum(&p, 1);
	nodes = prof_nnodes(&p);
	prof_finish(&p);
	prof_rename(&p, shorten, NULL);
	prof_check(&p);
	assert_true(prof_nnodes(&p) < nodes);
	assert_int_equal(prof_sum(&p, 0), before[0]);
	assert_int_equal(prof_sum(&p, 1), before[1]);
	for (u32 i = 1; i < p.frames.n; i++) {
		for (u32 k = 1; k < i; k++)
			assert_true(
				memcmp(&p.frames.v[i], &p.frames.v[k], sizeof(struct prof_frame)));
	}
	/* Siblings differ. */
	for (u32 i = 1; i < MIN(prof_nnodes(&p), 2000u); i++) {
		for (u32 k = 1; k < i; k++)
			assert_false(p.parent.v[i] == p.parent.v[k] &&
				     p.frame.v[i] == p.frame.v[k]);
	}
	prof_done(&p);
}

static void test_reset_keeps_columns_and_meta(void **state)
{
	struct prof p, q;

	prof_init(&p);
	prof_gen(&p, 9, 100, true);
	p.meta.hostname = prof_string(&p, "there", 5);
	p.meta.idle_samples = 5;
	prof_reset(&p);
	assert_string_equal(prof_str(&p, p.meta.hostname), "there");
	assert_int_equal(p.meta.idle_samples, 5);
	assert_int_equal(prof_value_id(&p, "cycles", "cycles"), 1);
	assert_int_equal(prof_nnodes(&p), 1);
	prof_init(&q);
	prof_gen(&p, 4, 300, true);
	prof_gen(&q, 4, 300, true);
	prof_finish(&p);
	prof_finish(&q);
	prof_check(&p);
	assert_true(prof_digest(&p) == prof_digest(&q));
	prof_done(&p);
	prof_done(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_tree_against_paths),
		cmocka_unit_test(test_saturates),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_merge_is_the_sum),
		cmocka_unit_test(test_merge_moves_clocks),
		cmocka_unit_test(test_rename_merges),
		cmocka_unit_test(test_reset_keeps_columns_and_meta),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
