/* SPDX-License-Identifier: ISC */
/* LOGIN, as draft-murchison-sasl-login-00 wrote it down: "Username:" then
 * "Password:". An initial response is the user name. */
#include "libauth/sasl.h"

static enum sasl_outcome
login_step(struct sasl *s, struct slice data)
{
	if (s->phase == 0) {
		if (!sasl_take_name(s->user, data, false))
			return sasl_bad(s, "LOGIN user name");
		s->challenge = "UGFzc3dvcmQ6";
		return SASL_CHALLENGE;
	}
	if (secret_set(&s->secret, data) != 0)
		return sasl_bad(s, "LOGIN password");
	return SASL_READY;
}

const struct sasl_mech sasl_login = {
	.name = "LOGIN",
	.challenge = "VXNlcm5hbWU6",
	.step = login_step,
};
