// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a cached table, with a checksum that is right. */
#include <stdint.h>

#include "sym/sym_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct sym_table t;
	struct cache_head *h;
	const char *module;
	size_t sum = 0;
	u64 i, addr;
	void *copy;

	if (n < sizeof(*h))
		return 0;
	copy = h = xmalloc(n);
	memcpy(copy, data, n);
	memcpy(h->magic, CACHE_MAGIC, sizeof(h->magic));
	h->version = CACHE_VERSION;
	h->key_n = 4;
	memset(h->key, 7, 4);
	h->n_syms %= 64;
	if (n > sizeof(*h) + h->n_syms * sizeof(struct sym_entry))
		h->names_bytes = n - sizeof(*h) - h->n_syms * sizeof(struct sym_entry);
	h->crc = cache_head_crc(h);
	if (cache_parse(copy, n, "\7\7\7\7", 4, &t)) {
		for (i = 0; i < t.n; i++) {
			const struct sym_entry *s = table_find(&t, t.syms[i].addr);

			sum += s ? strlen(table_name(&t, s, &module)) + strlen(module) : 0;
		}
		table_off_to_addr(&t, sum, &addr);
	}
	free(copy);
	return 0;
}
