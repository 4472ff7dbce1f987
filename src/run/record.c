// SPDX-License-Identifier: Apache-2.0
/*
 * A recording from beginning to end:
 *
 *   check the output, start the command (held back), open samplers -> go
 *   every 100 ms: drain, resolve            every 2 s or when big: write a chunk
 *   every second: CPUs, targets, budget     stop: drain the rest, last chunk, summary
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run/record_int.h"
#include "sys/sys.h"

#define DRAIN_EVERY_NS 100000000ull
#define CHUNK_EVERY_NS (2 * NSEC_PER_SEC)
#define CHUNK_SAMPLES 40000 /* about 1 MB before compression */
#define FREQ_MIN_HZ 4

/* ---- chunks ------------------------------------------------------------------------------------
 */

static void lose(struct prof *p, const char *why, u64 now, u64 before)
{
	if (now > before)
		prof_lose(p, why, false, now - before, 0);
}

/* Puts what the chunk says about itself into it. */
static void chunk_close(struct recorder *rec, const struct sampler_stats *st)
{
	struct feed *f = &rec->feed;
	struct prof *p = &rec->prof;

	lose(p, "ring buffer full", st->lost_ring, rec->said.lost_ring);
	lose(p, "nested on one CPU", st->lost_scratch, rec->said.lost_scratch);
	lose(p, "skipped by the kernel", st->recursion_misses, rec->said.recursion_misses);
	lose(p, "damaged record", st->bad_records, rec->said.bad_records);
	lose(p, "process events: ring full", f->task_events_lost, f->task_events_lost_said);
	f->task_events_lost_said = f->task_events_lost;
	rec->said = *st;
	stacks_chunk_end(&f->stacks, p);
	summary_meta(rec, st);
}

static void chunk_begin(struct recorder *rec)
{
	prof_reset(&rec->prof);
	rec->prof.have_samples = true;
	rec->feed.column = prof_value_id(&rec->prof, sampler_event_name(rec->feed.sampler),
					 sampler_event_unit(rec->feed.sampler));
	rec->chunk_ns = clock_mono_ns();
	if (stacks_trim(&rec->feed.stacks))
		sampler_forget(rec->feed.sampler);
}

static void stop(struct recorder *rec, int rc, const char *why)
{
	if (rc && !rec->rc)
		rec->rc = rc;
	if (why && !rec->why_stopped)
		rec->why_stopped = why;
	loop_stop(rec->loop);
}

static void chunk_write(struct recorder *rec)
{
	struct sampler_stats st;
	int rc;

	sampler_stats(rec->feed.sampler, &st);
	chunk_close(rec, &st);
	rc = spoor_chunk(rec->out, &rec->prof);
	if (rc)
		stop(rec, rc, NULL);
	chunk_begin(rec);
}

/* ---- what the loop calls -----------------------------------------------------------------------
 */

static void on_drain(void *arg, u32 unused)
{
	struct recorder *rec = arg;
	int rc = feed_drain(&rec->feed, false);

	if (rc) {
		stop(rec, rc, NULL);
		return;
	}
	if (rec->prof.samples.n >= CHUNK_SAMPLES ||
	    (rec->prof.samples.n && clock_mono_ns() - rec->chunk_ns >= CHUNK_EVERY_NS))
		chunk_write(rec);
}

static void on_duration(void *arg, u32 unused)
{
	loop_stop(((struct recorder *)arg)->loop);
}

static void on_signal(void *arg, u32 sig)
{
	struct recorder *rec = arg;

	/*
	 * From a terminal the command gets the signal too: its end ends the recording. A second
	 * signal does not wait for that.
	 */
	if (rec->command.pid && !rec->n_signals++) {
		if (sig == SIGTERM)
			kill(rec->command.pid, SIGTERM);
		return;
	}
	stop(rec, 0, NULL);
}

static void on_command_end(void *arg, u32 unused)
{
	struct recorder *rec = arg;

	command_wait(&rec->command);
	loop_stop(rec->loop);
}

/* One of the targets' pidfds is readable: that process has ended. */
static void on_target_end(void *arg, u32 unused)
{
	struct recorder *rec = arg;
	size_t i, left = 0;

	for (i = 0; i < rec->pidfds.n; i++) {
		int *fd = &rec->pidfds.v[i];

		if (*fd < 0)
			continue;
		if (syscall(SYS_pidfd_send_signal, *fd, 0, NULL, 0) && errno == ESRCH) {
			loop_del_fd(rec->loop, *fd);
			close(*fd);
			*fd = -1;
		} else {
			left++;
		}
	}
	if (!left)
		stop(rec, 0, "every target has ended");
}

static void check_tids(struct recorder *rec)
{
	struct proc_stat st;
	size_t i;

	if (!rec->so.ntids || rec->so.npids)
		return;
	for (i = 0; i < rec->so.ntids; i++)
		if (!proc_stat("", (pid_t)rec->so.tids[i], &st))
			return;
	err_clear();
	stop(rec, 0, "every target has ended");
}

static void check_cpus(struct recorder *rec)
{
	struct buf now = {0};
	size_t i;

	if (cpus_online("", &now)) {
		err_clear();
		return;
	}
	for (i = 0; i < MAX(now.n, rec->online.n); i++) {
		bool is = i < now.n && now.p[i], was = i < rec->online.n && rec->online.p[i];

		if (is == was)
			continue;
		if (taskev_cpu(rec->feed.tasks, (u32)i, is) ||
		    sampler_cpu(rec->feed.sampler, (u32)i, is))
			log_warn("%s", err_msg());
		log_info("CPU %zu is %s", i, is ? "online" : "offline");
	}
	buf_done(&rec->online);
	rec->online = now;
}

static void slow_down(struct recorder *rec)
{
	u64 hz = rec->freq_hz / 2;
	char text[128];

	if (hz < FREQ_MIN_HZ || sampler_set_freq(rec->feed.sampler, hz)) {
		rec->r->over_budget = true;
		stop(rec, 0, "it cost more than --budget allows");
		return;
	}
	rec->freq_hz = hz;
	snprintf(text, sizeof(text), "sampling rate lowered to %llu Hz to stay within the budget",
		 (unsigned long long)hz);
	log_warn("%s", text);
	prof_note(&rec->prof, text, 1);
}

static void check_budget(struct recorder *rec, const struct sampler_stats *st)
{
	u64 cost_ns = budget_self_ns() + (st->run_time_ns == UINT64_MAX ? 0 : st->run_time_ns);

	switch (budget_check(&rec->budget, clock_mono_ns(), cost_ns, st->cpus)) {
	case BUDGET_WARN:
		log_warn("recording costs %.1f%% of the traced CPUs' time (try a lower -F)",
			 rec->budget.now_pct);
		break;
	case BUDGET_SLOWER:
		slow_down(rec);
		break;
	case BUDGET_STOP:
		rec->r->over_budget = true;
		stop(rec, 0, "it cost more than --budget allows");
		break;
	case BUDGET_FINE:
		break;
	}
}

static void on_second(void *arg, u32 unused)
{
	struct recorder *rec = arg;
	struct sampler_stats st;

	sampler_stats(rec->feed.sampler, &st);
	rec->traced_cpus = MAX(rec->traced_cpus, st.cpus);
	check_cpus(rec);
	check_tids(rec);
	check_budget(rec, &st);
	if (rec->o->progress)
		summary_progress(rec, &st);
}

/* ---- setting up --------------------------------------------------------------------------------
 */

static int targets_watch(struct recorder *rec)
{
	struct proc_stat st;
	size_t i;
	int fd, rc;

	for (i = 0; i < rec->so.ntids; i++)
		if (proc_stat("", (pid_t)rec->so.tids[i], &st))
			return err(-EINVAL, "there is no thread %u", rec->so.tids[i]);
	if (rec->command.pid)
		return loop_add_fd(rec->loop, rec->command.pidfd, on_command_end, rec);
	for (i = 0; i < rec->so.npids; i++) {
		fd = (int)syscall(SYS_pidfd_open, rec->so.pids[i], 0);
		if (fd < 0 && errno == EINVAL && !proc_stat("", (pid_t)rec->so.pids[i], &st))
			return err(-EINVAL, "%u is a thread of process %d; use -t %u",
				   rec->so.pids[i], st.tgid, rec->so.pids[i]);
		if (fd < 0)
			return errno == ESRCH
				       ? err(-EINVAL, "there is no process %u", rec->so.pids[i])
				       : err(-errno, "cannot watch process %u", rec->so.pids[i]);
		vec_push(&rec->pidfds, fd);
		rc = loop_add_fd(rec->loop, fd, on_target_end, rec);
		if (rc)
			return rc;
	}
	return 0;
}

/* What the kernel allows; asking for more is not worth failing. */
static void clamp(struct recorder *rec)
{
	s64 max;

	if (!sysctl_get("", "kernel.perf_event_max_stack", &max) && max > 0 &&
	    rec->so.max_stack > (u64)max)
		rec->so.max_stack = (u32)max;
	rec->so.max_stack = MIN(rec->so.max_stack, SAMPLER_MAX_STACK);
	if (!sysctl_get("", "kernel.perf_event_max_sample_rate", &max) && max > 0 &&
	    rec->so.freq_hz > (u64)max) {
		log_warn("sampling at %lld Hz: kernel.perf_event_max_sample_rate allows no more",
			 (long long)max);
		rec->so.freq_hz = (u64)max;
	}
	err_clear();
	rec->freq_hz = rec->so.freq_hz;
}

/* Symbols keep files open; the command keeps the limit it was given. */
static void raise_nofile(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim))
		return;
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
}

static int loop_setup(struct recorder *rec)
{
	int rc = loop_add_signal(rec->loop, SIGINT, on_signal, rec);

	if (!rc)
		rc = loop_add_signal(rec->loop, SIGTERM, on_signal, rec);
	if (!rc)
		rc = loop_add_signal(rec->loop, SIGHUP, on_signal, rec);
	if (!rc)
		rc = targets_watch(rec);
	return rc;
}

/* Everything that can fail, before anything is recorded. */
static int on_bpf_ksym(u64 addr, u32 size_bytes, const char *name, void *sym)
{
	sym_kernel_add(sym, addr, size_bytes, name, true);
	return 0;
}

static int prepare(struct recorder *rec)
{
	struct feed *f = &rec->feed;
	int rc = 0;

	rec->loop = loop_new();
	if (!rec->loop)
		return -EIO;
	if (rec->o->cmd)
		rc = command_start(&rec->command, rec->o->cmd);
	if (rec->o->cmd && !rec->o->all) {
		rec->command_pid = (u32)rec->command.pid;
		rec->so.pids = &rec->command_pid;
		rec->so.npids = 1;
		rec->so.follow = true;
	}
	if (!rc)
		rc = loop_setup(rec);
	if (rc)
		return rc;
	raise_nofile();
	clamp(rec);
	rc = sampler_open(&f->sampler, &rec->so);
	if (!rc)
		rc = taskev_open(&f->tasks, NULL, 0);
	if (rc)
		return rc;
	rec->out = out_open(rec->o->out_path, false);
	if (!rec->out)
		return -EIO;
	rec->wall_offset_ns = (s64)(clock_wall_ns() - clock_mono_ns());
	f->sym = sym_new(&(struct sym_opts){.root = "", .no_cache = rec->o->no_cache});
	/* Programs that are loaded later are told by events. Without permission they have no names.
	 */
	if (bpf_prog_ksyms(on_bpf_ksym, f->sym))
		err_clear();
	f->prof = &rec->prof;
	feed_init(f, &rec->so, rec->wall_offset_ns);
	rec->sym = f->sym;
	rc = cpus_online("", &rec->online);
	if (rc)
		return rc;
	chunk_begin(rec);
	return spoor_begin(rec->out);
}

static int timers_start(struct recorder *rec)
{
	int rc = loop_add_timer(rec->loop, DRAIN_EVERY_NS, DRAIN_EVERY_NS, on_drain, rec);

	if (rc >= 0)
		rc = loop_add_timer(rec->loop, NSEC_PER_SEC, NSEC_PER_SEC, on_second, rec);
	if (rc >= 0 && rec->o->dur_ns)
		rc = loop_add_timer(rec->loop, rec->o->dur_ns, 0, on_duration, rec);
	if (rc >= 0)
		rc = loop_add_fd(rec->loop, sampler_fd(rec->feed.sampler), on_drain, rec);
	return MIN(rc, 0);
}

/* ---- start to end ------------------------------------------------------------------------------
 */

static int record(struct recorder *rec)
{
	struct sampler_stats st;
	int rc;

	rec->start_ns = clock_mono_ns();
	sampler_stats(rec->feed.sampler, &st);
	rec->traced_cpus = st.cpus;
	budget_check(&rec->budget, rec->start_ns, budget_self_ns(), st.cpus);
	rc = sampler_start(rec->feed.sampler);
	if (!rc)
		rc = timers_start(rec);
	if (!rc && rec->command.pid) {
		rc = command_go(&rec->command, rec->o->cmd);
		rec->not_run = rc != 0;
	}
	if (rc)
		return rc;
	rc = loop_run(rec->loop);
	return rc ? rc : rec->rc;
}

/* The last samples, the last chunk, the summary. rc: how recording went. */
static int finish(struct recorder *rec, int rc)
{
	struct sampler_stats st;
	int rc2;

	sampler_stop(rec->feed.sampler);
	if (rec->progress_shown)
		fputs("\r\033[K", stderr);
	if (!rc)
		rc = feed_drain(&rec->feed, true);
	sampler_stats(rec->feed.sampler, &st);
	chunk_close(rec, &st);
	if (!rc)
		rc = spoor_end(rec->out, &rec->prof);
	rec->r->samples = rec->feed.samples;
	rec->r->processes = rec->feed.procs.n_sampled;
	rec->r->lost = summary_lost(&st);
	rec->r->idle = st.idle;
	rec->r->cpu_ns = budget_self_ns();
	rec->r->bpf_ns = st.run_time_ns;
	if (rec->feed.samples)
		rec->r->complete_pct =
			100.0 * (double)rec->feed.complete / (double)rec->feed.samples;
	rc2 = out_flush(rec->out);
	summary_line(rec, &st, out_bytes(rec->out));
	if (rec->why_stopped)
		log_warn("recording ended early: %s", rec->why_stopped);
	return rc ? rc : rc2;
}

static void cleanup(struct recorder *rec)
{
	size_t i;

	sampler_free(rec->feed.sampler);
	taskev_free(rec->feed.tasks);
	feed_done(&rec->feed);
	sym_free(rec->sym);
	for (i = 0; i < rec->pidfds.n; i++)
		if (rec->pidfds.v[i] >= 0)
			close(rec->pidfds.v[i]);
	vec_done(&rec->pidfds);
	buf_done(&rec->online);
	loop_free(rec->loop);
	prof_done(&rec->prof);
	if (rec->command.pid && rec->command.status < 0 && rec->command.go_fd < 0)
		log_warn("recording has ended; waiting for the command");
	command_done(&rec->command);
}

/* Nothing was recorded: leave no empty file behind. */
static void out_remove(struct recorder *rec)
{
	struct stat st;

	out_abort(rec->out);
	if (!stat(rec->o->out_path, &st) && S_ISREG(st.st_mode))
		unlink(rec->o->out_path);
}

int record_run(const struct record_opts *o, struct record_result *r)
{
	struct recorder rec = {.o = o,
			       .r = r,
			       .so = o->sampler,
			       .command = {.go_fd = -1, .fail_fd = -1, .pidfd = -1, .status = -1},
			       .budget = {.limit_pct = o->budget_pct}};
	int rc, rc2 = 0;

	memset(r, 0, sizeof(*r));
	r->cmd_status = -1;
	prof_init(&rec.prof);
	rc = prepare(&rec);
	if (!rc)
		rc = record(&rec);
	if (rec.start_ns && !rec.not_run)
		rc = finish(&rec, rc);
	if (rec.out && rec.not_run)
		out_remove(&rec);
	else if (rec.out)
		rc2 = out_close(rec.out);
	cleanup(&rec);
	if (rec.start_ns) /* before that it was never let go */
		r->cmd_status = rec.command.status;
	return rc ? rc : rc2;
}
