/* SPDX-License-Identifier: ISC */
/* The users file: what is printed is what was parsed, each name stands there
 * once, nothing dangerous is in a field. plants: 48 */
#include <stdlib.h>
#include <string.h>

#include "libauth/userfile.h"
#include "libbase/ceilings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_entries(const struct userfile *f)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct userfile_entry *e = &f->entries[i];

		if (e->name.n == 0)
			continue;
		if (userfile_find(f, e->name) != e)
			abort();
		if (!user_name_ok(e->name) || e->home.p[0] != '/' ||
		    memchr(e->home.p, '\0', e->home.n) != NULL ||
		    memchr(e->hash.p, ':', e->hash.n) != NULL)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct userfile one, two;
	struct buf first, again;
	struct err err;

	userfile_init(&one);
	userfile_init(&two);
	buf_init(&first, 8 * MIB);
	buf_init(&again, 8 * MIB);
	if (userfile_parse(&one, slice_of(data, n), &err) == 0) {
		check_entries(&one);
		userfile_print(&one, &first);
		if (userfile_parse(&two, buf_slice(&first), &err) != 0)
			abort();
		userfile_print(&two, &again);
		if (!buf_ok(&first) || one.n != two.n ||
		    !slice_eq(buf_slice(&first), buf_slice(&again)))
			abort();
	} else if (one.n != 0) {
		abort();
	}
	buf_free(&first);
	buf_free(&again);
	userfile_free(&one);
	userfile_free(&two);
	return 0;
}
