/* SPDX-License-Identifier: ISC */
/* What a test may see of the index in memory, and break. */
#ifndef TESTS_UNIT_LIBMAILDIR_MEMORY_INDEX_H
#define TESTS_UNIT_LIBMAILDIR_MEMORY_INDEX_H

#include "libmaildir/index.h"

struct memory_index_look {
	unsigned reads, writes;
	bool is_broken; /* answers 0 */
};
struct memory_index_look *memory_index_look(struct index *ix);

#endif
