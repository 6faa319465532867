/* SPDX-License-Identifier: ISC */
/* A merge sort from short runs to long ones that stops anywhere. */
#include "imapd/sort_run.h"

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The two runs from lo on. */
static void
begin_pair(struct sort_run *r)
{
	r->i = r->k = r->lo;
	r->j = least(r->lo + r->width, r->n);
}

void
sort_run_begin(struct sort_run *r, uint32_t *numbers, uint32_t *spare, size_t n,
    sort_compare_fn *compare, const void *arg)
{
	*r = (struct sort_run){ .at = numbers,
		.spare = spare,
		.n = n,
		.width = 1,
		.compare = compare,
		.arg = arg };
	begin_pair(r);
}

/* The next number of the pair goes where it belongs. */
static void
merge_one(struct sort_run *r, size_t mid, size_t end)
{
	bool left = r->i < mid &&
	    (r->j == end || r->compare(r->arg, r->at[r->i], r->at[r->j]) <= 0);

	r->spare[r->k++] = left ? r->at[r->i++] : r->at[r->j++];
}

bool
sort_run_step(struct sort_run *r, unsigned portion)
{
	size_t mid, end;
	uint32_t *t;

	while (r->width < r->n) {
		mid = least(r->lo + r->width, r->n);
		end = least(mid + r->width, r->n);
		for (; r->k < end; merge_one(r, mid, end))
			if (portion-- == 0)
				return false;
		r->lo = end;
		if (end == r->n) {
			t = r->at;
			r->at = r->spare;
			r->spare = t;
			r->width *= 2;
			r->lo = 0;
		}
		begin_pair(r);
	}
	return true;
}
