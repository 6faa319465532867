/* SPDX-License-Identifier: ISC */
/* imap_reply: words for every class; values on the wire; rows of commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "imapd/imap_reply.h"
#include "imapd/imap_session.h"

static void
test_rows(void **state)
{
	const struct imap_reply_row *row;
	unsigned i;

	(void)state;
	for (i = 0; i < ERR_COUNT; i++) {
		row = imap_reply_row((enum err_code)i);
		assert_int_equal(row->status, IMAP_NO);
		assert_true(
		    row->code != NULL && imap_is_atom(slice_str(row->code)));
		assert_true(strlen(row->text) > 0);
		assert_true(slice_is_ascii(slice_str(row->text)));
		assert_null(strstr(row->text, "  "));
		assert_true(row->text[strlen(row->text) - 1] != ' ');
	}
}

static void
value(void (*put)(struct buf *, struct slice), struct slice s, const char *want)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	put(&b, s);
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
}

static void
test_values(void **state)
{
	(void)state;
	value(imap_put_string, SLICE(""), "\"\"");
	value(imap_put_string, SLICE("a \"b\\"), "\"a \\\"b\\\\\"");
	value(imap_put_string, SLICE("a\r\n"), "{3}\r\na\r\n");
	value(imap_put_string, SLICE("\xc3\xa4"), "{2}\r\n\xc3\xa4");
	value(imap_put_nstring, SLICE_NONE, "NIL");
	value(imap_put_nstring, SLICE("NIL"), "\"NIL\"");
	value(imap_put_mailbox, SLICE("INBOX"), "INBOX");
	value(imap_put_mailbox, SLICE("NIL"), "\"NIL\"");
	value(imap_put_mailbox, SLICE("a b"), "\"a b\"");
	value(imap_put_mailbox, SLICE("a&b"), "a&-b");
	value(imap_put_mailbox, SLICE("Entw\xc3\xbcrfe"), "Entw&APw-rfe");
	value(imap_put_mailbox, SLICE("a]"), "\"a]\"");
}

static void
date(int64_t secs, int zone, const char *want)
{
	struct buf b;
	int64_t again;
	int zone_again;

	buf_init(&b, 100);
	imap_put_date_time(&b, secs, zone);
	assert_string_equal(buf_cstr(&b), want);
	assert_int_equal(
	    imap_date_time(slice_of(b.p + 1, b.n - 2), &again, &zone_again), 0);
	assert_int_equal(again, secs);
	assert_int_equal(zone_again, zone);
	buf_free(&b);
}

static void
test_dates(void **state)
{
	(void)state;
	date(837596665, -420, "\"17-Jul-1996 02:44:25 -0700\"");
	date(0, 0, "\"01-Jan-1970 00:00:00 +0000\"");
	date(-1, 60, "\"01-Jan-1970 00:59:59 +0100\"");
	date(1709200799, 840, "\"29-Feb-2024 23:59:59 +1400\"");
	date(253402300799, 0, "\"31-Dec-9999 23:59:59 +0000\"");
}

static void
test_commands(void **state)
{
	const struct imap_verb *v;
	struct err err;
	size_t i, k;

	(void)state;
	assert_int_equal(command_init(&err), 0);
	for (i = 0; (v = command_at(i)) != NULL; i++) {
		assert_non_null(v->step);
		assert_true((v->flags & IN_ANY) != 0);
		assert_false(
		    (v->flags & HAS_UID) != 0 && (v->flags & ONLY_UID) != 0);
		for (k = 0; k < i; k++) {
			if (strcmp(command_at(k)->name, v->name) != 0)
				continue;
			assert_true(((command_at(k)->flags ^ v->flags) &
					ONLY_UID) != 0);
		}
	}
	assert_null(command_find(SLICE("NOOP"), true));
	assert_non_null(command_find(SLICE("noop"), false));
	assert_ptr_not_equal(command_find(SLICE("EXPUNGE"), false),
	    command_find(SLICE("EXPUNGE"), true));
	assert_null(command_find(SLICE("unpack"), false));
}

static void
test_capabilities(void **state)
{
	struct imap_session s = { .state = IMAP_NOAUTH, .has_starttls = true };
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	command_capabilities(&s, &b);
	assert_true(slice_starts(buf_slice(&b), "IMAP4rev1 "));
	assert_non_null(strstr(buf_cstr(&b), " STARTTLS LOGINDISABLED"));
	assert_null(strstr(buf_cstr(&b), "AUTH="));
	assert_null(strstr(buf_cstr(&b), "  "));
	buf_reset(&b);
	s.has_tls = true;
	command_capabilities(&s, &b);
	assert_null(strstr(buf_cstr(&b), "STARTTLS"));
	assert_null(strstr(buf_cstr(&b), "LOGINDISABLED"));
	assert_non_null(strstr(buf_cstr(&b), " AUTH=PLAIN"));
	buf_reset(&b);
	s.state = IMAP_AUTH;
	command_capabilities(&s, &b);
	assert_null(strstr(buf_cstr(&b), "AUTH="));
	assert_non_null(strstr(buf_cstr(&b), " IDLE"));
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_capabilities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
