// SPDX-License-Identifier: Apache-2.0
/*
 * A load for profilers: load CPU SECONDS PATHS. Walks PATHS deterministic call paths through 16
 * mutually recursive functions, depth 8 to 48; every fourth leaf sorts with libc's qsort. Pinned to
 * one CPU. Built with frame pointers: cc -O1 -fno-omit-frame-pointer.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t state, sink;
static int values[64];

static uint64_t next(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static __attribute__((noinline)) void leaf(uint64_t path)
{
	if (path % 4 == 0) {
		for (int i = 0; i < 64; i++)
			values[i] = (int)(next(&state) & 0xffff);
		qsort(values, 64, sizeof(values[0]), compare);
		sink += (uint64_t)values[0];
		return;
	}
	for (int i = 0; i < 3000; i++)
		sink += next(&state);
}

typedef void (*step_fn)(uint64_t path, uint64_t s, int left);
static const step_fn steps[16]; /* defined below */

/* The call is not the last thing a step does, or it would become a jump. */
#define STEP(n)                                                                                    \
	static __attribute__((noinline)) void step_##n(uint64_t path, uint64_t s, int left)        \
	{                                                                                          \
		uint64_t r = next(&s);                                                             \
		if (left > 0)                                                                      \
			steps[r & 15](path, s, left - 1);                                          \
		else                                                                               \
			leaf(path);                                                                \
		sink += n;                                                                         \
	}
STEP(0)
STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7) STEP(8) STEP(9) STEP(10) STEP(11) STEP(12)
	STEP(13) STEP(14) STEP(15)

		static const step_fn steps[16] = {
			step_0, step_1, step_2,	 step_3,  step_4,  step_5,  step_6,  step_7,
			step_8, step_9, step_10, step_11, step_12, step_13, step_14, step_15};

int main(int argc, char **argv)
{
	int cpu = argc > 1 ? atoi(argv[1]) : 0, seconds = argc > 2 ? atoi(argv[2]) : 10;
	uint64_t paths = argc > 3 ? strtoull(argv[3], NULL, 10) : 2000;
	time_t end = time(NULL) + seconds;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		perror("sched_setaffinity");
	state = 88172645463325252ull + (uint64_t)cpu;
	while (time(NULL) < end) {
		for (int i = 0; i < 500; i++) {
			uint64_t path = next(&state) % paths, s = path * 0x9e3779b97f4a7c15ull + 1;

			steps[path & 15](path, s, 8 + (int)(path % 41));
		}
	}
	printf("%llu\n", (unsigned long long)sink);
	return 0;
}
