// SPDX-License-Identifier: Apache-2.0
/* BPF programs and maps that the kernel has loaded, by name. */
#include "bpf/bpf_int.h"

#include <bpf/bpf.h>
#include <unistd.h>

#define MAX_OBJECTS 1000000 /* ids that come and go while we walk must not keep us for ever */

static int each_prog(const char *prefix, bpf_object_fn fn, void *arg)
{
	u32 id = 0;

	for (int i = 0; i < MAX_OBJECTS && !bpf_prog_get_next_id(id, &id); i++) {
		struct bpf_prog_info info = {0};
		u32 len = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(id), rc = 0;

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) && str_starts(info.name, prefix))
			rc = fn("program", id, info.name, arg);
		close(fd);
		if (rc)
			return rc;
	}
	return errno == ENOENT ? 0 : -errno;
}

static int each_map(const char *prefix, bpf_object_fn fn, void *arg)
{
	u32 id = 0;

	for (int i = 0; i < MAX_OBJECTS && !bpf_map_get_next_id(id, &id); i++) {
		struct bpf_map_info info = {0};
		u32 len = sizeof(info);
		int fd = bpf_map_get_fd_by_id(id), rc = 0;

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) && str_starts(info.name, prefix))
			rc = fn("map", id, info.name, arg);
		close(fd);
		if (rc)
			return rc;
	}
	return errno == ENOENT ? 0 : -errno;
}

int bpf_objects_each(const char *prefix, bpf_object_fn fn, void *arg)
{
	int rc = each_prog(prefix, fn, arg);

	return rc ? rc : each_map(prefix, fn, arg);
}
