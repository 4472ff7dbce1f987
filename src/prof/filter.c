// SPDX-License-Identifier: Apache-2.0
/*
 * Keeps part of a profile. What a sample says of itself (thread, CPU, time) can only be asked of
 * samples; the frames, and the comm a stack begins with, can be asked of any stack.
 */
#include "prof/prof_int.h"

#include <regex.h>

struct keep {
	const struct prof_filter *f;
	struct buf cpus; /* one byte per CPU */
	struct map pids, tids;
	u8 *node_ok; /* by node: what stacks can be asked */
	u64 from_ns, to_ns;
	bool by_sample;
};

static int numbers(struct map *m, const struct opt_list *l, const char *what)
{
	u64 v;

	for (size_t i = 0; i < l->n; i++) {
		if (parse_u64(l->v[i], &v) || v > UINT32_MAX)
			return err(-EINVAL, "%s is not the number of a %s", l->v[i], what);
		*map_put(m, v) = 1;
	}
	return 0;
}

static int cpus_parse(struct buf *cpus, const struct opt_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (parse_cpulist(l->v[i], cpus))
			return err(-EINVAL, "%s is not a list of CPUs such as 0-3,5", l->v[i]);
	}
	return 0;
}

static bool comm_ok(const struct prof *p, const struct opt_list *globs, u32 frame)
{
	const struct prof_frame *f = &p->frames.v[frame];

	for (size_t i = 0; i < globs->n; i++) {
		if (str_glob(globs->v[i], prof_str(p, f->name)))
			return true;
	}
	return false;
}

/* From the root outward, as parents come first: has the stack a frame that matches? */
static void match_frames(const struct prof *p, const regex_t *re, prof_rename_fn shown, u8 *node)
{
	u8 *frame = xcalloc(p->frames.n + 1, 1);
	struct buf b = {0};

	for (size_t i = 1; i < p->frames.n; i++) {
		const char *name = prof_str(p, p->frames.v[i].name);

		buf_reset(&b);
		frame[i] =
			!regexec(re, name, 0, NULL, 0) ||
			(shown && shown(name, &b, NULL) && !regexec(re, buf_str(&b), 0, NULL, 0));
	}
	buf_done(&b);
	for (size_t i = 1; i < p->parent.n; i++)
		node[i] = node[p->parent.v[i]] | frame[p->frame.v[i]];
	free(frame);
}

/* The comm is the frame that stands on the root. */
static void match_comms(const struct prof *p, const struct opt_list *globs, u8 *node)
{
	u8 *ok = xcalloc(p->parent.n, 1);

	for (size_t i = 1; i < p->parent.n; i++) {
		u32 up = p->parent.v[i];

		ok[i] = up ? ok[up] : comm_ok(p, globs, p->frame.v[i]);
		node[i] &= ok[i];
	}
	node[0] = 0;
	free(ok);
}

static int match_nodes(const struct prof *p, struct keep *k)
{
	char why[128];
	regex_t re;
	int rc;

	k->node_ok = xcalloc(p->parent.n, 1);
	if (k->f->frame_regex) {
		rc = regcomp(&re, k->f->frame_regex, REG_EXTENDED | REG_NOSUB);
		if (rc) {
			regerror(rc, &re, why, sizeof(why));
			return err(-EINVAL, "bad regular expression %s: %s", k->f->frame_regex,
				   why);
		}
		match_frames(p, &re, k->f->shown, k->node_ok);
		regfree(&re);
	} else {
		memset(k->node_ok, 1, p->parent.n);
	}
	if (k->f->comms.n)
		match_comms(p, &k->f->comms, k->node_ok);
	return 0;
}

static bool sample_ok(const struct prof *p, const struct keep *k, const struct prof_sample *s)
{
	const struct prof_thread *t;

	if (!k->node_ok[s->node] || s->time_ns < k->from_ns || s->time_ns >= k->to_ns)
		return false;
	if (k->cpus.n && (s->cpu >= k->cpus.n || !k->cpus.p[s->cpu]))
		return false;
	if (!k->pids.n && !k->tids.n)
		return true;
	if (s->thread >= p->threads.n)
		return false;
	t = &p->threads.v[s->thread];
	return (k->pids.n && map_get(&k->pids, t->pid)) || (k->tids.n && map_get(&k->tids, t->tid));
}

static int keep_init(struct prof *p, struct keep *k, const struct prof_filter *f)
{
	u64 start = p->meta.start_ns;
	int rc;

	k->f = f;
	k->by_sample = f->pids.n || f->tids.n || f->cpus.n || f->from_ns || f->to_ns;
	if (k->by_sample && !p->have_samples) {
		err(-EINVAL,
		    "this profile has stacks and numbers only: no processes, CPUs or times");
		err_try("-n NAME, or a recording");
		return -EINVAL;
	}
	if (!start && p->samples.n)
		start = p->samples.v[0].time_ns;
	k->from_ns = f->from_ns ? start + f->from_ns : 0;
	k->to_ns = f->to_ns ? start + f->to_ns : UINT64_MAX;
	if (f->to_ns && f->to_ns <= f->from_ns)
		return err(-EINVAL, "--to is not later than --from");
	rc = numbers(&k->pids, &f->pids, "process");
	if (!rc)
		rc = numbers(&k->tids, &f->tids, "thread");
	if (!rc)
		rc = cpus_parse(&k->cpus, &f->cpus);
	return rc ? rc : match_nodes(p, k);
}

static void keep_done(struct keep *k)
{
	buf_done(&k->cpus);
	map_done(&k->pids);
	map_done(&k->tids);
	free(k->node_ok);
}

/* Weight that came without samples stays when its stack may, and nothing was asked of samples. */
static void drop_untimed(struct prof *p, const struct keep *k, u64 *events, u64 *weight)
{
	for (size_t i = 0; i < p->parent.n; i++) {
		u64 w = p->self[0].v[i];

		if (!w || (k->node_ok[i] && !k->by_sample))
			continue;
		*events += 1;
		*weight += w;
		for (u32 c = 0; c < p->nvalues; c++)
			p->self[c].v[i] = 0;
	}
}

static void subtract(u64 *from, u64 n)
{
	*from -= MIN(*from, n);
}

static void samples_take(struct prof *p, const struct prof_sample *s, bool back)
{
	for (u32 c = 0; c < p->nvalues; c++) {
		u64 w = c == 0 ? p->values[0].scale : c == s->value ? s->weight : 0;
		u64 *self = &p->self[c].v[s->node];

		if (back)
			*self = sat_add(*self, w, &p->acct.saturated);
		else
			subtract(self, w);
	}
}

int prof_filter(struct prof *p, const struct prof_filter *f)
{
	u64 events = 0, weight = 0, in = p->acct.in;
	struct keep k = {0};
	size_t n = 0;
	int rc;

	if (!f)
		return 0;
	rc = keep_init(p, &k, f);
	if (rc)
		goto out;
	if (!k.by_sample && !f->frame_regex && !f->comms.n)
		goto out;
	for (size_t i = 0; i < p->samples.n; i++)
		samples_take(p, &p->samples.v[i], false);
	drop_untimed(p, &k, &events, &weight);
	for (size_t i = 0; i < p->samples.n; i++) {
		if (sample_ok(p, &k, &p->samples.v[i])) {
			samples_take(p, &p->samples.v[i], true);
			p->samples.v[n++] = p->samples.v[i];
			continue;
		}
		events++;
		weight += p->values[0].scale;
	}
	p->samples.n = n;
	if (events)
		prof_lose(p, "filter", true, events, weight);
	/* It had come in already. */
	p->acct.in = in;
out:
	keep_done(&k);
	return rc;
}
