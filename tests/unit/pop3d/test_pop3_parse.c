/* SPDX-License-Identifier: ISC */
/* Lines, words and arguments of POP3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libbase/ceilings.h"
#include "pop3d/pop3_parse.h"

static void
lines_end_with_lf(void **state)
{
	struct slice in = SLICE("NOOP\r\nSTAT\n\r\n\nQU");
	static const char *const want[] = { "NOOP", "STAT", "", "" };
	bool swallowing = false;
	struct buf line;
	size_t used, i;

	(void)state;
	buf_init(&line, MAX_POP3_LINE);
	for (i = 0; i < 4; i++) {
		assert_int_equal(pop3_parse_line(in, &swallowing, &line, &used),
		    POP3_TOOK_LINE);
		assert_true(slice_eq_str(buf_slice(&line), want[i]));
		in = slice_from(in, used);
	}
	assert_int_equal(
	    pop3_parse_line(in, &swallowing, &line, &used), POP3_TOOK_NOTHING);
	assert_int_equal(used, 0);
	buf_free(&line);
}

static void
long_lines_are_read_away(void **state)
{
	static char text[3 * MAX_POP3_LINE];
	bool swallowing = false;
	struct buf line;
	size_t used;

	(void)state;
	buf_init(&line, MAX_POP3_LINE);
	memset(text, 'x', sizeof text);
	assert_int_equal(pop3_parse_line(slice_of(text, MAX_POP3_LINE),
			     &swallowing, &line, &used),
	    POP3_TOOK_NOTHING);
	assert_int_equal(used, MAX_POP3_LINE);
	assert_int_equal(
	    pop3_parse_line(SLICE("tail"), &swallowing, &line, &used),
	    POP3_TOOK_NOTHING);
	assert_int_equal(used, 4);
	assert_int_equal(
	    pop3_parse_line(SLICE("end\r\nNOOP"), &swallowing, &line, &used),
	    POP3_TOOK_LONG);
	assert_int_equal(used, 5);
	assert_false(swallowing);
	buf_free(&line);
}

static void
words(void **state)
{
	struct slice word, rest;

	(void)state;
	/* RFC 1939 7, PASS: blanks belong to the password */
	assert_true(pop3_parse_word(SLICE("PASS  a b "), &word, &rest));
	assert_true(slice_eq_str(word, "PASS"));
	assert_true(slice_eq_str(rest, " a b "));
	assert_true(pop3_parse_word(SLICE("QUIT"), &word, &rest));
	assert_int_equal(rest.n, 0);
	assert_true(pop3_parse_word(SLICE_NONE, &word, &rest));
	assert_int_equal(word.n, 0);
	assert_false(pop3_parse_word(slice_of("USER a\0b", 8), &word, &rest));
}

static void
arguments(void **state)
{
	static const struct {
		enum pop3_args what;
		const char *rest;
		bool good;
		uint32_t number, lines;
	} rows[] = {
		{ ARGS_NONE, "", true, 0, 0 },
		{ ARGS_NONE, " ", true, 0, 0 },
		{ ARGS_NONE, "x", false, 0, 0 },
		{ ARGS_TEXT, " x ", true, 0, 0 },
		{ ARGS_MESSAGE, "3", true, 3, 0 },
		{ ARGS_MESSAGE, "003 ", true, 3, 0 },
		{ ARGS_MESSAGE, "4", false, 0, 0 },
		{ ARGS_MESSAGE, "0", false, 0, 0 },
		{ ARGS_MESSAGE, "-1", false, 0, 0 },
		{ ARGS_MESSAGE, "", false, 0, 0 },
		{ ARGS_MESSAGE, "1 2", false, 0, 0 },
		{ ARGS_MESSAGE, "4294967297", false, 0, 0 },
		{ ARGS_MAYBE_MESSAGE, "", true, 0, 0 },
		{ ARGS_MAYBE_MESSAGE, "2", true, 2, 0 },
		{ ARGS_MESSAGE_LINES, "2 0", true, 2, 0 },
		{ ARGS_MESSAGE_LINES, "2  10", true, 2, 10 },
		{ ARGS_MESSAGE_LINES, "2", false, 0, 0 },
		{ ARGS_MESSAGE_LINES, "2 -1", false, 0, 0 },
		{ ARGS_MESSAGE_LINES, "2 1 1", false, 0, 0 },
		{ ARGS_MESSAGE_LINES, "9 1", false, 0, 0 },
	};
	struct pop3_command c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *no = pop3_parse_args(
		    rows[i].what, slice_str(rows[i].rest), 3, &c);

		assert_int_equal(no == NULL, rows[i].good);
		if (!rows[i].good)
			continue;
		assert_int_equal(c.number, rows[i].number);
		assert_int_equal(c.lines, rows[i].lines);
		assert_true(slice_eq_str(c.text, rows[i].rest));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_end_with_lf),
		cmocka_unit_test(long_lines_are_read_away),
		cmocka_unit_test(words),
		cmocka_unit_test(arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
