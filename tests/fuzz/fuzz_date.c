/* SPDX-License-Identifier: ISC */
/* Dates: what is read is printed in a form that reads the same. plants: 22 */
#include <stdlib.h>

#include "libmessage/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct date d, again;
	struct buf text;

	if (!date_parse(slice_of(data, n), &d))
		return 0;
	buf_init(&text, 1000);
	date_put(&text, d.utc, d.zone_mins);
	if (!date_parse(buf_slice(&text), &again) || d.utc != again.utc ||
	    d.zone_mins != again.zone_mins)
		abort();
	buf_free(&text);
	return 0;
}
