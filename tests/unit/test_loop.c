// SPDX-License-Identifier: Apache-2.0
#include "test.h"

#include <signal.h>
#include <unistd.h>

struct seen {
	struct loop *loop;
	int fd, timer, signals, ticks;
	char byte;
};

static void on_pipe(void *arg, u32 events)
{
	struct seen *s = arg;

	assert_int_equal(read(s->fd, &s->byte, 1), 1);
	loop_del_fd(s->loop, s->fd);
	kill(getpid(), SIGUSR1);
}

static void on_signal(void *arg, u32 sig)
{
	struct seen *s = arg;

	assert_int_equal(sig, SIGUSR1);
	s->signals++;
}

static void on_tick(void *arg, u32 expirations)
{
	struct seen *s = arg;

	assert_true(expirations > 0);
	if (++s->ticks == 3) {
		loop_del_timer(s->loop, s->timer);
		loop_stop(s->loop);
	}
}

static void test_sources(void **state)
{
	struct seen s = {.loop = loop_new()};
	sigset_t mask;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	s.fd = fds[0];
	assert_int_equal(loop_add_fd(s.loop, fds[0], on_pipe, &s), 0);
	assert_int_equal(loop_add_signal(s.loop, SIGUSR1, on_signal, &s), 0);
	s.timer = loop_add_timer(s.loop, 1000000, 1000000, on_tick, &s);
	assert_true(s.timer >= 0);
	assert_int_equal(write(fds[1], "xy", 2), 2);
	assert_int_equal(loop_run(s.loop), 0);
	assert_int_equal(s.byte, 'x');
	assert_int_equal(s.signals, 1);
	assert_int_equal(s.ticks, 3);
	loop_free(s.loop);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	assert_false(sigismember(&mask, SIGUSR1));
	assert_int_equal(read(fds[0], &s.byte, 1), 1); /* the loop never owned it */
	close(fds[0]);
	close(fds[1]);
}

struct pair {
	struct loop *loop;
	int fd[2], calls;
};

/* Both are ready in one round; whichever comes first removes the other. */
static void on_either(void *arg, u32 events)
{
	struct pair *p = arg;

	p->calls++;
	loop_del_fd(p->loop, p->fd[0]);
	loop_del_fd(p->loop, p->fd[1]);
	loop_stop(p->loop);
}

static void test_deleted_while_ready(void **state)
{
	struct pair p = {.loop = loop_new()};
	int w[2];

	for (int i = 0; i < 2; i++) {
		int fds[2];
		assert_int_equal(pipe(fds), 0);
		p.fd[i] = fds[0];
		w[i] = fds[1];
		assert_int_equal(write(w[i], "x", 1), 1);
		assert_int_equal(loop_add_fd(p.loop, p.fd[i], on_either, &p), 0);
	}
	assert_int_equal(loop_run(p.loop), 0);
	assert_int_equal(p.calls, 1);
	loop_free(p.loop);
	for (int i = 0; i < 2; i++) {
		close(p.fd[i]);
		close(w[i]);
	}
}

static void test_bad_fd(void **state)
{
	struct loop *l = loop_new();

	assert_int_equal(loop_add_fd(l, 9999, on_either, NULL), -EBADF);
	loop_free(l);
}

static void test_clocks(void **state)
{
	u64 a = clock_mono_ns(), b = clock_mono_ns();

	assert_true(b >= a && a > 0);
	assert_true(clock_wall_ns() > 1600000000ull * NSEC_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_deleted_while_ready),
		cmocka_unit_test(test_bad_fd),
		cmocka_unit_test(test_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
