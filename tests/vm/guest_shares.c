// SPDX-License-Identifier: Apache-2.0
/* Spends 70, 20 and 10 % of its time in three functions under main; argv[1] rounds, returns argv[2]. */
#include <stdlib.h>

#define NOINLINE __attribute__((noinline, noclone))

/* A chain of multiplications takes the same time wherever the loop lies; memory would not. */
static inline void turn(unsigned long n)
{
	unsigned long x = n;

	for (unsigned long i = 0; i < n; i++)
		x = x * 6364136223846793005ul + 1;

	volatile unsigned long kept = x; /* with nothing on the stack there is no frame for a leaf */

	(void)kept;
	__asm__ volatile(""); /* no tail call into here */
}

NOINLINE void hot(unsigned long n);
NOINLINE void warm(unsigned long n);
NOINLINE void cool(unsigned long n);

void hot(unsigned long n)
{
	turn(n * 7);
}

void warm(unsigned long n)
{
	turn(n * 2);
}

void cool(unsigned long n)
{
	turn(n);
}

int main(int argc, char **argv)
{
	/* Rounds much shorter than the time between samples: nothing runs in step with the clock. */
	for (long i = 100l * (argc > 1 ? atoi(argv[1]) : 100); i > 0; i--) {
		hot(1000);
		warm(1000);
		cool(1000);
	}
	return argc > 2 ? atoi(argv[2]) : 0;
}
