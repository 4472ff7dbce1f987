// SPDX-License-Identifier: Apache-2.0
#include "test.h"

#include <fcntl.h>

#include "cmd/cleanup_int.h"
#include "fakeroot.h"

#define DEAD "4000001" /* not in the made-up /proc */
#define NOW_S 2000000000ull

static char *root;
static struct buf said;
static struct cleanup c;

static void start(bool dry_run, bool others)
{
	buf_reset(&said);
	c = (struct cleanup){.root = root,
			     .dry_run = dry_run,
			     .others = others,
			     .now_s = NOW_S,
			     .out = out_mem(&said)};
}

static void stop(u64 removed, u64 kept, u64 failed)
{
	out_close(c.out);
	assert_int_equal(c.removed, removed);
	assert_int_equal(c.kept, kept);
	assert_int_equal(c.failed, failed);
}

static bool there(const char *path)
{
	char *full = xasprintf("%s%s", root, path);
	bool yes = !access(full, F_OK);

	free(full);
	return yes;
}

static void put(const char *path, u64 age_s)
{
	struct timespec t[2] = {{.tv_sec = (time_t)(NOW_S - age_s)},
				{.tv_sec = (time_t)(NOW_S - age_s)}};
	char *full = xasprintf("%s%s", root, path);

	fakeroot_puts(root, path, "x");
	assert_int_equal(utimensat(AT_FDCWD, full, t, 0), 0);
	free(full);
}

static void scan(const char *dir, bool cache)
{
	char *full = xasprintf("%s%s", root, dir);

	cleanup_files(&c, full, cache);
	free(full);
}

static int set_up(void **state)
{
	root = fakeroot_new();
	fakeroot_puts(root, "/proc/77/comm", "spoor\n");
	return 0;
}

static int tear_down(void **state)
{
	fakeroot_free(root);
	return 0;
}

static void test_owner(void **state)
{
	assert_int_equal(cleanup_owner("spoor-123"), 123);
	assert_int_equal(cleanup_owner("spoor_rec_9"), 9);
	assert_int_equal(cleanup_owner("spoor"), 0);
	assert_int_equal(cleanup_owner("spoor123"), 0);
	assert_int_equal(cleanup_owner("spoor-"), 0);
	assert_int_equal(cleanup_owner("123"), 0);
	assert_int_equal(cleanup_owner("spoor-99999999999999"), 0);
}

static void test_temporary_files(void **state)
{
	static const char *const others[] = {
		"/d/a.spoor",	       "/d/.a.spoor-" DEAD ".tmpx", "/d/.a.spoor-x1.tmp",
		"/d/.a.spoor-.tmp",    "/d/a.spoor-" DEAD ".tmp",   "/d/.a." DEAD ".tmp",
		"/d/.spoor-" DEAD ".t"};

	put("/d/.a.svg.spoor-" DEAD ".tmp", 3600);
	put("/d/.b.svg.spoor-77.tmp", 3600);
	put("/d/.c.svg.spoor-" DEAD ".tmp", 5);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		put(others[i], 3600);
	start(true, false);
	scan("/d", false);
	stop(1, 2, 0);
	assert_true(there("/d/.a.svg.spoor-" DEAD ".tmp"));
	start(false, true);
	scan("/d", false);
	stop(1, 2, 0);
	assert_false(there("/d/.a.svg.spoor-" DEAD ".tmp"));
	assert_true(there("/d/.b.svg.spoor-77.tmp"));
	assert_true(there("/d/.c.svg.spoor-" DEAD ".tmp"));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_true(there(others[i]));
	assert_non_null(strstr(said.p, "process 77 still runs"));
}

static void test_links_are_not_followed(void **state)
{
	char *from = xasprintf("%s/d/.l.spoor-" DEAD ".tmp", root);

	put("/d/target", 3600);
	assert_int_equal(symlink("target", from), 0);
	start(false, false);
	scan("/d", false);
	stop(0, 0, 0);
	assert_true(there("/d/target"));
	free(from);
}

static void test_cache(void **state)
{
	put("/cache/0123.sym." DEAD ".tmp", 3600);
	put("/cache/0123.sym.77.tmp", 3600);
	put("/cache/old.sym", 31 * 86400);
	put("/cache/young.sym", 29 * 86400);
	put("/cache/something.else", 99 * 86400);
	start(false, true);
	scan("/cache", true);
	scan("/nowhere", true);
	stop(2, 1, 0);
	assert_false(there("/cache/0123.sym." DEAD ".tmp"));
	assert_true(there("/cache/0123.sym.77.tmp"));
	assert_false(there("/cache/old.sym"));
	assert_true(there("/cache/young.sym"));
	assert_true(there("/cache/something.else"));
}

#define T "/sys/kernel/debug/tracing"
static void test_tracefs(void **state)
{
	char *events = xasprintf("%s" T "/uprobe_events", root), text[600] = {0};
	FILE *f;

	fakeroot_dirs(root, T "/instances/spoor-" DEAD "/");
	fakeroot_dirs(root, T "/instances/spoor-77/");
	fakeroot_dirs(root, T "/instances/mine/");
	fakeroot_puts(root, T "/uprobe_events",
		      "p:spoor_" DEAD "/open /bin/x:0x10\nr3:spoor_77/ret /bin/x:0x20\n"
		      "p:uprobes/spoor /bin/x:0x30\nx:spoor/bad\np:spoor\n");
	fakeroot_puts(root, T "/kprobe_events", "r8:spoor/read vfs_read\n");
	start(false, false);
	cleanup_tracefs(&c);
	stop(3, 2, 0);
	assert_false(there(T "/instances/spoor-" DEAD));
	assert_true(there(T "/instances/spoor-77"));
	assert_true(there(T "/instances/mine"));
	f = fopen(events, "r");
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	fclose(f);
	/* The kernel would take the line away; a plain file shows what it was told. */
	assert_non_null(strstr(text, "p:spoor\n-:spoor_" DEAD "/open\n"));
	assert_null(strstr(text, "-:spoor_77"));
	free(events);
}

static void test_without_owner_while_another_runs(void **state)
{
	fakeroot_dirs(root, T "/instances/spoor/");
	start(false, true);
	cleanup_tracefs(&c);
	stop(0, 1, 0);
	assert_true(there(T "/instances/spoor"));
	start(false, false);
	cleanup_tracefs(&c);
	stop(1, 0, 0);
	assert_false(there(T "/instances/spoor"));
}

static void test_pins(void **state)
{
	fakeroot_puts(root, "/sys/fs/bpf/spoor/maps/seen", "");
	fakeroot_puts(root, "/sys/fs/bpf/spoor/prog", "");
	fakeroot_puts(root, "/sys/fs/bpf/spoor_link", "");
	fakeroot_puts(root, "/sys/fs/bpf/other/spoor", "");
	start(true, false);
	cleanup_bpffs(&c);
	stop(2, 0, 0);
	start(false, false);
	cleanup_bpffs(&c);
	stop(2, 0, 0);
	assert_false(there("/sys/fs/bpf/spoor"));
	assert_false(there("/sys/fs/bpf/spoor_link"));
	assert_true(there("/sys/fs/bpf/other/spoor"));
}

static void test_nothing_there(void **state)
{
	start(false, false);
	cleanup_tracefs(&c);
	cleanup_bpffs(&c);
	stop(0, 0, 0);
	assert_string_equal(buf_str(&said), "");
}

int main(void)
{
#define IN_A_ROOT(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owner),
		IN_A_ROOT(test_temporary_files),
		IN_A_ROOT(test_links_are_not_followed),
		IN_A_ROOT(test_cache),
		IN_A_ROOT(test_tracefs),
		IN_A_ROOT(test_without_owner_while_another_runs),
		IN_A_ROOT(test_pins),
		IN_A_ROOT(test_nothing_there),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	buf_done(&said);
	return rc;
}
