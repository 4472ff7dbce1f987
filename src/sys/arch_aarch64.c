// SPDX-License-Identifier: Apache-2.0
#include <elf.h>

#include "sys/sys.h"

static const char *const regs[] = {
	"x0",  "x1",  "x2",  "x3",  "x4",  "x5",  "x6",	 "x7",	"x8",  "x9",	 "x10", "x11",
	"x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21",	 "x22", "x23",
	"x24", "x25", "x26", "x27", "x28", "x29", "x30", "sp",	"pc",  "pstate",
};

const struct arch arch_aarch64 = {
	.name = "aarch64",
	.elf_machine = EM_AARCH64,
	.kernel_addr_min = 0xfff0000000000000ull, /* with 52-bit addresses */
	.regs = regs,
	.nregs = ARRAY_SIZE(regs),
	.reg_ip = 32,
	.reg_sp = 31,
	.reg_fp = 29,
};
