// SPDX-License-Identifier: Apache-2.0
/*
 * perf's side-band events: one dummy event per CPU, each with a ring of its own. The kernel fills
 * in process numbers as our pid namespace sees them.
 */
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bpf/bpf_int.h"

#define RING_BYTES (256u << 10)
#define RING_MANY_CPUS_BYTES (64u << 10) /* a quarter each where there are many CPUs */
#define MANY_CPUS 32
#define TRAILER_BYTES 24 /* sample_id: pid, tid, time, cpu, 0 */
#define MISC_MMAP_BUILD_ID (1 << 14)
#define RECORD_KSYMBOL 17
#define KSYM_BPF 1
#define KSYM_UNREGISTER 1

struct cpu_ring {
	int fd;
	struct perf_event_mmap_page *page;
	u8 *data;
	u64 size_bytes;
	u64 tail;
};

/* A copied record, waiting to be sorted. */
struct pending {
	u64 time_ns;
	size_t off; /* in bytes */
};

struct taskev_ring {
	struct cpu_ring *cpus;
	size_t ncpus;
	u8 *wanted;
	u64 ring_bytes;
	bool no_build_id, no_ksymbol;
	VEC(u8) bytes;
	VEC(struct pending) pending;
};

/* Where the kernel's layout has a string that must end inside the record. */
static const char *string_in(const u8 *p, const u8 *end)
{
	return p < end && memchr(p, 0, (size_t)(end - p)) ? (const char *)p : NULL;
}

static int decode_mmap2(struct rd *r, u16 misc, const u8 *end, struct taskev *e)
{
	const u8 *build_id;
	u64 len;

	e->type = TASKEV_MMAP;
	e->pid = rd_u32(r);
	e->tid = rd_u32(r);
	e->start = rd_u64(r);
	len = rd_u64(r);
	e->end = e->start + len;
	e->pgoff = rd_u64(r);
	if (misc & MISC_MMAP_BUILD_ID) {
		u8 n = rd_u8(r);

		rd_u8(r);
		rd_u16(r);
		build_id = rd_bytes(r, sizeof(e->build_id));
		if (!build_id || n > sizeof(e->build_id))
			return -EBADMSG;
		memcpy(e->build_id, build_id, n);
		e->build_id_len = n;
	} else {
		e->maj = rd_u32(r);
		e->min = rd_u32(r);
		e->ino = rd_u64(r);
		e->ino_gen = rd_u64(r);
	}
	rd_u64(r); /* prot, flags */
	e->path = string_in(r->p, end);
	return r->bad || !e->path || e->end < e->start ? -EBADMSG : 0;
}

static int decode_comm(struct rd *r, u16 misc, const u8 *end, struct taskev *e)
{
	e->type = misc & PERF_RECORD_MISC_COMM_EXEC ? TASKEV_EXEC : TASKEV_COMM;
	e->pid = rd_u32(r);
	e->tid = rd_u32(r);
	e->path = string_in(r->p, end);
	return r->bad || !e->path ? -EBADMSG : 0;
}

static int decode_task(struct rd *r, bool exit, struct taskev *e)
{
	e->type = exit ? TASKEV_EXIT : TASKEV_FORK;
	e->pid = rd_u32(r);
	e->ppid = rd_u32(r);
	e->tid = rd_u32(r);
	return r->bad ? -EBADMSG : 0;
}

static int decode_ksym(struct rd *r, const u8 *end, struct taskev *e)
{
	u16 kind, flags;
	u32 len;

	e->type = TASKEV_KSYM;
	e->start = rd_u64(r);
	len = rd_u32(r);
	kind = rd_u16(r);
	flags = rd_u16(r);
	e->end = e->start + len;
	e->bpf = kind == KSYM_BPF;
	e->removed = flags & KSYM_UNREGISTER;
	e->path = string_in(r->p, end);
	return r->bad || !e->path || e->end < e->start ? -EBADMSG : 0;
}

static int decode_lost(struct rd *r, struct taskev *e)
{
	e->type = TASKEV_LOST;
	rd_u64(r); /* id */
	e->lost = rd_u64(r);
	return r->bad ? -EBADMSG : 0;
}

int taskev_decode(const void *rec, size_t n, struct taskev *e)
{
	const u8 *p = rec, *end = p + n;
	struct perf_event_header h;
	struct rd r, id;

	memset(e, 0, sizeof(*e));
	e->path = "";
	if (n < sizeof(h) + TRAILER_BYTES)
		return -EBADMSG;
	memcpy(&h, p, sizeof(h));
	r = (struct rd){p + sizeof(h), end - TRAILER_BYTES, false};
	id = (struct rd){end - TRAILER_BYTES, end, false};
	rd_u64(&id); /* pid and tid of whoever ran */
	e->time_ns = rd_u64(&id);
	e->cpu = rd_u32(&id);
	switch (h.type) {
	case PERF_RECORD_MMAP2:
		return decode_mmap2(&r, h.misc, r.end, e);
	case PERF_RECORD_COMM:
		return decode_comm(&r, h.misc, r.end, e);
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		return decode_task(&r, h.type == PERF_RECORD_EXIT, e);
	case RECORD_KSYMBOL:
		return decode_ksym(&r, r.end, e);
	case PERF_RECORD_LOST:
		return decode_lost(&r, e);
	default:
		return 1;
	}
}

static int event_open(struct taskev_ring *t, u32 cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU,
		.sample_id_all = 1,
		.mmap = 1,
		.mmap2 = 1,
		.comm = 1,
		.comm_exec = 1,
		.task = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.watermark = 1,
		.wakeup_watermark = UINT32_MAX, /* read by a timer */
	};
	int fd;

	for (;;) {
		attr.build_id = !t->no_build_id;
		attr.ksymbol = !t->no_ksymbol;
		fd = perf_open(&attr, -1, (int)cpu);
		if (fd != -EINVAL && fd != -E2BIG)
			return fd;
		if (!t->no_build_id)
			t->no_build_id = true; /* before 5.12 */
		else if (!t->no_ksymbol)
			t->no_ksymbol = true;
		else
			return fd;
	}
}

/* perf's rings count against kernel.perf_event_mlock_kb: take less where that is small. */
static int ring_map(struct cpu_ring *c, u64 size_bytes)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);

	for (;; size_bytes /= 2) {
		void *p = mmap(NULL, page_bytes + size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			       c->fd, 0);

		if (p != MAP_FAILED) {
			c->page = p;
			c->data = (u8 *)p + page_bytes;
			c->size_bytes = size_bytes;
			c->tail = 0;
			return 0;
		}
		if ((errno != EPERM && errno != ENOMEM) || size_bytes <= page_bytes)
			return -errno;
	}
}

static void cpu_close(struct cpu_ring *c)
{
	if (c->page)
		munmap(c->page, (size_t)sysconf(_SC_PAGESIZE) + c->size_bytes);
	if (c->fd >= 0)
		close(c->fd);
	*c = (struct cpu_ring){.fd = -1};
}

/* -ENODEV when the CPU is offline, without a message. */
static int cpu_open(struct taskev_ring *t, u32 cpu)
{
	struct cpu_ring *c = &t->cpus[cpu];
	int rc;

	c->fd = event_open(t, cpu);
	if (c->fd < 0) {
		rc = c->fd;
		c->fd = -1;
		return rc;
	}
	rc = ring_map(c, t->ring_bytes);
	if (rc)
		cpu_close(c);
	return rc;
}

int taskev_open(struct taskev_ring **out, const u8 *cpus, size_t ncpus)
{
	struct taskev_ring *t = xcalloc(1, sizeof(*t));
	size_t cpu;
	int rc = 0;

	t->ncpus = MAX((size_t)MAX(sysconf(_SC_NPROCESSORS_CONF), 1L), ncpus);
	t->cpus = xcalloc(t->ncpus, sizeof(*t->cpus));
	t->ring_bytes = t->ncpus > MANY_CPUS ? RING_MANY_CPUS_BYTES : RING_BYTES;
	for (cpu = 0; cpu < t->ncpus; cpu++)
		t->cpus[cpu].fd = -1;
	if (cpus) {
		t->wanted = xcalloc(t->ncpus, 1);
		memcpy(t->wanted, cpus, ncpus);
	}
	for (cpu = 0; cpu < t->ncpus; cpu++) {
		if (t->wanted && !t->wanted[cpu])
			continue;
		rc = cpu_open(t, (u32)cpu);
		if (rc && rc != -ENODEV)
			break;
		rc = 0;
	}
	if (rc) {
		bpf_refused(rc, "perf's task events");
		taskev_free(t);
		return rc;
	}
	*out = t;
	return 0;
}

/* Copies len bytes from position pos of the ring, which may wrap. */
static void ring_copy(const struct cpu_ring *c, u64 pos, void *dst, size_t len)
{
	size_t at = pos & (c->size_bytes - 1), first = MIN(len, c->size_bytes - at);

	memcpy(dst, c->data + at, first);
	memcpy((u8 *)dst + first, c->data, len - first);
}

/* Moves records up to the time into the batch. */
static void ring_take(struct taskev_ring *t, struct cpu_ring *c, u64 until_ns)
{
	u64 head = __atomic_load_n(&c->page->data_head, __ATOMIC_ACQUIRE);

	while (head - c->tail >= sizeof(struct perf_event_header)) {
		struct perf_event_header h;
		u64 time_ns = 0;

		ring_copy(c, c->tail, &h, sizeof(h));
		if (h.size < sizeof(h) || h.size > head - c->tail) {
			c->tail = head; /* cannot be; better than reading on */
			break;
		}
		if (h.size >= sizeof(h) + TRAILER_BYTES)
			ring_copy(c, c->tail + h.size - 16, &time_ns, sizeof(time_ns));
		if (time_ns > until_ns)
			break;
		vec_push(&t->pending, (struct pending){time_ns, t->bytes.n});
		vec_reserve(&t->bytes, t->bytes.n + h.size);
		ring_copy(c, c->tail, t->bytes.v + t->bytes.n, h.size);
		t->bytes.n += (h.size + 7u) & ~7u;
		vec_reserve(&t->bytes, t->bytes.n);
		c->tail += h.size;
	}
	__atomic_store_n(&c->page->data_tail, c->tail, __ATOMIC_RELEASE);
}

/* By time; events of one CPU stay in their order. */
static int pending_cmp(const void *a, const void *b)
{
	const struct pending *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->off < y->off ? -1 : x->off > y->off;
}

int taskev_drain(struct taskev_ring *t, u64 until_ns, void (*fn)(const struct taskev *e, void *arg),
		 void *arg)
{
	struct perf_event_header h;
	struct taskev e;
	size_t i;

	t->bytes.n = t->pending.n = 0;
	for (i = 0; i < t->ncpus; i++)
		if (t->cpus[i].page)
			ring_take(t, &t->cpus[i], until_ns);
	if (t->pending.n)
		qsort(t->pending.v, t->pending.n, sizeof(*t->pending.v), pending_cmp);
	for (i = 0; i < t->pending.n; i++) {
		const u8 *rec = t->bytes.v + t->pending.v[i].off;

		memcpy(&h, rec, sizeof(h));
		if (!taskev_decode(rec, h.size, &e))
			fn(&e, arg);
	}
	return (int)t->pending.n;
}

int taskev_cpu(struct taskev_ring *t, u32 cpu, bool online)
{
	struct cpu_ring *c;
	int rc;

	if (cpu >= t->ncpus || (t->wanted && !t->wanted[cpu]))
		return 0;
	c = &t->cpus[cpu];
	/* An offline CPU's ring stays: it may hold events, and the kernel takes it up again. */
	if (!online || c->fd >= 0)
		return 0;
	rc = cpu_open(t, cpu);
	return rc ? err(rc, "cannot follow processes on CPU %u", cpu) : 0;
}

void taskev_free(struct taskev_ring *t)
{
	size_t cpu;

	if (!t)
		return;
	for (cpu = 0; cpu < t->ncpus; cpu++)
		cpu_close(&t->cpus[cpu]);
	vec_done(&t->bytes);
	vec_done(&t->pending);
	free(t->wanted);
	free(t->cpus);
	free(t);
}
