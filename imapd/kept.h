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

/* Is there something to learn of its header? */
static inline bool
kept_lacks_header(const struct mailbox_rec *rec)
{
	const unsigned both = 1u << SUMMARY_FIELDS | 1u << SUMMARY_KEYS;

	return (rec->summaries & both) != both || rec->sent == MAILBOX_NO_DATE;
}
/* A header was read, whole: its fields, its keys and the date are kept. true:
 * kept_record() is of it. */
bool kept_learn_header(struct kept *k, struct mailbox *mb,
    struct mailbox_rec *rec, struct slice header);
/* Texts and identifiers, valid until the next header. */
const struct sort_record *kept_record(const struct kept *k);

/* May ENVELOPE and structures of it be kept, for every client alike? */
bool kept_is_plain(const struct mime_message *m);
/* Those that are not known yet, of a message whose structure was parsed. */
void kept_learn_whole(struct kept *k, struct mailbox *mb,
    struct mailbox_rec *rec, const struct mime_message *m);

#endif
