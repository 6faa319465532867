/* SPDX-License-Identifier: ISC */
/* pack: what is written is read; nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "imapd/pack.h"

static void
fill(struct pack *p, struct buf *runs)
{
	const struct pack_run a = { .n = 2, .flags = 17, .keywords = 5 };
	const struct pack_run b = { .n = 3, .flags = 0, .keywords = 0 };

	pack_put_run(runs, &a);
	pack_put_run(runs, &b);
	*p = (struct pack){ .kind = PACK_PARKED,
		.flags =
		    PACK_SELECTED | PACK_USES_UID | PACK_IDLING | PACK_SAVED,
		.enabled = ENABLED_CONDSTORE,
		.tag = SLICE("a7"),
		.mailbox = SLICE("Entw\xc3\xbcrfe/x"),
		.uidvalidity = 123456,
		.modseq = UINT64_C(1795536838306459),
		.uids = SLICE("1:4,900"),
		.recent = SLICE("900"),
		.runs = buf_slice(runs),
		.saved = SLICE("3:4,77") };
}

static void
test_round(void **state)
{
	struct buf runs, b;
	struct pack p, q;
	struct pack_run run;
	struct err err;

	(void)state;
	buf_init(&runs, MAX_PACKED);
	buf_init(&b, MAX_PACKED);
	fill(&p, &runs);
	pack_write(&p, &b);
	assert_int_equal(pack_read(buf_slice(&b), &q, &err), 0);
	assert_int_equal(q.kind, PACK_PARKED);
	assert_int_equal(q.flags, p.flags);
	assert_int_equal(q.enabled, p.enabled);
	assert_true(slice_eq(q.tag, p.tag));
	assert_true(slice_eq(q.mailbox, p.mailbox));
	assert_int_equal(q.uidvalidity, 123456);
	assert_int_equal(q.modseq, p.modseq);
	assert_true(slice_eq(q.uids, p.uids));
	assert_true(slice_eq(q.recent, p.recent));
	assert_true(slice_eq(q.saved, p.saved));
	assert_true(pack_get_run(q.runs, 1, &run));
	assert_int_equal(run.n, 3);
	assert_true(pack_get_run(q.runs, 0, &run));
	assert_int_equal(run.flags, 17);
	assert_int_equal(run.keywords, 5);
	assert_false(pack_get_run(q.runs, 2, &run));
	buf_free(&runs);
	buf_free(&b);
}

static void
test_cut(void **state)
{
	struct buf runs, b;
	struct pack p, q;
	struct err err;
	size_t i;

	(void)state;
	buf_init(&runs, MAX_PACKED);
	buf_init(&b, MAX_PACKED);
	fill(&p, &runs);
	pack_write(&p, &b);
	for (i = 0; i < b.n; i++) {
		assert_int_equal(pack_read(slice_of(b.p, i), &q, &err), -1);
		assert_int_equal(err.code, ERR_CORRUPT);
	}
	buf_putc(&b, 'x');
	assert_int_equal(pack_read(buf_slice(&b), &q, &err), -1);
	buf_free(&runs);
	buf_free(&b);
}

/* One value made wrong at a time. */
static void
refused(struct pack p)
{
	struct buf b;
	struct pack q;
	struct err err;

	buf_init(&b, MAX_PACKED);
	pack_write(&p, &b);
	assert_int_equal(pack_read(buf_slice(&b), &q, &err), -1);
	buf_free(&b);
}

static void
test_wrong(void **state)
{
	struct buf runs;
	struct pack p, q;
	unsigned wrong = 3; /* what a forger writes */
	enum pack_kind wrong_kind;

	(void)state;
	memcpy(&wrong_kind, &wrong, sizeof(wrong_kind));
	buf_init(&runs, MAX_PACKED);
	fill(&p, &runs);
	q = p;
	q.kind = wrong_kind;
	refused(q);
	q = p;
	q.flags = 64;
	refused(q);
	q = p;
	q.flags |= PACK_NOMODSEQ;
	refused(q);
	q = p;
	q.modseq = 0;
	refused(q);
	q = p;
	q.modseq = UINT64_C(1) << 63;
	refused(q);
	q = p;
	q.flags = PACK_IDLING | PACK_SAVED;
	refused(q);
	q = p;
	q.saved = SLICE("4:*");
	refused(q);
	q = p;
	q.tag = SLICE("a\r\n* BYE x");
	refused(q);
	q = p;
	q.tag = SLICE_NONE;
	refused(q);
	q = p;
	q.mailbox = SLICE("\xff");
	refused(q);
	q = p;
	q.uidvalidity = 0;
	refused(q);
	q = p;
	q.uids = SLICE("1:5,900");
	refused(q);
	q = p;
	q.uids = SLICE("1:*");
	refused(q);
	q = p;
	q.recent = SLICE("x");
	refused(q);
	q = p;
	q.runs = slice_head(q.runs, PACK_RUN);
	refused(q);
	q = p;
	q.runs = slice_head(q.runs, PACK_RUN + 1);
	refused(q);
	buf_free(&runs);
}

static void
test_hello(void **state)
{
	struct pack p = { .kind = PACK_LOGIN, .tag = SLICE("x.1") }, q;
	struct err err;
	struct buf b;

	(void)state;
	buf_init(&b, MAX_PACKED);
	pack_write(&p, &b);
	assert_int_equal(pack_read(buf_slice(&b), &q, &err), 0);
	assert_true(slice_eq_str(q.tag, "x.1"));
	p.tag = SLICE_NONE;
	refused(p);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_hello),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
