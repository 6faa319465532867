/* SPDX-License-Identifier: ISC */
/* imap_args: row grammars, values, dates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "imapd/imap_input.h"

struct fixture {
	struct arena arena;
	struct imap_input in;
	struct imap_grammar g;
	struct imap_value v[IMAP_VALUES_MAX];
	struct err err;
};

/* Match a line's arguments; the caller frees f. */
static int
match(struct fixture *f, const char *grammar, const char *args)
{
	struct buf line;
	size_t used, at = 0;
	enum imap_parse r;

	memset(f, 0, sizeof(*f));
	arena_init(&f->arena, MAX_COMMAND_ARENA);
	imap_input_init(&f->in, &f->arena);
	assert_int_equal(imap_grammar_parse(grammar, &f->g, &f->err), 0);
	buf_init(&line, 1 << 16);
	buf_printf(&line, "a X %s\r\n", args);
	do {
		r = imap_input_feed(
		    &f->in, slice_from(buf_slice(&line), at), &used);
		at += used;
	} while (r == PARSE_VERB || r == PARSE_CONTINUE);
	assert_int_equal(r, PARSE_READY);
	buf_free(&line);
	return imap_args_match(&f->g, f->in.args, &f->arena, f->v, &f->err);
}

static void
done(struct fixture *f)
{
	imap_input_free(&f->in);
	arena_free(&f->arena);
}

static void
good(struct fixture *f, const char *grammar, const char *args)
{
	if (match(f, grammar, args) == -1)
		fail_msg("%s: %s: %s", grammar, args, f->err.text);
}

static void
bad(const char *grammar, const char *args, const char *why)
{
	struct fixture f;

	assert_int_equal(match(&f, grammar, args), -1);
	assert_string_equal(f.err.text, why);
	done(&f);
}

static void
test_values(void **state)
{
	struct fixture f;

	(void)state;
	good(&f, "astring astring", "joe \"pw\"");
	assert_true(slice_eq_str(f.v[1].text, "pw"));
	done(&f);
	good(&f, "mailbox", "inBox");
	assert_true(slice_eq_str(f.v[0].text, "INBOX"));
	done(&f);
	good(&f, "mailbox", "Entw&APw-rfe");
	assert_true(slice_eq_str(f.v[0].text, "Entw\xc3\xbcrfe"));
	done(&f);
	good(&f, "mailbox pattern", "\"\" \"INBOX/%\"");
	assert_true(slice_eq_str(f.v[1].text, "INBOX/%"));
	done(&f);
	good(&f, "set atom flags", "1:*,7 +FLAGS (\\Seen x)");
	assert_true(slice_eq_str(f.v[2].arg->next->text, "x"));
	done(&f);
	good(&f, "set atom flags", "1 +FLAGS \\Seen x");
	assert_true(slice_eq_str(f.v[2].arg->next->text, "x"));
	done(&f);
	good(&f, "mailbox [flags] [date]", "b");
	assert_false(f.v[1].is_set || f.v[2].is_set);
	done(&f);
	good(&f, "mailbox [flags] [date]", "b \"17-Jul-1996 02:44:25 -0700\"");
	assert_false(f.v[1].is_set);
	assert_int_equal(f.v[2].date, 837596665);
	assert_int_equal(f.v[2].zone_mins, -420);
	done(&f);
	good(&f, "*", "A (B) C");
	assert_int_equal(imap_arg_count(f.v[0].arg), 3);
	done(&f);
}

static void
test_bad(void **state)
{
	(void)state;
	bad(NULL, "x", "Too many arguments");
	bad("mailbox", "", "Mailbox name expected");
	bad("mailbox", "(a)", "Mailbox name expected");
	bad("mailbox", "a%", "Mailbox name expected");
	bad("mailbox", "\"\xc3\xa4\"", "Mailbox name not in modified UTF-7");
	bad("mailbox", "a&b", "Mailbox name not in modified UTF-7");
	bad("mailbox [params]", "a b", "Too many arguments");
	bad("set", "0", "Bad message set");
	bad("set", "1:", "Bad message set");
	bad("set", "\"1\"", "Message set expected");
	bad("flags", "(\\)", "Bad flag");
	bad("flags", "(\\*)", "Bad flag");
	bad("flags", "(\"x\")", "Bad flag");
	bad("mailbox [flags] [date]", "b \"1-Feb-1994 00:00:00 +0000\"",
	    "Bad date");
	bad("number", "4294967296", "Number expected");
	bad("mailbox pattern", "a \"\xc3\xa4\"", "8-bit in a mailbox pattern");
}

static void
test_dates(void **state)
{
	static const char *const wrong[] = { "29-Feb-2023 00:00:00 +0000",
		"31-Apr-2024 00:00:00 +0000", "00-Jan-2024 00:00:00 +0000",
		"01-Foo-2024 00:00:00 +0000", "01-Jan-2024 24:00:00 +0000",
		"01-Jan-2024 00:60:00 +0000", "01-Jan-2024 00:00:00 0000",
		"01-Jan-2024 00:00:00 +9900", "1-Jan-2024 00:00:00 +0000",
		"01-Jan-2024 00:00:00 +00:0", "01-Jan-2024T00:00:00 +0000",
		"-1-Jan-2024 00:00:00 +0000", "" };
	struct fixture f;
	int64_t secs;
	int32_t day;
	int zone;
	size_t i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(wrong); i++) {
		assert_int_equal(
		    imap_date_time(slice_str(wrong[i]), &secs, &zone), -1);
	}
	assert_int_equal(
	    imap_date_time(SLICE(" 1-jan-1970 00:00:00 +0000"), &secs, &zone),
	    0);
	assert_int_equal(secs, 0);
	assert_int_equal(
	    imap_date_time(SLICE("29-Feb-2024 23:59:60 +1400"), &secs, &zone),
	    0);
	assert_int_equal(secs, 1709200800);
	good(&f, "*", "3-mar-1970 \"03-Mar-1970\" 3-Mar-70 31-Jun-1970");
	assert_int_equal(imap_arg_date(f.in.args, &day, &f.err), 0);
	assert_int_equal(day, 61);
	assert_int_equal(imap_arg_date(f.in.args->next, &day, &f.err), 0);
	assert_int_equal(day, 61);
	assert_int_equal(
	    imap_arg_date(f.in.args->next->next, &day, &f.err), -1);
	assert_int_equal(
	    imap_arg_date(f.in.args->next->next->next, &day, &f.err), -1);
	done(&f);
}

static void
test_grammar(void **state)
{
	struct imap_grammar g;
	struct err err;

	(void)state;
	assert_int_equal(
	    imap_grammar_parse("mailbox [flags] literal", &g, &err), 0);
	assert_int_equal(g.n, 3);
	assert_true(g.item[1].is_optional);
	assert_false(g.item[2].is_optional);
	assert_int_equal(imap_grammar_parse("mailbox [foo]", &g, &err), -1);
	assert_int_equal(imap_grammar_parse("[mailbox", &g, &err), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_grammar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
