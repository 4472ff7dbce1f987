// SPDX-License-Identifier: Apache-2.0
/* The ELF reader against nm, readelf and objdump, on programs built here and on damaged ones. */
#include "test.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "build.h"
#include "sys/sys.h"

struct syms {
	VEC(struct elf_sym) v;
	struct arena a;
};

static int keep(const struct elf_sym *s, void *arg)
{
	struct syms *k = arg;
	struct elf_sym copy = *s;

	copy.name = arena_strndup(&k->a, s->name, strlen(s->name));
	vec_push(&k->v, copy);
	return 0;
}

static void syms_done(struct syms *k)
{
	vec_done(&k->v);
	arena_done(&k->a);
}

static const struct elf_sym *named(const struct syms *k, const char *name)
{
	size_t i, n = strlen(name);

	for (i = 0; i < k->v.n; i++)
		if (!strncmp(k->v.v[i].name, name, n) &&
		    (!k->v.v[i].name[n] || k->v.v[i].name[n] == '@'))
			return &k->v.v[i];
	return NULL;
}

/* Every function that nm lists is found with the same address. Returns how many there were. */
static int compare_with_nm(const char *path, bool dyn)
{
	char *cmd = xasprintf("nm %s --defined-only %s 2>/dev/null", dyn ? "-D" : "", path);
	char line[65536], name[65536], type;
	struct elf *e = elf_open(path);
	struct syms k = {0};
	unsigned long long addr;
	FILE *f = popen(cmd, "r");
	struct map by_addr = {0};
	size_t i;
	int n = 0;

	assert_non_null(e);
	elf_symbols(e, dyn, keep, &k);
	for (i = 0; i < k.v.n; i++)
		*map_put(&by_addr, k.v.v[i].addr) = 1;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx %c %65535s", &addr, &type, name) != 3)
			continue;
		if (!strchr("TtWwi", type) || name[0] == '$')
			continue;
		if (strchr("Ww", type) && !named(&k, name))
			continue; /* a weak object */
		if (!map_get(&by_addr, addr))
			fail_msg("%s: %s at %llx is missing", path, name, addr);
		n++;
	}
	pclose(f);
	free(cmd);
	map_done(&by_addr);
	syms_done(&k);
	elf_close(e);
	return n;
}

static void test_symbols_as_nm(void **state)
{
	static const char *const flags[] = {
		"",
		"-no-pie",
		"-static",
		"-static-pie",
		"-Wl,-z,separate-code",
		"-Wl,-z,noseparate-code",
	};
	char *dir = fakeroot_new(), *src = program_put(dir), out[4200];
	size_t i;

	snprintf(out, sizeof(out), "%s/p", dir);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		sh("gcc -w -g %s -o %s %s -lm", flags[i], out, src);
		assert_true(compare_with_nm(out, false) >= 8);
	}
	sh("gcc -w -s -o %s %s", out, src);
	assert_int_equal(compare_with_nm(out, false), 0);
	assert_int_equal(proc_exe("", getpid(), out, sizeof(out)), 0);
	assert_true(compare_with_nm(out, false) > 100);
	free(src);
	fakeroot_free(dir);
}

static void test_dynamic_symbols_as_nm(void **state)
{
	static const char *const libs[] = {"libc.so.6", "libz.so.1", "libelf.so.1"};
	char path[4096];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(libs); i++) {
		char *cmd = xasprintf("gcc -print-file-name=%s", libs[i]);
		FILE *f = popen(cmd, "r");

		assert_non_null(fgets(path, sizeof(path), f));
		path[strcspn(path, "\n")] = 0;
		pclose(f);
		free(cmd);
		assert_true(compare_with_nm(path, true) > 50);
	}
}

static void test_kinds_of_files(void **state)
{
	char *dir = fakeroot_new(), *src = program_put(dir), path[4200];
	static const struct {
		const char *flags;
		bool exec, fixed;
	} kinds[] = {{"-pie", false, false},
		     {"-no-pie", true, false},
		     {"-static", true, true},
		     {"-static-pie", false, true},
		     {"-shared -fPIC", false, false}};
	struct elf *e;
	size_t i;

	snprintf(path, sizeof(path), "%s/k", dir);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		sh("gcc -w %s -o %s %s -lm", kinds[i].flags, path, src);
		e = elf_open(path);
		assert_non_null(e);
		assert_int_equal(elf_is_exec(e), kinds[i].exec);
		assert_int_equal(elf_is_static(e), kinds[i].fixed);
		assert_int_equal(elf_machine(e), arch_host()->elf_machine);
		elf_close(e);
	}
	free(src);
	fakeroot_free(dir);
}

static void test_build_id_as_given(void **state)
{
	char *dir = fakeroot_new(), *src = program_put(dir), path[4200];
	u8 id[20];
	struct elf *e;

	snprintf(path, sizeof(path), "%s/b", dir);
	sh("gcc -w -g -Wl,--build-id=0x0102030405060708090a -o %s %s", path, src);
	e = elf_open(path);
	assert_int_equal(elf_build_id(e, id), 10);
	assert_memory_equal(id, "\1\2\3\4\5\6\7\10\11\12", 10);
	elf_close(e);
	/* the debug file's program headers lie; its sections do not */
	sh("cd %s && objcopy --only-keep-debug b b.debug", dir);
	snprintf(path, sizeof(path), "%s/b.debug", dir);
	e = elf_open(path);
	assert_int_equal(elf_build_id(e, id), 10);
	assert_memory_equal(id, "\1\2\3\4\5\6\7\10\11\12", 10);
	elf_close(e);
	snprintf(path, sizeof(path), "%s/n", dir);
	sh("gcc -w -Wl,--build-id=none -o %s %s", path, src);
	e = elf_open(path);
	assert_int_equal(elf_build_id(e, id), -ENOENT);
	elf_close(e);
	free(src);
	fakeroot_free(dir);
}

/* A section's bytes are the same whether stored plainly or compressed. */
static void test_compressed_sections(void **state)
{
	char *dir = fakeroot_new(), *src = program_put(dir), path[4200];
	struct elf *plain, *packed;
	const void *a, *b;
	size_t na, nb;

	sh("cd %s && gcc -w -g3 -gz=none -o plain p.c && objcopy "
	   "--compress-debug-sections=zlib-gabi "
	   "plain packed",
	   dir);
	snprintf(path, sizeof(path), "%s/plain", dir);
	plain = elf_open(path);
	snprintf(path, sizeof(path), "%s/packed", dir);
	packed = elf_open(path);
	a = elf_section(plain, ".debug_info", &na, NULL);
	b = elf_section(packed, ".debug_info", &nb, NULL);
	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(na, nb);
	assert_memory_equal(a, b, na);
	assert_null(elf_section(plain, ".nothing", &na, NULL));
	assert_null(elf_section(plain, ".bss", &na, NULL));
	elf_close(plain);
	elf_close(packed);
	free(src);
	fakeroot_free(dir);
}

static void test_debuglink_and_crc(void **state)
{
	char *dir = fakeroot_new(), *src = program_put(dir), path[4200];
	const char *link;
	struct elf *e;
	u32 want, have;

	sh("cd %s && gcc -w -g -o d p.c && objcopy --only-keep-debug d the.debug && strip d && "
	   "objcopy --add-gnu-debuglink=the.debug d",
	   dir);
	snprintf(path, sizeof(path), "%s/d", dir);
	e = elf_open(path);
	link = elf_debuglink(e, &want);
	assert_non_null(link);
	assert_string_equal(link, "the.debug");
	elf_close(e);
	snprintf(path, sizeof(path), "%s/the.debug", dir);
	e = elf_open(path);
	assert_int_equal(elf_crc(e, &have), 0);
	assert_int_equal(want, have);
	assert_null(elf_debuglink(e, &want));
	elf_close(e);
	free(src);
	fakeroot_free(dir);
}

static void test_debugdata(void **state)
{
	char *dir = fakeroot_new(), *src = program_put(dir), path[4200];
	struct syms k = {0};
	struct elf *e, *mini;

	sh("cd %s && gcc -w -o m p.c && objcopy --only-keep-debug m mini && xz -k mini && strip m "
	   "&& "
	   "objcopy --add-section .gnu_debugdata=mini.xz m",
	   dir);
	snprintf(path, sizeof(path), "%s/m", dir);
	e = elf_open(path);
	assert_int_equal(elf_symbols(e, false, keep, &k), -ENOENT);
	mini = elf_open_debugdata(e);
	assert_non_null(mini);
	assert_true(elf_symbols(mini, false, keep, &k) > 5);
	assert_non_null(named(&k, "local_one"));
	elf_close(mini);
	elf_close(e);
	syms_done(&k);
	sh("cd %s && head -c 300 mini.xz > cut.xz && objcopy --update-section "
	   ".gnu_debugdata=cut.xz m",
	   dir);
	e = elf_open(path);
	assert_null(elf_open_debugdata(e));
	elf_close(e);
	free(src);
	fakeroot_free(dir);
}

/* objdump names the stubs too; ours must be the same, at the same places. */
static void compare_plt(const char *path)
{
	char *cmd = xasprintf("objdump -d %s", path), line[4096], name[4096];
	struct elf *e = elf_open(path);
	struct syms k = {0};
	unsigned long long addr;
	FILE *f = popen(cmd, "r");
	int n = 0;

	assert_true(elf_plt(e, keep, &k) > 0);
	while (fgets(line, sizeof(line), f)) {
		const struct elf_sym *s;

		if (sscanf(line, "%llx <%4000[^>]>:", &addr, name) != 2 || !str_ends(name, "@plt"))
			continue;
		*strstr(name, "@plt") = 0;
		for (s = k.v.v; s < k.v.v + k.v.n && s->addr != addr; s++)
			;
		if (s == k.v.v + k.v.n)
			continue; /* the lazy halves and the first entry are only one of two */
		assert_true(!strncmp(s->name, name, strcspn(name, "@")));
		n++;
	}
	assert_true(n >= 3);
	assert_non_null(named(&k, "malloc"));
	assert_non_null(named(&k, "memset"));
	pclose(f);
	free(cmd);
	syms_done(&k);
	elf_close(e);
}

static void test_plt_as_objdump(void **state)
{
	static const char *const flags[] = {"-Wl,-z,lazy", "-Wl,-z,now", "-no-pie -Wl,-z,lazy",
					    "-fcf-protection=full -Wl,-z,ibtplt -Wl,-z,lazy"};
	char *dir = fakeroot_new(), *src = program_put(dir), path[4200];
	size_t i;

	if (arch_host() != &arch_x86_64)
		skip();
	snprintf(path, sizeof(path), "%s/q", dir);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		sh("gcc -w -fno-builtin %s -o %s %s", flags[i], path, src);
		compare_plt(path);
	}
	free(src);
	fakeroot_free(dir);
}

/* Without section headers .dynsym is found through PT_DYNAMIC. */
static void test_no_section_headers(void **state)
{
	static const char *const hash[] = {"gnu", "sysv"};
	char *dir = fakeroot_new(), *src = program_put(dir), path[4200];
	Elf64_Ehdr eh;
	size_t i;

	snprintf(path, sizeof(path), "%s/s.so", dir);
	for (i = 0; i < ARRAY_SIZE(hash); i++) {
		struct syms k = {0};
		struct elf *e;
		u8 id[20];
		int fd;

		sh("gcc -w -shared -fPIC -Wl,--hash-style=%s -Wl,--build-id -o %s %s", hash[i],
		   path, src);
		fd = open(path, O_RDWR);
		assert_int_equal(pread(fd, &eh, sizeof(eh), 0), sizeof(eh));
		eh.e_shoff = eh.e_shnum = eh.e_shstrndx = 0;
		assert_int_equal(pwrite(fd, &eh, sizeof(eh), 0), sizeof(eh));
		close(fd);
		e = elf_open(path);
		assert_non_null(e);
		assert_int_equal(elf_symbols(e, false, keep, &k), -ENOENT);
		assert_true(elf_symbols(e, true, keep, &k) >= 3);
		assert_non_null(named(&k, "global_two"));
		assert_non_null(named(&k, "weak_three"));
		assert_int_equal(elf_build_id(e, id), 20);
		assert_true(elf_plt(e, keep, &k) == 0);
		elf_close(e);
		syms_done(&k);
	}
	free(src);
	fakeroot_free(dir);
}

static void test_offsets_and_addresses(void **state)
{
	struct elf *e = elf_open("/proc/self/exe");
	struct elf_segment seg;
	size_t pos = 0;
	int n = 0;

	while (elf_load(e, &pos, &seg)) {
		assert_true(elf_addr_to_off(e, seg.addr) == seg.off);
		assert_true(elf_addr_to_off(e, seg.addr + seg.size_bytes - 1) ==
			    seg.off + seg.size_bytes - 1);
		if (seg.exec) {
			assert_true(elf_off_to_addr(e, seg.off) == seg.addr);
			assert_true(elf_off_to_addr(e, seg.off + 5) == seg.addr + 5);
			n++;
		}
	}
	assert_int_equal(n, 1);
	assert_true(elf_off_to_addr(e, UINT64_MAX) == UINT64_MAX);
	assert_true(elf_addr_to_off(e, UINT64_MAX) == UINT64_MAX);
	elf_close(e);
}

static void test_what_is_refused(void **state)
{
	static const char small[] = "\177ELF";
	Elf64_Ehdr eh = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, 1}};
	char *dir = fakeroot_new(), *fifo = xasprintf("%s/fifo", dir);

	assert_null(elf_open("/nonexistent"));
	assert_null(elf_open_mem("", 0, "empty"));
	assert_null(elf_open_mem(small, 4, "small"));
	assert_null(elf_open_mem(&eh, sizeof(eh), "x"));
	assert_string_equal(err_msg(), "x is a 32-bit ELF file");
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2MSB;
	assert_null(elf_open_mem(&eh, sizeof(eh), "x"));
	assert_string_equal(err_msg(), "x is a big-endian ELF file");
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	eh.e_machine = EM_RISCV;
	assert_null(elf_open_mem(&eh, sizeof(eh), "x"));
	assert_non_null(strstr(err_msg(), "another processor"));
	assert_null(elf_open("/"));
	assert_null(elf_open("/dev/zero"));
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_null(elf_open(fifo));
	free(fifo);
	fakeroot_free(dir);
}

/* Asks everything of a file. */
static void ask_all(struct elf *e)
{
	struct elf_segment seg;
	size_t n, pos = 0;
	struct syms k = {0};
	struct elf *inner;
	u64 addr;
	u32 crc;
	u8 id[20];

	elf_build_id(e, id);
	elf_debuglink(e, &crc);
	elf_is_static(e);
	elf_section(e, ".eh_frame", &n, &addr);
	elf_section(e, ".debug_info", &n, &addr);
	inner = elf_open_debugdata(e);
	elf_close(inner);
	elf_symbols(e, false, keep, &k);
	elf_symbols(e, true, keep, &k);
	elf_plt(e, keep, &k);
	while (elf_load(e, &pos, &seg))
		elf_off_to_addr(e, seg.off);
	syms_done(&k);
}

/* A file cut at any length, or with any byte of its headers wrong, gives answers or none. */
static void test_damaged_files(void **state)
{
	char *dir = fakeroot_new(), *src = program_put(dir), path[4200];
	struct stat st;
	struct elf *e;
	u8 *p, *copy;
	size_t i, n;
	u32 seed = 7;
	int fd;

	snprintf(path, sizeof(path), "%s/x", dir);
	sh("gcc -w -g -o %s %s", path, src);
	fd = open(path, O_RDWR);
	assert_int_equal(fstat(fd, &st), 0);
	n = (size_t)st.st_size;
	p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
	copy = xmalloc(n);
	for (i = 0; i < n; i += 97) {
		u8 *cut = xmalloc(i); /* exactly so long: a byte too far is seen by the sanitizer */

		memcpy(cut, p, i);
		e = elf_open_mem(cut, i, "cut");
		if (e)
			ask_all(e);
		elf_close(e);
		free(cut);
	}
	for (i = 0; i < 3000; i++) {
		int k;

		memcpy(copy, p, n);
		for (k = 0; k < 8; k++) {
			size_t at;

			seed = seed * 1664525 + 1013904223;
			at = (k & 1) ? seed % 1024 : n - 1 - seed % 4096;
			copy[at] = (u8)(seed >> 24);
		}
		e = elf_open_mem(copy, n, "bad");
		if (e)
			ask_all(e);
		elf_close(e);
	}
	/* cut off while it is open: no signal, and an end */
	e = elf_open_fd(fd, "open");
	assert_non_null(e);
	assert_int_equal(ftruncate(fd, 5000), 0);
	ask_all(e);
	elf_close(e);
	munmap(p, n);
	close(fd);
	free(copy);
	free(src);
	fakeroot_free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_symbols_as_nm),
		cmocka_unit_test(test_dynamic_symbols_as_nm),
		cmocka_unit_test(test_kinds_of_files),
		cmocka_unit_test(test_build_id_as_given),
		cmocka_unit_test(test_compressed_sections),
		cmocka_unit_test(test_debuglink_and_crc),
		cmocka_unit_test(test_debugdata),
		cmocka_unit_test(test_plt_as_objdump),
		cmocka_unit_test(test_no_section_headers),
		cmocka_unit_test(test_offsets_and_addresses),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_damaged_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
