// SPDX-License-Identifier: Apache-2.0
/* Ways of attaching a program by file descriptor alone, and of making the probe fire. */
#include "bpf/feature_int.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int keep(struct trial *t, int fd)
{
	if (fd < 0)
		return -errno;
	BUG_ON(t->nfds == FEATURE_MAX_FDS);
	t->fds[t->nfds++] = fd;
	return 0;
}

/* ---- perf events: tracepoint, clock, kprobe, uprobe ------------------------------------------ */

static int attach_perf(struct trial *t, struct perf_event_attr *attr, int pid, int cpu)
{
	int fd;

	attr->size = sizeof(*attr);
	fd = perf_open(attr, pid, cpu);
	if (fd < 0)
		return fd;
	keep(t, fd);
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, t->prog_fd) || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
		return -errno;
	return 0;
}

static int read_number(int dir_fd, const char *path)
{
	char text[32];
	int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -EIO;
	text[n] = '\0';
	return atoi(text);
}

int attach_tracepoint(struct trial *t)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT, .sample_period = 1};
	int id;

	if (t->x->tracefs_fd < 0) {
		t->why = "its number is in tracefs, which is not mounted";
		return -ENOENT;
	}
	id = read_number(t->x->tracefs_fd, "events/sched/sched_switch/id");
	if (id < 0) {
		t->why = "its number cannot be read from tracefs";
		return id;
	}
	attr.config = (u64)id;
	return attach_perf(t, &attr, -1, 0);
}

int attach_clock(struct trial *t)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
				       .config = PERF_COUNT_SW_CPU_CLOCK,
				       .sample_period = 1000000};

	return attach_perf(t, &attr, 0, -1);
}

/* The number of a kind of event: "kprobe", "uprobe". */
static int pmu_type(struct trial *t, const char *pmu)
{
	char path[80];
	int type;

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/type", pmu);
	type = read_number(AT_FDCWD, path);
	if (type == -ENOENT)
		t->why = "the kernel has no such kind of event";
	return type;
}

int attach_kprobe(struct trial *t)
{
	struct perf_event_attr attr = {.sample_period = 1};
	int type = pmu_type(t, "kprobe");

	if (type < 0)
		return type;
	attr.type = (u32)type;
	attr.config = t->r->retprobe;
	attr.config1 = (u64)(uintptr_t)FEATURE_KERNEL_FUNCTION;
	return attach_perf(t, &attr, -1, 0);
}

/* ---- our own code as a target of uprobes -------------------------------------------------------
 */

/* Raised by the kernel while a USDT probe is attached, as <sys/sdt.h> does it. */
static volatile u16 semaphore __attribute__((section(".probes")));

__attribute__((noinline)) static void probed_function(void)
{
	__asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) static void probed_usdt(void)
{
	if (semaphore)
		__asm__ volatile("nop" ::: "memory");
}

struct find_offset {
	uintptr_t addr;
	u64 off;
};

static int find_in_object(struct dl_phdr_info *info, size_t size_bytes, void *arg)
{
	struct find_offset *f = arg;

	for (int i = 0; i < info->dlpi_phnum; i++) {
		uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
		if (info->dlpi_phdr[i].p_type != PT_LOAD || f->addr < start ||
		    f->addr >= start + info->dlpi_phdr[i].p_filesz)
			continue;
		f->off = f->addr - start + info->dlpi_phdr[i].p_offset;
		return 1;
	}
	return 0;
}

/* Where an address of this program is in its file. */
static u64 own_offset(const volatile void *addr)
{
	struct find_offset f = {.addr = (uintptr_t)addr};

	BUG_ON(!dl_iterate_phdr(find_in_object, &f));
	return f.off;
}

int attach_uprobe(struct trial *t)
{
	struct perf_event_attr attr = {.sample_period = 1};
	int type = pmu_type(t, "uprobe");

	if (type < 0)
		return type;
	attr.type = (u32)type;
	attr.config = t->r->retprobe;
	attr.config1 = (u64)(uintptr_t) "/proc/self/exe";
	attr.config2 = own_offset((void *)(uintptr_t)probed_function);
	return attach_perf(t, &attr, 0, -1);
}

int attach_usdt(struct trial *t)
{
	struct perf_event_attr attr = {.sample_period = 1};
	int type = pmu_type(t, "uprobe"), rc;

	if (type < 0)
		return type;
	attr.type = (u32)type;
	attr.config = own_offset(&semaphore) << 32;
	attr.config1 = (u64)(uintptr_t) "/proc/self/exe";
	attr.config2 = own_offset((void *)(uintptr_t)probed_usdt);
	rc = attach_perf(t, &attr, 0, -1);
	if (!rc && !semaphore) {
		t->why = "the kernel did not raise its semaphore";
		return -ENXIO;
	}
	return rc;
}

/* ---- links -------------------------------------------------------------------------------------
 */

/* What bpf(BPF_LINK_CREATE) takes; libbpf's own may be too old to know the newer kinds. */
union link_attr {
	struct {
		u32 prog_fd, target_fd, attach_type, flags;
		union {
			struct {
				u32 flags, n;
				u64 syms, addrs, cookies;
			} kprobe_multi;
			struct {
				u64 path, offsets, ref_ctr_offsets, cookies;
				u32 n, flags, pid;
			} uprobe_multi;
			struct {
				u64 info;
				u32 info_bytes;
			} iter;
		};
	};
	u8 room[128];
};

static int link_create(struct trial *t, union link_attr *a)
{
	a->prog_fd = (u32)t->prog_fd;
	a->attach_type = t->r->attach_type;
	return keep(t, (int)syscall(SYS_bpf, BPF_LINK_CREATE, a, sizeof(*a)));
}

int attach_raw_tp(struct trial *t)
{
	return keep(t, bpf_raw_tracepoint_open("sched_switch", t->prog_fd));
}

/* fentry, fexit and tp_btf know their target since they were loaded. */
int attach_tracing(struct trial *t)
{
	return keep(t, bpf_raw_tracepoint_open(NULL, t->prog_fd));
}

int attach_kprobe_multi(struct trial *t)
{
	const char *syms[] = {FEATURE_KERNEL_FUNCTION};
	union link_attr a = {0};

	a.kprobe_multi.n = 1;
	a.kprobe_multi.flags = t->r->retprobe;
	a.kprobe_multi.syms = (u64)(uintptr_t)syms;
	return link_create(t, &a);
}

int attach_uprobe_multi(struct trial *t)
{
	unsigned long offset = own_offset((void *)(uintptr_t)probed_function);
	union link_attr a = {0};

	a.uprobe_multi.path = (u64)(uintptr_t) "/proc/self/exe";
	a.uprobe_multi.offsets = (u64)(uintptr_t)&offset;
	a.uprobe_multi.n = 1;
	a.uprobe_multi.flags = t->r->retprobe;
	a.uprobe_multi.pid = (u32)getpid();
	return link_create(t, &a);
}

int attach_iter(struct trial *t)
{
	union link_attr a = {0};
	int rc = link_create(t, &a);

	if (rc)
		return rc;
	return keep(t, bpf_iter_create(t->fds[t->nfds - 1]));
}

/* ---- making them fire --------------------------------------------------------------------------
 */

void trigger_switch(struct trial *t)
{
	usleep(200);
}

void trigger_syscall(struct trial *t)
{
	for (int i = 0; i < 10; i++)
		syscall(SYS_getpgid, 0);
}

void trigger_spin(struct trial *t)
{
	u64 until = clock_mono_ns() + 2000000;

	while (clock_mono_ns() < until)
		;
}

void trigger_function(struct trial *t)
{
	probed_function();
}

void trigger_usdt(struct trial *t)
{
	probed_usdt();
}

void trigger_iter(struct trial *t)
{
	char text[64];
	ssize_t n = read(t->fds[t->nfds - 1], text, sizeof(text));

	(void)n; /* the program writes nothing; reading makes it run */
}
