// SPDX-License-Identifier: Apache-2.0
#include <elf.h>

#include "sys/sys.h"

static const char *const regs[] = {
	"r15", "r14", "r13", "r12", "bp",      "bx", "r11", "r10",   "r9", "r8", "ax",
	"cx",  "dx",  "si",  "di",  "orig_ax", "ip", "cs",  "flags", "sp", "ss",
};

const struct arch arch_x86_64 = {
	.name = "x86_64",
	.elf_machine = EM_X86_64,
	.kernel_addr_min = 0xff00000000000000ull, /* with five-level page tables */
	.regs = regs,
	.nregs = ARRAY_SIZE(regs),
	.reg_ip = 16,
	.reg_sp = 19,
	.reg_fp = 4,
};
