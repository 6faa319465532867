/* SPDX-License-Identifier: ISC */
/*
 * A packed session: what is read and written again are the same bytes, and
 * nothing outside of them is looked at.
 * plants: 52
 */
#include <stdlib.h>
#include <string.h>

#include "imapd/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pack p;
	struct err err;
	struct buf out;
	char *exact = malloc(size + 1); /* the sanitizer guards its end */

	if (exact == NULL)
		return 0;
	exact = realloc(exact, size == 0 ? 1 : size);
	if (size > 0)
		memcpy(exact, data, size);
	if (pack_read(slice_of(exact, size), &p, &err) == 0) {
		buf_init(&out, 1u << 24);
		pack_write(&p, &out);
		if (!slice_eq(buf_slice(&out), slice_of(exact, size)))
			abort();
		buf_free(&out);
	} else if (err.code != ERR_CORRUPT) {
		abort();
	}
	free(exact);
	return 0;
}
