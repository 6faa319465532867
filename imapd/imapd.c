/* SPDX-License-Identifier: ISC */
/* imapd: the declaration of the family. */
#include <stdio.h>
#include <string.h>

#include "imapd/command.h"
#include "imapd/imap_frontend.h"
#include "imapd/imap_user.h"
#include "libauth/auth.h"
#include "libmessage/text.h"
#include "libserver/family.h"

static const char *const alpn[] = { "imap", NULL };

static const struct listener_spec listeners[] = {
	{ .setting = "imap_listen", .alpn = alpn },
	{ .setting = "imaps_listen", .implicit_tls = true, .alpn = alpn },
	{ .setting = NULL },
};

static const struct role_spec *const roles[] = { &log_role, &auth_role,
	&helper_role, &nursery_role, &frontend_role, NULL };

static int
option(const char *arg)
{
	const struct imap_verb *v;
	size_t i;

	if (strcmp(arg, "--list-commands") != 0)
		return -1;
	for (i = 0; (v = command_at(i)) != NULL; i++) {
		(void)printf("%s%s\n", (v->flags & ONLY_UID) != 0 ? "UID " : "",
		    v->name);
	}
	return 0;
}

static const void *
warm(void)
{
	return text_fold_new();
}

static const struct family imapd_family = {
	.name = "imapd",
	.protocol = "imap",
	.enable_setting = "imap",
	.listeners = listeners,
	.roles = roles,
	.frontend = &imap_frontend_ops,
	.session = &imap_session_ops,
	.max_frontends = 4,
	.warm = warm,
	.option = option,
};

int
main(int argc, char **argv)
{
	struct err err;

	if (command_init(&err) == -1) {
		(void)fprintf(stderr, "imapd: %s\n", err.text);
		return 1;
	}
	return family_main(argc, argv, &imapd_family);
}
