// SPDX-License-Identifier: Apache-2.0
/*
 * hint: what stack health says about a file. Whether it keeps frame pointers is seen in how its
 * functions begin: a compiler that keeps them sets one up in nearly every function.
 */
#include "sym/sym_int.h"

#include <elf.h>

#define FUNCTIONS_MAX 200
#define FUNCTION_MIN_BYTES 48 /* small ones may be leaves, which need no frame */
#define PROLOGUE_BYTES 32

/* push %rbp; mov %rsp,%rbp, with whatever the compiler moved before or between them */
static bool keeps_x86_64(const u8 *c, size_t n)
{
	size_t i, push = n;

	for (i = 0; i + 3 <= n; i++) {
		if (push == n && c[i] == 0x55)
			push = i;
		if (push < i && c[i] == 0x48 &&
		    ((c[i + 1] == 0x89 && c[i + 2] == 0xe5) ||
		     (c[i + 1] == 0x8b && c[i + 2] == 0xec)))
			return true;
	}
	return false;
}

/* stp x29, x30, [sp, ...] */
static bool keeps_aarch64(const u8 *c, size_t n)
{
	size_t i;
	u32 insn;

	for (i = 0; i + 4 <= n; i += 4) {
		memcpy(&insn, c + i, 4);
		if ((insn & 0xfe407fff) == 0xa8007bfd)
			return true;
	}
	return false;
}

/* Of up to 200 functions spread over the file, how many set up a frame. */
static void sample(struct elf *e, const struct sym_table *t, u32 *seen, u32 *kept)
{
	u64 step = MAX(t->n / FUNCTIONS_MAX, (u64)1), i;
	u8 code[PROLOGUE_BYTES];

	*seen = *kept = 0;
	for (i = 0; i < t->n && *seen < FUNCTIONS_MAX; i += step) {
		u64 off, size = t->syms[i].size & ~SYM_HAS_MODULE;

		off = elf_addr_to_off(e, t->syms[i].addr);
		if (size < FUNCTION_MIN_BYTES || off == UINT64_MAX ||
		    elf_read(e, off, code, sizeof(code)))
			continue;
		++*seen;
		if (elf_machine(e) == EM_AARCH64)
			*kept += keeps_aarch64(code, sizeof(code));
		else
			*kept += keeps_x86_64(code, sizeof(code));
	}
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void describe(struct sym_ctx *c, struct sym_module *m, struct buf *b)
{
	struct elf *e = module_elf(c, m);
	u32 seen = 0, kept = 0;

	if (e)
		sample(e, &m->table, &seen, &kept);
	elf_close(e);
	if (seen >= 8 && kept * 4 < seen)
		buf_adds(b, "built without frame pointers (-fno-omit-frame-pointer mends it)");
	else if (seen >= 8 && kept * 4 < seen * 3)
		buf_adds(b, "partly built without frame pointers");
	if (!(m->table.flags & TABLE_STRIPPED) || m->kind == MODULE_VDSO)
		return;
	if (b->n)
		buf_adds(b, "; ");
	buf_addf(b, "stripped, %s: install the -dbgsym, -dbg or debuginfo package of %s",
		 m->table.n ? "only exported names" : "no symbols", base_name(m->path));
}

const char *sym_module_hint(struct sym_ctx *c, struct sym_module *m)
{
	struct buf b = {0};

	if (m->hint)
		return m->hint;
	if (m->kind == MODULE_NOFILE)
		return "code that is in no file: a just-in-time compiler's, or unpacked at run "
		       "time";
	if (!m->loaded && !m->why)
		module_load(c, m);
	if (m->why)
		buf_addf(&b, "%s: no names", m->why);
	else
		describe(c, m, &b);
	if (m->table.n)
		m->why = NULL; /* should the file be gone by now: its table stays good */
	m->hint = xstrdup(buf_str(&b));
	buf_done(&b);
	return m->hint;
}
