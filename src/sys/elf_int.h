/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf_int: the reader's inside. Headers are copied at once; everything else is read on demand by
 * pread() into memory of our own, so that a file that is cut off or rewritten under us can give
 * wrong bytes, but never SIGBUS. Every offset is checked against the size at opening.
 */
#ifndef SPOOR_ELF_INT_H
#define SPOOR_ELF_INT_H

#include <elf.h>

#include "sys/sys_int.h"

struct elf_data { /* a section's bytes, kept until elf_close() */
	struct elf_data *next;
	size_t section;
	void *p;
	size_t n;
};

struct elf {
	int fd;	       /* -1: mem */
	const u8 *mem; /* whole file */
	void *own;     /* mem, when it is ours to free with big_free() */
	size_t size;
	char *name;
	Elf64_Ehdr eh;
	Elf64_Phdr *ph;
	size_t nph;
	Elf64_Shdr *sh;
	size_t nsh;
	char *shstr; /* NUL-terminated */
	size_t nshstr;
	struct elf_data *data;
};

/* 0 or -EBADMSG when any of it is outside the file. */
int elf_pread(const struct elf *e, u64 off, void *p, size_t n);
/* An elf over memory that it frees. Takes p even when it returns NULL. */
struct elf *elf_open_own(void *p, size_t n, const char *name);
const char *elf_section_name(const struct elf *e, const Elf64_Shdr *s);
Elf64_Shdr *elf_section_find(const struct elf *e, const char *name);
/* The bytes of section i, decompressed; NULL when it has none or they are not there. */
const void *elf_section_data(struct elf *e, size_t i, size_t *size_bytes);

/* What an SHF_COMPRESSED section holds (zlib or zstd), to be freed with big_free(); NULL when bad.
 */
void *elf_decompress(const void *p, size_t n, u64 max_bytes, size_t *out_n);

/* Strings of a table, through a window that follows the reader; nothing big is ever in memory. */
struct elf_strings {
	const struct elf *e;
	u64 off, size; /* of the table in the file */
	u64 at;	       /* offset in the table of the window */
	size_t n;
	u64 read_bytes; /* so far: a table that is jumped about in is loaded whole */
	char *p;
	size_t cap;
};
void elf_strings_init(struct elf_strings *t, const struct elf *e, u64 off, u64 size);
/* The string at `at`, cut at 64 KiB; valid until the next call. NULL when there is none. */
const char *elf_strings_get(struct elf_strings *t, u64 at);
void elf_strings_done(struct elf_strings *t);

/* Where a symbol table and its names are; through PT_DYNAMIC when there are no section headers. */
struct elf_symtab {
	u64 off, n, str_off, str_size;
};
bool elf_symtab_find(const struct elf *e, bool dyn, struct elf_symtab *t);

#endif
