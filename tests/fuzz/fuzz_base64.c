/* SPDX-License-Identifier: ISC */
/* Base64: a text that is taken has one form only. plants: 11 */
#include <stdlib.h>

#include "libbase/base64.h"
#include "libbase/ceilings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = slice_of(data, n);
	struct buf text, back;

	buf_init(&text, 1 * MIB);
	buf_init(&back, 1 * MIB);
	if (base64_decode(in, &text) == 0) {
		base64_encode(buf_slice(&text), &back);
		if (!slice_eq(buf_slice(&back), in))
			abort();
	} else if (text.n != 0) {
		abort();
	}
	buf_reset(&text);
	buf_reset(&back);
	base64_encode(in, &text);
	if (base64_decode(buf_slice(&text), &back) == -1 ||
	    !slice_eq(buf_slice(&back), in))
		abort();
	buf_free(&text);
	buf_free(&back);
	return 0;
}
