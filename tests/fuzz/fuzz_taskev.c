// SPDX-License-Identifier: Apache-2.0
/* Records of perf's ring, and samples of ours. */
#include "bpf/bpf_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct sampler_event s;
	struct taskev e;
	u64 sum = 0;

	if (!taskev_decode(data, n, &e))
		sum += strlen(e.path) + e.build_id_len;
	if (n >= sizeof(u64)) {
		u64 *aligned = xmalloc(n);

		memcpy(aligned, data, n);
		if (!sampler_decode(aligned, n, &s) && s.new_stack)
			for (u32 i = 0; i < (u32)s.nk + s.nu; i++)
				sum += s.ips[i];
		free(aligned);
	}
	BUG_ON(sum == UINT64_MAX && !n); /* keeps the sum alive */
	return 0;
}
