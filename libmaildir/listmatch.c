/* SPDX-License-Identifier: ISC */
/* LIST patterns. */
#include <string.h>

#include "libmaildir/listmatch.h"

static const struct slice inbox = { "INBOX", 5 };

void
listmatch_join(struct slice reference, struct slice pattern, struct buf *out)
{
	buf_put_slice(out, reference);
	buf_put_slice(out, pattern);
}

/* How many bytes at the front are the word INBOX, which has no case. */
static size_t
inbox_length(struct slice name, char separator)
{
	if (!slice_ieq(slice_head(name, inbox.n), inbox))
		return 0;
	return name.n == inbox.n || name.p[inbox.n] == separator ? inbox.n : 0;
}

/* Longer names match nothing: no list holds them. */
#define NAME_MAX_BYTES 2048

/*
 * reach[j]: the part of the pattern looked at so far matches the first j bytes
 * of the name. One row, renewed for each byte of the pattern; what a row needs
 * stands to its left, so it is renewed from the right for a literal and from
 * the left for a wildcard.
 */
struct row {
	bool reach[NAME_MAX_BYTES + 2];
	size_t n; /* bytes of the name */
};

static bool
row_wildcard(struct row *r, const char *name, int stop)
{
	bool any = false;

	for (size_t j = 0; j <= r->n; j++) {
		if (j > 0 && r->reach[j - 1] &&
		    (unsigned char)name[j - 1] != stop)
			r->reach[j] = true;
		any = any || r->reach[j];
	}
	return any;
}

/* One literal byte; folded stands for the first so many bytes of the name. */
static bool
row_literal(struct row *r, const char *name, size_t fold, char c)
{
	bool any = false;

	for (size_t j = r->n; j > 0; j--) {
		char have = name[j - 1];
		bool same =
		    j <= fold ? ascii_upper(have) == ascii_upper(c) : have == c;

		r->reach[j] = r->reach[j - 1] && same;
		any = any || r->reach[j];
	}
	r->reach[0] = false;
	return any;
}

/* With below: name ends with a separator, and more may follow. */
static bool
match(struct slice pattern, struct slice name, char separator, bool below)
{
	struct row r;
	size_t fold = inbox_length(name, separator);

	if (name.n > NAME_MAX_BYTES + 1)
		return false;
	r.n = name.n;
	memset(r.reach, 0, name.n + 1);
	r.reach[0] = true;
	for (size_t i = 0; i < pattern.n; i++) {
		char c = pattern.p[i];
		bool any;

		if (below && r.reach[r.n])
			return true;
		if (c == '*')
			any = row_wildcard(&r, name.p, -1);
		else if (c == '%')
			any =
			    row_wildcard(&r, name.p, (unsigned char)separator);
		else
			any = row_literal(&r, name.p, fold, c);
		if (!any)
			return false;
		if (below && c == '*' && r.reach[r.n])
			return true;
	}
	return !below && r.reach[r.n];
}

bool
listmatch(struct slice pattern, struct slice name, char separator)
{
	return match(pattern, name, separator, false);
}

bool
listmatch_below(struct slice pattern, struct slice name, char separator)
{
	char with[NAME_MAX_BYTES + 1];

	if (name.n > NAME_MAX_BYTES)
		return false;
	if (name.n > 0)
		memcpy(with, name.p, name.n);
	with[name.n] = separator;
	return match(pattern, slice_of(with, name.n + 1), separator, true);
}

bool
listmatch_is_level(struct slice pattern)
{
	return pattern.n > 0 && pattern.p[pattern.n - 1] == '%';
}
