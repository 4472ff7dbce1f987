/* SPDX-License-Identifier: Apache-2.0 */
/* sys_int: what the files of this folder share. */
#ifndef SPOOR_SYS_INT_H
#define SPOOR_SYS_INT_H

#include "sys/sys.h"

/*
 * Reads all of root + path into out (which is reset first; NUL-terminated even when empty), at
 * most max_bytes. 0, -EFBIG when there is more, or -errno with a message.
 */
int sys_read(const char *root, const char *path, struct buf *out, size_t max_bytes);
/* The build-id in ELF notes; length (1..20), or -ENOENT. */
int notes_build_id(const void *notes, size_t n, u8 id[20]);
/* A bare number at *p in the base (10 or 16), moving *p past its digits; false when there is none
 * or when it does not fit. Never reads end. */
bool scan_u64(const char **p, const char *end, int base, u64 *out);

#endif
