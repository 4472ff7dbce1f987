// SPDX-License-Identifier: Apache-2.0
/* Filters against profiles whose parts are known. */
#include "prof_gen.h"

static u32 frame(struct prof *p, const char *name, u8 kind)
{
	struct prof_frame f = {.name = prof_string(p, name, strlen(name)), .kind = kind};

	return prof_frame_id(p, &f);
}

static u32 stack(struct prof *p, const char *comm, const char *outer, const char *inner)
{
	u32 f[] = {frame(p, comm, FRAME_COMM), frame(p, outer, FRAME_USER),
		   frame(p, inner, FRAME_USER)};

	return prof_stack(p, f, 3);
}

/* 7 samples of web in main;read, 11 of web in main;write, 13 of db in run;read. */
static void build(struct prof *p)
{
	u32 nodes[3], threads[3], n[] = {7, 11, 13}, column;
	u64 time_ns = 1000;

	prof_init(p);
	column = prof_value_id(p, "cpu-clock", "ns");
	nodes[0] = stack(p, "web", "main", "read");
	nodes[1] = stack(p, "web", "main", "write");
	nodes[2] = stack(p, "db", "run", "read");
	threads[0] = prof_thread_id(p, 10, 10, prof_string(p, "web", 3));
	threads[1] = prof_thread_id(p, 10, 11, prof_string(p, "web", 3));
	threads[2] = prof_thread_id(p, 20, 20, prof_string(p, "db", 2));
	p->meta.start_ns = 1000;
	for (u32 k = 0; k < 3; k++) {
		for (u32 i = 0; i < n[k]; i++) {
			struct prof_sample s = {.time_ns = time_ns++,
						.node = nodes[k],
						.thread = threads[k],
						.cpu = (u16)(k % 2),
						.value = (u8)column,
						.weight = 100};
			prof_sample_add(p, &s);
		}
	}
	prof_finish(p);
}

static void check(const struct prof_filter *f, u64 kept)
{
	struct prof p;

	build(&p);
	assert_int_equal(prof_filter(&p, f), 0);
	prof_check(&p);
	assert_int_equal(prof_sum(&p, 0), kept);
	assert_int_equal(prof_sum(&p, 1), kept * 100);
	assert_int_equal(p.samples.n, kept);
	assert_int_equal(prof_dropped(&p), 31 - kept);
	assert_int_equal(p.acct.in, 31);
	prof_done(&p);
}

#define LIST(...)                                                                                  \
	{                                                                                          \
		.v = (const char *[]){__VA_ARGS__},                                                \
		.n = sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)                        \
	}

static void test_each_filter(void **state)
{
	check(&(struct prof_filter){0}, 31);
	check(&(struct prof_filter){.pids = LIST("10")}, 18);
	check(&(struct prof_filter){.tids = LIST("11", "20")}, 24);
	check(&(struct prof_filter){.cpus = LIST("1")}, 11);
	check(&(struct prof_filter){.comms = LIST("w*")}, 18);
	check(&(struct prof_filter){.frame_regex = "^read$"}, 20);
	check(&(struct prof_filter){.frame_regex = "main|run"}, 31);
	check(&(struct prof_filter){.from_ns = 7}, 24);
	check(&(struct prof_filter){.from_ns = 7, .to_ns = 18}, 11);
	check(&(struct prof_filter){.pids = LIST("10"), .frame_regex = "read"}, 7);
	check(&(struct prof_filter){.frame_regex = "nothing"}, 0);
}

static bool shout(const char *raw, struct buf *out, void *arg)
{
	buf_addf(out, "%s!", raw);
	return true;
}

static void test_regex_sees_the_shown_name(void **state)
{
	check(&(struct prof_filter){.frame_regex = "write!", .shown = shout}, 11);
}

static void test_stacks_without_samples(void **state)
{
	struct prof_filter by_comm = {.comms = LIST("db")}, by_pid = {.pids = LIST("10")};
	struct prof p;

	prof_init(&p);
	prof_add(&p, stack(&p, "web", "main", "read"), 0, 5);
	prof_add(&p, stack(&p, "db", "run", "read"), 0, 3);
	prof_finish(&p);
	assert_int_equal(prof_filter(&p, &by_pid), -EINVAL);
	assert_int_equal(prof_filter(&p, &by_comm), 0);
	prof_check(&p);
	assert_int_equal(prof_sum(&p, 0), 3);
	assert_int_equal(p.acct.dropped, 5);
	prof_done(&p);
}

static void test_what_is_wrong_is_said(void **state)
{
	struct prof_filter bad[] = {
		{.pids = LIST("x")},
		{.cpus = LIST("3-1")},
		{.frame_regex = "a("},
		{.from_ns = 5, .to_ns = 5},
	};
	struct prof p;

	build(&p);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		err_clear();
		assert_int_equal(prof_filter(&p, &bad[i]), -EINVAL);
		assert_true(*err_msg());
	}
	assert_int_equal(prof_sum(&p, 0), 31);
	prof_done(&p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_filter),
		cmocka_unit_test(test_regex_sees_the_shown_name),
		cmocka_unit_test(test_stacks_without_samples),
		cmocka_unit_test(test_what_is_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
