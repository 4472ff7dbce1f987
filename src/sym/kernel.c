// SPDX-License-Identifier: Apache-2.0
/*
 * kernel: names of kernel addresses. Reading /proc/kallsyms costs more than everything else here,
 * so the table is cached for this boot and this set of modules; its addresses are valid exactly
 * that long. BPF programs come and go and are kept apart.
 */
#include "sym/sym_int.h"

#include <elf.h>

#define FUNCTION_MAX (256u << 10) /* an unsized one is not longer: no names in the gaps */
#define RECHECK_NS NSEC_PER_SEC

/* Marks of the linker script: where parts of the code begin and end. They are no functions, but the
 * one before must not run over them. */
static bool is_mark(const char *name)
{
	static const char *const marks[] = {"_text",	  "_stext",	"__pi__text",  "_etext",
					    "_sinittext", "_einittext", "__init_begin"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(marks); i++)
		if (!strcmp(name, marks[i]))
			return true;
	return str_starts(name, "__") &&
	       (str_ends(name, "_text_start") || str_ends(name, "_text_end"));
}

static int add_ksym(const struct ksym *k, void *arg)
{
	struct elf_sym s = {.addr = k->addr,
			    .limit = k->addr + FUNCTION_MAX,
			    .name = k->name,
			    .bind = k->type == 'T' ? STB_GLOBAL : STB_LOCAL,
			    .type = STT_FUNC};

	if (!strchr("tTwW", k->type) || !*k->name)
		return 0;
	if (!strcmp(k->module, "bpf") || str_starts(k->module, "__builtin__"))
		return 0;
	if (k->type == 'w' || k->type == 'W')
		s.bind = STB_WEAK;
	if (!*k->module && is_mark(k->name)) {
		s.limit = k->addr;
		s.type = STT_NOTYPE;
	}
	table_add(arg, &s, k->module);
	return 0;
}

/* Names, sizes and addresses of the modules, but not how often they are in use. */
static u64 modules_hash(const char *root)
{
	char *path = xasprintf("%s/proc/modules", root);
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	u64 hash = 1;

	while (f && getline(&line, &cap, f) > 0) {
		char name[128], addr[32];
		unsigned long long size;

		if (sscanf(line, "%127s %llu %*s %*s %*s %31s", name, &size, addr) == 3)
			hash = hash_u64(hash ^ hash_bytes(name, strlen(name)) ^
					hash_bytes(addr, strlen(addr)) * 3 ^ size * 5);
	}
	if (f)
		fclose(f);
	free(line);
	free(path);
	return hash;
}

struct kernel_key {
	u8 build_id[20];
	char boot[36];
	u64 modules;
} __attribute__((packed));
_Static_assert(sizeof(struct kernel_key) == CACHE_KEY_MAX, "the kernel's key fills the field");

static bool make_key(const char *root, u64 modules, struct kernel_key *key)
{
	char boot[40];

	memset(key, 0, sizeof(*key));
	if (kernel_build_id(root, key->build_id) < 0 || boot_id(root, boot))
		return false;
	memcpy(key->boot, boot, sizeof(key->boot));
	key->modules = modules;
	return true;
}

static void read_kallsyms(struct sym_ctx *c)
{
	struct table_build b = {0};
	int ret = kallsyms_each(c->root, add_ksym, &b);

	table_finish(&b, &c->kernel.table);
	free(c->kernel.problem);
	c->kernel.problem = ret ? xstrdup(err_msg()) : NULL;
}

static void kernel_load(struct sym_ctx *c)
{
	struct kernel *k = &c->kernel;
	struct sym_table mapped;
	struct kernel_key key;
	char name[64];
	bool cached;

	k->loaded = true;
	k->checked_ns = clock_mono_ns();
	k->modules_hash = modules_hash(c->root);
	cached = make_key(c->root, k->modules_hash, &key) && ctx_cache(c) >= 0;
	snprintf(name, sizeof(name), "kernel-%016llx.sym",
		 (unsigned long long)hash_bytes(&key, sizeof(key)));
	if (cached && cache_load(c->cache_fd, name, &key, sizeof(key), &k->table)) {
		c->stats.cache_hits++;
		return;
	}
	c->stats.cache_misses += cached;
	read_kallsyms(c);
	if (!cached || k->problem || !k->table.n ||
	    cache_save(c->cache_fd, name, &key, sizeof(key), &k->table))
		return;
	cache_drop_others(c->cache_fd, "kernel-", name);
	c->cache_grown = true;
	if (cache_load(c->cache_fd, name, &key, sizeof(key), &mapped)) {
		table_done(&k->table);
		k->table = mapped;
	}
}

/* A module that was loaded since is not in the table. */
static bool reload_if_changed(struct sym_ctx *c)
{
	struct kernel *k = &c->kernel;
	u64 now = clock_mono_ns();

	if (k->problem || now - k->checked_ns < RECHECK_NS)
		return false;
	k->checked_ns = now;
	if (modules_hash(c->root) == k->modules_hash)
		return false;
	vec_push(&k->old, k->table);
	memset(&k->table, 0, sizeof(k->table));
	kernel_load(c);
	return true;
}

static size_t extra_after(const struct kernel *k, u64 addr)
{
	size_t lo = 0, hi = k->extra.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (k->extra.v[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void sym_kernel_add(struct sym_ctx *c, u64 addr, u32 size_bytes, const char *name, bool bpf)
{
	struct kernel *k = &c->kernel;
	size_t i = extra_after(k, addr);
	struct kernel_extra x = {addr, size_bytes, bpf, ctx_str(c, name, strlen(name))};

	if (i > 0 && k->extra.v[i - 1].addr == addr) {
		k->extra.v[i - 1] = x;
		return;
	}
	vec_reserve(&k->extra, k->extra.n + 1);
	memmove(k->extra.v + i + 1, k->extra.v + i, (k->extra.n - i) * sizeof(x));
	k->extra.v[i] = x;
	k->extra.n++;
}

void sym_kernel_del(struct sym_ctx *c, u64 addr)
{
	struct kernel *k = &c->kernel;
	size_t i = extra_after(k, addr);

	if (!i || k->extra.v[i - 1].addr != addr)
		return;
	memmove(k->extra.v + i - 1, k->extra.v + i, (k->extra.n - i) * sizeof(*k->extra.v));
	k->extra.n--;
}

static bool lookup_extra(const struct kernel *k, u64 addr, struct sym_result *r)
{
	size_t i = extra_after(k, addr);
	const struct kernel_extra *x = i ? &k->extra.v[i - 1] : NULL;

	if (!x || addr - x->addr >= x->size)
		return false;
	r->name = x->name;
	r->offset = addr - x->addr;
	if (x->bpf) {
		r->kind = SYM_BPF;
		r->module = "[bpf]";
	}
	return true;
}

void sym_kernel(struct sym_ctx *c, u64 addr, struct sym_result *r)
{
	struct kernel *k = &c->kernel;
	const struct sym_entry *s;
	const char *module;

	*r = (struct sym_result){.module = "[kernel.kallsyms]", .offset = addr, .kind = SYM_KERNEL};
	if (lookup_extra(k, addr, r))
		return;
	if (c->o.no_kernel) {
		r->why = "kernel names are off";
		return;
	}
	if (!k->loaded)
		kernel_load(c);
	s = table_find(&k->table, addr);
	if (!s && reload_if_changed(c))
		s = table_find(&k->table, addr);
	if (!s) {
		r->why = k->problem ? k->problem : "no function there";
		return;
	}
	r->name = table_name(&k->table, s, &module);
	r->offset = addr - s->addr;
	if (*module) {
		char text[160];

		snprintf(text, sizeof(text), "[%s]", module);
		r->module = ctx_str(c, text, strlen(text));
	}
}

const char *sym_kernel_problem(struct sym_ctx *c)
{
	if (c->o.no_kernel)
		return "";
	if (!c->kernel.loaded)
		kernel_load(c);
	return c->kernel.problem ? c->kernel.problem : "";
}

void kernel_free(struct sym_ctx *c)
{
	struct kernel *k = &c->kernel;
	size_t i;

	table_done(&k->table);
	for (i = 0; i < k->old.n; i++)
		table_done(&k->old.v[i]);
	vec_done(&k->old);
	vec_done(&k->extra);
	free(k->problem);
}
