/* SPDX-License-Identifier: ISC */
/* Settings: rows, values, faults, the way to a role. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "libserver/conf_value.h"
#include "libserver/ipc_messages.h"
#include "libserver/settings.h"

struct faults {
	unsigned n;
	char all[8192];
};

static void
collect(void *arg, const char *file, unsigned line, const char *text)
{
	struct faults *f = arg;
	size_t at = strlen(f->all);

	(void)file;
	f->n++;
	snprintf(f->all + at, sizeof(f->all) - at, "%u: %s\n", line, text);
}

static void
test_defaults(void **state)
{
	struct faults f = { 0 };
	struct conf *c = conf_read_text("", NULL, collect, &f);
	const struct conf_cert *certs;
	size_t n;

	(void)state;
	assert_non_null(c);
	assert_int_equal(f.n, 0);
	assert_false(conf_bool(c, "imap"));
	assert_true(conf_bool(c, "submission"));
	assert_int_equal(conf_u64(c, "message_size"), 64u << 20);
	assert_int_equal(conf_ms(c, "session_linger"), 300000);
	assert_string_equal(conf_str(c, "separator"), "/");
	assert_string_equal(conf_str(c, "log"), "syslog");
	assert_string_equal(conf_list(c, "imap_listen", &n)[0], "*:143");
	assert_int_equal(n, 1);
	assert_null(conf_list(c, "domains", &n)[0]);
	assert_int_equal(conf_certs(c, &certs), 0);
	assert_false(conf_is_set(c, "imap"));
	conf_free(c);
}

/* Every row's default is a valid value; every row has a help and a role. */
static void
test_rows(void **state)
{
	(void)state;
	for (const struct setting *s = settings_common; s->name != NULL; s++) {
		assert_non_null(s->help);
		assert_true(strlen(s->help) > 10);
		assert_int_not_equal(s->roles, 0);
		assert_ptr_equal(setting_find(NULL, s->name), s);
		assert_true(s->min <= s->max);
	}
	assert_null(setting_find(NULL, "nothing"));
}

static void
test_all_faults(void **state)
{
	struct faults f = { 0 };

	(void)state;
	assert_null(conf_read_text("imap = 1;\nno_such = 1;\n"
				   "message_size = \"x\";\nauth_helpers = 0;\n"
				   "imap_listn = \"*:1\";\n",
	    NULL, collect, &f));
	assert_int_equal(f.n, 5);
	assert_non_null(strstr(f.all, "1: imap must be true or false"));
	assert_non_null(strstr(f.all, "did you mean \"imap_listen\"?"));
	assert_non_null(strstr(f.all, "4: auth_helpers must be in the range"));
}

static const struct setting own[] = {
	{ "own_list", SET_STRINGS, "a b", 0, 3, R_BIT(R_SESSION), "Our own." },
	{ .name = NULL },
};

static void
test_to_a_role(void **state)
{
	struct faults f = { 0 };
	struct conf *c = conf_read_text(
	    "own_list = [ \"x\", \"y y\", \"z\" ];\nvirtual_uids = \"7-9\";",
	    own, collect, &f);
	struct ipc_config head = { 0 };
	struct ipc_out o;
	struct ipc_msg m;
	struct conf *d;
	struct err err;
	uid_t lo, hi;
	size_t n;

	(void)state;
	assert_non_null(c);
	assert_true(conf_uid_range(c, "virtual_uids", &lo, &hi));
	assert_int_equal(lo, 7);
	assert_int_equal(hi, 9);
	ipc_begin(&o, IPC_CONFIG, &head, sizeof(head));
	conf_put(&o, c, R_SESSION);
	assert_int_equal(ipc_seal(&o), 0);
	assert_int_equal(
	    ipc_decode(NULL, R_PARENT, R_SESSION, buf_slice(&o.b), 0, &m, &err),
	    0);
	d = conf_get(&m, own);
	assert_non_null(d);
	assert_string_equal(conf_list(d, "own_list", &n)[1], "y y");
	assert_int_equal(n, 3);
	assert_int_equal(conf_ms(d, "session_linger"), 300000);
	conf_free(d);
	conf_free(c);
	ipc_out_drop(&o);
}

static void
test_too_many(void **state)
{
	struct faults f = { 0 };

	(void)state;
	assert_null(conf_read_text(
	    "own_list = [ \"1\", \"2\", \"3\", \"4\" ];", own, collect, &f));
	assert_non_null(strstr(f.all, "at most 3 members"));
}

static void
test_values(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} sizes[] = { { "0", 0 }, { "1k", 1024 }, { " 2 MiB ", 2u << 20 },
		{ "3GB", 3ull << 30 }, { "10B", 10 } };
	static const char *const bad[] = { "", "k", "-1", "1x", "1 k k",
		"99999999999999999999", "18446744073709551615k", "1.5M" };
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(sizes); i++) {
		assert_int_equal(
		    conf_parse_size(slice_str(sizes[i].text), &v), 0);
		assert_int_equal(v, sizes[i].bytes);
	}
	for (size_t i = 0; i < N_ELEMENTS(bad); i++)
		assert_int_equal(conf_parse_size(slice_str(bad[i]), &v), -1);
	assert_int_equal(conf_parse_duration(SLICE("5 min"), &v), 0);
	assert_int_equal(v, 300000);
	assert_int_equal(conf_parse_duration(SLICE("500ms"), &v), 0);
	assert_int_equal(v, 500);
	assert_int_equal(conf_parse_duration(SLICE("90"), &v), 0);
	assert_int_equal(v, 90000);
	assert_int_equal(conf_parse_duration(SLICE("2 fortnights"), &v), -1);
}

static void
test_nearest(void **state)
{
	(void)state;
	assert_int_equal(conf_distance(SLICE("abc"), SLICE("abc")), 0);
	assert_int_equal(conf_distance(SLICE("abc"), SLICE("")), 3);
	assert_int_equal(conf_distance(SLICE("kitten"), SLICE("sitting")), 3);
	assert_string_equal(conf_nearest(NULL, SLICE("Hostnam")), "hostname");
	assert_null(conf_nearest(NULL, SLICE("qqqqqqqqqqqqqqqqqqqqqqqqqq")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_all_faults),
		cmocka_unit_test(test_to_a_role),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
