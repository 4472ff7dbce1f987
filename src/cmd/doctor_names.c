// SPDX-License-Identifier: Apache-2.0
/* doctor: whether functions will have names, and whether stacks can be walked through libc. */
#include "cmd/doctor_int.h"

#include <elf.h>
#include <unistd.h>

#include "sys/sys.h"

#define LEAST_BYTES 48 /* shorter functions are often leaves, which may do without a frame */

static int count_symbol(const struct ksym *k, void *arg)
{
	++*(u64 *)arg;
	return 0;
}

static void kernel_symbols(struct doctor *d)
{
	char count[32];
	u64 n = 0;
	int rc = kallsyms_each(d->root, count_symbol, &n);

	if (!rc && n)
		doctor_add(d, "ksyms", "names of kernel functions", DOCTOR_OK,
			   doctor_text(d, "%s symbols in /proc/kallsyms", fmt_count(count, n)),
			   NULL);
	else if (rc == -EPERM)
		doctor_add(d, "ksyms", "names of kernel functions", DOCTOR_NO,
			   "the addresses in /proc/kallsyms are hidden",
			   "run it as root, with kernel.kptr_restrict at most 1");
	else
		doctor_add(d, "ksyms", "names of kernel functions", DOCTOR_NO,
			   rc ? doctor_text(d, "/proc/kallsyms: %s", strerror(-rc))
			      : "/proc/kallsyms is empty",
			   "a kernel built with CONFIG_KALLSYMS");
	err_clear();
}

/* push %rbp; mov %rsp,%rbp, with or without endbr64 before it. */
static bool x86_64_frame(const u8 *p)
{
	if (!memcmp(p, "\xf3\x0f\x1e\xfa", 4))
		p += 4;
	return !memcmp(p, "\x55\x48\x89\xe5", 4) || !memcmp(p, "\x55\x48\x8b\xec", 4);
}

/* stp x29, x30, [sp, #-n]! within the first three instructions (bti, paciasp come first). */
static bool aarch64_frame(const u8 *p)
{
	for (int i = 0; i < 3; i++) {
		u32 insn = (u32)p[4 * i] | (u32)p[4 * i + 1] << 8 | (u32)p[4 * i + 2] << 16 |
			   (u32)p[4 * i + 3] << 24;
		if ((insn & 0xffc07fff) == 0xa9807bfd)
			return true;
	}
	return false;
}

int doctor_frame_pointers(int elf_machine, const u8 *code, size_t code_bytes, u64 addr,
			  const struct doctor_func *funcs, size_t n)
{
	u64 seen = 0, with = 0;

	for (size_t i = 0; i < n; i++) {
		u64 off = funcs[i].addr - addr;

		if (funcs[i].size_bytes < LEAST_BYTES || funcs[i].addr < addr || off > code_bytes ||
		    code_bytes - off < LEAST_BYTES)
			continue;
		seen++;
		with += elf_machine == EM_AARCH64 ? aarch64_frame(code + off)
						  : x86_64_frame(code + off);
	}
	return seen ? (int)(with * 100 / seen) : -1;
}

struct func_list {
	VEC(struct doctor_func) funcs;
};

static int keep_func(const struct elf_sym *s, void *arg)
{
	struct func_list *l = arg;

	vec_push(&l->funcs, (struct doctor_func){s->addr, s->size_bytes});
	return 0;
}

static const char *libc_path(struct doctor *d)
{
	static const char *const places[] = {
		"/lib/x86_64-linux-gnu/libc.so.6",
		"/lib/aarch64-linux-gnu/libc.so.6",
		"/usr/lib64/libc.so.6",
		"/usr/lib/libc.so.6",
		"/lib64/libc.so.6",
		"/lib/libc.so.6",
		"/lib/ld-musl-x86_64.so.1",
		"/lib/ld-musl-aarch64.so.1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const char *path = doctor_text(d, "%s%s", d->root, places[i]);
		if (!access(path, R_OK))
			return path;
	}
	return NULL;
}

static void libc_frames(struct doctor *d)
{
	const char *what = "frame pointers in libc, for whole stacks", *path = libc_path(d);
	struct elf *e = path ? elf_open(path) : NULL;
	struct func_list list = {0};
	const u8 *code;
	size_t n = 0;
	u64 addr = 0;
	int pct = -1;

	if (!e) {
		doctor_add(d, "libc-fp", what, DOCTOR_NOTE, "not known: there is no libc.so.6 here",
			   NULL);
		err_clear();
		return;
	}
	code = elf_section(e, ".text", &n, &addr);
	elf_symbols(e, true, keep_func, &list);
	if (code)
		pct = doctor_frame_pointers(elf_machine(e), code, n, addr, list.funcs.v,
					    list.funcs.n);
	vec_done(&list.funcs);
	elf_close(e);
	if (pct < 0)
		doctor_add(d, "libc-fp", what, DOCTOR_NOTE,
			   doctor_text(d, "not known: %s has no symbols", path), NULL);
	else if (pct >= 30)
		doctor_add(d, "libc-fp", what, DOCTOR_OK,
			   doctor_text(d, "%d %% of the functions in %s", pct, path), NULL);
	else
		doctor_add(d, "libc-fp", what, DOCTOR_NO,
			   doctor_text(
				   d, "%d %% of the functions in %s: stacks may lose callers there",
				   pct, path),
			   "a distribution built with them: Fedora 38, Ubuntu 24.04 and newer");
}

void doctor_names(struct doctor *d)
{
	d->group = "Names and stacks";
	kernel_symbols(d);
	libc_frames(d);
}
