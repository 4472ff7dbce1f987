// SPDX-License-Identifier: Apache-2.0
/*
 * file: everything that names the functions of an ELF file. Its .symtab; or that of its separate
 * debug file, or the small one in .gnu_debugdata; then .dynsym and the PLT for what is missing.
 */
#include "sym/sym_int.h"

#include <unistd.h>

#define CRC_MAX_BYTES (512u << 20) /* a debug file without a build-id is read whole */

static int add_sym(const struct elf_sym *s, void *arg)
{
	table_add(arg, s, "");
	return 0;
}

static void debug_path(const char *root, const u8 *id, int id_len, char *out, size_t size_bytes)
{
	int i, n = snprintf(out, size_bytes, "%s/usr/lib/debug/.build-id/%02x/", root, id[0]);

	for (i = 1; i < id_len && n + 3 < (int)size_bytes; i++)
		n += snprintf(out + n, size_bytes - (size_t)n, "%02x", id[i]);
	if (n + 7 < (int)size_bytes)
		strcpy(out + n, ".debug");
}

bool file_debug_exists(const char *root, const u8 *id, int id_len)
{
	char path[4096];

	if (id_len < 2)
		return false;
	debug_path(root, id, id_len, path, sizeof(path));
	return !access(path, R_OK);
}

/* Belongs to e: by build-id where both have one, else by the CRC that e gives. */
static bool belongs(struct elf *e, struct elf *debug, const u32 *crc)
{
	u8 want[20], have[20];
	int n = elf_build_id(e, want);
	u32 c;

	if (elf_machine(debug) != elf_machine(e))
		return false;
	if (n > 0 && elf_build_id(debug, have) > 0)
		return elf_build_id(debug, have) == n && !memcmp(want, have, (size_t)n);
	return crc && !elf_crc(debug, &c) && c == *crc;
}

static struct elf *open_debug(struct elf *e, const char *path, const u32 *crc)
{
	struct stat st;
	struct elf *debug;
	int fd = open_regular(-1, path, &st);

	if (fd < 0)
		return NULL;
	debug = elf_open_fd(fd, path);
	close(fd);
	if (debug && !belongs(e, debug, st.st_size <= CRC_MAX_BYTES ? crc : NULL)) {
		elf_close(debug);
		debug = NULL;
	}
	return debug;
}

static struct elf *find_debug(const char *root, struct elf *e, const char *path)
{
	const char *slash = strrchr(path, '/'), *link;
	int ndir = slash ? (int)(slash - path) : 0;
	struct elf *debug = NULL;
	char try[4][4096];
	size_t i;
	u8 id[20];
	u32 crc;
	int n = elf_build_id(e, id);

	if (n >= 2) {
		debug_path(root, id, n, try[0], sizeof(try[0]));
		debug = open_debug(e, try[0], NULL);
	}
	link = elf_debuglink(e, &crc);
	if (debug || !link || !slash)
		return debug;
	snprintf(try[1], sizeof(try[1]), "%s%.*s/%s", root, ndir, path, link);
	snprintf(try[2], sizeof(try[2]), "%s%.*s/.debug/%s", root, ndir, path, link);
	snprintf(try[3], sizeof(try[3]), "%s/usr/lib/debug%.*s/%s", root, ndir, path, link);
	for (i = 1; i < ARRAY_SIZE(try) && !debug; i++)
		debug = open_debug(e, try[i], &crc);
	return debug;
}

static void add_segments(struct elf *e, struct sym_table *t)
{
	struct elf_segment seg;
	size_t pos = 0;

	while (t->nsegs < SYM_SEGS && elf_load(e, &pos, &seg))
		if (seg.exec)
			t->segs[t->nsegs++] = (struct sym_seg){seg.off, seg.addr, seg.size_bytes};
}

void file_table(const char *root, struct elf *e, const char *path, struct sym_table *t)
{
	struct table_build b = {0};
	struct elf *other = NULL;
	u32 flags = 0;

	if (elf_symbols(e, false, add_sym, &b) <= 0) {
		other = find_debug(root, e, path);
		if (other && elf_symbols(other, false, add_sym, &b) > 0) {
			flags |= TABLE_COSTLY;
		} else {
			flags |= TABLE_STRIPPED;
			elf_close(other);
			other = elf_open_debugdata(e);
			if (other && elf_symbols(other, false, add_sym, &b) > 0)
				flags |= TABLE_COSTLY;
		}
		elf_close(other);
	}
	table_seal(&b);
	elf_symbols(e, true, add_sym, &b);
	elf_plt(e, add_sym, &b);
	table_finish(&b, t);
	t->flags = flags;
	add_segments(e, t);
}
