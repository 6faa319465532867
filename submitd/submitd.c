/* SPDX-License-Identifier: ISC */
/* submitd: the receive connector. */
#include "libauth/auth.h"
#include "libserver/family.h"

#include "submitd/deliver.h"
#include "submitd/queue.h"
#include "submitd/smtp_session.h"

static const struct listener_spec listeners[] = {
	{ "submission_listen", false, NULL },
	{ "submissions_listen", true, NULL },
	{ NULL, false, NULL },
};

static const struct role_spec *const roles[] = {
	&log_role,
	&auth_role,
	&nursery_role,
	&queue_role,
	&frontend_role,
	&helper_role,
	NULL,
};

static const struct family submitd_family = {
	.name = "submitd",
	.protocol = "submission",
	.enable_setting = "submission",
	.ipc = ipc_queue_rules,
	.listeners = listeners,
	.roles = roles,
	.frontend = &smtp_frontend,
	.deliver = &smtp_deliver,
	.max_frontends = 1,
};

int
main(int argc, char **argv)
{
	return family_main(argc, argv, &submitd_family);
}
