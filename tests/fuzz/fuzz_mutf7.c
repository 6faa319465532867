/* SPDX-License-Identifier: ISC */
/* Modified UTF-7: one text has one encoding, both ways. plants: 35 */
#include <stdlib.h>

#include "libbase/ceilings.h"
#include "libmaildir/mutf7.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = slice_of(data, n);
	struct buf there, back;

	if (n > 64 * KIB)
		return 0;
	buf_init(&there, 1 * MIB);
	buf_init(&back, 1 * MIB);
	if (mutf7_decode(in, &there) == 0) {
		if (!slice_is_utf8(buf_slice(&there)) ||
		    mutf7_encode(buf_slice(&there), &back) < 0 ||
		    !slice_eq(buf_slice(&back), in))
			abort();
	} else if (there.n != 0) {
		abort();
	}
	buf_reset(&there);
	buf_reset(&back);
	/* NUL is the one character that is written and not read */
	if (mutf7_encode(in, &there) == 0 && slice_find(in, '\0') < 0 &&
	    (mutf7_decode(buf_slice(&there), &back) < 0 ||
		!slice_eq(buf_slice(&back), in)))
		abort();
	buf_free(&there);
	buf_free(&back);
	return 0;
}
