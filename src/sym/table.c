// SPDX-License-Identifier: Apache-2.0
/* table: sorted functions. 16 bytes a function and the names; the same in memory and on disk. */
#include "sym/sym_int.h"

#include <elf.h>
#include <sys/mman.h>

#define MAX_NESTING 16	       /* functions inside others, as hand-written code has them */
#define UNSIZED_MAX (1u << 20) /* a function of unknown size is not longer */

static u32 name_rank(const char *name)
{
	u32 n = 0;

	while (name[n] == '_' && n < 15)
		n++;
	return 15 - n;
}

static u32 sym_rank(const struct elf_sym *s)
{
	u32 bind = s->bind == STB_GLOBAL || s->bind == STB_GNU_UNIQUE ? 2 : s->bind == STB_WEAK;

	return (u32)(s->type != STT_NOTYPE) << 8 | bind << 4 | name_rank(s->name);
}

static int by_addr(const void *a, const void *b)
{
	const struct raw_sym *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank > y->rank ? -1 : 1;
	if (!x->size != !y->size)
		return x->size ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

/* Whether the sealed part has a name for this address that is as good. */
static bool known(const struct table_build *b, u64 addr, u32 rank)
{
	size_t lo = 0, hi = b->sealed;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (b->raw.v[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < b->sealed && b->raw.v[lo].addr == addr && b->raw.v[lo].rank >= rank;
}

static u32 add_name(struct table_build *b, const char *s, size_t n)
{
	u32 at = (u32)b->names.n;

	vec_reserve(&b->names, b->names.n + n + 1);
	memcpy(b->names.v + at, s, n);
	b->names.v[at + n] = 0;
	b->names.n += n + 1;
	return at;
}

void table_add(struct table_build *b, const struct elf_sym *s, const char *module)
{
	size_t n = strlen(s->name), nmod = strlen(module);
	const char *version = strchr(s->name + 1, '@');
	struct raw_sym r = {.addr = s->addr, .size = s->size_bytes, .limit = s->limit};

	r.rank = sym_rank(s);
	if (known(b, r.addr, r.rank))
		return;
	if (version && strcmp(version, "@plt"))
		n = (size_t)(version - s->name); /* memcpy@@GLIBC_2.14 */
	if (!b->names.n)
		vec_push(&b->names, 0);
	if (b->names.n + n + nmod + 2 > UINT32_MAX) {
		b->dropped++;
		return;
	}
	r.name = add_name(b, s->name, n);
	if (nmod)
		add_name(b, module, nmod);
	r.module = nmod > 0;
	vec_push(&b->raw, r);
}

void table_seal(struct table_build *b)
{
	if (b->raw.n)
		qsort(b->raw.v, b->raw.n, sizeof(*b->raw.v), by_addr);
	b->sealed = b->raw.n;
}

/* The symbols raw[i..j) share an address; next is that of the following one. */
static u64 group_size(const struct table_build *b, size_t i, size_t j, u64 covered, u64 next)
{
	const struct raw_sym *r = &b->raw.v[i];
	u64 end;
	size_t k;

	for (k = i; k < j; k++)
		if (b->raw.v[k].size)
			return MIN(b->raw.v[k].size, (u64)(SYM_HAS_MODULE - 1));
	if (r->addr < covered)
		return 0; /* a label in the middle of a function */
	end = MIN(next, r->limit);
	return end > r->addr ? MIN(end - r->addr, (u64)UNSIZED_MAX) : 0;
}

void table_finish(struct table_build *b, struct sym_table *t)
{
	VEC(struct sym_entry) out = {0};
	u64 covered = 0;
	size_t i, j;

	table_seal(b);
	vec_reserve(&out, b->raw.n);
	for (i = 0; i < b->raw.n; i = j) {
		const struct raw_sym *r = &b->raw.v[i];
		u64 size;

		for (j = i + 1; j < b->raw.n && b->raw.v[j].addr == r->addr; j++)
			;
		size = group_size(b, i, j, covered, j < b->raw.n ? b->raw.v[j].addr : UINT64_MAX);
		if (!size || size > UINT64_MAX - r->addr)
			continue;
		covered = MAX(covered, r->addr + size);
		vec_push(&out,
			 (struct sym_entry){.addr = r->addr,
					    .size = (u32)size | (r->module ? SYM_HAS_MODULE : 0),
					    .name = r->name});
	}
	vec_done(&b->raw);
	memset(t, 0, sizeof(*t));
	t->syms = out.v;
	t->n = out.n;
	t->syms_cap = out.cap;
	t->names = b->names.v;
	t->names_bytes = b->names.n;
	t->names_cap = b->names.cap;
	memset(b, 0, sizeof(*b));
}

void table_done(struct sym_table *t)
{
	if (t->map) {
		munmap(t->map, t->map_bytes);
	} else {
		big_free((void *)t->syms, t->syms_cap * sizeof(*t->syms));
		big_free((void *)t->names, t->names_cap);
	}
	memset(t, 0, sizeof(*t));
}

const struct sym_entry *table_find(const struct sym_table *t, u64 addr)
{
	u64 lo = 0, hi = t->n, i;

	while (lo < hi) {
		u64 mid = lo + (hi - lo) / 2;

		if (t->syms[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (i = lo; i > 0 && lo - i < MAX_NESTING; i--) {
		const struct sym_entry *s = &t->syms[i - 1];

		if (addr - s->addr < (s->size & ~SYM_HAS_MODULE) && s->name < t->names_bytes)
			return s;
	}
	return NULL;
}

const char *table_name(const struct sym_table *t, const struct sym_entry *s, const char **module)
{
	const char *name = t->names + s->name;
	size_t n = strlen(name) + 1;

	*module = "";
	if ((s->size & SYM_HAS_MODULE) && s->name + n < t->names_bytes)
		*module = name + n;
	return name;
}

bool table_off_to_addr(const struct sym_table *t, u64 off, u64 *addr)
{
	u32 i;

	for (i = 0; i < t->nsegs; i++) {
		if (off >= t->segs[i].off && off - t->segs[i].off < t->segs[i].size) {
			*addr = off - t->segs[i].off + t->segs[i].addr;
			return true;
		}
	}
	return false;
}
