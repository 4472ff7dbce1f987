// SPDX-License-Identifier: Apache-2.0
/* Reading profiles, and what the terminal can show, for all commands. */
#include "cmd/input_int.h"
#include "sym/sym.h"

#include <dirent.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_newer(const struct stat *a, const struct stat *b)
{
	if (a->st_mtim.tv_sec != b->st_mtim.tv_sec)
		return a->st_mtim.tv_sec > b->st_mtim.tv_sec;
	return a->st_mtim.tv_nsec > b->st_mtim.tv_nsec;
}

const char *cmd_newest_recording(struct arena *a)
{
	struct stat st, best = {0};
	const char *name = NULL;
	struct dirent *e;
	DIR *d = opendir(".");

	while (d && (e = readdir(d))) {
		/* A dot file is one that is being written, or was abandoned. */
		if (e->d_name[0] == '.' || !str_ends(e->d_name, ".spoor") || stat(e->d_name, &st) ||
		    !S_ISREG(st.st_mode))
			continue;
		if (name && !is_newer(&st, &best))
			continue;
		best = st;
		name = arena_strndup(a, e->d_name, strlen(e->d_name));
	}
	if (d)
		closedir(d);
	if (!name) {
		err(-EINVAL, "no input was given, and there is no *.spoor in this directory");
		err_try("spoor record -a -d 10");
	}
	return name;
}

static void say_losses(const struct prof *p, const char *path)
{
	struct buf b = {0}, name = {0};

	prof_loss_line(p, &b);
	esc_term(&name, path, strlen(path));
	if (b.n)
		log_warn("%s: %s", buf_str(&name), b.p);
	buf_done(&b);
	buf_done(&name);
}

/* Only our own format has an end that could be missing. */
bool cmd_is_incomplete(const struct prof *p)
{
	return prof_lost(p) || prof_dropped(p) || p->acct.saturated ||
	       (p->format && !strcmp(p->format, "spoor") && !p->meta.complete_file);
}

static int load_one(struct prof *p, const char *path, const char *format, bool *incomplete)
{
	int rc = prof_load(p, path, format);

	if (!rc)
		say_losses(p, path);
	if (!rc && incomplete)
		*incomplete |= cmd_is_incomplete(p);
	/* A bad file is the world's fault, not wrong use. */
	return rc == -EINVAL && !format ? -EBADMSG : rc;
}

int cmd_load(struct command_ctx *c, struct prof *p, const char *format, bool *incomplete)
{
	const char *newest;
	size_t i;
	int rc = 0;

	if (!c->inputs.n) {
		newest = cmd_newest_recording(c->arena);
		if (!newest)
			return -EINVAL;
		if (log_level >= 0)
			fprintf(stderr, "reading %s\n", newest);
		return load_one(p, newest, format, incomplete);
	}
	if (c->inputs.n == 1)
		return load_one(p, c->inputs.v[0], format, incomplete);
	for (i = 0; i < c->inputs.n && !rc; i++) {
		struct prof one;

		prof_init(&one);
		rc = load_one(&one, c->inputs.v[i], format, incomplete);
		if (!rc)
			prof_merge(p, &one);
		prof_done(&one);
	}
	if (!rc)
		prof_finish(p);
	return rc;
}

int cmd_value_find(const struct prof *p, const char *name, u32 *column)
{
	struct buf names = {0};
	u32 i;

	*column = ~0u;
	if (!name)
		return 0;
	for (i = 0; i < p->nvalues; i++) {
		const char *have = prof_str(p, p->values[i].name);

		if (!strcmp(have, name))
			*column = i;
		buf_adds(&names, i ? ", " : "");
		esc_term(&names, have, strlen(have));
	}
	if (*column == ~0u) {
		err(-EINVAL, "the profile has no value called %s", name);
		err_try("--value with one of: %s", buf_str(&names));
	}
	buf_done(&names);
	return *column == ~0u ? -EINVAL : 0;
}

bool cmd_is_filtered(const struct prof_filter *k)
{
	return k->pids.n || k->tids.n || k->cpus.n || k->comms.n || k->frame_regex || k->from_ns ||
	       k->to_ns;
}

int cmd_filter(struct prof *p, const struct prof_filter *keep, bool no_demangle)
{
	struct prof_filter f = *keep;

	f.shown = no_demangle ? NULL : sym_demangle;
	return cmd_is_filtered(keep) ? prof_filter(p, &f) : 0;
}

bool cmd_color(bool no_color)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	return !no_color && !(no && *no) && term && strcmp(term, "dumb") && isatty(STDOUT_FILENO);
}

u32 cmd_width(void)
{
	struct winsize ws;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws))
		return 0;
	return ws.ws_col;
}
