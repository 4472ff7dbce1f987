// SPDX-License-Identifier: Apache-2.0
/* Folded and perf script text: what is odd in the wild, and that weight in = weight out + dropped.
 */
#include "prof_gen.h"

static void load(struct prof *p, const char *text, size_t n, const char *format)
{
	struct in *in = in_mem(text, n, "test");

	prof_init(p);
	assert_int_equal(prof_load_in(p, in, format), 0);
	in_close(in);
	prof_check(p);
}

static void save(const struct prof *p, const char *format, struct buf *b)
{
	struct prof_write_opts o = {.column = ~0u};
	struct out *out = out_mem(b);

	assert_int_equal(prof_format_find(format)->write(out, p, &o), 0);
	assert_int_equal(out_close(out), 0);
}

/* text in, folded text out */
static void folded_is(const char *text, size_t n, const char *format, const char *want)
{
	struct buf b = {0};
	struct prof p;

	load(&p, text, n, format);
	save(&p, "folded", &b);
	assert_string_equal(buf_str(&b), want);
	buf_done(&b);
	prof_done(&p);
}
#define FOLDED(text, want) folded_is(text, sizeof(text) - 1, NULL, want)
#define SCRIPT(text, want) folded_is(text, sizeof(text) - 1, "perfscript", want)

static void test_folded_as_it_comes(void **state)
{
	FOLDED("a;b 1\r\na;b 2\r\n\r\na;c 3", "a;b 3\na;c 3\n");
	FOLDED("a;b 1.5\na;c 2\n", "a;b 1.5\na;c 2\n");
	FOLDED("a;b 1e3\na;c .5\n", "a;b 1000\na;c 0.5\n");
	FOLDED("a;;b 1\n", "a;;b 1\n");
	FOLDED("a;x y z 7\n", "a;x y z 7\n");
	FOLDED("a;b\x01\xff 2\n", "a;b\xef\xbf\xbd\xef\xbf\xbd 2\n");
	FOLDED("a;<img src=x onerror=alert(1)> 2\n", "a;<img src=x onerror=alert(1)> 2\n");
	FOLDED("a;vfs_read_[k] 2\na;vfs_read 3\n", "a;vfs_read 3\na;vfs_read 2\n");
}

static void test_folded_counts_what_it_drops(void **state)
{
	static const char text[] =
		"a;b 5\nno count here\na;b -3\n\na;b 99999999999999999999999\n 7\n";
	struct prof p;

	load(&p, text, sizeof(text) - 1, "folded");
	assert_true(prof_sum(&p, 0) + p.acct.dropped == p.acct.in);
	assert_true(prof_dropped(&p) >= 3);
	prof_done(&p);
}

static void test_folded_saturates(void **state)
{
	static const char text[] = "a 9223372036854775808\na 9223372036854775807\na 1\n";
	struct prof p;

	load(&p, text, sizeof(text) - 1, "folded");
	assert_true(prof_sum(&p, 0) == UINT64_MAX);
	prof_done(&p);
}

static void test_folded_deep(void **state)
{
	struct buf b = {0};
	struct prof p;

	for (int i = 0; i < 10000; i++)
		buf_addf(&b, "%sf%d", i ? ";" : "", i % 7);
	buf_adds(&b, " 3\n");
	load(&p, b.p, b.n, NULL);
	assert_int_equal(prof_nnodes(&p), 10001);
	assert_int_equal(prof_sum(&p, 0), 3);
	prof_done(&p);
	buf_done(&b);
}

static void test_folded_nothing_usable(void **state)
{
	struct in *in = in_mem("hello\nworld\n", 12, "test");
	struct prof p;

	prof_init(&p);
	assert_int_equal(prof_load_in(&p, in, "folded"), -EBADMSG);
	assert_true(*err_msg());
	in_close(in);
	prof_done(&p);
}

static void test_perfscript_headers(void **state)
{
	/* an exiting task; a comm with blanks and numbers; two numbers; no CPU; no period */
	SCRIPT(":-1    -1 [001]  1991.946196:     101010 cpu-clock:pppH: \n\tff foo+0x1 (a)\n\n",
	       ":-1;foo 1\n");
	SCRIPT("V8 Worker 12 34/56 [000] 5.1: sched:sched_switch: prev=1\n\tff f (b)\n\n",
	       "V8 Worker 12;f 1\n");
	SCRIPT("a 1.5: b 7 2.5: cycles:\n\tff f (b)\n\n", "a 1.5: b;f 1\n");
	SCRIPT("x 7 cpu-clock: \n\tff f (b)\n\n", "x;f 1\n");
	SCRIPT("   x 7 [000] 1.0: 5 cycles:u:  ffff f+0x3 (/bin/x)\n", "x;f 1\n");
	SCRIPT("x 7 1.0: cycles: \n\n", "x;[no stack] 1\n");
}

static void test_perfscript_frames(void **state)
{
	SCRIPT("x 7 1.0: c: \n\tff f<(ns::Phase)1>(int)+0x2 (/memfd:x (deleted))\n"
	       "\t12 A::operator()()+0x7fa (/lib/a)\n\t13 [unknown] (/lib/b.so)\n"
	       "\t14 [unknown] ([unknown])\n\n",
	       "x;[unknown];[b.so];A::operator()();f<(ns::Phase)1>(int) 1\n");
	/* the last sample without its blank line, and CRLF */
	SCRIPT("x 7 1.0: c: \r\n\tff f (b)\r\n\r\nx 7 2.0: c: \r\n\tff f (b)\r\n", "x;f 2\n");
}

static void test_perfscript_meta(void **state)
{
	static const char text[] = "# hostname : box\n# cmdline : perf record x\n#\n"
				   "x 3/4 [002] 10.000000005: 250 cycles:u: \n\tff f (b)\n\n"
				   "x 3/5 [001] 9.5: 350 cycles:u: \n\tff f (b)\n\n";
	struct prof p;

	load(&p, text, sizeof(text) - 1, NULL);
	assert_string_equal(prof_str(&p, p.meta.hostname), "box");
	assert_string_equal(prof_str(&p, p.meta.event), "cycles");
	assert_int_equal(p.samples.n, 2);
	assert_true(p.samples.v[0].time_ns == 9500000000ull);
	assert_true(p.samples.v[1].time_ns == 10000000005ull);
	assert_int_equal(p.samples.v[1].cpu, 2);
	assert_int_equal(p.threads.v[p.samples.v[1].thread].pid, 3);
	assert_int_equal(p.threads.v[p.samples.v[1].thread].tid, 4);
	assert_int_equal(prof_sum(&p, 1), 600);
	prof_done(&p);
}

static void test_perfscript_odd_lines_are_counted(void **state)
{
	static const char text[] =
		"what is this\nx 7 1.0: c: \n\tff f (b)\n\nand this\n\tff g (b)\n\n";
	struct prof p;

	load(&p, text, sizeof(text) - 1, "perfscript");
	assert_int_equal(p.samples.n, 1);
	assert_true(prof_dropped(&p) >= 2);
	prof_done(&p);
}

static void test_round_trips(void **state)
{
	for (u64 seed = 1; seed <= 20; seed++) {
		bool timed = seed % 2;
		struct buf text = {0}, again = {0};
		struct prof p, q;

		prof_init(&p);
		prof_gen(&p, seed, 60, timed);
		prof_finish(&p);
		save(&p, "folded", &text);
		load(&q, text.p, text.n, "folded");
		assert_true(prof_sum(&q, 0) == prof_sum(&p, 0));
		/* Frames that differ only by module are one now; from here on nothing changes. */
		save(&q, "folded", &again);
		prof_done(&q);
		load(&q, again.p, again.n, "folded");
		buf_reset(&text);
		save(&q, "folded", &text);
		assert_string_equal(again.p, text.p);
		prof_done(&q);
		buf_reset(&text);
		save(&p, "perfscript", &text);
		load(&q, text.p, text.n, NULL);
		assert_string_equal(q.format, "perfscript");
		assert_true(prof_sum(&q, 0) == prof_sum(&p, 0));
		assert_int_equal(q.samples.n, p.samples.n);
		for (size_t i = 0; i < p.samples.n; i++) {
			assert_true(q.samples.v[i].time_ns == p.samples.v[i].time_ns);
			assert_true(q.samples.v[i].weight == p.samples.v[i].weight);
			assert_int_equal(q.samples.v[i].cpu, p.samples.v[i].cpu);
		}
		prof_done(&q);
		prof_done(&p);
		buf_done(&text);
		buf_done(&again);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folded_as_it_comes),
		cmocka_unit_test(test_folded_counts_what_it_drops),
		cmocka_unit_test(test_folded_saturates),
		cmocka_unit_test(test_folded_deep),
		cmocka_unit_test(test_folded_nothing_usable),
		cmocka_unit_test(test_perfscript_headers),
		cmocka_unit_test(test_perfscript_frames),
		cmocka_unit_test(test_perfscript_meta),
		cmocka_unit_test(test_perfscript_odd_lines_are_counted),
		cmocka_unit_test(test_round_trips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
