// SPDX-License-Identifier: Apache-2.0
/* elf: opening, headers, sections, segments, build-ids. */
#include "sys/elf_int.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTION_MAX_BYTES ((u64)1 << 30)

int elf_pread(const struct elf *e, u64 off, void *p, size_t n)
{
	size_t done = 0;

	if (n > e->size || off > e->size - n)
		return -EBADMSG;
	if (e->mem) {
		if (n)
			memcpy(p, e->mem + off, n);
		return 0;
	}
	while (done < n) {
		ssize_t k = pread(e->fd, (char *)p + done, n - done, (off_t)(off + done));

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return -EBADMSG; /* cut off since it was opened, or a bad disk */
		done += (size_t)k;
	}
	return 0;
}

static int check_header(struct elf *e)
{
	if (elf_pread(e, 0, &e->eh, sizeof(e->eh)) || memcmp(e->eh.e_ident, ELFMAG, SELFMAG))
		return err(-EBADMSG, "%s is not an ELF file", e->name);
	if (e->eh.e_ident[EI_CLASS] != ELFCLASS64)
		return err(-EINVAL, "%s is a 32-bit ELF file", e->name);
	if (e->eh.e_ident[EI_DATA] != ELFDATA2LSB)
		return err(-EINVAL, "%s is a big-endian ELF file", e->name);
	if (e->eh.e_machine != EM_X86_64 && e->eh.e_machine != EM_AARCH64)
		return err(-EINVAL, "%s is for another processor (ELF machine %u)", e->name,
			   e->eh.e_machine);
	return 0;
}

/* Counts that do not fit the header are in section 0. A table that is not whole is no table. */
static void load_headers(struct elf *e)
{
	u64 nph = e->eh.e_phnum, nsh = e->eh.e_shnum, strndx = e->eh.e_shstrndx;
	Elf64_Shdr zero = {0}, *s;

	if (e->eh.e_shoff && e->eh.e_shentsize == sizeof(Elf64_Shdr) &&
	    !elf_pread(e, e->eh.e_shoff, &zero, sizeof(zero))) {
		nsh = nsh ? nsh : zero.sh_size;
		strndx = strndx == SHN_XINDEX ? zero.sh_link : strndx;
		nph = nph == PN_XNUM ? zero.sh_info : nph;
		if (nsh && nsh <= e->size / sizeof(*e->sh)) {
			e->sh = xmalloc(nsh * sizeof(*e->sh));
			if (!elf_pread(e, e->eh.e_shoff, e->sh, nsh * sizeof(*e->sh)))
				e->nsh = nsh;
		}
	}
	if (nph && e->eh.e_phentsize == sizeof(Elf64_Phdr) && nph <= e->size / sizeof(*e->ph)) {
		e->ph = xmalloc(nph * sizeof(*e->ph));
		if (!elf_pread(e, e->eh.e_phoff, e->ph, nph * sizeof(*e->ph)))
			e->nph = nph;
	}
	if (strndx >= e->nsh)
		return;
	s = &e->sh[strndx];
	if (s->sh_type == SHT_NOBITS || s->sh_size > MIN(e->size, 64u << 20))
		return;
	e->shstr = xcalloc(1, s->sh_size + 1);
	if (!elf_pread(e, s->sh_offset, e->shstr, s->sh_size))
		e->nshstr = s->sh_size;
}

static struct elf *finish_open(struct elf *e)
{
	if (check_header(e)) {
		elf_close(e);
		return NULL;
	}
	load_headers(e);
	return e;
}

static struct elf *elf_new(const char *name)
{
	struct elf *e = xcalloc(1, sizeof(*e));

	e->fd = -1;
	e->name = xstrdup(name);
	return e;
}

struct elf *elf_open_fd(int fd, const char *name)
{
	struct elf *e;
	struct stat st;

	if (fstat(fd, &st)) {
		err(-errno, "cannot read %s", name);
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		err(-EINVAL, "%s is not a regular file", name);
		return NULL;
	}
	e = elf_new(name);
	e->size = (size_t)st.st_size;
	e->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (e->fd < 0) {
		err(-errno, "cannot read %s", name);
		elf_close(e);
		return NULL;
	}
	return finish_open(e);
}

struct elf *elf_open(const char *path)
{
	/* O_NONBLOCK: a FIFO in the file's place must not stop us */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct elf *e;

	if (fd < 0) {
		err(-errno, "cannot open %s", path);
		return NULL;
	}
	e = elf_open_fd(fd, path);
	close(fd);
	return e;
}

struct elf *elf_open_mem(const void *p, size_t n, const char *name)
{
	struct elf *e = elf_new(name);

	e->mem = p;
	e->size = n;
	return finish_open(e);
}

struct elf *elf_open_own(void *p, size_t n, const char *name)
{
	struct elf *e = elf_new(name);

	e->mem = e->own = p;
	e->size = n;
	return finish_open(e);
}

void elf_close(struct elf *e)
{
	struct elf_data *d, *next;

	if (!e)
		return;
	for (d = e->data; d; d = next) {
		next = d->next;
		big_free(d->p, d->n);
		free(d);
	}
	if (e->fd >= 0)
		close(e->fd);
	big_free(e->own, e->size);
	free(e->ph);
	free(e->sh);
	free(e->shstr);
	free(e->name);
	free(e);
}

int elf_machine(const struct elf *e)
{
	return e->eh.e_machine;
}

bool elf_is_exec(const struct elf *e)
{
	return e->eh.e_type == ET_EXEC;
}

const char *elf_section_name(const struct elf *e, const Elf64_Shdr *s)
{
	return s->sh_name < e->nshstr ? e->shstr + s->sh_name : "";
}

Elf64_Shdr *elf_section_find(const struct elf *e, const char *name)
{
	size_t i;

	for (i = 1; i < e->nsh; i++)
		if (!strcmp(elf_section_name(e, &e->sh[i]), name))
			return &e->sh[i];
	return NULL;
}

static int note_at(const struct elf *e, u64 off, u64 size, u8 id[20])
{
	u8 small[4096];
	u8 *p = small;
	int ret = -ENOENT;

	if (size > 1u << 20)
		return -ENOENT; /* nobody's notes are that long */
	if (size > sizeof(small))
		p = xmalloc(size);
	if (!elf_pread(e, off, p, size))
		ret = notes_build_id(p, size, id);
	if (p != small)
		free(p);
	return ret;
}

int elf_build_id(const struct elf *e, u8 id[20])
{
	const Elf64_Shdr *s;
	int ret = -ENOENT;
	size_t i;

	/* a separate debug file has program headers that point nowhere, and true sections */
	for (i = 0; i < MIN(e->nph, (size_t)64) && ret < 0; i++)
		if (e->ph[i].p_type == PT_NOTE)
			ret = note_at(e, e->ph[i].p_offset, e->ph[i].p_filesz, id);
	if (ret > 0)
		return ret;
	s = elf_section_find(e, ".note.gnu.build-id");
	return s && s->sh_type == SHT_NOTE ? note_at(e, s->sh_offset, s->sh_size, id) : -ENOENT;
}

/* Raw bytes of section i into fresh memory (big_free); NULL when they are not there. */
static void *read_raw(const struct elf *e, const Elf64_Shdr *s)
{
	void *p;

	if (s->sh_type == SHT_NOBITS || !s->sh_size || s->sh_size > MIN(e->size, SECTION_MAX_BYTES))
		return NULL;
	p = big_realloc(NULL, 0, s->sh_size);
	if (!elf_pread(e, s->sh_offset, p, s->sh_size))
		return p;
	big_free(p, s->sh_size);
	return NULL;
}

const void *elf_section_data(struct elf *e, size_t i, size_t *size_bytes)
{
	const Elf64_Shdr *s = &e->sh[i];
	struct elf_data *d;
	void *p;
	size_t n;

	for (d = e->data; d; d = d->next) {
		if (d->section == i) {
			*size_bytes = d->n;
			return d->p;
		}
	}
	p = read_raw(e, s);
	n = s->sh_size;
	if (p && (s->sh_flags & SHF_COMPRESSED)) {
		void *plain = elf_decompress(p, n, SECTION_MAX_BYTES, &n);

		big_free(p, s->sh_size);
		p = plain;
	}
	if (!p)
		return NULL;
	d = xcalloc(1, sizeof(*d));
	*d = (struct elf_data){.next = e->data, .section = i, .p = p, .n = n};
	e->data = d;
	*size_bytes = n;
	return p;
}

const void *elf_section(struct elf *e, const char *name, size_t *size_bytes, u64 *addr)
{
	Elf64_Shdr *s = elf_section_find(e, name);

	if (!s)
		return NULL;
	if (addr)
		*addr = s->sh_addr;
	return elf_section_data(e, (size_t)(s - e->sh), size_bytes);
}

const char *elf_debuglink(struct elf *e, u32 *crc)
{
	size_t n, len;
	const char *p = elf_section(e, ".gnu_debuglink", &n, NULL);

	if (!p)
		return NULL;
	len = strnlen(p, n);
	if (!len || ((len + 4) & ~(size_t)3) + 4 > n || memchr(p, '/', len))
		return NULL;
	memcpy(crc, p + ((len + 4) & ~(size_t)3), 4);
	return p;
}

/* A byte of the file may be in two segments' pages; code wants the executable one. */
u64 elf_off_to_addr(const struct elf *e, u64 off)
{
	u64 ret = UINT64_MAX;
	size_t i;

	for (i = 0; i < e->nph; i++) {
		const Elf64_Phdr *p = &e->ph[i];

		if (p->p_type != PT_LOAD || off < p->p_offset || off - p->p_offset >= p->p_filesz)
			continue;
		if (p->p_flags & PF_X)
			return off - p->p_offset + p->p_vaddr;
		if (ret == UINT64_MAX)
			ret = off - p->p_offset + p->p_vaddr;
	}
	return ret;
}

u64 elf_addr_to_off(const struct elf *e, u64 addr)
{
	size_t i;

	for (i = 0; i < e->nph; i++) {
		const Elf64_Phdr *p = &e->ph[i];

		if (p->p_type == PT_LOAD && addr >= p->p_vaddr && addr - p->p_vaddr < p->p_filesz)
			return addr - p->p_vaddr + p->p_offset;
	}
	return UINT64_MAX;
}

bool elf_load(const struct elf *e, size_t *pos, struct elf_segment *out)
{
	while (*pos < e->nph) {
		const Elf64_Phdr *p = &e->ph[(*pos)++];

		if (p->p_type != PT_LOAD || !p->p_filesz)
			continue;
		*out = (struct elf_segment){.off = p->p_offset,
					    .addr = p->p_vaddr,
					    .size_bytes = p->p_filesz,
					    .exec = (p->p_flags & PF_X) != 0};
		return true;
	}
	return false;
}

int elf_read(const struct elf *e, u64 off, void *p, size_t n)
{
	if (elf_pread(e, off, p, n))
		return err(-EBADMSG, "%s ends before offset %llu", e->name,
			   (unsigned long long)(off + n));
	return 0;
}
