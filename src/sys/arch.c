// SPDX-License-Identifier: Apache-2.0
#include "sys/sys.h"

const struct arch *arch_host(void)
{
#if defined(__x86_64__)
	return &arch_x86_64;
#elif defined(__aarch64__)
	return &arch_aarch64;
#else
/* cppcheck-suppress preprocessorErrorDirective */
#error "spoor knows x86_64 and aarch64; another processor needs its own arch_*.c"
#endif
}
