// SPDX-License-Identifier: Apache-2.0
/* cgroup: the v2 hierarchy, and the numbers by which the kernel knows its members. */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/sys_int.h"

/* Where the hierarchy is mounted, and which part of it. */
struct cgroup_mount {
	char *point; /* path */
	char *part;  /* the hierarchy's directory that is seen at point, mostly "/" */
};

/* mountinfo writes space, tab, newline and backslash as \ooo. */
static void unescape_octal(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = 0;
}

/* ID PARENT MAJ:MIN PART POINT OPTIONS [TAGS] - TYPE SOURCE OPTIONS */
static bool mountinfo_line(char *line, struct cgroup_mount *m)
{
	char *sep = strstr(line, " - cgroup2 "), *save = NULL, *word[5];
	int i;

	if (!sep)
		return false;
	*sep = 0;
	for (i = 0; i < 5; i++) {
		word[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!word[i])
			return false;
	}
	unescape_octal(word[3]);
	unescape_octal(word[4]);
	m->part = word[3];
	m->point = word[4];
	return true;
}

static int find_mount(const char *root, struct buf *text, struct cgroup_mount *m)
{
	char *line, *save = NULL;
	int ret = sys_read(root, "/proc/self/mountinfo", text, 64u << 20);

	if (ret)
		return ret;
	for (line = strtok_r(text->p, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (mountinfo_line(line, m))
			return 0;
	err(-ENOENT, "cgroup v2 is not mounted");
	err_try("mount -t cgroup2 none /sys/fs/cgroup/unified");
	return -ENOENT;
}

const char *cgroup2_mount(struct arena *a, const char *root)
{
	struct buf text = {0};
	struct cgroup_mount m;
	const char *ret = NULL;

	if (!find_mount(root, &text, &m))
		ret = arena_strndup(a, m.point, strlen(m.point));
	buf_done(&text);
	return ret;
}

static u32 path_depth(const char *path)
{
	u32 depth = 0;

	for (; *path; path++)
		if (*path == '/' && path[1] && path[1] != '/')
			depth++;
	return depth;
}

/* The path as the mount knows it: the mount point itself, or below it. */
static bool below(const char *real, const char *point)
{
	size_t n = strlen(point);

	if (n && point[n - 1] == '/')
		n--;
	return !strncmp(real, point, n) && (!real[n] || real[n] == '/');
}

static int resolve(const char *root, const char *point, const char *path, char real[PATH_MAX])
{
	char full[PATH_MAX], base[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", root, point);
	if (!realpath(full, base))
		return err(-errno, "cannot open %s", full);
	/* a path of this machine, or as /proc/PID/cgroup writes it: relative to the mount */
	if (path[0] == '/' && !*root && realpath(path, real) && below(real, base))
		return (int)strlen(base);
	if (snprintf(full, sizeof(full), "%s/%s", base,
		     str_starts(path, point) && *root ? path + strlen(point) : path) >=
	    (int)sizeof(full))
		return err(-ENAMETOOLONG, "no such cgroup: %s", path);
	if (!realpath(full, real))
		return err(-errno, "no such cgroup: %s (looked in %s)", path, base);
	if (!below(real, base))
		return err(-ENOENT, "no such cgroup: %s is outside %s", path, base);
	return (int)strlen(base);
}

int cgroup_lookup(const char *root, const char *path, u64 *id, u32 *level)
{
	struct {
		struct file_handle h;
		u64 id;
	} fh = {.h = {.handle_bytes = sizeof(u64)}};
	struct cgroup_mount m;
	struct buf text = {0};
	char real[PATH_MAX];
	struct stat st;
	int mount_id, nbase, ret = find_mount(root, &text, &m);

	if (ret)
		goto out;
	ret = nbase = resolve(root, m.point, path, real);
	if (ret < 0)
		goto out;
	ret = 0;
	if (stat(real, &st) || !S_ISDIR(st.st_mode)) {
		ret = err(-ENOTDIR, "not a cgroup: %s", real);
		goto out;
	}
	*level = path_depth(m.part) + path_depth(real + nbase);
	/* a kernfs handle is the cgroup's id; the inode number is the same on 64-bit kernels */
	if (!*root && !name_to_handle_at(AT_FDCWD, real, &fh.h, &mount_id, 0) &&
	    fh.h.handle_bytes == sizeof(u64))
		memcpy(id, fh.h.f_handle, sizeof(*id));
	else
		*id = st.st_ino;
out:
	buf_done(&text);
	return ret;
}
