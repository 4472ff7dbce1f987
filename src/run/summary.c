// SPDX-License-Identifier: Apache-2.0
/* What a recording says about itself: in the file, while it runs, and at the end. */
#include <sys/utsname.h>
#include <unistd.h>

#include "run/record_int.h"
#include "sys/sys.h"

static u32 text(struct prof *p, const char *s)
{
	return prof_string(p, s, strlen(s));
}

static u32 cpu_model(struct prof *p)
{
	static const char *const keys[] = {"model name", "CPU part", "Hardware"};
	char line[256];
	FILE *f = fopen("/proc/cpuinfo", "re");
	u32 id = 0;
	size_t i;

	while (f && !id && fgets(line, sizeof(line), f)) {
		const char *colon = strchr(line, ':');

		for (i = 0; colon && i < ARRAY_SIZE(keys); i++)
			if (str_starts(line, keys[i]))
				id = prof_string(p, colon + 2, strcspn(colon + 2, "\n"));
	}
	if (f)
		fclose(f);
	return id;
}

void summary_meta(struct recorder *rec, const struct sampler_stats *st)
{
	struct prof *p = &rec->prof;
	struct prof_meta *m = &p->meta;
	struct utsname u = {0};

	uname(&u);
	m->hostname = text(p, u.nodename);
	m->os_release = text(p, u.release);
	m->arch = text(p, u.machine);
	m->cmdline = text(p, rec->o->cmdline ? rec->o->cmdline : "");
	m->event = text(p, sampler_event_name(rec->feed.sampler));
	m->cpu_model = cpu_model(p);
	m->version = text(p, SPOOR_VERSION);
	m->start_ns = rec->start_ns;
	m->end_ns = clock_mono_ns();
	m->wall_offset_ns = rec->wall_offset_ns;
	m->freq_hz = rec->so.freq_hz;
	m->ncpus = rec->traced_cpus;
	m->idle_samples = st->idle;
	m->cost_cpu_ns = budget_self_ns();
	m->cost_bpf_ns = st->run_time_ns;
	m->processes = rec->feed.procs.n_sampled;
}

u64 summary_lost(const struct sampler_stats *st)
{
	return st->lost_ring + st->lost_scratch + st->recursion_misses + st->bad_records;
}

static double cost_pct(const struct recorder *rec, const struct sampler_stats *st)
{
	u64 wall_ns = clock_mono_ns() - rec->start_ns, cost_ns = budget_self_ns();

	if (st->run_time_ns != UINT64_MAX)
		cost_ns += st->run_time_ns;
	return rec->traced_cpus
		       ? 100.0 * (double)cost_ns / ((double)MAX(wall_ns, 1u) * rec->traced_cpus)
		       : 0;
}

static void add_lost(struct buf *b, const struct recorder *rec, const struct sampler_stats *st)
{
	const struct {
		u64 n;
		const char *why;
	} causes[] = {
		{st->lost_ring, "ring buffer full"},
		{st->lost_scratch, "nested"},
		{st->recursion_misses, "skipped by the kernel"},
		{st->bad_records, "damaged"},
	};
	const char *sep = " (";
	char n[28];
	size_t i;

	buf_addf(b, ", %s lost", fmt_count(n, summary_lost(st)));
	for (i = 0; i < ARRAY_SIZE(causes); i++) {
		if (!causes[i].n)
			continue;
		buf_addf(b, "%s%s %s", sep, fmt_count(n, causes[i].n), causes[i].why);
		sep = ", ";
	}
	if (summary_lost(st))
		buf_addc(b, ')');
	if (rec->feed.task_events_lost)
		buf_addf(b, ", %s process events lost", fmt_count(n, rec->feed.task_events_lost));
}

void summary_line(struct recorder *rec, const struct sampler_stats *st, u64 file_bytes)
{
	const struct feed *f = &rec->feed;
	struct buf *b = &rec->r->summary;
	char n[28], dur[16], size[16];

	buf_reset(b);
	buf_addf(b, "%s samples", fmt_count(n, f->samples));
	buf_addf(b, " of %s process%s", fmt_count(n, f->procs.n_sampled),
		 f->procs.n_sampled == 1 ? "" : "es");
	add_lost(b, rec, st);
	if (f->samples)
		buf_addf(b, ", %.1f%% complete stacks",
			 100.0 * (double)f->complete / (double)f->samples);
	buf_addf(b, ", cost %s", fmt_dur(dur, rec->r->cpu_ns));
	if (st->run_time_ns != UINT64_MAX)
		buf_addf(b, " + %s in the kernel", fmt_dur(dur, st->run_time_ns));
	buf_addf(b, " (%.2f%% of %u CPU%s): ", cost_pct(rec, st), rec->traced_cpus,
		 rec->traced_cpus == 1 ? "" : "s");
	buf_addf(b, "%s %s", strcmp(rec->o->out_path, "-") ? rec->o->out_path : "stdout",
		 fmt_size(size, file_bytes));
}

void summary_progress(struct recorder *rec, const struct sampler_stats *st)
{
	char samples[28], lost[28];

	fprintf(stderr, "\r%4.0f s  %s samples  %s lost  cost %.2f%%\033[K",
		(double)(clock_mono_ns() - rec->start_ns) / 1e9, fmt_count(samples, st->samples),
		fmt_count(lost, summary_lost(st)), cost_pct(rec, st));
	fflush(stderr);
	rec->progress_shown = true;
}
