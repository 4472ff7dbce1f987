/* SPDX-License-Identifier: Apache-2.0 */
/* What doctor's files share: a list of answers, filled group by group and printed at the end. */
#ifndef SPOOR_DOCTOR_INT_H
#define SPOOR_DOCTOR_INT_H

#include "cmd/cmd.h"

enum doctor_status {
	DOCTOR_OK,
	DOCTOR_NO,   /* something that spoor would use cannot be had */
	DOCTOR_NOTE, /* "--": no fault, but worth knowing; or not known */
};

struct doctor_line {
	const char *group, *id, *what;
	enum doctor_status status;
	const char *why, *mend; /* may be NULL */
	u64 took_ns;
};

struct doctor {
	struct arena *arena;
	const char *root; /* in front of /proc, /sys, /usr: "" or a made-up machine */
	u64 caps;	  /* effective capabilities */
	bool privileged;  /* may use BPF and perf on everything */
	const char *group;
	u64 last_ns;
	VEC(struct doctor_line) lines;
};

void doctor_add(struct doctor *d, const char *id, const char *what, enum doctor_status status,
		const char *why, const char *mend);
const char *doctor_text(struct doctor *d, const char *fmt, ...) PRINTF(2, 3); /* in the arena */
/* The first max_bytes of a small file under the root, in the arena; NULL: see errno. */
const char *doctor_read(struct doctor *d, const char *path, size_t max_bytes);

/* doctor_machine.c: kernel, mounts, capabilities, settings, space. Reads caps first. */
void doctor_machine(struct doctor *d);
void doctor_rights(struct doctor *d);
void doctor_settings(struct doctor *d);
void doctor_space(struct doctor *d);
/* doctor_names.c: kernel symbols, frame pointers of libc. */
void doctor_names(struct doctor *d);

/*
 * Share of functions that set up a frame pointer, in percent, among those of at least 48 bytes; -1
 * when there are none. code is at address addr; offsets and sizes come from a symbol table.
 */
struct doctor_func {
	u64 addr, size_bytes;
};
int doctor_frame_pointers(int elf_machine, const u8 *code, size_t code_bytes, u64 addr,
			  const struct doctor_func *funcs, size_t n);

#endif
