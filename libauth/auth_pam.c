/* SPDX-License-Identifier: ISC */
/* PAM: one conversation, one password prompt, no sleeping. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <security/pam_appl.h>

#include "libauth/auth_pam.h"
#include "libbase/mem.h"

struct auth_pam {
	pam_handle_t *handle; /* NULL until first used, or after a fault */
	char *special;        /* "restante-imap" */
	char *confdir;
	bool with_session;
	struct pam_conv conv;
	/* of the login under way */
	const char *secret;
	unsigned prompts;
};

static const char shared_service[] = "restante";

struct auth_pam *
auth_pam_new(const char *protocol, const char *confdir, bool with_session)
{
	struct auth_pam *p = xcalloc(1, sizeof(*p));

	p->special = xasprintf("%s-%s", shared_service, protocol);
	p->confdir = xstrdup(confdir);
	p->with_session = with_session;
	return p;
}

static void
drop_handle(struct auth_pam *p, int last)
{
	if (p->handle != NULL)
		(void)pam_end(p->handle, last);
	p->handle = NULL;
}

void
auth_pam_free(struct auth_pam *p)
{
	if (p == NULL)
		return;
	drop_handle(p, PAM_SUCCESS);
	xfree(p->special);
	xfree(p->confdir);
	xfree(p);
}

static bool
has_file(const char *folder, const char *service)
{
	char *path = xasprintf("%s/%s", folder, service);
	bool there = access(path, F_OK) == 0;

	xfree(path);
	return there;
}

bool
auth_pam_has_service(const char *confdir, const char *service)
{
	if (confdir[0] != '\0')
		return has_file(confdir, service);
	return has_file("/etc/pam.d", service) ||
	    has_file("/usr/lib/pam.d", service);
}

/* PAM itself falls back to "other", in a private folder to nothing at all. */
const char *
auth_pam_service(const struct auth_pam *p)
{
	if (auth_pam_has_service(p->confdir, p->special))
		return p->special;
	if (auth_pam_has_service(p->confdir, shared_service))
		return shared_service;
	return NULL;
}

static void
drop_answers(struct pam_response *answers, int n)
{
	for (int i = 0; i < n; i++) {
		if (answers[i].resp != NULL) {
			mem_wipe(answers[i].resp, strlen(answers[i].resp));
			xfree(answers[i].resp);
		}
	}
	xfree(answers);
}

/* One prompt that does not echo gets the password; a second one, or one that
 * echoes, is a question we have no answer to. */
static int
converse(int n, const struct pam_message **messages, struct pam_response **out,
    void *arg)
{
	struct auth_pam *p = arg;
	struct pam_response *answers;

	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	answers = xcalloc((size_t)n, sizeof(*answers));
	for (int i = 0; i < n; i++) {
		int style = messages[i]->msg_style;

		if (style == PAM_TEXT_INFO || style == PAM_ERROR_MSG)
			continue;
		if (style != PAM_PROMPT_ECHO_OFF || p->secret == NULL ||
		    p->prompts++ > 0) {
			drop_answers(answers, n);
			return PAM_CONV_ERR;
		}
		answers[i].resp = xstrdup(p->secret);
	}
	*out = answers; /* libpam frees it */
	return PAM_SUCCESS;
}

/* Instead of libpam's sleep: delay is a timer in the auth role's loop. */
static void
no_delay(int status, unsigned usec, void *arg)
{
	(void)status;
	(void)usec;
	(void)arg;
}

static int
open_handle(struct auth_pam *p, struct err *err)
{
	const char *service = auth_pam_service(p);
	union {
		void (*fn)(int, unsigned, void *);
		const void *item;
	} delay = { .fn = no_delay };
	int r;

	if (p->handle != NULL)
		return 0;
	if (service == NULL)
		return err_set(err, ERR_NOTFOUND,
		    "no PAM service %s or %s in %s", p->special, shared_service,
		    p->confdir[0] != '\0' ? p->confdir : "/etc/pam.d");
	p->conv.conv = converse;
	p->conv.appdata_ptr = p;
	if (p->confdir[0] != '\0')
		r = pam_start_confdir(
		    service, NULL, &p->conv, p->confdir, &p->handle);
	else
		r = pam_start(service, NULL, &p->conv, &p->handle);
	if (r != PAM_SUCCESS) {
		p->handle = NULL;
		return err_set(
		    err, ERR_TEMP, "PAM service %s cannot start", service);
	}
	if (pam_set_item(p->handle, PAM_FAIL_DELAY, delay.item) !=
		PAM_SUCCESS ||
	    pam_set_item(p->handle, PAM_TTY, "restante") != PAM_SUCCESS) {
		drop_handle(p, PAM_SYSTEM_ERR);
		return err_set(err, ERR_TEMP, "PAM takes no items");
	}
	return 0;
}

static enum login_code
code_of(int r)
{
	switch (r) {
	case PAM_SUCCESS:
		return LOGIN_OK;
	case PAM_NEW_AUTHTOK_REQD:
		return LOGIN_EXPIRED;
	case PAM_AUTH_ERR:
	case PAM_USER_UNKNOWN:
	case PAM_PERM_DENIED:
	case PAM_CRED_INSUFFICIENT:
	case PAM_MAXTRIES:
	case PAM_ACCT_EXPIRED:
	case PAM_AUTHTOK_EXPIRED:
	case PAM_AUTHTOK_ERR: /* pam_get_authtok of a refused question */
	case PAM_CONV_ERR:
		return LOGIN_FAILED;
	default:
		return LOGIN_UNAVAILABLE;
	}
}

/* Authenticate and account; the session only when it is wanted. */
static int
run_stack(struct auth_pam *p, const char **phase)
{
	int r;

	*phase = "auth";
	r = pam_authenticate(p->handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (r != PAM_SUCCESS)
		return r;
	*phase = "account";
	r = pam_acct_mgmt(p->handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (r != PAM_SUCCESS || !p->with_session)
		return r;
	*phase = "session";
	r = pam_setcred(p->handle, PAM_SILENT | PAM_ESTABLISH_CRED);
	if (r == PAM_SUCCESS)
		r = pam_open_session(p->handle, PAM_SILENT);
	if (r == PAM_SUCCESS)
		(void)pam_close_session(p->handle, PAM_SILENT);
	return r;
}

static enum login_code
take_user(struct auth_pam *p, char *user_out, struct err *err)
{
	const void *item = NULL;

	if (pam_get_item(p->handle, PAM_USER, &item) != PAM_SUCCESS ||
	    item == NULL || strlen(item) > MAX_USER) {
		err_set(err, ERR_INVALID, "PAM gives no user name");
		return LOGIN_UNAVAILABLE;
	}
	memcpy(user_out, item, strlen(item) + 1);
	return LOGIN_OK;
}

enum login_code
auth_pam_check(struct auth_pam *p, const char *user, const char *rhost,
    const char *secret, char *user_out, struct err *err)
{
	const char *phase = "start";
	enum login_code code;
	int r;

	if (open_handle(p, err) != 0)
		return LOGIN_UNAVAILABLE;
	p->secret = secret;
	p->prompts = 0;
	r = pam_set_item(p->handle, PAM_USER, user);
	if (r == PAM_SUCCESS)
		r = pam_set_item(p->handle, PAM_RHOST, rhost);
	if (r == PAM_SUCCESS)
		r = run_stack(p, &phase);
	p->secret = NULL;
	code = code_of(r);
	if (code != LOGIN_OK)
		err_set(err, ERR_DENIED, "PAM %s: %s", phase,
		    pam_strerror(p->handle, r));
	if (code == LOGIN_OK || code == LOGIN_EXPIRED) {
		if (take_user(p, user_out, err) != LOGIN_OK)
			code = LOGIN_UNAVAILABLE;
	}
	/* After a fault of the stack itself the next one begins afresh. */
	if (code == LOGIN_UNAVAILABLE)
		drop_handle(p, r);
	return code;
}
