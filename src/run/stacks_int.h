/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From raw stacks to nodes of a profile.
 *
 *   raw       hash -> addresses, as they came out of the ring; each is sent once
 *   resolved  (raw stack, contents of the address space, comm) -> frames
 *   frames    every distinct {name, module, kind}; has its id in the chunk being written
 *
 * Everything is a cache of what can be found again; stacks_trim() keeps it small.
 */
#ifndef SPOOR_RUN_STACKS_H
#define SPOOR_RUN_STACKS_H

#include "prof/prof.h"
#include "run/procs_int.h"

struct raw_stacks {
	struct map by_hash; /* -> index + 1 into words */
	VEC(u64) words;	    /* nk << 32 | nu, leaf_ret, leaf_entry, then the addresses */
};

/* A frame, with its id in the current chunk. */
struct stack_frame {
	u32 name, module; /* in names */
	u64 offset;
	u8 kind, flags;
	u32 chunk, prof_id;
};

struct stack {
	u32 first, n; /* in frame_nos, root first; the comm is the first */
	u32 chunk, node;
	u8 flags;   /* SAMPLE_COMPLETE and marks */
	u32 health; /* index + 1 of the module the user stack stops in; 0 none */
};

/* How user stacks fared in one module, since the last chunk. */
struct stack_health {
	u32 module; /* in names */
	struct sym_module *mod;
	u64 stacks, complete;
};

struct stacks {
	struct sym_ctx *sym;
	struct procs *procs;
	bool want_user, want_kernel;
	struct raw_stacks raw, old_raw;
	struct map by_key; /* -> index + 1 in resolved */
	VEC(struct stack) resolved;
	VEC(u32) frame_nos;
	struct map by_frame; /* hash -> index + 1 in frames, open chain by hash + 1 */
	VEC(struct stack_frame) frames;
	struct map by_addr; /* (file, offset) or kernel address -> index + 1 in frames */
	struct intern names;
	VEC(struct stack_health) health;
	u64 kernel_gen; /* changes with the kernel's symbols */
	u32 chunk;
	u64 missing; /* samples whose stack was never received */
};

void stacks_init(struct stacks *s, struct sym_ctx *sym, struct procs *procs,
		 const struct sampler_opts *o);
void stacks_done(struct stacks *s);
/* Keeps the addresses of a new stack; for others nothing. */
void stacks_take(struct stacks *s, const struct sampler_event *e);
/*
 * The stack of a sample, resolved with the mappings that its process has now. pr is NULL for a
 * process that we cannot see. NULL when its addresses are not known (counted in missing).
 */
struct stack *stacks_resolve(struct stacks *s, const struct sampler_event *e, struct proc *pr);
/* Its node in the chunk p. */
u32 stacks_node(struct stacks *s, struct stack *st, struct prof *p);
/* Adds stack health to the chunk and starts the next one. */
void stacks_chunk_end(struct stacks *s, struct prof *p);
/* The names of kernel addresses have changed. */
void stacks_kernel_changed(struct stacks *s);
/*
 * Between chunks: forgets what has grown too big. True when the sampler must send every stack again
 * (sampler_forget); raw stacks that samples on their way may refer to are kept until the next time.
 */
bool stacks_trim(struct stacks *s);

#endif
