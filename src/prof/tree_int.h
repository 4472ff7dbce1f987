/* SPDX-License-Identifier: Apache-2.0 */
/* Walking the stacks of a profile in order; for writers. */
#ifndef SPOOR_TREE_INT_H
#define SPOOR_TREE_INT_H

#include "prof/prof_int.h"

/*
 * Calls fn for every node in depth-first order, siblings sorted by name (then module, kind). depth
 * is 1 for the children of the root. fn returns 0 to go on; anything else ends the walk and is
 * returned.
 */
typedef int (*tree_fn)(void *arg, u32 node, u32 depth);
int tree_walk(const struct prof *p, tree_fn fn, void *arg);

#endif
