/* SPDX-License-Identifier: ISC */
/*
 * SEARCH keys (RFC 3501 6.4.4) as rows: what stands behind the name, what it
 * costs to know, how it is known; and the program that a command's keys make: a
 * flat array of nodes, parents before their children, run over every message by
 * search_run.c. Nothing here or there recurses.
 */
#ifndef IMAPD_SEARCH_KEYS_H
#define IMAPD_SEARCH_KEYS_H

#include "imapd/imap_args.h"
#include "libmaildir/mailbox.h"
#include "libmessage/text.h"

/* Of one command: each is looked at for every message. */
#define SEARCH_NODES_MAX 1024

/* What a key needs; cheap ones are asked first. */
enum search_cost {
	COST_MEMORY, /* nothing but the record */
	COST_STAT,   /* a size or a date that the name may not tell */
	COST_HEADER, /* the message's header */
	COST_TEXT,   /* all of it */
	COST_COUNT
};

/* What stands behind the name. */
enum search_arg {
	TAKES_NOTHING,
	TAKES_KEYWORD,
	TAKES_DATE,
	TAKES_NUMBER,
	TAKES_INTERVAL, /* seconds before now, RFC 5032 */
	TAKES_STRING,
	TAKES_FIELD, /* a field's name and a string */
	TAKES_UIDS,
	TAKES_MODSEQ, /* RFC 7162 3.1.5 */
	TAKES_SEQS,   /* the set is the key */
	TAKES_SAVED   /* "$" is the key, RFC 5182 */
};

enum search_value {
	SEARCH_NO,
	SEARCH_YES,
	SEARCH_UNKNOWN
};

struct search_row;

/* A key, or (row NULL) a group of keys. */
struct search_node {
	const struct search_row *row;
	bool is_or;   /* a group: one is enough; else all are needed */
	bool negate;  /* NOT */
	bool is_open; /* its value is not known and would matter */
	enum search_value value;
	struct search_node *parent, *first, *last, *next; /* of a group */

	/* what stood behind the name */
	uint64_t number;
	int32_t day;
	const struct seqset *set;
	int64_t moment;
	struct slice word; /* field's name, keyword */
	uint32_t keyword;  /* its letter as a bit; 0: none */
	struct slice string;
	struct text_matcher *matcher; /* of the string; search_arm() */
	/* COST_HEADER: where the field is kept, -1: not there; search_keep() */
	int kept_text; /* enum kept_text */
	int kept_name; /* of kept_names */
};

/* The message that is looked at by keys that need no file. */
struct search_subject {
	const struct view *view;
	const struct mailbox_rec *rec;
	uint32_t seq;
};

struct search_row {
	const char *name;
	enum search_arg takes;
	enum search_cost cost;
	bool negate;       /* UNSEEN is the row SEEN, turned */
	uint8_t flag;      /* enum mail_flag */
	const char *field; /* COST_HEADER: the field's name, NULL: the word */
	bool no_header;    /* COST_TEXT: BODY */
	/* up to COST_STAT: is it so? Sizes and dates are known then. */
	bool (*test)(
	    const struct search_node *n, const struct search_subject *m);
	/* COST_STAT: what must be known */
	bool needs_size, needs_date;
	/* COST_HEADER with TAKES_DATE: of the day in the Date field */
	bool (*test_day)(const struct search_node *n, int32_t day);
};

struct search_program {
	struct search_node *node; /* [0] is the whole: a group, all needed */
	unsigned n, max;
	unsigned costs; /* bit 1 << enum search_cost: it has such keys */
	bool has_keywords;
	bool has_modseq; /* what is found is told with its modseq */
};

/* What "*" and "$" mean, and now. */
struct search_scope {
	uint32_t max_seq, max_uid;
	const struct seqset *saved; /* UIDs; lives as long as the program */
	int64_t now;                /* seconds since 1970 */
};

/* Keys to program, in the arena; sets are freed with it. NULL with err, whose
 * text may be sent. */
struct search_program *search_parse(const struct imap_arg *keys,
    struct search_scope scope, struct arena *arena, struct err *err);
/* Has it strings to look for? */
bool search_has_strings(const struct search_program *p);
/* The header field of a COST_HEADER key. */
struct slice search_field(const struct search_node *n);
/* Make their matchers; freed with the arena. false: over its ceiling. */
bool search_arm(struct search_program *p, const struct text_fold *fold,
    struct arena *arena) MUST_CHECK;
/* Where the fields of its keys are kept; names may be NULL. */
struct kept_names;
void search_keep(struct search_program *p, const struct kept_names *names);
/* Letters of keywords as the mailbox has them now. */
void search_name_keywords(struct search_program *p, const struct mailbox *mb);

/* Values of groups from those of their members; false when the whole is known
 * (p->node[0].value), else is_open is set where it matters. */
bool search_settle(struct search_program *p);
/* Forget all values. */
void search_forget(struct search_program *p);
/* A key's answer, before NOT. */
void search_answer(struct search_node *n, bool is_so);

#endif
