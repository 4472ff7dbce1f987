// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <unistd.h>

#include "bpf/bpf_int.h"

/* A program may be made of several functions; 64 are plenty for those seen in practice. */
#define FUNCS_MAX 64

static int prog_ksyms(int fd, int (*fn)(u64 addr, u32 size_bytes, const char *name, void *arg),
		      void *arg)
{
	u64 addrs[FUNCS_MAX] = {0};
	u32 sizes[FUNCS_MAX] = {0};
	struct bpf_prog_info info = {0};
	u32 len = sizeof(info), i, n;
	char name[BPF_OBJ_NAME_LEN + 32];

	info.jited_ksyms = (u64)(uintptr_t)addrs;
	info.nr_jited_ksyms = FUNCS_MAX;
	info.jited_func_lens = (u64)(uintptr_t)sizes;
	info.nr_jited_func_lens = FUNCS_MAX;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return 0; /* gone, or not for us */
	n = MIN(MIN(info.nr_jited_ksyms, info.nr_jited_func_lens), FUNCS_MAX);
	for (i = 0; i < n; i++) {
		int rc;

		if (!addrs[i])
			continue;
		snprintf(name, sizeof(name), "bpf_prog_%.*s", BPF_OBJ_NAME_LEN,
			 info.name[0] ? info.name : "unnamed");
		rc = fn(addrs[i], sizes[i], name, arg);
		if (rc)
			return rc;
	}
	return 0;
}

int bpf_prog_ksyms(int (*fn)(u64 addr, u32 size_bytes, const char *name, void *arg), void *arg)
{
	u32 id = 0;
	int rc = 0;

	while (!rc && !bpf_prog_get_next_id(id, &id)) {
		int fd = bpf_prog_get_fd_by_id(id);

		if (fd < 0) {
			if (errno == EPERM)
				return err(-EPERM, "cannot list BPF programs");
			continue;
		}
		rc = prog_ksyms(fd, fn, arg);
		close(fd);
	}
	return rc;
}
