// SPDX-License-Identifier: Apache-2.0
#include "test.h"

#include "fakeroot.h"
#include "run/procs_int.h"

static struct taskev ev_fork(u32 parent, u32 pid, u64 t)
{
	return (struct taskev){
		.type = TASKEV_FORK, .time_ns = t, .pid = pid, .tid = pid, .ppid = parent};
}

static struct taskev ev(enum taskev_type type, u32 pid, u64 t)
{
	return (struct taskev){.type = type, .time_ns = t, .pid = pid, .tid = pid, .path = "x"};
}

static struct taskev ev_map(u32 pid, u64 t, u64 start, u64 end, u64 pgoff, const char *path)
{
	return (struct taskev){.type = TASKEV_MMAP,
			       .time_ns = t,
			       .pid = pid,
			       .tid = pid,
			       .start = start,
			       .end = end,
			       .pgoff = pgoff,
			       .ino = hash_bytes(path, strlen(path)),
			       .path = path};
}

static void feed(struct procs *p, struct taskev e)
{
	procs_event(p, &e);
}

/* A process known from its exec on, so that /proc is never asked. */
static void start(struct procs *p, u32 pid)
{
	feed(p, ev(TASKEV_EXEC, pid, 1));
}

static void expect(struct procs *p, u32 pid, u64 addr, const char *path, u64 off)
{
	const struct mapping *m = proc_mapping(procs_sampled(p, pid, 1000), addr);

	if (!path) {
		assert_null(m);
		return;
	}
	assert_non_null(m);
	assert_string_equal(m->file->path, path);
	assert_int_equal(addr - m->start + m->pgoff, off);
}

static void test_overlap(void **state)
{
	struct procs p;

	procs_init(&p, "/nonexistent", 0);
	start(&p, 5);
	feed(&p, ev_map(5, 2, 0x1000, 0x5000, 0x10000, "/a"));
	feed(&p, ev_map(5, 3, 0x8000, 0x9000, 0, "/b"));
	/* in the middle: the old one is split, its tail keeps its file offset */
	feed(&p, ev_map(5, 4, 0x2000, 0x3000, 0, "/c"));
	expect(&p, 5, 0xfff, NULL, 0);
	expect(&p, 5, 0x1000, "/a", 0x10000);
	expect(&p, 5, 0x1fff, "/a", 0x10fff);
	expect(&p, 5, 0x2000, "/c", 0);
	expect(&p, 5, 0x3000, "/a", 0x12000);
	expect(&p, 5, 0x4fff, "/a", 0x13fff);
	expect(&p, 5, 0x5000, NULL, 0);
	assert_int_equal(procs_sampled(&p, 5, 9)->maps->v.n, 4);
	/* over several, cutting both ends */
	feed(&p, ev_map(5, 5, 0x1800, 0x8800, 0, "/d"));
	expect(&p, 5, 0x17ff, "/a", 0x107ff);
	expect(&p, 5, 0x1800, "/d", 0);
	expect(&p, 5, 0x87ff, "/d", 0x6fff);
	expect(&p, 5, 0x8800, "/b", 0x800);
	assert_int_equal(procs_sampled(&p, 5, 9)->maps->v.n, 3);
	/* exactly over one, and an empty one that changes nothing */
	feed(&p, ev_map(5, 6, 0x1800, 0x8800, 0, "/e"));
	feed(&p, ev_map(5, 7, 0x1900, 0x1900, 0, "/f"));
	expect(&p, 5, 0x1900, "/e", 0x100);
	assert_int_equal(procs_sampled(&p, 5, 9)->maps->v.n, 3);
	procs_done(&p);
}

/* Random mappings against an array of bytes. */
static void test_overlap_random(void **state)
{
	enum { PAGES = 64 };
	u8 truth[PAGES] = {0};
	struct procs p;
	u64 seed = 7;
	char path[16];

	procs_init(&p, "/nonexistent", 0);
	start(&p, 5);
	for (u32 i = 1; i < 200; i++) {
		seed = hash_u64(seed + i);
		u32 a = (u32)(seed % PAGES), n = (u32)(seed >> 20) % 9;
		u32 b = MIN(a + n, (u32)PAGES);

		snprintf(path, sizeof(path), "/%u", i);
		feed(&p, ev_map(5, i + 1, 4096 * (u64)(a + 1), 4096 * (u64)(b + 1), 4096 * (u64)a,
				path));
		memset(truth + a, (int)i, b - a);
		for (u32 pg = 0; pg < PAGES; pg++) {
			snprintf(path, sizeof(path), "/%u", truth[pg]);
			expect(&p, 5, 4096 * (u64)(pg + 1) + 5, truth[pg] ? path : NULL,
			       4096 * (u64)pg + 5);
		}
	}
	procs_done(&p);
}

static void test_fork_exec(void **state)
{
	struct procs p;
	u64 gen;

	procs_init(&p, "/nonexistent", 0);
	start(&p, 5);
	feed(&p, ev_map(5, 2, 0x1000, 0x2000, 0, "/a"));
	gen = procs_sampled(&p, 5, 3)->maps->gen;
	feed(&p, ev_fork(5, 6, 4));
	/* the child has the very same contents until one of both changes */
	expect(&p, 6, 0x1000, "/a", 0);
	assert_int_equal(procs_sampled(&p, 6, 5)->maps->gen, gen);
	feed(&p, ev_map(6, 6, 0x5000, 0x6000, 0, "/b"));
	expect(&p, 6, 0x5000, "/b", 0);
	expect(&p, 5, 0x5000, NULL, 0);
	assert_int_equal(procs_sampled(&p, 5, 7)->maps->gen, gen);
	assert_int_not_equal(procs_sampled(&p, 6, 7)->maps->gen, gen);
	/* exec empties, and is a new generation */
	feed(&p, ev(TASKEV_EXEC, 5, 8));
	expect(&p, 5, 0x1000, NULL, 0);
	expect(&p, 6, 0x1000, "/a", 0);
	assert_int_not_equal(procs_sampled(&p, 5, 9)->maps->gen, gen);
	/* a thread is no process */
	feed(&p,
	     (struct taskev){.type = TASKEV_FORK, .time_ns = 10, .pid = 6, .tid = 99, .ppid = 6});
	expect(&p, 6, 0x5000, "/b", 0);
	assert_int_equal(p.n_sampled, 2);
	procs_done(&p);
}

/* Sampled first, and gone before /proc could be read: what events say of it later still counts. */
static void test_gone_before_its_events(void **state)
{
	struct procs p;

	procs_init(&p, "/nonexistent", 0);
	expect(&p, 5, 0x1000, NULL, 0);
	feed(&p, ev(TASKEV_EXEC, 5, 1));
	feed(&p, ev_map(5, 2, 0x1000, 0x2000, 0, "/a"));
	expect(&p, 5, 0x1000, "/a", 0);
	procs_done(&p);
}

static void test_exit_and_reuse(void **state)
{
	struct procs p;

	procs_init(&p, "/nonexistent", 0);
	start(&p, 5);
	feed(&p, ev_map(5, 2, 0x1000, 0x2000, 0, "/a"));
	feed(&p, ev(TASKEV_EXIT, 5, 10));
	expect(&p, 5, 0x1000, "/a", 0); /* samples from before may still come */
	procs_forget(&p, 10);
	expect(&p, 5, 0x1000, "/a", 0);
	procs_forget(&p, 11);
	expect(&p, 5, 0x1000, NULL, 0);
	/* the number again: a new process, counted as one */
	start(&p, 7);
	feed(&p, ev_fork(7, 5, clock_mono_ns() + 1)); /* /proc was read meanwhile */
	expect(&p, 5, 0x1000, NULL, 0);
	assert_int_equal(p.n_sampled, 3);
	procs_done(&p);
}

static void test_from_proc(void **state)
{
	char *root = fakeroot_new();
	struct proc *pr;
	struct procs p;
	u64 now;

	fakeroot_puts(root, "/proc/5/maps",
		      "1000-2000 r-xp 00001000 08:01 77 /usr/bin/a\n"
		      "3000-4000 rw-p 00000000 00:00 0 \n"
		      "5000-6000 r-xp 00000000 00:00 0 \n");
	procs_init(&p, root, 0);
	pr = procs_sampled(&p, 5, 1);
	now = pr->read_ns;
	assert_int_equal(pr->maps->v.n, 2); /* executable ones */
	expect(&p, 5, 0x1234, "/usr/bin/a", 0x1234);
	expect(&p, 5, 0x5000, "", 0);
	assert_true(proc_mapping(pr, 0x5000)->file->anon);
	assert_false(proc_mapping(pr, 0x1000)->file->anon);
	/* what happened before /proc was read is in there already */
	feed(&p, ev_map(5, now - 1, 0x1000, 0x2000, 0, "/old"));
	expect(&p, 5, 0x1234, "/usr/bin/a", 0x1234);
	feed(&p, ev_map(5, now + 1, 0x1000, 0x2000, 0, "/new"));
	expect(&p, 5, 0x1234, "/new", 0x234);
	/* a fork of it that was gone before anyone looked */
	feed(&p, ev_fork(5, 6, now + 2));
	expect(&p, 6, 0x5000, "", 0);
	/* a child of a process never met: the parent is read for it */
	fakeroot_puts(root, "/proc/8/maps", "1000-2000 r-xp 00000000 08:01 78 /usr/bin/b\n");
	feed(&p, ev_fork(8, 9, now + 3));
	expect(&p, 9, 0x1000, "/usr/bin/b", 0);
	procs_done(&p);
	fakeroot_free(root);
}

static void test_reread(void **state)
{
	char *root = fakeroot_new();
	struct proc *pr;
	struct procs p;
	u64 now;

	fakeroot_puts(root, "/proc/5/maps", "1000-2000 r-xp 00000000 08:01 77 /a\n");
	procs_init(&p, root, 0);
	pr = procs_sampled(&p, 5, 1);
	now = pr->read_ns;
	fakeroot_puts(root, "/proc/5/maps", "9000-a000 r-xp 00000000 00:00 0 \n");
	assert_false(procs_reread(&p, pr, now + 1)); /* not all the time */
	assert_true(procs_reread(&p, pr, now + 2 * NSEC_PER_SEC));
	expect(&p, 5, 0x9000, "", 0);
	expect(&p, 5, 0x1000, NULL, 0);
	assert_false(procs_reread(&p, pr, now + 2 * NSEC_PER_SEC + 1));
	procs_done(&p);
	fakeroot_free(root);
}

static void test_identity(void **state)
{
	struct taskev a = ev_map(5, 2, 0x1000, 0x2000, 0, "/a"), b = a;
	struct procs p;

	procs_init(&p, "/nonexistent", 100);
	start(&p, 5);
	b.start = 0x3000, b.end = 0x4000;
	feed(&p, a);
	feed(&p, b);
	assert_ptr_equal(proc_mapping(procs_sampled(&p, 5, 9), 0x1000)->file,
			 proc_mapping(procs_sampled(&p, 5, 9), 0x3000)->file);
	/* the same path with another inode, or another build-id, is another file */
	b.ino++;
	feed(&p, b);
	assert_ptr_not_equal(proc_mapping(procs_sampled(&p, 5, 9), 0x1000)->file,
			     proc_mapping(procs_sampled(&p, 5, 9), 0x3000)->file);
	b.build_id_len = 4;
	b.time_ns = 50;
	feed(&p, b);
	assert_int_equal(proc_mapping(procs_sampled(&p, 5, 9), 0x3000)->file->id.build_id_len, 4);
	assert_int_equal(proc_mapping(procs_sampled(&p, 5, 9), 0x3000)->file->id.mapped_ns, 150);
	procs_done(&p);
}

static void test_many_mappings(void **state)
{
	struct procs p;

	procs_init(&p, "/nonexistent", 0);
	start(&p, 5);
	for (u64 i = 0; i < PROCS_MAPPINGS_MAX + 10; i++)
		feed(&p, ev_map(5, 2, 4096 * i, 4096 * (i + 1), 0, "/a"));
	assert_int_equal(procs_sampled(&p, 5, 9)->maps->v.n, PROCS_MAPPINGS_MAX);
	assert_int_equal(p.mappings_dropped, 10);
	procs_done(&p);
}

static void test_invisible(void **state)
{
	struct procs p;

	procs_init(&p, "/nonexistent", 0);
	feed(&p, ev_fork(3, 0, 1));
	feed(&p, ev_fork(3, UINT32_MAX, 1));
	feed(&p, ev(TASKEV_EXEC, 0, 1));
	assert_int_equal(p.by_pid.n, 0);
	procs_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overlap),	  cmocka_unit_test(test_overlap_random),
		cmocka_unit_test(test_fork_exec), cmocka_unit_test(test_gone_before_its_events),
		cmocka_unit_test(test_exit_and_reuse),
		cmocka_unit_test(test_from_proc), cmocka_unit_test(test_reread),
		cmocka_unit_test(test_identity),  cmocka_unit_test(test_many_mappings),
		cmocka_unit_test(test_invisible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
