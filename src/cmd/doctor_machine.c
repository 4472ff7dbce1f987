// SPDX-License-Identifier: Apache-2.0
/* doctor: the kernel, what is mounted, what we may do, how it is set, and where there is room. */
#include "cmd/doctor_int.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sys/sys.h"

#define INIT_PID_NS 4026531836ull /* PROC_PID_INIT_INO: the first pid namespace of every kernel */
#define ROOM_WANTED (64ull << 20)
#define MEND_ROOT                                                                                  \
	"run it with sudo, or: setcap cap_bpf,cap_perfmon,cap_sys_ptrace,cap_syslog+ep on the "    \
	"binary"

static bool exists(struct doctor *d, const char *path)
{
	return !access(doctor_text(d, "%s%s", d->root, path), F_OK);
}

/* ---- the machine --------------------------------------------------------------------------------
 */

static void kernel(struct doctor *d)
{
	struct utsname u = {0};

	uname(&u);
	doctor_add(d, "kernel", "kernel", strverscmp(u.release, "5.10") < 0 ? DOCTOR_NO : DOCTOR_OK,
		   doctor_text(d, "Linux %s on %s", u.release, u.machine),
		   "Linux 5.10 or newer is needed");
}

static void btf(struct doctor *d)
{
	bool have = exists(d, "/sys/kernel/btf/vmlinux");

	doctor_add(d, "btf", "BTF, the kernel's own type information", have ? DOCTOR_OK : DOCTOR_NO,
		   have ? "/sys/kernel/btf/vmlinux" : "/sys/kernel/btf/vmlinux is missing",
		   "a kernel built with CONFIG_DEBUG_INFO_BTF");
}

static void tracefs(struct doctor *d)
{
	static const char *const places[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (!exists(d, doctor_text(d, "%s/events", places[i])))
			continue;
		doctor_add(d, "tracefs", "tracefs, the list of tracepoints", DOCTOR_OK, places[i],
			   NULL);
		return;
	}
	doctor_add(d, "tracefs", "tracefs, the list of tracepoints", DOCTOR_NO,
		   getuid() ? "not mounted, or not to be seen by this user" : "not mounted",
		   "mount -t tracefs tracefs /sys/kernel/tracing");
}

static void lockdown(struct doctor *d)
{
	const char *text = doctor_read(d, "/sys/kernel/security/lockdown", 200);

	if (!text)
		doctor_add(d, "lockdown", "lockdown", DOCTOR_NOTE,
			   exists(d, "/sys/kernel/security/.") && errno == EACCES
				   ? "cannot be read"
				   : "not known: securityfs is not mounted, or the kernel has none",
			   "mount -t securityfs securityfs /sys/kernel/security");
	else if (strstr(text, "[confidentiality]"))
		doctor_add(d, "lockdown", "lockdown", DOCTOR_NO,
			   "confidentiality: programs may not read kernel memory",
			   "start the kernel without lockdown=confidentiality");
	else
		doctor_add(d, "lockdown", "lockdown", DOCTOR_OK,
			   strstr(text, "[integrity]") ? "integrity: reading is allowed" : "none",
			   NULL);
}

static void cgroup(struct doctor *d)
{
	const char *at = cgroup2_mount(d->arena, d->root);

	doctor_add(d, "cgroup", "cgroup v2, for --cgroup", at ? DOCTOR_OK : DOCTOR_NO,
		   at ? at : "not mounted",
		   "mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 cgroup2 "
		   "/sys/fs/cgroup/unified");
	err_clear();
}

static void pid_namespace(struct doctor *d)
{
	struct stat st;

	if (stat(doctor_text(d, "%s/proc/self/ns/pid", d->root), &st))
		doctor_add(d, "pidns", "pid namespace", DOCTOR_NOTE, "not known", NULL);
	else if (st.st_ino == INIT_PID_NS)
		doctor_add(d, "pidns", "pid namespace", DOCTOR_OK, "the machine's own", NULL);
	else
		doctor_add(d, "pidns", "pid namespace", DOCTOR_NOTE,
			   "a container's: processes outside of it have no names here",
			   "run it in the host's pid namespace (docker run --pid=host)");
}

static void clock_source(struct doctor *d)
{
	static const char *const quick[] = {"tsc", "kvm-clock", "arch_sys_counter",
					    "hyperv_clocksource_tsc_page", "xen"};
	const char *now = doctor_read(
		d, "/sys/devices/system/clocksource/clocksource0/current_clocksource", 100);

	if (!now) {
		doctor_add(d, "clocksource", "clock source", DOCTOR_NOTE, "not known", NULL);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(quick); i++) {
		if (!strcmp(now, quick[i])) {
			doctor_add(d, "clocksource", "clock source", DOCTOR_OK, now, NULL);
			return;
		}
	}
	doctor_add(d, "clocksource", "clock source", DOCTOR_NOTE,
		   doctor_text(d, "%s: reading the time is slow", now),
		   "look in available_clocksource, beside it, for tsc");
}

void doctor_machine(struct doctor *d)
{
	d->group = "Machine";
	kernel(d);
	btf(d);
	tracefs(d);
	lockdown(d);
	cgroup(d);
	pid_namespace(d);
	clock_source(d);
}

/* ---- what we may do -----------------------------------------------------------------------------
 */

static void read_caps(struct doctor *d)
{
	const char *status = doctor_read(d, "/proc/self/status", 8192);
	const char *line = status ? strstr(status, "\nCapEff:") : NULL;

	d->caps = line ? strtoull(line + strlen("\nCapEff:"), NULL, 16) : 0;
}

static bool has_cap(const struct doctor *d, int cap)
{
	return d->caps & (1ull << cap);
}

void doctor_rights(struct doctor *d)
{
	static const struct {
		int cap;
		bool admin_does; /* CAP_SYS_ADMIN is enough */
		const char *id, *what, *without;
	} caps[] = {
		{CAP_BPF, true, "cap_bpf", "CAP_BPF: load programs", "nothing can be recorded"},
		{CAP_PERFMON, true, "cap_perfmon", "CAP_PERFMON: look at the kernel and everybody",
		 "nothing can be recorded"},
		{CAP_SYS_ADMIN, false, "cap_sys_admin",
		 "CAP_SYS_ADMIN: uprobes, other mount namespaces", "some probes will not attach"},
		{CAP_SYS_PTRACE, false, "cap_sys_ptrace",
		 "CAP_SYS_PTRACE: files of other users' processes",
		 "their functions have no names"},
		{CAP_SYSLOG, false, "cap_syslog", "CAP_SYSLOG: kernel addresses",
		 "kernel functions may have no names"},
		{CAP_DAC_READ_SEARCH, false, "cap_dac_read_search",
		 "CAP_DAC_READ_SEARCH: programs nobody else may read",
		 "their functions have no names"},
	};

	d->group = "Rights";
	read_caps(d);
	d->privileged =
		has_cap(d, CAP_SYS_ADMIN) || (has_cap(d, CAP_BPF) && has_cap(d, CAP_PERFMON));
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		bool own = has_cap(d, caps[i].cap);
		bool by_admin = caps[i].admin_does && has_cap(d, CAP_SYS_ADMIN);

		doctor_add(d, caps[i].id, caps[i].what, own || by_admin ? DOCTOR_OK : DOCTOR_NO,
			   own	      ? NULL
			   : by_admin ? "through CAP_SYS_ADMIN"
				      : caps[i].without,
			   MEND_ROOT);
	}
}

/* ---- settings -----------------------------------------------------------------------------------
 */

static void paranoid(struct doctor *d, const char *name, s64 v)
{
	if (d->privileged || v < 0)
		doctor_add(d, name, name, DOCTOR_OK,
			   doctor_text(d, "%lld%s", (long long)v,
				       v > 0 ? ", does not bind us: we have CAP_PERFMON" : ""),
			   NULL);
	else
		doctor_add(d, name, name, DOCTOR_NO,
			   doctor_text(d, "%lld: %s", (long long)v,
				       v > 1	? "only our own processes, outside of the kernel"
				       : v == 1 ? "only our own processes"
						: "no raw tracepoints"),
			   "sysctl -w kernel.perf_event_paranoid=-1");
}

static void kptr(struct doctor *d, const char *name, s64 v)
{
	bool hidden = v >= 2 || (v == 1 && !has_cap(d, CAP_SYSLOG));

	doctor_add(d, name, name, hidden ? DOCTOR_NO : DOCTOR_OK,
		   doctor_text(d, "%lld%s", (long long)v,
			       hidden ? ": kernel addresses are hidden from us" : ""),
		   v >= 2 ? "sysctl -w kernel.kptr_restrict=1" : MEND_ROOT);
}

static void max_stack(struct doctor *d, const char *name, s64 v)
{
	doctor_add(d, name, name, v < 127 ? DOCTOR_NO : DOCTOR_OK,
		   doctor_text(d, "%lld%s", (long long)v,
			       v < 127 ? ": deeper stacks are cut"
				       : " frames, for each of kernel and user"),
		   "sysctl -w kernel.perf_event_max_stack=127");
}

static void sample_rate(struct doctor *d, const char *name, s64 v)
{
	doctor_add(d, name, name, v < 999 ? DOCTOR_NO : DOCTOR_OK,
		   doctor_text(d, "%lld Hz%s", (long long)v,
			       v < 999 ? ": the kernel has lowered it" : ""),
		   "sysctl -w kernel.perf_event_max_sample_rate=100000");
}

static void unprivileged_bpf(struct doctor *d, const char *name, s64 v)
{
	doctor_add(d, name, name, v ? DOCTOR_OK : DOCTOR_NOTE,
		   doctor_text(d, "%lld%s", (long long)v,
			       v ? "" : ": every user may load some kinds of programs"),
		   "sysctl -w kernel.unprivileged_bpf_disabled=2");
}

static void bpf_stats(struct doctor *d, const char *name, s64 v)
{
	doctor_add(d, name, name, DOCTOR_OK,
		   v ? "1: every program of the machine is timed"
		     : "0: timed while spoor runs only",
		   NULL);
}

static void mlock_kb(struct doctor *d, const char *name, s64 v)
{
	doctor_add(d, name, name, DOCTOR_OK,
		   doctor_text(d, "%lld KiB of perf buffers for each CPU%s", (long long)v,
			       has_cap(d, CAP_IPC_LOCK) ? "; does not bind us: we have CAP_IPC_LOCK"
							: ""),
		   NULL);
}

static void memlock(struct doctor *d)
{
	struct rlimit lim = {0};
	struct utsname u = {0};
	char size[32];
	bool matters;

	getrlimit(RLIMIT_MEMLOCK, &lim);
	uname(&u);
	matters = strverscmp(u.release, "5.11") < 0 && !has_cap(d, CAP_SYS_RESOURCE) &&
		  lim.rlim_max < ROOM_WANTED;
	doctor_add(d, "memlock", "locked memory (ulimit -l)", matters ? DOCTOR_NO : DOCTOR_OK,
		   doctor_text(d, "%s%s",
			       lim.rlim_cur == RLIM_INFINITY ? "unlimited"
							     : fmt_size(size, lim.rlim_cur),
			       matters ? ": too little for BPF maps before Linux 5.11"
				       : ", enough: BPF maps are not bound by it"),
		   "ulimit -l unlimited, as root");
}

void doctor_settings(struct doctor *d)
{
	static const struct {
		const char *name;
		void (*judge)(struct doctor *d, const char *name, s64 value);
	} settings[] = {
		{"kernel.perf_event_paranoid", paranoid},
		{"kernel.kptr_restrict", kptr},
		{"kernel.perf_event_max_stack", max_stack},
		{"kernel.perf_event_max_sample_rate", sample_rate},
		{"kernel.perf_event_mlock_kb", mlock_kb},
		{"kernel.unprivileged_bpf_disabled", unprivileged_bpf},
		{"kernel.bpf_stats_enabled", bpf_stats},
	};
	s64 v;

	d->group = "Settings";
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const char *name = settings[i].name;

		if (sysctl_get(d->root, name, &v))
			doctor_add(d, name, name, DOCTOR_NOTE, "cannot be read", NULL);
		else
			settings[i].judge(d, name, v);
	}
	err_clear();
	memlock(d);
}

/* ---- room ---------------------------------------------------------------------------------------
 */

static void room_in(struct doctor *d, const char *id, const char *what, const char *dir,
		    const char *mend)
{
	struct statvfs fs;
	char size[32];
	u64 room;

	if (faccessat(AT_FDCWD, dir, W_OK, AT_EACCESS)) {
		doctor_add(d, id, what, DOCTOR_NO, doctor_text(d, "%s: %s", dir, strerror(errno)),
			   mend);
		return;
	}
	room = statvfs(dir, &fs) ? 0 : (u64)fs.f_bavail * fs.f_frsize;
	doctor_add(d, id, what, room < ROOM_WANTED ? DOCTOR_NO : DOCTOR_OK,
		   doctor_text(d, "%s free in %s", fmt_size(size, room), dir), mend);
}

/* The nearest directory that exists on the way to path. */
static const char *existing_parent(struct doctor *d, const char *path)
{
	char *p = arena_strndup(d->arena, path, strlen(path));
	char *slash;

	while (access(p, F_OK) && (slash = strrchr(p, '/')) && slash != p)
		*slash = '\0';
	return p;
}

void doctor_space(struct doctor *d)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char cwd[4096];

	d->group = "Space";
	if (!getcwd(cwd, sizeof(cwd)))
		snprintf(cwd, sizeof(cwd), ".");
	room_in(d, "space", "for recordings, in this directory", cwd,
		"another directory: spoor record -o DIR/FILE");
	if (cache && cache[0] == '/') {
		cache = doctor_text(d, "%s/spoor", cache);
	} else if (home && home[0] == '/') {
		cache = doctor_text(d, "%s/.cache/spoor", home);
	} else if (!geteuid()) {
		cache = "/var/cache/spoor";
	} else {
		doctor_add(d, "cache", "for the cache of symbols", DOCTOR_NO,
			   "neither XDG_CACHE_HOME nor HOME is set", "export XDG_CACHE_HOME=DIR");
		return;
	}
	room_in(d, "cache", "for the cache of symbols", existing_parent(d, cache),
		"export XDG_CACHE_HOME=DIR, a directory of yours");
}
