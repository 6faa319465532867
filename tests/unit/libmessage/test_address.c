/* SPDX-License-Identifier: ISC */
/* Tests of address.c and address_path.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libmessage/address.h"
#include "libmessage/summary.h"

/* A value, and its structures as ENVELOPE writes them. */
static const struct {
	const char *value, *want;
} lists[] = {
	{ "", "NIL" },
	{ " , ,, ", "NIL" },
	{ "(only a comment)", "NIL" },
	{ "a@b.example", "((NIL NIL \"a\" \"b.example\"))" },
	{ "\"Smith, J\" <js@example.org>",
	    "((\"Smith, J\" NIL \"js\" \"example.org\"))" },
	{ "a@x, C D <c@d.example>",
	    "((NIL NIL \"a\" \"x\")(\"C D\" NIL \"c\" \"d.example\"))" },
	{ "John Q. Public <jqp@x>",
	    "((\"John Q. Public\" NIL \"jqp\" \"x\"))" },
	{ "a@x (Real \\(Name (nested)))",
	    "((\"Real (Name (nested)\" NIL \"a\" \"x\"))" },
	{ "team: b@x, c@x;, d@x",
	    "((NIL NIL \"team\" NIL)(NIL NIL \"b\" \"x\")(NIL NIL \"c\" \"x\")"
	    "(NIL NIL NIL NIL)(NIL NIL \"d\" \"x\"))" },
	{ "undisclosed-recipients:;",
	    "((NIL NIL \"undisclosed-recipients\" NIL)(NIL NIL NIL NIL))" },
	{ "open group: a@x",
	    "((NIL NIL \"open group\" NIL)(NIL NIL \"a\" \"x\")"
	    "(NIL NIL NIL NIL))" },
	{ "g: N <a@x>, b@y;",
	    "((NIL NIL \"g\" NIL)(\"N\" NIL \"a\" \"x\")(NIL NIL \"b\" \"y\")"
	    "(NIL NIL NIL NIL))" },
	{ "R <@relay.example,@two.example:u@x>",
	    "((\"R\" \"@relay.example,@two.example\" \"u\" \"x\"))" },
	{ "\"a \\\"b\\\" \\\\ c\" <\"odd local\"@x>",
	    "((\"a \\\"b\\\" \\\\ c\" NIL \"odd local\" \"x\"))" },
	{ "=?utf-8?q?J=C3=BCrgen?= <j@x>",
	    "((\"=?utf-8?q?J=C3=BCrgen?=\" NIL \"j\" \"x\"))" },
	/* RFC 5322 A.5, A.6.1: comments and obsolete blanks */
	{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
	    "((\"Pete\" NIL \"pete\" \"silly.test\"))" },
	{ "jdoe@machine(comment).  example",
	    "((\"comment\" NIL \"jdoe\" \"machine.example\"))" },
	{ "a . b @ c . d", "((NIL NIL \"a.b\" \"c.d\"))" },
	{ "x@[192.0.2.1]", "((NIL NIL \"x\" \"[192.0.2.1]\"))" },
	/* broken, best effort */
	{ "foo", "((NIL NIL \"foo\" \"\"))" },
	{ "John Doe", "((NIL NIL \"John Doe\" \"\"))" },
	{ "<>", "((NIL NIL \"\" \"\"))" },
	{ "Name <>", "((\"Name\" NIL \"\" \"\"))" },
	{ "<foo>", "((NIL NIL \"foo\" \"\"))" },
	{ "@host", "((NIL NIL \"\" \"host\"))" },
	{ "foo@bar.example <foo@bar.example>",
	    "((\"foo@bar.example\" NIL \"foo\" \"bar.example\"))" },
	{ "a@b@c", "((NIL NIL \"a@b\" \"c\"))" },
	{ "Name <a@b", "((\"Name\" NIL \"a\" \"b\"))" },
	{ "Name <a@b, c@d",
	    "((\"Name\" NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))" },
	{ "<a@b> trailing, c@d",
	    "((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))" },
	{ "a@b; c@d", "((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))" },
	{ "\"unclosed <a@b>", "((NIL NIL \"unclosed <a@b>\" \"\"))" },
	{ "one,\r\n two@x", "((NIL NIL \"one\" \"\")(NIL NIL \"two\" \"x\"))" },
};

static void
field_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(lists); i++) {
		struct address_list l = { 0 };
		struct arena a;
		struct buf b;

		arena_init(&a, 100000);
		buf_init(&b, 100000);
		address_parse(&a, slice_str(lists[i].value), &l);
		summary_put_addresses(&b, &l, 0);
		assert_string_equal(buf_cstr(&b), lists[i].want);
		buf_free(&b);
		arena_free(&a);
	}
}

static void
field_limits(void **state)
{
	struct address_list l = { 0 };
	struct arena a;
	struct buf b;

	(void)state;
	buf_init(&b, MIB);
	for (int i = 0; i < 30000; i++)
		buf_puts(&b, "a,");
	arena_init(&a, 8 * MIB);
	address_parse(&a, buf_slice(&b), &l);
	assert_int_equal(l.n, MAX_ADDRESSES);
	arena_free(&a);
	arena_init(&a, 1000);
	l = (struct address_list){ 0 };
	address_parse(&a, buf_slice(&b), &l);
	assert_true(a.failed && l.n > 0 && l.n < 20);
	arena_free(&a);
	/* Deep comments cost no stack. */
	buf_reset(&b);
	for (int i = 0; i < 200000; i++)
		buf_putc(&b, '(');
	arena_init(&a, 1000);
	l = (struct address_list){ 0 };
	address_parse(&a, buf_slice(&b), &l);
	assert_int_equal(l.n, 0);
	arena_free(&a);
	buf_free(&b);
}

static void
print(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	address_put(&b, SLICE("J Smith"), SLICE("j.s"), SLICE("x.example"));
	assert_string_equal(buf_cstr(&b), "J Smith <j.s@x.example>");
	buf_reset(&b);
	address_put(&b, SLICE("Smith, \"J\""), SLICE("odd local"), SLICE("x"));
	assert_string_equal(
	    buf_cstr(&b), "\"Smith, \\\"J\\\"\" <\"odd local\"@x>");
	buf_reset(&b);
	address_put(&b, SLICE_NONE, SLICE("a"), SLICE_NONE);
	assert_string_equal(buf_cstr(&b), "a");
	buf_reset(&b);
	address_put(&b, SLICE("a\r\nX: b"), SLICE("a\n"), SLICE("b\r\nc"));
	assert_string_equal(buf_cstr(&b), "\"aX: b\" <\"a\"@bc>");
	buf_free(&b);
}

#define ALL (ADDRESS_UTF8 | ADDRESS_NULL | ADDRESS_POSTMASTER)

static const struct {
	const char *text;
	unsigned flags;
	enum err_code code; /* ERR_OK: taken */
	const char *local, *domain;
	size_t used;
} paths[] = {
	{ "<a@b.example> SIZE=1", 0, ERR_OK, "a", "b.example", 13 },
	{ "<a.b+c@b>", 0, ERR_OK, "a.b+c", "b", 9 },
	{ "<\"odd \\\"local\"@b>", 0, ERR_OK, "odd \"local", "b", 17 },
	{ "<@r.example,@s:a@b>", 0, ERR_OK, "a", "b", 19 },
	{ "<a@[192.0.2.1]>", 0, ERR_OK, "a", "[192.0.2.1]", 15 },
	{ "<a@[IPv6:2001:db8::1]>", 0, ERR_OK, "a", "[IPv6:2001:db8::1]", 22 },
	{ "<>", ADDRESS_NULL, ERR_OK, "", "", 2 },
	{ "<Postmaster>", ADDRESS_POSTMASTER, ERR_OK, "Postmaster", "", 12 },
	{ "<j\xc3\xbc@b\xc3\xbc.example>", ALL, ERR_OK, "j\xc3\xbc",
	    "b\xc3\xbc.example", 17 },
	{ "<>", 0, ERR_INVALID, "", "", 0 },
	{ "<postmaster>", 0, ERR_INVALID, "", "", 0 },
	{ "<other>", ALL, ERR_INVALID, "", "", 0 },
	{ "", ALL, ERR_INVALID, "", "", 0 },
	{ "<", ALL, ERR_INVALID, "", "", 0 },
	{ "a@b", ALL, ERR_INVALID, "", "", 0 },
	{ "<a@b", ALL, ERR_INVALID, "", "", 0 },
	{ "<a@>", ALL, ERR_INVALID, "", "", 0 },
	{ "<@b>", ALL, ERR_INVALID, "", "", 0 },
	{ "<a@b.>", ALL, ERR_INVALID, "", "", 0 },
	{ "<a@.b>", ALL, ERR_INVALID, "", "", 0 },
	{ "<a@-b>", ALL, ERR_INVALID, "", "", 0 },
	{ "<.a@b>", ALL, ERR_INVALID, "", "", 0 },
	{ "<a.@b>", ALL, ERR_INVALID, "", "", 0 },
	{ "<a..b@b>", ALL, ERR_INVALID, "", "", 0 },
	{ "<a b@b>", ALL, ERR_INVALID, "", "", 0 },
	{ "<a@b c>", ALL, ERR_INVALID, "", "", 0 },
	{ "<\"a\n\"@b>", ALL, ERR_INVALID, "", "", 0 },
	{ "<\"a@b>", ALL, ERR_INVALID, "", "", 0 },
	{ "<a@[300.1.1.1]>", ALL, ERR_INVALID, "", "", 0 },
	{ "<a@[]>", ALL, ERR_INVALID, "", "", 0 },
	{ "<a@[192.0.2.1>", ALL, ERR_INVALID, "", "", 0 },
	{ "<j\xc3\xbc@b>", 0, ERR_UNSUPPORTED, "", "", 0 },
	{ "<j\xff@b>", ALL, ERR_INVALID, "", "", 0 },
	{ "<1234567890123456789012345678901234567890123456789012345678901234"
	  "5@b>",
	    ALL, ERR_LIMIT, "", "", 0 },
};

static void
smtp_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(paths); i++) {
		struct address_path p;
		struct err err = { 0 };
		int r = address_parse_path(
		    slice_str(paths[i].text), paths[i].flags, &p, &err);

		if (paths[i].code != ERR_OK) {
			assert_int_equal(r, -1);
			assert_int_equal(err.code, paths[i].code);
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(p.local, paths[i].local);
		assert_string_equal(p.domain, paths[i].domain);
		assert_int_equal(p.used, paths[i].used);
		assert_int_equal(p.is_literal, p.domain[0] == '[');
		assert_int_equal(p.is_null, strcmp(paths[i].text, "<>") == 0);
	}
}

static void
smtp_mailbox(void **state)
{
	struct address_path p;
	struct err err;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(
	    address_parse_mailbox(SLICE("\"o l\"@b"), 0, &p, &err), 0);
	address_put_path(&b, &p);
	assert_string_equal(buf_cstr(&b), "\"o l\"@b");
	assert_int_equal(
	    address_parse_mailbox(SLICE("a@b c"), 0, &p, &err), -1);
	assert_int_equal(
	    address_parse_mailbox(SLICE("<a@b>"), 0, &p, &err), -1);
	assert_int_equal(address_parse_mailbox(
			     SLICE("postmaster"), ADDRESS_POSTMASTER, &p, &err),
	    -1);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(field_lists),
		cmocka_unit_test(field_limits),
		cmocka_unit_test(print),
		cmocka_unit_test(smtp_paths),
		cmocka_unit_test(smtp_mailbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
