// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an ELF file: everything is asked of it, and a table made of it. */
#include <stdint.h>

#include "sym/sym_int.h"
#include "sys/sys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int touch(const struct elf_sym *s, void *arg)
{
	*(u64 *)arg += strlen(s->name) + s->addr + s->size_bytes + s->limit;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct elf *e = elf_open_mem(data, n, "fuzz"), *inner;
	struct sym_table t = {0};
	struct elf_segment seg;
	const char *module;
	u64 sum = 0, addr, i;
	size_t size, pos = 0;
	u8 id[20];
	u32 crc;

	if (!e)
		return 0;
	elf_build_id(e, id);
	elf_debuglink(e, &crc);
	elf_is_static(e);
	elf_section(e, ".eh_frame", &size, &addr);
	elf_section(e, ".debug_info", &size, &addr);
	inner = elf_open_debugdata(e);
	if (inner)
		elf_symbols(inner, false, touch, &sum);
	elf_close(inner);
	elf_symbols(e, false, touch, &sum);
	elf_symbols(e, true, touch, &sum);
	elf_plt(e, touch, &sum);
	while (elf_load(e, &pos, &seg))
		sum += elf_off_to_addr(e, seg.off) + elf_addr_to_off(e, seg.addr);
	file_table("/nonexistent", e, "/fuzz", &t);
	for (i = 0; i < t.n; i++) {
		const struct sym_entry *s = table_find(&t, t.syms[i].addr);

		BUG_ON(i && t.syms[i].addr <= t.syms[i - 1].addr);
		BUG_ON(!s);
		sum += strlen(table_name(&t, s, &module));
	}
	table_done(&t);
	elf_close(e);
	return 0;
}
