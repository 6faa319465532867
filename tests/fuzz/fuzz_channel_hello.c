/* SPDX-License-Identifier: ISC */
/* The hello of a channel: bounded, and its parts lie inside. plants: 43 44 */
#include <stdlib.h>
#include <string.h>

#include "libbase/hash.h"
#include "libbase/mem.h"
#include "libnet/channel_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct channel_hello h;
	struct channel_wire w;
	struct err err;
	size_t used;
	int r = channel_hello_parse(slice_of(data, n), &h, &used, &err);

	if (r == 0 && n >= sizeof w) {
		memcpy(&w, data, sizeof w);
		if ((uint64_t)w.hello_len + w.input_len >
		    CHANNEL_HELLO_MAX - CHANNEL_HEADER)
			abort(); /* would wait for more than there may be */
	}
	if (r != 1)
		return 0;
	if (used > n || used != CHANNEL_HEADER + h.hello.n + h.input.n ||
	    h.fd != -1)
		abort();
	/* Touch all of it. */
	if (hash_slice(h.hello) == 1 && hash_slice(h.input) == 1)
		return 1;
	if (used > 0 &&
	    channel_hello_parse(slice_of(data, used - 1), &h, &used, &err) != 0)
		abort();
	return 0;
}
