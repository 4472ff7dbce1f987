// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/bpf_int.h"

#include "sampler.skel.h"

#define PIDNS_INIT_INO 0xeffffffcu /* the kernel's PROC_PID_INIT_INO, part of its ABI */
#define RING_MIN_BYTES (64u << 10)
#define TARGETS_MAX 16384
#define PERIOD_MIN_NS 10000 /* the shortest period of the kernel's cpu-clock */

struct sampler {
	struct sampler_bpf *skel;
	struct ring_buffer *ring;
	struct bpf_link *fork_link, *free_link;
	int *fds; /* perf event per CPU, -1 */
	size_t ncpus;
	u8 *wanted; /* per CPU; NULL: all */
	u64 freq_hz;
	bool hardware, running, follows, nested;
	int stats_fd;
	void (*fn)(const struct sampler_event *e, void *arg);
	void *arg;
	u64 bad_records;
};

static int PRINTF(2, 0) print_quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (log_level < 2)
		return 0;
	return vfprintf(stderr, fmt, ap);
}

void bpf_quiet(void)
{
	libbpf_set_print(print_quiet);
}

int perf_open(struct perf_event_attr *attr, int pid, int cpu)
{
	int fd;

	attr->size = sizeof(*attr);
	fd = (int)syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Kernels before 5.11 charge BPF memory to this limit; later ones do not look at it. */
static void raise_memlock(void)
{
	struct rlimit lim = {RLIM_INFINITY, RLIM_INFINITY};

	if (!setrlimit(RLIMIT_MEMLOCK, &lim))
		return;
	if (!getrlimit(RLIMIT_MEMLOCK, &lim)) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_MEMLOCK, &lim);
	}
}

/* Where we live among pid namespaces, and what is needed to look into kernel structures. */
static int find_offsets(struct sampler *s, const struct sampler_opts *o, struct sampler_cfg *cfg)
{
	bool by_pid = o->npids && o->follow;
	struct stat st;

	if (!stat("/proc/self/ns/pid", &st))
		cfg->pidns_ino = (u32)st.st_ino;
	cfg->nested = cfg->pidns_ino && cfg->pidns_ino != PIDNS_INIT_INO;
	s->nested = cfg->nested;
	if (!cfg->nested && !by_pid)
		return 0;
	if (!btf_offs_read(&cfg->offs)) {
		s->follows = by_pid;
		return 0;
	}
	if (cfg->nested)
		return err_ctx(-ENOTSUP, "in a pid namespace of its own, spoor needs the kernel's "
					 "type information");
	log_info("children are followed with a delay: %s", err_msg());
	err_clear();
	return 0;
}

static void configure(struct sampler *s, const struct sampler_opts *o, struct sampler_cfg *cfg)
{
	cfg->cgroup_id = o->cgroup_id;
	cfg->cgroup_level = o->cgroup_level;
	cfg->frames = MAX(1u, MIN(o->max_stack, SAMPLER_FRAMES));
	cfg->kernel = o->kernel;
	cfg->user = o->user;
	cfg->idle = o->idle;
	cfg->by_pid = o->npids > 0 || o->follow;
	cfg->by_tid = o->ntids > 0;
}

/* Loads with the wished ring, or a smaller one where memory is short. */
static int load(struct sampler *s, const struct sampler_opts *o, u32 ring_bytes)
{
	struct sampler_cfg cfg = {0};
	int rc = find_offsets(s, o, &cfg);

	if (rc)
		return rc;
	configure(s, o, &cfg);
	for (;; ring_bytes /= 2) {
		s->skel = sampler_bpf__open();
		if (!s->skel)
			return err(-errno, "cannot read the sampling program");
		cfg.wake_bytes = ring_bytes / 4;
		memcpy((void *)&s->skel->rodata->cfg, &cfg, sizeof(cfg));
		bpf_map__set_max_entries(s->skel->maps.ring, ring_bytes);
		if (cfg.by_pid || cfg.by_tid)
			bpf_map__set_max_entries(s->skel->maps.targets, TARGETS_MAX);
		bpf_program__set_autoload(s->skel->progs.spoor_fork, s->follows);
		bpf_program__set_autoload(s->skel->progs.spoor_free, s->follows);
		rc = sampler_bpf__load(s->skel);
		if (!rc)
			return 0;
		sampler_bpf__destroy(s->skel);
		s->skel = NULL;
		if (rc != -ENOMEM || ring_bytes / 2 < RING_MIN_BYTES)
			return bpf_refused(rc, "the sampling program");
	}
}

static int target_add(struct sampler *s, u64 kind, u64 kind_ns, u32 id)
{
	u64 key = (s->nested ? kind_ns : kind) | id;
	u32 one = 1;

	if (bpf_map__update_elem(s->skel->maps.targets, &key, sizeof(key), &one, sizeof(one),
				 BPF_ANY))
		return err(-errno, "cannot add %u to the targets", id);
	return 0;
}

int sampler_add_pid(struct sampler *s, u32 pid)
{
	return target_add(s, SAMPLER_KEY_PID, SAMPLER_KEY_NSPID, pid);
}

static void event_attr(const struct sampler *s, struct perf_event_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	attr->disabled = 1;
	if (s->hardware) {
		attr->type = PERF_TYPE_HARDWARE;
		attr->config = PERF_COUNT_HW_CPU_CYCLES;
		attr->freq = 1;
		attr->sample_freq = s->freq_hz;
	} else {
		attr->type = PERF_TYPE_SOFTWARE;
		attr->config = PERF_COUNT_SW_CPU_CLOCK;
		attr->sample_period = MAX(NSEC_PER_SEC / s->freq_hz, PERIOD_MIN_NS);
	}
}

/* 0, or -errno without a message; -ENODEV: no such CPU, or it is offline. */
static int cpu_open(struct sampler *s, u32 cpu)
{
	struct perf_event_attr attr;
	int fd;

	event_attr(s, &attr);
	fd = perf_open(&attr, -1, (int)cpu);
	if (fd < 0)
		return fd;
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, bpf_program__fd(s->skel->progs.spoor_tick)) ||
	    (s->running && ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	s->fds[cpu] = fd;
	return 0;
}

static bool cpu_wanted(const struct sampler *s, size_t cpu)
{
	return !s->wanted || s->wanted[cpu];
}

static int events_open(struct sampler *s)
{
	size_t cpu, n = 0, n_possible = (size_t)MAX(libbpf_num_possible_cpus(), 1);
	int rc;

	for (cpu = 0; cpu < s->ncpus; cpu++) {
		if (!cpu_wanted(s, cpu))
			continue;
		rc = cpu < n_possible ? cpu_open(s, (u32)cpu) : -ENODEV;
		if (rc && rc != -ENODEV)
			return rc;
		n += !rc;
	}
	return n ? 0 : -ENODEV;
}

static void events_close(struct sampler *s)
{
	size_t cpu;

	for (cpu = 0; cpu < s->ncpus; cpu++) {
		if (s->fds[cpu] >= 0)
			close(s->fds[cpu]);
		s->fds[cpu] = -1;
	}
}

/* Counters where the machine has them, else the software clock. */
static int events_open_best(struct sampler *s, const struct sampler_opts *o)
{
	int rc = -ENOENT;

	s->hardware = !o->force_sw;
	if (s->hardware)
		rc = events_open(s);
	if (rc) {
		events_close(s);
		s->hardware = false;
		rc = events_open(s);
	}
	if (rc == -ENODEV)
		return err(rc, "none of the wanted CPUs is online");
	return rc ? bpf_refused(rc, "a perf event for sampling") : 0;
}

static int targets_init(struct sampler *s, const struct sampler_opts *o)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < o->npids && !rc; i++)
		rc = sampler_add_pid(s, o->pids[i]);
	for (i = 0; i < o->ntids && !rc; i++)
		rc = target_add(s, SAMPLER_KEY_TID, SAMPLER_KEY_NSTID, o->tids[i]);
	if (rc || !s->follows)
		return rc;
	s->fork_link = bpf_program__attach(s->skel->progs.spoor_fork);
	s->free_link = bpf_program__attach(s->skel->progs.spoor_free);
	if (!s->fork_link || !s->free_link)
		return bpf_refused(-errno, "the program that follows children");
	return 0;
}

static int ring_event(void *arg, void *data, size_t n)
{
	struct sampler *s = arg;
	struct sampler_event e;

	if (sampler_decode(data, n, &e))
		s->bad_records++;
	else
		s->fn(&e, s->arg);
	return 0;
}

static u32 ring_size(const struct sampler *s, const struct sampler_opts *o)
{
	u64 want = o->ring_bytes ? o->ring_bytes : MIN(MAX(s->ncpus << 19, 2u << 20), 8u << 20);
	u32 size_bytes = RING_MIN_BYTES;

	while (size_bytes < want && size_bytes < (1u << 30))
		size_bytes *= 2;
	return size_bytes;
}

int sampler_open(struct sampler **out, const struct sampler_opts *o)
{
	long conf = sysconf(_SC_NPROCESSORS_CONF);
	struct sampler *s = xcalloc(1, sizeof(*s));
	size_t i;
	int rc;

	BUG_ON(!o->freq_hz);
	bpf_quiet();
	raise_memlock();
	s->ncpus = MAX((size_t)MAX(conf, 1), o->ncpus);
	s->freq_hz = o->freq_hz;
	s->fds = xmalloc(s->ncpus * sizeof(*s->fds));
	for (i = 0; i < s->ncpus; i++)
		s->fds[i] = -1;
	if (o->cpus) {
		s->wanted = xcalloc(s->ncpus, 1);
		memcpy(s->wanted, o->cpus, o->ncpus);
	}
	/* Without permission the cost of our programs stays unknown. */
	s->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	rc = load(s, o, ring_size(s, o));
	if (!rc)
		rc = targets_init(s, o);
	if (!rc)
		rc = events_open_best(s, o);
	if (!rc) {
		s->ring = ring_buffer__new(bpf_map__fd(s->skel->maps.ring), ring_event, s, NULL);
		if (!s->ring)
			rc = bpf_refused(-errno, "a mapping of the ring buffer");
	}
	if (rc) {
		sampler_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

const char *sampler_event_name(const struct sampler *s)
{
	return s->hardware ? "cycles" : "cpu-clock";
}

const char *sampler_event_unit(const struct sampler *s)
{
	return s->hardware ? "cycles" : "ns";
}

bool sampler_follows(const struct sampler *s)
{
	return s->follows;
}

static int events_ioctl(struct sampler *s, unsigned long request, void *arg)
{
	size_t cpu;
	int rc = 0;

	for (cpu = 0; cpu < s->ncpus; cpu++)
		if (s->fds[cpu] >= 0 && ioctl(s->fds[cpu], request, arg))
			rc = -errno;
	return rc;
}

int sampler_start(struct sampler *s)
{
	int rc = events_ioctl(s, PERF_EVENT_IOC_ENABLE, NULL);

	if (rc)
		return err(rc, "cannot start the perf events");
	s->running = true;
	return 0;
}

int sampler_stop(struct sampler *s)
{
	s->running = false;
	return events_ioctl(s, PERF_EVENT_IOC_DISABLE, NULL);
}

int sampler_set_freq(struct sampler *s, u64 freq_hz)
{
	u64 value = s->hardware ? freq_hz : MAX(NSEC_PER_SEC / freq_hz, PERIOD_MIN_NS);
	int rc = events_ioctl(s, PERF_EVENT_IOC_PERIOD, &value);

	if (rc)
		return err(rc, "cannot change the sampling rate");
	s->freq_hz = freq_hz;
	return 0;
}

int sampler_cpu(struct sampler *s, u32 cpu, bool online)
{
	int rc;

	if (cpu >= s->ncpus || !cpu_wanted(s, cpu) || online == (s->fds[cpu] >= 0))
		return 0;
	if (!online) {
		close(s->fds[cpu]);
		s->fds[cpu] = -1;
		return 0;
	}
	rc = cpu_open(s, cpu);
	return rc ? err(rc, "cannot sample CPU %u", cpu) : 0;
}

int sampler_fd(const struct sampler *s)
{
	return ring_buffer__epoll_fd(s->ring);
}

int sampler_decode(const void *rec, size_t n, struct sampler_event *e)
{
	const struct sampler_rec *r = rec;

	if (n < SAMPLER_REC_HEAD)
		return -EBADMSG;
	memset(e, 0, sizeof(*e));
	e->time_ns = r->time_ns;
	e->stack_hash = r->hash;
	e->weight = r->weight;
	e->cpu = r->cpu;
	e->pid = r->pid;
	e->tid = r->tid;
	e->flags = r->flags & ~SAMPLER_REC_LEAF;
	e->new_stack = r->is_new;
	memcpy(e->comm, r->comm, sizeof(e->comm));
	e->comm[sizeof(e->comm) - 1] = '\0';
	if (!r->is_new)
		return 0;
	if (n < SAMPLER_REC_HEAD + ((size_t)r->nk + r->nu) * sizeof(u64))
		return -EBADMSG;
	e->nk = r->nk;
	e->nu = r->nu;
	e->ips = (const u64 *)r->ips;
	if (r->flags & SAMPLER_REC_LEAF) {
		if (r->nu < 2)
			return -EBADMSG;
		e->nu -= 2;
		e->leaf_ret = e->ips[e->nk + e->nu];
		e->leaf_entry = e->ips[e->nk + e->nu + 1];
	}
	return 0;
}

int sampler_drain(struct sampler *s, void (*fn)(const struct sampler_event *e, void *arg),
		  void *arg)
{
	int n;

	s->fn = fn;
	s->arg = arg;
	n = ring_buffer__consume(s->ring);
	return n < 0 ? err(n, "cannot read the ring buffer") : n;
}

void sampler_forget(struct sampler *s)
{
	size_t size_bytes = SAMPLER_SEEN * sizeof(u64);
	void *p = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		       bpf_map__fd(s->skel->maps.seen), 0);

	BUG_ON(p == MAP_FAILED);
	memset(p, 0, size_bytes);
	munmap(p, size_bytes);
}

static void stats_maps(struct sampler *s, struct sampler_stats *st)
{
	int n = libbpf_num_possible_cpus(), i;
	size_t each = (sizeof(struct sampler_scratch) + 7) & ~(size_t)7;
	u32 zero = 0;
	char *values;

	if (n < 1)
		return;
	values = xcalloc((size_t)n, each);
	if (!bpf_map_lookup_elem(bpf_map__fd(s->skel->maps.scratch), &zero, values)) {
		for (i = 0; i < n; i++) {
			const struct sampler_counts *c =
				&((struct sampler_scratch *)(values + (size_t)i * each))->counts;

			st->samples += c->samples;
			st->idle += c->idle;
			st->filtered += c->filtered;
			st->lost_ring += c->lost_ring;
			st->lost_scratch += c->lost_scratch;
			st->resent += c->resent;
			st->follow_full += c->follow_full;
		}
	}
	free(values);
}

static void stats_prog(const struct bpf_program *prog, struct sampler_stats *st)
{
	struct bpf_prog_info info = {0};
	u32 len = sizeof(info);
	int fd = bpf_program__fd(prog);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		return;
	st->run_cnt += info.run_cnt;
	st->run_time_ns += info.run_time_ns;
	st->recursion_misses += info.recursion_misses;
}

void sampler_stats(struct sampler *s, struct sampler_stats *st)
{
	size_t cpu;

	memset(st, 0, sizeof(*st));
	for (cpu = 0; cpu < s->ncpus; cpu++)
		st->cpus += s->fds[cpu] >= 0;
	st->bad_records = s->bad_records;
	stats_maps(s, st);
	stats_prog(s->skel->progs.spoor_tick, st);
	stats_prog(s->skel->progs.spoor_fork, st);
	stats_prog(s->skel->progs.spoor_free, st);
	if (s->stats_fd < 0)
		st->run_cnt = st->run_time_ns = UINT64_MAX;
}

void sampler_free(struct sampler *s)
{
	if (!s)
		return;
	events_close(s);
	ring_buffer__free(s->ring);
	bpf_link__destroy(s->fork_link);
	bpf_link__destroy(s->free_link);
	sampler_bpf__destroy(s->skel);
	if (s->stats_fd >= 0)
		close(s->stats_fd);
	free(s->wanted);
	free(s->fds);
	free(s);
}
