// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "run/run.h"
#include "sys/sys.h"

struct record_cmd {
	u64 freq_hz, dur_ns, max_stack;
	bool all, kernel_only, user_only, idle, no_cache, strict, quiet;
	u8 verbose;
	struct opt_list pids, tids;
	const char *cgroup, *cpus, *output;
	double budget_pct;
};

#define OFF(member) offsetof(struct record_cmd, member)
static const struct opt record_options[] = {
	{0, NULL, OPT_GROUP, 0, NULL, "What to record (without any of these: the whole machine)"},
	{'a', "all", OPT_FLAG, OFF(all), NULL, "the whole machine; with a command: while it runs"},
	{'p', "pid", OPT_LIST, OFF(pids), "PID", "these processes and the children they start",
	 .complete = "pid"},
	{'t', "tid", OPT_LIST, OFF(tids), "TID", "these threads"},
	{0, "cgroup", OPT_STR, OFF(cgroup), "PATH", "what runs in this cgroup (v2) or below",
	 .complete = "file"},
	{'C', "cpu", OPT_STR, OFF(cpus), "CPUS", "only on these CPUs, e.g. 0-3,5"},
	{'d', "duration", OPT_DUR, OFF(dur_ns), "TIME",
	 "stop after this time, e.g. 10 or 500ms; else Ctrl-C stops, or the command's end"},
	{0, NULL, OPT_GROUP, 0, NULL, "How"},
	{'F', "freq", OPT_U64, OFF(freq_hz), "HZ", "samples a second on every CPU (99)", .min = 1,
	 .max = 100000},
	{0, "kernel-only", OPT_FLAG, OFF(kernel_only), NULL, "no user stacks"},
	{0, "user-only", OPT_FLAG, OFF(user_only), NULL, "no kernel stacks"},
	{0, "max-stack", OPT_U64, OFF(max_stack), "N",
	 "frames of a stack, kernel and user each (127)", .min = 1, .max = SAMPLER_MAX_STACK},
	{0, "idle", OPT_FLAG, OFF(idle), NULL, "keep samples of idle CPUs"},
	{0, "budget", OPT_PCT, OFF(budget_pct), "PCT",
	 "slow down, then stop, when recording costs more than this share of the CPUs (30; 0 "
	 "never)"},
	{0, "no-cache", OPT_FLAG, OFF(no_cache), NULL, "neither read nor write the symbol cache"},
	{0, NULL, OPT_GROUP, 0, NULL, "Output"},
	{'o', "output", OPT_STR, OFF(output), "FILE",
	 "the recording (record-DATE-TIME.spoor); - is standard output", .complete = "file"},
	{0, "strict", OPT_FLAG, OFF(strict), NULL, "exit status 3 when samples were lost"},
	{'q', "quiet", OPT_FLAG, OFF(quiet), NULL, "neither progress nor summary"},
	{'v', "verbose", OPT_COUNT, OFF(verbose), NULL, "say more; twice: much more"},
	OPT_END,
};

static void record_defaults(void *opts)
{
	struct record_cmd *o = opts;

	o->freq_hz = 99;
	o->max_stack = SAMPLER_MAX_STACK;
	o->budget_pct = 30;
}

static int record_command(struct command_ctx *c);

const struct command cmd_record = {
	.name = "record",
	.group = GROUP_CPU,
	.summary = "record stacks of the whole machine, a process or a command",
	.usage = "[options] [-- COMMAND ARGS]",
	.details =
		"Takes a sample on every CPU at a fixed rate: who runs, and where in the program "
		"and in the kernel. Ends after -d TIME, with Ctrl-C, or with the command, whose "
		"exit status it then returns. Programs that live only for milliseconds keep their "
		"names.\n\n"
		"The recording is written as it goes: whatever ends the recorder, the file can be "
		"read up to its last two seconds.\n\n"
		"The last line says what was recorded, what was lost and why, how many stacks are "
		"complete (reach a known start of a thread), and what recording cost.\n\n"
		"Needs root, or CAP_BPF and CAP_PERFMON, and for names CAP_SYS_PTRACE and "
		"CAP_SYSLOG.",
	.examples = "spoor record -d 10\tthe whole machine for 10 seconds\n"
		    "spoor record -o make.spoor -- make -j8\ta command and its children\n"
		    "spoor record -p 1234 -F 999\ta process, until Ctrl-C\n"
		    "spoor record -a -d 5 -o - | spoor flame - > x.svg\tstraight to a picture",
	.opts = record_options,
	.opts_bytes = sizeof(struct record_cmd),
	.no_inputs = true,
	.takes_command = true,
	.defaults = record_defaults,
	.run = record_command,
};

static int usage(const char *hint, const char *fmt, const char *arg)
{
	struct buf text = {0};

	buf_adds(&text, fmt);
	if (arg)
		buf_addf(&text, " %s", arg);
	err(-EINVAL, "%s", text.p);
	err_try("%s", hint);
	err_print("record");
	buf_done(&text);
	return EXIT_USAGE;
}

/* Options that contradict each other; 0 or EXIT_USAGE. */
static int conflicts(const struct record_cmd *o, char **cmd)
{
	bool target = o->pids.n || o->tids.n || o->cgroup;

	if (o->kernel_only && o->user_only)
		return usage("leave both out to get both kinds of stacks",
			     "--kernel-only and --user-only leave nothing to record", NULL);
	if (o->all && target)
		return usage("leave out -a to record only the target",
			     "-a is the whole machine, and -p, -t and --cgroup are a part of it",
			     NULL);
	if (cmd && target)
		return usage("spoor record -- COMMAND, or spoor record -p PID",
			     "a command to run and -p, -t or --cgroup cannot be combined", NULL);
	if (cmd && !cmd[0])
		return usage("spoor record -- COMMAND ARGS", "no command after --", NULL);
	return 0;
}

static int numbers(struct arena *a, const struct opt_list *list, const char *what, const u32 **out,
		   size_t *n)
{
	u32 *v = arena_alloc(a, (list->n + 1) * sizeof(*v));
	size_t i;

	for (i = 0; i < list->n; i++) {
		u64 value;

		if (parse_u64(list->v[i], &value) || !value || value > INT32_MAX)
			return usage("pgrep NAME lists processes", what, list->v[i]);
		v[i] = (u32)value;
	}
	*out = v;
	*n = list->n;
	return 0;
}

static const char *default_name(struct arena *a)
{
	char name[64];
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(name, sizeof(name), "record-%Y%m%d-%H%M%S.spoor", &tm);
	return arena_strndup(a, name, strlen(name));
}

/* What was typed, from the kernel. */
static const char *typed(struct arena *a)
{
	char text[4096];
	FILE *f = fopen("/proc/self/cmdline", "re");
	size_t n = f ? fread(text, 1, sizeof(text), f) : 0, i;

	if (f)
		fclose(f);
	for (i = 0; i + 1 < n; i++)
		if (!text[i])
			text[i] = ' ';
	return arena_strndup(a, text, n && !text[n - 1] ? n - 1 : n);
}

/* 0, a negative errno, or EXIT_USAGE after saying why. */
static int targets(struct command_ctx *c, struct record_opts *ro, struct buf *cpus)
{
	const struct record_cmd *o = c->opts;
	struct sampler_opts *so = &ro->sampler;
	int rc;

	rc = numbers(c->arena, &o->pids, "not a process number:", &so->pids, &so->npids);
	if (!rc)
		rc = numbers(c->arena, &o->tids, "not a thread number:", &so->tids, &so->ntids);
	if (rc)
		return rc;
	so->follow = so->npids > 0;
	if (o->cpus) {
		if (parse_cpulist(o->cpus, cpus) || !cpus->n)
			return usage("-C 0-3,5", "not a list of CPUs:", o->cpus);
		so->cpus = (const u8 *)cpus->p;
		so->ncpus = cpus->n;
	}
	if (o->cgroup)
		return cgroup_lookup("", o->cgroup, &so->cgroup_id, &so->cgroup_level);
	return 0;
}

static int shell_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int record_status(struct command_ctx *c, const struct record_opts *ro,
			 const struct record_result *r, int rc)
{
	const struct record_cmd *o = c->opts;

	if (r->summary.n && !o->quiet)
		fprintf(stderr, "spoor: %s\n", r->summary.p);
	if (rc && ro->cmd && !r->summary.n && r->cmd_status >= 0) {
		err_print("record");
		return shell_status(r->cmd_status);
	}
	if (rc)
		return rc;
	if (!o->output)
		printf("%s\n", ro->out_path);
	if (r->cmd_status > 0)
		return shell_status(r->cmd_status);
	return r->lost && o->strict ? EXIT_LOST : EXIT_DONE;
}

static int record_command(struct command_ctx *c)
{
	const struct record_cmd *o = c->opts;
	struct record_opts ro = {
		.dur_ns = o->dur_ns,
		.out_path = o->output ? o->output : default_name(c->arena),
		.cmd = c->rest,
		.budget_pct = o->budget_pct,
		.progress = !o->quiet && isatty(STDERR_FILENO),
		.no_cache = o->no_cache,
		.all = o->all,
		.cmdline = typed(c->arena),
		.sampler = {.freq_hz = o->freq_hz,
			    .max_stack = (u32)o->max_stack,
			    .kernel = !o->user_only,
			    .user = !o->kernel_only,
			    .idle = o->idle},
	};
	struct record_result r = {0};
	struct buf cpus = {0};
	int rc = conflicts(o, c->rest);

	if (!rc && !strcmp(ro.out_path, "-") && isatty(STDOUT_FILENO))
		rc = usage("-o FILE, or -o - | spoor flame -",
			   "a recording is no text for a terminal", NULL);
	if (!rc)
		rc = targets(c, &ro, &cpus);
	if (!rc) {
		rc = record_run(&ro, &r);
		rc = record_status(c, &ro, &r, rc);
	}
	buf_done(&r.summary);
	buf_done(&cpus);
	return rc;
}
