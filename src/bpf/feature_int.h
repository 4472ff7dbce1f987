/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_int: one attempt to use one kind of probe.
 *
 *   recipe -> code -> load -> attach -> trigger until the counter moved -> close everything
 *
 * Everything is held by file descriptors only, so nothing can stay attached.
 */
#ifndef SPOOR_FEATURE_INT_H
#define SPOOR_FEATURE_INT_H

#include <linux/bpf.h>

#include "bpf/bpf_int.h"

/* Newer than the headers that this may be built with; the numbers are the kernel's ABI. */
#define ATTACH_KPROBE_MULTI 42
#define ATTACH_UPROBE_MULTI 48
#define ATTACH_KPROBE_SESSION 56
#define ATTACH_UPROBE_SESSION 57
#define FEATURE_MAX_INSNS 32
#define FEATURE_MAX_FDS 4

enum feature_stage { STAGE_BTF, STAGE_MAP, STAGE_LOAD, STAGE_ATTACH, STAGE_RUN };

struct feature_ctx {
	struct arena *arena;
	struct btf *btf;
	int btf_error;
	bool admin;	 /* has CAP_SYS_ADMIN */
	bool privileged; /* has CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN */
	int tracefs_fd;	 /* -1: cannot be had */
};

/* One attempt; fds are closed at its end, last first. */
struct trial {
	struct feature_ctx *x;
	const struct feature_recipe *r;
	int counter_fd, map_fd, btf_fd, prog_fd;
	int fds[FEATURE_MAX_FDS], nfds;
	u64 *counter;
	enum feature_stage stage;
	const char *why; /* when errno alone does not tell */
};

struct feature_recipe {
	u32 prog_type, attach_type;
	const char *btf_name; /* what a tracing program attaches to */
	u32 btf_kind;
	bool retprobe;
	/* Writes the program, returns its length in instructions. */
	size_t (*code)(struct trial *t, struct bpf_insn *out);
	int (*attach)(struct trial *t); /* 0 or -errno; keeps fds in t->fds */
	void (*trigger)(struct trial *t);
	const char *config; /* the kernel option without which attaching fails */
	const char *since;  /* first kernel that has it, for the ones that 5.10 lacks */
};

/* feature_code.c: programs. All of them add 1 to the counter when they succeed. */
size_t code_count(struct trial *t, struct bpf_insn *out);
size_t code_user_stack(struct trial *t, struct bpf_insn *out);
size_t code_kernel_stack(struct trial *t, struct bpf_insn *out);
size_t code_ringbuf(struct trial *t, struct bpf_insn *out);
size_t code_loop(struct trial *t, struct bpf_insn *out);
#define CODE_LOOP_CALLBACK 8 /* where the callback of code_loop() starts */
/* The function names that the kernel wants for a program with a callback; fd or -errno. */
int code_loop_btf(u32 type_ids[2]);

/* feature_attach.c: ways of attaching and of making probes fire. */
int attach_tracepoint(struct trial *t);
int attach_raw_tp(struct trial *t);
int attach_tracing(struct trial *t);
int attach_clock(struct trial *t);
int attach_kprobe(struct trial *t);
int attach_kprobe_multi(struct trial *t);
int attach_uprobe(struct trial *t);
int attach_usdt(struct trial *t);
int attach_uprobe_multi(struct trial *t);
int attach_iter(struct trial *t);
void trigger_switch(struct trial *t);
void trigger_syscall(struct trial *t);
void trigger_spin(struct trial *t);
void trigger_function(struct trial *t);
void trigger_usdt(struct trial *t);
void trigger_iter(struct trial *t);
/* The name of getpgid's function in this kernel: what kernel probes are tried on. */
#if defined(__x86_64__)
#define FEATURE_KERNEL_FUNCTION "__x64_sys_getpgid"
#elif defined(__aarch64__)
#define FEATURE_KERNEL_FUNCTION "__arm64_sys_getpgid"
#else
#define FEATURE_KERNEL_FUNCTION "sys_getpgid"
#endif

#endif
