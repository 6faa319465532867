/* SPDX-License-Identifier: ISC */
/* Summaries: what is kept comes back, read by as few reads as there need be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmaildir/mailbox_impl.h"
#include "libmaildir/summaries.h"
#include "tests/unit/libmaildir/memory_index.h"

#define N 2000

struct fixture {
	struct mailboxes family;
	struct mailbox mb;
	struct mailbox_rec rec[N];
	struct memory_index_look *look;
};

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	unsigned i;

	f->family.index = index_open(&(struct index_conf){ 0 });
	f->look = memory_index_look(f->family.index);
	f->mb.family = &f->family;
	f->family.open = &f->mb;
	f->mb.box = 7;
	for (i = 0; i < N; i++) {
		f->rec[i].uid = 10 + 3 * i;
		f->rec[i].is_shown = true;
		recs_push(&f->mb.recs, &f->rec[i]);
	}
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	summaries_free(&f->mb);
	assert_int_equal(f->family.window_bytes, 0);
	index_close(&f->family.index);
	recs_free(&f->mb.recs);
	xfree(f->mb.memory.changed.v);
	xfree(f);
	return 0;
}

static struct slice
value_of(const struct mailbox_rec *rec, enum summary_kind kind)
{
	static char text[2048];
	int n = snprintf(text, sizeof(text), "%u of %d", rec->uid, (int)kind);

	/* of some length */
	memset(text + n, 'x', 400);
	return slice_of(text, (size_t)n + 400);
}

static void
write_out(struct fixture *f)
{
	struct index_batch *b = index_batch_new(100 * KIB);
	uint64_t revision = 1;
	bool all;

	do {
		all = summaries_take(&f->mb, b);
		assert_int_equal(index_write(f->family.index, f->mb.box, b,
				     SLICE_NONE, &revision),
		    1);
		index_batch_reset(b);
	} while (!all);
	index_batch_free(&b);
	assert_int_equal(summaries_pending(&f->mb), 0);
}

static void
keep(struct fixture *f, unsigned i, enum summary_kind kind)
{
	summary_keep(&f->mb, &f->rec[i], kind, value_of(&f->rec[i], kind));
}

static bool
has(struct fixture *f, unsigned i, enum summary_kind kind)
{
	struct slice got, want;

	if (!summary_get(&f->mb, &f->rec[i], kind, &got))
		return false;
	want = value_of(&f->rec[i], kind);
	assert_int_equal(got.n, want.n);
	assert_memory_equal(got.p, want.p, want.n);
	return true;
}

static void
fill(struct fixture *f, enum summary_kind kind)
{
	unsigned i;

	for (i = 0; i < N; i++) {
		keep(f, i, kind);
		if (summaries_want_write(&f->mb))
			write_out(f);
	}
	write_out(f);
}

static void
test_pending(void **state)
{
	struct fixture *f = *state;

	assert_false(has(f, 5, SUMMARY_ENVELOPE));
	keep(f, 5, SUMMARY_ENVELOPE);
	keep(f, 3, SUMMARY_ENVELOPE);
	keep(f, 4, SUMMARY_FIELDS);
	assert_true(f->rec[5].to_index);
	assert_true(has(f, 5, SUMMARY_ENVELOPE));
	assert_true(has(f, 3, SUMMARY_ENVELOPE));
	assert_true(has(f, 4, SUMMARY_FIELDS));
	assert_false(has(f, 4, SUMMARY_ENVELOPE));
	assert_int_equal(f->look->reads, 0);
	write_out(f);
	assert_true(has(f, 5, SUMMARY_ENVELOPE));
	assert_true(has(f, 3, SUMMARY_ENVELOPE));
	assert_true(has(f, 4, SUMMARY_FIELDS));
}

static void
test_run(void **state)
{
	struct fixture *f = *state;
	unsigned i, reads;

	fill(f, SUMMARY_STRUCTURE);
	f->look->reads = 0;
	for (i = 0; i < N; i++)
		assert_true(has(f, i, SUMMARY_STRUCTURE));
	/* 800 KB in windows that double, and stay */
	assert_in_range(f->look->reads, 2, 12);
	reads = f->look->reads;
	for (i = 1; i < N; i += 7)
		assert_true(has(f, i, SUMMARY_STRUCTURE));
	assert_int_equal(f->look->reads, reads);
	/* until nobody asks */
	assert_true(summaries_rest(&f->family));
	assert_true(has(f, 50, SUMMARY_STRUCTURE));
	assert_true(summaries_rest(&f->family));
	assert_int_equal(f->look->reads, reads);
	assert_false(summaries_rest(&f->family));
	assert_true(has(f, 50, SUMMARY_STRUCTURE));
	assert_int_equal(f->look->reads, reads + 1);
}

/* Together they are bounded; the one not used for longest goes. */
static void
test_windows(void **state)
{
	static char big[20000];
	struct fixture *f = *state;
	struct slice got;
	unsigned i, k, n = 600, reads;

	for (k = 0; k < 2; k++) {
		for (i = 0; i < n; i++) {
			summary_keep(
			    &f->mb, &f->rec[i], k, slice_of(big, sizeof(big)));
			if (summaries_want_write(&f->mb))
				write_out(f);
		}
	}
	write_out(f);
	for (k = 0; k < 2; k++) {
		for (i = 0; i < n; i++) {
			assert_true(summary_get(&f->mb, &f->rec[i], k, &got));
			assert_true(f->family.window_bytes <= 16 * MIB);
		}
	}
	reads = f->look->reads;
	for (i = 0; i < n; i++)
		assert_true(summary_get(&f->mb, &f->rec[i], 1, &got));
	/* the first one was read alone */
	assert_in_range(f->look->reads, reads, reads + 1);
}

static void
test_lone(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	fill(f, SUMMARY_FIELDS);
	f->look->reads = 0;
	for (i = N; i-- > 0;)
		assert_true(has(f, i, SUMMARY_FIELDS));
	assert_int_equal(f->look->reads, N);
	for (i = 0; i < N; i += 200)
		assert_true(has(f, i, SUMMARY_FIELDS));
}

/* What was written after a window was read is found. */
static void
test_between(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	for (i = 0; i < N; i += 2)
		keep(f, i, SUMMARY_ENVELOPE);
	write_out(f);
	for (i = 0; i < N; i++) {
		if (!has(f, i, SUMMARY_ENVELOPE))
			keep(f, i, SUMMARY_ENVELOPE);
		if (summaries_want_write(&f->mb))
			write_out(f);
	}
	write_out(f);
	f->look->reads = 0;
	for (i = 0; i < N; i++)
		assert_true(has(f, i, SUMMARY_ENVELOPE));
	assert_in_range(f->look->reads, 2, 20);
}

static void
test_missing(void **state)
{
	struct fixture *f = *state;
	struct slice got;

	fill(f, SUMMARY_BODY);
	index_drop(f->family.index, "test");
	f->rec[8].to_index = false;
	assert_false(summary_get(&f->mb, &f->rec[8], SUMMARY_BODY, &got));
	assert_int_equal(f->rec[8].summaries, 0);
	assert_true(f->rec[8].to_index);
	/* broken: nothing is known, nothing is forgotten, nobody waits */
	f->look->is_broken = true;
	f->look->reads = 0;
	assert_false(summary_get(&f->mb, &f->rec[9], SUMMARY_BODY, &got));
	assert_false(summary_get(&f->mb, &f->rec[10], SUMMARY_BODY, &got));
	assert_int_equal(f->look->reads, 1);
	assert_int_not_equal(f->rec[9].summaries, 0);
}

static void
test_again(void **state)
{
	struct fixture *f = *state;
	struct slice got;
	unsigned i;

	fill(f, SUMMARY_FIELDS);
	for (i = 0; i < 500; i++)
		assert_true(has(f, i, SUMMARY_FIELDS));
	summary_keep(&f->mb, &f->rec[100], SUMMARY_FIELDS, SLICE("other"));
	assert_true(summary_get(&f->mb, &f->rec[100], SUMMARY_FIELDS, &got));
	assert_true(slice_eq_str(got, "other"));
	write_out(f);
	assert_true(summary_get(&f->mb, &f->rec[100], SUMMARY_FIELDS, &got));
	assert_true(slice_eq_str(got, "other"));
	assert_true(has(f, 101, SUMMARY_FIELDS));
}

static void
test_bounded(void **state)
{
	struct fixture *f = *state;
	char *big = xcalloc(1, INDEX_VALUE_MAX + 1);
	unsigned i;

	summary_keep(&f->mb, &f->rec[0], SUMMARY_BODY,
	    slice_of(big, INDEX_VALUE_MAX + 1));
	assert_int_equal(f->rec[0].summaries, 0);
	for (i = 0; i < 100; i++)
		summary_keep(&f->mb, &f->rec[i], SUMMARY_BODY,
		    slice_of(big, INDEX_VALUE_MAX));
	assert_in_range(summaries_pending(&f->mb), 512 * KIB, 1 * MIB);
	assert_true(summaries_want_write(&f->mb));
	assert_int_equal(f->rec[99].summaries, 0);
	xfree(big);
	/* without an index nothing is kept */
	f->mb.box = 0;
	keep(f, 200, SUMMARY_BODY);
	assert_int_equal(f->rec[200].summaries, 0);
	assert_false(has(f, 0, SUMMARY_BODY));
}

static void
test_sent(void **state)
{
	struct fixture *f = *state;
	struct mailbox_sent in = { .utc = -5, .zone_mins = -750 }, out;
	struct mailbox_rec *rec = &f->rec[0];

	rec->sent = MAILBOX_NO_DATE;
	assert_false(mailbox_rec_sent(rec, &out));
	mailbox_sent_is(&f->mb, rec, &in);
	assert_true(rec->to_index);
	assert_true(mailbox_rec_sent(rec, &out));
	assert_int_equal(out.utc, in.utc);
	assert_int_equal(out.zone_mins, in.zone_mins);
	mailbox_sent_is(&f->mb, rec, NULL);
	assert_false(mailbox_rec_sent(rec, &out));
	assert_int_not_equal(rec->sent, MAILBOX_NO_DATE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pending, setup, teardown),
		cmocka_unit_test_setup_teardown(test_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_windows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_between, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sent, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
