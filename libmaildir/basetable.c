/* SPDX-License-Identifier: ISC */
/* Records by base name. */
#include <assert.h>

#include "libbase/hash.h"
#include "libbase/mem.h"
#include "libmaildir/basetable.h"
#include "libmaildir/mailbox.h"

static size_t
home_of(const struct basetable *t, struct slice base)
{
	return (size_t)hash_slice(base) & (t->cap - 1);
}

/* The slot of the base, or the free one where it would go. */
static size_t
slot_of(const struct basetable *t, struct slice base)
{
	size_t i = home_of(t, base);

	while (t->slots[i] != NULL &&
	    !slice_eq(mailbox_rec_base(t->slots[i]), base))
		i = (i + 1) & (t->cap - 1);
	return i;
}

struct mailbox_rec *
basetable_get(const struct basetable *t, struct slice base)
{
	return t->cap == 0 ? NULL : t->slots[slot_of(t, base)];
}

static void
grow(struct basetable *t, size_t cap)
{
	struct basetable bigger = { .cap = cap };
	size_t i;

	bigger.slots = xcalloc(bigger.cap, sizeof *bigger.slots);
	for (i = 0; i < t->cap; i++)
		if (t->slots[i] != NULL)
			basetable_put(&bigger, t->slots[i]);
	xfree(t->slots);
	*t = bigger;
}

void
basetable_reserve(struct basetable *t, size_t n)
{
	size_t cap = t->cap == 0 ? 64 : t->cap;

	while (n + n / 2 >= cap)
		cap *= 2;
	if (cap > t->cap)
		grow(t, cap);
}

void
basetable_put(struct basetable *t, struct mailbox_rec *rec)
{
	size_t i;

	if (t->n + t->n / 2 >= t->cap)
		grow(t, t->cap == 0 ? 64 : 2 * t->cap);
	i = slot_of(t, mailbox_rec_base(rec));
	assert(t->slots[i] == NULL);
	t->slots[i] = rec;
	t->n++;
}

void
basetable_del(struct basetable *t, struct mailbox_rec *rec)
{
	size_t mask = t->cap - 1, i, j, home;

	if (t->cap == 0)
		return;
	i = slot_of(t, mailbox_rec_base(rec));
	if (t->slots[i] != rec)
		return;
	t->n--;
	/* Close the gap: whoever may stand at i, going on from there. */
	for (j = (i + 1) & mask; t->slots[j] != NULL; j = (j + 1) & mask) {
		home = home_of(t, mailbox_rec_base(t->slots[j]));
		if (((j - home) & mask) >= ((j - i) & mask)) {
			t->slots[i] = t->slots[j];
			i = j;
		}
	}
	t->slots[i] = NULL;
}

void
basetable_free(struct basetable *t)
{
	xfree(t->slots);
	*t = (struct basetable){ 0 };
}
