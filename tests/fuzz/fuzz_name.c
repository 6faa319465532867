/* SPDX-License-Identifier: ISC */
/* File names: what is printed means what was taken apart. plants: 30 33 */
#include <stdlib.h>

#include "libmaildir/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool truth)
{
	if (!truth)
		abort();
}

/* S= and W= as they are read again from what name_put_sizes() writes. */
static void
check_sizes(const struct name *a)
{
	struct name b;
	struct buf out;

	if (a->size == NAME_NO_SIZE || a->wire == NAME_NO_SIZE)
		return;
	buf_init(&out, 512);
	buf_puts(&out, "1.a.h");
	name_put_sizes(&out, a->size, a->wire);
	name_split(buf_slice(&out), &b);
	must(a->size == b.size && a->wire == b.wire);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice file_name = slice_of(data, n);
	struct buf out, again;
	struct name a, b;
	uint8_t flags;
	uint32_t keywords;

	if (!name_is_message(file_name))
		return 0;
	name_split(file_name, &a);
	must(a.base.n <= n && slice_find(a.base, ':') == -1);
	check_sizes(&a);
	/* Every change of flags gives a name that has exactly these. */
	flags = (uint8_t)((n * 7 + data[0]) & FLAGS_ALL);
	keywords = (data[n - 1] * 0x10101u) & ((1u << N_KEYWORDS) - 1);
	buf_init(&out, 1024);
	buf_init(&again, 1024);
	name_print(&a, flags, keywords, &out);
	must(buf_ok(&out));
	name_split(buf_slice(&out), &b);
	must(slice_eq(a.base, b.base) && slice_eq(a.extra, b.extra));
	must(b.flags == flags && b.keywords == keywords);
	must(a.size == b.size && a.wire == b.wire);
	name_print(&b, b.flags, b.keywords, &again);
	must(slice_eq(buf_slice(&out), buf_slice(&again)));
	buf_free(&out);
	buf_free(&again);
	return 0;
}
