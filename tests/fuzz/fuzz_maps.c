// SPDX-License-Identifier: Apache-2.0
/* Any text as /proc/PID/maps, /proc/kallsyms, a perf map or a made-up name to demangle. */
#include <stdint.h>

#include "sym/sym_int.h"
#include "sys/sys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int touch_map(const struct proc_map *m, void *arg)
{
	BUG_ON(m->start >= m->end);
	*(size_t *)arg += strlen(m->path);
	return 0;
}

static int touch_ksym(const struct ksym *k, void *arg)
{
	*(size_t *)arg += strlen(k->name) + strlen(k->module);
	return 0;
}

static void perf_map(const char *text, size_t n)
{
	struct perf_map *pm = perf_map_new();
	u64 addr, offset;
	const char *name;

	perf_map_feed(pm, text, n);
	perf_map_sweep(pm);
	for (addr = 0; addr < 64; addr++) {
		name = perf_map_find(pm, addr * 8, &offset);
		BUG_ON(name && offset > addr * 8);
	}
	perf_map_free(pm);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = xstrndup((const char *)data, n);
	struct buf out = {0};
	size_t sum = 0;

	if (n)
		sym_demangle(text, &out, NULL);
	BUG_ON(out.n > 10000);
	buf_done(&out);
	proc_maps_parse((const char *)data, n, touch_map, &sum);
	perf_map((const char *)data, n);
	kallsyms_parse(text, n, touch_ksym, &sum);
	free(text);
	return 0;
}
