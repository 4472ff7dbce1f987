/* SPDX-License-Identifier: Apache-2.0 */
/* bpf_int: what the files of this folder share. */
#ifndef SPOOR_BPF_INT_H
#define SPOOR_BPF_INT_H

#include <linux/perf_event.h>
#include <linux/types.h>

#include "bpf/bpf.h"
#include "bpf/sampler.bpf.h"

_Static_assert(SAMPLER_MAX_STACK == SAMPLER_FRAMES, "one limit, two names");
_Static_assert(sizeof(struct sampler_rec) == SAMPLER_REC_HEAD + 256 * 8, "record layout");
_Static_assert(SAMPLER_KSTACK_CUT == SAMPLER_REC_KSTACK_CUT &&
		       SAMPLER_USTACK_CUT == SAMPLER_REC_USTACK_CUT &&
		       SAMPLER_USTACK_NONE == SAMPLER_REC_USTACK_NONE &&
		       SAMPLER_IN_KERNEL == SAMPLER_REC_IN_KERNEL &&
		       SAMPLER_OTHER_NS == SAMPLER_REC_OTHER_NS,
	       "one set of flags, two names");

/* perf_event_open(2) with close-on-exec; the fd or -errno. */
int perf_open(struct perf_event_attr *attr, int pid, int cpu);

/* btf_offs.c: finds the members in the kernel's BTF. 0, or -ENOENT when one is missing, or
 * -EBADMSG. Survives any bytes. The second reads /sys/kernel/btf/vmlinux. */
int btf_offs_parse(const void *btf, size_t n, struct sampler_offs *o);
int btf_offs_read(struct sampler_offs *o);

/* A record of the ring as an event; -EBADMSG when its sizes do not fit. */
int sampler_decode(const void *rec, size_t n, struct sampler_event *e);

/*
 * A record of perf's ring as an event; n is what the record's header says and is there. 0, 1 when
 * the record is of no interest, -EBADMSG when its sizes do not fit. Strings point into the record.
 */
int taskev_decode(const void *rec, size_t n, struct taskev *e);

/* caps.c: the message for a refusal, with the capabilities that are missing; returns rc. */
int bpf_refused(int rc, const char *what);

/* Makes libbpf silent below -vv; its hints do not fit here. */
void bpf_quiet(void);

#endif
