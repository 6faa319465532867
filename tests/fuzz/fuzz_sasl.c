/* SPDX-License-Identifier: ISC */
/* SASL: any dialogue ends in a user and a secret within bounds, or in a word
 * why not. The first byte chooses mechanism (1), lines raw or encoded here (2),
 * initial response (4). plants: 49 */
#include <stdlib.h>
#include <string.h>

#include "libauth/sasl.h"
#include "libbase/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check(const struct sasl *s, enum sasl_outcome r)
{
	if (r == SASL_CHALLENGE && s->challenge == NULL)
		abort();
	if (r == SASL_BAD && s->reason[0] == '\0')
		abort();
	if (r != SASL_READY)
		return;
	if (s->user[0] == '\0' || memchr(s->user, '\0', MAX_USER + 1) == NULL ||
	    memchr(s->authzid, '\0', MAX_USER + 1) == NULL ||
	    s->secret.n > SECRET_MAX || s->secret.bytes[s->secret.n] != '\0' ||
	    strlen(s->secret.bytes) != s->secret.n ||
	    !slice_is_utf8(slice_str(s->user)))
		abort();
}

/* The next line, as the client would send it. */
static struct slice
next_line(struct slice *rest, bool raw, struct buf *room)
{
	struct slice line;

	slice_cut(rest, '\n', &line);
	if (raw)
		return line;
	buf_reset(room);
	base64_encode(line, room);
	return buf_slice(room);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice rest = slice_of(data, n), line;
	const struct sasl_mech *mech;
	enum sasl_outcome r;
	struct buf room;
	struct sasl s;
	uint8_t how;

	if (n == 0)
		return 0;
	how = data[0];
	rest = slice_from(rest, 1);
	mech = (how & 1) != 0 ? &sasl_login : &sasl_plain;
	buf_init(&room, 65536);
	if ((how & 4) != 0) {
		line = next_line(&rest, (how & 2) != 0, &room);
		r = sasl_start(&s, mech, &line);
	} else {
		r = sasl_start(&s, mech, NULL);
	}
	check(&s, r);
	for (unsigned i = 0; r == SASL_CHALLENGE; i++) {
		if (i > 3)
			abort();
		line = next_line(&rest, (how & 2) != 0, &room);
		r = sasl_feed(&s, line);
		check(&s, r);
	}
	sasl_wipe(&s);
	buf_free(&room);
	return 0;
}
