/* SPDX-License-Identifier: ISC */
/* POP3's lines and arguments. */
#include <string.h>

#include "libbase/ceilings.h"

#include "pop3d/pop3_parse.h"

enum pop3_took
pop3_parse_line(
    struct slice in, bool *swallowing, struct buf *line, size_t *used_out)
{
	ptrdiff_t end = slice_find(in, '\n');
	size_t n = end == -1 ? in.n : (size_t)end;

	*used_out = 0;
	if (end == -1 && in.n < MAX_POP3_LINE && !*swallowing)
		return POP3_TOOK_NOTHING;
	buf_reset(line);
	*used_out = end == -1 ? n : n + 1;
	*swallowing |= n >= MAX_POP3_LINE;
	if (end == -1)
		return POP3_TOOK_NOTHING;
	if (*swallowing) {
		*swallowing = false;
		return POP3_TOOK_LONG;
	}
#if PLANT == 60
	if (in.p[n - 1] == '\r')
#else
	if (n > 0 && in.p[n - 1] == '\r')
#endif
		n--;
	buf_put(line, in.p, n);
	return POP3_TOOK_LINE;
}

bool
pop3_parse_word(struct slice line, struct slice *word_out, struct slice *rest)
{
	*rest = line;
	slice_cut(rest, ' ', word_out);
#if PLANT == 61
	return memchr(line.p, '\0', line.n + 1) == NULL;
#else
	return line.n == 0 || memchr(line.p, '\0', line.n) == NULL;
#endif
}

static const char *
take_message(struct slice word, uint32_t n_messages, uint32_t *out)
{
	uint32_t n;

#if PLANT == 62
	if (slice_u32(word, n_messages + 1, &n) == -1 || n == 0)
#else
	if (slice_u32(word, n_messages, &n) == -1 || n == 0)
#endif
		return "No such message";
	*out = n;
	return NULL;
}

const char *
pop3_parse_args(enum pop3_args what, struct slice rest, uint32_t n_messages,
    struct pop3_command *out)
{
	struct slice args = slice_trim(rest), word;
	const char *no;

	*out = (struct pop3_command){ .text = rest };
	switch (what) {
	case ARGS_TEXT:
		return NULL;
	case ARGS_NONE:
		return args.n > 0 ? "Takes no argument" : NULL;
	case ARGS_MAYBE_MESSAGE:
		if (args.n == 0)
			return NULL;
		return take_message(args, n_messages, &out->number);
	case ARGS_MESSAGE:
		return take_message(args, n_messages, &out->number);
	case ARGS_MESSAGE_LINES:
		slice_cut(&args, ' ', &word);
		no = take_message(word, n_messages, &out->number);
		if (no == NULL &&
		    slice_u32(slice_trim(args), UINT32_MAX, &out->lines) == -1)
			no = "TOP needs a message and a number of lines";
		return no;
	}
	return "Not possible";
}
