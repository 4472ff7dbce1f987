/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sym_int: what the files of this folder share.
 *
 *   table.c    a sorted table of functions: building one, asking one
 *   cache.c    tables on disk
 *   file.c     a table from an ELF file and its separate debug files
 *   module.c   files by identity, their tables on demand; identity.c: is this that file?
 *   kernel.c   the kernel's table, and BPF programs that come and go
 *   perfmap.c  what just-in-time compilers write down
 *   hint.c     what stack health says about a file
 */
#ifndef SPOOR_SYM_INT_H
#define SPOOR_SYM_INT_H

#include <sys/stat.h>

#include "sym/sym.h"
#include "sys/sys.h"

/* ---- table.c: one table, in memory as on disk --------------------------------------------------
 *
 *   syms:  [addr size name][addr size name]...   by addr; one for each address
 *   names: \0 name \0 name \0 [module \0] ...    module follows where SYM_HAS_MODULE is set
 */
struct sym_entry {
	u64 addr;
	u32 size; /* SYM_HAS_MODULE is or-ed in */
	u32 name; /* offset in names */
};
#define SYM_HAS_MODULE 0x80000000u
#define SYM_SEGS 16
struct sym_seg {
	u64 off, addr, size;
};
struct sym_table {
	const struct sym_entry *syms;
	u64 n;
	const char *names; /* ends with \0 */
	u64 names_bytes;
	struct sym_seg segs[SYM_SEGS]; /* executable PT_LOADs */
	u32 nsegs;
	u32 flags;
	size_t syms_cap, names_cap; /* own memory, in elements and bytes; or */
	void *map;		    /* the cache file */
	size_t map_bytes;
};
#define TABLE_STRIPPED 1 /* only .dynsym and the like: functions without names are expected */
#define TABLE_COSTLY 2	 /* a separate file was read: worth caching at any size */

struct raw_sym {
	u64 addr, size, limit;
	u32 name;
	u32 rank : 31; /* the highest at an address gives the name */
	u32 module : 1;
};
struct table_build {
	VEC(struct raw_sym) raw;
	VEC(char) names;
	size_t sealed; /* raw[0..sealed) is sorted */
	u64 dropped;   /* no room for names */
};
/* A symbol; size 0 runs to the next one, or to limit. module "" for none. */
void table_add(struct table_build *b, const struct elf_sym *s, const char *module);
/* What is added from now on does not repeat what is there already. */
void table_seal(struct table_build *b);
void table_finish(struct table_build *b, struct sym_table *t);
void table_done(struct sym_table *t);
/* NULL when no function covers addr. The name is checked to be inside the table. */
const struct sym_entry *table_find(const struct sym_table *t, u64 addr);
const char *table_name(const struct sym_table *t, const struct sym_entry *s, const char **module);
bool table_off_to_addr(const struct sym_table *t, u64 off, u64 *addr);

/* ---- cache.c -----------------------------------------------------------------------------------
 */

#define CACHE_KEY_MAX 64
#define CACHE_VERSION 1
#define CACHE_MAGIC "spoorsym"
struct cache_head {
	char magic[8];
	u32 version;
	u32 crc; /* crc32c of this head with crc 0 */
	u64 n_syms, names_bytes;
	u32 flags, nsegs;
	struct sym_seg segs[SYM_SEGS];
	u32 key_n, pad;
	u8 key[CACHE_KEY_MAX];
};
u32 cache_head_crc(const struct cache_head *h);
/* Opens (and makes) the directory; -1 when there is none that is ours alone. */
int cache_dir_open(const struct sym_opts *o);
/* true when `name` is there, whole, ours and for this key; t then maps it. */
bool cache_load(int dirfd, const char *name, const void *key, size_t key_n, struct sym_table *t);
/* The same on bytes; t points into them. */
bool cache_parse(const void *p, size_t n, const void *key, size_t key_n, struct sym_table *t);
/* 0 or -errno. */
int cache_save(int dirfd, const char *name, const void *key, size_t key_n,
	       const struct sym_table *t);
/* Removes other files that begin with prefix. */
void cache_drop_others(int dirfd, const char *prefix, const char *keep);
/* Removes the files not used for longest until max_bytes are left. */
void cache_trim(int dirfd, u64 max_bytes);

/* ---- file.c ------------------------------------------------------------------------------------
 */

/* Reads all that names e's functions. path is where e was found, for its separate debug file. */
void file_table(const char *root, struct elf *e, const char *path, struct sym_table *t);
/* Whether a separate debug file for this build-id is installed now. */
bool file_debug_exists(const char *root, const u8 *id, int id_len);

/* ---- module.c, identity.c ----------------------------------------------------------------------
 */

struct file_state { /* what must not change while we rely on a file */
	dev_t dev;
	ino_t ino;
	nlink_t nlink;
	off_t size;
	s64 mtime_ns, ctime_ns;
};
void file_state_of(const struct stat *st, struct file_state *fs);
bool file_state_same(const struct file_state *a, const struct file_state *b);

/* The file behind a mapping, if it is the one that id names. */
struct found_file {
	int fd;	    /* -1: see why */
	char *path; /* by which it can be opened again */
	struct file_state state;
	u8 build_id[20];
	int build_id_len;
	const char *why;
};
void identity_open(const char *root, pid_t pid, u64 start, u64 end, const char *path,
		   const struct sym_id *id, struct found_file *f);
/* Opens a regular file and nothing else, with no side effect on what else it may be. fd or -errno
 */
int open_regular(int dirfd, const char *path, struct stat *st);

enum module_kind { MODULE_FILE, MODULE_VDSO, MODULE_NOFILE };
struct sym_module {
	struct sym_module *next_build_id, *next_file, *next_path; /* same hash */
	enum module_kind kind;
	char *path;
	struct sym_id id;
	struct file_state state;
	int fd;
	char *open_path;
	const char *why; /* why there are no names at all; NULL when there may be */
	u32 tries;
	u64 used;
	bool loaded;
	struct sym_table table;
	char *hint;
};
/* The module's file, opened (again) if it is still the same; NULL with m->why set. */
struct elf *module_elf(struct sym_ctx *c, struct sym_module *m);
void module_load(struct sym_ctx *c, struct sym_module *m);
void modules_free(struct sym_ctx *c);

/* ---- kernel.c, perfmap.c -----------------------------------------------------------------------
 */

struct kernel_extra {
	u64 addr;
	u32 size;
	bool bpf;
	const char *name;
};
struct kernel {
	bool loaded;
	struct sym_table table;
	VEC(struct sym_table) old; /* replaced after a module came; names may still be in use */
	VEC(struct kernel_extra) extra; /* by address */
	char *problem;
	u64 modules_hash;
	u64 checked_ns;
};
void kernel_free(struct sym_ctx *c);
struct perf_map; /* one process's, or text in tests */
struct perf_map *perf_map_new(void);
void perf_map_free(struct perf_map *pm);
/* Takes whole lines; returns the bytes used. Then perf_map_sweep(), then perf_map_find(). */
size_t perf_map_feed(struct perf_map *pm, const char *text, size_t n);
void perf_map_sweep(struct perf_map *pm);
const char *perf_map_find(const struct perf_map *pm, u64 addr, u64 *offset);
void perf_maps_free(struct sym_ctx *c);

/* ---- sym.c -------------------------------------------------------------------------------------
 */

struct sym_ctx {
	struct sym_opts o;
	char *root, *cache_path;
	struct arena arena;
	struct map strings; /* hash -> struct string_node */
	int cache_fd;	    /* -1 none */
	bool cache_opened;
	bool cache_grown;
	struct map by_build_id, by_file, by_path;
	VEC(struct sym_module *) modules;
	size_t held; /* open file descriptors */
	u64 tick;
	struct kernel kernel;
	struct map perf_maps; /* pid -> struct perf_map */
	struct sym_stats stats;
};
/* One copy for the context's life. */
const char *ctx_str(struct sym_ctx *c, const char *s, size_t n);
int ctx_cache(struct sym_ctx *c); /* dirfd or -1 */

#endif
