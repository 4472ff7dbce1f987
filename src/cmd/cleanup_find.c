// SPDX-License-Identifier: Apache-2.0
/* cleanup: the places where something may have been left, and whether it may go. */
#include "cmd/cleanup_int.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUIET_S 60 /* a file written to more recently may have a writer we cannot see */
#define CACHE_UNUSED_S (30 * 86400)

pid_t cleanup_owner(const char *name)
{
	size_t end = strlen(name), start = end;

	while (start && isdigit((unsigned char)name[start - 1]))
		start--;
	if (start == end || end - start > 9 || !start ||
	    (name[start - 1] != '-' && name[start - 1] != '_'))
		return 0;
	return atoi(name + start);
}

static bool alive(const struct cleanup *c, pid_t pid)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/proc/%d", c->root, (int)pid);
	return !access(path, F_OK);
}

static void report(struct cleanup *c, const char *verdict, const char *what, const char *why)
{
	struct buf b = {0};

	esc_term(&b, what, strlen(what));
	out_printf(c->out, "%-8s %s%s%s\n", verdict, buf_str(&b), why ? ": " : "", why ? why : "");
	buf_done(&b);
}

/* What was done or not done about a thing; rc is what removing it gave. */
static void settle(struct cleanup *c, const char *what, int rc)
{
	if (rc) {
		report(c, "failed", what, strerror(-rc));
		c->failed++;
	} else {
		report(c, c->dry_run ? "found" : "removed", what, NULL);
		c->removed++;
	}
}

/* May something whose owner is pid (0: not known) go? Says so when not. */
static bool may_go(struct cleanup *c, const char *what, pid_t pid)
{
	char why[80];

	if (pid ? !alive(c, pid) : !c->others)
		return true;
	if (pid)
		snprintf(why, sizeof(why), "process %d still runs", (int)pid);
	else
		snprintf(why, sizeof(why), "another spoor runs, it may be its own");
	report(c, "kept", what, why);
	c->kept++;
	return false;
}

/* ---- files --------------------------------------------------------------------------------------
 */

/* The writer of `.NAME.spoor-PID.tmp`, or in the cache of `NAME.PID.tmp`; 0 when it is neither. */
static pid_t writer_of(const char *name, bool cache)
{
	const char *mark = cache ? "." : ".spoor-", *at = NULL;
	size_t n = strlen(name);
	char digits[12];
	size_t len;

	if (!str_ends(name, ".tmp") || (!cache && name[0] != '.'))
		return 0;
	n -= strlen(".tmp");
	for (size_t i = 1; i + strlen(mark) < n; i++)
		if (str_starts(name + i, mark))
			at = name + i + strlen(mark);
	len = at ? (size_t)(name + n - at) : 0;
	if (!len || len > 9 || strspn(at, "0123456789") != len)
		return 0;
	memcpy(digits, at, len);
	digits[len] = '\0';
	return atoi(digits);
}

static void clean_file(struct cleanup *c, int dir_fd, const char *dir, const char *name, bool cache)
{
	pid_t writer = writer_of(name, cache);
	bool old_symbols = cache && str_ends(name, ".sym");
	char path[8192];
	struct stat st;
	u64 age_s;

	if ((!writer && !old_symbols) || fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) ||
	    !S_ISREG(st.st_mode))
		return;
	age_s = c->now_s > (u64)st.st_mtime ? c->now_s - (u64)st.st_mtime : 0;
	if (old_symbols && age_s < CACHE_UNUSED_S)
		return;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (writer && !may_go(c, path, writer))
		return;
	if (age_s < QUIET_S) {
		report(c, "kept", path, "written to less than a minute ago");
		c->kept++;
		return;
	}
	settle(c, path, !c->dry_run && unlinkat(dir_fd, name, 0) ? -errno : 0);
}

void cleanup_files(struct cleanup *c, const char *dir, bool cache)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d)))
		clean_file(c, dirfd(d), dir, e->d_name, cache);
	closedir(d);
}

/* ---- tracefs ------------------------------------------------------------------------------------
 */

static int write_line(const char *path, const char *line, int flags)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags), rc = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, line, strlen(line)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

static void clean_instances(struct cleanup *c, const char *tracefs)
{
	char dir[4096], path[8192];
	struct dirent *e;
	DIR *d;

	snprintf(dir, sizeof(dir), "%s/instances", tracefs);
	d = opendir(dir);
	while (d && (e = readdir(d))) {
		if (!str_starts(e->d_name, "spoor"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (may_go(c, path, cleanup_owner(e->d_name)))
			settle(c, path, !c->dry_run && rmdir(path) ? -errno : 0);
	}
	if (d)
		closedir(d);
}

/* "p:GROUP/EVENT where args" or "r12:GROUP/EVENT ..."; false when it is none of ours. */
static bool probe_of_line(const char *line, char group[128], char event[128])
{
	const char *s = line;
	size_t n;

	if (*s != 'p' && *s != 'r')
		return false;
	s += 1 + strspn(s + 1, "0123456789");
	if (*s != ':' || !str_starts(s + 1, "spoor"))
		return false;
	s++;
	n = strcspn(s, "/ ");
	if (s[n] != '/' || n > 127)
		return false;
	snprintf(group, 128, "%.*s", (int)n, s);
	s += n + 1;
	n = strcspn(s, " \n");
	if (!n || n > 127)
		return false;
	snprintf(event, 128, "%.*s", (int)n, s);
	return true;
}

static int remove_probe(const char *tracefs, const char *file, const char *group, const char *event)
{
	char path[8192], line[300];

	/* A probe that is enabled cannot be removed. Failure shows in the removal. */
	snprintf(path, sizeof(path), "%s/events/%s/%s/enable", tracefs, group, event);
	write_line(path, "0", 0);
	snprintf(path, sizeof(path), "%s/%s", tracefs, file);
	snprintf(line, sizeof(line), "-:%s/%s\n", group, event);
	return write_line(path, line, O_APPEND);
}

/* The list is read whole before anything is removed from it. */
static void clean_probes(struct cleanup *c, const char *tracefs, const char *file)
{
	char path[4096], what[4700], group[128], event[128], line[4096];
	VEC(char *) ours = {0};
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", tracefs, file);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (probe_of_line(line, group, event))
			vec_push(&ours, xstrdup(line));
	if (f)
		fclose(f);
	for (size_t i = 0; i < ours.n; i++) {
		probe_of_line(ours.v[i], group, event);
		snprintf(what, sizeof(what), "%s: %s/%s", path, group, event);
		if (may_go(c, what, cleanup_owner(group)))
			settle(c, what, c->dry_run ? 0 : remove_probe(tracefs, file, group, event));
		free(ours.v[i]);
	}
	vec_done(&ours);
}

void cleanup_tracefs(struct cleanup *c)
{
	static const char *const places[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
	char path[2048], instances[4096];

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(path, sizeof(path), "%s%s", c->root, places[i]);
		snprintf(instances, sizeof(instances), "%s/instances", path);
		if (access(instances, F_OK))
			continue;
		clean_instances(c, path);
		clean_probes(c, path, "uprobe_events");
		clean_probes(c, path, "kprobe_events");
		return; /* both places show the same */
	}
}

/* ---- bpffs --------------------------------------------------------------------------------------
 */

/* Pins and directories of pins, at most a few deep. */
static int remove_pins(int dir_fd, const char *name, int depth)
{
	struct dirent *e;
	int fd, rc = 0;
	DIR *d;

	if (!unlinkat(dir_fd, name, 0))
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	while (d && !rc && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		rc = depth ? remove_pins(fd, e->d_name, depth - 1) : -ELOOP;
		rewinddir(d);
	}
	if (d)
		closedir(d);
	else
		close(fd);
	if (!rc && unlinkat(dir_fd, name, AT_REMOVEDIR))
		rc = -errno;
	return rc;
}

void cleanup_bpffs(struct cleanup *c)
{
	char dir[2048], path[8192];
	struct dirent *e;
	DIR *d;

	snprintf(dir, sizeof(dir), "%s/sys/fs/bpf", c->root);
	d = opendir(dir);
	while (d && (e = readdir(d))) {
		if (!str_starts(e->d_name, "spoor"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (may_go(c, path, cleanup_owner(e->d_name)))
			settle(c, path, c->dry_run ? 0 : remove_pins(dirfd(d), e->d_name, 8));
	}
	if (d)
		closedir(d);
}
