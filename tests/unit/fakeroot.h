/* SPDX-License-Identifier: Apache-2.0 */
/* A made-up machine: a temporary directory that files are put into. */
#ifndef SPOOR_FAKEROOT_H
#define SPOOR_FAKEROOT_H

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

static inline char *fakeroot_new(void)
{
	char *dir = xasprintf("%s/spoor-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");

	BUG_ON(!mkdtemp(dir));
	return dir;
}

static inline void fakeroot_dirs(const char *root, const char *path)
{
	char *full = xasprintf("%s%s", root, path), *c;

	for (c = full + strlen(root) + 1; (c = strchr(c, '/')); c++) {
		*c = 0;
		mkdir(full, 0755);
		*c = '/';
	}
	free(full);
}

static inline void fakeroot_put(const char *root, const char *path, const void *p, size_t n)
{
	char *full = xasprintf("%s%s", root, path);
	FILE *f;

	fakeroot_dirs(root, path);
	f = fopen(full, "w");
	BUG_ON(!f || fwrite(p, 1, n, f) != n || fclose(f));
	free(full);
}

static inline void fakeroot_puts(const char *root, const char *path, const char *text)
{
	fakeroot_put(root, path, text, strlen(text));
}

static inline int fakeroot_remove_one(const char *path, const struct stat *st, int flag,
				      struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static inline void fakeroot_free(char *root)
{
	nftw(root, fakeroot_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(root);
}

#endif
