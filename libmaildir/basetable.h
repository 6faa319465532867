/* SPDX-License-Identifier: ISC */
/* Records by base name: open addressing, 8 to 16 bytes a message, because a
 * map that copies its keys would cost as much as the names. */
#ifndef LIBMAILDIR_BASETABLE_H
#define LIBMAILDIR_BASETABLE_H

#include "libbase/slice.h"

struct mailbox_rec;
struct basetable { /* zeroed is a valid empty one */
	struct mailbox_rec **slots;
	size_t n, cap; /* cap: a power of two, or 0 */
};

struct mailbox_rec *basetable_get(const struct basetable *t, struct slice base);
/* Room for that many without growing. */
void basetable_reserve(struct basetable *t, size_t n);
/* The base must not be in it. */
void basetable_put(struct basetable *t, struct mailbox_rec *rec);
void basetable_del(struct basetable *t, struct mailbox_rec *rec);
void basetable_free(struct basetable *t); /* not the records */

#endif
