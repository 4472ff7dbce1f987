// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/record_int.h"

static void __attribute__((noreturn)) child_main(char **cmd, int go_fd, int fail_fd)
{
	sigset_t none;
	char c;
	int rc;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (read(go_fd, &c, 1) != 1)
		_exit(127); /* the recorder gave up */
	execvp(cmd[0], cmd);
	rc = errno;
	if (write(fail_fd, &rc, sizeof(rc)) != sizeof(rc))
		_exit(127);
	_exit(rc == ENOENT ? 127 : 126);
}

int command_start(struct command_run *c, char **cmd)
{
	int go[2], fail[2];

	if (pipe2(go, O_CLOEXEC))
		return err(-errno, "cannot make a pipe");
	if (pipe2(fail, O_CLOEXEC)) {
		close(go[0]);
		close(go[1]);
		return err(-errno, "cannot make a pipe");
	}
	c->pid = fork();
	if (!c->pid) {
		close(go[1]);
		child_main(cmd, go[0], fail[1]);
	}
	close(go[0]);
	close(fail[1]);
	c->go_fd = go[1];
	c->fail_fd = fail[0];
	if (c->pid < 0) {
		c->pid = 0;
		return err(-errno, "cannot start a process");
	}
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pidfd < 0)
		return err(-errno, "cannot watch the command");
	fcntl(c->pidfd, F_SETFD, FD_CLOEXEC);
	return 0;
}

int command_go(struct command_run *c, char **cmd)
{
	ssize_t n;
	int rc = 0;

	n = write(c->go_fd, "", 1);
	close(c->go_fd);
	c->go_fd = -1;
	if (n == 1)
		n = read(c->fail_fd, &rc, sizeof(rc)); /* ends when exec closes the other side */
	if (n == (ssize_t)sizeof(rc) && rc) {
		command_wait(c);
		return err(-rc, "cannot run %s", cmd[0]);
	}
	return 0;
}

void command_wait(struct command_run *c)
{
	int status;

	if (!c->pid || c->status >= 0)
		return;
	while (waitpid(c->pid, &status, 0) < 0)
		if (errno != EINTR)
			return;
	c->status = status;
}

void command_done(struct command_run *c)
{
	if (c->go_fd >= 0)
		close(c->go_fd);
	if (c->fail_fd >= 0)
		close(c->fail_fd);
	command_wait(c);
	if (c->pidfd >= 0)
		close(c->pidfd);
}
