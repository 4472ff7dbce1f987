// SPDX-License-Identifier: Apache-2.0
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/bpf_int.h"

static const struct {
	u8 bit;
	const char *name;
} needed[] = {
	{CAP_BPF, "CAP_BPF"},
	{CAP_PERFMON, "CAP_PERFMON"},
	{CAP_SYS_PTRACE, "CAP_SYS_PTRACE"},
	{CAP_SYSLOG, "CAP_SYSLOG"},
};

/* Names of the capabilities that we have not; "" when all are there. */
static void missing(struct buf *b)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};
	u64 have;
	size_t i;

	if (syscall(SYS_capget, &head, data))
		return;
	have = (u64)data[1].effective << 32 | data[0].effective;
	if (have >> CAP_SYS_ADMIN & 1)
		return;
	for (i = 0; i < ARRAY_SIZE(needed); i++)
		if (!(have >> needed[i].bit & 1))
			buf_addf(b, "%s%s", b->n ? ", " : "", needed[i].name);
}

int bpf_refused(int rc, const char *what)
{
	struct buf b = {0};

	missing(&b);
	if ((rc == -EPERM || rc == -EACCES) && b.n) {
		err(rc, "the kernel refused %s; missing: %s", what, b.p);
		err_try("run as root, or once: setcap "
			"cap_bpf,cap_perfmon,cap_sys_ptrace,cap_syslog+ep $(command -v spoor)");
	} else {
		err(rc, "the kernel refused %s", what);
		if (rc == -ENOMEM)
			err_try("ulimit -l unlimited (kernels before 5.11), or free some memory");
		else
			err_try("spoor doctor");
	}
	buf_done(&b);
	return rc;
}
