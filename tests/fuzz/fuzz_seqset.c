/* SPDX-License-Identifier: ISC */
/* Number sets: what is printed is what was parsed. plants: 10 */
#include <stdlib.h>

#include "libbase/ceilings.h"
#include "libbase/seqset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_order(const struct seqset *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->r[i].lo == 0 || s->r[i].lo > s->r[i].hi)
			abort();
		if (i > 0 && s->r[i].lo - 1 <= s->r[i - 1].hi)
			abort();
	}
}

static void
check_identity(const struct seqset *s)
{
	struct seqset again;
	struct buf b;

	buf_init(&b, 1 * MIB);
	seqset_init(&again, s->max);
	seqset_print(s, &b);
	if (s->n == 0) {
		if (b.n != 0)
			abort();
	} else if (seqset_parse(buf_slice(&b), 0, &again) == -1 ||
	    !seqset_equal(s, &again)) {
		abort();
	}
	buf_free(&b);
	seqset_free(&again);
}

/* The same by adding range by range. */
static void
check_add(const struct seqset *s, uint32_t cut)
{
	struct seqset again;
	size_t i;

	seqset_init(&again, s->max * 2);
	for (i = s->n; i-- > 0;)
		seqset_add(&again, s->r[i].lo, s->r[i].hi);
	if (!seqset_equal(s, &again))
		abort();
	seqset_remove(&again, cut, cut);
	check_order(&again);
	if (seqset_has(&again, cut))
		abort();
	if (seqset_has(s, cut))
		seqset_add(&again, cut, cut);
	if (!seqset_equal(s, &again))
		abort();
	seqset_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint32_t stars[] = { 0, 1, 7, UINT32_MAX };
	struct seqset s;
	size_t i;

	for (i = 0; i < N_ELEMENTS(stars); i++) {
		seqset_init(&s, i == 1 ? 4 : 64);
		if (seqset_parse(slice_of(data, n), stars[i], &s) == 0) {
			check_order(&s);
			check_identity(&s);
			check_add(&s, n > 0 ? data[n - 1] : 1);
		} else if (s.n != 0) {
			abort();
		}
		seqset_free(&s);
	}
	return 0;
}
