// SPDX-License-Identifier: Apache-2.0
/* kallsyms: the kernel's own symbols and its build-id. */
#include <fcntl.h>
#include <unistd.h>

#include "sys/sys_int.h"

struct kall {
	int (*fn)(const struct ksym *k, void *arg);
	void *arg;
	u64 lines, nonzero;
	bool stop;
};

/* ffffffff81000000 T _text	[module]; the line is ours to cut up, and *end may be written. */
static void kallsyms_line(struct kall *ka, char *line, char *end)
{
	const char *p = line;
	struct ksym k = {.module = ""};
	char *name, *c;

	if (!scan_u64(&p, end, 16, &k.addr) || end - p < 4 || p[0] != ' ' || p[2] != ' ')
		return;
	k.type = p[1];
	name = line + (p - line) + 3;
	*end = 0;
	ka->lines++;
	if (!k.addr)
		return;
	ka->nonzero++;
	c = memchr(name, '\t', (size_t)(end - name));
	if (c) {
		*c++ = 0;
		if (*c == '[' && end[-1] == ']' && end - c > 2) {
			end[-1] = 0;
			k.module = c + 1;
		}
	}
	k.name = name;
	ka->stop = ka->fn(&k, ka->arg) != 0;
}

/* Hands whole lines over; what is left of the last one moves to the front. Returns its length. */
static size_t kallsyms_block(struct kall *ka, char *block, size_t n)
{
	char *p = block, *end = block + n, *nl;

	while (!ka->stop && (nl = memchr(p, '\n', (size_t)(end - p)))) {
		kallsyms_line(ka, p, nl);
		p = nl + 1;
	}
	memmove(block, p, (size_t)(end - p));
	return (size_t)(end - p);
}

void kallsyms_parse(char *text, size_t n, int (*fn)(const struct ksym *k, void *arg), void *arg)
{
	struct kall ka = {.fn = fn, .arg = arg};

	kallsyms_block(&ka, text, n);
}

int kallsyms_each(const char *root, int (*fn)(const struct ksym *k, void *arg), void *arg)
{
	struct kall ka = {.fn = fn, .arg = arg};
	char path[4096], block[65536];
	size_t have = 0;
	int fd, ret = 0;

	snprintf(path, sizeof(path), "%s/proc/kallsyms", root);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err(-errno, "cannot open %s", path);
	while (!ka.stop) {
		ssize_t n = read(fd, block + have, sizeof(block) - have - 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			ret = err(-errno, "cannot read %s", path);
		if (n <= 0)
			break;
		have = kallsyms_block(&ka, block, have + (size_t)n);
		if (have == sizeof(block) - 1)
			have = 0; /* a line of 64 KiB is not a symbol */
	}
	if (have && !ka.stop)
		kallsyms_line(&ka, block, block + have);
	close(fd);
	if (!ret && !ka.nonzero) {
		if (ka.lines) {
			ret = err(-EPERM, "kernel addresses are hidden (kernel.kptr_restrict)");
			err_try("run as root, or: sysctl -w kernel.kptr_restrict=0");
		} else {
			ret = err(-ENOENT, "%s is empty", path);
		}
	}
	return ret;
}

int kernel_build_id(const char *root, u8 id[20])
{
	struct buf notes = {0};
	int ret = sys_read(root, "/sys/kernel/notes", &notes, 1u << 20);

	if (!ret) {
		ret = notes_build_id(notes.p, notes.n, id);
		if (ret < 0)
			err(ret, "the running kernel has no build-id");
	}
	buf_done(&notes);
	return ret;
}
