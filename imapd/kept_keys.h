/* SPDX-License-Identifier: ISC */
/*
 * What SEARCH, SORT and THREAD compare of a message, as it is kept: folded
 * texts and identifiers, without a parser between them and who asks.
 *
 * Bytes of a record: a print (4) of how texts are folded, flags (2), where each
 * of the slots ends (2 each, behind the head), then the slots. A slot of texts
 * to search has each field's text with its length (2) before it.
 */
#ifndef IMAPD_KEPT_KEYS_H
#define IMAPD_KEPT_KEYS_H

#include "imapd/sort_keys.h"

/* Fields whose whole text is kept for SEARCH. */
enum kept_text {
	KEPT_SUBJECT,
	KEPT_FROM,
	KEPT_TO,
	KEPT_CC,
	KEPT_TEXTS
};
/* -1: not of these. */
int kept_text_find(struct slice name);

/* The texts of all fields of that name. */
struct kept_texts {
	struct buf text[KEPT_TEXTS];
	bool failed[KEPT_TEXTS]; /* too long: not kept */
};
void kept_texts_init(struct kept_texts *t);
void kept_texts_free(struct kept_texts *t);
void kept_texts_reset(struct kept_texts *t);
void kept_texts_add(struct kept_texts *t, int which, struct slice folded);

/* Make a record: appended to out, false when it does not fit. arrival, sent and
 * octets are not in it: they stand elsewhere. */
bool kept_keys_put(uint32_t print, const struct sort_record *rec,
    const struct kept_texts *texts, struct buf *out);

/* A record that is read. */
struct kept_keys {
	const unsigned char *p;
	size_t n;
};
/* false: it is none, or folded in another way. */
bool kept_keys_open(struct kept_keys *k, uint32_t print, struct slice record);
/* Texts, identifiers and is_reply of *rec are set, into the record. */
void kept_keys_sort(const struct kept_keys *k, struct sort_record *rec);
/* The texts of a field: false, they are not kept. */
bool kept_keys_text(
    const struct kept_keys *k, enum kept_text which, struct slice *texts);
/* Take the first of them; false at the end. */
bool kept_text_next(struct slice *texts, struct slice *text);

#endif
