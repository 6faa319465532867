/* SPDX-License-Identifier: ISC */
/* The settings that names and folders of users depend on. */
#include "libauth/userdb.h"
#include "libserver/conf.h"

void
userdb_conf_from(struct userdb_conf *out, const struct conf *c)
{
	out->domains = conf_list(c, "domains", &out->n_domains);
	out->mail_location = conf_str(c, "mail_location");
	out->control_location = conf_str(c, "control_location");
	out->index_location = conf_str(c, "index_location");
	out->first_uid = (uid_t)conf_u64(c, "first_uid");
}
