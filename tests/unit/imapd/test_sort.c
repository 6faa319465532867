/* SPDX-License-Identifier: ISC */
/* SORT: keys out of a header, and the sort that stops anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imapd/sort_keys.h"
#include "imapd/sort_run.h"
#include "libbase/ceilings.h"

#define ALL_NEEDS (NEED_SENT | NEED_IDS | ((1u << SORT_TEXTS) - 1))

static struct text_fold *fold;

static int
make_fold(void **state)
{
	(void)state;
	fold = text_fold_new();
	return 0;
}

static int
free_fold(void **state)
{
	(void)state;
	text_fold_free(fold);
	return 0;
}

static void
assert_slice(struct slice s, const char *want)
{
	if (!slice_eq_str(s, want))
		print_error("%.*s, wanted %s\n", SLICE_ARG(s), want);
	assert_true(slice_eq_str(s, want));
}

static void
test_header(void **state)
{
	struct sort_reader r;
	const struct sort_record *rec = &r.record;

	(void)state;
	sort_reader_init(&r, NULL, fold, ALL_NEEDS);
	assert_true(sort_reader_opens(&r));
	sort_read_header(&r,
	    SLICE("From: =?utf-8?q?J=C3=B6rg?= <joe@example.org>, b@c\n"
		  "To: Friends: x@y, z@y;\n"
		  "To: second@example.org\n"
		  "Cc:\n"
		  "Cc: later@example.org\n"
		  "Subject: RE: [l] f\xc3\xbc\xc3\x9f\n"
		  "Date: Thu, 01 Jan 1970 01:00:10 +0100\n"
		  "In-Reply-To: <no@example.org>\n"
		  "References: <a@b>\n <\"c\"@d>\n"
		  "Message-ID: <\"m\"@b> (x)\n"
		  "\nFrom: body@example.org\n"),
	    77);
	assert_slice(rec->text[SORT_FROM], "JOE");
	assert_slice(rec->text[SORT_DISPLAYFROM], "JO\xcc\x88RG");
	assert_slice(rec->text[SORT_TO], "FRIENDS");
	assert_slice(rec->text[SORT_DISPLAYTO], "FRIENDS");
	assert_slice(rec->text[SORT_CC], "LATER");
	assert_slice(rec->text[SORT_SUBJECT], "FU\xcc\x88\xc3\x9f");
	assert_true(rec->is_reply);
	assert_int_equal(rec->sent, 10);
	assert_int_equal(rec->arrival, 77);
	assert_slice(rec->id, "m@b");
	assert_slice(rec->references, "a@b\nc@d\n");
	/* nothing is left of it */
	sort_read_header(&r,
	    SLICE("From: <only@host>\nDate: x\nReferences: none\n"
		  "In-Reply-To: you said <p@q> <r@s>\n\n"),
	    77);
	assert_slice(rec->text[SORT_DISPLAYFROM], "ONLY@HOST");
	assert_slice(rec->text[SORT_TO], "");
	assert_slice(rec->text[SORT_SUBJECT], "");
	assert_false(rec->is_reply);
	assert_int_equal(rec->sent, 77);
	assert_slice(rec->id, "");
	assert_slice(rec->references, "p@q\n");
	sort_read_header(
	    &r, SLICE("In-Reply-To: <p@q>\nReferences: none <x>\n\n"), 0);
	assert_slice(rec->references, "p@q\n");
	sort_read_header(&r, SLICE(""), 5);
	assert_slice(rec->references, "");
	assert_int_equal(rec->sent, 5);
	sort_reader_free(&r);
}

/* Long texts are cut; of many references the last ones count. */
static void
test_bounds(void **state)
{
	struct sort_reader r;
	struct buf b;
	unsigned i;

	(void)state;
	buf_init(&b, MIB);
	buf_puts(&b, "Subject: ");
	for (i = 0; i < 5000; i++)
		buf_putc(&b, 'x');
	buf_puts(&b, "\nReferences:");
	for (i = 0; i < MAX_SORT_REFERENCES + 50; i++)
		buf_printf(&b, " <%u@x>\n", i);
	buf_puts(&b, "\n\n");
	sort_reader_init(&r, NULL, fold, ALL_NEEDS);
	sort_read_header(&r, buf_slice(&b), 0);
	assert_int_equal(r.record.text[SORT_SUBJECT].n, MAX_SORT_TEXT);
	assert_true(slice_starts(r.record.references, "50@x\n51@x\n"));
	assert_true(slice_eq_str(
	    slice_from(r.record.references, r.record.references.n - 6),
	    "149@x\n"));
	sort_reader_free(&r);
	buf_free(&b);
}

static int
compare(const void *arg, uint32_t x, uint32_t y)
{
	const uint32_t *key = arg;

	return (key[x] > key[y]) - (key[x] < key[y]);
}

/* Sorted, stable, whatever the portions are. */
static void
check_sort(size_t n, unsigned portion, uint32_t n_keys)
{
	uint32_t *key = calloc(n + 1, sizeof(*key));
	uint32_t *a = calloc(n + 1, sizeof(*a));
	uint32_t *b = calloc(n + 1, sizeof(*b));
	struct sort_run r;
	size_t i, steps = 0;

	assert_true(key != NULL && a != NULL && b != NULL);
	for (i = 0; i < n; i++) {
		key[i] = (uint32_t)(i * 7919 % 65521) % n_keys;
		a[i] = (uint32_t)i;
	}
	sort_run_begin(&r, a, b, n, compare, key);
	while (!sort_run_step(&r, portion))
		steps++;
	for (i = 1; i < n; i++) {
		assert_true(key[r.at[i - 1]] <= key[r.at[i]]);
		if (key[r.at[i - 1]] == key[r.at[i]])
			assert_true(r.at[i - 1] < r.at[i]);
	}
	assert_true(steps * portion <= n * 20);
	free(key);
	free(a);
	free(b);
}

static void
test_run(void **state)
{
	size_t n;

	(void)state;
	for (n = 0; n < 70; n++) {
		check_sort(n, 1, 10);
		check_sort(n, 7, 1);
		check_sort(n, 1000, 1000);
	}
	check_sort(100000, 256, 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_run),
	};

	return cmocka_run_group_tests(tests, make_fold, free_fold);
}
