/* SPDX-License-Identifier: ISC */
/* What is known of messages without their files. */
#include "imapd/kept.h"
#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmaildir/index.h"
#include "libmessage/date.h"
#include "libmessage/header.h"
#include "libmessage/summary.h"

/* Change it when keys are made in another way. */
#define KEYS_FORMAT 1u
#define ALL_KEYS    (((1u << SORT_TEXTS) - 1) | NEED_SENT | NEED_IDS)

/* What Thunderbird, Apple Mail, mutt, mbsync, K-9 Mail and Roundcube ask for.
 */
static const char *const usual_names[] = {
	"From",
	"To",
	"Cc",
	"Bcc",
	"Subject",
	"Date",
	"Message-ID",
	"Reply-To",
	"Sender",
	"References",
	"In-Reply-To",
	"Content-Type",
	"Priority",
	"X-Priority",
	"Newsgroups",
	"Content-Description",
	"Content-Transfer-Encoding",
	"Lines",
	"List-Post",
	"List-Id",
	"List-Unsubscribe",
	"X-Label",
	"X-Original-To",
	"X-TUID",
	"X-K9mail-Identity",
	"Chat-Version",
	"Disposition-Notification-To",
	"X-Draft-Info",
	"Mail-Followup-To",
	"Mail-Reply-To",
	"Return-Path",
	"X-Uniform-Type-Identifier",
	"X-Universally-Unique-Identifier",
	"Authentication-Results",
	"DKIM-Signature",
	"BIMI-Indicator",
	"BIMI-Location",
	"X-BIMI-Indicator-Hash",
};

struct kept {
	struct kept_names names;
	uint32_t print;
	const struct text_fold *fold;
	struct sort_reader maker;
	struct kept_fields_maker fields;
	struct kept_texts texts;
	struct buf folded, record;
};

struct kept *
kept_new(const struct text_fold *fold, const char *const *names, size_t n)
{
	struct kept *k = xcalloc(1, sizeof(*k));

	if (n == 0)
		kept_names_init(
		    &k->names, usual_names, N_ELEMENTS(usual_names));
	else
		kept_names_init(&k->names, names, n);
	k->fold = fold;
	k->print = text_fold_print(fold) + KEYS_FORMAT;
	sort_reader_init(&k->maker, NULL, fold, ALL_KEYS);
	kept_fields_init(&k->fields, &k->names);
	kept_texts_init(&k->texts);
	buf_init(&k->folded, 4 * MIB);
	buf_init(&k->record, INDEX_VALUE_MAX);
	return k;
}

void
kept_free(struct kept **kept)
{
	struct kept *k = *kept;

	if (k == NULL)
		return;
	*kept = NULL;
	sort_reader_free(&k->maker);
	kept_fields_free(&k->fields);
	kept_texts_free(&k->texts);
	buf_free(&k->folded);
	buf_free(&k->record);
	xfree(k);
}

const struct kept_names *
kept_names_of(const struct kept *k)
{
	return k == NULL ? NULL : &k->names;
}

const struct sort_record *
kept_record(const struct kept *k)
{
	return &k->maker.record;
}

/* ---- asking ---- */

/* It is of no use as it is: as if it were not there. */
static void
forget(struct mailbox_rec *rec, enum summary_kind kind)
{
	rec->summaries &= (uint8_t) ~(1u << kind);
}

bool
kept_fields_of(struct kept *k, struct mailbox *mb, struct mailbox_rec *rec,
    struct kept_fields *out)
{
	struct slice value;

	if (k == NULL || !summary_get(mb, rec, SUMMARY_FIELDS, &value))
		return false;
	if (kept_fields_open(out, &k->names, value))
		return true;
	forget(rec, SUMMARY_FIELDS);
	return false;
}

bool
kept_keys_of(struct kept *k, struct mailbox *mb, struct mailbox_rec *rec,
    struct kept_keys *out)
{
	struct slice value;

	if (k == NULL || !summary_get(mb, rec, SUMMARY_KEYS, &value))
		return false;
	if (kept_keys_open(out, k->print, value))
		return true;
	forget(rec, SUMMARY_KEYS);
	return false;
}

/* ---- learning ---- */

static bool
lacks(const struct mailbox_rec *rec, enum summary_kind kind)
{
	return (rec->summaries & 1u << kind) == 0;
}

static void
take_field(struct kept *k, const struct header_field *f)
{
	int which = kept_text_find(f->name);

	sort_reader_field(&k->maker, f);
	if (which == -1)
		return;
	buf_reset(&k->folded);
	text_fold_header(k->fold, f->value, &k->folded);
	kept_texts_add(&k->texts, which, buf_slice(&k->folded));
}

static void
take_header(struct kept *k, struct slice header, unsigned kinds)
{
	struct header_iter it;
	struct header_field f;

	sort_reader_begin(&k->maker, 0);
	kept_fields_begin(&k->fields);
	kept_texts_reset(&k->texts);
	header_begin(&it, header);
	while (header_next(&it, &f)) {
		if (f.name.n > 0 && (kinds & KEPT_FIELDS) != 0)
			kept_fields_add(&k->fields, f.name, f.raw);
		if (f.name.n > 0 && (kinds & KEPT_KEYS) != 0)
			take_field(k, &f);
	}
	sort_reader_end(&k->maker);
}

static void
learn_date(struct kept *k, struct mailbox *mb, struct mailbox_rec *rec)
{
	const struct sort_record *r = &k->maker.record;
	const struct mailbox_sent sent = { .utc = r->sent,
		.zone_mins = r->zone_mins };

	if (!r->has_sent)
		mailbox_sent_is(mb, rec, NULL);
	else if (date_day_at(r->sent, r->zone_mins) == r->sent_day)
		mailbox_sent_is(mb, rec, &sent);
	/* else a second that is told as one of the next day: looked up */
}

bool
kept_learn_header(struct kept *k, struct mailbox *mb, struct mailbox_rec *rec,
    struct slice header, unsigned kinds)
{
	if (k == NULL || !summaries_are_kept(mb) ||
	    header.n >= MAX_HEADER_BYTES)
		return false;
	take_header(k, header, kinds);
	buf_reset(&k->record);
	if ((kinds & KEPT_FIELDS) != 0 && lacks(rec, SUMMARY_FIELDS) &&
	    kept_fields_end(&k->fields, &k->record))
		summary_keep(mb, rec, SUMMARY_FIELDS, buf_slice(&k->record));
	if ((kinds & KEPT_KEYS) == 0)
		return true;
	learn_date(k, mb, rec);
	buf_reset(&k->record);
	if (lacks(rec, SUMMARY_KEYS) &&
	    kept_keys_put(k->print, &k->maker.record, &k->texts, &k->record))
		summary_keep(mb, rec, SUMMARY_KEYS, buf_slice(&k->record));
	return true;
}

bool
kept_is_plain(const struct mime_message *m)
{
	return !m->has_8bit_header && !m->is_cut;
}

void
kept_learn_whole(struct kept *k, struct mailbox *mb, struct mailbox_rec *rec,
    const struct mime_message *m)
{
	if (k == NULL || !summaries_are_kept(mb) || !kept_is_plain(m))
		return;
	buf_reset(&k->record);
	if (lacks(rec, SUMMARY_ENVELOPE)) {
		summary_put_envelope(&k->record, m->root.envelope, 0);
		if (buf_ok(&k->record))
			summary_keep(
			    mb, rec, SUMMARY_ENVELOPE, buf_slice(&k->record));
	}
	buf_reset(&k->record);
	if (lacks(rec, SUMMARY_STRUCTURE)) {
		summary_put_body(&k->record, &m->root, true, 0);
		if (buf_ok(&k->record))
			summary_keep(
			    mb, rec, SUMMARY_STRUCTURE, buf_slice(&k->record));
	}
}
