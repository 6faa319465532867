/* SPDX-License-Identifier: ISC */
/* What SORT and THREAD compare, out of a message's header. */
#include "imapd/sort_keys.h"
#include "imapd/kept.h"
#include "libbase/ceilings.h"
#include "libmaildir/fetch.h"
#include "libmessage/address.h"
#include "libmessage/date.h"
#include "libmessage/encword.h"
#include "libmessage/header.h"
#include "libmessage/msgid.h"
#include "libmessage/subject.h"

/* Of an address field: the first address stands there. */
#define MAX_ADDRESS_FIELD (16 * KIB)
#define MAX_IDS           (2 * MAX_HEADER_BYTES)

#define ALL_TEXTS ((1u << SORT_TEXTS) - 1)

void
sort_reader_init(struct sort_reader *r, struct mailbox *box,
    const struct text_fold *fold, unsigned needs)
{
	unsigned i;

	*r = (struct sort_reader){ .needs = needs, .box = box, .fold = fold };
	buf_init(&r->header, MAX_HEADER_BYTES);
	buf_init(&r->work, 4 * MIB);
	for (i = 0; i < SORT_TEXTS; i++)
		buf_init(&r->text[i], 4 * MIB);
	buf_init(&r->id, MAX_IDS);
	buf_init(&r->references, MAX_IDS);
	arena_init(&r->addresses, MAX_MESSAGE_ARENA);
}

void
sort_reader_free(struct sort_reader *r)
{
	unsigned i;

	buf_free(&r->header);
	buf_free(&r->work);
	for (i = 0; i < SORT_TEXTS; i++)
		buf_free(&r->text[i]);
	buf_free(&r->id);
	buf_free(&r->references);
	arena_free(&r->addresses);
}

bool
sort_reader_opens(const struct sort_reader *r)
{
	return (r->needs & (ALL_TEXTS | NEED_SENT | NEED_IDS)) != 0;
}

/* ---- texts ---- */

/* In i;unicode-casemap letters are in title case; text_fold has ASCII in lower
 * case, which is equal but not in the same place among others. */
static void
put_folded(struct sort_reader *r, enum sort_text which, struct slice utf8)
{
	struct buf *b = &r->text[which];
	size_t i;

	buf_reset(b);
	text_fold_put(r->fold, utf8, b);
	if (b->n > MAX_SORT_TEXT)
		buf_truncate(b, MAX_SORT_TEXT);
	for (i = 0; i < b->n; i++)
		b->p[i] = ascii_upper(b->p[i]);
	r->record.text[which] = buf_slice(b);
}

/* RFC 5957 3 */
static void
put_display(
    struct sort_reader *r, enum sort_text which, const struct address *a)
{
	buf_reset(&r->work);
	if (a->name.p != NULL)
		encword_decode(a->name, &r->work);
	if (r->work.n == 0) {
		buf_put_slice(&r->work, a->mailbox);
		if (a->mailbox.p != NULL && a->host.p != NULL) {
			buf_putc(&r->work, '@');
			buf_put_slice(&r->work, a->host);
		}
	}
	put_folded(r, which, buf_slice(&r->work));
}

/* The first address of a field; false: it has none. */
static bool
take_address(struct sort_reader *r, struct slice value, enum sort_text mailbox,
    enum sort_text display)
{
	struct address_list list = { 0 };

	arena_reset(&r->addresses);
	address_parse(
	    &r->addresses, slice_head(value, MAX_ADDRESS_FIELD), &list);
	if (list.first == NULL)
		return false;
	if ((r->needs & 1u << mailbox) != 0)
		put_folded(r, mailbox, list.first->mailbox);
	if (display != SORT_TEXTS && (r->needs & 1u << display) != 0)
		put_display(r, display, list.first);
	return true;
}

static bool
take_from(struct sort_reader *r, struct slice value)
{
	return take_address(r, value, SORT_FROM, SORT_DISPLAYFROM);
}

static bool
take_to(struct sort_reader *r, struct slice value)
{
	return take_address(r, value, SORT_TO, SORT_DISPLAYTO);
}

static bool
take_cc(struct sort_reader *r, struct slice value)
{
	return take_address(r, value, SORT_CC, SORT_TEXTS);
}

static bool
take_subject(struct sort_reader *r, struct slice value)
{
	buf_reset(&r->work);
	subject_base(value, &r->work, &r->record.is_reply);
	put_folded(r, SORT_SUBJECT, buf_slice(&r->work));
	return true;
}

/* RFC 5256 2.2: when it cannot be read it is the arrival */
static bool
take_date(struct sort_reader *r, struct slice value)
{
	struct date date;

	if (date_parse(value, &date)) {
		r->record.sent = date.utc;
		r->record.has_sent = true;
		r->record.zone_mins = date.zone_mins;
		r->record.sent_day = date.day;
	}
	return true;
}

/* ---- identifiers ---- */

static bool
take_id(struct sort_reader *r, struct slice value)
{
	if (msgid_next(&value, &r->id))
		r->record.id = buf_slice(&r->id);
	return true;
}

/* RFC 5256 3: those of References, else the first of In-Reply-To */
static bool
take_references(struct sort_reader *r, struct slice value)
{
	struct slice count = value;
	unsigned n = 0;

	buf_reset(&r->work);
	for (; msgid_next(&count, &r->work); n++)
		buf_reset(&r->work);
	if (n == 0)
		return false;
	buf_reset(&r->references);
	for (; msgid_next(&value, &r->references); n--) {
		if (n > MAX_SORT_REFERENCES)
			buf_reset(&r->references);
		else
			buf_putc(&r->references, '\n');
	}
	r->has_references = true;
	return true;
}

static bool
take_in_reply_to(struct sort_reader *r, struct slice value)
{
	if (r->has_references)
		return true;
	buf_reset(&r->references);
	if (msgid_next(&value, &r->references))
		buf_putc(&r->references, '\n');
	return true;
}

/* ---- the header ---- */

/* Fields by name; the first one that gives something counts. */
static const struct {
	const char *name;
	unsigned needs;
	bool (*take)(struct sort_reader *r, struct slice value);
} fields[] = {
	{ "From", 1u << SORT_FROM | 1u << SORT_DISPLAYFROM, take_from },
	{ "To", 1u << SORT_TO | 1u << SORT_DISPLAYTO, take_to },
	{ "Cc", 1u << SORT_CC, take_cc },
	{ "Subject", 1u << SORT_SUBJECT, take_subject },
	{ "Date", NEED_SENT, take_date },
	{ "Message-ID", NEED_IDS, take_id },
	{ "References", NEED_IDS, take_references },
	{ "In-Reply-To", NEED_IDS, take_in_reply_to },
};

void
sort_reader_begin(struct sort_reader *r, int64_t arrival)
{
	r->record = (struct sort_record){ .arrival = arrival, .sent = arrival };
	r->missing = ~0u;
	r->has_references = false;
	buf_reset(&r->id);
	buf_reset(&r->references);
}

void
sort_reader_field(struct sort_reader *r, const struct header_field *f)
{
	unsigned i;

	for (i = 0; i < N_ELEMENTS(fields); i++) {
		if ((r->needs & fields[i].needs) == 0 ||
		    (r->missing & 1u << i) == 0 ||
		    !slice_ieq_str(f->name, fields[i].name))
			continue;
		if (fields[i].take(r, f->value))
			r->missing &= ~(1u << i);
		return;
	}
}

void
sort_reader_end(struct sort_reader *r)
{
	r->record.references = buf_slice(&r->references);
}

void
sort_read_header(struct sort_reader *r, struct slice header, int64_t arrival)
{
	struct header_iter it;
	struct header_field f;

	sort_reader_begin(r, arrival);
	header_begin(&it, header);
	while (header_next(&it, &f))
		sort_reader_field(r, &f);
	sort_reader_end(r);
}

/* ---- one message ---- */

static int
read_file(struct sort_reader *r, struct mailbox_rec *rec, struct err *err)
{
	struct fetch *file = NULL;
	int got;

	buf_reset(&r->header);
	if (fetch_open(r->box, rec, &file, err) == -1)
		return -1;
	got = fetch_header(file, &r->header, err);
	fetch_close(&file);
	if (got == -1)
		return -1;
	if (kept_learn_header(
		r->kept, r->box, rec, buf_slice(&r->header), KEPT_KEYS))
		r->record = *kept_record(r->kept);
	else
		sort_read_header(r, buf_slice(&r->header), 0);
	return 0;
}

/* Without the file. */
static bool
read_kept(struct sort_reader *r, struct mailbox_rec *rec)
{
	struct kept_keys keys;

	r->record = (struct sort_record){ 0 };
	if ((r->needs & NEED_SENT) != 0 && rec->sent == MAILBOX_NO_DATE)
		return false;
	if ((r->needs & (ALL_TEXTS | NEED_IDS)) == 0)
		return true;
	if (!kept_keys_of(r->kept, r->box, rec, &keys))
		return false;
	kept_keys_sort(&keys, &r->record);
	return true;
}

int
sort_read(struct sort_reader *r, struct mailbox_rec *rec, struct err *err)
{
	struct mailbox_sent sent;

	if (!read_kept(r, rec) && read_file(r, rec, err) == -1)
		return -1;
	/* opened, it has told its date */
	if ((r->needs & (NEED_ARRIVAL | NEED_SENT)) != 0 &&
	    mailbox_date(r->box, rec, err) == -1)
		return -1;
	if ((r->needs & NEED_OCTETS) != 0 &&
	    mailbox_sizes(r->box, rec, err) == -1)
		return -1;
	r->record.arrival = rec->internaldate;
	r->record.octets = rec->wire;
	if (mailbox_rec_sent(rec, &sent))
		r->record.sent = sent.utc;
	else if (!r->record.has_sent)
		r->record.sent = r->record.arrival;
	return 0;
}
