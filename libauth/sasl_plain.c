/* SPDX-License-Identifier: ISC */
/* PLAIN, RFC 4616: [authzid] NUL authcid NUL passwd, in one message. */
#include "libauth/sasl.h"

static enum sasl_outcome
plain_step(struct sasl *s, struct slice data)
{
	struct slice authzid, authcid, rest = data;

	if (!slice_cut(&rest, '\0', &authzid) ||
	    !slice_cut(&rest, '\0', &authcid))
		return sasl_bad(s, "PLAIN wants two NULs");
	if (!sasl_take_name(s->authzid, authzid, true))
		return sasl_bad(s, "PLAIN authorization identity");
	if (!sasl_take_name(s->user, authcid, false))
		return sasl_bad(s, "PLAIN user name");
	/* An empty password is a failed login, not a syntax error. */
	if (secret_set(&s->secret, rest) != 0)
		return sasl_bad(s, "PLAIN password");
	return SASL_READY;
}

const struct sasl_mech sasl_plain = {
	.name = "PLAIN",
	.challenge = "",
	.step = plain_step,
};
