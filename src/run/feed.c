// SPDX-License-Identifier: Apache-2.0
#include "run/record_int.h"

/* How long an event may take from being stamped to being readable. */
#define HOLD_BACK_NS 3000000ull
#define FORGET_EXITED_NS (5 * NSEC_PER_SEC)

static void on_sample(const struct sampler_event *e, void *arg)
{
	struct feed *f = arg;

	stacks_take(&f->stacks, e);
	vec_push(&f->queue, *e);
	f->queue.v[f->queue.n - 1].ips = NULL;
}

static int sample_cmp(const void *a, const void *b)
{
	const struct sampler_event *x = a, *y = b;

	return x->time_ns < y->time_ns ? -1 : x->time_ns > y->time_ns;
}

/* CPUs fill the ring almost in order; sort only when they did not. */
static void queue_sort(struct feed *f)
{
	size_t i;

	for (i = 1; i < f->queue.n; i++)
		if (f->queue.v[i].time_ns < f->queue.v[i - 1].time_ns)
			break;
	if (i < f->queue.n)
		qsort(f->queue.v, f->queue.n, sizeof(*f->queue.v), sample_cmp);
}

static u32 lost_stack_node(struct feed *f, const struct sampler_event *e)
{
	struct prof_frame frame = {.kind = FRAME_COMM};
	u32 node;

	frame.name = prof_string(f->prof, e->comm, strlen(e->comm));
	node = prof_node(f->prof, 0, prof_frame_id(f->prof, &frame));
	frame.kind = FRAME_MARK;
	frame.name = prof_string(f->prof, "[lost stack]", strlen("[lost stack]"));
	return prof_node(f->prof, node, prof_frame_id(f->prof, &frame));
}

static void sample_process(struct feed *f, const struct sampler_event *e)
{
	struct proc *pr = e->pid ? procs_sampled(&f->procs, e->pid, e->time_ns) : NULL;
	struct stack *st = stacks_resolve(&f->stacks, e, pr);
	u32 comm = prof_string(f->prof, e->comm, strlen(e->comm));
	struct prof_sample s = {.time_ns = e->time_ns,
				.cpu = (u16)MIN(e->cpu, UINT16_MAX),
				.value = (u8)f->column,
				.weight = e->weight};

	s.node = st ? stacks_node(&f->stacks, st, f->prof) : lost_stack_node(f, e);
	s.flags = st ? st->flags : 0;
	s.thread = prof_thread_id(f->prof, e->pid, e->tid, comm);
	prof_sample_add(f->prof, &s);
	f->samples++;
	f->complete += !!(s.flags & SAMPLE_COMPLETE);
}

static void samples_until(struct feed *f, u64 until_ns)
{
	while (f->done < f->queue.n && f->queue.v[f->done].time_ns <= until_ns)
		sample_process(f, &f->queue.v[f->done++]);
}

static void follow_fork(struct feed *f, const struct taskev *e)
{
	if (e->pid == e->ppid || !map_get(&f->followed, e->ppid))
		return;
	*map_put(&f->followed, e->pid) = 1;
	if (sampler_add_pid(f->sampler, e->pid))
		log_warn("%s", err_msg());
}

static void on_task(const struct taskev *e, void *arg)
{
	struct feed *f = arg;

	samples_until(f, e->time_ns);
	procs_event(&f->procs, e);
	switch (e->type) {
	case TASKEV_KSYM:
		if (e->removed)
			sym_kernel_del(f->sym, e->start);
		else
			sym_kernel_add(f->sym, e->start, (u32)(e->end - e->start), e->path, e->bpf);
		stacks_kernel_changed(&f->stacks);
		break;
	case TASKEV_FORK:
		if (f->follow)
			follow_fork(f, e);
		break;
	case TASKEV_EXEC:
	case TASKEV_EXIT:
		if (e->pid == e->tid)
			sym_perf_map_drop(f->sym, (pid_t)e->pid);
		break;
	case TASKEV_LOST:
		f->task_events_lost += e->lost;
		break;
	default:
		break;
	}
}

int feed_drain(struct feed *f, bool all)
{
	u64 now_ns = clock_mono_ns(), until_ns = all ? UINT64_MAX : now_ns - HOLD_BACK_NS;
	int rc = sampler_drain(f->sampler, on_sample, f);

	if (rc < 0)
		return rc;
	queue_sort(f);
	rc = taskev_drain(f->tasks, until_ns, on_task, f);
	if (rc < 0)
		return rc;
	samples_until(f, until_ns);
	if (f->queue.n > f->done)
		memmove(f->queue.v, f->queue.v + f->done,
			(f->queue.n - f->done) * sizeof(*f->queue.v));
	f->queue.n -= f->done;
	f->done = 0;
	procs_forget(&f->procs, now_ns - FORGET_EXITED_NS);
	return 0;
}

void feed_init(struct feed *f, const struct sampler_opts *o, s64 wall_offset_ns)
{
	size_t i;

	procs_init(&f->procs, "", wall_offset_ns);
	stacks_init(&f->stacks, f->sym, &f->procs, o);
	f->follow = o->follow && !sampler_follows(f->sampler);
	for (i = 0; f->follow && i < o->npids; i++)
		*map_put(&f->followed, o->pids[i]) = 1;
}

void feed_done(struct feed *f)
{
	stacks_done(&f->stacks);
	procs_done(&f->procs);
	map_done(&f->followed);
	vec_done(&f->queue);
}
