/* SPDX-License-Identifier: ISC */
/* Message identifiers, one after the other, in one form. */
#include "libmessage/msgid.h"

/* RFC 5322 2.1.1: what fits on one line. */
#define MAX_MSGID 998

struct reader {
	struct buf *out;
	size_t start; /* of the identifier, in out */
	size_t at;    /* of its "@", in out; start: none yet */
	bool is_quoted;
	bool is_bad;
};

static void
take(struct reader *r, char c)
{
	if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
		return;
	if ((unsigned char)c < 0x20 || c == 0x7f)
		r->is_bad = true;
	else
		buf_putc(r->out, c);
}

/* Everything behind "<" up to ">"; false when there is none. A "<" within
 * begins anew: the first was no bracket. */
static bool
read_one(struct slice *value, struct reader *r)
{
	size_t i;

	for (i = 0; i < value->n; i++) {
		char c = value->p[i];

		if (c == '"') {
			r->is_quoted = !r->is_quoted;
		} else if (c == '\\' && r->is_quoted && i + 1 < value->n) {
			take(r, value->p[++i]);
		} else if (!r->is_quoted && (c == '>' || c == '<')) {
			/* the "<" is for the next one */
			r->is_bad = r->is_bad || c == '<';
			*value = slice_from(*value, c == '<' ? i : i + 1);
			return true;
		} else {
			if (c == '@' && !r->is_quoted)
				r->at = r->out->n;
			take(r, c);
		}
	}
	return false;
}

static bool
is_valid(const struct reader *r)
{
	size_t n = r->out->n - r->start;

	return !r->is_bad && n <= MAX_MSGID && r->at > r->start &&
#if PLANT == 25
	    true;
#else
	    r->at + 1 < r->out->n;
#endif
}

bool
msgid_next(struct slice *value, struct buf *out)
{
	struct reader r = { .out = out, .start = out->n };
	ptrdiff_t open;

	while ((open = slice_find(*value, '<')) >= 0) {
		*value = slice_from(*value, (size_t)open + 1);
		r.at = r.start;
		r.is_bad = r.is_quoted = false;
		if (!read_one(value, &r))
			break;
		if (is_valid(&r))
			return true;
		buf_truncate(out, r.start);
	}
	buf_truncate(out, r.start);
	*value = SLICE_NONE;
	return false;
}
