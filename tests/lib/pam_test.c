/* SPDX-License-Identifier: ISC */
/*
 * A PAM module for tests, that behaves badly by user name:
 *   hang*   never comes back         crash*  aborts
 *   twice*  asks a second question   slow*   takes 200 ms
 *   expd*   the password has expired alias*  becomes "alice"
 * Every failure asks for a delay of 2 s (pam_fail_delay). Arguments:
 *   password=P  the right password of everybody but no*, who are unknown;
 *               without it other modules decide (PAM_IGNORE).
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>

static int
begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static const char *
password_of(int argc, const char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (begins(argv[i], "password="))
			return argv[i] + strlen("password=");
	}
	return NULL;
}

static int
misbehave(pam_handle_t *h, const char *user)
{
	static const struct timespec slow = { .tv_nsec = 200000000 };
	char *answer = NULL;

	while (begins(user, "hang"))
		(void)pause();
	if (begins(user, "crash"))
		abort();
	if (begins(user, "slow"))
		(void)nanosleep(&slow, NULL);
	if (begins(user, "alias"))
		return pam_set_item(h, PAM_USER, "alice");
	if (begins(user, "twice")) {
		int r =
		    pam_prompt(h, PAM_PROMPT_ECHO_OFF, &answer, "Another: ");

		free(answer);
		return r;
	}
	return PAM_SUCCESS;
}

PAM_EXTERN int
pam_sm_authenticate(pam_handle_t *h, int flags, int argc, const char **argv)
{
	const char *user, *given, *right = password_of(argc, argv);
	int r;

	(void)flags;
	if (pam_get_user(h, &user, NULL) != PAM_SUCCESS)
		return PAM_USER_UNKNOWN;
	(void)pam_fail_delay(h, 2000000);
	r = misbehave(h, user);
	if (r != PAM_SUCCESS)
		return r;
	if (right == NULL)
		return PAM_IGNORE;
	r = pam_get_authtok(h, PAM_AUTHTOK, &given, NULL);
	if (r != PAM_SUCCESS)
		return r;
	/* it may have been renamed: the old name is freed */
	if (pam_get_user(h, &user, NULL) != PAM_SUCCESS || begins(user, "no"))
		return PAM_USER_UNKNOWN;
	return strcmp(given, right) == 0 ? PAM_SUCCESS : PAM_AUTH_ERR;
}

PAM_EXTERN int
pam_sm_setcred(pam_handle_t *h, int flags, int argc, const char **argv)
{
	(void)h;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_SUCCESS;
}

PAM_EXTERN int
pam_sm_acct_mgmt(pam_handle_t *h, int flags, int argc, const char **argv)
{
	const char *user;

	(void)flags;
	(void)argc;
	(void)argv;
	if (pam_get_user(h, &user, NULL) != PAM_SUCCESS)
		return PAM_USER_UNKNOWN;
	return begins(user, "expd") ? PAM_NEW_AUTHTOK_REQD : PAM_SUCCESS;
}
