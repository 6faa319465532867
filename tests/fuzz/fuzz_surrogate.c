/* SPDX-License-Identifier: ISC */
/* Headers made ASCII: ASCII it is, without CR, with as many fields, and what
 * needs no change is not touched. plants: 67 */
#include <stdlib.h>

#include "libbase/ceilings.h"
#include "libmessage/header.h"
#include "pop3d/pop3_surrogate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static unsigned
count(struct slice block)
{
	struct header_iter it;
	struct header_field f;
	unsigned n = 0;

	header_begin(&it, block);
	while (header_next(&it, &f))
		n++;
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice header = slice_of(data, n);
	struct buf b;

	if (n > 32 * KIB || !pop3_surrogate_needed(header))
		return 0;
	header = slice_head(header, header_length(header));
	buf_init(&b, 8 * MAX_HEADER_BYTES);
	pop3_surrogate_put(header, &b);
	if (!buf_ok(&b) || !slice_is_ascii(buf_slice(&b)) ||
	    slice_find(buf_slice(&b), '\r') != -1 ||
	    count(buf_slice(&b)) != count(header))
		abort();
	buf_free(&b);
	return 0;
}
