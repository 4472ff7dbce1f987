// SPDX-License-Identifier: Apache-2.0
/* Where a profile comes from and what is missing from it: the lines above tables, and JSON. */
#include "view/view_int.h"

#include <time.h>

u64 meta_dur_ns(const struct prof *p)
{
	return p->meta.end_ns > p->meta.start_ns ? p->meta.end_ns - p->meta.start_ns : 0;
}

double meta_idle_pct(const struct prof *p)
{
	u64 kept = p->have_samples ? p->samples.n : 0;

	return p->meta.idle_samples ? pct_of(p->meta.idle_samples, p->meta.idle_samples + kept)
				    : -1.0;
}

double meta_complete_pct(const struct prof *p)
{
	size_t i, complete = 0;

	if (!p->have_samples || !p->samples.n)
		return -1.0;
	for (i = 0; i < p->samples.n; i++)
		complete += !!(p->samples.v[i].flags & SAMPLE_COMPLETE);
	/* Only our own recorder can prove it; 0 % of another's file would be a slander. */
	return complete || p->health.n ? pct_of(complete, p->samples.n) : -1.0;
}

void meta_start(const struct prof *p, struct buf *b)
{
	time_t sec = (time_t)(((s64)p->meta.start_ns + p->meta.wall_offset_ns) / 1000000000);
	char text[64];
	struct tm tm;

	if (!p->meta.start_ns || !p->meta.wall_offset_ns || !localtime_r(&sec, &tm))
		return;
	if (strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %Z", &tm))
		buf_adds(b, text);
}

static void add_esc(struct buf *b, const char *before, const struct prof *p, u32 string,
		    const char *after)
{
	if (!string)
		return;
	buf_adds(b, before);
	esc_term(b, prof_str(p, string), intern_len(&p->strings, string));
	buf_adds(b, after);
}

void meta_losses(const struct prof *p, bool dropped, const char *word, struct buf *b)
{
	char num[32];
	size_t i;
	bool any = false;

	buf_addf(b, "%s%s", fmt_count(num, dropped ? prof_dropped(p) : prof_lost(p)), word);
	for (i = 0; i < p->losses.n; i++) {
		const struct prof_loss *l = &p->losses.v[i];

		if (l->dropped != dropped)
			continue;
		buf_adds(b, any ? ", " : " (");
		if (l->events)
			buf_addf(b, "%s ", fmt_count(num, l->events));
		add_esc(b, "", p, l->reason, "");
		any = true;
	}
	if (any)
		buf_addc(b, ')');
}

/* The `#` lines: items with commas between, on a new line when the screen is full. */
struct head {
	struct out *out;
	struct buf line, item;
	u32 width;
	bool color;
};

static void head_flush(struct head *h)
{
	if (h->line.n)
		text_line(h->out, TEXT_DIM, h->color, h->line.p, h->line.n);
	buf_reset(&h->line);
}

/* What was put into h->item joins the line. */
static void head_item(struct head *h)
{
	size_t want = text_width(buf_str(&h->line), h->line.n) + h->item.n + 3;

	if (!h->item.n)
		return;
	if (h->line.n && h->width && want > h->width) {
		buf_addc(&h->line, ',');
		head_flush(h);
	}
	buf_adds(&h->line, h->line.n ? ", " : "# ");
	buf_add(&h->line, h->item.p, h->item.n);
	buf_reset(&h->item);
}

static void head_where(struct head *h, const struct prof *p)
{
	const struct prof_meta *m = &p->meta;
	char num[32];

	add_esc(&h->item, "", p, m->hostname, "");
	head_item(h);
	if (m->ncpus)
		buf_addf(&h->item, "%u CPU%s", m->ncpus, m->ncpus == 1 ? "" : "s");
	head_item(h);
	add_esc(&h->item, "", p, m->event, m->freq_hz ? " " : "");
	if (m->freq_hz)
		buf_addf(&h->item, "%llu Hz", (unsigned long long)m->freq_hz);
	head_item(h);
	if (meta_dur_ns(p))
		buf_adds(&h->item, fmt_dur(num, meta_dur_ns(p)));
	head_item(h);
	meta_start(p, &h->item);
	head_item(h);
}

/* What the user asked to leave out is not missing. */
static u64 filtered(const struct prof *p)
{
	size_t i;

	for (i = 0; i < p->losses.n; i++)
		if (p->losses.v[i].dropped && !strcmp(prof_str(p, p->losses.v[i].reason), "filter"))
			return p->losses.v[i].events;
	return 0;
}

static void head_what(struct head *h, const struct prof *p)
{
	double idle = meta_idle_pct(p), complete = meta_complete_pct(p);
	char num[48];

	buf_adds(&h->item, value_text(num, p, 0, prof_sum(p, 0)));
	add_esc(&h->item, " ", p, p->values[0].name, "");
	head_item(h);
	meta_losses(p, false, " lost", &h->item);
	head_item(h);
	if (prof_dropped(p) > filtered(p))
		meta_losses(p, true, " dropped", &h->item);
	else if (filtered(p))
		buf_addf(&h->item, "%s filtered out", fmt_count(num, filtered(p)));
	head_item(h);
	if (idle >= 0)
		buf_addf(&h->item, "CPUs %.1f %% idle", idle);
	head_item(h);
	if (complete >= 0)
		buf_addf(&h->item, "%.1f %% of stacks complete", complete);
	head_item(h);
}

void meta_head(const struct prof *p, u32 width, bool color, struct out *out)
{
	struct head h = {.out = out, .width = width, .color = color};

	head_where(&h, p);
	head_flush(&h);
	head_what(&h, p);
	head_flush(&h);
	buf_done(&h.line);
	buf_done(&h.item);
}

static void meta_json_losses(struct json *j, const struct prof *p)
{
	size_t i;

	json_arr(j, "losses");
	for (i = 0; i < p->losses.n; i++) {
		const struct prof_loss *l = &p->losses.v[i];

		json_obj(j, NULL);
		json_str(j, "reason", prof_str(p, l->reason));
		json_bool(j, "dropped", l->dropped);
		json_u64(j, "events", l->events);
		value_json(j, "weight", p, 0, l->weight);
		json_end(j);
	}
	json_end(j);
}

static void meta_json_notes(struct json *j, const struct prof *p)
{
	size_t i;

	json_arr(j, "notes");
	for (i = 0; i < p->notes.n; i++) {
		json_obj(j, NULL);
		json_str(j, "text", prof_str(p, p->notes.v[i].reason));
		json_u64(j, "events", p->notes.v[i].events);
		json_end(j);
	}
	json_end(j);
}

static void str_if(struct json *j, const char *key, const struct prof *p, u32 string)
{
	if (string)
		json_strn(j, key, prof_str(p, string), intern_len(&p->strings, string));
}

static void meta_json(struct json *j, const struct prof *p)
{
	const struct prof_meta *m = &p->meta;
	double idle = meta_idle_pct(p), complete = meta_complete_pct(p);

	json_obj(j, "meta");
	json_str(j, "format", p->format ? p->format : "");
	str_if(j, "hostname", p, m->hostname);
	str_if(j, "os_release", p, m->os_release);
	str_if(j, "arch", p, m->arch);
	str_if(j, "cpu_model", p, m->cpu_model);
	str_if(j, "cmdline", p, m->cmdline);
	str_if(j, "event", p, m->event);
	str_if(j, "recorder", p, m->version);
	if (m->freq_hz)
		json_u64(j, "freq_hz", m->freq_hz);
	if (m->ncpus)
		json_u64(j, "cpus", m->ncpus);
	if (m->start_ns) {
		json_u64(j, "start_ns", m->start_ns);
		json_u64(j, "end_ns", m->end_ns);
	}
	if (m->start_ns && m->wall_offset_ns)
		json_s64(j, "start_wall_ns", (s64)m->start_ns + m->wall_offset_ns);
	if (idle >= 0)
		json_pct(j, "idle_pct", idle);
	if (complete >= 0)
		json_pct(j, "complete_stacks_pct", complete);
	json_u64(j, "lost_events", prof_lost(p));
	json_u64(j, "dropped_events", prof_dropped(p));
	meta_json_losses(j, p);
	meta_json_notes(j, p);
	json_end(j);
}

void meta_json_begin(struct json *j, const struct prof *p, const char *schema, struct out *out)
{
	json_init(j, out, true);
	json_obj(j, NULL);
	json_str(j, "schema", schema);
	meta_json(j, p);
}

void value_json_head(struct json *j, const struct prof *p, u32 column, u64 sum)
{
	json_obj(j, "value");
	json_str(j, "name", prof_str(p, p->values[column].name));
	json_str(j, "unit", prof_str(p, p->values[column].unit));
	value_json(j, "sum", p, column, sum);
	json_end(j);
}
