// SPDX-License-Identifier: Apache-2.0
/*
 * cache: tables on disk. A file is written beside its place and renamed, never changed afterwards,
 * and believed only when it is a plain file of ours (or root's) that nobody else can write, whole,
 * and for the key that is asked for. Anything else is ignored and written anew.
 *
 *   struct cache_head | syms | names
 */
#include "sym/sym_int.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CACHE_MAX_FILES 65536
#define TOUCH_AFTER_S 86400 /* use is noted once a day */

_Static_assert(sizeof(struct cache_head) == 40 + 24 * SYM_SEGS + 8 + CACHE_KEY_MAX, "file format");
_Static_assert(sizeof(struct sym_entry) == 16, "sym_entry is a file format");

/* A directory of ours that nobody else may write. It is made when it is not there. */
static int open_dir(const char *path)
{
	struct stat st;
	int fd;

	if (mkdir(path, 0700) && errno != EEXIST)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || st.st_uid != geteuid() || (st.st_mode & 022)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int open_under(const char *base, const char *sub)
{
	char path[4096];
	int fd;

	if (!base || base[0] != '/')
		return -1;
	snprintf(path, sizeof(path), "%s%s", base, sub);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s%s/spoor", base, sub);
	fd = open_dir(path);
	return fd;
}

int cache_dir_open(const struct sym_opts *o)
{
	int fd;

	if (o->no_cache)
		return -1;
	if (o->cache_dir)
		return open_dir(o->cache_dir);
	fd = open_under(getenv("XDG_CACHE_HOME"), "");
	if (fd < 0)
		fd = open_under(getenv("HOME"), "/.cache");
	/* root in another's home directory, or with none at all */
	if (fd < 0 && !geteuid())
		fd = open_under("/var/cache", "");
	return fd;
}

u32 cache_head_crc(const struct cache_head *h)
{
	struct cache_head copy = *h;

	copy.crc = 0;
	return crc32c(0, &copy, sizeof(copy));
}

static bool head_good(const struct cache_head *h, u64 file_bytes, const void *key, size_t key_n)
{
	u64 left = file_bytes - sizeof(*h);

	return !memcmp(h->magic, CACHE_MAGIC, sizeof(h->magic)) && h->version == CACHE_VERSION &&
	       h->crc == cache_head_crc(h) && h->nsegs <= SYM_SEGS && h->key_n == key_n &&
	       !memcmp(h->key, key, key_n) && h->n_syms <= left / sizeof(struct sym_entry) &&
	       h->names_bytes == left - h->n_syms * sizeof(struct sym_entry) && h->names_bytes > 0;
}

bool cache_parse(const void *p, size_t n, const void *key, size_t key_n, struct sym_table *t)
{
	const struct cache_head *h = p;
	const char *body = (const char *)p + sizeof(*h);

	if (n < sizeof(*h) || key_n > CACHE_KEY_MAX || !head_good(h, n, key, key_n))
		return false;
	memset(t, 0, sizeof(*t));
	t->syms = (const struct sym_entry *)body;
	t->n = h->n_syms;
	t->names = body + h->n_syms * sizeof(struct sym_entry);
	t->names_bytes = h->names_bytes;
	memcpy(t->segs, h->segs, sizeof(t->segs));
	t->nsegs = h->nsegs;
	t->flags = h->flags;
	return !t->names[t->names_bytes - 1];
}

static bool file_trusted(const struct stat *st)
{
	return S_ISREG(st->st_mode) && (st->st_uid == geteuid() || !st->st_uid) &&
	       !(st->st_mode & 022) && st->st_size >= (off_t)sizeof(struct cache_head);
}

static void note_use(int fd, const struct stat *st)
{
	struct timespec now, times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec - st->st_mtime > TOUCH_AFTER_S)
		futimens(fd, times);
}

bool cache_load(int dirfd, const char *name, const void *key, size_t key_n, struct sym_table *t)
{
	struct stat st;
	bool ok = false;
	void *p;
	int fd;

	if (dirfd < 0)
		return false;
	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) || !file_trusted(&st))
		goto out;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		goto out;
	ok = cache_parse(p, (size_t)st.st_size, key, key_n, t);
	if (ok) {
		madvise(p, (size_t)st.st_size, MADV_RANDOM);
		t->map = p;
		t->map_bytes = (size_t)st.st_size;
		note_use(fd, &st);
	} else {
		munmap(p, (size_t)st.st_size);
	}
out:
	close(fd);
	return ok;
}

static int write_all(int fd, const void *p, size_t n)
{
	const char *s = p;

	while (n) {
		ssize_t k = write(fd, s, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -errno;
		s += k;
		n -= (size_t)k;
	}
	return 0;
}

int cache_save(int dirfd, const char *name, const void *key, size_t key_n,
	       const struct sym_table *t)
{
	struct cache_head h = {.version = CACHE_VERSION,
			       .n_syms = t->n,
			       .names_bytes = t->names_bytes,
			       .flags = t->flags,
			       .nsegs = t->nsegs,
			       .key_n = (u32)key_n};
	char tmp[300];
	int fd, ret;

	BUG_ON(key_n > CACHE_KEY_MAX);
	if (dirfd < 0 || !t->names_bytes)
		return -ENOENT;
	memcpy(h.magic, CACHE_MAGIC, sizeof(h.magic));
	memcpy(h.segs, t->segs, sizeof(h.segs));
	memcpy(h.key, key, key_n);
	h.crc = cache_head_crc(&h);
	snprintf(tmp, sizeof(tmp), "%s.%d.tmp", name, (int)getpid());
	unlinkat(dirfd, tmp, 0);
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = write_all(fd, &h, sizeof(h));
	if (!ret)
		ret = write_all(fd, t->syms, t->n * sizeof(*t->syms));
	if (!ret)
		ret = write_all(fd, t->names, t->names_bytes);
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && renameat(dirfd, tmp, dirfd, name))
		ret = -errno;
	if (ret)
		unlinkat(dirfd, tmp, 0);
	return ret;
}

static DIR *read_dir(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		close(fd);
	return d;
}

void cache_drop_others(int dirfd, const char *prefix, const char *keep)
{
	DIR *dir = read_dir(dirfd);
	struct dirent *d;

	while (dir && (d = readdir(dir)))
		if (str_starts(d->d_name, prefix) && str_ends(d->d_name, ".sym") &&
		    strcmp(d->d_name, keep))
			unlinkat(dirfd, d->d_name, 0);
	if (dir)
		closedir(dir);
}

struct cached {
	char *name;
	time_t used;
	u64 bytes;
};

static int oldest_first(const void *a, const void *b)
{
	const struct cached *x = a, *y = b;

	return x->used < y->used ? -1 : x->used > y->used;
}

void cache_trim(int dirfd, u64 max_bytes)
{
	VEC(struct cached) files = {0};
	DIR *dir = read_dir(dirfd);
	struct dirent *d;
	struct stat st;
	u64 total = 0;
	size_t i;

	/* .tmp files are those of a writer that died, or lives: only old ones go */
	while (dir && files.n < CACHE_MAX_FILES && (d = readdir(dir))) {
		bool tmp = str_ends(d->d_name, ".tmp");

		if ((!tmp && !str_ends(d->d_name, ".sym")) ||
		    fstatat(dirfd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		if (tmp && time(NULL) - st.st_mtime > 3600)
			unlinkat(dirfd, d->d_name, 0);
		if (tmp)
			continue;
		vec_push(&files, (struct cached){xstrdup(d->d_name), st.st_mtime, (u64)st.st_size});
		total += (u64)st.st_size;
	}
	if (dir)
		closedir(dir);
	if (files.n)
		qsort(files.v, files.n, sizeof(*files.v), oldest_first);
	for (i = 0; i < files.n; i++) {
		if (total > max_bytes && !unlinkat(dirfd, files.v[i].name, 0))
			total -= files.v[i].bytes;
		free(files.v[i].name);
	}
	vec_done(&files);
}
