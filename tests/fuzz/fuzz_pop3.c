/* SPDX-License-Identifier: ISC */
/* POP3 lines: any split gives the same lines; arguments stay within the
 * mailbox. plants: 60 61 62 */
#include <stdlib.h>
#include <string.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "pop3d/pop3_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define N_MESSAGES 7

/* Each line and its end, as one text; what came is shown piece by piece, as a
 * connection's input grows, each time in memory of its own. */
static void
lines_of(struct slice in, size_t piece, struct buf *out)
{
	bool swallowing = false;
	size_t at = 0, seen = 0, used;
	struct buf line;

	buf_init(&line, MAX_POP3_LINE);
	buf_init(out, 8 * MIB);
	while (at < in.n) {
		enum pop3_took took;
		char *copy;

		if (seen <= at)
			seen = at;
		seen = in.n - seen < piece ? in.n : seen + piece;
		copy = xmalloc(seen - at);
		memcpy(copy, in.p + at, seen - at);
		do {
			took = pop3_parse_line(slice_of(copy, seen - at),
			    &swallowing, &line, &used);
			at += used;
			memmove(copy, copy + used, seen - at);
			if (took == POP3_TOOK_LINE)
				buf_put_slice(out, buf_slice(&line));
			if (took != POP3_TOOK_NOTHING)
				buf_puts(out,
				    took == POP3_TOOK_LINE ? "\n" : "long\n");
		} while (took != POP3_TOOK_NOTHING && at < seen);
		xfree(copy);
		if (seen == in.n)
			break;
	}
	buf_free(&line);
}

static void
try_command(struct slice in)
{
	struct pop3_command c;
	struct slice word, rest;
	unsigned what;
	char *copy = xmalloc(in.n + (in.n == 0));

	if (in.n > 0)
		memcpy(copy, in.p, in.n);
	if (pop3_parse_word(slice_of(copy, in.n), &word, &rest)) {
		if (word.n + rest.n > in.n)
			abort();
		for (what = ARGS_NONE; what <= ARGS_MESSAGE_LINES; what++)
			if (pop3_parse_args((enum pop3_args)what, rest,
				N_MESSAGES, &c) == NULL &&
			    (c.number > N_MESSAGES ||
				(c.number == 0 && what >= ARGS_MESSAGE &&
				    what != ARGS_MAYBE_MESSAGE)))
				abort();
	}
	xfree(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = slice_of(data, n), line, rest = in;
	size_t piece = n == 0 ? 1 : data[0] % 7 + 1;
	struct buf whole, pieces;

	if (n > 64 * KIB)
		return 0;
	lines_of(in, n + 1, &whole);
	lines_of(in, n > 512 ? 1000 : piece, &pieces);
	if (!slice_eq(buf_slice(&whole), buf_slice(&pieces)))
		abort();
	buf_free(&whole);
	buf_free(&pieces);
	while (rest.n > 0) {
		slice_cut(&rest, '\n', &line);
		try_command(line);
	}
	return 0;
}
