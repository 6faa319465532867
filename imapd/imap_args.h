/* SPDX-License-Identifier: ISC */
/*
 * What stands behind a command's name: first as a tree (made by imap_input,
 * whatever the command), then as values (made here by the row's grammar).
 *
 * The tree. A line is a chain of nodes (next):
 *   ARG_ATOM     any run of atom characters; also flags ("\Seen", "\*"),
 *                list patterns ("INBOX/%"), sets ("1:*"), NIL, and "$".
 *                Never holds SP ( ) { " controls or 8-bit bytes.
 *   ARG_QUOTED   text without the quotes and backslashes; may hold 8-bit bytes
 *   ARG_LITERAL  text as sent; no NUL
 *   ARG_LIST     child is the first node inside, NULL for ()
 * Sections. In commands whose row has SECTIONS (FETCH), a "[" in an atom opens
 * a section: BODY.PEEK[HEADER.FIELDS (A "B" {1}C)]<0.10> is ONE node:
 *   kind ARG_ATOM, text "BODY.PEEK", has_section true,
 *   child  -> ATOM "HEADER.FIELDS" -> LIST (ATOM "A", QUOTED "B", LITERAL "C")
 *   suffix "<0.10>" (raw, with its brackets; empty when there is none).
 * BODY[] has has_section and no child. In all other commands "[" and "]" are
 * ordinary characters of an atom (RFC 3501: passwords, mailbox names).
 * Nodes and their text live in the command's arena, so until the tagged reply.
 */
#ifndef IMAPD_IMAP_ARGS_H
#define IMAPD_IMAP_ARGS_H

#include "libbase/arena.h"
#include "libbase/err.h"
#include "libbase/seqset.h"
#include "libbase/slice.h"

enum imap_arg_kind {
	ARG_ATOM,
	ARG_QUOTED,
	ARG_LITERAL,
	ARG_LIST
};

struct imap_arg {
	enum imap_arg_kind kind;
	bool has_section; /* ARG_ATOM only */
	struct slice text;
	struct slice suffix; /* behind a section */
	struct imap_arg *child;
	struct imap_arg *next;
};

/* An atom with this text, ASCII case folded, and no section. */
bool imap_arg_is(const struct imap_arg *a, const char *word);
/* An astring (RFC 3501 9): quoted, literal, or an atom of astring characters
 * (no wildcard, no backslash). */
bool imap_arg_is_astring(const struct imap_arg *a);
/* A nil-able string: *text_out gets SLICE_NONE (p NULL) for the atom NIL. */
bool imap_arg_is_nstring(const struct imap_arg *a, struct slice *text_out);
/* A string that is valid atom throughout (RFC 3501 "atom"). */
bool imap_is_atom(struct slice s);
/* Count the nodes of a chain. */
size_t imap_arg_count(const struct imap_arg *a);

/*
 * Values. The grammar of a row is words with single blanks between them; "["
 * and "]" as words of their own enclose what may be missing:
 *   astring   text
 *   mailbox   text: the name in UTF-8, out of modified UTF-7, INBOX folded
 *   pattern   text: as mailbox, wildcards allowed, also as an atom; no folding
 *   atom      text
 *   initial   text: an atom that is no atom, as base64 and "=" are
 *   set       text: sequence-set, syntax checked (seqset_parse it with the
 *             right "*"); "$" is let through when it stands alone
 *   number    number: 32 bits
 *   flags     arg: the list's first node; text when it is one flag, no list
 *   date      date, zone: date-time (RFC 3501 9), strictly checked
 *   list      arg: the node of the list itself
 *   params    as list; an optional one may stand at the end (RFC 4466)
 *   literal   streams: see imap_input.h; must be last
 *   *         arg: everything that is left, the command reads it itself
 */
#define IMAP_VALUES_MAX 8

enum imap_value_kind {
	VALUE_NONE,
	VALUE_ASTRING,
	VALUE_MAILBOX,
	VALUE_PATTERN,
	VALUE_ATOM,
	VALUE_INITIAL,
	VALUE_SET,
	VALUE_NUMBER,
	VALUE_FLAGS,
	VALUE_DATE,
	VALUE_LIST,
	VALUE_LITERAL,
	VALUE_REST
};

struct imap_value {
	bool is_set; /* false: optional and not given */
	const struct imap_arg *arg;
	struct slice text;
	uint32_t number;
	int64_t date;  /* seconds since 1970, UTC */
	int zone_mins; /* east of UTC */
};

struct imap_grammar {
	struct {
		enum imap_value_kind kind;
		bool is_optional;
	} item[IMAP_VALUES_MAX];
	unsigned n;
};

/* Read a row's grammar; text may be NULL. -1 for a word it does not know. */
int imap_grammar_parse(
    const char *text, struct imap_grammar *g, struct err *err) MUST_CHECK;

/*
 * Fill v[0..g->n-1] from the chain. An optional item is taken when the node
 * fits it. -1 with a text that may be sent to the client ("Mailbox name
 * expected"): err->text is made of our words alone.
 */
int imap_args_match(const struct imap_grammar *g, const struct imap_arg *args,
    struct arena *arena, struct imap_value *v, struct err *err) MUST_CHECK;

/* The single readers, for commands that look at a raw tree. 0, or -1 with err
 * as above. */
/* A name with wildcards (LIST); what is no name gives a pattern that matches
 * nothing. */
int imap_arg_pattern(const struct imap_arg *a, struct arena *arena,
    struct slice *out, struct err *err) MUST_CHECK;
/* RFC 3501 9 date ("1-Feb-1994", quoted or not): *day_out is the number of the
 * day since 1970-01-01. For SEARCH. */
int imap_arg_date(
    const struct imap_arg *a, int32_t *day_out, struct err *err) MUST_CHECK;
/* RFC 3501 9 date-time: " 1-Feb-1994 12:00:00 +0100". */
int imap_date_time(
    struct slice text, int64_t *secs_out, int *zone_mins_out) MUST_CHECK;

#endif
