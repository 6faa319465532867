/* SPDX-License-Identifier: ISC */
/*
 * Any charset to UTF-8, streaming, over iconv. What is not valid becomes
 * U+FFFD; output is always valid UTF-8. A charset that is missing, unknown, or
 * US-ASCII with bytes over 0x7f is guessed: UTF-8 where it is valid, else
 * windows-1252.
 */
#ifndef LIBMESSAGE_CHARSET_H
#define LIBMESSAGE_CHARSET_H

#include "libbase/buf.h"

enum charset_kind {
	CHARSET_GUESS,
	CHARSET_UTF8,
	CHARSET_ICONV
};

struct charset {
	enum charset_kind kind;
	void *cd;      /* iconv_t */
	char name[64]; /* what cd was opened for, aliases resolved */
	char held[16]; /* start of a character */
	unsigned n_held;
};

/* Does SEARCH CHARSET take it? */
bool charset_is_known(struct slice name);

/* Never fails: unknown names guess. false when the name is not known. Close
 * with charset_close. */
bool charset_open(struct charset *c, struct slice name);
void charset_feed(struct charset *c, struct slice in, struct buf *out);
/* What is held is told; c is as newly opened. */
void charset_end(struct charset *c, struct buf *out);
void charset_close(struct charset *c);

/* All of in at once. false when the name is not known (guessed then). */
bool charset_to_utf8(struct slice name, struct slice in, struct buf *out);
/* true when in is wholly valid in that (known) charset; out gets it in UTF-8,
 * else it is unchanged. For SEARCH arguments. */
bool
charset_to_utf8_strict(struct slice name, struct slice in, struct buf *out);

#endif
