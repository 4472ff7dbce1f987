// SPDX-License-Identifier: Apache-2.0
/* Names: of programs built here against nm, of made-up machines, of files that changed. */
#include "test.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "build.h"
#include "sym/sym.h"
#include "sys/sys.h"

struct fixture {
	char *dir;
	char cache[4200];
	struct sym_opts o;
	struct sym_ctx *c;
};

static void fixture_begin(struct fixture *f, bool made_up)
{
	memset(f, 0, sizeof(*f));
	f->dir = fakeroot_new();
	snprintf(f->cache, sizeof(f->cache), "%s/cache", f->dir);
	f->o = (struct sym_opts){.root = made_up ? f->dir : "", .cache_dir = f->cache};
	f->c = sym_new(&f->o);
	free(program_put(f->dir));
}

static void fixture_again(struct fixture *f)
{
	sym_free(f->c);
	f->c = sym_new(&f->o);
}

static void fixture_end(struct fixture *f)
{
	sym_free(f->c);
	fakeroot_free(f->dir);
}

static struct sym_id id_of(const char *path)
{
	struct sym_id id = {0};
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	id.dev = st.st_dev;
	id.ino = st.st_ino;
	return id;
}

/* The module of a file by its path alone; nobody has it mapped. */
static struct sym_module *module_of(struct fixture *f, const char *path)
{
	char *full = xasprintf("%s%s", f->o.root, path);
	struct sym_id id = id_of(full);

	free(full);
	return sym_module(f->c, 0, 0, 0, path, &id);
}

static u64 addr_of(const char *path, const char *name)
{
	char *cmd = xasprintf("nm %s | awk '$3 == \"%s\" {print $1}'", path, name);
	FILE *p = popen(cmd, "r");
	unsigned long long addr;

	if (fscanf(p, "%llx", &addr) != 1)
		fail_msg("nm knows no %s in %s", name, path);
	pclose(p);
	free(cmd);
	return addr;
}

static u64 off_of(const char *path, u64 addr)
{
	struct elf *e = elf_open(path);
	u64 off = elf_addr_to_off(e, addr);

	elf_close(e);
	assert_true(off != UINT64_MAX);
	return off;
}

static void assert_named(struct fixture *f, struct sym_module *m, u64 off, const char *name,
			 u64 offset)
{
	struct sym_result r;

	sym_lookup(f->c, m, off, &r);
	if (!r.name)
		fail_msg("%s: no name: %s", name, r.why);
	assert_string_equal(r.name, name);
	assert_true(r.offset == offset);
}

static void assert_unnamed(struct fixture *f, struct sym_module *m, u64 off, const char *why)
{
	struct sym_result r;

	sym_lookup(f->c, m, off, &r);
	if (r.name)
		fail_msg("%s is named, but: %s", r.name, why);
	assert_string_equal(r.why, why);
	assert_true(r.offset == off);
}

/* Every function that nm gives has a name that nm gives for that address, up to its last byte. */
static int compare_with_nm(struct fixture *f, struct sym_module *m, const char *path,
			   const char *nm_flags)
{
	char *cmd = xasprintf("nm %s -S --defined-only %s", nm_flags, path), line[65536];
	struct elf *e = elf_open(path);
	struct intern pairs = {0};
	FILE *p = popen(cmd, "r");
	VEC(u64) addrs = {0}, sizes = {0};
	u32 known;
	size_t i;

	while (fgets(line, sizeof(line), p)) {
		unsigned long long addr, size;
		char type, name[32768], pair[40000];

		if (sscanf(line, "%llx %llx %c %32767s", &addr, &size, &type, name) != 4 ||
		    !strchr("tTwWi", type) || !size)
			continue;
		name[1 + strcspn(name + 1, "@")] = 0;
		snprintf(pair, sizeof(pair), "%llx %s", addr, name);
		intern_adds(&pairs, pair);
		if (elf_addr_to_off(e, addr) == UINT64_MAX)
			continue;
		vec_push(&addrs, addr);
		vec_push(&sizes, size);
	}
	pclose(p);
	known = intern_count(&pairs);
	for (i = 0; i < addrs.n; i++) {
		struct sym_result r;
		char pair[40000];

		sym_lookup(f->c, m, elf_addr_to_off(e, addrs.v[i]), &r);
		if (!r.name)
			fail_msg("%s: nothing at %llx: %s", path, (unsigned long long)addrs.v[i],
				 r.why);
		snprintf(pair, sizeof(pair), "%llx %s", (unsigned long long)(addrs.v[i] - r.offset),
			 r.name);
		intern_adds(&pairs, pair);
		if (intern_count(&pairs) != known)
			fail_msg("%s: nm does not know %s", path, pair);
		sym_lookup(f->c, m, elf_addr_to_off(e, addrs.v[i] + sizes.v[i] - 1), &r);
		assert_non_null(r.name);
	}
	i = addrs.n;
	vec_done(&addrs);
	vec_done(&sizes);
	intern_done(&pairs);
	elf_close(e);
	free(cmd);
	return (int)i;
}

static void test_names_as_nm(void **state)
{
	static const char *const flags[] = {"", "-no-pie", "-static", "-static-pie",
					    "-shared -fPIC"};
	struct fixture f;
	char path[4200];
	size_t i;

	fixture_begin(&f, false);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		snprintf(path, sizeof(path), "%s/p%zu", f.dir, i);
		sh("gcc -w -g %s -o %s %s/p.c -lm", flags[i], path, f.dir);
		assert_true(compare_with_nm(&f, module_of(&f, path), path, "") >= 6);
	}
	assert_int_equal(proc_exe("", getpid(), path, sizeof(path)), 0);
	assert_true(compare_with_nm(&f, module_of(&f, path), path, "") > 100);
	fixture_end(&f);
}

/* A stripped library: exported names; and once more from the cache. */
static void test_library_as_nm_twice(void **state)
{
	FILE *p = popen("realpath $(gcc -print-file-name=libc.so.6)", "r");
	struct sym_stats st;
	struct fixture f;
	char path[4200];
	int n;

	assert_non_null(fgets(path, sizeof(path), p));
	path[strcspn(path, "\n")] = 0;
	pclose(p);
	fixture_begin(&f, false);
	n = compare_with_nm(&f, module_of(&f, path), path, "-D");
	assert_true(n > 1000);
	sym_stats(f.c, &st);
	assert_true(st.cache_hits == 0 && st.cache_misses == 1);
	fixture_again(&f);
	assert_int_equal(compare_with_nm(&f, module_of(&f, path), path, "-D"), n);
	sym_stats(f.c, &st);
	assert_true(st.cache_hits == 1 && st.cache_misses == 0);
	fixture_end(&f);
}

static void test_which_name_and_where_it_ends(void **state)
{
	struct sym_module *m;
	struct fixture f;
	char p[4200];
	u64 off;

	fixture_begin(&f, false);
	snprintf(p, sizeof(p), "%s/p", f.dir);
	sh("gcc -w -g -o %s %s/p.c", p, f.dir);
	m = module_of(&f, p);
	/* global before weak, and the first of equals */
	off = off_of(p, addr_of(p, "global_two"));
	assert_int_equal(off, off_of(p, addr_of(p, "weak_alias")));
	assert_named(&f, m, off + 1, "global_two", 1);
	assert_named(&f, m, off_of(p, addr_of(p, "weak_three")), "weak_three", 0);
	assert_named(&f, m, off_of(p, addr_of(p, "local_one")), "local_one", 0);
	/* no size: up to the next symbol */
	off = off_of(p, addr_of(p, "asm_unsized"));
	assert_named(&f, m, off + 2, "asm_unsized", 2);
	/* past a size there is nothing */
	off = off_of(p, addr_of(p, "asm_sized"));
	assert_named(&f, m, off, "asm_sized", 0);
	assert_unnamed(&f, m, off + 1, "no function there");
	assert_unnamed(&f, m, off + 40, "no function there");
	assert_unnamed(&f, m, 1u << 30, "no function there");
	fixture_end(&f);
}

static void test_cxx_names(void **state)
{
	static const char text[] = "namespace ns { template <class T> struct box { "
				   "__attribute__((noinline)) T get(T a) "
				   "{ return a + 1; } }; }\nint main(int c, char **) { "
				   "ns::box<long> b; return b.get(c); }\n";
	struct sym_module *m;
	struct sym_result r;
	struct buf out = {0};
	struct fixture f;
	char p[4200];

	fixture_begin(&f, false);
	fakeroot_puts(f.dir, "/c.cc", text);
	snprintf(p, sizeof(p), "%s/c", f.dir);
	sh("gcc -w -g -x c++ -o %s %s/c.cc -lstdc++", p, f.dir);
	m = module_of(&f, p);
	sym_lookup(f.c, m, off_of(p, addr_of(p, "_ZN2ns3boxIlE3getEl")), &r);
	assert_string_equal(r.name, "_ZN2ns3boxIlE3getEl");
	assert_true(sym_demangle(r.name, &out, NULL));
	assert_string_equal(out.p, "ns::box<long>::get(long)");
	buf_done(&out);
	fixture_end(&f);
}

/* Stripped programs and where their names may be; each way alone. */
static void separate_debug(const char *how, bool found)
{
	struct sym_module *m;
	struct fixture f;
	char bin[4200];
	u64 off;

	fixture_begin(&f, true);
	sh("cd %s && mkdir -p bin && gcc -w -g -Wl,--build-id=0xabcdef0123 -o whole p.c && "
	   "objcopy --only-keep-debug whole the.debug && cp whole bin/p && strip bin/p",
	   f.dir);
	sh("cd %s && %s", f.dir, how);
	snprintf(bin, sizeof(bin), "%s/whole", f.dir);
	off = off_of(bin, addr_of(bin, "local_one"));
	m = module_of(&f, "/bin/p");
	if (found)
		assert_named(&f, m, off, "local_one", 0);
	else
		assert_unnamed(&f, m, off, "stripped");
	/* imported functions have names either way */
	fixture_end(&f);
}

static void test_separate_debug_files(void **state)
{
	separate_debug("true", false);
	separate_debug("mkdir -p usr/lib/debug/.build-id/ab && cp the.debug "
		       "usr/lib/debug/.build-id/ab/cdef0123.debug",
		       true);
	separate_debug("objcopy --add-gnu-debuglink=the.debug bin/p && cp the.debug bin", true);
	separate_debug("objcopy --add-gnu-debuglink=the.debug bin/p && mkdir bin/.debug && cp "
		       "the.debug bin/.debug",
		       true);
	separate_debug(
		"objcopy --add-gnu-debuglink=the.debug bin/p && mkdir -p usr/lib/debug/bin && "
		"cp the.debug usr/lib/debug/bin",
		true);
	/* another build's file in its place */
	separate_debug(
		"mkdir -p usr/lib/debug/.build-id/ab && gcc -w -g -O2 -Wl,--build-id=0x01 -o o "
		"p.c && objcopy --only-keep-debug o usr/lib/debug/.build-id/ab/cdef0123.debug",
		false);
	/* no build-ids: the CRC decides */
	separate_debug(
		"gcc -w -g -Wl,--build-id=none -o whole p.c && objcopy --only-keep-debug whole "
		"x.debug && cp whole bin/p && strip bin/p && objcopy "
		"--add-gnu-debuglink=x.debug bin/p && cp x.debug bin",
		true);
	separate_debug(
		"gcc -w -g -Wl,--build-id=none -o whole p.c && objcopy --only-keep-debug whole "
		"x.debug && cp whole bin/p && strip bin/p && objcopy "
		"--add-gnu-debuglink=x.debug bin/p && cp x.debug bin && echo >> bin/x.debug",
		false);
	/* .gnu_debugdata */
	separate_debug("xz -k the.debug && objcopy --add-section .gnu_debugdata=the.debug.xz bin/p",
		       true);
}

static void test_debug_package_comes_later(void **state)
{
	struct sym_module *m;
	struct fixture f;
	char bin[4200];
	u64 off;

	fixture_begin(&f, true);
	sh("cd %s && mkdir bin && gcc -w -g -static -Wl,--build-id=0xabcdef0123 -o whole p.c && "
	   "objcopy "
	   "--only-keep-debug whole the.debug && cp whole bin/p && strip bin/p && xz the.debug -k "
	   "&& "
	   "objcopy --add-section .gnu_debugdata=the.debug.xz bin/p",
	   f.dir);
	snprintf(bin, sizeof(bin), "%s/whole", f.dir);
	off = off_of(bin, addr_of(bin, "local_one"));
	assert_named(&f, module_of(&f, "/bin/p"), off, "local_one", 0);
	fixture_again(&f);
	sh("cd %s && mkdir -p usr/lib/debug/.build-id/ab && objcopy --redefine-sym "
	   "local_one=better_name the.debug usr/lib/debug/.build-id/ab/cdef0123.debug",
	   f.dir);
	m = module_of(&f, "/bin/p");
	assert_named(&f, m, off, "better_name", 0);
	fixture_end(&f);
}

static void test_replaced_file_has_no_names(void **state)
{
	struct sym_module *m;
	struct sym_stats st;
	struct sym_id id;
	struct fixture f;
	char p[4200];
	u64 off;

	fixture_begin(&f, false);
	snprintf(p, sizeof(p), "%s/p", f.dir);
	sh("gcc -w -g -Wl,--build-id=none -o %s %s/p.c", p, f.dir);
	off = off_of(p, addr_of(p, "main"));
	/* another inode under the same name */
	id = id_of(p);
	sh("cd %s && cp p q && mv q p", f.dir);
	assert_unnamed(&f, sym_module(f.c, 0, 0, 0, p, &id), off, "file replaced");
	/* another build-id than the kernel saw */
	id = id_of(p);
	id.build_id_len = 20;
	assert_unnamed(&f, sym_module(f.c, 0, 0, 0, p, &id), off, "file replaced");
	/* changed after it was mapped */
	id = id_of(p);
	id.mapped_ns = clock_wall_ns() - 3600 * NSEC_PER_SEC;
	assert_unnamed(&f, sym_module(f.c, 0, 0, 0, p, &id), off, "file replaced");
	sym_stats(f.c, &st);
	assert_true(st.rejected_identity == 3);
	/* rewritten in place after it was opened */
	id = id_of(p);
	id.mapped_ns = clock_wall_ns() + NSEC_PER_SEC;
	m = sym_module(f.c, 0, 0, 0, p, &id);
	sh("cd %s && gcc -w -O2 -Wl,--build-id=none -o q p.c && cat q > p", f.dir);
	assert_unnamed(&f, m, off, "file replaced");
	/* gone */
	unlink(p);
	id.ino = 1;
	assert_unnamed(&f, sym_module(f.c, 0, 0, 0, p, &id), off, "file gone");
	fixture_end(&f);
}

static void test_deleted_after_opening(void **state)
{
	struct sym_module *m;
	struct sym_id id;
	struct fixture f;
	char p[4200];
	u64 off;

	fixture_begin(&f, false);
	snprintf(p, sizeof(p), "%s/p", f.dir);
	sh("gcc -w -g -o %s %s/p.c", p, f.dir);
	off = off_of(p, addr_of(p, "main"));
	id = id_of(p);
	m = sym_module(f.c, 0, 0, 0, p, &id);
	unlink(p);
	assert_named(&f, m, off + 1, "main", 1);
	assert_string_equal(sym_module_path(m), p);
	fixture_end(&f);
}

/* A child that runs p and waits; its pid. */
static pid_t child_running(const char *p)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(p, p, NULL);
		_exit(127);
	}
	return pid;
}

struct find {
	const char *path;
	struct proc_map m;
	bool found;
};

static int find_text(const struct proc_map *m, void *arg)
{
	struct find *f = arg;

	if (!m->exec || strcmp(m->path, f->path))
		return 0;
	f->m = *m;
	f->found = true;
	return 1;
}

static void text_of(pid_t pid, const char *path, struct find *find)
{
	int i;

	*find = (struct find){.path = path};
	for (i = 0; i < 2000 && !find->found; i++) {
		proc_maps("", pid, find_text, find);
		usleep(1000);
	}
	assert_true(find->found);
}

/* Deleted, and another put in its place, while it runs: map_files still has the right one. */
static void test_deleted_while_it_runs(void **state)
{
	struct sym_id id = {0};
	struct find find;
	struct sym_module *m;
	struct fixture f;
	char p[4200];
	pid_t pid;
	u64 off;

	if (geteuid())
		skip();
	fixture_begin(&f, false);
	fakeroot_puts(f.dir, "/w.c",
		      "int wait_here(void) { return pause(); } int main() { "
		      "return wait_here(); }");
	snprintf(p, sizeof(p), "%s/w", f.dir);
	sh("gcc -w -g -Wl,--build-id=none -o %s %s/w.c", p, f.dir);
	off = off_of(p, addr_of(p, "wait_here"));
	pid = child_running(p);
	text_of(pid, p, &find);
	unlink(p);
	sh("gcc -w -g -O2 -Dwait_here=wrong -o %s %s/w.c", p, f.dir);
	id.dev = makedev(find.m.maj, find.m.min);
	id.ino = find.m.ino;
	m = sym_module(f.c, pid, find.m.start, find.m.end, p, &id);
	assert_named(&f, m, off, "wait_here", 0);
	/* with the time of mapping: deleting is no change */
	fixture_again(&f);
	id.mapped_ns = clock_wall_ns();
	usleep(20000);
	m = sym_module(f.c, pid, find.m.start, find.m.end, p, &id);
	assert_named(&f, m, off, "wait_here", 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* after its end there is only the wrong file */
	fixture_again(&f);
	m = sym_module(f.c, pid, find.m.start, find.m.end, p, &id);
	assert_unnamed(&f, m, off, "file replaced");
	fixture_end(&f);
}

/* A process that sees other files than we do: its own, by its own paths, links included. */
static void test_in_another_root(void **state)
{
	struct sym_module *m;
	struct sym_id id;
	struct fixture f;
	char in[4200], out[4200];
	u64 off;

	fixture_begin(&f, true);
	sh("cd %s && mkdir -p proc/55/root/real real && ln -s /real proc/55/root/lib && ln -s "
	   "real "
	   "lib && gcc -w -g -Wl,--build-id=none -o proc/55/root/real/p p.c && gcc -w -O2 "
	   "-Dlocal_one=wrong -Wl,--build-id=none -o real/p p.c",
	   f.dir);
	snprintf(in, sizeof(in), "%s/proc/55/root/real/p", f.dir);
	snprintf(out, sizeof(out), "%s/real/p", f.dir);
	off = off_of(in, addr_of(in, "local_one"));
	id = id_of(in);
	m = sym_module(f.c, 55, 0x1000, 0x2000, "/lib/p", &id);
	assert_named(&f, m, off, "local_one", 0);
	assert_string_equal(sym_module_path(m), "/lib/p");
	/* our own file of that name is not taken for the process's */
	fixture_again(&f);
	sh("rm %s", in);
	m = sym_module(f.c, 55, 0x1000, 0x2000, "/lib/p", &id);
	assert_unnamed(&f, m, off, "file replaced");
	/* a device in the file's place is not opened */
	sh("mkfifo %s", in);
	unlink(out);
	m = sym_module(f.c, 55, 0x1000, 0x3000, "/lib/p2", &id);
	assert_unnamed(&f, m, off, "file gone");
	m = sym_module(f.c, 55, 0x1000, 0x3000, "/real/p", &id);
	assert_unnamed(&f, m, off, "not a regular file");
	fixture_end(&f);
}

/* One that could not be opened through one process is opened through another. */
static void test_second_chance(void **state)
{
	struct sym_module *m;
	struct sym_id id;
	struct fixture f;
	char p[4200];
	u64 off;

	fixture_begin(&f, true);
	sh("cd %s && mkdir -p proc/55/root/x && gcc -w -g -o proc/55/root/x/p p.c", f.dir);
	snprintf(p, sizeof(p), "%s/proc/55/root/x/p", f.dir);
	off = off_of(p, addr_of(p, "main"));
	id = id_of(p);
	m = sym_module(f.c, 54, 0x1000, 0x2000, "/x/p", &id);
	assert_unnamed(&f, m, off, "file gone");
	assert_ptr_equal(sym_module(f.c, 55, 0x1000, 0x2000, "/x/p", &id), m);
	assert_named(&f, m, off, "main", 0);
	fixture_end(&f);
}

/* The cache knew the stripped file; the same build with its symbols is better. */
static void test_unstripped_after_stripped(void **state)
{
	struct sym_stats st;
	struct fixture f;
	struct buf src = {0};
	char p[4200], q[4200];
	int i;
	u64 off;

	fixture_begin(&f, false);
	for (i = 0; i < 300; i++)
		buf_addf(&src, "int f%d(void) { return %d; }\n", i, i);
	buf_adds(&src, "static __attribute__((noinline, used)) int hidden(void) { return 1; }\n");
	fakeroot_put(f.dir, "/many.c", src.p, src.n);
	buf_done(&src);
	snprintf(p, sizeof(p), "%s/p.so", f.dir);
	snprintf(q, sizeof(q), "%s/q.so", f.dir);
	sh("cd %s && gcc -w -shared -fPIC -Wl,--build-id -o p.so many.c && strip -o q.so p.so",
	   f.dir);
	off = off_of(p, addr_of(p, "hidden"));
	assert_unnamed(&f, module_of(&f, q), off, "stripped");
	fixture_again(&f);
	assert_unnamed(&f, module_of(&f, q), off, "stripped");
	sym_stats(f.c, &st);
	assert_true(st.cache_hits == 1);
	fixture_again(&f);
	assert_named(&f, module_of(&f, p), off, "hidden", 0);
	fixture_again(&f);
	assert_named(&f, module_of(&f, q), off, "hidden", 0);
	fixture_end(&f);
}

static void test_same_build_id_is_same_module(void **state)
{
	struct sym_module *a, *b;
	struct sym_id id;
	struct fixture f;
	char p[4200], q[4200];
	u8 bid[20];
	struct elf *e;

	fixture_begin(&f, false);
	snprintf(p, sizeof(p), "%s/p", f.dir);
	snprintf(q, sizeof(q), "%s/q", f.dir);
	sh("cd %s && gcc -w -g -Wl,--build-id -o p p.c && cp p q", f.dir);
	a = module_of(&f, p);
	assert_ptr_equal(module_of(&f, p), a);
	b = module_of(&f, q);
	assert_ptr_equal(a, b);
	/* the kernel gave the build-id: no file is needed any more */
	e = elf_open(p);
	memset(&id, 0, sizeof(id));
	id.build_id_len = (u8)elf_build_id(e, bid);
	memcpy(id.build_id, bid, sizeof(bid));
	elf_close(e);
	assert_ptr_equal(sym_module(f.c, 0, 0, 0, "/nowhere/p", &id), a);
	fixture_end(&f);
}

static void test_places_that_are_no_files(void **state)
{
	static const struct sym_id none;
	struct sym_module *m;
	struct fixture f;

	fixture_begin(&f, false);
	m = sym_module(f.c, getpid(), 0x1000, 0x2000, "//anon", &none);
	assert_ptr_equal(sym_module(f.c, 1, 0x3000, 0x4000, "//anon", &none), m);
	assert_unnamed(&f, m, 0x10, "anonymous memory");
	assert_unnamed(&f, sym_module(f.c, 1, 1, 2, "[heap]", &none), 5, "not a file");
	assert_unnamed(&f, sym_module(f.c, 1, 1, 2, "", &none), 5, "anonymous memory");
	assert_unnamed(&f, sym_module(f.c, 1, 1, 2, "/dev/zero (deleted)", &none), 5,
		       "anonymous memory");
	assert_true(*sym_module_hint(f.c, m) != 0);
	fixture_end(&f);
}

static void test_vdso(void **state)
{
	static const struct sym_id none;
	struct find find = {.path = "[vdso]"};
	struct sym_module *m;
	struct sym_result r;
	struct fixture f;
	bool found = false;
	u64 off;

	proc_maps("", getpid(), find_text, &find);
	if (!find.found)
		skip();
	fixture_begin(&f, false);
	m = sym_module(f.c, getpid(), find.m.start, find.m.end, "[vdso]", &none);
	for (off = 0; off < find.m.end - find.m.start && !found; off += 16) {
		sym_lookup(f.c, m, off, &r);
		assert_int_equal(r.kind, SYM_VDSO);
		assert_string_equal(r.module, "[vdso]");
		found = r.name && strstr(r.name, "clock_gettime");
	}
	assert_true(found);
	fixture_end(&f);
}

static void test_not_an_elf_file(void **state)
{
	struct sym_module *m;
	struct fixture f;
	char p[4200];

	fixture_begin(&f, false);
	snprintf(p, sizeof(p), "%s/p.c", f.dir);
	m = module_of(&f, p);
	assert_unnamed(&f, m, 10, "not a 64-bit ELF file");
	assert_string_equal(sym_module_hint(f.c, m), "not a 64-bit ELF file: no names");
	fixture_end(&f);
}

static void test_hints(void **state)
{
	struct fixture f;
	struct buf src = {0};
	char p[4200];
	int i;

	fixture_begin(&f, false);
	for (i = 0; i < 20; i++)
		buf_addf(
			&src,
			"int g%d(int); int f%d(int x) { volatile int a[20]; int i; for (i = 0; i < "
			"20; i++) a[i] = g%d(x); return a[x] + g%d(i); }\n",
			i, i, i, i);
	fakeroot_put(f.dir, "/h.c", src.p, src.n);
	buf_done(&src);
	snprintf(p, sizeof(p), "%s/h.so", f.dir);
	sh("gcc -w -O2 -fno-omit-frame-pointer -shared -fPIC -o %s %s/h.c", p, f.dir);
	assert_string_equal(sym_module_hint(f.c, module_of(&f, p)), "");
	sh("rm %s && gcc -w -O2 -fomit-frame-pointer -shared -fPIC -o %s %s/h.c", p, p, f.dir);
	assert_non_null(strstr(sym_module_hint(f.c, module_of(&f, p)), "without frame pointers"));
	sh("strip %s", p);
	fixture_again(&f);
	assert_non_null(strstr(sym_module_hint(f.c, module_of(&f, p)), "stripped"));
	fixture_end(&f);
}

/* ---- the cache ---- */

static void cached_file(struct fixture *f, const char *suffix, char *out, size_t n)
{
	char *cmd = xasprintf("ls %s/*%s", f->cache, suffix);
	FILE *p = popen(cmd, "r");

	assert_non_null(fgets(out, (int)n, p));
	out[strcspn(out, "\n")] = 0;
	pclose(p);
	free(cmd);
}

static u64 hits(struct fixture *f)
{
	struct sym_stats st;

	sym_stats(f->c, &st);
	return st.cache_hits;
}

static void test_cache_survives_anything(void **state)
{
	static const char *const damage[] = {
		"true",		      /* whole: a hit */
		": > $F",	      /* empty */
		"truncate -s 100 $F", /* inside its head */
		"truncate -s -1 $F",  /* its last byte is gone */
		"echo >> $F",	      /* a byte too many */
		"printf x | dd of=$F bs=1 seek=40 conv=notrunc 2>/dev/null", /* head */
		"rm $F && mkdir $F",
		"mv $F $F.x && ln -s $F.x $F", /* a link */
		"rm $F && mkfifo $F",
		"chmod 666 $F",	  /* anybody's */
		"chown 65534 $F", /* somebody else's */
	};
	struct fixture f;
	char p[4200], file[4200];
	size_t i;
	u64 off;

	fixture_begin(&f, false);
	snprintf(p, sizeof(p), "%s/p", f.dir);
	sh("gcc -w -g -static -Wl,--build-id -o %s %s/p.c", p, f.dir);
	off = off_of(p, addr_of(p, "global_two"));
	for (i = 0; i < ARRAY_SIZE(damage); i++) {
		if (strstr(damage[i], "chown") && geteuid())
			continue;
		fixture_again(&f);
		assert_named(&f, module_of(&f, p), off, "global_two", 0);
		cached_file(&f, ".sym", file, sizeof(file));
		sh("F=%s; %s", file, damage[i]);
		fixture_again(&f);
		assert_named(&f, module_of(&f, p), off, "global_two", 0);
		assert_int_equal(hits(&f), i == 0);
		sh("rm -rf %s %s.x", file, file);
	}
	fixture_end(&f);
}

static void test_cache_is_private(void **state)
{
	struct fixture f;
	struct stat st;
	char p[4200], file[4200];

	fixture_begin(&f, false);
	snprintf(p, sizeof(p), "%s/p", f.dir);
	sh("gcc -w -g -static -Wl,--build-id -o %s %s/p.c", p, f.dir);
	assert_named(&f, module_of(&f, p), off_of(p, addr_of(p, "main")), "main", 0);
	cached_file(&f, ".sym", file, sizeof(file));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(f.cache, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	/* a directory that others may write is not used */
	sh("rm %s", file);
	chmod(f.cache, 0777);
	fixture_again(&f);
	assert_named(&f, module_of(&f, p), off_of(p, addr_of(p, "main")), "main", 0);
	assert_int_equal(access(file, F_OK), -1);
	fixture_end(&f);
}

/* ---- the kernel ---- */

static const char kallsyms[] = "ffffffff81000000 T _text\n"
			       "ffffffff81000000 T startup_64\n"
			       "ffffffff81000100 t alpha\n"
			       "ffffffff81000100 T beta\n"
			       "ffffffff81000200 W gamma\n"
			       "ffffffff81000300 T _etext\n"
			       "ffffffff82000000 D data\n"
			       "ffffffffc0001000 t ext4_one\t[ext4]\n"
			       "ffffffffc0002000 t ext4_two\t[ext4]\n"
			       "ffffffffc0100000 t bpf_prog_x\t[bpf]\n";
static const char notes[] = "\4\0\0\0\24\0\0\0\3\0\0\0GNU\0ABCDEFGHIJKLMNOPQRST";

static void kernel_begin(struct fixture *f)
{
	fixture_begin(f, true);
	fakeroot_puts(f->dir, "/proc/kallsyms", kallsyms);
	fakeroot_put(f->dir, "/sys/kernel/notes", notes, sizeof(notes) - 1);
	fakeroot_puts(f->dir, "/proc/sys/kernel/random/boot_id",
		      "0f8fad5b-d9cb-469f-a165-70867728950e\n");
	fakeroot_puts(f->dir, "/proc/modules", "ext4 8192 1 - Live 0xffffffffc0000000\n");
}

static void assert_kernel(struct fixture *f, u64 addr, const char *name, const char *module,
			  u64 offset)
{
	struct sym_result r;

	sym_kernel(f->c, addr, &r);
	if (!name) {
		assert_null(r.name);
		assert_non_null(r.why);
		assert_true(r.offset == addr);
		return;
	}
	assert_non_null(r.name);
	assert_string_equal(r.name, name);
	assert_string_equal(r.module, module);
	assert_true(r.offset == offset);
}

static void check_kernel(struct fixture *f)
{
	static const char k[] = "[kernel.kallsyms]";

	assert_kernel(f, 0xffffffff81000005, "startup_64", k, 5);
	assert_kernel(f, 0xffffffff81000100, "beta", k, 0);
	assert_kernel(f, 0xffffffff810002ff, "gamma", k, 0xff);
	assert_kernel(f, 0xffffffff81000300, NULL, NULL, 0);
	assert_kernel(f, 0xffffffff80ffffff, NULL, NULL, 0);
	assert_kernel(f, 0xffffffffc0001010, "ext4_one", "[ext4]", 0x10);
	assert_kernel(f, 0xffffffffc0002010, "ext4_two", "[ext4]", 0x10);
	assert_kernel(f, 0xffffffffc0100000, NULL, NULL, 0);
	assert_kernel(f, 0xffffffffffffffff, NULL, NULL, 0);
	assert_string_equal(sym_kernel_problem(f->c), "");
}

static void test_kernel_names_and_their_cache(void **state)
{
	struct fixture f;

	kernel_begin(&f);
	check_kernel(&f);
	assert_int_equal(hits(&f), 0);
	/* again without kallsyms: all from the cache; use counts of modules do not matter */
	fakeroot_puts(f.dir, "/proc/kallsyms", "");
	fakeroot_puts(f.dir, "/proc/modules", "ext4 8192 9 jbd2, Live 0xffffffffc0000000\n");
	fixture_again(&f);
	check_kernel(&f);
	assert_int_equal(hits(&f), 1);
	/* another boot, another module, another kernel: not valid */
	fakeroot_puts(f.dir, "/proc/sys/kernel/random/boot_id",
		      "1f8fad5b-d9cb-469f-a165-70867728950e\n");
	fixture_again(&f);
	assert_kernel(&f, 0xffffffff81000100, NULL, NULL, 0);
	fakeroot_puts(f.dir, "/proc/kallsyms", kallsyms);
	fixture_again(&f);
	check_kernel(&f);
	fakeroot_puts(f.dir, "/proc/modules", "ext4 8192 9 jbd2, Live 0xffffffffc1000000\n");
	fixture_again(&f);
	check_kernel(&f);
	assert_int_equal(hits(&f), 0);
	fixture_end(&f);
}

static void test_kernel_addresses_hidden(void **state)
{
	struct fixture f;

	kernel_begin(&f);
	fakeroot_puts(f.dir, "/proc/kallsyms", "0000000000000000 T _text\n0000000000000000 t x\n");
	assert_kernel(&f, 0xffffffff81000100, NULL, NULL, 0);
	assert_non_null(strstr(sym_kernel_problem(f.c), "kptr_restrict"));
	fakeroot_puts(f.dir, "/proc/kallsyms", kallsyms);
	fixture_again(&f);
	check_kernel(&f);
	fixture_end(&f);
}

static void test_bpf_programs_come_and_go(void **state)
{
	struct sym_result r;
	struct fixture f;

	kernel_begin(&f);
	sym_kernel_add(f.c, 0xffffffffc0200000, 100, "bpf_prog_b", true);
	sym_kernel_add(f.c, 0xffffffffc0100000, 100, "bpf_prog_a", true);
	sym_kernel_add(f.c, 0xffffffffc0300000, 100, "trampoline", false);
	assert_kernel(&f, 0xffffffffc0100063, "bpf_prog_a", "[bpf]", 99);
	assert_kernel(&f, 0xffffffffc0100064, NULL, NULL, 0);
	assert_kernel(&f, 0xffffffffc0200000, "bpf_prog_b", "[bpf]", 0);
	sym_kernel(f.c, 0xffffffffc0300001, &r);
	assert_int_equal(r.kind, SYM_KERNEL);
	assert_string_equal(r.name, "trampoline");
	sym_kernel_add(f.c, 0xffffffffc0100000, 10, "bpf_prog_c", true);
	assert_kernel(&f, 0xffffffffc0100001, "bpf_prog_c", "[bpf]", 1);
	sym_kernel_del(f.c, 0xffffffffc0100000);
	sym_kernel_del(f.c, 0xffffffffc0100000);
	sym_kernel_del(f.c, 1);
	assert_kernel(&f, 0xffffffffc0100001, NULL, NULL, 0);
	assert_kernel(&f, 0xffffffffc0200000, "bpf_prog_b", "[bpf]", 0);
	check_kernel(&f);
	fixture_end(&f);
}

struct truth {
	struct sym_ctx *c;
	u64 n, same;
};

static int check_ksym(const struct ksym *k, void *arg)
{
	struct truth *t = arg;
	struct sym_result r;

	if (!strchr("tTwW", k->type) || *k->module || t->n >= 20000)
		return 0;
	t->n++;
	sym_kernel(t->c, k->addr, &r);
	t->same += r.name && !r.offset;
	return 0;
}

/* The kernel that runs: nearly every text symbol is found at its own address. */
static void test_this_kernel(void **state)
{
	struct truth t = {0};
	struct fixture f;

	fixture_begin(&f, false);
	if (*sym_kernel_problem(f.c)) {
		fixture_end(&f);
		skip();
	}
	t.c = f.c;
	assert_int_equal(kallsyms_each("", check_ksym, &t), 0);
	assert_true(t.n > 1000 && t.same > t.n - t.n / 50);
	fixture_end(&f);
}

/* ---- perf maps ---- */

static void jit_begin(struct fixture *f)
{
	char *status;

	fixture_begin(f, true);
	fakeroot_puts(f->dir, "/proc/77/stat",
		      "77 (java) S 1 7 7 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 42 1 2\n");
	status = xasprintf("Tgid:\t77\nUid:\t%d\t0\t0\t0\nNSpid:\t77\t5\n", (int)getuid());
	fakeroot_puts(f->dir, "/proc/77/status", status);
	free(status);
}

static void assert_jit(struct fixture *f, u64 addr, const char *name, u64 offset)
{
	struct sym_result r;
	bool ok = sym_perf_map(f->c, 77, addr, &r);

	assert_int_equal(ok, name != NULL);
	if (!name)
		return;
	assert_string_equal(r.name, name);
	assert_true(r.offset == offset);
	assert_int_equal(r.kind, SYM_JIT);
}

#define JIT_MAP "/proc/77/root/tmp/perf-5.map"

static void test_perf_map_later_line_wins(void **state)
{
	struct fixture f;

	jit_begin(&f);
	fakeroot_puts(f.dir, JIT_MAP,
		      "1000 100 Lfoo;::bar with blanks\n1080 20 inner\n0x2000 0x10 hex\n"
		      "bad\n3000 zz name\n3000 10\n3000 0 empty\n-1 10 minus\n"
		      "ffffffffffffffff 10 wraps\n4000 100 old\n3fc0 80 new\r\n5000 10 no newline");
	assert_jit(&f, 0x1000, "Lfoo;::bar with blanks", 0);
	assert_jit(&f, 0x107f, "Lfoo;::bar with blanks", 0x7f);
	assert_jit(&f, 0x1080, "inner", 0);
	assert_jit(&f, 0x10a0, "Lfoo;::bar with blanks", 0xa0);
	assert_jit(&f, 0x1100, NULL, 0);
	assert_jit(&f, 0x2005, "hex", 5);
	assert_jit(&f, 0x3000, NULL, 0);
	assert_jit(&f, 0x403f, "new", 0x7f);
	assert_jit(&f, 0x4040, "old", 0x40);
	assert_jit(&f, 0x5000, NULL, 0);
	fixture_end(&f);
}

static void test_perf_map_grows(void **state)
{
	struct fixture f;

	jit_begin(&f);
	assert_jit(&f, 0x1000, NULL, 0);
	fakeroot_puts(f.dir, JIT_MAP, "1000 10 a\n2000 10 b");
	sym_perf_map_drop(f.c, 77);
	assert_jit(&f, 0x1000, "a", 0);
	assert_jit(&f, 0x2000, NULL, 0);
	sh("printf 'cd\\n3000 10 e\\n' >> %s%s", f.dir, JIT_MAP);
	usleep(300000); /* looked at not more often */
	assert_jit(&f, 0x2000, "bcd", 0);
	assert_jit(&f, 0x3000, "e", 0);
	fixture_end(&f);
}

static void test_perf_map_that_is_not_trusted(void **state)
{
	struct fixture f;
	char *map;

	jit_begin(&f);
	map = xasprintf("%s%s", f.dir, JIT_MAP);
	fakeroot_puts(f.dir, JIT_MAP, "1000 10 a\n");
	/* a link, in its place or on the way */
	sh("cd %s/proc/77/root && cp tmp/perf-5.map real && ln -sf $PWD/real tmp/perf-5.map",
	   f.dir);
	assert_jit(&f, 0x1000, NULL, 0);
	sym_perf_map_drop(f.c, 77);
	sh("cd %s/proc/77/root && mv tmp t && ln -s t tmp && cp --remove-destination real "
	   "tmp/perf-5.map",
	   f.dir);
	assert_jit(&f, 0x1000, NULL, 0);
	sym_perf_map_drop(f.c, 77);
	sh("cd %s/proc/77/root && rm tmp && mv t tmp && rm tmp/perf-5.map && mkfifo tmp/perf-5.map",
	   f.dir);
	assert_jit(&f, 0x1000, NULL, 0);
	sym_perf_map_drop(f.c, 77);
	sh("cd %s/proc/77/root && rm tmp/perf-5.map && cp real tmp/perf-5.map", f.dir);
	assert_jit(&f, 0x1000, "a", 0);
	sym_perf_map_drop(f.c, 77);
	if (!geteuid()) {
		assert_int_equal(chown(map, 65534, 65534), 0);
		assert_jit(&f, 0x1000, NULL, 0);
	}
	free(map);
	fixture_end(&f);
}

/* ---- demangling ---- */

static void test_demangle(void **state)
{
	static const char *const names[][2] = {
		{"main", NULL},
		{"foo.isra.0", NULL},
		{"_Znonsense", NULL},
		{"_ZN3foo3barEv", "foo::bar()"},
		{"_Z3fooIiEvT_", "void foo<int>(int)"},
		{"_ZN3foo3barEv.isra.0.cold", "foo::bar() [clone .isra.0] [clone .cold]"},
		{"_ZN3foo3barEv@plt", "foo::bar()@plt"},
		{"_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", "core::fmt::Write::write_fmt"},
		{"_ZN7mycrate28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE",
		 "mycrate::{{closure}}"},
		{"_RNvC6_123foo3bar", "123foo::bar"},
		{"_RNvC6_123foo3bar.llvm.123", "123foo::bar"},
		{"_ZNSt6vectorIiSaIiEE9push_backERKi",
		 "std::vector<int, std::allocator<int> >::push_back(int const&)"},
	};
	struct buf out = {0};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		buf_reset(&out);
		buf_adds(&out, "> ");
		assert_int_equal(sym_demangle(names[i][0], &out, NULL), names[i][1] != NULL);
		assert_string_equal(out.p + 2, names[i][1] ? names[i][1] : "");
	}
	buf_done(&out);
}

/* Names that stand for gigabytes are left alone, and long ones are cut. */
static void test_demangle_is_bounded(void **state)
{
	struct buf name = {0}, out = {0};
	int i;

	buf_adds(&name, "_Z1fSt4pairI1AS0_E");
	for (i = 1; i < 30; i++)
		buf_addf(&name, "S_IS%c_S%c_E", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i],
			 "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i]);
	assert_false(sym_demangle(name.p, &out, NULL));
	buf_reset(&name);
	buf_adds(&name, "_Z9000");
	for (i = 0; i < 9000; i++)
		buf_addc(&name, 'x');
	buf_addc(&name, 'v');
	assert_true(sym_demangle(name.p, &out, NULL));
	assert_true(out.n < 9000 && str_ends(out.p, "x..."));
	buf_reset(&name);
	buf_adds(&name, "_Z");
	for (i = 0; i < 20000; i++)
		buf_addc(&name, 'N');
	assert_false(sym_demangle(name.p, &out, NULL));
	buf_done(&name);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_as_nm),
		cmocka_unit_test(test_library_as_nm_twice),
		cmocka_unit_test(test_which_name_and_where_it_ends),
		cmocka_unit_test(test_cxx_names),
		cmocka_unit_test(test_separate_debug_files),
		cmocka_unit_test(test_debug_package_comes_later),
		cmocka_unit_test(test_replaced_file_has_no_names),
		cmocka_unit_test(test_deleted_after_opening),
		cmocka_unit_test(test_deleted_while_it_runs),
		cmocka_unit_test(test_in_another_root),
		cmocka_unit_test(test_second_chance),
		cmocka_unit_test(test_unstripped_after_stripped),
		cmocka_unit_test(test_same_build_id_is_same_module),
		cmocka_unit_test(test_places_that_are_no_files),
		cmocka_unit_test(test_vdso),
		cmocka_unit_test(test_not_an_elf_file),
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_cache_survives_anything),
		cmocka_unit_test(test_cache_is_private),
		cmocka_unit_test(test_kernel_names_and_their_cache),
		cmocka_unit_test(test_kernel_addresses_hidden),
		cmocka_unit_test(test_bpf_programs_come_and_go),
		cmocka_unit_test(test_this_kernel),
		cmocka_unit_test(test_perf_map_later_line_wins),
		cmocka_unit_test(test_perf_map_grows),
		cmocka_unit_test(test_perf_map_that_is_not_trusted),
		cmocka_unit_test(test_demangle),
		cmocka_unit_test(test_demangle_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
