// SPDX-License-Identifier: Apache-2.0
#include "base/base.h"

#include <unistd.h>

/* Like errno: what the last failing call of this thread has to say. */
static __thread char message[1024], hint[512];

int log_level;

void base_bug(const char *file, int line, const char *what)
{
	fprintf(stderr, "spoor: bug at %s:%d: %s\n", file, line, what);
	abort();
}

int err(int negative_errno, const char *fmt, ...)
{
	const char *why;
	va_list ap;
	size_t n;

	BUG_ON(negative_errno >= 0);
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	hint[0] = '\0';
	why = strerror(-negative_errno);
	n = strlen(message);
	/* Bad data is described by the message itself. */
	if (negative_errno != -EINVAL && negative_errno != -EBADMSG && !strstr(message, why))
		snprintf(message + n, sizeof(message) - n, ": %s", why);
	return negative_errno;
}

int err_ctx(int negative_errno, const char *fmt, ...)
{
	struct buf b = {0};
	va_list ap;

	va_start(ap, fmt);
	buf_addvf(&b, fmt, ap);
	va_end(ap);
	if (message[0])
		buf_addf(&b, ": %s", message);
	memcpy(message, b.p, MIN(b.n, sizeof(message) - 1));
	message[MIN(b.n, sizeof(message) - 1)] = '\0';
	buf_done(&b);
	return negative_errno;
}

void err_try(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(hint, sizeof(hint), fmt, ap);
	va_end(ap);
}

const char *err_msg(void)
{
	return message;
}

const char *err_hint(void)
{
	return hint;
}

void err_clear(void)
{
	message[0] = hint[0] = '\0';
}

/* Messages quote file names and other people's text: no control character reaches the terminal. */
static void say(const char *prefix, const char *text)
{
	struct buf b = {0};

	buf_adds(&b, prefix);
	esc_term(&b, text, strlen(text));
	buf_addc(&b, '\n');
	fwrite(b.p, 1, b.n, stderr);
	buf_done(&b);
}

void err_print(const char *command)
{
	char prefix[64];

	if (command && *command)
		snprintf(prefix, sizeof(prefix), "spoor: %s: ", command);
	else
		snprintf(prefix, sizeof(prefix), "spoor: ");
	say(prefix, message[0] ? message : "failed");
	if (hint[0])
		say("try: ", hint);
	err_clear();
}

static void PRINTF(2, 0) vlog(const char *prefix, const char *fmt, va_list ap)
{
	struct buf b = {0};

	buf_addvf(&b, fmt, ap);
	say(prefix, buf_str(&b));
	buf_done(&b);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	if (log_level < 0)
		return;
	va_start(ap, fmt);
	vlog("spoor: ", fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	if (log_level < 1)
		return;
	va_start(ap, fmt);
	vlog("spoor: ", fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	if (log_level < 2)
		return;
	va_start(ap, fmt);
	vlog("spoor: debug: ", fmt, ap);
	va_end(ap);
}
