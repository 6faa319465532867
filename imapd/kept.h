/* SPDX-License-Identifier: ISC */
/*
 * What is known of messages without their files: made when a header is read for
 * whatever reason, asked for by FETCH, SEARCH, SORT and THREAD. All functions
 * take NULL for k: nothing is known then, nothing learnt.
 */
#ifndef IMAPD_KEPT_H
#define IMAPD_KEPT_H

#include "imapd/kept_fields.h"
#include "imapd/kept_keys.h"
#include "libmaildir/summaries.h"
#include "libmessage/mime.h"

struct kept;

/* names: the setting index_cache_headers; they stay the caller's. None: the
 * usual ones. */
struct kept *
kept_new(const struct text_fold *fold, const char *const *names, size_t n);
void kept_free(struct kept **k);
/* Of the setting; NULL with k NULL. */
const struct kept_names *kept_names_of(const struct kept *k);

/* false: not known, or made in another way. */
bool kept_fields_of(struct kept *k, struct mailbox *mb, struct mailbox_rec *rec,
    struct kept_fields *out);
bool kept_keys_of(struct kept *k, struct mailbox *mb, struct mailbox_rec *rec,
    struct kept_keys *out);

/* Bits 1 << enum summary_kind of what a header tells. */
#define KEPT_FIELDS (1u << SUMMARY_FIELDS)
#define KEPT_KEYS   (1u << SUMMARY_KEYS)
/* Which of these are to be learnt of its header? The date counts as a key. */
static inline unsigned
kept_lacks(const struct mailbox_rec *rec, unsigned kinds)
{
	unsigned lacks = kinds & ~(unsigned)rec->summaries;

	if (rec->sent == MAILBOX_NO_DATE)
		lacks |= kinds & KEPT_KEYS;
	return lacks;
}
/* A header was read, whole: of what it tells these kinds are kept, and the date
 * with the keys. Each costs time and room: not more than is asked for. true,
 * with KEPT_KEYS: kept_record() is of it. */
bool kept_learn_header(struct kept *k, struct mailbox *mb,
    struct mailbox_rec *rec, struct slice header, unsigned kinds);
/* Texts and identifiers, valid until the next header. */
const struct sort_record *kept_record(const struct kept *k);

/* May ENVELOPE and structures of it be kept, for every client alike? */
bool kept_is_plain(const struct mime_message *m);
/* Those that are not known yet, of a message whose structure was parsed. */
void kept_learn_whole(struct kept *k, struct mailbox *mb,
    struct mailbox_rec *rec, const struct mime_message *m);

#endif
