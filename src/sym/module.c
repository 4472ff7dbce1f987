// SPDX-License-Identifier: Apache-2.0
/*
 * module: files by identity. A file is opened when it is first seen and read on the first look-up.
 * Descriptors are kept as long as they are needed: until the table is loaded, and for files without
 * a build-id to the end, because an inode number says something only while we hold the inode.
 */
#include "sym/sym_int.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

#define CACHE_MIN_SYMS 256 /* a smaller table is read as fast from the file itself */
#define TRIES_MAX 64	   /* other processes may show a file that one could not */
#define HELD_MAX 16384

static u64 file_key(u64 dev, u64 ino)
{
	return hash_u64(dev * 0x9e3779b97f4a7c15ull ^ ino);
}

static struct sym_module *map_module(const struct map *map, u64 key)
{
	u64 *p = map_get(map, key);

	return p ? (struct sym_module *)(uintptr_t)*p : NULL;
}

static struct sym_module *module_new(struct sym_ctx *c, enum module_kind kind, const char *path,
				     const struct sym_id *id)
{
	struct sym_module *m = xcalloc(1, sizeof(*m));

	m->kind = kind;
	m->path = xstrdup(path);
	m->fd = -1;
	m->id = *id;
	vec_push(&c->modules, m);
	c->stats.modules++;
	return m;
}

static void index_build_id(struct sym_ctx *c, struct sym_module *m)
{
	u64 *p = map_put(&c->by_build_id, hash_bytes(m->id.build_id, m->id.build_id_len));

	m->next_build_id = (struct sym_module *)(uintptr_t)*p;
	*p = (u64)(uintptr_t)m;
}

static void index_file(struct sym_ctx *c, struct sym_module *m)
{
	u64 *p = map_put(&c->by_file, file_key(m->id.dev, m->id.ino));

	m->next_file = (struct sym_module *)(uintptr_t)*p;
	*p = (u64)(uintptr_t)m;
}

static void index_path(struct sym_ctx *c, struct sym_module *m)
{
	u64 *p = map_put(&c->by_path, hash_bytes(m->path, strlen(m->path)));

	m->next_path = (struct sym_module *)(uintptr_t)*p;
	*p = (u64)(uintptr_t)m;
}

static struct sym_module *find_build_id(struct sym_ctx *c, const u8 *id, size_t n)
{
	struct sym_module *m;

	for (m = map_module(&c->by_build_id, hash_bytes(id, n)); m; m = m->next_build_id)
		if (m->id.build_id_len == n && !memcmp(m->id.build_id, id, n))
			return m;
	return NULL;
}

static bool unchanged(const struct sym_module *m)
{
	struct file_state now;
	struct stat st;

	if (m->fd < 0 || fstat(m->fd, &st))
		return false;
	file_state_of(&st, &now);
	return file_state_same(&now, &m->state);
}

/* While we hold it open, its inode number is its own. */
static struct sym_module *find_file(struct sym_ctx *c, const struct sym_id *id)
{
	struct sym_module *m;

	for (m = map_module(&c->by_file, file_key(id->dev, id->ino)); m; m = m->next_file)
		if (m->id.dev == id->dev && m->id.ino == id->ino &&
		    (!m->id.ino_gen || !id->ino_gen || m->id.ino_gen == id->ino_gen) &&
		    unchanged(m))
			return m;
	return NULL;
}

/* A module that could not be opened, for the same mapping as others see it. */
static struct sym_module *find_failed(struct sym_ctx *c, const char *path, const struct sym_id *id)
{
	struct sym_module *m;

	for (m = map_module(&c->by_path, hash_bytes(path, strlen(path))); m; m = m->next_path)
		if (m->why && !strcmp(m->path, path) && m->id.dev == id->dev &&
		    m->id.ino == id->ino && m->id.build_id_len == id->build_id_len &&
		    !memcmp(m->id.build_id, id->build_id, sizeof(id->build_id)))
			return m;
	return NULL;
}

static struct sym_module *special_module(struct sym_ctx *c, const char *path, bool vdso)
{
	enum module_kind kind = vdso ? MODULE_VDSO : MODULE_NOFILE;
	static const struct sym_id none;
	struct sym_module *m;

	for (m = map_module(&c->by_path, hash_bytes(path, strlen(path))); m; m = m->next_path)
		if (m->kind == kind && !strcmp(m->path, path))
			return m;
	m = module_new(c, kind, path, &none);
	if (!vdso)
		m->why = *path && *path != '/' ? "not a file" : "anonymous memory";
	index_path(c, m);
	return m;
}

static bool is_special(const char *path)
{
	return path[0] != '/' || str_starts(path, "//anon") || !strcmp(path, "/dev/zero") ||
	       str_starts(path, "/SYSV") || str_starts(path, "/anon_hugepage");
}

static int by_use(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* Half of what is allowed; the program has other uses for descriptors. */
static size_t held_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return 256;
	if (r.rlim_cur < r.rlim_max) {
		r.rlim_cur = MIN(r.rlim_max, (rlim_t)(2 * HELD_MAX));
		setrlimit(RLIMIT_NOFILE, &r);
		getrlimit(RLIMIT_NOFILE, &r);
	}
	return MIN((size_t)r.rlim_cur / 2, (size_t)HELD_MAX);
}

/* Closes the half that was not used for longest; they are opened again, and checked again. */
static void close_some(struct sym_ctx *c)
{
	VEC(u64) uses = {0};
	size_t i;
	u64 median;

	if (c->held < 256 || c->held < held_limit())
		return;
	for (i = 0; i < c->modules.n; i++)
		if (c->modules.v[i]->fd >= 0)
			vec_push(&uses, c->modules.v[i]->used);
	qsort(uses.v, uses.n, sizeof(u64), by_use);
	median = uses.v[uses.n / 2];
	vec_done(&uses);
	for (i = 0; i < c->modules.n; i++) {
		struct sym_module *m = c->modules.v[i];

		if (m->fd < 0 || m->used > median)
			continue;
		close(m->fd);
		m->fd = -1;
		c->held--;
	}
}

static void take_file(struct sym_ctx *c, struct sym_module *m, struct found_file *f)
{
	free(m->open_path);
	m->open_path = f->path;
	m->fd = f->fd;
	m->state = f->state;
	m->why = NULL;
	m->used = ++c->tick;
	c->held++;
}

/* The file turned out to be one that is known under another name or inode. */
static struct sym_module *join(struct sym_ctx *c, struct sym_module *m, struct found_file *f)
{
	if (m->fd < 0 && !m->loaded) {
		take_file(c, m, f);
	} else {
		close(f->fd);
		free(f->path);
	}
	return m;
}

/* What is known of this mapping's file already, usable or not. */
static struct sym_module *find_known(struct sym_ctx *c, const char *path, const struct sym_id *id)
{
	struct sym_module *m = NULL;

	if (id->build_id_len)
		m = find_build_id(c, id->build_id, id->build_id_len);
	else if (id->ino)
		m = find_file(c, id);
	return m ? m : find_failed(c, path, id);
}

static struct sym_module *add_failed(struct sym_ctx *c, const char *path, const struct sym_id *id,
				     const char *why)
{
	struct sym_module *m = module_new(c, MODULE_FILE, path, id);

	m->why = why;
	index_path(c, m);
	if (id->build_id_len)
		index_build_id(c, m);
	c->stats.rejected_identity += !strcmp(why, "file replaced");
	return m;
}

/* m: a module that waits for its file, or NULL. */
static struct sym_module *add_found(struct sym_ctx *c, struct sym_module *m, const char *path,
				    const struct sym_id *id, struct found_file *f)
{
	close_some(c);
	if (!m && f->build_id_len) {
		m = find_build_id(c, f->build_id, (size_t)f->build_id_len);
		if (m)
			return join(c, m, f);
	}
	if (!m) {
		m = module_new(c, MODULE_FILE, path, id);
		if (id->build_id_len)
			index_build_id(c, m);
	}
	take_file(c, m, f);
	if (!m->id.build_id_len && f->build_id_len) {
		memcpy(m->id.build_id, f->build_id, sizeof(f->build_id));
		m->id.build_id_len = (u8)f->build_id_len;
		index_build_id(c, m);
	}
	if (id->ino)
		index_file(c, m);
	return m;
}

struct sym_module *sym_module(struct sym_ctx *c, pid_t pid, u64 start, u64 end, const char *given,
			      const struct sym_id *id)
{
	static const char deleted[] = " (deleted)";
	struct found_file f;
	struct sym_module *m;
	char path[4096];

	snprintf(path, sizeof(path), "%s", given ? given : "");
	if (str_ends(path, deleted))
		path[strlen(path) - strlen(deleted)] = 0;
	if (is_special(path))
		return special_module(c, path, !strcmp(path, "[vdso]") && start >> 32);
	m = find_known(c, path, id);
	if (m)
		m->used = ++c->tick;
	if (m && (!m->why || m->tries++ >= TRIES_MAX))
		return m;
	identity_open(c->root, pid, start, end, path, id, &f);
	if (f.fd >= 0)
		return add_found(c, m, path, id, &f);
	return m ? m : add_failed(c, path, id, f.why);
}

const char *sym_module_path(const struct sym_module *m)
{
	return m->path;
}

static struct elf *own_vdso(void)
{
	const Elf64_Ehdr *eh = (const void *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
	size_t n;

	if (!eh)
		return NULL;
	/* its section headers are the last thing in it */
	n = eh->e_shoff + (size_t)eh->e_shnum * eh->e_shentsize;
	return elf_open_mem(eh, n, "[vdso]");
}

struct elf *module_elf(struct sym_ctx *c, struct sym_module *m)
{
	struct found_file f;
	struct stat st;
	struct elf *e;
	int fd;

	if (m->kind == MODULE_VDSO)
		return own_vdso();
	if (m->fd < 0 && m->open_path) {
		/* /proc/PID may be another's by now: the state is what counts */
		fd = open_regular(-1, m->open_path, &st);
		if (fd < 0)
			fd = open_regular(-1, m->path, &st);
		if (fd < 0) {
			m->why = "file gone";
			return NULL;
		}
		file_state_of(&st, &f.state);
		if (!file_state_same(&f.state, &m->state)) {
			close(fd);
			m->why = "file replaced";
			return NULL;
		}
		m->fd = fd;
		c->held++;
	}
	if (!unchanged(m)) {
		m->why = m->fd < 0 ? "file gone" : "file replaced";
		return NULL;
	}
	e = elf_open_fd(m->fd, m->path);
	if (!e)
		m->why = "not a 64-bit ELF file";
	return e;
}

static void cache_name(const struct sym_id *id, char out[64])
{
	int i, n = 0;

	for (i = 0; i < id->build_id_len; i++)
		n += snprintf(out + n, 64 - (size_t)n, "%02x", id->build_id[i]);
	snprintf(out + n, 64 - (size_t)n, ".sym");
}

static int stop(const struct elf_sym *s, void *arg)
{
	return 1;
}

/* What was cached was stripped. A debug package may have been installed since, and the file before
 * stripping has the same build-id. */
static bool names_came(struct sym_ctx *c, struct sym_module *m)
{
	struct elf *e;
	bool whole;

	if (file_debug_exists(c->root, m->id.build_id, m->id.build_id_len))
		return true;
	if (m->fd < 0)
		return false;
	e = elf_open_fd(m->fd, m->path);
	whole = e && elf_symbols(e, false, stop, NULL) > 0;
	elf_close(e);
	return whole;
}

static bool load_cached(struct sym_ctx *c, struct sym_module *m)
{
	char name[64];

	if (!m->id.build_id_len || ctx_cache(c) < 0)
		return false;
	cache_name(&m->id, name);
	if (!cache_load(c->cache_fd, name, m->id.build_id, m->id.build_id_len, &m->table)) {
		c->stats.cache_misses++;
		return false;
	}
	if ((m->table.flags & TABLE_STRIPPED) && names_came(c, m)) {
		table_done(&m->table);
		c->stats.cache_misses++;
		return false;
	}
	c->stats.cache_hits++;
	return true;
}

/* The saved file replaces the table in memory: its pages come and go as they are needed. */
static void save_cached(struct sym_ctx *c, struct sym_module *m)
{
	struct sym_table mapped;
	char name[64];

	if (!m->id.build_id_len || ctx_cache(c) < 0 ||
	    (m->table.n < CACHE_MIN_SYMS && !(m->table.flags & TABLE_COSTLY)))
		return;
	cache_name(&m->id, name);
	if (cache_save(c->cache_fd, name, m->id.build_id, m->id.build_id_len, &m->table))
		return;
	c->cache_grown = true;
	if (!cache_load(c->cache_fd, name, m->id.build_id, m->id.build_id_len, &mapped))
		return;
	table_done(&m->table);
	m->table = mapped;
}

static void load_from_file(struct sym_ctx *c, struct sym_module *m)
{
	struct elf *e = module_elf(c, m);

	m->tries = TRIES_MAX; /* one answer, to the end */
	if (!e)
		return;
	file_table(c->root, e, m->path, &m->table);
	elf_close(e);
	if (m->kind == MODULE_VDSO)
		return;
	if (!unchanged(m)) {
		table_done(&m->table);
		m->why = "file replaced";
		return;
	}
	save_cached(c, m);
}

void module_load(struct sym_ctx *c, struct sym_module *m)
{
	u64 start = clock_mono_ns();

	m->loaded = true;
	c->stats.modules_loaded++;
	if (!load_cached(c, m))
		load_from_file(c, m);
	if (m->fd >= 0 && m->id.build_id_len) {
		close(m->fd);
		m->fd = -1;
		c->held--;
	}
	c->stats.load_ns += clock_mono_ns() - start;
}

void sym_lookup(struct sym_ctx *c, struct sym_module *m, u64 file_off, struct sym_result *r)
{
	const struct sym_entry *s = NULL;
	const char *module;
	u64 addr;

	*r = (struct sym_result){.module = m->path,
				 .offset = file_off,
				 .kind = m->kind == MODULE_VDSO ? SYM_VDSO : SYM_USER};
	m->used = ++c->tick;
	if (!m->loaded && !m->why)
		module_load(c, m);
	if (m->loaded && table_off_to_addr(&m->table, file_off, &addr))
		s = table_find(&m->table, addr);
	if (s) {
		r->name = table_name(&m->table, s, &module);
		r->offset = addr - s->addr;
		return;
	}
	if (m->why)
		r->why = m->why;
	else if (m->table.flags & TABLE_STRIPPED)
		r->why = "stripped";
	else
		r->why = m->table.n ? "no function there" : "no symbols";
}

void modules_free(struct sym_ctx *c)
{
	size_t i;

	for (i = 0; i < c->modules.n; i++) {
		struct sym_module *m = c->modules.v[i];

		table_done(&m->table);
		if (m->fd >= 0)
			close(m->fd);
		free(m->path);
		free(m->open_path);
		free(m->hint);
		free(m);
	}
	vec_done(&c->modules);
	map_done(&c->by_build_id);
	map_done(&c->by_file);
	map_done(&c->by_path);
}
