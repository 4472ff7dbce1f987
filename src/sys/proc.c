// SPDX-License-Identifier: Apache-2.0
/* proc: processes and threads as /proc shows them. */
#include <dirent.h>
#include <unistd.h>

#include "sys/sys_int.h"

#define MAPS_MAX_BYTES (256u << 20) /* 65530 mappings of 4 KiB paths, the kernel's own limits */

static bool eat(const char **p, const char *end, char c)
{
	if (*p >= end || **p != c)
		return false;
	(*p)++;
	return true;
}

/* The kernel writes a newline in a path as \012, and nothing else escaped. */
static void unescape_newline(struct buf *b)
{
	char *from = b->p, *to = b->p, *end = b->p + b->n;

	while (from < end) {
		if (end - from >= 4 && !memcmp(from, "\\012", 4)) {
			*to++ = '\n';
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = 0;
	b->n = (size_t)(to - b->p);
}

/* start-end rwxp offset maj:min inode   path */
static bool maps_line(const char *p, const char *end, struct proc_map *m, struct buf *path)
{
	static const char deleted[] = " (deleted)";
	const size_t ndel = sizeof(deleted) - 1;
	u64 maj, min;

	if (!scan_u64(&p, end, 16, &m->start) || !eat(&p, end, '-') ||
	    !scan_u64(&p, end, 16, &m->end) || !eat(&p, end, ' ') || end - p < 5 || p[4] != ' ')
		return false;
	m->write = p[1] == 'w';
	m->exec = p[2] == 'x';
	p += 5;
	if (!scan_u64(&p, end, 16, &m->pgoff) || !eat(&p, end, ' ') ||
	    !scan_u64(&p, end, 16, &maj) || !eat(&p, end, ':') || !scan_u64(&p, end, 16, &min) ||
	    !eat(&p, end, ' ') || !scan_u64(&p, end, 10, &m->ino))
		return false;
	while (p < end && *p == ' ')
		p++;
	m->maj = (u32)maj;
	m->min = (u32)min;
	m->deleted = false;
	buf_reset(path);
	buf_add(path, p, (size_t)(end - p));
	if (path->n > ndel && str_ends(path->p, deleted)) {
		path->n -= ndel;
		path->p[path->n] = 0;
		m->deleted = true;
	}
	if (path->n && memchr(path->p, '\\', path->n))
		unescape_newline(path);
	m->path = buf_str(path);
	return m->start < m->end;
}

int proc_maps_parse(const char *text, size_t n, int (*fn)(const struct proc_map *m, void *arg),
		    void *arg)
{
	const char *p = text, *end = text + n;
	struct buf path = {0};
	struct proc_map m;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *eol = nl ? nl : end;

		if (maps_line(p, eol, &m, &path) && fn(&m, arg))
			break;
		p = eol + 1;
	}
	buf_done(&path);
	return 0;
}

int proc_maps(const char *root, pid_t pid, int (*fn)(const struct proc_map *m, void *arg),
	      void *arg)
{
	struct buf text = {0};
	char path[64];
	int ret;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	ret = sys_read(root, path, &text, MAPS_MAX_BYTES);
	if (!ret)
		ret = proc_maps_parse(text.p, text.n, fn, arg);
	buf_done(&text);
	return ret;
}

int proc_each(const char *root, pid_t pid, int (*fn)(pid_t id, void *arg), void *arg)
{
	char path[4096];
	struct dirent *d;
	DIR *dir;

	if (pid > 0)
		snprintf(path, sizeof(path), "%s/proc/%d/task", root, (int)pid);
	else
		snprintf(path, sizeof(path), "%s/proc", root);
	dir = opendir(path);
	if (!dir)
		return err(-errno, "cannot open %s", path);
	while ((d = readdir(dir))) {
		const char *p = d->d_name, *end = p + strlen(p);
		u64 id;

		if (!scan_u64(&p, end, 10, &id) || p != end || !id || id > INT32_MAX)
			continue;
		if (fn((pid_t)id, arg))
			break;
	}
	closedir(dir);
	return 0;
}

int proc_comm(const char *root, pid_t pid, char comm[16])
{
	struct buf text = {0};
	char path[64];
	int ret;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	ret = sys_read(root, path, &text, 4096);
	if (!ret) {
		size_t n = text.n && text.p[text.n - 1] == '\n' ? text.n - 1 : text.n;

		n = MIN(n, 15);
		memcpy(comm, text.p, n);
		comm[n] = 0;
	}
	buf_done(&text);
	return ret;
}

int proc_exe(const char *root, pid_t pid, char *path, size_t size_bytes)
{
	char link[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "%s/proc/%d/exe", root, (int)pid);
	n = readlink(link, path, size_bytes);
	if (n < 0)
		return err(-errno, "cannot read %s", link);
	if ((size_t)n >= size_bytes)
		return err(-ENAMETOOLONG, "cannot read %s", link);
	path[n] = 0;
	return 0;
}

/* pid (comm) state ppid ...: the comm may hold anything, so the last ")" ends it. */
static int parse_stat(const char *text, size_t n, struct proc_stat *st)
{
	const char *end = text + n, *p = memrchr(text, ')', n);
	u64 v = 0;
	int field;

	if (!p || end - p < 4)
		return err(-EINVAL, "unexpected form of /proc/PID/stat");
	p += 2;
	st->state = *p++;
	for (field = 4; field <= 22; field++) {
		if (!eat(&p, end, ' '))
			return err(-EINVAL, "unexpected form of /proc/PID/stat");
		if (p < end && *p == '-')
			p++;
		if (!scan_u64(&p, end, 10, &v))
			return err(-EINVAL, "unexpected form of /proc/PID/stat");
		if (field == 4)
			st->ppid = (pid_t)v;
	}
	st->start_ticks = v;
	return 0;
}

static void parse_status(const char *text, const char *end, pid_t pid, struct proc_stat *st)
{
	const char *p = text;

	st->tgid = st->ns_pid = pid;
	st->uid = (uid_t)-1;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *eol = nl ? nl : end;
		const char *v = memchr(p, ':', (size_t)(eol - p));
		size_t nkey = v ? (size_t)(v - p) : 0;
		u64 x;

		while (v && ++v < eol) {
			if (!scan_u64(&v, eol, 10, &x))
				continue;
			if (nkey == 4 && !memcmp(p, "Tgid", 4))
				st->tgid = (pid_t)x;
			else if (nkey == 3 && !memcmp(p, "Uid", 3))
				st->uid = (uid_t)x;
			else if (nkey == 5 && !memcmp(p, "NSpid", 5))
				st->ns_pid = (pid_t)x;
			/* NSpid goes from outermost to innermost; the first is what the others want
			 */
			if (nkey != 5)
				break;
		}
		p = eol + 1;
	}
}

int proc_stat(const char *root, pid_t pid, struct proc_stat *st)
{
	struct buf text = {0};
	char path[64];
	int ret;

	memset(st, 0, sizeof(*st));
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	ret = sys_read(root, path, &text, 65536);
	if (!ret)
		ret = parse_stat(text.p, text.n, st);
	if (!ret) {
		snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
		ret = sys_read(root, path, &text, 65536);
	}
	if (!ret)
		parse_status(text.p, text.p + text.n, pid, st);
	buf_done(&text);
	return ret;
}

u64 proc_mnt_ns(const char *root, pid_t pid)
{
	char link[4096], target[64];
	const char *p, *end;
	ssize_t n;
	u64 ino;

	snprintf(link, sizeof(link), "%s/proc/%d/ns/mnt", root, (int)pid);
	n = readlink(link, target, sizeof(target));
	if (n <= 5 || (size_t)n >= sizeof(target) || memcmp(target, "mnt:[", 5))
		return 0;
	p = target + 5;
	end = target + n;
	return scan_u64(&p, end, 10, &ino) ? ino : 0;
}
