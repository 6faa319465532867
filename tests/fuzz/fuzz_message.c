/* SPDX-License-Identifier: ISC */
/* The whole message: any split gives the same tree, sizes are those counted.
 * plants: 23 24 */
#include <stdio.h>
#include <stdlib.h>

#include "libbase/ceilings.h"
#include "tests/unit/libmessage/message_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint32_t seed = 0;
	const char *bad;

	for (size_t i = 0; i < n; i++)
		seed = seed * 31 + data[i];
	bad = message_check(slice_of(data, n), seed);
	if (bad != NULL) {
		fprintf(stderr, "%s\n", bad);
		abort();
	}
	return 0;
}
