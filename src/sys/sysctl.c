// SPDX-License-Identifier: Apache-2.0
/* sysctl: settings and names of the running kernel, and its CPUs. */
#include <sys/utsname.h>

#include "sys/sys_int.h"

static void trim(struct buf *b)
{
	while (b->n && (b->p[b->n - 1] == '\n' || b->p[b->n - 1] == ' '))
		b->p[--b->n] = 0;
}

int cpus_online(const char *root, struct buf *out)
{
	struct buf text = {0};
	int ret = sys_read(root, "/sys/devices/system/cpu/online", &text, 65536);

	if (!ret) {
		trim(&text);
		buf_reset(out);
		ret = parse_cpulist(text.p, out);
		if (ret || !out->n)
			ret = err(-EINVAL,
				  "unexpected form of /sys/devices/system/cpu/online: \"%s\"",
				  text.p);
	}
	buf_done(&text);
	return ret;
}

int sysctl_get(const char *root, const char *name, s64 *out)
{
	struct buf text = {0};
	char path[256], *c, *end;
	int ret;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	for (c = path + strlen("/proc/sys/"); *c; c++)
		if (*c == '.')
			*c = '/';
	ret = sys_read(root, path, &text, 65536);
	if (!ret) {
		errno = 0;
		*out = strtoll(text.p, &end, 10);
		if (end == text.p || errno)
			ret = err(-EINVAL, "%s is not a number", path);
	}
	buf_done(&text);
	return ret;
}

int kernel_release(char *out, size_t size_bytes)
{
	struct utsname u;

	if (uname(&u))
		return err(-errno, "uname");
	snprintf(out, size_bytes, "%s", u.release);
	return 0;
}

int boot_id(const char *root, char out[40])
{
	struct buf text = {0};
	int ret = sys_read(root, "/proc/sys/kernel/random/boot_id", &text, 4096);

	if (!ret) {
		trim(&text);
		if (text.n != 36)
			ret = err(-EINVAL, "unexpected form of kernel.random.boot_id");
		else
			memcpy(out, text.p, 37);
	}
	buf_done(&text);
	return ret;
}
