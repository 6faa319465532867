/* SPDX-License-Identifier: ISC */
/* The aliases file: no key and no target is empty, none is a program.
 * plants: 73 */
#include <stdlib.h>

#include "libbase/ceilings.h"
#include "submitd/aliases.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct aliases a = { 0 };
	const struct alias *al;
	struct arena arena;
	struct err err;
	unsigned i;

	arena_init(&arena, 4 * MIB);
	if (aliases_parse(&a, &arena, slice_of(data, n), &err) == 0)
		for (al = a.first; al != NULL; al = al->next) {
			if (al->key.n == 0 || al->n_targets == 0 ||
			    aliases_find(&a, al->key) == NULL)
				abort();
			for (i = 0; i < al->n_targets; i++)
				if (al->targets[i].n == 0 ||
				    al->targets[i].p[0] == '|')
					abort();
		}
	arena_free(&arena);
	return 0;
}
