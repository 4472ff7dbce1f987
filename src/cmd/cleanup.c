// SPDX-License-Identifier: Apache-2.0
/*
 * spoor cleanup: what a killed run may have left. Runs of this version hold everything in the
 * kernel by file descriptors, which vanish with them; only temporary files can stay. The rest is
 * for other versions, which may pin, make tracefs instances or probes by name.
 */
#include "cmd/cleanup_int.h"

#include <unistd.h>

#include "bpf/bpf.h"
#include "sys/sys.h"

struct cleanup_opts {
	bool dry_run, quiet;
	u8 verbose;
};

static const struct opt cleanup_options[] = {
	{0, "dry-run", OPT_FLAG, offsetof(struct cleanup_opts, dry_run), NULL,
	 "only say what would be removed"},
	OPTS_COMMON(struct cleanup_opts),
	OPT_END,
};

static int cleanup_run(struct command_ctx *ctx);

const struct command cmd_cleanup = {
	.name = "cleanup",
	.group = GROUP_MACHINE,
	.summary = "find and remove what a killed run may have left",
	.usage = "[--dry-run]",
	.details =
		"Looks for: temporary files of outputs (.NAME.spoor-PID.tmp) in this directory and "
		"in the cache directory; cached symbols that nobody used for 30 days; tracefs "
		"instances, kprobes and uprobes whose name starts with spoor; BPF objects pinned "
		"as spoor* in /sys/fs/bpf.\n\n"
		"What belongs to a process that still runs is kept. What does not say whose it is "
		"is kept while another spoor runs. BPF programs and maps that are still loaded "
		"are only listed: the kernel drops them with their last user.\n\n"
		"The exit status is 0 when nothing is left that should go, and 2 when something "
		"could not be removed.",
	.examples = "spoor cleanup --dry-run\tlook first\n"
		    "sudo spoor cleanup\tlook into the kernel too\n",
	.opts = cleanup_options,
	.opts_bytes = sizeof(struct cleanup_opts),
	.no_inputs = true,
	.run = cleanup_run,
};

static int find_other(pid_t pid, void *arg)
{
	struct cleanup *c = arg;
	char comm[16];

	if (pid != getpid() && !proc_comm(c->root, pid, comm) && !strcmp(comm, "spoor"))
		c->others = true;
	return c->others;
}

/* The directories that may hold the cache, as for sym. */
static void clean_caches(struct cleanup *c)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char path[4096];

	if (xdg && xdg[0] == '/') {
		snprintf(path, sizeof(path), "%s/spoor", xdg);
		cleanup_files(c, path, true);
	}
	if (home && home[0] == '/') {
		snprintf(path, sizeof(path), "%s/.cache/spoor", home);
		cleanup_files(c, path, true);
	}
	if (!geteuid())
		cleanup_files(c, "/var/cache/spoor", true);
}

static int list_object(const char *kind, u32 id, const char *name, void *arg)
{
	struct cleanup *c = arg;

	out_printf(c->out, "loaded   BPF %s %s (id %u): %s\n", kind, name, id,
		   c->others ? "a spoor runs" : "something else holds it");
	return 0;
}

static int cleanup_run(struct command_ctx *ctx)
{
	const struct cleanup_opts *o = ctx->opts;
	struct cleanup c = {.root = "",
			    .dry_run = o->dry_run,
			    .now_s = clock_wall_ns() / NSEC_PER_SEC,
			    .out = out_fd(STDOUT_FILENO)};
	int rc;

	proc_each("", 0, find_other, &c);
	cleanup_files(&c, ".", false);
	clean_caches(&c);
	cleanup_tracefs(&c);
	cleanup_bpffs(&c);
	if (bpf_objects_each("spoor", list_object, &c))
		log_info("loaded BPF programs cannot be listed: not permitted");
	if (geteuid())
		log_warn("cleanup: not root: what is left in the kernel cannot be seen");
	if (!o->quiet && !c.removed && !c.kept && !c.failed)
		out_puts(c.out, "nothing was left behind\n");
	else if (!o->quiet)
		out_printf(c.out, "%llu %s, %llu kept, %llu failed\n",
			   (unsigned long long)c.removed,
			   c.dry_run ? "would be removed" : "removed", (unsigned long long)c.kept,
			   (unsigned long long)c.failed);
	err_clear();
	rc = out_close(c.out);
	return rc ? rc : c.failed ? EXIT_WORLD : EXIT_DONE;
}
