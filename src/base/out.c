// SPDX-License-Identifier: Apache-2.0
#include "base/base.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUT_BLOCK 65536

struct out {
	int fd; /* -1: mem */
	bool own;
	char *path;   /* final name, for messages; NULL when there is none */
	char *tmp;    /* what is renamed to path by out_close() */
	struct buf b; /* not written yet */
	struct buf *mem;
	u64 bytes;
	int error;
};

static struct out *out_new(int fd)
{
	struct out *o = xcalloc(1, sizeof(*o));

	o->fd = fd;
	return o;
}

struct out *out_fd(int fd)
{
	return out_new(fd);
}

struct out *out_mem(struct buf *b)
{
	struct out *o = out_new(-1);

	o->mem = b;
	return o;
}

/* `.NAME.spoor-PID.tmp` beside its place; `spoor cleanup` knows this form. */
static char *tmp_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	int dir = slash ? (int)(slash - path + 1) : 0;

	return xasprintf("%.*s.%s.spoor-%d.tmp", dir, path, path + dir, (int)getpid());
}

/* A device or a pipe is written as it is: renaming a file over /dev/null would be a disaster. */
static bool is_special(const char *path)
{
	struct stat st;

	return !stat(path, &st) && !S_ISREG(st.st_mode);
}

static bool writable_or_absent(const char *path)
{
	return !access(path, W_OK) || errno == ENOENT;
}

struct out *out_open(const char *path, bool atomic)
{
	struct out *o;

	if (!strcmp(path, "-")) {
		o = out_new(STDOUT_FILENO);
		o->path = xstrdup("standard output");
		return o;
	}
	o = out_new(-1);
	o->own = true;
	o->path = xstrdup(path);
	if (atomic && !is_special(path)) {
		if (!writable_or_absent(path)) {
			err(-errno, "cannot write %s", path);
			goto fail;
		}
		o->tmp = tmp_name(path);
	}
	o->fd = open(o->tmp ? o->tmp : path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (o->fd >= 0)
		return o;
	err(-errno, "cannot write %s", path);
fail:
	free(o->tmp);
	o->tmp = NULL;
	out_close(o);
	return NULL;
}

static void write_all(struct out *o, const char *p, size_t n)
{
	while (n && !o->error) {
		ssize_t k = write(o->fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0) {
			o->error = -errno;
			return;
		}
		p += k;
		n -= (size_t)k;
	}
}

static void drain(struct out *o)
{
	if (o->mem)
		buf_add(o->mem, o->b.p, o->b.n);
	else
		write_all(o, o->b.p, o->b.n);
	buf_reset(&o->b);
}

void out_write(struct out *o, const void *p, size_t n)
{
	if (o->error)
		return;
	o->bytes += n;
	if (n >= OUT_BLOCK && !o->mem) {
		drain(o);
		write_all(o, p, n);
		return;
	}
	buf_add(&o->b, p, n);
	if (o->b.n >= OUT_BLOCK)
		drain(o);
}

void out_puts(struct out *o, const char *s)
{
	out_write(o, s, strlen(s));
}

void out_printf(struct out *o, const char *fmt, ...)
{
	size_t before = o->b.n;
	va_list ap;

	if (o->error)
		return;
	va_start(ap, fmt);
	buf_addvf(&o->b, fmt, ap);
	va_end(ap);
	o->bytes += o->b.n - before;
	if (o->b.n >= OUT_BLOCK)
		drain(o);
}

void out_buf(struct out *o, struct buf *b)
{
	out_write(o, b->p, b->n);
	buf_reset(b);
}

u64 out_bytes(const struct out *o)
{
	return o->bytes;
}

int out_error(const struct out *o)
{
	return o->error;
}

int out_flush(struct out *o)
{
	if (o->b.n)
		drain(o);
	if (o->error)
		return err(o->error, "cannot write %s", o->path ? o->path : "output");
	return 0;
}

static void out_free(struct out *o)
{
	buf_done(&o->b);
	free(o->path);
	free(o->tmp);
	free(o);
}

int out_close(struct out *o)
{
	int rc = out_flush(o);

	/* A full disk may show only here. */
	if (o->own && o->fd >= 0 && close(o->fd) && !rc)
		rc = err(-errno, "cannot write %s", o->path);
	if (o->tmp && !rc && rename(o->tmp, o->path))
		rc = err(-errno, "cannot rename %s to %s", o->tmp, o->path);
	if (o->tmp && rc)
		unlink(o->tmp);
	out_free(o);
	return rc;
}

void out_abort(struct out *o)
{
	if (o->own && o->fd >= 0)
		close(o->fd);
	if (o->tmp)
		unlink(o->tmp);
	out_free(o);
}
