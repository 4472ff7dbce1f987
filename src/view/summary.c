// SPDX-License-Identifier: Apache-2.0
/* At most ten lines of 80 columns: what the machine did, how sure that is, and what to ask next. */
#include "view/view_int.h"

#define WIDTH 79
#define TOP 5
#define NAME_WIDTH 29

struct summary {
	const struct prof *p;
	const struct summary_opts *o;
	struct out *out;
	struct groups groups;
	u32 user[TOP], kernel[TOP]; /* groups with most self weight */
	u32 nuser, nkernel;
};

/* Keeps the TOP heaviest in order; equal ones as they came. */
static void top_add(const struct groups *g, u32 *top, u32 *n, u32 group)
{
	u32 i = *n < TOP ? (*n)++ : TOP;

	while (i && g->v.v[group].self > g->v.v[top[i - 1]].self) {
		if (i < TOP)
			top[i] = top[i - 1];
		i--;
	}
	if (i < TOP)
		top[i] = group;
}

static bool is_kernel(const struct summary *s, u32 group)
{
	u32 frame = s->groups.v.v[group].frame;

	return frame != NONE && s->p->frames.v[frame].kind == FRAME_KERNEL;
}

static void choose(struct summary *s)
{
	u32 i;

	for (i = 0; i < s->groups.v.n; i++) {
		if (!s->groups.v.v[i].self)
			continue;
		if (is_kernel(s, i))
			top_add(&s->groups, s->kernel, &s->nkernel, i);
		else
			top_add(&s->groups, s->user, &s->nuser, i);
	}
}

static void end_line(struct summary *s, struct buf *b, enum text_style style)
{
	text_line(s->out, style, s->o->color, buf_str(b), text_fit(buf_str(b), b->n, WIDTH));
	buf_reset(b);
}

static void honesty(struct summary *s, struct buf *b)
{
	const struct prof *p = s->p;
	double idle = meta_idle_pct(p), complete = meta_complete_pct(p);
	u64 dur = meta_dur_ns(p);
	char num[48];

	if (dur)
		buf_addf(b, "%s", fmt_dur(num, dur));
	if (p->meta.ncpus)
		buf_addf(b, "%s%u CPU%s", dur ? " on " : "", p->meta.ncpus,
			 p->meta.ncpus == 1 ? "" : "s");
	if (idle >= 0)
		buf_addf(b, " %.0f %% idle", idle);
	buf_addf(b, "%s%s samples", b->n ? ": " : "", value_text(num, p, 0, s->groups.sum));
	buf_addf(b, ", %s lost", fmt_count(num, prof_lost(p)));
	if (prof_dropped(p))
		buf_addf(b, ", %s dropped", fmt_count(num, prof_dropped(p)));
	if (complete >= 0)
		buf_addf(b, ", %.0f %% complete", complete);
	if (dur && p->meta.cost_cpu_ns)
		buf_addf(b, ", cost %.1f %%", pct_of(p->meta.cost_cpu_ns, dur));
	end_line(s, b, TEXT_HEAD);
}

static int cmp_owner(const void *va, const void *vb, void *arg)
{
	const struct owner *a = va, *b = vb;

	if (a->weight != b->weight)
		return a->weight < b->weight ? 1 : -1;
	return strcmp(prof_str(arg, a->comm), prof_str(arg, b->comm));
}

/* As many names as fit on the line, whole ones. */
static void processes(struct summary *s, struct buf *b)
{
	struct owners o;
	size_t i;

	buf_adds(b, "Processes:");
	if (owners_init(&o, s->p, BY_NAME, 0))
		return;
	if (o.v.n)
		qsort_r(o.v.v, o.v.n, sizeof(*o.v.v), cmp_owner, (void *)s->p);
	for (i = 0; i < o.v.n; i++) {
		const struct owner *ow = &o.v.v[i];
		const char *comm = ow->comm ? prof_str(s->p, ow->comm) : "[unknown]";
		size_t before = b->n;

		buf_adds(b, i ? ", " : " ");
		esc_term(b, comm, strlen(comm));
		if (ow->n_pids > 1)
			buf_addf(b, " (%u)", ow->n_pids);
		buf_addf(b, " %.1f %%", pct_of(ow->weight, s->groups.sum));
		if (i && text_width(b->p, b->n) > WIDTH) {
			b->n = before;
			break;
		}
	}
	owners_done(&o);
	end_line(s, b, TEXT_PLAIN);
}

/* One half of a row, always as wide as the other rows' halves. */
static void half(struct summary *s, struct buf *b, const u32 *top, u32 n, u32 row)
{
	struct buf name = {0}, text = {0};
	size_t fit, width;

	if (row < n) {
		buf_addf(b, "%6.1f  ", pct_of(s->groups.v.v[top[row]].self, s->groups.sum));
		group_name(&s->groups, s->p, top[row], s->o->raw_names, &name);
		esc_term(&text, buf_str(&name), name.n);
	} else {
		buf_adds(b, "        ");
	}
	width = text_width(buf_str(&text), text.n);
	fit = text_fit(buf_str(&text), text.n, width > NAME_WIDTH ? NAME_WIDTH - 1 : NAME_WIDTH);
	buf_add(b, buf_str(&text), fit);
	if (width > NAME_WIDTH)
		buf_adds(b, "…");
	width = MIN(width, NAME_WIDTH);
	buf_addf(b, "%*s", (int)(NAME_WIDTH - width), "");
	buf_done(&name);
	buf_done(&text);
}

static void functions(struct summary *s, struct buf *b)
{
	u32 i, n = MAX(s->nuser, s->nkernel);

	buf_addf(b, " SELF%%  %-*s  SELF%%  %s", NAME_WIDTH, "USER FUNCTION", "KERNEL FUNCTION");
	end_line(s, b, TEXT_HEAD);
	for (i = 0; i < n; i++) {
		half(s, b, s->user, s->nuser, i);
		half(s, b, s->kernel, s->nkernel, i);
		while (b->n && b->p[b->n - 1] == ' ')
			b->n--;
		end_line(s, b, TEXT_PLAIN);
	}
}

static bool is_typable(const char *s, size_t max)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.:/+@%,=-";
	size_t n = strspn(s, plain);

	return n && n <= max && !s[n] && *s != '-';
}

/* The heaviest function whose name can be typed as it is; "" when there is none. */
static const char *typable(const struct summary *s)
{
	const struct group *best = NULL;
	u32 i;

	for (i = 0; i < s->nuser + s->nkernel; i++) {
		u32 group = i < s->nuser ? s->user[i] : s->kernel[i - s->nuser];
		const struct group *g = &s->groups.v.v[group];
		const char *name =
			g->frame == NONE ? "" : prof_str(s->p, s->p->frames.v[g->frame].name);

		if (g->class == GROUP_CODE && is_typable(name, 40) &&
		    (!best || g->self > best->self))
			best = g;
	}
	return best ? prof_str(s->p, s->p->frames.v[best->frame].name) : "";
}

static void hints(struct summary *s, struct buf *b)
{
	const char *name = typable(s), *path = s->o->path ? s->o->path : "";
	size_t fit;

	if (*path && !is_typable(path, 30))
		path = "FILE";
	buf_addf(b, "Next: spoor report%s%s", *path ? " " : "", path);
	if (*name)
		buf_addf(b, " --callers %s", name);
	fit = b->n;
	buf_addf(b, "   or: spoor flame%s%s", *path ? " " : "", path);
	if (b->n > WIDTH)
		b->n = fit;
	end_line(s, b, TEXT_DIM);
}

int view_summary(const struct prof *p, const struct summary_opts *o, struct out *out)
{
	struct summary s = {.p = p, .o = o, .out = out};
	struct buf b = {0};

	groups_init(&s.groups, p, GROUP_FUNCTION, 0);
	choose(&s);
	honesty(&s, &b);
	if (s.groups.sum) {
		processes(&s, &b);
		functions(&s, &b);
		hints(&s, &b);
	} else {
		buf_adds(&b, "Nothing was seen running: no samples.");
		end_line(&s, &b, TEXT_PLAIN);
	}
	buf_done(&b);
	groups_done(&s.groups, p);
	return out_error(out);
}
