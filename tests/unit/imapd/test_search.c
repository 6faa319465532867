/* SPDX-License-Identifier: ISC */
/* SEARCH: keys to program, values known in part, what does not matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imapd/search_keys.h"
#include "tests/unit/imapd/imap_line.h"

static struct seqrange saved_range = { 20, 30 };
static struct seqset saved = { .r = &saved_range, .n = 1 };
static const struct search_scope scope = {
	.max_seq = 5, .max_uid = 50, .saved = &saved, .now = 1000
};

struct fixture {
	struct imap_line line;
	struct search_program *p;
	struct err err;
};

static void
parse(struct fixture *f, const char *keys)
{
	const struct imap_arg *a =
	    imap_line_read(&f->line, slice_str(keys), false);

	f->err.text[0] = '\0';
	f->p = NULL;
	if (a != NULL)
		f->p = search_parse(a, scope, &f->line.arena, &f->err);
	if (f->p != NULL)
		search_forget(f->p);
}

static void
done(struct fixture *f)
{
	imap_line_free(&f->line);
}

/* The i-th key of the program. */
static struct search_node *
key(struct fixture *f, unsigned i)
{
	unsigned n;

	for (n = 0; n < f->p->n; n++)
		if (f->p->node[n].row != NULL && i-- == 0)
			return &f->p->node[n];
	abort(); /* there is no such key */
}

static void
test_bad(void **state)
{
	static const char *const bad[] = { "NOSUCH", "NOT", "OR SEEN", "OR",
		"()", "SEEN ()", "NOT ()", "OR SEEN NOT", "KEYWORD",
		"KEYWORD \\Seen", "ON x", "LARGER", "LARGER -1", "FROM",
		"FROM (a)", "HEADER X", "UID", "UID 0", "0", "1:", "$,1",
		"UID $:1", "UID", "OLDER", "OLDER 0", "OLDER -1",
		"YOUNGER 4294967296", "YOUNGER (1)", "YOUNGER \"1\"",
		"(SEEN OR SEEN)", "(OR) SEEN", "\"SEEN\"" };
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(bad); i++) {
		parse(&f, bad[i]);
		if (f.p != NULL)
			print_error("taken: %s\n", bad[i]);
		assert_null(f.p);
		if (f.err.text[0] == 0)
			print_error("no reason: %s\n", bad[i]);
		assert_true(f.err.text[0] != '\0');
		done(&f);
	}
}

/* RFC 5032, RFC 5182 */
static void
test_age_and_saved(void **state)
{
	struct mailbox_rec rec = { .uid = 20, .internaldate = 900 };
	const struct search_subject m = { .rec = &rec, .seq = 1 };
	struct fixture f;
	int64_t at;

	(void)state;
	parse(&f, "OLDER 100 YOUNGER 100 $ UID $");
	assert_non_null(f.p);
	assert_true(key(&f, 0)->row->needs_date);
	for (at = 899; at <= 901; at++) {
		rec.internaldate = at;
		assert_int_equal(
		    key(&f, 0)->row->test(key(&f, 0), &m), at <= 900);
		assert_int_equal(
		    key(&f, 1)->row->test(key(&f, 1), &m), at >= 900);
	}
	assert_true(key(&f, 2)->row->test(key(&f, 2), &m));
	assert_true(key(&f, 3)->row->test(key(&f, 3), &m));
	rec.uid = 31;
	assert_false(key(&f, 2)->row->test(key(&f, 2), &m));
	assert_false(key(&f, 3)->row->test(key(&f, 3), &m));
	done(&f);
}

static void
test_costs(void **state)
{
	struct fixture f;

	(void)state;
	parse(&f, "SEEN 1:* NOT KEYWORD x");
	assert_int_equal(f.p->costs, 1u << COST_MEMORY);
	assert_true(f.p->has_keywords);
	assert_false(search_has_strings(f.p));
	assert_true(seqset_has(key(&f, 1)->set, 5));
	assert_false(seqset_has(key(&f, 1)->set, 6));
	done(&f);
	parse(&f, "UID * (BODY x LARGER 5 SUBJECT y)");
	assert_int_equal(f.p->costs,
	    1u << COST_MEMORY | 1u << COST_STAT | 1u << COST_HEADER |
		1u << COST_TEXT);
	assert_true(search_has_strings(f.p));
	assert_true(seqset_has(key(&f, 0)->set, 50));
	done(&f);
}

/* SEEN OR (a b) c: what is known decides early, the rest is closed. */
static void
test_settle(void **state)
{
	struct fixture f;

	(void)state;
	parse(&f, "SEEN OR (FROM a BODY b) NOT TEXT c");
	assert_true(search_settle(f.p));
	search_answer(key(&f, 0), true);
	assert_true(search_settle(f.p));
	assert_true(key(&f, 1)->is_open);
	search_answer(key(&f, 1), false); /* b does not matter now */
	assert_true(search_settle(f.p));
	assert_false(key(&f, 2)->is_open);
	assert_true(key(&f, 3)->is_open);
	search_answer(key(&f, 3), false);
	assert_false(search_settle(f.p));
	assert_int_equal(f.p->node[0].value, SEARCH_YES);
	search_forget(f.p);
	search_answer(key(&f, 0), false);
	assert_false(search_settle(f.p));
	assert_int_equal(f.p->node[0].value, SEARCH_NO);
	done(&f);
}

/* Chains of OR and NOT are not deep; lists are, and bounded. */
static void
test_depth(void **state)
{
	struct fixture f;
	struct buf b;
	unsigned i;

	(void)state;
	buf_init(&b, MAX_IMAP_LINE);
	for (i = 0; i < 400; i++)
		buf_puts(&b, "OR SEEN NOT NOT ");
	buf_puts(&b, "DRAFT");
	parse(&f, buf_cstr(&b));
	assert_non_null(f.p);
	assert_int_equal(f.p->n, 1 + 1 + 401);
	done(&f);
	buf_reset(&b);
	for (i = 0; i < 100; i++)
		buf_puts(&b, "NOT OR SEEN ");
	buf_puts(&b, "DRAFT");
	parse(&f, buf_cstr(&b));
	assert_null(f.p);
	done(&f);
	buf_reset(&b);
	for (i = 0; i < SEARCH_NODES_MAX; i++)
		buf_puts(&b, "1 ");
	buf_puts(&b, "2");
	parse(&f, buf_cstr(&b));
	assert_null(f.p);
	done(&f);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_age_and_saved),
		cmocka_unit_test(test_costs),
		cmocka_unit_test(test_settle),
		cmocka_unit_test(test_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
