// SPDX-License-Identifier: Apache-2.0
/*
 * elf_plt: names for the stubs that call into other files. A stub is known by what it does: it
 * jumps through a slot of the GOT, and a relocation says whose address that slot gets. This holds
 * for .plt, .plt.sec and .plt.got, with and without branch protection, from any linker.
 */
#include "sys/elf_int.h"

#define STUBS_MAX_BYTES (64u << 20)

struct slot {
	u64 addr;
	u32 sym;
};

struct plt {
	struct elf *e;
	VEC(struct slot) slots; /* by address */
	VEC(u32) lazy;		/* symbol of .rela.plt[i] */
	struct elf_symtab symtab;
	struct elf_strings strings;
	int (*fn)(const struct elf_sym *s, void *arg);
	void *arg;
	int count;
	bool stop;
};

static int by_addr(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static bool fills_slot(const struct elf *e, u32 type)
{
	if (e->eh.e_machine == EM_X86_64)
		return type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT;
	return type == R_AARCH64_JUMP_SLOT || type == R_AARCH64_GLOB_DAT;
}

/* In blocks: a big program has hundreds of megabytes of relocations, and few are of use here. */
static void read_relocs(struct plt *p, const char *section, bool lazy)
{
	const Elf64_Shdr *sec = elf_section_find(p->e, section);
	Elf64_Rela block[512];
	u64 i = 0, j, n, total;

	if (!sec || sec->sh_type != SHT_RELA)
		return;
	total = MIN(sec->sh_size, (u64)p->e->size) / sizeof(*block);
	for (; i < total; i += n) {
		n = MIN(total - i, (u64)ARRAY_SIZE(block));
		if (elf_pread(p->e, sec->sh_offset + i * sizeof(*block), block, n * sizeof(*block)))
			return;
		for (j = 0; j < n; j++) {
			u32 sym = (u32)ELF64_R_SYM(block[j].r_info);

			if (lazy)
				vec_push(&p->lazy, sym);
			if (sym && fills_slot(p->e, (u32)ELF64_R_TYPE(block[j].r_info)))
				vec_push(&p->slots, (struct slot){block[j].r_offset, sym});
		}
	}
}

static u32 slot_symbol(const struct plt *p, u64 addr)
{
	struct slot key = {.addr = addr}, *s;

	s = p->slots.n ? bsearch(&key, p->slots.v, p->slots.n, sizeof(key), by_addr) : NULL;
	return s ? s->sym : 0;
}

/* [endbr64] [bnd] jmp *slot(%rip), or the lazy half: [endbr64] push $index; [bnd] jmp plt0 */
static u32 stub_x86_64(const struct plt *p, const u8 *c, size_t n, u64 addr)
{
	size_t i = n >= 4 && !memcmp(c, "\xf3\x0f\x1e\xfa", 4) ? 4 : 0;
	s32 v;

	if (i + 5 <= n && c[i] == 0x68) {
		memcpy(&v, c + i + 1, 4);
		return v >= 0 && (size_t)v < p->lazy.n ? p->lazy.v[v] : 0;
	}
	if (i < n && c[i] == 0xf2)
		i++;
	if (i + 6 > n || c[i] != 0xff || c[i + 1] != 0x25)
		return 0;
	memcpy(&v, c + i + 2, 4);
	return slot_symbol(p, addr + i + 6 + (u64)(s64)v);
}

/* [bti c] adrp x16, page; ldr x17, [x16, #off] */
static u32 stub_aarch64(const struct plt *p, const u8 *c, size_t n, u64 addr)
{
	u32 insn[3];
	size_t i;
	s64 pages;

	if (n < 12)
		return 0;
	memcpy(insn, c, 12);
	i = insn[0] == 0xd503245f;
	if ((insn[i] & 0x9f00001f) != 0x90000010 || (insn[i + 1] & 0xffc003ff) != 0xf9400211)
		return 0;
	pages = (s64)((u64)((insn[i] >> 5 & 0x7ffff) << 2 | (insn[i] >> 29 & 3)) << 43) >> 43;
	return slot_symbol(p, ((addr + 4 * i) & ~0xfffull) + (u64)pages * 4096 +
				      8ull * (insn[i + 1] >> 10 & 0xfff));
}

static void emit(struct plt *p, u64 addr, u64 size_bytes, u32 sym)
{
	struct elf_sym s = {.addr = addr,
			    .size_bytes = size_bytes,
			    .limit = addr + size_bytes,
			    .bind = STB_LOCAL,
			    .type = STT_FUNC};
	const char *name;
	Elf64_Sym es;
	char *plt;

	if (sym >= p->symtab.n ||
	    elf_pread(p->e, p->symtab.off + (u64)sym * sizeof(es), &es, sizeof(es)))
		return;
	name = elf_strings_get(&p->strings, es.st_name);
	if (!name || !*name)
		return;
	plt = xasprintf("%s@plt", name);
	s.name = plt;
	p->count++;
	p->stop = p->fn(&s, p->arg) != 0;
	free(plt);
}

static void scan_section(struct plt *p, const char *name)
{
	const Elf64_Shdr *sec = elf_section_find(p->e, name);
	bool x86 = p->e->eh.e_machine == EM_X86_64;
	size_t n, at, step;
	const u8 *c;
	u64 addr;

	if (!sec || sec->sh_size > STUBS_MAX_BYTES || !(sec->sh_flags & SHF_EXECINSTR))
		return;
	c = elf_section(p->e, name, &n, &addr);
	/* aarch64's first entry has another size; its stubs are found at any instruction */
	step = !x86 ? 4 : sec->sh_entsize == 8 ? 8 : 16;
	for (at = 0; c && at < n && !p->stop; at += step) {
		u32 sym = x86 ? stub_x86_64(p, c + at, MIN(step, n - at), addr + at)
			      : stub_aarch64(p, c + at, n - at, addr + at);
		bool bti = !x86 && n - at >= 4 && !memcmp(c + at, "\x5f\x24\x03\xd5", 4);

		if (!sym)
			continue;
		emit(p, addr + at, x86 ? step : bti ? 24 : 16, sym);
		at += x86 ? 0 : bti ? 20 : 12;
	}
}

int elf_plt(struct elf *e, int (*fn)(const struct elf_sym *s, void *arg), void *arg)
{
	struct plt p = {.e = e, .fn = fn, .arg = arg};

	if (!elf_symtab_find(e, true, &p.symtab))
		return -ENOENT;
	elf_strings_init(&p.strings, e, p.symtab.str_off, p.symtab.str_size);
	read_relocs(&p, ".rela.plt", true);
	if (elf_section_find(e, ".plt.got"))
		read_relocs(&p, ".rela.dyn", false);
	if (p.slots.n)
		qsort(p.slots.v, p.slots.n, sizeof(*p.slots.v), by_addr);
	scan_section(&p, ".plt");
	scan_section(&p, ".plt.sec");
	scan_section(&p, ".plt.got");
	elf_strings_done(&p.strings);
	vec_done(&p.slots);
	vec_done(&p.lazy);
	return p.count;
}
