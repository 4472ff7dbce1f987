// SPDX-License-Identifier: Apache-2.0
/* The little programs that are tried out, as instructions: no compiler at run time. */
#include "bpf/feature_int.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <unistd.h>

#define INSN(op, dst, src, offset, immediate)                                                      \
	((struct bpf_insn){.code = (op),                                                           \
			   .dst_reg = (dst),                                                       \
			   .src_reg = (src),                                                       \
			   .off = (offset),                                                        \
			   .imm = (immediate)})
#define MOV_IMM(dst, imm) INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define MOV_REG(dst, src) INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define ADD_IMM(dst, imm) INSN(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm)
#define CALL(helper) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define PSEUDO_FUNC 4 /* BPF_PSEUDO_FUNC is younger than the headers */

enum { R0, R1, R2, R3, R4, R5, R6, R10 = 10 };
enum { HELPER_GET_STACK = 67, HELPER_RINGBUF_OUTPUT = 130, HELPER_LOOP = 181 };

/* A 64-bit immediate takes two places; what it is depends on src. */
static size_t load64(struct bpf_insn *out, u8 dst, u8 src, s32 imm)
{
	out[0] = INSN(BPF_LD | BPF_DW | BPF_IMM, dst, src, 0, imm);
	out[1] = INSN(0, 0, 0, 0, 0);
	return 2;
}

/* counter += 1; return 0 */
size_t code_count(struct trial *t, struct bpf_insn *out)
{
	size_t n = load64(out, R1, BPF_PSEUDO_MAP_VALUE, t->counter_fd);

	out[n++] = MOV_IMM(R2, 1);
	out[n++] = INSN(BPF_STX | BPF_DW | BPF_XADD, R1, R2, 0, 0);
	out[n++] = MOV_IMM(R0, 0);
	out[n++] = EXIT();
	return n;
}

/* if (bpf_get_stack(ctx, buf, 64, flags) > 0) counter += 1; return 0 */
static size_t code_stack(struct trial *t, struct bpf_insn *out, s32 flags)
{
	size_t n = 0;

	/* In older kernels the helper of raw tracepoints wants initialized bytes. */
	for (int16_t off = -64; off < 0; off += 8)
		out[n++] = INSN(BPF_ST | BPF_MEM | BPF_DW, R10, 0, off, 0);
	out[n++] = MOV_REG(R2, R10);
	out[n++] = ADD_IMM(R2, -64);
	out[n++] = MOV_IMM(R3, 64);
	out[n++] = MOV_IMM(R4, flags);
	out[n++] = CALL(HELPER_GET_STACK);
	out[n++] = INSN(BPF_JMP | BPF_JSGT | BPF_K, R0, 0, 2, 0);
	out[n++] = MOV_IMM(R0, 0);
	out[n++] = EXIT();
	return n + code_count(t, out + n);
}

size_t code_user_stack(struct trial *t, struct bpf_insn *out)
{
	return code_stack(t, out, BPF_F_USER_STACK);
}

size_t code_kernel_stack(struct trial *t, struct bpf_insn *out)
{
	return code_stack(t, out, 0);
}

/* if (bpf_ringbuf_output(ring, &eight_bytes, 8, 0) == 0) counter += 1; return 0 */
size_t code_ringbuf(struct trial *t, struct bpf_insn *out)
{
	size_t n = 0;

	out[n++] = INSN(BPF_ST | BPF_MEM | BPF_DW, R10, 0, -8, 1);
	n += load64(out + n, R1, BPF_PSEUDO_MAP_FD, t->map_fd);
	out[n++] = MOV_REG(R2, R10);
	out[n++] = ADD_IMM(R2, -8);
	out[n++] = MOV_IMM(R3, 8);
	out[n++] = MOV_IMM(R4, 0);
	out[n++] = CALL(HELPER_RINGBUF_OUTPUT);
	out[n++] = INSN(BPF_JMP | BPF_JEQ | BPF_K, R0, 0, 2, 0);
	out[n++] = MOV_IMM(R0, 0);
	out[n++] = EXIT();
	return n + code_count(t, out + n);
}

/* bpf_loop(3, callback, NULL, 0); return 0. The callback is code_count(). */
size_t code_loop(struct trial *t, struct bpf_insn *out)
{
	size_t n = 0, load;

	out[n++] = MOV_IMM(R1, 3);
	load = n;
	n += load64(out + n, R2, PSEUDO_FUNC, 0);
	out[n++] = MOV_IMM(R3, 0);
	out[n++] = MOV_IMM(R4, 0);
	out[n++] = CALL(HELPER_LOOP);
	out[n++] = MOV_IMM(R0, 0);
	out[n++] = EXIT();
	BUG_ON(n != CODE_LOOP_CALLBACK);
	out[load].imm = (s32)(n - load - 1);
	return n + code_count(t, out + n);
}

int code_loop_btf(u32 type_ids[2])
{
	struct btf *btf = btf__new_empty();
	int u32_id, long_id, ptr_id, proto, fd;

	if (!btf)
		return -errno;
	u32_id = btf__add_int(btf, "unsigned int", 4, 0);
	long_id = btf__add_int(btf, "long", 8, BTF_INT_SIGNED);
	ptr_id = btf__add_ptr(btf, 0);
	proto = btf__add_func_proto(btf, long_id);
	btf__add_func_param(btf, "i", u32_id);
	btf__add_func_param(btf, "ctx", ptr_id);
	type_ids[1] = (u32)btf__add_func(btf, "callback", BTF_FUNC_STATIC, proto);
	proto = btf__add_func_proto(btf, long_id);
	btf__add_func_param(btf, "ctx", ptr_id);
	type_ids[0] = (u32)btf__add_func(btf, "entry", BTF_FUNC_GLOBAL, proto);
	if (btf__load_into_kernel(btf)) {
		fd = -errno;
	} else {
		fd = dup(btf__fd(btf)); /* the object closes its own */
		fd = fd < 0 ? -errno : fd;
	}
	btf__free(btf);
	return fd;
}
