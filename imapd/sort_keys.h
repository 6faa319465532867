/* SPDX-License-Identifier: ISC */
/*
 * What SORT and THREAD compare (RFC 5256, 5957), message by message: the one
 * place that knows where it comes from, the index or the message's header.
 */
#ifndef IMAPD_SORT_KEYS_H
#define IMAPD_SORT_KEYS_H

#include "libbase/arena.h"
#include "libmaildir/mailbox.h"
#include "libmessage/header.h"
#include "libmessage/text.h"

/* Of one text: what differs behind it is equal. */
#define MAX_SORT_TEXT       1024
/* Of one message: the last ones; a thread of more hangs together by them. */
#define MAX_SORT_REFERENCES 100

/* Texts: case folded by i;unicode-casemap (RFC 5051), to be compared as bytes;
 * empty where there is none. */
enum sort_text {
	SORT_CC,
	SORT_FROM,
	SORT_TO,
	SORT_DISPLAYFROM,
	SORT_DISPLAYTO,
	SORT_SUBJECT, /* the base subject */
	SORT_TEXTS
};

/* What is asked for: bits 1 << enum sort_text, and these. */
enum sort_need {
	NEED_ARRIVAL = 1 << 16,
	NEED_SENT = 1 << 17,
	NEED_OCTETS = 1 << 18,
	NEED_IDS = 1 << 19
};

struct sort_record {
	int64_t arrival; /* INTERNALDATE; seconds since 1970 */
	int64_t sent;    /* of the Date field, else arrival */
	uint64_t octets;
	struct slice text[SORT_TEXTS];
	bool is_reply; /* with SORT_SUBJECT; or a forward */
	bool has_sent; /* sent is of the Date field, and these: */
	int zone_mins;
	int32_t sent_day;
	struct slice id;         /* as msgid.h; empty: none */
	struct slice references; /* the same, a LF behind each, oldest first */
};

struct kept;

struct sort_reader {
	unsigned needs;
	struct mailbox *box;
	const struct text_fold *fold;
	struct kept *kept;         /* what is known without the file; NULL */
	struct sort_record record; /* of the message read last */

	/* private */
	unsigned missing; /* fields that have not been seen */
	bool has_references;
	struct buf header, work, text[SORT_TEXTS], id, references;
	struct arena addresses;
};

void sort_reader_init(struct sort_reader *r, struct mailbox *box,
    const struct text_fold *fold, unsigned needs);
void sort_reader_free(struct sort_reader *r);
/* Does it open files? */
bool sort_reader_opens(const struct sort_reader *r);
/* One message; its record is valid until the next one. ERR_GONE. */
int sort_read(
    struct sort_reader *r, struct mailbox_rec *rec, struct err *err) MUST_CHECK;
/* The same from a header block: arrival as given, no octets. */
void
sort_read_header(struct sort_reader *r, struct slice header, int64_t arrival);
/* The same field by field: begin, each of them, end. */
void sort_reader_begin(struct sort_reader *r, int64_t arrival);
void sort_reader_field(struct sort_reader *r, const struct header_field *f);
void sort_reader_end(struct sort_reader *r);

#endif
