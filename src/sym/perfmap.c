// SPDX-License-Identifier: Apache-2.0
/*
 * perfmap: /tmp/perf-PID.map, where just-in-time compilers write "START SIZE NAME" lines. Only a
 * plain file of the process's own user (or root) is believed. The compilers append while we read:
 * what was read is kept, and the rest is read when an address is not found.
 *
 * Ranges may overlap, and the later line wins. So ranges are cut into pieces that do not overlap,
 * by a sweep over the addresses that keeps the lines which cover the current one in a heap.
 */
#include "sym/sym_int.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PERF_MAP_MAX_BYTES (256u << 20)
#define PERF_MAP_MAX_LINES (4u << 20)
#define RETRY_NS (NSEC_PER_SEC / 4)

struct jit_line {
	u64 start, end;
	u32 name; /* offset in names */
};

struct jit_piece {
	u64 start, end;
	u32 line;
};

struct perf_map {
	dev_t dev;
	ino_t ino;
	off_t size;
	s64 mtime_ns;
	off_t done; /* whole lines read up to here */
	u64 checked_ns, cost_ns;
	VEC(struct jit_line) lines;   /* as in the file */
	VEC(struct jit_piece) pieces; /* by address */
	VEC(char) names;
};

struct perf_map *perf_map_new(void)
{
	return xcalloc(1, sizeof(struct perf_map));
}

static void perf_map_reset(struct perf_map *pm)
{
	vec_done(&pm->lines);
	vec_done(&pm->pieces);
	vec_done(&pm->names);
	pm->done = 0;
}

void perf_map_free(struct perf_map *pm)
{
	if (!pm)
		return;
	perf_map_reset(pm);
	free(pm);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A hex number and the blank after it. */
static bool eat_hex(const char **p, const char *end, u64 *out)
{
	const char *s = *p;
	int digits = 0;

	if (end - s > 2 && s[0] == '0' && (s[1] | 0x20) == 'x')
		s += 2;
	for (*out = 0; s < end && hex_value(*s) >= 0 && digits < 16; s++, digits++)
		*out = *out << 4 | (u64)hex_value(*s);
	if (!digits || s >= end || *s != ' ')
		return false;
	*p = s + 1;
	return true;
}

/* START SIZE NAME, both numbers in hex; other lines are skipped */
static void add_line(struct perf_map *pm, const char *p, const char *eol)
{
	struct jit_line l;
	size_t n;
	u64 size;

	if (eol > p && eol[-1] == '\r')
		eol--;
	if (!eat_hex(&p, eol, &l.start) || !eat_hex(&p, eol, &size) || p >= eol)
		return;
	n = (size_t)(eol - p);
	if (!size || size > UINT64_MAX - l.start || pm->names.n + n + 1 > UINT32_MAX ||
	    pm->lines.n >= PERF_MAP_MAX_LINES)
		return;
	l.end = l.start + size;
	l.name = (u32)pm->names.n;
	vec_reserve(&pm->names, pm->names.n + n + 1);
	memcpy(pm->names.v + pm->names.n, p, n);
	pm->names.v[pm->names.n + n] = 0;
	pm->names.n += n + 1;
	vec_push(&pm->lines, l);
}

size_t perf_map_feed(struct perf_map *pm, const char *text, size_t n)
{
	const char *p = text, *end = text + n, *nl;

	while ((nl = memchr(p, '\n', (size_t)(end - p)))) {
		add_line(pm, p, nl);
		p = nl + 1;
	}
	return (size_t)(p - text);
}

struct order {
	u64 start;
	u32 line;
};

static int by_start(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* A heap of line numbers, the highest on top. */
static void heap_push(u32 *heap, size_t *n, u32 line)
{
	size_t i = (*n)++;

	for (; i && heap[(i - 1) / 2] < line; i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = line;
}

static void heap_pop(u32 *heap, size_t *n)
{
	u32 last = heap[--*n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < *n) {
		if (child + 1 < *n && heap[child + 1] > heap[child])
			child++;
		if (heap[child] <= last)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = last;
}

static void add_piece(struct perf_map *pm, u64 start, u64 end, u32 line)
{
	struct jit_piece *last = pm->pieces.n ? &pm->pieces.v[pm->pieces.n - 1] : NULL;

	if (last && last->end == start && last->line == line)
		last->end = end;
	else
		vec_push(&pm->pieces, (struct jit_piece){start, end, line});
}

void perf_map_sweep(struct perf_map *pm)
{
	size_t n = pm->lines.n, i, nheap = 0;
	struct order *order = xmalloc(n * sizeof(*order));
	u32 *heap = xmalloc(n * sizeof(*heap));
	u64 pos = 0, next;

	for (i = 0; i < n; i++)
		order[i] = (struct order){pm->lines.v[i].start, (u32)i};
	qsort(order, n, sizeof(*order), by_start);
	pm->pieces.n = 0;
	i = 0;
	while (i < n || nheap) {
		if (!nheap)
			pos = order[i].start;
		while (i < n && order[i].start <= pos)
			heap_push(heap, &nheap, order[i++].line);
		while (nheap && pm->lines.v[heap[0]].end <= pos)
			heap_pop(heap, &nheap);
		if (!nheap)
			continue;
		next = pm->lines.v[heap[0]].end;
		if (i < n)
			next = MIN(next, order[i].start);
		add_piece(pm, pos, next, heap[0]);
		pos = next;
	}
	free(order);
	free(heap);
}

const char *perf_map_find(const struct perf_map *pm, u64 addr, u64 *offset)
{
	size_t lo = 0, hi = pm->pieces.n;
	const struct jit_line *l;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (pm->pieces.v[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || addr >= pm->pieces.v[lo - 1].end)
		return NULL;
	l = &pm->lines.v[pm->pieces.v[lo - 1].line];
	*offset = addr - l->start;
	return pm->names.v + l->name;
}

/* The process's own file, or -1. Symbolic links are not followed, inside its root neither. */
static int perf_map_open(const char *root, pid_t pid, struct stat *st)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS};
	struct proc_stat ps;
	char path[4096];
	int dir, fd;

	if (proc_stat(root, pid, &ps))
		return -1;
	snprintf(path, sizeof(path), "%s/proc/%d/root", root, (int)pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -1;
	snprintf(path, sizeof(path), "tmp/perf-%d.map", (int)ps.ns_pid);
	fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	close(dir);
	if (fd < 0)
		return -1;
	if (fstat(fd, st) || !S_ISREG(st->st_mode) || (st->st_uid && st->st_uid != ps.uid)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Reads what came since; a last line without its end is left for the next time. */
static void read_more(struct perf_map *pm, int fd, off_t size)
{
	size_t cap = 1u << 20, have = 0, used;
	char *block = xmalloc(cap);
	off_t at = pm->done;
	ssize_t n;

	size = MIN(size, (off_t)PERF_MAP_MAX_BYTES);
	while (at < size && (n = pread(fd, block + have, cap - have, at)) > 0) {
		at += n;
		have += (size_t)n;
		used = perf_map_feed(pm, block, have);
		if (!used && have == cap)
			used = have; /* a line of 1 MiB is none */
		memmove(block, block + used, have - used);
		have -= used;
		pm->done += (off_t)used;
	}
	free(block);
	perf_map_sweep(pm);
}

static void perf_map_refresh(struct sym_ctx *c, struct perf_map *pm, pid_t pid)
{
	u64 now = clock_mono_ns();
	struct stat st;
	s64 mtime_ns;
	int fd;

	if (pm->checked_ns && now - pm->checked_ns < MAX(RETRY_NS, 20 * pm->cost_ns))
		return;
	pm->checked_ns = now;
	fd = perf_map_open(c->root, pid, &st);
	if (fd < 0)
		return;
	mtime_ns = (s64)st.st_mtim.tv_sec * (s64)NSEC_PER_SEC + st.st_mtim.tv_nsec;
	if (st.st_dev != pm->dev || st.st_ino != pm->ino || st.st_size < pm->size) {
		perf_map_reset(pm);
		pm->size = 0;
	}
	if (st.st_size != pm->size || mtime_ns != pm->mtime_ns) {
		read_more(pm, fd, st.st_size);
		pm->dev = st.st_dev;
		pm->ino = st.st_ino;
		pm->size = st.st_size;
		pm->mtime_ns = mtime_ns;
	}
	close(fd);
	pm->cost_ns = clock_mono_ns() - now;
}

bool sym_perf_map(struct sym_ctx *c, pid_t pid, u64 addr, struct sym_result *r)
{
	u64 *slot = map_put(&c->perf_maps, (u64)pid);
	struct perf_map *pm = (struct perf_map *)(uintptr_t)*slot;
	const char *name;
	u64 offset;

	if (!pm) {
		pm = perf_map_new();
		*slot = (u64)(uintptr_t)pm;
	}
	name = perf_map_find(pm, addr, &offset);
	if (!name) {
		perf_map_refresh(c, pm, pid);
		name = perf_map_find(pm, addr, &offset);
	}
	if (!name)
		return false;
	*r = (struct sym_result){
		.name = name, .module = "[jit]", .offset = offset, .kind = SYM_JIT};
	return true;
}

void sym_perf_map_drop(struct sym_ctx *c, pid_t pid)
{
	u64 *slot = map_get(&c->perf_maps, (u64)pid);

	if (!slot)
		return;
	perf_map_free((struct perf_map *)(uintptr_t)*slot);
	map_del(&c->perf_maps, (u64)pid);
}

void perf_maps_free(struct sym_ctx *c)
{
	u64 pid, pm;
	size_t pos = 0;

	while (map_next(&c->perf_maps, &pos, &pid, &pm))
		perf_map_free((struct perf_map *)(uintptr_t)pm);
	map_done(&c->perf_maps);
}
