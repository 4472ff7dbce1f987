// SPDX-License-Identifier: Apache-2.0
/* One epoll loop. Every source (descriptor, timer, signal) is one file descriptor in it. */
#include "base/base.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum source_kind { SOURCE_FD, SOURCE_TIMER, SOURCE_SIGNAL };

struct source {
	struct source *next;
	enum source_kind kind;
	int fd;
	bool dead; /* deleted; freed when no event in flight can point here any more */
	loop_fn fn;
	void *arg;
};

struct loop {
	int epoll_fd;
	bool stop;
	struct source *sources;
	sigset_t old_mask;
	bool mask_changed;
};

struct loop *loop_new(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0) {
		err(-errno, "cannot make an event loop");
		return NULL;
	}
	struct loop *l = xcalloc(1, sizeof(*l));
	l->epoll_fd = fd;
	return l;
}

static int source_add(struct loop *l, enum source_kind kind, int fd, loop_fn fn, void *arg)
{
	struct source *s = xcalloc(1, sizeof(*s));
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};

	*s = (struct source){.next = l->sources, .kind = kind, .fd = fd, .fn = fn, .arg = arg};
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev)) {
		int rc = err(-errno, "cannot watch file descriptor %d", fd);
		free(s);
		return rc;
	}
	l->sources = s;
	return 0;
}

static void source_kill(struct loop *l, struct source *s)
{
	s->dead = true;
	epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	if (s->kind != SOURCE_FD)
		close(s->fd);
}

static void source_del(struct loop *l, int fd, enum source_kind kind)
{
	for (struct source *s = l->sources; s; s = s->next) {
		if (s->fd == fd && s->kind == kind && !s->dead) {
			source_kill(l, s);
			return;
		}
	}
}

static void bury_dead(struct loop *l)
{
	for (struct source **at = &l->sources; *at;) {
		struct source *s = *at;
		if (s->dead) {
			*at = s->next;
			free(s);
		} else {
			at = &s->next;
		}
	}
}

int loop_add_fd(struct loop *l, int fd, loop_fn fn, void *arg)
{
	return source_add(l, SOURCE_FD, fd, fn, arg);
}

void loop_del_fd(struct loop *l, int fd)
{
	source_del(l, fd, SOURCE_FD);
}

static struct timespec to_timespec(u64 ns)
{
	return (struct timespec){(time_t)(ns / NSEC_PER_SEC), (long)(ns % NSEC_PER_SEC)};
}

int loop_add_timer(struct loop *l, u64 first_ns, u64 every_ns, loop_fn fn, void *arg)
{
	/* A first time of 0 would disarm the timer; the caller means "at once". */
	struct itimerspec when = {to_timespec(every_ns), to_timespec(MAX(first_ns, 1ull))};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int rc;

	if (fd < 0)
		return err(-errno, "cannot make a timer");
	if (timerfd_settime(fd, 0, &when, NULL)) {
		rc = err(-errno, "cannot set a timer");
		close(fd);
		return rc;
	}
	rc = source_add(l, SOURCE_TIMER, fd, fn, arg);
	if (rc) {
		close(fd);
		return rc;
	}
	return fd;
}

void loop_del_timer(struct loop *l, int id)
{
	source_del(l, id, SOURCE_TIMER);
}

int loop_add_signal(struct loop *l, int sig, loop_fn fn, void *arg)
{
	sigset_t set, old;
	int rc;

	sigemptyset(&set);
	sigaddset(&set, sig);
	if (sigprocmask(SIG_BLOCK, &set, &old))
		return err(-errno, "cannot block signal %d", sig);
	if (!l->mask_changed) {
		l->old_mask = old;
		l->mask_changed = true;
	}
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err(-errno, "cannot watch signal %d", sig);
	rc = source_add(l, SOURCE_SIGNAL, fd, fn, arg);
	if (rc)
		close(fd);
	return rc;
}

static void dispatch(struct source *s, u32 events)
{
	struct signalfd_siginfo si;
	u64 expirations;

	switch (s->kind) {
	case SOURCE_FD:
		s->fn(s->arg, events);
		break;
	case SOURCE_TIMER:
		if (read(s->fd, &expirations, sizeof(expirations)) == sizeof(expirations))
			s->fn(s->arg, (u32)MIN(expirations, (u64)UINT32_MAX));
		break;
	case SOURCE_SIGNAL:
		while (!s->dead && read(s->fd, &si, sizeof(si)) == sizeof(si))
			s->fn(s->arg, si.ssi_signo);
		break;
	}
}

int loop_run(struct loop *l)
{
	struct epoll_event ev[32];

	l->stop = false;
	while (!l->stop) {
		int n = epoll_wait(l->epoll_fd, ev, ARRAY_SIZE(ev), -1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err(-errno, "cannot wait for events");
		for (int i = 0; i < n; i++) {
			struct source *s = ev[i].data.ptr;
			if (!s->dead)
				dispatch(s, ev[i].events);
		}
		bury_dead(l);
	}
	return 0;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	for (struct source *s = l->sources; s; s = s->next)
		if (!s->dead)
			source_kill(l, s);
	bury_dead(l);
	if (l->mask_changed)
		sigprocmask(SIG_SETMASK, &l->old_mask, NULL);
	close(l->epoll_fd);
	free(l);
}
