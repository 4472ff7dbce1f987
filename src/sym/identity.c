// SPDX-License-Identifier: Apache-2.0
/*
 * identity: is the file that we can open the one that was mapped? By build-id when the kernel gave
 * it. Else by device and inode as mappings show them: on btrfs and overlayfs stat() shows others,
 * so when those differ we map the file ourselves and read what the kernel says of our mapping.
 */
#include "sym/sym_int.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static s64 ts_ns(struct timespec ts)
{
	return (s64)ts.tv_sec * (s64)NSEC_PER_SEC + ts.tv_nsec;
}

void file_state_of(const struct stat *st, struct file_state *fs)
{
	*fs = (struct file_state){.dev = st->st_dev,
				  .ino = st->st_ino,
				  .nlink = st->st_nlink,
				  .size = st->st_size,
				  .mtime_ns = ts_ns(st->st_mtim),
				  .ctime_ns = ts_ns(st->st_ctim)};
}

bool file_state_same(const struct file_state *a, const struct file_state *b)
{
	if (a->dev != b->dev || a->ino != b->ino || a->size != b->size ||
	    a->mtime_ns != b->mtime_ns)
		return false;
	/* taking a name away (an upgrade does) changes ctime, not what is in the file */
	return a->ctime_ns == b->ctime_ns || a->nlink != b->nlink;
}

/* A descriptor that names the file but does not open it, so that a device or FIFO is not touched;
 * then the file itself when it is a regular one. */
static int reopen_regular(int path_fd, struct stat *st)
{
	char self[64];
	int fd = -EINVAL;

	if (path_fd < 0)
		return -errno;
	if (fstat(path_fd, st)) {
		fd = -errno;
	} else if (S_ISREG(st->st_mode)) {
		snprintf(self, sizeof(self), "/proc/self/fd/%d", path_fd);
		fd = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		fd = fd < 0 ? -errno : fd;
	}
	close(path_fd);
	return fd;
}

int open_regular(int dirfd, const char *path, struct stat *st)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};

	if (dirfd < 0)
		return reopen_regular(open(path, O_PATH | O_CLOEXEC), st);
	/* inside another's root: its symlinks must not lead out into ours */
	return reopen_regular((int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how)), st);
}

static int read_build_id(int fd, u8 id[20])
{
	struct elf *e = elf_open_fd(fd, "file");
	int n = e ? elf_build_id(e, id) : -ENOENT;

	elf_close(e);
	return n > 0 ? n : 0;
}

struct own_mapping {
	u64 addr, dev, ino;
};

static int find_own(const struct proc_map *m, void *arg)
{
	struct own_mapping *o = arg;

	if (o->addr < m->start || o->addr >= m->end)
		return 0;
	o->dev = makedev(m->maj, m->min);
	o->ino = m->ino;
	return 1;
}

static bool own_mapping_is(int fd, const struct sym_id *id)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	struct own_mapping o = {.addr = (u64)(uintptr_t)p};

	if (p == MAP_FAILED)
		return false;
	proc_maps("", getpid(), find_own, &o);
	munmap(p, 4096);
	return o.ino == id->ino && o.dev == id->dev;
}

static bool link_is(const char *link, const char *path)
{
	char target[4096];
	ssize_t n = readlink(link, target, sizeof(target) - 1);
	size_t len = strlen(path);

	if (n < 0)
		return false;
	target[n] = 0;
	return !strncmp(target, path, len) && (!target[len] || !strcmp(target + len, " (deleted)"));
}

#define CLOCK_SLACK_NS 1000000 /* between the file system's clock and ours */

/* Changed after it was mapped? A deleted file's ctime is that of its deletion. */
static bool changed_since(const struct file_state *s, u64 mapped_ns)
{
	if (!mapped_ns)
		return false;
	return (s->nlink ? s->ctime_ns : s->mtime_ns) > (s64)mapped_ns + CLOCK_SLACK_NS;
}

/* link: the map_files entry that fd came through, or NULL. */
static bool is_that_file(int fd, const struct stat *st, const char *link, const char *path,
			 const struct sym_id *id, struct found_file *f)
{
	file_state_of(st, &f->state);
	f->build_id_len = read_build_id(fd, f->build_id);
	if (id->build_id_len)
		return f->build_id_len == id->build_id_len &&
		       !memcmp(f->build_id, id->build_id, id->build_id_len);
	if (changed_since(&f->state, id->mapped_ns))
		return false;
	if (id->ino && st->st_ino == id->ino && st->st_dev == id->dev)
		return true;
	if (id->ino && own_mapping_is(fd, id))
		return true;
	/* overlayfs on some kernels shows one inode in events and another in maps */
	return link && link_is(link, path);
}

static bool try_fd(int fd, const struct stat *st, const char *link, const char *path,
		   const char *opened, const struct sym_id *id, struct found_file *f)
{
	if (fd < 0) {
		if (fd == -EACCES || fd == -EPERM)
			f->why = "not permitted";
		else if (fd == -EINVAL)
			f->why = "not a regular file";
		return false;
	}
	if (is_that_file(fd, st, link, path, id, f)) {
		f->fd = fd;
		f->path = xstrdup(opened);
		f->why = NULL;
		return true;
	}
	f->why = "file replaced";
	close(fd);
	return false;
}

void identity_open(const char *root, pid_t pid, u64 start, u64 end, const char *path,
		   const struct sym_id *id, struct found_file *f)
{
	char full[4200];
	struct stat st;
	int fd, dirfd;

	*f = (struct found_file){.fd = -1, .why = "file gone"};
	if (pid > 0 && start < end) {
		snprintf(full, sizeof(full), "%s/proc/%d/map_files/%llx-%llx", root, (int)pid,
			 (unsigned long long)start, (unsigned long long)end);
		fd = open_regular(-1, full, &st);
		if (try_fd(fd, &st, full, path, full, id, f))
			return;
	}
	if (path[0] != '/' || strlen(path) >= 4096)
		return;
	if (pid > 0) {
		snprintf(full, sizeof(full), "%s/proc/%d/root", root, (int)pid);
		dirfd = open(full, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (dirfd >= 0) {
			fd = open_regular(dirfd, path, &st);
			close(dirfd);
			snprintf(full, sizeof(full), "%s/proc/%d/root%s", root, (int)pid, path);
			if (try_fd(fd, &st, NULL, path, full, id, f))
				return;
		}
	}
	snprintf(full, sizeof(full), "%s%s", root, path);
	fd = open_regular(-1, full, &st);
	try_fd(fd, &st, NULL, path, full, id, f);
}
