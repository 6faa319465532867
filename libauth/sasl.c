/* SPDX-License-Identifier: ISC */
/* SASL exchange: initial response, empty answers, cancel, base64. */
#include <string.h>

#include "libauth/sasl.h"
#include "libbase/base64.h"

const struct sasl_mech *const sasl_mechs[] = { &sasl_plain, &sasl_login, NULL };

const struct sasl_mech *
sasl_mech_find(struct slice name)
{
	for (size_t i = 0; sasl_mechs[i] != NULL; i++) {
		if (slice_ieq_str(name, sasl_mechs[i]->name))
			return sasl_mechs[i];
	}
	return NULL;
}

enum sasl_outcome
sasl_bad(struct sasl *s, const char *reason)
{
	s->reason = reason;
	return SASL_BAD;
}

bool
sasl_take_name(char *out, struct slice name, bool may_be_empty)
{
#if PLANT == 49
	if (name.n > MAX_USER + 2)
		return false;
#else
	if (name.n > MAX_USER)
		return false;
#endif
	if (name.n == 0 && !may_be_empty)
		return false;
	if (!slice_is_utf8(name))
		return false;
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (c < 0x20 || c == 0x7f)
			return false;
	}
	if (name.n > 0)
		memcpy(out, name.p, name.n);
	out[name.n] = '\0';
	return true;
}

/* One answer, base64: decoded into memory that is zeroed before it is given
 * back, for it holds a password. */
static enum sasl_outcome
sasl_answer(struct sasl *s, struct slice text)
{
	enum sasl_outcome r;
	struct buf data;

	if (text.n > MAX_SASL_LINE)
		return sasl_bad(s, "answer too long");
	buf_init(&data, MAX_SASL_LINE);
	if (base64_decode(text, &data) != 0 || !buf_ok(&data))
		r = sasl_bad(s, "answer is not base64");
	else
		r = s->mech->step(s, buf_slice(&data));
	buf_wipe(&data);
	if (r == SASL_CHALLENGE)
		s->phase++;
	return r;
}

enum sasl_outcome
sasl_start(
    struct sasl *s, const struct sasl_mech *mech, const struct slice *initial)
{
	memset(s, 0, sizeof(*s));
	s->mech = mech;
	s->reason = "";
	s->challenge = mech->challenge;
	if (initial == NULL)
		return SASL_CHALLENGE;
	if (initial->n == 0)
		return sasl_bad(s, "empty initial response is \"=\"");
	if (slice_eq_str(*initial, "="))
		return sasl_answer(s, SLICE_NONE);
	return sasl_answer(s, *initial);
}

enum sasl_outcome
sasl_feed(struct sasl *s, struct slice line)
{
	if (slice_eq_str(line, "*"))
		return SASL_CANCELLED;
	return sasl_answer(s, line);
}

void
sasl_wipe(struct sasl *s)
{
	const struct sasl_mech *mech = s->mech;

	mem_wipe(s, sizeof(*s));
	s->mech = mech;
	s->reason = "";
	s->challenge = "";
}
