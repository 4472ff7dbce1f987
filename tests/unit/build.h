/* SPDX-License-Identifier: Apache-2.0 */
/* Small programs made while the test runs, so that the tools' own answers can be compared. */
#ifndef SPOOR_TEST_BUILD_H
#define SPOOR_TEST_BUILD_H

#include <stdarg.h>

#include "fakeroot.h"

/* Runs a shell command; it must succeed. */
PRINTF(1, 2) static inline void sh(const char *fmt, ...)
{
	char *cmd;
	va_list ap;

	va_start(ap, fmt);
	BUG_ON(vasprintf(&cmd, fmt, ap) < 0);
	va_end(ap);
	if (system(cmd)) {
		fprintf(stderr, "failed: %s\n", cmd);
		abort();
	}
	free(cmd);
}

/* A function of each kind: global, local, weak, alias, constructor, and hand-written ones. */
static const char program_c[] =
	"#include <stdlib.h>\n#include <string.h>\n#include <math.h>\n"
	"volatile int sink;\n"
	"__attribute__((noinline)) static int local_one(int x) { return x * 3 + sink; }\n"
	"__attribute__((noinline)) int global_two(int x) { return local_one(x) + 1; }\n"
	"__attribute__((weak, noinline)) int weak_three(int x) { return x ^ sink; }\n"
	"int alias_four(int x) __attribute__((alias(\"global_two\")));\n"
	"int weak_alias(int x) __attribute__((weak, alias(\"global_two\")));\n"
	"__asm__(\".text\\n.globl asm_unsized\\nasm_unsized:\\nnop\\nnop\\nret\\n\"\n"
	"\".globl asm_sized\\n.type asm_sized, %function\\nasm_sized:\\nret\\n.size asm_sized, "
	"1\\n\"\n"
	"\".skip 64, 0x90\\n.globl asm_last\\n.type asm_last, %function\\nasm_last:\\nret\\n"
	".size asm_last, .-asm_last\\n\");\n"
	"int main(int c, char **v) { char *p = malloc(c + 10); memset(p, c, 10);\n"
	"sink = global_two(c) + weak_three(c) + p[1]; qsort(p, 0, 1, 0); free(p); return 0; }\n";

static inline char *program_put(const char *dir)
{
	fakeroot_puts(dir, "/p.c", program_c);
	return xasprintf("%s/p.c", dir);
}

#endif
