/* SPDX-License-Identifier: ISC */
/* Subscriptions: both versions as Dovecot 2.3 writes them, Courier's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libmaildir/subs.h"

static const struct foldername_conf plain = { '/', false, 32, { "", 0 } };
static const struct foldername_conf courier = { '.', false, 32,
	{ "INBOX.", 6 } };

#define V2                                                                     \
	"V\t2\n\na\\2eb\tc\n\\7ex\na\t\\7ey\nback\\5cslash\n"                  \
	"Entw&APw-rfe\nINBOX\tkid\nINBOX\na&-b\n"
#define V1 "INBOX\na\\2eb.c\nEntw&APw-rfe\nzork.bork\n\\7eh.t&AAk-ab\n"

static void
check(const struct foldername_conf *c, const char *text, unsigned version,
    const char *const *names, size_t n)
{
	struct subs s;
	struct err e = { 0 };
	struct slice name;
	struct buf b;
	size_t pos = 0;

	subs_init(&s);
	assert_int_equal(subs_parse(&s, c, slice_str(text), &e), 0);
	assert_int_equal(s.version, version);
	for (size_t i = 0; i < n; i++) {
		assert_true(subs_next(&s, &pos, &name));
		if (!slice_eq_str(name, names[i]))
			fail_msg("%.*s for %s", SLICE_ARG(name), names[i]);
		assert_true(subs_has(&s, slice_str(names[i])));
	}
	assert_false(subs_next(&s, &pos, &name));
	buf_init(&b, SUBS_MAX_BYTES);
	subs_print(&s, &b);
	assert_string_equal(buf_cstr(&b), text);
	buf_free(&b);
	subs_free(&s);
}

static void
test_versions(void **state)
{
	static const char *const two[] = { "a.b/c", "~x", "a/~y", "back\\slash",
		"Entw\xc3\xbcrfe", "INBOX/kid", "INBOX", "a&b" };
	static const char *const one[] = { "INBOX", "a.b/c", "Entw\xc3\xbcrfe",
		"zork/bork", "~h/\\=t\\26AAk-ab" };
	static const char *const pre[] = { "INBOX.p.r/x", "INBOX.INBOX.kid",
		"INBOX.INBOX" };

	(void)state;
	check(&plain, V2, 2, two, N_ELEMENTS(two));
	check(&plain, V1, 1, one, N_ELEMENTS(one));
	check(&courier, "V\t2\n\np\tr\\2fx\nINBOX\tkid\n\\49NBOX\n", 2, pre,
	    N_ELEMENTS(pre));
	check(&plain, "V\t2\n\n", 2, NULL, 0);
}

static void
set(struct subs *s, const char *name, bool on, int want)
{
	struct err e = { 0 };

	assert_int_equal(subs_set(s, &plain, slice_str(name), on, &e), want);
}

static void
test_set(void **state)
{
	struct subs s;
	struct err e;
	struct buf b;

	(void)state;
	subs_init(&s);
	set(&s, "x.y/z", true, 1);
	set(&s, "x.y/z", true, 0);
	set(&s, "inbox/k", true, 1);
	set(&s, "\xe2\x98\x83", true, 1);
	set(&s, "a//b", true, -1);
	set(&s, "x.y/z", false, 1);
	set(&s, "x.y/z", false, 0);
	buf_init(&b, SUBS_MAX_BYTES);
	subs_print(&s, &b);
	assert_string_equal(buf_cstr(&b), "V\t2\n\nINBOX\tk\n&JgM-\n");
	subs_free(&s);
	subs_init(&s);
	assert_int_equal(
	    subs_parse(&s, &plain, SLICE("a\n/etc\nb/../c\na\n"), &e), 0);
	set(&s, "q.r/s", true, 1);
	buf_reset(&b);
	subs_print(&s, &b); /* what is not ours to understand stays */
	assert_string_equal(buf_cstr(&b), "a\n/etc\nb/../c\nq\\2er.s\n");
	buf_free(&b);
	subs_free(&s);
	subs_init(&s);
	assert_int_equal(subs_parse(&s, &plain, SLICE("V\t3\n\n"), &e), -1);
	assert_int_equal(e.code, ERR_UNSUPPORTED);
	subs_free(&s);
}

static void
test_courier(void **state)
{
	struct subs s;
	struct err e;

	(void)state;
	subs_init(&s);
	assert_int_equal(subs_parse_courier(&s, &plain,
			     SLICE("INBOX\nINBOX.Sent\nINBOX.Entw&APw-rfe.x\n"
				   "#shared.x\nINBOX.\n"),
			     &e),
	    0);
	assert_true(subs_has(&s, SLICE("INBOX")));
	assert_true(subs_has(&s, SLICE("Sent")));
	assert_true(subs_has(&s, SLICE("Entw\xc3\xbcrfe/x")));
	assert_int_equal(s.by_name.n, 3);
	subs_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_courier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
