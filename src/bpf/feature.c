// SPDX-License-Identifier: Apache-2.0
/* What this kernel can do, found out by attaching a program and seeing it run. */
#include "bpf/bpf.h"

#include <bpf/libbpf.h>

const char *feature_libbpf_version(void)
{
	return libbpf_version_string() + 1; /* without its v */
}
