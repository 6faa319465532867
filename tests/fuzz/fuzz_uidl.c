/* SPDX-License-Identifier: ISC */
/* UIDLs: a format that is taken makes printable ones that fit a line, and two
 * messages that differ in UID alone get two; the rest is refused with a reason.
 * plants: 65 66 */
#include <stdlib.h>

#include "libbase/ceilings.h"
#include "libserver/uidl_format.h"
#include "pop3d/pop3_uidl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
make(struct slice format, const struct pop3_uidl *m, struct buf *out)
{
	size_t i;

	buf_init(out, 64 * KIB);
	pop3_uidl_make(format, m, out);
	if (!buf_ok(out) || out->n == 0 || out->n > MAX_POP3_UIDL)
		abort();
	for (i = 0; i < out->n; i++)
		if (out->p[i] < 0x21 || out->p[i] > 0x7e)
			abort();
}

/* format, LF, file name, LF, GUID, LF, what was told */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice rest = slice_of(data, n), format, file, guid;
	struct pop3_uidl m = { .uid = 0xabcdef, .uidvalidity = 0xfedcba98 };
	struct buf a, b;

	if (n > 4096)
		return 0;
	(void)slice_cut(&rest, '\n', &format);
	(void)slice_cut(&rest, '\n', &file);
	(void)slice_cut(&rest, '\n', &guid);
	if (uidl_format_fault(format) != NULL)
		return 0;
	m.file = file;
	m.guid = guid;
	m.told = rest;
	make(format, &m, &a);
	buf_free(&a);
	m.told = SLICE_NONE;
	make(format, &m, &a);
	m.uid++;
	make(format, &m, &b);
	if (pop3_uidl_is_plain(format) &&
	    slice_eq(buf_slice(&a), buf_slice(&b)))
		abort();
	buf_free(&a);
	buf_free(&b);
	return 0;
}
