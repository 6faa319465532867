/* SPDX-License-Identifier: ISC */
/* The base subject, RFC 5256 2.1; the steps carry the RFC's numbers. */
#include <string.h>

#include "libbase/ceilings.h"
#include "libmessage/encword.h"
#include "libmessage/subject.h"

struct subject {
	struct slice s;
	const char *no_refwd; /* blobs up to here have no Re: behind them */
	bool is_reply;
};

static struct slice
skip_spaces(struct slice s)
{
	while (s.n > 0 && s.p[0] == ' ')
		s = slice_from(s, 1);
	return s;
}

/* subj-blob = "[" *BLOBCHAR "]" *WSP at the front of *s. */
static bool
take_blob(struct slice *s)
{
	if (!slice_starts(*s, "["))
		return false;
	for (size_t i = 1; i < s->n && s->p[i] != '['; i++) {
		if (s->p[i] == ']') {
			*s = skip_spaces(slice_from(*s, i + 1));
			return true;
		}
	}
	return false;
}

/* subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":" */
static bool
take_refwd(struct slice *s)
{
	struct slice at = *s;

	if (slice_istarts(at, "fwd"))
		at = slice_from(at, 3);
	else if (slice_istarts(at, "re") || slice_istarts(at, "fw"))
		at = slice_from(at, 2);
	else
		return false;
	at = skip_spaces(at);
	(void)take_blob(&at);
	if (!slice_starts(at, ":"))
		return false;
	*s = slice_from(at, 1);
	return true;
}

/* (2): "(fwd)" and blanks at the end. */
static void
cut_trailers(struct subject *b)
{
	const char fwd[] = "(fwd)";
	const size_t n = sizeof(fwd) - 1;

	for (;;) {
		while (b->s.n > 0 && b->s.p[b->s.n - 1] == ' ')
			b->s.n--;
		if (b->s.n < n ||
		    !slice_ieq_str(slice_from(b->s, b->s.n - n), fwd))
			return;
		b->s.n -= n;
		b->is_reply = true;
	}
}

/* (3): one subj-leader. Many blobs without a Re: behind them are looked through
 * once, not once for each. */
static bool
cut_leader(struct subject *b)
{
	struct slice at = b->s;

	if (slice_starts(at, " ")) {
		b->s = skip_spaces(at);
		return true;
	}
	if (b->no_refwd != NULL && at.p < b->no_refwd)
		return false;
	while (take_blob(&at))
		;
	if (!take_refwd(&at)) {
		b->no_refwd = at.p;
		return false;
	}
	b->s = at;
	b->is_reply = true;
	return true;
}

/* (4): a blob, unless it is all there is. */
static bool
cut_blob(struct subject *b)
{
	struct slice at = b->s;

	if (!take_blob(&at) || at.n == 0)
		return false;
	b->s = at;
	return true;
}

/* (6): "[fwd:" ... "]" */
static bool
cut_forward(struct subject *b)
{
	if (!slice_istarts(b->s, "[fwd:") || b->s.p[b->s.n - 1] != ']')
		return false;
	b->s = slice_of(b->s.p + 5, b->s.n - 6);
	b->no_refwd = NULL;
	b->is_reply = true;
	return true;
}

/* (1): every run of white space is one space. */
static void
put_collapsed(struct slice s, struct buf *out)
{
	bool space = false;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool is_space = c == ' ' || c == '\t' || c == '\r' || c == '\n';

		if (!is_space)
			buf_putc(out, c);
		else if (!space)
			buf_putc(out, ' ');
		space = is_space;
	}
}

void
subject_base(struct slice value, struct buf *out, bool *is_reply_out)
{
	struct buf decoded, text;
	struct subject b = { SLICE_NONE, NULL, false };

	buf_init(&decoded, MAX_HEADER_BYTES * 2);
	buf_init(&text, MAX_HEADER_BYTES * 2);
	/* Unfolding before decoding: blanks between words must vanish. */
	put_collapsed(slice_trim(value), &text);
	encword_decode(buf_slice(&text), &decoded);
	buf_reset(&text);
	put_collapsed(buf_slice(&decoded), &text);
	b.s = buf_slice(&text);
	do {
		cut_trailers(&b);
		while (cut_leader(&b) || cut_blob(&b))
			;
	} while (cut_forward(&b));
	buf_put_slice(out, b.s);
	if (is_reply_out != NULL)
		*is_reply_out = b.is_reply;
	buf_free(&decoded);
	buf_free(&text);
}
