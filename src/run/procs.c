// SPDX-License-Identifier: Apache-2.0
#include <sys/sysmacros.h>

#include "run/procs_int.h"
#include "sys/sys.h"

#define REREAD_NS NSEC_PER_SEC
#define KTHREADD 2

/* ---- files ------------------------------------------------------------------------------------
 */

static bool path_is_anon(const char *path)
{
	return !path[0] || str_starts(path, "//anon") || str_starts(path, "[heap]") ||
	       str_starts(path, "[stack") || str_starts(path, "[anon") ||
	       str_starts(path, "/memfd:") || str_starts(path, "/dev/zero") ||
	       str_starts(path, "/SYSV") || str_starts(path, "anon_inode:");
}

static bool same_file(const struct map_file *f, const char *path, const struct sym_id *id)
{
	if (f->id.build_id_len != id->build_id_len || strcmp(f->path, path))
		return false;
	if (id->build_id_len)
		return !memcmp(f->id.build_id, id->build_id, id->build_id_len);
	return f->id.dev == id->dev && f->id.ino == id->ino && f->id.ino_gen == id->ino_gen;
}

static struct map_file *file_get(struct procs *p, const char *path, const struct sym_id *id)
{
	u64 key = hash_bytes(path, strlen(path)), *slot;
	struct map_file *f;

	key ^= id->build_id_len ? hash_bytes(id->build_id, id->build_id_len)
				: hash_u64(id->ino ^ id->dev << 40);
	slot = map_put(&p->files, key);
	for (f = (struct map_file *)(uintptr_t)*slot; f; f = f->next)
		if (same_file(f, path, id))
			return f;
	f = xcalloc(1, sizeof(*f));
	f->path = xstrdup(path);
	f->id = *id;
	f->anon = path_is_anon(path);
	f->next = (struct map_file *)(uintptr_t)*slot;
	*slot = (uintptr_t)f;
	return f;
}

/* ---- mappings ----------------------------------------------------------------------------------
 */

static struct maps *maps_new(struct procs *p)
{
	struct maps *m = xcalloc(1, sizeof(*m));

	m->refs = 1;
	m->gen = ++p->last_gen;
	return m;
}

static void maps_put(struct maps *m)
{
	if (!m || --m->refs)
		return;
	vec_done(&m->v);
	free(m);
}

/* Makes the process' mappings its own and gives them a new generation. */
static struct maps *maps_own(struct procs *p, struct proc *pr)
{
	struct maps *m = pr->maps;

	if (m && m->refs == 1) {
		m->gen = ++p->last_gen;
		return m;
	}
	pr->maps = maps_new(p);
	if (m) {
		vec_reserve(&pr->maps->v, m->v.n + 1);
		if (m->v.n)
			memcpy(pr->maps->v.v, m->v.v, m->v.n * sizeof(*m->v.v));
		pr->maps->v.n = m->v.n;
		m->refs--;
	}
	return pr->maps;
}

/* Index of the first mapping that ends after addr. */
static size_t maps_find(const struct maps *m, u64 addr)
{
	size_t lo = 0, hi = m->v.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->v.v[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/*
 * Puts a mapping in; what it covers goes, what it covers in part is cut or split:
 *
 *   before   |---- a ----|   |-- b --|
 *   new            |-----------|
 *   after    |- a -|-----------|- b -|
 */
static void maps_add(struct procs *p, struct maps *m, const struct mapping *add)
{
	size_t first = maps_find(m, add->start), last = first, n_keep = 0, old_n = m->v.n;
	struct mapping keep[3];

	if (add->start >= add->end)
		return;
	if (m->v.n >= PROCS_MAPPINGS_MAX) {
		p->mappings_dropped++;
		return;
	}
	while (last < m->v.n && m->v.v[last].start < add->end)
		last++;
	if (first < last && m->v.v[first].start < add->start) {
		keep[n_keep] = m->v.v[first];
		keep[n_keep++].end = add->start;
	}
	keep[n_keep++] = *add;
	if (first < last && m->v.v[last - 1].end > add->end) {
		struct mapping tail = m->v.v[last - 1];

		tail.pgoff += add->end - tail.start;
		tail.start = add->end;
		keep[n_keep++] = tail;
	}
	vec_reserve(&m->v, old_n + 3);
	memmove(m->v.v + first + n_keep, m->v.v + last, (old_n - last) * sizeof(*m->v.v));
	memcpy(m->v.v + first, keep, n_keep * sizeof(*keep));
	m->v.n = old_n - (last - first) + n_keep;
}

const struct mapping *proc_mapping(const struct proc *pr, u64 addr)
{
	size_t i;

	if (!pr->maps)
		return NULL;
	i = maps_find(pr->maps, addr);
	if (i == pr->maps->v.n || pr->maps->v.v[i].start > addr)
		return NULL;
	return &pr->maps->v.v[i];
}

/* ---- processes ---------------------------------------------------------------------------------
 */

static struct proc *proc_find(const struct procs *p, u32 pid)
{
	const u64 *slot = map_get(&p->by_pid, pid);

	return slot ? (struct proc *)(uintptr_t)*slot : NULL;
}

static struct proc *proc_get(struct procs *p, u32 pid)
{
	u64 *slot = map_put(&p->by_pid, pid);
	struct proc *pr = (struct proc *)(uintptr_t)*slot;

	if (!pr) {
		pr = xcalloc(1, sizeof(*pr));
		pr->pid = pid;
		*slot = (uintptr_t)pr;
	}
	return pr;
}

static void proc_free(struct proc *pr)
{
	maps_put(pr->maps);
	free(pr);
}

struct read_arg {
	struct procs *p;
	struct maps *m;
};

static int read_mapping(const struct proc_map *map, void *arg)
{
	struct read_arg *a = arg;
	struct sym_id id = {.dev = makedev(map->maj, map->min), .ino = map->ino};
	struct mapping m = {map->start, map->end, map->pgoff, NULL};

	if (!map->exec)
		return 0;
	m.file = file_get(a->p, map->path, &id);
	maps_add(a->p, a->m, &m);
	return 0;
}

/* What the process has mapped now; NULL when it has ended or hides it. */
static struct maps *maps_read(struct procs *p, u32 pid)
{
	struct read_arg a = {p, maps_new(p)};

	if (!proc_maps(p->root, (pid_t)pid, read_mapping, &a))
		return a.m;
	err_clear();
	maps_put(a.m);
	return NULL;
}

/* A fork that ended without an exec ran what its parent runs. */
static void proc_inherit(struct procs *p, struct proc *pr, u64 now_ns)
{
	struct proc *parent = proc_find(p, pr->ppid);

	if (!parent || !parent->maps) {
		parent = proc_get(p, pr->ppid);
		parent->maps = maps_read(p, pr->ppid);
		parent->read_ns = now_ns;
		parent->gone = !parent->maps;
	}
	if (!parent->maps)
		return;
	maps_put(pr->maps);
	pr->maps = parent->maps;
	pr->maps->refs++;
}

static void proc_read(struct procs *p, struct proc *pr, u64 now_ns)
{
	struct proc_stat st = {0};
	bool exists;

	pr->maps = maps_read(p, pr->pid);
	pr->gone = !pr->maps;
	/* What could be read has everything up to now. Else the events that are still to come have. */
	pr->read_ns = pr->maps && pr->maps->v.n ? now_ns : 0;
	if (pr->maps && pr->maps->v.n)
		return;
	/* Nothing mapped: a kernel thread, or a process that has ended. */
	exists = !proc_stat(p->root, (pid_t)pr->pid, &st);
	err_clear();
	pr->kthread = exists && (pr->pid == KTHREADD || st.ppid == KTHREADD) && st.state != 'Z';
	if (!pr->kthread && pr->ppid && pr->ppid != pr->pid)
		proc_inherit(p, pr, now_ns);
	if (!pr->maps)
		pr->maps = maps_new(p);
}

static void ev_mmap(struct procs *p, const struct taskev *e)
{
	struct proc *pr = proc_find(p, e->pid);
	struct sym_id id = {0};
	struct mapping m = {e->start, e->end, e->pgoff, NULL};

	/* Not met before: it is read from /proc, with this mapping, when it is sampled. */
	if (!pr || !pr->maps || e->time_ns < pr->read_ns)
		return;
	id.ino = e->ino;
	id.ino_gen = e->ino_gen;
	if (e->maj || e->min || e->ino)
		id.dev = makedev(e->maj, e->min);
	id.mapped_ns = (u64)((s64)e->time_ns + p->wall_offset_ns);
	id.build_id_len = e->build_id_len;
	memcpy(id.build_id, e->build_id, sizeof(id.build_id));
	m.file = file_get(p, e->path, &id);
	maps_add(p, maps_own(p, pr), &m);
}

static void ev_exec(struct procs *p, const struct taskev *e)
{
	struct proc *pr = proc_get(p, e->pid);

	if (e->time_ns < pr->read_ns)
		return;
	maps_put(pr->maps);
	pr->maps = maps_new(p);
	pr->kthread = false;
}

static void ev_fork(struct procs *p, const struct taskev *e)
{
	const struct proc *parent = proc_find(p, e->ppid);
	struct proc *pr;

	if (e->pid == e->ppid || e->pid != e->tid)
		return; /* a thread */
	pr = proc_get(p, e->pid);
	if (e->time_ns < pr->read_ns)
		return;
	maps_put(pr->maps);
	*pr = (struct proc){.pid = e->pid, .ppid = e->ppid};
	if (parent && parent->maps) {
		pr->maps = parent->maps;
		pr->maps->refs++;
		pr->kthread = parent->kthread;
	}
}

static void ev_exit(struct procs *p, const struct taskev *e)
{
	struct proc *pr = proc_find(p, e->pid);

	if (pr && e->pid == e->tid)
		pr->exit_ns = e->time_ns;
}

void procs_event(struct procs *p, const struct taskev *e)
{
	if (!e->pid || e->pid == UINT32_MAX)
		return; /* not visible from our pid namespace */
	switch (e->type) {
	case TASKEV_MMAP:
		ev_mmap(p, e);
		break;
	case TASKEV_EXEC:
		ev_exec(p, e);
		break;
	case TASKEV_FORK:
		ev_fork(p, e);
		break;
	case TASKEV_EXIT:
		ev_exit(p, e);
		break;
	default:
		break;
	}
}

struct proc *procs_sampled(struct procs *p, u32 pid, u64 time_ns)
{
	struct proc *pr = proc_get(p, pid);

	if (!pr->maps)
		proc_read(p, pr, MAX(time_ns, clock_mono_ns()));
	if (!pr->sampled)
		p->n_sampled++;
	pr->sampled = true;
	return pr;
}

bool procs_reread(struct procs *p, struct proc *pr, u64 now_ns)
{
	struct maps *m;

	if (pr->kthread || pr->gone || pr->exit_ns || now_ns < pr->reread_ns + REREAD_NS ||
	    now_ns < pr->read_ns + REREAD_NS)
		return false;
	pr->reread_ns = now_ns;
	m = maps_read(p, pr->pid);
	if (!m)
		return false;
	maps_put(pr->maps);
	pr->maps = m;
	pr->read_ns = now_ns;
	return true;
}

void procs_forget(struct procs *p, u64 before_ns)
{
	VEC(u32) dead = {0};
	u64 pid, value;
	size_t pos = 0, i;

	while (map_next(&p->by_pid, &pos, &pid, &value)) {
		const struct proc *pr = (struct proc *)(uintptr_t)value;

		if (pr->exit_ns && pr->exit_ns < before_ns)
			vec_push(&dead, (u32)pid);
	}
	for (i = 0; i < dead.n; i++) {
		proc_free(proc_find(p, dead.v[i]));
		map_del(&p->by_pid, dead.v[i]);
	}
	vec_done(&dead);
}

void procs_init(struct procs *p, const char *root, s64 wall_offset_ns)
{
	memset(p, 0, sizeof(*p));
	p->root = root;
	p->wall_offset_ns = wall_offset_ns;
}

void procs_done(struct procs *p)
{
	u64 key, value;
	size_t pos = 0;

	while (map_next(&p->by_pid, &pos, &key, &value))
		proc_free((struct proc *)(uintptr_t)value);
	map_done(&p->by_pid);
	for (pos = 0; map_next(&p->files, &pos, &key, &value);) {
		struct map_file *f = (struct map_file *)(uintptr_t)value, *next;

		for (; f; f = next) {
			next = f->next;
			free(f->path);
			free(f);
		}
	}
	map_done(&p->files);
}
