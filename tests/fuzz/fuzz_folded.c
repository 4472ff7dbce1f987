// SPDX-License-Identifier: Apache-2.0
#include "fuzz_prof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	return fuzz_read(data, n, "folded");
}
