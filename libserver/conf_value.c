/* SPDX-License-Identifier: ISC */
/* Text of settings made numbers, and the nearest name of a wrong one. */
#include <string.h>

#include "libserver/conf_value.h"

#define NAME_CUT 63u

struct unit {
	const char *word;
	uint64_t factor;
};

static const struct unit size_units[] = {
	{ "", 1 },
	{ "b", 1 },
	{ "k", 1ull << 10 },
	{ "kb", 1ull << 10 },
	{ "kib", 1ull << 10 },
	{ "m", 1ull << 20 },
	{ "mb", 1ull << 20 },
	{ "mib", 1ull << 20 },
	{ "g", 1ull << 30 },
	{ "gb", 1ull << 30 },
	{ "gib", 1ull << 30 },
	{ "t", 1ull << 40 },
	{ "tb", 1ull << 40 },
	{ "tib", 1ull << 40 },
	{ NULL, 0 },
};

static const struct unit time_units[] = {
	{ "", 1000 },
	{ "ms", 1 },
	{ "s", 1000 },
	{ "sec", 1000 },
	{ "secs", 1000 },
	{ "second", 1000 },
	{ "seconds", 1000 },
	{ "m", 60000 },
	{ "min", 60000 },
	{ "mins", 60000 },
	{ "minute", 60000 },
	{ "minutes", 60000 },
	{ "h", 3600000 },
	{ "hour", 3600000 },
	{ "hours", 3600000 },
	{ "d", 86400000 },
	{ "day", 86400000 },
	{ "days", 86400000 },
	{ "w", 604800000 },
	{ "week", 604800000 },
	{ "weeks", 604800000 },
	{ NULL, 0 },
};

static int
parse_with_unit(struct slice text, const struct unit *units, uint64_t *out)
{
	size_t digits = 0;
	uint64_t n;
	struct slice word;

	text = slice_trim(text);
	while (digits < text.n && ascii_is_digit(text.p[digits]))
		digits++;
	if (slice_u64(slice_head(text, digits), UINT64_MAX, &n) == -1)
		return -1;
	word = slice_trim(slice_from(text, digits));
	for (; units->word != NULL; units++) {
		if (!slice_ieq_str(word, units->word))
			continue;
		if (n > UINT64_MAX / units->factor)
			return -1;
		*out = n * units->factor;
		return 0;
	}
	return -1;
}

int
conf_parse_size(struct slice text, uint64_t *bytes_out)
{
	return parse_with_unit(text, size_units, bytes_out);
}

int
conf_parse_duration(struct slice text, uint64_t *ms_out)
{
	return parse_with_unit(text, time_units, ms_out);
}

int
conf_parse_range(struct slice text, uint64_t *lo_out, uint64_t *hi_out)
{
	struct slice low;
	uint64_t lo, hi;

	if (!slice_cut(&text, '-', &low))
		return -1;
	if (slice_u64(slice_trim(low), UINT32_MAX - 1, &lo) == -1 ||
	    slice_u64(slice_trim(text), UINT32_MAX - 1, &hi) == -1 || lo > hi ||
	    lo == 0)
		return -1;
	*lo_out = lo;
	*hi_out = hi;
	return 0;
}

bool
conf_is_word(const char *words, struct slice word)
{
	struct slice rest = slice_str(words), head;
	bool more;

	do {
		more = slice_cut(&rest, '|', &head);
		if (slice_eq(head, word))
			return true;
	} while (more);
	return false;
}

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

unsigned
conf_distance(struct slice a, struct slice b)
{
	unsigned row[NAME_CUT + 1], diagonal, above;

	a = slice_head(a, NAME_CUT);
#if PLANT == 45
	b = slice_head(b, NAME_CUT * 2);
#else
	b = slice_head(b, NAME_CUT);
#endif
	for (unsigned j = 0; j <= b.n; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		diagonal = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			bool same =
			    ascii_lower(a.p[i - 1]) == ascii_lower(b.p[j - 1]);

			above = row[j];
			row[j] = least(row[j] + 1, row[j - 1] + 1,
			    diagonal + (same ? 0 : 1));
			diagonal = above;
		}
	}
	return row[b.n];
}

static void
nearer(const struct setting *rows, struct slice wrong, const char **best,
    unsigned *best_distance)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		unsigned d = conf_distance(slice_str(rows->name), wrong);

		if (d < *best_distance) {
			*best = rows->name;
			*best_distance = d;
		}
	}
}

const char *
conf_nearest(const struct setting *more, struct slice wrong)
{
	const char *best = NULL;
	unsigned bound = 2 + (unsigned)(slice_head(wrong, NAME_CUT).n / 4);
	unsigned distance = bound + 1;

	nearer(settings_common, wrong, &best, &distance);
	nearer(more, wrong, &best, &distance);
	return best;
}

void
conf_print_value(struct buf *b, enum setting_type type, uint64_t v)
{
	static const struct unit sizes[] = { { "G", 1ull << 30 },
		{ "M", 1ull << 20 }, { "k", 1ull << 10 }, { NULL, 0 } };
	static const struct unit times[] = { { " days", 86400000 },
		{ " h", 3600000 }, { " min", 60000 }, { " s", 1000 },
		{ NULL, 0 } };
	const struct unit *u;
	const char *rest;

	if (type == SET_SIZE) {
		u = sizes;
		rest = "";
	} else if (type == SET_DURATION) {
		u = times;
		rest = " ms";
	} else {
		buf_put_u64(b, v);
		return;
	}
	for (; u->word != NULL && v != 0; u++) {
		if (v % u->factor == 0) {
			buf_put_u64(b, v / u->factor);
			buf_puts(b, u->word);
			return;
		}
	}
	buf_put_u64(b, v);
	buf_puts(b, rest);
}
