// SPDX-License-Identifier: Apache-2.0
/* perfscript: what `perf script` prints, into a profile with times. */
#include "prof/perfscript_int.h"

#define BLOCK_MAX (16u << 20)	/* text of one sample's frames; no stack is that deep */
#define LINES_CACHED (1u << 20) /* bounds the memory for frames' lines; real files have fewer */

struct perfscript {
	struct lines l;
	struct prof *p;
	struct perfscript_header h; /* of the sample that is being read; its strings are in head */
	struct buf head;
	struct buf block; /* the frames' lines as they came */
	struct map nodes; /* hash of comm and block -> node + 1 */
	struct map lines; /* hash of a frame's line -> frame + 1; 1 when it is none */
	VEC(u32) frames;
	struct buf event; /* of the sample before, and its column */
	u32 column;
	bool open;
	u64 n_good, n_odd, n_beyond;
};

static u32 clean_string(struct prof *p, struct str s)
{
	struct buf text = {0};
	u64 bad = prof_text_clean(&text, s.p, s.n);
	u32 id = bad ? prof_string(p, text.p, text.n) : prof_string(p, s.p, s.n);

	if (bad)
		prof_note(p, "bytes in names that are not printable UTF-8", bad);
	buf_done(&text);
	return id;
}

static u32 mark_frame(struct prof *p, const char *name)
{
	struct prof_frame f = {.name = prof_string(p, name, strlen(name)), .kind = FRAME_MARK};

	return prof_frame_id(p, &f);
}

static u32 frame_of(struct prof *p, const struct perfscript_frame *in)
{
	struct prof_frame f = {.kind = in->kind, .module = clean_string(p, in->dso)};
	struct buf name = {0};
	const char *slash;

	if (in->symbol.n) {
		f.name = clean_string(p, in->symbol);
		return prof_frame_id(p, &f);
	}
	f.flags = FRAME_UNKNOWN;
	slash = in->dso.n ? memrchr(in->dso.p, '/', in->dso.n) : NULL;
	if (slash)
		buf_addf(&name, "[%.*s]", (int)(in->dso.p + in->dso.n - slash - 1), slash + 1);
	else if (in->dso.n && in->dso.p[0] == '[')
		buf_add(&name, in->dso.p, in->dso.n);
	else if (in->dso.n)
		buf_addf(&name, "[%.*s]", (int)MIN(in->dso.n, (size_t)4096), in->dso.p);
	else
		buf_adds(&name, "[unknown]");
	f.name = clean_string(p, (struct str){name.p, name.n});
	buf_done(&name);
	return prof_frame_id(p, &f);
}

/* The frame on a line, 0 when there is none. Most lines were seen before. */
static u32 line_frame(struct perfscript *s, const char *line, size_t n)
{
	struct perfscript_frame f;
	u64 *slot;
	u32 id;

	if (s->lines.n >= LINES_CACHED)
		map_done(&s->lines);
	slot = map_put(&s->lines, hash_bytes(line, n));
	if (*slot)
		return (u32)(*slot - 1);
	id = perfscript_frame(line, n, &f) ? frame_of(s->p, &f) : 0;
	*slot = (u64)id + 1;
	return id;
}

/* Frames stand leaf first; the stack grows from the comm on. */
static u32 block_node(struct perfscript *s, u32 comm)
{
	struct prof_frame c = {.name = comm, .kind = FRAME_COMM};
	const char *line = buf_str(&s->block), *end = line + s->block.n, *eol;
	u32 node = prof_node(s->p, 0, prof_frame_id(s->p, &c)), frame;

	s->frames.n = 0;
	for (; line < end; line = eol + 1) {
		eol = memchr(line, '\n', (size_t)(end - line));
		frame = line_frame(s, line, (size_t)(eol - line));
		if (frame)
			vec_push(&s->frames, frame);
	}
	if (!s->frames.n)
		return prof_node(s->p, node, mark_frame(s->p, "[no stack]"));
	for (size_t i = s->frames.n; i--;)
		node = prof_node(s->p, node, s->frames.v[i]);
	return node;
}

static const char *unit_of(struct str event)
{
	if (event.n >= 6 && memmem(event.p, event.n, "-clock", 6))
		return "ns";
	return memmem(event.p, event.n, "cycles", 6) ? "cycles" : "count";
}

/* "cpu-clock:pppH" is cpu-clock with modifiers; "sched:sched_switch" is a name. */
static struct str event_name(struct str e)
{
	const char *colon = e.n ? memrchr(e.p, ':', e.n) : NULL;
	size_t n = colon ? (size_t)(colon - e.p) : 0;

	for (size_t i = n + 1; colon && i < e.n; i++) {
		if (!strchr("pPukhHGDISWeb", e.p[i]))
			return e;
	}
	return n ? (struct str){e.p, n} : e;
}

static u32 column_of(struct perfscript *s)
{
	struct str e = event_name(s->h.event);
	char name[128];
	u32 column;

	if (s->event.n && str_eq(s->h.event, (struct str){s->event.p, s->event.n}))
		return s->column;
	snprintf(name, sizeof(name), "%.*s", (int)MIN(e.n, sizeof(name) - 1), e.p);
	if (!prof_text_ok(name, strlen(name)))
		snprintf(name, sizeof(name), "[odd event]");
	column = prof_value_id(s->p, name, unit_of(e));
	if (!column)
		prof_note(s->p, "samples of more than three events, counted without their period",
			  1);
	if (!s->p->meta.event)
		s->p->meta.event = prof_string(s->p, name, strlen(name));
	/* Without a column of its own an event is said every time, so that the note counts. */
	buf_reset(&s->event);
	if (column)
		buf_add(&s->event, s->h.event.p, s->h.event.n);
	s->column = column;
	return column;
}

static void sample_end(struct perfscript *s)
{
	struct prof_sample out = {.time_ns = s->h.time_ns, .cpu = s->h.cpu, .weight = s->h.period};
	struct prof *p = s->p;
	u32 comm;
	u64 *slot;

	if (!s->open)
		return;
	s->open = false;
	comm = clean_string(p, s->h.comm);
	slot = map_put(&s->nodes, hash_bytes(buf_str(&s->block), s->block.n) ^ hash_u64(comm));
	if (!*slot)
		*slot = (u64)block_node(s, comm) + 1;
	out.node = (u32)(*slot - 1);
	out.value = (u8)column_of(s);
	s->n_good++;
	if (!s->h.timed) {
		prof_add(p, out.node, 0, 1);
		if (out.value)
			prof_add(p, out.node, out.value, out.weight);
		return;
	}
	out.thread = prof_thread_id(p, s->h.pid, s->h.tid, comm);
	prof_sample_add(p, &out);
	if (!p->meta.start_ns || out.time_ns < p->meta.start_ns)
		p->meta.start_ns = out.time_ns;
	p->meta.end_ns = MAX(p->meta.end_ns, out.time_ns);
}

/* "# hostname : vm" and the like, as `perf script --header` prints. */
static void comment(struct perfscript *s, const char *line, size_t n)
{
	static const struct {
		const char *key;
		size_t off;
	} keys[] = {
		{"# hostname : ", offsetof(struct prof_meta, hostname)},
		{"# os release : ", offsetof(struct prof_meta, os_release)},
		{"# arch : ", offsetof(struct prof_meta, arch)},
		{"# cmdline : ", offsetof(struct prof_meta, cmdline)},
		{"# cpudesc : ", offsetof(struct prof_meta, cpu_model)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		size_t len = strlen(keys[i].key);

		if (n > len && !memcmp(line, keys[i].key, len))
			*(u32 *)((char *)&s->p->meta + keys[i].off) =
				clean_string(s->p, (struct str){line + len, n - len});
	}
}

/* The lines that follow may move what this one points to. */
static void sample_begin(struct perfscript *s, const char *line, size_t n)
{
	struct perfscript_frame f;
	struct str in_line;

	sample_end(s);
	buf_reset(&s->head);
	buf_add(&s->head, line, n);
	buf_reset(&s->block);
	s->open = perfscript_header(s->head.p, s->head.n, &s->h);
	if (!s->open) {
		s->n_odd++;
		return;
	}
	/* Without a call chain the one frame stands here; a tracepoint's fields do not look so. */
	in_line = s->h.payload;
	if (perfscript_frame(in_line.p, in_line.n, &f) && f.addr && f.dso.n) {
		buf_add(&s->block, in_line.p, in_line.n);
		buf_addc(&s->block, '\n');
	}
}

/* line[n] is writable. */
static void perfscript_line(struct perfscript *s, char *line, size_t n)
{
	if (!n || (n == 1 && *line == '\r')) {
		sample_end(s);
	} else if (*line == '#' && !s->open) {
		comment(s, line, n);
	} else if (*line != ' ' && *line != '\t') {
		sample_begin(s, line, n);
	} else if (s->open && s->block.n + n > BLOCK_MAX) {
		s->n_beyond++;
	} else if (s->open) {
		line[n] = '\n';
		buf_add(&s->block, line, n + 1);
	} else {
		/* perf pads short comms on the left */
		sample_begin(s, line + strspn(line, " \t"), n - MIN(n, strspn(line, " \t")));
	}
}

static int perfscript_read(struct in *in, struct prof *p)
{
	struct perfscript s = {.l.in = in, .p = p};
	char *line;
	size_t n;
	int rc;

	while ((rc = lines_next(&s.l, &line, &n)) > 0) {
		line[n] = '\0'; /* there is room: LINES_PAD */
		perfscript_line(&s, line, n);
	}
	sample_end(&s);
	if (s.n_odd)
		prof_lose(p, "line that is no sample", true, s.n_odd, 0);
	if (s.n_beyond)
		prof_note(p, "frames beyond 16 MiB of text in a sample, left out", s.n_beyond);
	if (s.l.n_cut)
		prof_lose(p, "line longer than 64 MiB", true, s.l.n_cut, 0);
	if (!rc && !s.n_good)
		rc = err(-EBADMSG, "%s: none of %llu lines begins a sample", in_name(in),
			 (unsigned long long)s.l.number);
	lines_done(&s.l);
	buf_done(&s.head);
	buf_done(&s.block);
	buf_done(&s.event);
	map_done(&s.nodes);
	map_done(&s.lines);
	vec_done(&s.frames);
	return rc;
}

/* A header line, and a frame or a blank line after one. */
static int perfscript_sniff(const char *head, size_t n)
{
	const char *line = head, *end = head + n, *eol;
	struct perfscript_header h;
	struct perfscript_frame f;
	bool before = false;

	if (memchr(head, '\0', n))
		return 0;
	for (; line < end; line = eol + 1) {
		size_t len, pad;

		eol = memchr(line, '\n', (size_t)(end - line));
		eol = eol ? eol : end;
		len = (size_t)(eol - line);
		for (pad = 0; pad < len && (line[pad] == ' ' || line[pad] == '\t'); pad++)
			;
		if (before && pad && perfscript_frame(line, len, &f) && (f.addr || f.dso.n))
			return 90;
		if (len - pad < 4096)
			before = perfscript_header(line + pad, len - pad, &h);
		if (before && h.timed && line == head)
			return 60;
	}
	return 0;
}

const struct prof_format fmt_perfscript = {
	.name = "perfscript",
	.exts = "perfscript|script",
	.help = "what perf script prints: a header a sample, frames leaf first",
	.sniff = perfscript_sniff,
	.read = perfscript_read,
	.write = perfscript_write,
	.cannot = "losses, addresses (made up from the frame's number)",
};
