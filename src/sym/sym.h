/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sym: from addresses to names. Three parts that know nothing of processes:
 *
 *   sym_ctx     everything shared: the kernel's table, every opened file's table, names
 *   sym_module  one file as it was when it was mapped, known by its identity; its table is loaded
 * on the first look-up, from the cache directory when it has the build-id sym_result  what an
 * address is
 *
 * Which process mapped what, and when, is run/'s business.
 */
#ifndef SPOOR_SYM_H
#define SPOOR_SYM_H

#include "base/base.h"

/* Who a mapped file is. Zero members are unknown. Equal build-ids are the same file wherever it is.
 */
struct sym_id {
	u64 dev; /* makedev(maj, min) as the kernel's mmap event and /proc/PID/maps say */
	u64 ino;
	u64 ino_gen;	 /* inode generation from the mmap event; 0 unknown */
	u64 mapped_ns;	 /* wall clock when it was mapped, 0: before the recording started */
	u8 build_id[20]; /* as the kernel saw it */
	u8 build_id_len; /* 0 unknown */
};

struct sym_opts {
	const char *root;      /* "" ; a made-up machine in tests */
	const char *cache_dir; /* NULL: $XDG_CACHE_HOME/spoor or ~/.cache/spoor, or none if neither
				  works */
	bool no_cache;
	bool no_kernel;
};

struct sym_result {
	const char *name;   /* as in the file, mangled; NULL when unknown. Owned by the context,
			       but a perf map's only until the next call for that process */
	const char *module; /* path to show: /usr/lib/libc.so.6, [vdso], [kernel.kallsyms], [bpf],
			       [nfs] */
	u64 offset; /* in the function when known; else in the module's file (or the address) */
	u8 kind;    /* enum sym_kind */
	const char
		*why; /* name is NULL: "stripped", "file replaced", "file gone", "not mapped" ... */
};
enum sym_kind { SYM_USER, SYM_KERNEL, SYM_JIT, SYM_VDSO, SYM_BPF };

struct sym_ctx;
struct sym_module;
struct sym_ctx *sym_new(const struct sym_opts *o); /* never fails; missing things show as unknown */
void sym_free(struct sym_ctx *c);

/* Kernel addresses: kallsyms, modules, BPF programs. The table is read on the first call. */
void sym_kernel(struct sym_ctx *c, u64 addr, struct sym_result *r);
/* A BPF program or module came or went: what the kernel event said. */
void sym_kernel_add(struct sym_ctx *c, u64 addr, u32 size_bytes, const char *name, bool bpf);
void sym_kernel_del(struct sym_ctx *c, u64 addr);
/* "" when kernel names are available, else why not (kptr_restrict ...). */
const char *sym_kernel_problem(struct sym_ctx *c);

/*
 * The module for a mapping. Called when the mapping is first seen, while the process may still
 * live: the file is opened then (through /proc/PID/map_files/START-END, /proc/PID/root/PATH, our
 * own PATH, in this order) and kept only if it is the file that `id` names; nothing is parsed yet.
 * The same file gives the same pointer. Special paths: "[vdso]", "//anon", "[heap]", "/memfd:x",
 * "/dev/zero", "x (deleted)". Never NULL. Owned by the context.
 */
struct sym_module *sym_module(struct sym_ctx *c, pid_t pid, u64 start, u64 end, const char *path,
			      const struct sym_id *id);
const char *sym_module_path(const struct sym_module *m);
/* file_off = pc - mapping start + its pgoff. */
void sym_lookup(struct sym_ctx *c, struct sym_module *m, u64 file_off, struct sym_result *r);
/* "has frame pointers", "no symbols", ... for stack health; "" when nothing is to be said. */
const char *sym_module_hint(struct sym_ctx *c, struct sym_module *m);

/* /tmp/perf-PID.map of a process (in its own mount namespace, its own pid's name, owned by its user
 * or root, opened without following links). Re-read when it grew. false when it has none or no
 * name. */
bool sym_perf_map(struct sym_ctx *c, pid_t pid, u64 addr, struct sym_result *r);
void sym_perf_map_drop(struct sym_ctx *c, pid_t pid); /* exec or exit */

/* Appends the demangled form (C++ Itanium, Rust legacy and v0 without hashes, clones in [..]);
 * false and nothing appended when name is not mangled. Output is bounded. Has the shape of
 * prof_rename_fn. */
bool sym_demangle(const char *name, struct buf *out, void *unused);

/* Tables go to the cache as they are loaded; this removes the oldest if the cache has become too
 * large. Done by sym_free too. */
void sym_cache_save(struct sym_ctx *c);
struct sym_stats {
	u64 modules, modules_loaded, cache_hits, cache_misses, rejected_identity;
	u64 load_ns;
};
void sym_stats(const struct sym_ctx *c, struct sym_stats *st);

#endif
