/* SPDX-License-Identifier: ISC */
/* What of submitd needs no process: text, lines, aliases, envelopes, header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libbase/mem.h"
#include "submitd/aliases.h"
#include "submitd/fixup.h"
#include "submitd/rate.h"
#include "submitd/smtp_data.h"
#include "submitd/smtp_parse.h"
#include "submitd/spool_envelope.h"

/* ---- text behind DATA ---- */

/* Decode in pieces of n bytes; where the end was, or -1. */
static ptrdiff_t
decode(const char *in, size_t len, size_t n, struct buf *out,
    enum smtp_data_fault *fault_out)
{
	struct smtp_data d;
	size_t at = 0, used;
	int end = 0;

	smtp_data_init(&d);
	buf_reset(out);
	while (end == 0 && at < len) {
		size_t k = len - at < n ? len - at : n;

		end = smtp_data_feed(&d, slice_of(in + at, k), out, &used);
		at += used;
	}
	*fault_out = d.fault;
	return end == 1 ? (ptrdiff_t)at : -1;
}

static void
data_ends_at_one_mark_only(void **state)
{
	static const struct {
		const char *in;
		size_t n;
		const char *out;
		enum smtp_data_fault fault;
		bool ends;
	} rows[] = {
		{ ".\r\n", 3, "", DATA_GOOD, true },
		{ "a\r\n.\r\n", 6, "a\r\n", DATA_GOOD, true },
		{ "..\r\n.\r\n", 7, ".\r\n", DATA_GOOD, true },
		{ ".x\r\n.\r\n", 7, "x\r\n", DATA_GOOD, true },
		{ "a.\r\n.\r\n", 7, "a.\r\n", DATA_GOOD, true },
		{ "\n.\n", 3, NULL, DATA_BARE, false },
		{ "a\n.\r\n", 5, NULL, DATA_BARE, false },
		{ "a\r\n.\n", 5, NULL, DATA_BARE, false },
		{ "a\r.\r", 4, NULL, DATA_BARE, false },
		{ "a\r.\r\n", 5, NULL, DATA_BARE, false },
		{ "a\r\n.\rb", 6, NULL, DATA_BARE, false },
		{ "a\r\n\0.\r\n", 7, NULL, DATA_NUL, false },
		{ "a\r\n.\0\r\n", 7, NULL, DATA_NUL, false },
		{ "a\r\n.\r\r\n", 7, NULL, DATA_BARE, false },
	};
	struct buf out;
	size_t i, n;

	(void)state;
	buf_init(&out, 1000);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (n = 1; n <= rows[i].n; n++) {
			enum smtp_data_fault f;
			ptrdiff_t end =
			    decode(rows[i].in, rows[i].n, n, &out, &f);

			assert_int_equal(f, rows[i].fault);
			assert_int_equal(
			    end, rows[i].ends ? (ptrdiff_t)rows[i].n : -1);
			if (rows[i].out != NULL)
				assert_true(
				    slice_eq_str(buf_slice(&out), rows[i].out));
		}
	buf_free(&out);
}

/* ---- lines ---- */

static void
path_and_parameters(void **state)
{
	struct smtp_path_args a;
	struct err err;

	(void)state;
	assert_int_equal(smtp_parse_path_args(
			     SLICE("FROM:<a@b.example> SIZE=12 BODY=8BITMIME"),
			     "FROM:", ADDRESS_NULL, &a, &err),
	    0);
	assert_string_equal(a.path.local, "a");
	assert_string_equal(a.path.domain, "b.example");
	assert_int_equal(a.n_params, 2);
	assert_true(slice_eq_str(a.params[0].value, "12"));
	assert_int_equal(smtp_parse_path_args(SLICE("from: <>"),
			     "FROM:", ADDRESS_NULL, &a, &err),
	    0);
	assert_true(a.path.is_null);
	assert_int_equal(
	    smtp_parse_path_args(SLICE("TO:<a@b>x"), "TO:", 0, &a, &err), -1);
	assert_int_equal(
	    smtp_parse_path_args(SLICE("TO:<a@b> SIZE="), "TO:", 0, &a, &err),
	    -1);
	assert_int_equal(
	    smtp_parse_path_args(SLICE("TO <a@b>"), "TO:", 0, &a, &err), -1);
}

static void
helo_names(void **state)
{
	(void)state;
	assert_true(smtp_is_helo(SLICE("[127.0.0.1]")));
	assert_true(smtp_is_helo(SLICE("[IPv6:::1]")));
	assert_true(smtp_is_helo(SLICE("a_b.example")));
	assert_false(smtp_is_helo(SLICE("")));
	assert_false(smtp_is_helo(SLICE("a b")));
}

static void
lines_of_a_header(void **state)
{
	(void)state;
	assert_true(fixup_is_header_line(SLICE("Subject: x"), true));
	assert_true(fixup_is_header_line(SLICE("Subject : x"), false));
	assert_true(fixup_is_header_line(SLICE("X:"), false));
	assert_true(fixup_is_header_line(SLICE("\tfolded"), false));
	assert_true(fixup_is_header_line(SLICE("From a@b Mon"), true));
	assert_false(fixup_is_header_line(SLICE("From a@b Mon"), false));
	assert_false(fixup_is_header_line(SLICE(" folded"), true));
	assert_false(fixup_is_header_line(SLICE("Hello there"), true));
	assert_false(fixup_is_header_line(SLICE("Hello there: x"), true));
	assert_false(fixup_is_header_line(SLICE(": x"), false));
	assert_false(
	    fixup_is_header_line(SLICE("Gr\xc3\xbc\xc3\x9f: x"), true));
}

/* ---- aliases ---- */

static void
aliases_are_read(void **state)
{
	static const char text[] = "# a comment\n"
				   "postmaster: root\n"
				   "Team:\talice, bob,\n"
				   "\tcarol@example.test\n"
				   "\"sales\"@x.test: alice\n"
				   "sales@example.test: \"bob\"\n";
	struct aliases a = { 0 };
	struct arena arena;
	struct err err;
	const struct alias *al;

	(void)state;
	arena_init(&arena, 100000);
	assert_int_equal(aliases_parse(&a, &arena, slice_str(text), &err), 0);
	al = aliases_find(&a, SLICE("TEAM"));
	assert_non_null(al);
	assert_int_equal(al->n_targets, 3);
	assert_true(slice_eq_str(al->targets[2], "carol@example.test"));
	al = aliases_find(&a, SLICE("sales@example.test"));
	assert_non_null(al);
	assert_true(slice_eq_str(al->targets[0], "bob"));
	assert_null(aliases_find(&a, SLICE("nobody")));
	a = (struct aliases){ 0 };
	assert_int_equal(
	    aliases_parse(&a, &arena, SLICE("ok: x\nrun: |/bin/sh\n"), &err),
	    -1);
	assert_non_null(strstr(err.text, "line 2"));
	assert_int_equal(aliases_parse(&a, &arena, SLICE("word\n"), &err), -1);
	arena_free(&arena);
}

/* ---- envelopes ---- */

static void
envelope_print_parse(void **state)
{
	struct spool_rcpt rcpts[2] = {
		{ SLICE("bob"), SLICE(""), SLICE("bob@example.test"),
		    RCPT_WAITING },
		{ SLICE("al ice"), SLICE("a\\b"), SLICE("\"a b\"@x"),
		    RCPT_STAGED },
	};
	struct spool_envelope e = { .id = SLICE("0123"),
		.user = SLICE("bob"),
		.sender = SLICE(""),
		.time = 77,
		.size = 1000,
		.rcpts = rcpts,
		.n_rcpts = 2 };
	struct spool_envelope back;
	struct buf text, again;
	struct arena arena;
	struct err err;
	size_t n;

	(void)state;
	memset(e.digest, 0xa5, sizeof e.digest);
	buf_init(&text, 10000);
	buf_init(&again, 10000);
	arena_init(&arena, 1000000);
	envelope_put(&e, &text);
	assert_int_equal(
	    envelope_parse(buf_slice(&text), &arena, &back, &err), 0);
	envelope_put(&back, &again);
	assert_true(slice_eq(buf_slice(&text), buf_slice(&again)));
	assert_int_equal(back.rcpts[1].state, RCPT_STAGED);
	assert_true(slice_eq_str(back.rcpts[1].mailbox, "a\\b"));

	/* a record that a crash cut off did not happen; one cut off before its
	 * end line is no envelope */
	n = (size_t)(strstr(buf_cstr(&text), "end\n") - text.p) + 4;
	assert_int_equal(
	    envelope_parse(slice_of(text.p, text.n - 1), &arena, &back, &err),
	    0);
	assert_int_equal(back.rcpts[1].state, RCPT_WAITING);
	assert_int_equal(
	    envelope_parse(slice_of(text.p, n - 1), &arena, &back, &err), -1);
	buf_free(&text);
	buf_free(&again);
	arena_free(&arena);
}

/* ---- header ---- */

static void
mend(const char *header, struct buf *out)
{
	struct fixup f = { .hostname = SLICE("mx.test"),
		.domain = SLICE("example.test"),
		.sender = SLICE("me@example.test"),
		.protocol = SLICE("ESMTPSA"),
		.id = SLICE("42") };
	struct fixup_from from;
	struct arena arena;

	buf_reset(out);
	arena_init(&arena, 100000);
	fixup_read(slice_str(header), &arena, &from);
	fixup_write(&f, &from, slice_str(header), out);
	arena_free(&arena);
}

static void
header_is_mended(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 10000);
	mend("Subject: x\r\nReturn-Path: <evil>\r\nBcc: you\r\n\r\n", &out);
	assert_non_null(strstr(buf_cstr(&out), "Received: from localhost"));
	assert_non_null(
	    strstr(buf_cstr(&out), "\r\nFrom: <me@example.test>\r\n"));
	assert_non_null(strstr(buf_cstr(&out), "\r\nDate: "));
	assert_non_null(strstr(buf_cstr(&out), "\r\nMessage-ID: <42."));
	assert_null(strstr(buf_cstr(&out), "Return-Path"));
	assert_non_null(strstr(buf_cstr(&out), "\r\nBcc: you\r\n"));
	assert_true(strcmp(buf_cstr(&out) + out.n - 4, "\r\n\r\n") == 0);
	mend("From: Me <me>\r\nDate: d\r\nMessage-ID: <m>\r\n\r\n", &out);
	assert_non_null(
	    strstr(buf_cstr(&out), "\r\nFrom: Me <me@example.test>\r\n"));
	assert_null(strstr(buf_cstr(&out), "Message-ID: <42"));
	buf_free(&out);
}

static void
rates_are_kept_an_hour(void **state)
{
	struct rates r = { 0 };
	uint64_t us = 1000000, hour = 3600ull * us;
	int i;

	(void)state;
	for (i = 0; i < 5; i++)
		assert_true(rate_take(&r, SLICE("a"), hour, 1, 1, 5, 100));
	assert_false(rate_take(&r, SLICE("a"), hour + us, 1, 1, 5, 100));
	assert_true(rate_take(&r, SLICE("b"), hour + us, 1, 1, 5, 100));
	assert_false(rate_take(&r, SLICE("a"), hour + 3000 * us, 1, 1, 5, 100));
	assert_true(rate_take(&r, SLICE("a"), 2 * hour + us, 1, 1, 5, 100));
	assert_false(rate_take(&r, SLICE("b"), 2 * hour, 0, 101, 5, 100));
	rates_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_ends_at_one_mark_only),
		cmocka_unit_test(path_and_parameters),
		cmocka_unit_test(helo_names),
		cmocka_unit_test(lines_of_a_header),
		cmocka_unit_test(aliases_are_read),
		cmocka_unit_test(envelope_print_parse),
		cmocka_unit_test(header_is_mended),
		cmocka_unit_test(rates_are_kept_an_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
