/* SPDX-License-Identifier: ISC */
/* The PAM conversation against a module of ours in a private folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libauth/auth_pam.h"
#include "libbase/clock.h"

static char folder[] = "/tmp/test_auth_pam.XXXXXX";
static char module[4096];

static void
path_of(char out[128], const char *service)
{
	(void)snprintf(out, 128, "%s/%s", folder, service);
}

static void
write_service(const char *service, const char *password)
{
	char path[128];
	FILE *f;

	path_of(path, service);
	f = fopen(path, "we");
	assert_non_null(f);
	(void)fprintf(f, "auth required %s password=%s\n", module, password);
	(void)fprintf(f, "account required %s\n", module);
	assert_int_equal(fclose(f), 0);
}

static void
remove_service(const char *service)
{
	char path[128];

	path_of(path, service);
	(void)unlink(path);
}

static enum login_code
check(struct auth_pam *p, const char *user, const char *secret, char *name)
{
	struct err err = { 0 };

	return auth_pam_check(p, user, "192.0.2.1", secret, name, &err);
}

static void
test_codes(void **state)
{
	struct auth_pam *p = auth_pam_new("imap", folder, false);
	uint64_t begun = clock_mono_us();
	char name[MAX_USER + 1] = "";

	(void)state;
	assert_string_equal(auth_pam_service(p), "restante-imap");
	assert_int_equal(check(p, "alice", "secret", name), LOGIN_OK);
	assert_string_equal(name, "alice");
	/* The handle is used again: nothing of alice may be left. */
	assert_int_equal(check(p, "bob", "wrong", name), LOGIN_FAILED);
	assert_int_equal(check(p, "bob", "", name), LOGIN_FAILED);
	assert_int_equal(check(p, "bob", "secret", name), LOGIN_OK);
	assert_string_equal(name, "bob");
	assert_int_equal(check(p, "nobody-such", "secret", name), LOGIN_FAILED);
	assert_int_equal(check(p, "twice", "secret", name), LOGIN_FAILED);
	assert_int_equal(check(p, "alias-x", "secret", name), LOGIN_OK);
	assert_string_equal(name, "alice");
	assert_int_equal(check(p, "expd", "secret", name), LOGIN_EXPIRED);
	assert_string_equal(name, "expd");
	assert_int_equal(check(p, "expd", "wrong", name), LOGIN_FAILED);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(
		    check(p, "alice", "wrong", name), LOGIN_FAILED);
	/* Nine failures that each asked for 2 s: nobody slept. */
	assert_true(clock_mono_us() - begun < 2000000);
	auth_pam_free(p);
}

static void
test_session(void **state)
{
	struct auth_pam *p = auth_pam_new("pop3", folder, true);
	char name[MAX_USER + 1];

	(void)state;
	/* No session phase in the file: PAM refuses, and says so. */
	assert_int_equal(check(p, "alice", "other", name), LOGIN_FAILED);
	assert_int_equal(check(p, "alice", "wrong", name), LOGIN_FAILED);
	auth_pam_free(p);
}

static void
test_services(void **state)
{
	struct auth_pam *p = auth_pam_new("pop3", folder, false);
	char name[MAX_USER + 1];

	(void)state;
	assert_string_equal(auth_pam_service(p), "restante");
	assert_int_equal(check(p, "alice", "other", name), LOGIN_OK);
	assert_int_equal(check(p, "alice", "secret", name), LOGIN_FAILED);
	auth_pam_free(p);
	remove_service("restante");
	p = auth_pam_new("pop3", folder, false);
	assert_null(auth_pam_service(p));
	assert_int_equal(check(p, "alice", "other", name), LOGIN_UNAVAILABLE);
	write_service("restante", "other");
	/* Somebody wrote the file: the next login finds it. */
	assert_int_equal(check(p, "alice", "other", name), LOGIN_OK);
	auth_pam_free(p);
}

static int
set_up(void **state)
{
	const char *given = getenv("PAM_TEST");

	(void)state;
	if (realpath(given == NULL ? "tests/lib/pam_test.so" : given, module) ==
	    NULL) {
		(void)fprintf(stderr, "no pam_test.so: make check builds it\n");
		return -1;
	}
	if (mkdtemp(folder) == NULL)
		return -1;
	write_service("restante-imap", "secret");
	write_service("restante", "other");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	remove_service("restante-imap");
	remove_service("restante");
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_services),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
