/* SPDX-License-Identifier: ISC */
/* The arguments of one command as the session reads them, for tests. */
#ifndef TESTS_IMAP_LINE_H
#define TESTS_IMAP_LINE_H

#include "imapd/imap_input.h"

struct imap_line {
	struct arena arena;
	struct imap_input in;
};

/* NULL: it is no whole command. sections: as for FETCH. */
static inline const struct imap_arg *
imap_line_read(struct imap_line *l, struct slice args, bool sections)
{
	struct buf b;
	size_t used, at = 0;
	enum imap_parse r;

	arena_init(&l->arena, MAX_COMMAND_ARENA);
	imap_input_init(&l->in, &l->arena);
	l->in.max_line = MAX_IMAP_LINE;
	l->in.max_literal = MAX_LITERAL_ARG;
	buf_init(&b, MIB);
	buf_puts(&b, "a X ");
	buf_put_slice(&b, args);
	buf_puts(&b, "\r\n");
	do {
		r = imap_input_feed(
		    &l->in, slice_from(buf_slice(&b), at), &used);
		at += used;
		if (r == PARSE_VERB)
			l->in.sections = sections;
	} while (r == PARSE_VERB || r == PARSE_CONTINUE);
	r = at == b.n ? r : PARSE_BAD;
	buf_free(&b);
	return r == PARSE_READY ? l->in.args : NULL;
}

static inline void
imap_line_free(struct imap_line *l)
{
	imap_input_free(&l->in);
	arena_free(&l->arena);
}

#endif
