/* SPDX-License-Identifier: ISC */
/* Envelopes of the queue: what is printed is what was parsed. plants: 71 */
#include <stdlib.h>

#include "submitd/spool_envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct spool_envelope e, again;
	struct arena arena;
	struct buf a, b;
	struct err err;

	arena_init(&arena, ENVELOPE_MAX_BYTES);
	buf_init(&a, 4 * ENVELOPE_MAX_BYTES);
	buf_init(&b, 4 * ENVELOPE_MAX_BYTES);
	if (envelope_parse(slice_of(data, n), &arena, &e, &err) == 0) {
		envelope_put(&e, &a);
		if (envelope_parse(buf_slice(&a), &arena, &again, &err) == 0) {
			envelope_put(&again, &b);
			if (!slice_eq(buf_slice(&a), buf_slice(&b)))
				abort();
		} else if (!arena.failed) {
			abort();
		}
	}
	buf_free(&a);
	buf_free(&b);
	arena_free(&arena);
	return 0;
}
