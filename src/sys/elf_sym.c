// SPDX-License-Identifier: Apache-2.0
/* elf_sym: symbol tables and their names. */
#include "sys/elf_int.h"

#define WINDOW_BYTES 262144u
#define NAME_MAX_BYTES 65536u
#define SYMS_PER_READ 1024

void elf_strings_init(struct elf_strings *t, const struct elf *e, u64 off, u64 size)
{
	*t = (struct elf_strings){.e = e, .off = off, .size = size};
	if (off > e->size || size > e->size - off)
		t->size = 0;
}

/* Names mostly come in the order of the table. When they do not, all of it is read, once. */
static bool move_window(struct elf_strings *t, u64 at)
{
	u64 n = MIN(t->size - at, (u64)WINDOW_BYTES);

	if (t->read_bytes > 2 * t->size + (1u << 20)) {
		at = 0;
		n = t->size;
	}
	if (t->cap < n + 1) {
		t->p = big_realloc(t->p, t->cap, n + 1);
		t->cap = n + 1;
	}
	t->n = 0;
	if (elf_pread(t->e, t->off + at, t->p, n))
		return false;
	t->p[n] = 0;
	t->at = at;
	t->n = n;
	t->read_bytes += n;
	return true;
}

const char *elf_strings_get(struct elf_strings *t, u64 at)
{
	if (at >= t->size)
		return NULL;
	/* the whole name, or as much as there is of the table, must be inside */
	if (at < t->at || at - t->at >= t->n ||
	    (t->at + t->n < t->size &&
	     !memchr(t->p + (at - t->at), 0, MIN(t->n - (at - t->at), (size_t)NAME_MAX_BYTES)) &&
	     t->n - (at - t->at) < NAME_MAX_BYTES))
		if (!move_window(t, at))
			return NULL;
	if (t->n - (at - t->at) > NAME_MAX_BYTES && !memchr(t->p + (at - t->at), 0, NAME_MAX_BYTES))
		return NULL;
	return t->p + (at - t->at);
}

void elf_strings_done(struct elf_strings *t)
{
	big_free(t->p, t->cap);
	t->p = NULL;
}

/* ---- PT_DYNAMIC, for files without section headers ---- */

struct dynamic {
	u64 symtab, strtab, strsz, hash, gnu_hash, flags_1;
	bool found;
};

static void read_dynamic(const struct elf *e, struct dynamic *d)
{
	size_t i, j;

	memset(d, 0, sizeof(*d));
	for (i = 0; i < e->nph; i++) {
		const Elf64_Phdr *p = &e->ph[i];

		if (p->p_type != PT_DYNAMIC)
			continue;
		d->found = true;
		for (j = 0; j < MIN(p->p_filesz / sizeof(Elf64_Dyn), 4096u); j++) {
			Elf64_Dyn dyn;

			if (elf_pread(e, p->p_offset + j * sizeof(dyn), &dyn, sizeof(dyn)) ||
			    dyn.d_tag == DT_NULL)
				return;
			if (dyn.d_tag == DT_SYMTAB)
				d->symtab = dyn.d_un.d_ptr;
			else if (dyn.d_tag == DT_STRTAB)
				d->strtab = dyn.d_un.d_ptr;
			else if (dyn.d_tag == DT_STRSZ)
				d->strsz = dyn.d_un.d_val;
			else if (dyn.d_tag == DT_HASH)
				d->hash = dyn.d_un.d_ptr;
			else if (dyn.d_tag == DT_GNU_HASH)
				d->gnu_hash = dyn.d_un.d_ptr;
			else if (dyn.d_tag == DT_FLAGS_1)
				d->flags_1 = dyn.d_un.d_val;
		}
		return;
	}
}

/* The highest symbol that a GNU hash table names, plus one: the last bucket's chain ends it. */
static u64 gnu_hash_count(const struct elf *e, u64 off)
{
	u32 head[4], v, max = 0;
	u64 buckets, chains, i;

	if (elf_pread(e, off, head, sizeof(head)) || head[0] > e->size / 4 || head[2] > e->size / 8)
		return 0;
	buckets = off + 16 + 8ull * head[2];
	chains = buckets + 4ull * head[0];
	for (i = 0; i < head[0]; i++) {
		if (elf_pread(e, buckets + 4 * i, &v, 4))
			return 0;
		max = MAX(max, v);
	}
	if (max < head[1])
		return head[1];
	for (i = max; !elf_pread(e, chains + 4 * (i - head[1]), &v, 4); i++)
		if (v & 1)
			return i + 1;
	return 0;
}

static bool symtab_from_dynamic(const struct elf *e, struct elf_symtab *t)
{
	struct dynamic d;
	u32 head[2];

	read_dynamic(e, &d);
	if (!d.symtab || !d.strtab)
		return false;
	t->off = elf_addr_to_off(e, d.symtab);
	t->str_off = elf_addr_to_off(e, d.strtab);
	t->str_size = d.strsz;
	t->n = 0;
	if (d.hash && !elf_pread(e, elf_addr_to_off(e, d.hash), head, sizeof(head)))
		t->n = head[1];
	else if (d.gnu_hash)
		t->n = gnu_hash_count(e, elf_addr_to_off(e, d.gnu_hash));
	return t->n > 0;
}

bool elf_symtab_find(const struct elf *e, bool dyn, struct elf_symtab *t)
{
	u32 want = dyn ? SHT_DYNSYM : SHT_SYMTAB;
	size_t i;

	for (i = 1; i < e->nsh; i++) {
		const Elf64_Shdr *s = &e->sh[i];

		if (s->sh_type != want || s->sh_link >= e->nsh ||
		    e->sh[s->sh_link].sh_type != SHT_STRTAB)
			continue;
		*t = (struct elf_symtab){.off = s->sh_offset,
					 .n = s->sh_size / sizeof(Elf64_Sym),
					 .str_off = e->sh[s->sh_link].sh_offset,
					 .str_size = e->sh[s->sh_link].sh_size};
		return true;
	}
	return dyn && !e->nsh && symtab_from_dynamic(e, t);
}

/* $x $d $a $t, alone or with .suffix: they mark code and data for disassemblers */
static bool is_mapping_symbol(const char *name)
{
	return name[0] == '$' && name[1] && strchr("xdat", name[1]) && (!name[2] || name[2] == '.');
}

static bool is_function(const struct elf *e, const Elf64_Sym *s, struct elf_sym *out)
{
	const Elf64_Shdr *sec = s->st_shndx < e->nsh ? &e->sh[s->st_shndx] : NULL;
	u8 type = ELF64_ST_TYPE(s->st_info);

	if (s->st_shndx == SHN_UNDEF || (s->st_shndx >= SHN_LORESERVE && s->st_shndx != SHN_XINDEX))
		return false;
	if (type == STT_NOTYPE && !(sec && (sec->sh_flags & SHF_EXECINSTR)))
		return false;
	if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
		return false;
	out->addr = s->st_value;
	out->size_bytes = s->st_size;
	out->limit = sec ? sec->sh_addr + sec->sh_size : UINT64_MAX;
	out->bind = ELF64_ST_BIND(s->st_info);
	out->type = type;
	return true;
}

int elf_symbols(struct elf *e, bool dyn, int (*fn)(const struct elf_sym *s, void *arg), void *arg)
{
	Elf64_Sym block[SYMS_PER_READ];
	struct elf_strings strings;
	struct elf_symtab t;
	u64 i = 0, j, n;
	int count = 0;

	if (!elf_symtab_find(e, dyn, &t))
		return -ENOENT;
	t.n = MIN(t.n, (u64)e->size / sizeof(Elf64_Sym));
	elf_strings_init(&strings, e, t.str_off, t.str_size);
	for (; i < t.n; i += n) {
		n = MIN(t.n - i, (u64)SYMS_PER_READ);
		if (elf_pread(e, t.off + i * sizeof(*block), block, n * sizeof(*block)))
			break;
		for (j = 0; j < n; j++) {
			struct elf_sym s;

			if (!is_function(e, &block[j], &s))
				continue;
			s.name = elf_strings_get(&strings, block[j].st_name);
			if (!s.name || !*s.name || is_mapping_symbol(s.name))
				continue;
			count++;
			if (fn(&s, arg))
				goto out;
		}
	}
out:
	elf_strings_done(&strings);
	return count;
}

bool elf_is_static(const struct elf *e)
{
	struct dynamic d;
	size_t i;

	for (i = 0; i < e->nph; i++)
		if (e->ph[i].p_type == PT_INTERP)
			return false;
	read_dynamic(e, &d);
	return e->eh.e_type == ET_EXEC ? !d.found : d.found && (d.flags_1 & DF_1_PIE);
}
