/* SPDX-License-Identifier: ISC */
/*
 * Bytes of a client to commands: a tokenizer that can stop at any byte. It is
 * fed slices of the connection's input, consumes what it understood, copies
 * tokens into the command's arena as it goes, and never looks at a byte twice;
 * so the input buffer may be small and a slice is never kept.
 *
 * A client can make it hold: one line (max_line), literals (max_literal each),
 * all within the arena's ceiling, nested MAX_NESTING deep. What is over a limit
 * is answered with BAD or NO [TOOBIG] after the rest of the command has been
 * read away; more than MAX_LITERAL_DRAIN of rest ends the connection,
 * but for streamed literals, which a client may begin to send unasked.
 */
#ifndef IMAPD_IMAP_INPUT_H
#define IMAPD_IMAP_INPUT_H

#include "imapd/imap_args.h"
#include "libbase/buf.h"
#include "libbase/ceilings.h"

/* Each outcome of imap_input_feed by its name. */
enum imap_parse {
	PARSE_MORE,     /* all bytes used, command not complete */
	PARSE_VERB,     /* tag, uid and name are known; args are not. The caller
			   sets streams and sections and feeds on */
	PARSE_CONTINUE, /* a synchronising literal begins: send "+", feed on */
	PARSE_READY,    /* the line is complete: tag, name, args */
	PARSE_STREAM,   /* streams: a top-level literal of stream_bytes begins
			   (is_sync: send "+" first if it is wanted) */
	PARSE_BAD,      /* the command was read away; tag (or none), err */
	PARSE_CLOSE     /* no way to go on: BYE with err */
};

struct imap_input {
	/* limits, set by the session; may be changed between commands */
	size_t max_line;
	size_t max_literal;
	uint64_t max_stream; /* refused ones up to here are read away */
	struct arena *arena; /* of the command */

	/* what was read; slices live in the arena */
	struct slice tag;
	bool is_uid; /* "UID" stood before the name */
	struct slice name;
	struct imap_arg *args;

	/* set by the caller at PARSE_VERB; cleared at the end of a command */
	bool streams;  /* the first top-level literal after one argument is
			  not read but given to the command */
	bool sections; /* see imap_args.h */

	/* a literal at PARSE_STREAM */
	uint64_t stream_bytes;
	bool is_sync;
	bool is_literal8; /* ~{n} (RFC 3516) */

	/* Why a command is bad: ERR_INVALID BAD; ERR_LIMIT BAD; ERR_QUOTA is
	 * never used; ERR_NOSPACE stands for a literal too big: NO [TOOBIG].
	 * The text may be sent. */
	struct err err;

	/* private from here */
	unsigned state;
	enum imap_parse out;
	struct buf token;
	bool token_escape;
	bool is_line_given;
	size_t line_bytes;
	size_t drained;
	enum {
		SIZE_NONE,
		SIZE_DIGITS,
		SIZE_WHOLE
	} sized; /* "{12" */
	uint64_t size;
	uint64_t literal_left;
	char *literal_p;
	unsigned depth;
	struct imap_arg *open[MAX_NESTING]; /* lists and sections not closed */
	struct imap_arg **link;             /* where the next node hangs */
	struct imap_arg *last; /* the node just made (for a section's suffix) */
	unsigned n_top;        /* complete top-level arguments */
};

/* arena is borrowed and belongs to the command being read. */
void imap_input_init(struct imap_input *in, struct arena *arena);
void imap_input_free(struct imap_input *in);

/* Forget the command (after its reply): the arena may be reset then. */
void imap_input_reset(struct imap_input *in);

/* Consume bytes; *used_out is always set (at most data.n). Not to be called
 * again after PARSE_READY or PARSE_BAD before imap_input_reset. */
enum imap_parse
imap_input_feed(struct imap_input *in, struct slice data, size_t *used_out);

/*
 * After PARSE_STREAM the caller takes stream_bytes of input itself and then
 * calls this: the rest of the line is parsed into a fresh args chain (for one
 * more message, RFC 3502, or just the line's end). Feed then gives PARSE_READY
 * with args == NULL at the end, or PARSE_STREAM again.
 */
void imap_input_streamed(struct imap_input *in);
/* Refuse the literal of PARSE_STREAM: a synchronising one ends the command at
 * once (nothing more comes); else the literal and the rest are read away. Feed
 * then gives PARSE_BAD (err as set by the caller before) or PARSE_CLOSE. */
void imap_input_refuse(struct imap_input *in);
/* The same in the middle of a stream: n bytes of it have not been read yet. */
void imap_input_refuse_rest(struct imap_input *in, uint64_t n);
/* True while the rest of a command is being read away. */
bool imap_input_is_draining(const struct imap_input *in);

/*
 * One raw line for IDLE's DONE and SASL answers, without its CRLF, at most
 * max_line bytes. PARSE_MORE, PARSE_READY (line_out until the next call),
 * PARSE_BAD (too long, or a NUL: the line was read away), PARSE_CLOSE. Between
 * commands and inside of one alike.
 */
enum imap_parse imap_input_line(struct imap_input *in, struct slice data,
    size_t *used_out, struct slice *line_out);

#endif
