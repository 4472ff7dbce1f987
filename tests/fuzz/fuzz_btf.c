// SPDX-License-Identifier: Apache-2.0
/* The kernel's type information, as found in /sys/kernel/btf/vmlinux. */
#include <linux/btf.h>

#include "bpf/bpf_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct sampler_offs o;
	struct btf_header h = {.magic = BTF_MAGIC, .version = 1, .hdr_len = sizeof(h)};
	u8 *p;

	/* Alone, and as the types under a head that fits. */
	p = xmalloc(n + 8 + sizeof(h));
	memcpy(p, data, n);
	if (n >= sizeof(h))
		btf_offs_parse(p, n, &o);
	h.type_len = (u32)(n / 2);
	h.str_off = h.type_len;
	h.str_len = (u32)(n - h.type_len) + 1;
	memcpy(p, &h, sizeof(h));
	memcpy(p + sizeof(h), data, n);
	p[sizeof(h) + n] = 0;
	btf_offs_parse(p, sizeof(h) + n + 1, &o);
	free(p);
	return 0;
}
