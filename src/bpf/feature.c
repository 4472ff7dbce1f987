// SPDX-License-Identifier: Apache-2.0
/* What this kernel can do, found out by attaching a program and seeing it run. */
#include "bpf/feature_int.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATIENCE_NS (NSEC_PER_SEC / 2) /* for a probe to fire */
#define RING_BYTES 65536	       /* a multiple of every page size */
#define MEND_ROOT                                                                                  \
	"run it with sudo, or: setcap cap_bpf,cap_perfmon,cap_sys_ptrace,cap_syslog+ep on the "    \
	"binary"

const char *feature_libbpf_version(void)
{
	return libbpf_version_string() + 1; /* without its v */
}

static void read_caps(struct feature_ctx *x)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};
	u64 caps;

	if (syscall(SYS_capget, &head, data))
		return;
	caps = data[0].effective | (u64)data[1].effective << 32;
	x->admin = caps & 1ull << CAP_SYS_ADMIN;
	x->privileged = x->admin || (caps & 1ull << CAP_BPF && caps & 1ull << CAP_PERFMON);
}

/* A file descriptor of tracefs: where it is mounted, or else a mount that nobody else sees. */
static int tracefs_open(void)
{
	static const char *const places[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
	int fs, fd;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		fd = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && !faccessat(fd, "events", F_OK, 0))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	fs = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);
	if (fs < 0)
		return -1;
	fd = (int)syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (!fd)
		fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	close(fs);
	return fd;
}

struct feature_ctx *feature_ctx_new(struct arena *a)
{
	struct feature_ctx *x = xcalloc(1, sizeof(*x));

	bpf_quiet();
	x->arena = a;
	read_caps(x);
	x->tracefs_fd = tracefs_open();
	return x;
}

void feature_ctx_free(struct feature_ctx *x)
{
	if (x->tracefs_fd >= 0)
		close(x->tracefs_fd);
	btf__free(x->btf);
	free(x);
}

static int btf_id(struct feature_ctx *x, const char *name, u32 kind)
{
	if (!x->btf && !x->btf_error) {
		x->btf = btf__load_vmlinux_btf();
		if (!x->btf)
			x->btf_error = -errno;
	}
	return x->btf ? btf__find_by_name_kind(x->btf, name, kind) : x->btf_error;
}

static int make_maps(struct trial *t)
{
	LIBBPF_OPTS(bpf_map_create_opts, mappable, .map_flags = BPF_F_MMAPABLE);
	void *p;

	t->stage = STAGE_MAP;
	t->counter_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "spoor_doctor", 4, 8, 1, &mappable);
	if (t->counter_fd < 0)
		return t->counter_fd;
	p = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, t->counter_fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	t->counter = p;
	if (t->r->code != code_ringbuf)
		return 0;
	t->map_fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "spoor_doctor", 0, 0, RING_BYTES, NULL);
	return MIN(t->map_fd, 0);
}

static int load(struct trial *t)
{
	LIBBPF_OPTS(bpf_prog_load_opts, o, .expected_attach_type = t->r->attach_type);
	struct bpf_func_info funcs[2] = {{.insn_off = 0}, {.insn_off = CODE_LOOP_CALLBACK}};
	struct bpf_insn insns[FEATURE_MAX_INSNS];
	u32 ids[2];
	size_t n;

	if (t->r->btf_name) {
		int id = btf_id(t->x, t->r->btf_name, t->r->btf_kind);
		t->stage = STAGE_BTF;
		if (id < 0)
			return id;
		o.attach_btf_id = (u32)id;
	}
	t->stage = STAGE_LOAD;
	n = t->r->code(t, insns);
	BUG_ON(n > FEATURE_MAX_INSNS);
	if (t->r->code == code_loop) {
		t->btf_fd = code_loop_btf(ids);
		if (t->btf_fd < 0)
			return t->btf_fd;
		funcs[0].type_id = ids[0];
		funcs[1].type_id = ids[1];
		o.prog_btf_fd = (u32)t->btf_fd;
		o.func_info = funcs;
		o.func_info_cnt = 2;
		o.func_info_rec_size = sizeof(funcs[0]);
	}
	t->prog_fd = bpf_prog_load(t->r->prog_type, "spoor_doctor", "Dual BSD/GPL", insns, n, &o);
	return MIN(t->prog_fd, 0);
}

static int fire(struct trial *t)
{
	u64 until = clock_mono_ns() + PATIENCE_NS;

	t->stage = STAGE_RUN;
	do {
		t->r->trigger(t);
		if (__atomic_load_n(t->counter, __ATOMIC_RELAXED))
			return 0;
	} while (clock_mono_ns() < until);
	return -ETIME;
}

static void trial_close(struct trial *t)
{
	while (t->nfds)
		close(t->fds[--t->nfds]);
	if (t->prog_fd >= 0)
		close(t->prog_fd);
	if (t->btf_fd >= 0)
		close(t->btf_fd);
	if (t->map_fd >= 0)
		close(t->map_fd);
	if (t->counter)
		munmap(t->counter, (size_t)sysconf(_SC_PAGESIZE));
	if (t->counter_fd >= 0)
		close(t->counter_fd);
}

static const char *say(struct feature_ctx *x, const char *fmt, ...) PRINTF(2, 3);
static const char *say(struct feature_ctx *x, const char *fmt, ...)
{
	struct buf b = {0};
	const char *s;
	va_list ap;

	va_start(ap, fmt);
	buf_addvf(&b, fmt, ap);
	va_end(ap);
	s = arena_strndup(x->arena, b.p, b.n);
	buf_done(&b);
	return s;
}

static const char *newer_kernel(struct trial *t)
{
	return t->r->since ? say(t->x, "a kernel from Linux %s on", t->r->since) : NULL;
}

/* The stage at which it failed says more than the errno: EPERM from an allowed process, when other
 * programs load, is the kernel's refusal of this kind of program and nothing that a limit mends. */
static void explain(struct trial *t, int rc, const char **why, const char **mend)
{
	struct feature_ctx *x = t->x;
	const char *text = strerror(-rc);

	*mend = newer_kernel(t);
	if (!x->privileged && (rc == -EPERM || rc == -EACCES)) {
		*why = "not permitted: needs CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN";
		*mend = MEND_ROOT;
	} else if (!x->admin && t->stage == STAGE_ATTACH && (rc == -EPERM || rc == -EACCES)) {
		*why = "not permitted: this kind needs CAP_SYS_ADMIN";
		*mend = "run it with sudo, or add cap_sys_admin with setcap";
	} else if (t->stage == STAGE_BTF && !x->btf) {
		*why = "the kernel has no type information (/sys/kernel/btf/vmlinux)";
		*mend = "a kernel built with CONFIG_DEBUG_INFO_BTF";
	} else if (t->stage == STAGE_BTF) {
		*why = say(x, "the kernel's type information has no %s", t->r->btf_name);
	} else if (t->stage == STAGE_LOAD && rc == -EPERM) {
		*why = x->admin
			       ? "this kernel refuses to load such programs, even from root (EPERM)"
			       : "this kernel refuses to load such programs (EPERM)";
		*mend = "use kprobe, tracepoint, raw_tp or tp_btf probes, as far as they work here";
	} else if (t->stage == STAGE_LOAD) {
		*why = t->r->since && rc == -EINVAL
			       ? "this kernel does not know it"
			       : say(x, "the kernel does not load it: %s", text);
	} else if (t->stage == STAGE_ATTACH) {
		if (t->why)
			*why = t->why;
		else if (t->r->since && rc == -EINVAL)
			*why = "this kernel does not know the kind: it loads, but cannot be "
			       "attached";
		else
			*why = say(x, "loads, but cannot be attached: %s", text);
		if (t->r->config && (rc == -ENOENT || rc == -EOPNOTSUPP))
			*mend = say(x, "a kernel built with %s%s%s", t->r->config,
				    t->r->since ? ", from Linux " : "",
				    t->r->since ? t->r->since : "");
	} else if (t->stage == STAGE_RUN) {
		*why = "attached, but did not run when it should have";
	} else {
		*why = say(x, "cannot make a map: %s", text);
	}
	if (t->stage == STAGE_ATTACH && t->r->attach == attach_tracepoint && x->tracefs_fd < 0)
		*mend = "mount -t tracefs tracefs /sys/kernel/tracing";
}

static int probe_recipe(struct feature_ctx *x, const struct feature *f, const char **why,
			const char **mend)
{
	struct trial t = {.x = x,
			  .r = f->recipe,
			  .counter_fd = -1,
			  .map_fd = -1,
			  .btf_fd = -1,
			  .prog_fd = -1};
	int rc = make_maps(&t);

	*why = *mend = NULL;
	if (!rc)
		rc = load(&t);
	if (!rc) {
		t.stage = STAGE_ATTACH;
		rc = t.r->attach(&t);
	}
	if (!rc)
		rc = fire(&t);
	if (rc)
		explain(&t, rc, why, mend);
	trial_close(&t);
	return rc;
}

/* ---- perf alone: no program needed -------------------------------------------------------------
 */

static int explain_perf(struct feature_ctx *x, int rc, const char **why, const char **mend)
{
	*mend = NULL;
	if (rc == -EACCES || rc == -EPERM) {
		*why = "not permitted: needs CAP_PERFMON, or a lower kernel.perf_event_paranoid";
		*mend = MEND_ROOT;
	} else if (rc == -ENOENT || rc == -EOPNOTSUPP || rc == -ENODEV) {
		*why = "no counters here, as in most virtual machines; the clock is used instead";
		*mend = "pass the counters on to the guest (QEMU: -cpu host,pmu=on)";
	} else {
		*why = say(x, "perf_event_open: %s", strerror(-rc));
	}
	return rc;
}

static int probe_cycles(struct feature_ctx *x, const struct feature *f, const char **why,
			const char **mend)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_HARDWARE,
				       .config = PERF_COUNT_HW_CPU_CYCLES,
				       .size = sizeof(attr)};
	int fd = perf_open(&attr, 0, -1);
	u64 before = 0, after = 0;

	*why = *mend = NULL;
	if (fd < 0)
		return explain_perf(x, fd, why, mend);
	if (read(fd, &before, sizeof(before)) != sizeof(before))
		before = 0;
	trigger_spin(NULL);
	if (read(fd, &after, sizeof(after)) != sizeof(after))
		after = 0;
	close(fd);
	if (after > before)
		return 0;
	*why = "the counter opens, but does not count";
	return -ENODATA;
}

/* Records of what processes do, of everybody, on the CPU that we are on. */
static int probe_task_events(struct feature_ctx *x, const struct feature *f, const char **why,
			     const char **mend)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
				       .config = PERF_COUNT_SW_DUMMY,
				       .size = sizeof(attr),
				       .mmap = 1,
				       .mmap2 = 1,
				       .task = 1};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const struct perf_event_mmap_page *ring;
	u64 until = clock_mono_ns() + PATIENCE_NS;
	unsigned cpu = 0;
	int fd, rc = -ETIME;

	*why = *mend = NULL;
	syscall(SYS_getcpu, &cpu, NULL, NULL);
	fd = perf_open(&attr, -1, (int)cpu);
	if (fd < 0)
		return explain_perf(x, fd, why, mend);
	ring = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED) {
		rc = explain_perf(x, -errno, why, mend);
		close(fd);
		return rc;
	}
	/* Whenever we are on that CPU, mapping something executable makes a record. */
	while (rc && clock_mono_ns() < until) {
		void *p =
			mmap(NULL, page, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p != MAP_FAILED)
			munmap(p, page);
		if (__atomic_load_n(&ring->data_head, __ATOMIC_ACQUIRE))
			rc = 0;
		else
			usleep(200);
	}
	if (rc)
		*why = "no record came, although something was mapped";
	munmap((void *)(uintptr_t)ring, 2 * page);
	close(fd);
	return rc;
}

/* ---- the table ---------------------------------------------------------------------------------
 */

#define KPROBES "CONFIG_KPROBE_EVENTS"
#define UPROBES "CONFIG_UPROBE_EVENTS"
#define RECIPE(...) (&(const struct feature_recipe){__VA_ARGS__})

const struct feature features[] = {
	{"clock", "perf_event: a program run by the clock", true, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_PERF_EVENT, .code = code_count, .attach = attach_clock,
		.trigger = trigger_spin)},
	{"user-stack", "user stacks, taken in a sample", true, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_PERF_EVENT, .code = code_user_stack, .attach = attach_clock,
		.trigger = trigger_spin)},
	{"kernel-stack", "kernel stacks", true, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_RAW_TRACEPOINT, .code = code_kernel_stack, .attach = attach_raw_tp,
		.trigger = trigger_switch)},
	{"ringbuf", "ring buffer, for events to arrive in order", true, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_RAW_TRACEPOINT, .code = code_ringbuf, .attach = attach_raw_tp,
		.trigger = trigger_switch)},
	{"task-events", "events of processes: who maps, forks, execs, exits", true,
	 probe_task_events, NULL},
	{"cycles", "hardware counters (cycles)", false, probe_cycles, NULL},
	{"tracepoint", "tracepoint", false, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_TRACEPOINT, .code = code_count, .attach = attach_tracepoint,
		.trigger = trigger_switch)},
	{"raw_tp", "raw tracepoint", false, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_RAW_TRACEPOINT, .code = code_count, .attach = attach_raw_tp,
		.trigger = trigger_switch)},
	{"tp_btf", "tp_btf: raw tracepoint with typed arguments", false, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, "btf_trace_sched_switch", BTF_KIND_TYPEDEF,
		.code = code_count, .attach = attach_tracing, .trigger = trigger_switch)},
	{"kprobe", "kprobe: any place in the kernel", false, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_KPROBE, .code = code_count, .attach = attach_kprobe,
		.trigger = trigger_syscall, .config = KPROBES)},
	{"kretprobe", "kretprobe: return from a kernel function", false, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_KPROBE, .retprobe = true, .code = code_count, .attach = attach_kprobe,
		.trigger = trigger_syscall, .config = KPROBES)},
	{"kprobe.multi", "kprobe.multi: many kernel functions at once", false, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_KPROBE, ATTACH_KPROBE_MULTI, .code = code_count,
		.attach = attach_kprobe_multi, .trigger = trigger_syscall,
		.config = "CONFIG_FPROBE", .since = "5.18")},
	{"kprobe.session", "kprobe session: entry and return in one", false, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_KPROBE, ATTACH_KPROBE_SESSION, .code = code_count,
		.attach = attach_kprobe_multi, .trigger = trigger_syscall,
		.config = "CONFIG_FPROBE", .since = "6.10")},
	{"fentry", "fentry: entry of a kernel function, fast", false, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, FEATURE_KERNEL_FUNCTION, BTF_KIND_FUNC,
		.code = code_count, .attach = attach_tracing, .trigger = trigger_syscall)},
	{"fexit", "fexit: return from a kernel function, fast", false, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, FEATURE_KERNEL_FUNCTION, BTF_KIND_FUNC,
		.code = code_count, .attach = attach_tracing, .trigger = trigger_syscall)},
	{"uprobe", "uprobe: any place in a program", false, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_KPROBE, .code = code_count, .attach = attach_uprobe,
		.trigger = trigger_function, .config = UPROBES)},
	{"uretprobe", "uretprobe: return from a function of a program", false, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_KPROBE, .retprobe = true, .code = code_count, .attach = attach_uprobe,
		.trigger = trigger_function, .config = UPROBES)},
	{"uprobe.multi", "uprobe.multi: many places at once", false, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_KPROBE, ATTACH_UPROBE_MULTI, .code = code_count,
		.attach = attach_uprobe_multi, .trigger = trigger_function, .since = "6.6")},
	{"uprobe.session", "uprobe session: entry and return in one", false, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_KPROBE, ATTACH_UPROBE_SESSION, .code = code_count,
		.attach = attach_uprobe_multi, .trigger = trigger_function, .since = "6.13")},
	{"usdt", "USDT: static probes of a program, with semaphore", false, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_KPROBE, .code = code_count, .attach = attach_usdt,
		.trigger = trigger_usdt, .config = UPROBES)},
	{"iter", "iter: walking the kernel's tasks", false, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, "bpf_iter_task", BTF_KIND_FUNC,
		.code = code_count, .attach = attach_iter, .trigger = trigger_iter)},
	{"bpf_loop", "bpf_loop: long loops in programs", false, probe_recipe,
	 RECIPE(BPF_PROG_TYPE_RAW_TRACEPOINT, .code = code_loop, .attach = attach_raw_tp,
		.trigger = trigger_switch, .since = "5.17")},
	{NULL},
};
