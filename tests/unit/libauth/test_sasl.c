/* SPDX-License-Identifier: ISC */
/* SASL: initial responses, empty ones, cancel, faults, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "libauth/sasl.h"
#include "libbase/base64.h"

static struct sasl s;

static enum sasl_outcome
start(const char *mech, const char *initial)
{
	struct slice text = slice_str(initial);

	return sasl_start(&s, sasl_mech_find(slice_str(mech)),
	    initial == NULL ? NULL : &text);
}

static enum sasl_outcome
feed_bytes(const char *bytes, size_t n)
{
	enum sasl_outcome r;
	struct buf b;

	buf_init(&b, 16384);
	base64_encode(slice_of(bytes, n), &b);
	r = sasl_feed(&s, buf_slice(&b));
	buf_free(&b);
	return r;
}

static void
test_find(void **state)
{
	(void)state;
	assert_ptr_equal(sasl_mech_find(SLICE("plain")), &sasl_plain);
	assert_ptr_equal(sasl_mech_find(SLICE("LoGiN")), &sasl_login);
	assert_null(sasl_mech_find(SLICE("ANONYMOUS")));
	assert_null(sasl_mech_find(SLICE("PLAI")));
	assert_null(sasl_mech_find(SLICE_NONE));
}

static void
test_plain(void **state)
{
	(void)state;
	/* \0alice\0secret */
	assert_int_equal(start("PLAIN", "AGFsaWNlAHNlY3JldA=="), SASL_READY);
	assert_string_equal(s.user, "alice");
	assert_string_equal(s.authzid, "");
	assert_string_equal(s.secret.bytes, "secret");
	assert_int_equal(start("PLAIN", NULL), SASL_CHALLENGE);
	assert_string_equal(s.challenge, "");
	assert_int_equal(feed_bytes("bob\0alice\0p w", 13), SASL_READY);
	assert_string_equal(s.authzid, "bob");
	assert_string_equal(s.user, "alice");
	assert_string_equal(s.secret.bytes, "p w");
	sasl_wipe(&s);
	assert_int_equal(s.secret.n, 0);
	assert_string_equal(s.user, "");
}

static void
test_plain_faults(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {
		{ "", 0 }, { "alice", 5 }, { "\0alice", 6 },
		{ "\0\0secret", 8 },          /* no user */
		{ "\0al\nce\0secret", 13 },   /* control byte */
		{ "\0\xff\xfe\0secret", 10 }, /* not UTF-8 */
		{ "\0alice\0se\0ret", 13 },   /* NUL in the password */
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		assert_int_equal(start("PLAIN", NULL), SASL_CHALLENGE);
		assert_int_equal(feed_bytes(bad[i].bytes, bad[i].n), SASL_BAD);
		assert_true(s.reason[0] != '\0');
	}
	/* An empty password is a login that fails, not a syntax error. */
	assert_int_equal(start("PLAIN", NULL), SASL_CHALLENGE);
	assert_int_equal(feed_bytes("\0alice\0", 7), SASL_READY);
	assert_int_equal(s.secret.n, 0);
}

static void
test_framing(void **state)
{
	(void)state;
	assert_int_equal(start("PLAIN", "="), SASL_BAD); /* empty: no NULs */
	assert_int_equal(start("PLAIN", "!!!!"), SASL_BAD);
	assert_int_equal(start("PLAIN", "AGFsaWNlAHNlY3JldA"), SASL_BAD);
	assert_int_equal(start("PLAIN", ""), SASL_BAD);
	assert_int_equal(start("PLAIN", NULL), SASL_CHALLENGE);
	assert_int_equal(sasl_feed(&s, SLICE("*")), SASL_CANCELLED);
	assert_int_equal(start("LOGIN", NULL), SASL_CHALLENGE);
	assert_int_equal(sasl_feed(&s, SLICE("*")), SASL_CANCELLED);
}

static void
test_login(void **state)
{
	(void)state;
	assert_int_equal(start("LOGIN", NULL), SASL_CHALLENGE);
	assert_string_equal(s.challenge, "VXNlcm5hbWU6");
	assert_int_equal(feed_bytes("alice", 5), SASL_CHALLENGE);
	assert_string_equal(s.challenge, "UGFzc3dvcmQ6");
	assert_int_equal(feed_bytes("secret", 6), SASL_READY);
	assert_string_equal(s.user, "alice");
	assert_string_equal(s.secret.bytes, "secret");
	assert_int_equal(start("LOGIN", "YWxpY2U="), SASL_CHALLENGE);
	assert_string_equal(s.challenge, "UGFzc3dvcmQ6");
	assert_int_equal(sasl_feed(&s, SLICE("")), SASL_READY);
	assert_int_equal(s.secret.n, 0);
	assert_int_equal(start("LOGIN", "="), SASL_BAD); /* no name */
}

static void
test_bounds(void **state)
{
	static char big[8192];

	(void)state;
	memset(big, 'A', sizeof(big));
	assert_int_equal(start("PLAIN", NULL), SASL_CHALLENGE);
	assert_int_equal(sasl_feed(&s, slice_of(big, 8192)), SASL_BAD);
	/* The longest name and password that are taken. */
	assert_int_equal(start("LOGIN", NULL), SASL_CHALLENGE);
	assert_int_equal(feed_bytes(big, MAX_USER), SASL_CHALLENGE);
	assert_int_equal(feed_bytes(big, SECRET_MAX), SASL_READY);
	assert_int_equal(s.secret.n, SECRET_MAX);
	assert_int_equal(start("LOGIN", NULL), SASL_CHALLENGE);
	assert_int_equal(feed_bytes(big, MAX_USER + 1), SASL_BAD);
	assert_int_equal(start("LOGIN", NULL), SASL_CHALLENGE);
	assert_int_equal(feed_bytes(big, 10), SASL_CHALLENGE);
	assert_int_equal(feed_bytes(big, SECRET_MAX + 1), SASL_BAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_plain_faults),
		cmocka_unit_test(test_framing),
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
