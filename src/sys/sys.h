/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sys: facts about this machine, read from /proc, /sys and ELF files. Everything that reads a
 * pseudo file takes a root ("" for the real one), so that tests can hand it a made-up machine.
 */
#ifndef SPOOR_SYS_H
#define SPOOR_SYS_H

#include "base/base.h"

/* ---- proc.c ---------------------------------------------------------------------------------- */

struct proc_map {
	u64 start, end, pgoff;
	u32 maj, min;
	u64 ino;
	bool exec, write;
	const char *path; /* "" when anonymous; " (deleted)" is cut off and said in deleted */
	bool deleted;
};
/* Calls fn for every mapping of pid in order; fn returns nonzero to stop. 0 or -errno. */
int proc_maps(const char *root, pid_t pid, int (*fn)(const struct proc_map *m, void *arg),
	      void *arg);
int proc_maps_parse(const char *text, size_t n, int (*fn)(const struct proc_map *m, void *arg),
		    void *arg); /* the same on text, for tests and fuzzing */
/* Every process (tids of one process with pid > 0) by number; fn returns nonzero to stop. */
int proc_each(const char *root, pid_t pid, int (*fn)(pid_t id, void *arg), void *arg);
int proc_comm(const char *root, pid_t pid, char comm[16]);
int proc_exe(const char *root, pid_t pid, char *path, size_t size_bytes);
/* From /proc/PID/stat and status; any pointer may be NULL. ns_pid: innermost of NSpid. */
struct proc_stat {
	pid_t ppid, tgid, ns_pid;
	uid_t uid;
	u64 start_ticks;
	char state;
};
int proc_stat(const char *root, pid_t pid, struct proc_stat *st);
u64 proc_mnt_ns(const char *root, pid_t pid); /* inode of its mount namespace, 0 when unknown */

/* One byte (0 or 1) per CPU number; out->n is the highest online CPU + 1. 0 or -errno. */
int cpus_online(const char *root, struct buf *out);
int sysctl_get(const char *root, const char *name, s64 *out); /* "kernel.perf_event_paranoid" */

/* ---- cgroup.c -------------------------------------------------------------------------------- */

/* Where cgroup v2 is mounted, or NULL with an error (arena-owned). */
const char *cgroup2_mount(struct arena *a, const char *root);
/* path is absolute or relative to the v2 mount. id is the kernel's cgroup id, level its depth. */
int cgroup_lookup(const char *root, const char *path, u64 *id, u32 *level);

/* ---- kallsyms.c ------------------------------------------------------------------------------ */

struct ksym {
	u64 addr;
	char type;	    /* t T w W ... */
	const char *name;   /* valid during the call */
	const char *module; /* "" for the kernel proper, "bpf" for BPF programs */
};
/* -EPERM when addresses are hidden (kptr_restrict): every one is 0. */
int kallsyms_each(const char *root, int (*fn)(const struct ksym *k, void *arg), void *arg);
/* The same on whole lines of text, which it cuts up; for tests and fuzzing. */
void kallsyms_parse(char *text, size_t n, int (*fn)(const struct ksym *k, void *arg), void *arg);
/* Build-id of the running kernel from /sys/kernel/notes; length or -errno. */
int kernel_build_id(const char *root, u8 id[20]);
int kernel_release(char *out, size_t size_bytes);
int boot_id(const char *root, char out[40]);

/* ---- elf.c: a bounds-checked ELF reader (our own: libelf trusts too much and loads too much) ---
 *
 * 64-bit little-endian files for x86_64 and aarch64. Everything is read by pread() when it is asked
 * for: a file that changes or is cut off under us gives errors or odd bytes, never a signal.
 */

struct elf;
struct elf_sym {
	u64 addr; /* virtual address in the file */
	u64 size_bytes;
	u64 limit;	  /* where its section ends; UINT64_MAX unknown */
	const char *name; /* valid during the call */
	u8 bind, type;
};
struct elf_segment { /* PT_LOAD: what the file puts where */
	u64 off, addr, size_bytes;
	bool exec;
};
/* NULL: see err_msg(). fd stays the caller's and may be closed at once; p must stay. */
struct elf *elf_open(const char *path);
struct elf *elf_open_fd(int fd, const char *name);
struct elf *elf_open_mem(const void *p, size_t n, const char *name);
void elf_close(struct elf *e);
int elf_machine(const struct elf *e);		  /* EM_X86_64 ... */
bool elf_is_exec(const struct elf *e);		  /* ET_EXEC */
bool elf_is_static(const struct elf *e);	  /* a program that needs no loader */
int elf_build_id(const struct elf *e, u8 id[20]); /* length, or -ENOENT */
/* n bytes from an offset of the file. 0 or -EBADMSG. */
int elf_read(const struct elf *e, u64 off, void *p, size_t n);
/* A section's bytes, decompressed if need be, owned by the elf. NULL when there is none. addr may
 * be NULL. */
const void *elf_section(struct elf *e, const char *name, size_t *size_bytes, u64 *addr);
/* .gnu_debuglink: the file name (no directory) and its CRC; NULL when there is none. */
const char *elf_debuglink(struct elf *e, u32 *crc);
/* The CRC of the whole file, as .gnu_debuglink means it. 0 or -EBADMSG. */
int elf_crc(const struct elf *e, u32 *crc);
/* The ELF file inside .gnu_debugdata (xz), to be closed; NULL when there is none. */
struct elf *elf_open_debugdata(struct elf *e);
/* Segments in order: start with *pos = 0, false after the last. */
bool elf_load(const struct elf *e, size_t *pos, struct elf_segment *out);
/* File offset <-> virtual address through PT_LOAD; UINT64_MAX when outside. */
u64 elf_off_to_addr(const struct elf *e, u64 off);
u64 elf_addr_to_off(const struct elf *e, u64 addr);
/* Function symbols (FUNC, IFUNC, and NOTYPE in code) of .symtab (dyn: .dynsym), unsorted. Returns
 * their number, or -ENOENT when there is no such table. fn returns nonzero to stop. */
int elf_symbols(struct elf *e, bool dyn, int (*fn)(const struct elf_sym *s, void *arg), void *arg);
/* name@plt entries: every stub that jumps through a GOT slot which a relocation fills. */
int elf_plt(struct elf *e, int (*fn)(const struct elf_sym *s, void *arg), void *arg);

/* ---- arch_*.c: what depends on the processor ---------------------------------------------------
 */

struct arch {
	const char *name;
	int elf_machine;
	u64 kernel_addr_min;	 /* addresses from here up are the kernel's */
	const char *const *regs; /* names in the order of struct pt_regs */
	int nregs;
	int reg_ip, reg_sp, reg_fp; /* indexes into regs */
};
extern const struct arch arch_x86_64, arch_aarch64;
const struct arch *arch_host(void);

#endif
