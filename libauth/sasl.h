/* SPDX-License-Identifier: ISC */
/*
 * SASL mechanisms as rows, for the frontends of all three protocols: turns
 * decoded lines into a user name and a secret, and knows nothing of framing,
 * PAM or processes. Each protocol finds the mechanism, starts, sends challenges
 * in its own form ("+ %s" in IMAP and POP3, "334 %s" in SMTP) and feeds
 * answers. RFC 4422 section 3; RFC 4616 (PLAIN); the LOGIN draft
 * (draft-murchison-00).
 */
#ifndef LIBAUTH_SASL_H
#define LIBAUTH_SASL_H

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libbase/slice.h"

/* Longest base64 line a mechanism takes: two names, a secret, two NULs. */
#define MAX_SASL_LINE 4096

enum sasl_outcome {
	SASL_CHALLENGE, /* send s->challenge, then feed the next line */
	SASL_READY,     /* s->user and s->secret are filled: log in */
	SASL_CANCELLED, /* the client sent "*": RFC 3501 6.2.2, RFC 5034 4 */
	SASL_BAD /* not base64, too long, wrong form: s->reason says why */
};

struct sasl;

/* One mechanism; a new one is a file with a row and its name in sasl.c. */
struct sasl_mech {
	const char *name;      /* upper case, as advertised */
	const char *challenge; /* base64 of the first challenge, may be "" */
	/* One decoded answer of the client. */
	enum sasl_outcome (*step)(struct sasl *s, struct slice data);
};

struct sasl { /* embed; holds a secret: sasl_wipe when done */
	const struct sasl_mech *mech;
	unsigned phase;        /* answers taken so far; mechanism's own */
	const char *challenge; /* base64 to send, static text, "" is possible */
	const char *reason;    /* of SASL_BAD, for the log; static text */
	char user[MAX_USER + 1];    /* authcid as the client wrote it */
	char authzid[MAX_USER + 1]; /* "" or what was asked; auth checks it */
	struct secret secret;
};

/* All mechanisms, NULL at the end, in the order they are advertised. */
extern const struct sasl_mech *const sasl_mechs[];

/* The row of that name, any case; NULL when there is none. */
const struct sasl_mech *sasl_mech_find(struct slice name);

/*
 * Begin. initial NULL: the client sent no initial response. Else the text as it
 * stood in the line: base64, "=" for an empty one (RFC 4959, 4954, 5034).
 * s needs no preparation; what it held is overwritten.
 */
enum sasl_outcome sasl_start(struct sasl *s, const struct sasl_mech *mech,
    const struct slice *initial) MUST_CHECK;

/* The client's next line, without CRLF. "*" cancels; an empty line is an empty
 * answer. After SASL_READY, _CANCELLED or _BAD feed nothing more. */
enum sasl_outcome sasl_feed(struct sasl *s, struct slice line) MUST_CHECK;

/* Zero the secret and the names; may be called at any time and twice. */
void sasl_wipe(struct sasl *s);

/* The rows (sasl_plain.c, sasl_login.c). */
extern const struct sasl_mech sasl_plain;
extern const struct sasl_mech sasl_login;

/* For mechanisms: sets the reason, answers SASL_BAD. */
enum sasl_outcome sasl_bad(struct sasl *s, const char *reason);
/* For mechanisms: take a name (1 to MAX_USER bytes, UTF-8, no control bytes;
 * empty only when may_be_empty) into out[MAX_USER + 1]. */
bool sasl_take_name(char *out, struct slice name, bool may_be_empty);

#endif
