// SPDX-License-Identifier: Apache-2.0
/* What /proc and /sys say: a made-up machine for every form, and this process for the real one. */
#include "test.h"

#include <sys/syscall.h>

#include "fakeroot.h"
#include "sys/sys.h"

struct seen {
	struct proc_map maps[16];
	char paths[16][64];
	size_t n;
};

static int keep_map(const struct proc_map *m, void *arg)
{
	struct seen *s = arg;

	assert_true(s->n < 16);
	snprintf(s->paths[s->n], sizeof(s->paths[0]), "%s", m->path);
	s->maps[s->n++] = *m;
	return 0;
}

static void test_maps_every_form(void **state)
{
	static const char text[] =
		"55d0-55d1 r-xp 00002000 fe:01 1234                      /usr/bin/my prog\n"
		"nonsense\n"
		"7f00-7f10 rw-p 00000000 00:00 0 \n"
		"7f10-7f20 r-xp 00000000 00:05 99   /memfd:x (deleted)\n"
		"7f20-7f21 r-xp 00000000 00:00 0                          [vdso]\n"
		"7f30-7f31 r--s fffffffffffff000 103:1f 18446744073709551615 /a\\012b\n"
		"8000-7000 r-xp 0 00:00 0 /backwards\n"
		"fffff-1ffffffffffffffff r-xp 0 00:00 0 /overflow\n"
		"7f40-7f41 r-xp 0 00:00 0 /last";
	struct seen s = {0};

	assert_int_equal(proc_maps_parse(text, sizeof(text) - 1, keep_map, &s), 0);
	assert_int_equal(s.n, 6);
	assert_string_equal(s.paths[0], "/usr/bin/my prog");
	assert_true(s.maps[0].start == 0x55d0 && s.maps[0].end == 0x55d1);
	assert_true(s.maps[0].pgoff == 0x2000 && s.maps[0].maj == 0xfe && s.maps[0].min == 1);
	assert_true(s.maps[0].ino == 1234 && s.maps[0].exec && !s.maps[0].write);
	assert_string_equal(s.paths[1], "");
	assert_true(s.maps[1].write && !s.maps[1].exec);
	assert_string_equal(s.paths[2], "/memfd:x");
	assert_true(s.maps[2].deleted && !s.maps[3].deleted);
	assert_string_equal(s.paths[3], "[vdso]");
	assert_string_equal(s.paths[4], "/a\nb");
	assert_true(s.maps[4].ino == UINT64_MAX && s.maps[4].maj == 0x103 && s.maps[4].min == 0x1f);
	assert_string_equal(s.paths[5], "/last");
}

static int find_self(const struct proc_map *m, void *arg)
{
	if ((u64)(uintptr_t)find_self >= m->start && (u64)(uintptr_t)find_self < m->end)
		*(bool *)arg = m->exec && strstr(m->path, "test_sys");
	return 0;
}

static int count_ids(pid_t id, void *arg)
{
	pid_t *want = arg;

	if (id == want[0])
		want[1]++;
	return 0;
}

static void test_own_process(void **state)
{
	pid_t ids[2] = {getpid(), 0};
	struct proc_stat st;
	char comm[16], exe[4096];
	bool found = false;

	assert_int_equal(proc_maps("", getpid(), find_self, &found), 0);
	assert_true(found);
	assert_int_equal(proc_each("", 0, count_ids, ids), 0);
	assert_int_equal(ids[1], 1);
	assert_int_equal(proc_each("", getpid(), count_ids, ids), 0);
	assert_int_equal(ids[1], 2);
	assert_int_equal(proc_stat("", getpid(), &st), 0);
	assert_true(st.ppid == getppid() && st.tgid == getpid() && st.uid == getuid());
	assert_true(st.ns_pid == getpid() && st.state == 'R' && st.start_ticks > 0);
	assert_int_equal(proc_comm("", getpid(), comm), 0);
	assert_string_equal(comm, "test_sys");
	assert_int_equal(proc_exe("", getpid(), exe, sizeof(exe)), 0);
	assert_true(str_ends(exe, "/test_sys"));
	assert_int_equal(proc_exe("", getpid(), exe, 5), -ENAMETOOLONG);
	assert_true(proc_mnt_ns("", getpid()) > 0);
}

static void test_process_that_is_gone(void **state)
{
	struct proc_stat st;
	char comm[16];

	assert_int_equal(proc_maps("", INT32_MAX, keep_map, NULL), -ENOENT);
	assert_int_equal(proc_stat("", INT32_MAX, &st), -ENOENT);
	assert_int_equal(proc_comm("", INT32_MAX, comm), -ENOENT);
	assert_true(proc_mnt_ns("", INT32_MAX) == 0);
}

static void test_stat_with_a_hostile_comm(void **state)
{
	char *root = fakeroot_new();
	struct proc_stat st;
	char comm[16];

	fakeroot_puts(root, "/proc/7/stat",
		      "7 (a) S 1) (\n) Z 3 7 7 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 4242 1 2\n");
	fakeroot_puts(
		root, "/proc/7/status",
		"Name:\ta) S 1) (\nUmask:\t0022\nTgid:\t6\nNgid:\t0\nPid:\t7\n"
		"Uid:\t1000\t1001\t1002\t1003\nNStgid:\t6\t2\nNSpid:\t7\t55\t3\nNSpgid:\t9\n");
	fakeroot_puts(root, "/proc/7/comm", "0123456789abcdefghij\n");
	assert_int_equal(proc_stat(root, 7, &st), 0);
	assert_true(st.state == 'Z' && st.ppid == 3 && st.start_ticks == 4242);
	assert_true(st.tgid == 6 && st.uid == 1000 && st.ns_pid == 3);
	assert_int_equal(proc_comm(root, 7, comm), 0);
	assert_string_equal(comm, "0123456789abcde");
	fakeroot_puts(root, "/proc/7/stat", "7 (a) S 1");
	assert_int_equal(proc_stat(root, 7, &st), -EINVAL);
	fakeroot_puts(root, "/proc/7/stat", "");
	assert_int_equal(proc_stat(root, 7, &st), -EINVAL);
	fakeroot_free(root);
}

static void test_cpus_and_sysctl(void **state)
{
	char *root = fakeroot_new(), id[40];
	struct buf cpus = {0};
	s64 v;

	fakeroot_puts(root, "/sys/devices/system/cpu/online", "0-1,4\n");
	assert_int_equal(cpus_online(root, &cpus), 0);
	assert_int_equal(cpus.n, 5);
	assert_memory_equal(cpus.p, "\1\1\0\0\1", 5);
	fakeroot_puts(root, "/sys/devices/system/cpu/online", "what\n");
	assert_int_equal(cpus_online(root, &cpus), -EINVAL);
	buf_done(&cpus);
	fakeroot_puts(root, "/proc/sys/kernel/perf_event_paranoid", "-1\n");
	assert_int_equal(sysctl_get(root, "kernel.perf_event_paranoid", &v), 0);
	assert_true(v == -1);
	assert_int_equal(sysctl_get(root, "kernel.nothing", &v), -ENOENT);
	fakeroot_puts(root, "/proc/sys/kernel/random/boot_id",
		      "0f8fad5b-d9cb-469f-a165-70867728950e\n");
	assert_int_equal(boot_id(root, id), 0);
	assert_string_equal(id, "0f8fad5b-d9cb-469f-a165-70867728950e");
	fakeroot_puts(root, "/proc/sys/kernel/random/boot_id", "x\n");
	assert_int_equal(boot_id(root, id), -EINVAL);
	fakeroot_free(root);
}

struct ksyms {
	char text[16][96];
	size_t n;
};

static int keep_ksym(const struct ksym *k, void *arg)
{
	struct ksyms *s = arg;

	assert_true(s->n < 16);
	snprintf(s->text[s->n++], sizeof(s->text[0]), "%llx %c %s [%s]",
		 (unsigned long long)k->addr, k->type, k->name, k->module);
	return 0;
}

static void test_kallsyms_forms(void **state)
{
	char *root = fakeroot_new();
	struct ksyms s = {0};

	assert_int_equal(kallsyms_each(root, keep_ksym, &s), -ENOENT);
	fakeroot_puts(
		root, "/proc/kallsyms",
		"0000000000000000 A fixed_percpu_data\nffffffff81000000 T _text\nbad line\n"
		"ffffffffc0001000 t ext4_x.isra.0\t[ext4]\nffffffffc0002000 t bpf_prog_1\t[bpf]\n"
		"ffffffff81000010 w last");
	assert_int_equal(kallsyms_each(root, keep_ksym, &s), 0);
	assert_int_equal(s.n, 4);
	assert_string_equal(s.text[0], "ffffffff81000000 T _text []");
	assert_string_equal(s.text[1], "ffffffffc0001000 t ext4_x.isra.0 [ext4]");
	assert_string_equal(s.text[2], "ffffffffc0002000 t bpf_prog_1 [bpf]");
	assert_string_equal(s.text[3], "ffffffff81000010 w last []");
	fakeroot_puts(root, "/proc/kallsyms", "0000000000000000 T _text\n0000000000000000 T x\n");
	assert_int_equal(kallsyms_each(root, keep_ksym, &s), -EPERM);
	assert_non_null(strstr(err_msg(), "kptr_restrict"));
	fakeroot_free(root);
}

static int count_ksym(const struct ksym *k, void *arg)
{
	++*(u64 *)arg;
	return 0;
}

/* Lines that cross the reader's blocks are not lost or cut. */
static void test_kallsyms_many_lines(void **state)
{
	char *root = fakeroot_new();
	struct buf text = {0};
	u64 n = 0, i;

	for (i = 1; i <= 50000; i++)
		buf_addf(&text, "%016llx t function_%llu\n", (unsigned long long)i,
			 (unsigned long long)i);
	fakeroot_put(root, "/proc/kallsyms", text.p, text.n);
	assert_int_equal(kallsyms_each(root, count_ksym, &n), 0);
	assert_true(n == 50000);
	buf_done(&text);
	fakeroot_free(root);
}

static void test_kernel_build_id(void **state)
{
	static const char notes[] = "\6\0\0\0\1\0\0\0\0\1\0\0Linux\0\0\0\0\0\0\0"
				    "\4\0\0\0\24\0\0\0\3\0\0\0GNU\0"
				    "ABCDEFGHIJKLMNOPQRST";
	char *root = fakeroot_new();
	u8 id[20];

	fakeroot_put(root, "/sys/kernel/notes", notes, sizeof(notes) - 1);
	assert_int_equal(kernel_build_id(root, id), 20);
	assert_memory_equal(id, "ABCDEFGHIJKLMNOPQRST", 20);
	fakeroot_put(root, "/sys/kernel/notes", notes, sizeof(notes) - 2);
	assert_int_equal(kernel_build_id(root, id), -ENOENT);
	fakeroot_put(root, "/sys/kernel/notes", "\377\377\377\377\377\377\377\377\3\0\0\0GNU", 16);
	assert_int_equal(kernel_build_id(root, id), -ENOENT);
	fakeroot_free(root);
}

static void test_cgroup_lookup(void **state)
{
	char *root = fakeroot_new(), *dir = xasprintf("%s/mnt/c g/a/b", root);
	struct arena a = {0};
	struct stat st;
	u32 level;
	u64 id;

	fakeroot_puts(root, "/proc/self/mountinfo", "22 1 0:20 / /sys rw - sysfs sysfs rw\n");
	assert_null(cgroup2_mount(&a, root));
	assert_int_equal(cgroup_lookup(root, "a", &id, &level), -ENOENT);
	fakeroot_puts(root, "/proc/self/mountinfo",
		      "22 1 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
		      "30 22 0:26 /deep /mnt/c\\040g rw - cgroup2 cgroup2 rw\n");
	assert_string_equal(cgroup2_mount(&a, root), "/mnt/c g");
	fakeroot_puts(root, "/mnt/c g/a/b/cgroup.procs", "");
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(cgroup_lookup(root, "a/b", &id, &level), 0);
	assert_true(id == st.st_ino);
	assert_int_equal(level, 3);
	assert_int_equal(cgroup_lookup(root, "/a/b/", &id, &level), 0);
	assert_true(id == st.st_ino);
	assert_int_equal(cgroup_lookup(root, "/mnt/c g/a/b", &id, &level), 0);
	assert_true(id == st.st_ino);
	assert_int_equal(cgroup_lookup(root, "nothing", &id, &level), -ENOENT);
	assert_int_equal(cgroup_lookup(root, "../..", &id, &level), -ENOENT);
	assert_int_equal(cgroup_lookup(root, "a/b/cgroup.procs", &id, &level), -ENOTDIR);
	arena_done(&a);
	free(dir);
	fakeroot_free(root);
}

static void test_cgroup_of_this_machine(void **state)
{
	struct arena a = {0};
	const char *mount = cgroup2_mount(&a, "");
	struct stat st;
	u32 level;
	u64 id;

	if (!mount)
		skip();
	assert_int_equal(cgroup_lookup("", mount, &id, &level), 0);
	assert_int_equal(stat(mount, &st), 0);
	assert_true(id == st.st_ino);
	assert_int_equal(cgroup_lookup("", "/", &id, &level), 0);
	assert_true(id == st.st_ino);
	arena_done(&a);
}

static void test_arch_tables(void **state)
{
	assert_string_equal(arch_x86_64.regs[arch_x86_64.reg_ip], "ip");
	assert_string_equal(arch_x86_64.regs[arch_x86_64.reg_sp], "sp");
	assert_string_equal(arch_x86_64.regs[arch_x86_64.reg_fp], "bp");
	assert_string_equal(arch_aarch64.regs[arch_aarch64.reg_ip], "pc");
	assert_string_equal(arch_aarch64.regs[arch_aarch64.reg_sp], "sp");
	assert_string_equal(arch_aarch64.regs[arch_aarch64.reg_fp], "x29");
	assert_int_equal(arch_x86_64.nregs, 21);
	assert_int_equal(arch_aarch64.nregs, 34);
	assert_true((u64)(uintptr_t)arch_host < arch_host()->kernel_addr_min);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps_every_form),
		cmocka_unit_test(test_own_process),
		cmocka_unit_test(test_process_that_is_gone),
		cmocka_unit_test(test_stat_with_a_hostile_comm),
		cmocka_unit_test(test_cpus_and_sysctl),
		cmocka_unit_test(test_kallsyms_forms),
		cmocka_unit_test(test_kallsyms_many_lines),
		cmocka_unit_test(test_kernel_build_id),
		cmocka_unit_test(test_cgroup_lookup),
		cmocka_unit_test(test_cgroup_of_this_machine),
		cmocka_unit_test(test_arch_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
