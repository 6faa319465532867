/* SPDX-License-Identifier: ISC */
/*
 * FETCH items as rows: what each needs to be known, and how it is written. The
 * answer for one message is put together whole before a byte of it leaves, so
 * that a failing disk never leaves half of one.
 */
#ifndef IMAPD_FETCH_ITEMS_H
#define IMAPD_FETCH_ITEMS_H

#include "imapd/fetch_section.h"
#include "imapd/fetch_source.h"
#include "imapd/imap_session.h"
#include "imapd/kept.h"

#define FETCH_ITEMS_MAX  256 /* of one command; a 64 KiB line holds more */
#define FETCH_PIECES_MAX FETCH_ITEMS_MAX

/* A range of the file within the answer. */
struct fetch_piece {
	size_t at; /* behind so many bytes of text */
	int fd;
	uint64_t off, len, wire;
	unsigned flags; /* enum out_flags */
};

/* The answer for one message, while it is made. */
struct fetch_answer {
	struct imap_session *s;
	struct mailbox_rec *rec;
	uint32_t seq;
	struct fetch_source *src; /* open when an item needs the file */
	/* what is known without it */
	unsigned known; /* bits 1 << enum summary_kind */
	struct slice summary[N_SUMMARIES];
	struct kept_fields fields; /* of SUMMARY_FIELDS */
	struct buf text;
	struct fetch_piece pieces[FETCH_PIECES_MAX];
	unsigned n_pieces;
};

struct fetch_item {
	const struct fetch_row *row;
	struct fetch_section section;
	unsigned needs;    /* enum fetch_need */
	unsigned by;       /* or this is known: 1 << enum summary_kind; 0 */
	struct slice name; /* as it is told, section and all, a blank behind */
	struct kept_set fields; /* with SUMMARY_FIELDS */
};

struct fetch_row {
	const char *name;
	unsigned needs; /* enum fetch_need */
	unsigned by;    /* as in fetch_item */
	bool marks_seen;
	bool has_section; /* NAME[...] */
	/* 0, or -1 with err. */
	int (*put)(struct fetch_answer *a, const struct fetch_item *item,
	    struct err *err);
	/* RFC822 and its kin are sections by another name. */
	enum section_what as;
	const char *macro; /* stands for these items */
};

struct fetch_list {
	struct fetch_item item[FETCH_ITEMS_MAX];
	unsigned n;
	unsigned needs; /* of all; after fetch_items_by(): those without by */
	unsigned by;    /* of the others */
	bool marks_seen, has_flags, has_uid, has_modseq;
};

/* Read the items of a command: one atom or a list; one
 * more list may follow. The list is in the arena.
 * Text of err may be sent. NULL on failure. */
struct fetch_list *fetch_items_parse(
    const struct imap_arg *a, struct arena *arena, struct err *err);
/* All items are there: which of them can be told without the file. names:
 * header fields that are kept, NULL: nothing is. false: the arena is full. */
bool fetch_items_by(struct fetch_list *l, const struct kept_names *names,
    struct arena *arena) MUST_CHECK;
/* Look for what is known of a->rec: what the others need. */
unsigned fetch_items_known(struct fetch_answer *a, const struct fetch_list *l);
/* "FLAGS", "UID": added when the command must tell them. */
void fetch_items_add(struct fetch_list *l, const char *name);

#endif
