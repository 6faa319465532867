/* SPDX-License-Identifier: ISC */
/* Message identifiers: each is valid by what msgid.h says, and read again from
 * brackets it is the same where nothing in it wants quotes. plants: 25 */
#include <stdlib.h>
#include <string.h>

#include "libbase/ceilings.h"
#include "libmessage/msgid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool
is_plain(struct slice id)
{
	unsigned at = 0;

	for (size_t i = 0; i < id.n; i++) {
		if (strchr("<>\"\\", id.p[i]) != NULL)
			return false;
		at += id.p[i] == '@';
	}
	return at == 1;
}

static void
check(struct slice id)
{
	struct buf in, again;
	struct slice v;

	if (id.n < 3 || id.n > 998 || memchr(id.p + 1, '@', id.n - 2) == NULL)
		abort();
	for (size_t i = 0; i < id.n; i++)
		if ((unsigned char)id.p[i] < 0x20 || id.p[i] == 0x7f)
			abort();
	if (!is_plain(id))
		return;
	buf_init(&in, KIB * 2);
	buf_init(&again, KIB * 2);
	buf_printf(&in, "<%.*s>", SLICE_ARG(id));
	v = buf_slice(&in);
	if (!msgid_next(&v, &again) || !slice_eq(buf_slice(&again), id))
		abort();
	buf_free(&in);
	buf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice v = slice_of(data, n), was;
	struct buf out;

	if (n > MAX_HEADER_BYTES)
		return 0;
	buf_init(&out, MAX_HEADER_BYTES);
	for (was = v; msgid_next(&v, &out); was = v) {
		if (v.n >= was.n)
			abort();
		check(buf_slice(&out));
		buf_reset(&out);
	}
	if (out.n != 0)
		abort();
	buf_free(&out);
	return 0;
}
