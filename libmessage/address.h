/* SPDX-License-Identifier: ISC */
/*
 * Address lists of header fields (RFC 5322 3.4 with its obsolete forms, groups
 * and comments; tolerant) and mailboxes of SMTP commands (RFC 5321 4.1.2;
 * strict).
 */
#ifndef LIBMESSAGE_ADDRESS_H
#define LIBMESSAGE_ADDRESS_H

#include "libbase/arena.h"
#include "libbase/buf.h"
#include "libbase/ceilings.h"
#include "libbase/err.h"

enum address_kind {
	ADDRESS_MAILBOX,
	ADDRESS_GROUP_BEGIN, /* mailbox is the group's name */
	ADDRESS_GROUP_END
};

/*
 * One structure of RFC 9051 7.5.2. A member that is absent has p == NULL (IMAP
 * NIL). A mailbox never has a NIL host, since that marks groups: an address
 * without a domain gets the host "" (p != NULL, n == 0), and one without a
 * local part the mailbox "". Quoted strings are unquoted, comments dropped; a
 * comment behind the address is its name when it has none ("foo@bar (Foo)").
 * Nothing is decoded by RFC 2047.
 */
struct address {
	struct address *next;
	enum address_kind kind;
	struct slice name;    /* phrase */
	struct slice route;   /* "@a,@b" of an obsolete route */
	struct slice mailbox; /* local part, unquoted */
	struct slice host;    /* domain, or "[literal]" */
};

struct address_list { /* zeroed is a valid empty list */
	struct address *first, *last;
	unsigned n; /* structures, group marks included */
};

/* Append what the value of a field holds. Any input gives an answer; entries
 * beyond MAX_ADDRESSES or the arena's ceiling are left out. value may be
 * folded.
 */
void address_parse(
    struct arena *arena, struct slice value, struct address_list *list);

/* Append `Name <local@host>`: name and local part are quoted where they must
 * be. Without a name only the address, without brackets. An empty host leaves
 * "@" out. Control characters are dropped. */
void address_put(struct buf *out, struct slice name, struct slice mailbox,
    struct slice host);

struct address_path {
	bool is_null;         /* "<>" */
	bool is_literal;      /* domain is "[...]" */
	bool is_utf8;         /* bytes over 0x7f somewhere */
	char local[64 + 1];   /* unquoted; NUL behind */
	char domain[255 + 1]; /* as written; "" for <> and <postmaster> */
	size_t used;          /* bytes of the input that were the path */
};

enum {
	ADDRESS_UTF8 = 1,      /* RFC 6531: bytes over 0x7f, valid UTF-8 */
	ADDRESS_NULL = 2,      /* "<>" is taken (MAIL FROM) */
	ADDRESS_POSTMASTER = 4 /* "<postmaster>" without domain (RCPT TO) */
};

/* Read a path with its brackets from the start of text (RFC 5321 4.1.2,
 * reverse-path or forward-path); a source route is checked and forgotten. What
 * follows (parameters) is text from used on. 0, or -1 with ERR_INVALID for bad
 * syntax, ERR_LIMIT for a local part over 64 or a domain over 255 octets,
 * ERR_UNSUPPORTED for UTF-8 without ADDRESS_UTF8. */
int address_parse_path(struct slice text, unsigned flags,
    struct address_path *path_out, struct err *err) MUST_CHECK;

/* The same for all of text being `local@domain` without brackets. */
int address_parse_mailbox(struct slice text, unsigned flags,
    struct address_path *path_out, struct err *err) MUST_CHECK;

/* Append `local@domain`, the local part quoted where it must be; nothing for a
 * null path. */
void address_put_path(struct buf *out, const struct address_path *path);

#endif
