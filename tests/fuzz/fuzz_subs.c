/* SPDX-License-Identifier: ISC */
/* Subscriptions and maildirsize: what is printed reads back. plants: 37 38 */
#include <stdlib.h>

#include "libmaildir/quota.h"
#include "libmaildir/subs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct foldername_conf confs[] = {
	{ '/', false, 32, { "", 0 } },
	{ '.', true, 32, { "INBOX.", 6 } },
};

static void
check_same(const struct subs *a, const struct subs *b)
{
	struct slice na, nb;
	size_t pa = 0, pb = 0;

	while (subs_next(a, &pa, &na))
		if (!subs_next(b, &pb, &nb) || !slice_eq(na, nb))
			abort();
	if (subs_next(b, &pb, &nb))
		abort();
}

static void
check_lines(const struct subs *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct subs_line l = s->lines[i];

		if (l.raw.p == NULL || slice_find(l.raw, '\n') >= 0)
			abort();
		if (l.name.p != NULL && s->version == 2 &&
		    slice_find(l.raw, '.') >= 0)
			abort();
	}
}

static void
subscriptions(const struct foldername_conf *c, struct slice text)
{
	struct subs s, again;
	struct slice name;
	struct err e;
	struct buf out;
	size_t pos = 0;

	subs_init(&s);
	subs_init(&again);
	buf_init(&out, 2 * SUBS_MAX_BYTES);
	if (subs_parse(&s, c, text, &e) == 0) {
		check_lines(&s);
		subs_print(&s, &out);
		if (subs_parse(&again, c, buf_slice(&out), &e) < 0)
			abort();
		check_same(&s, &again);
		/* take one out and put it back: it is there, as a new line */
		if (subs_next(&again, &pos, &name) &&
		    (subs_set(&s, c, name, false, &e) != 1 ||
			subs_has(&s, name) ||
			subs_set(&s, c, name, true, &e) != 1 ||
			!subs_has(&s, name)))
			abort();
	}
	buf_free(&out);
	subs_free(&again);
	subs_free(&s);
}

static void
size_file(struct slice text)
{
	struct quota_file f, again;
	struct buf out;

	if (quota_parse(text, &f) < 0)
		return;
	buf_init(&out, 4 * KIB);
	quota_print(&f, &out);
	if (quota_parse(buf_slice(&out), &again) < 0 ||
	    again.limit_bytes != f.limit_bytes ||
	    again.limit_messages != f.limit_messages ||
	    again.sum.bytes != f.sum.bytes ||
	    again.sum.messages != f.sum.messages)
		abort();
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct subs s;
	struct err e;
	struct slice text;

	if (n == 0 || n > 64 * KIB)
		return 0;
	text = slice_of(data + 1, n - 1);
	subscriptions(&confs[data[0] % N_ELEMENTS(confs)], text);
	size_file(text);
	subs_init(&s);
	if (subs_parse_courier(&s, &confs[0], text, &e) == 0)
		check_lines(&s);
	subs_free(&s);
	return 0;
}
