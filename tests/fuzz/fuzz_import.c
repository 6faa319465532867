/* SPDX-License-Identifier: ISC */
/* Courier's files: whatever they hold, each name once, each UID once. plants:
 * 39
 */
#include <stdlib.h>

#include "libbase/ceilings.h"
#include "libmaildir/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check(const struct import *im)
{
	uint32_t last = 0;

	for (size_t i = 0; i < im->n; i++) {
		const struct import_msg *m = &im->msgs[i];

		if (!name_is_message(m->base) ||
		    map_get(&im->by_base, m->base) !=
			(void *)(uintptr_t)(i + 1))
			abort();
		if (m->uid >= im->next_uid || m->keywords >> N_KEYWORDS != 0)
			abort();
		if (m->uid != 0 && m->uid == last)
			abort();
		if (m->uid != 0)
			last = m->uid;
		for (size_t k = 0; k < m->uidl.n; k++)
			if (m->uidl.p[k] < 0x21 || m->uidl.p[k] > 0x7e)
				abort();
	}
}

/* Parts are parted by a line "=". */
static struct slice
part(struct slice *rest)
{
	struct slice from = *rest;

	for (size_t i = 0; i + 2 < from.n; i++) {
		if (from.p[i] != '\n' || from.p[i + 1] != '=' ||
		    from.p[i + 2] != '\n')
			continue;
		*rest = slice_from(from, i + 3);
		return slice_head(from, i + 1);
	}
	*rest = SLICE_NONE;
	return from;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice rest = slice_of(data, n);
	struct import im;

	if (n > 64 * KIB)
		return 0;
	import_init(&im);
	if (import_uiddb(&im, part(&rest)) >= 0 &&
	    import_sizelist(&im, part(&rest)) >= -1 &&
	    import_keyword_list(&im, part(&rest)) == 0 &&
	    import_keyword_file(&im, SLICE("a.h"), part(&rest)) == 0 &&
	    import_number(&im) == 0)
		check(&im);
	import_free(&im);
	return 0;
}
