/* SPDX-License-Identifier: ISC */
/* pop3d: mail by POP3. */
#include "libauth/auth.h"
#include "libserver/family.h"

#include "pop3d/pop3_session.h"

static const char *const alpn[] = { "pop3", NULL };

static const struct listener_spec listeners[] = {
	{ "pop3_listen", false, alpn },
	{ "pop3s_listen", true, alpn },
	{ NULL, false, NULL },
};

static const struct role_spec *const roles[] = {
	&log_role,
	&auth_role,
	&nursery_role,
	&frontend_role,
	&helper_role,
	NULL,
};

static const struct family pop3d_family = {
	.name = "pop3d",
	.protocol = "pop3",
	.enable_setting = "pop3",
	.listeners = listeners,
	.roles = roles,
	.frontend = &pop3_frontend,
	.session = &pop3_session_ops,
	.max_frontends = 1,
};

int
main(int argc, char **argv)
{
	return family_main(argc, argv, &pop3d_family);
}
