/* SPDX-License-Identifier: ISC */
/* What is told in both states: CAPA (RFC 2449) and LANG (RFC 6856 3). */
#include "libbase/ceilings.h"
#include "libnet/conn.h"

#include "pop3d/pop3_session.h"

/* RFC 2449 5: what AUTHORIZATION can do is told in TRANSACTION too, so that one
 * CAPA is enough; whoever has logged in may have sent secrets. RFC 2595 4 wants
 * STLS only where it may be given. */
static void
put_login_ways(struct pop3_session *s, struct out *o)
{
	unsigned i;

	if (s->fe == NULL || frontend_may_login(s->fe)) {
		out_puts(o, "USER\r\nSASL");
		for (i = 0; sasl_mechs[i] != NULL; i++)
			out_printf(o, " %s", sasl_mechs[i]->name);
		out_puts(o, "\r\n");
	}
	if (s->fe != NULL && !s->has_tls && !s->is_utf8 &&
	    frontend_has_tls(s->fe))
		out_puts(o, "STLS\r\n");
}

/* EXPIRE is NEVER under any setting: what a client leaves here stays. What
 * pop3_keep removes later is what a client has deleted. */
enum step
pop3_capa(struct pop3_session *s)
{
	const struct conf *conf =
	    s->fe != NULL ? frontend_conf(s->fe) : s->user->se->conf;
	uint64_t delay_ms = conf_ms(conf, "pop3_login_delay");
	struct out *o = conn_out(s->conn);

	out_puts(o,
	    "+OK\r\nTOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\n"
	    "AUTH-RESP-CODE\r\nEXPIRE NEVER\r\n");
	if (delay_ms > 0)
		out_printf(o, "LOGIN-DELAY %llu\r\n",
		    (unsigned long long)((delay_ms + 999) / 1000));
	put_login_ways(s, o);
	out_puts(o, "UTF8 USER\r\nLANG\r\nIMPLEMENTATION Restante\r\n.\r\n");
	return STEP_DONE;
}

/* One language is all there is. A range is shortened until it fits (RFC 4647
 * 3.4): "en-GB" is answered in "en", and the answer says so. */
enum step
pop3_lang(struct pop3_session *s)
{
	struct slice range = slice_trim(s->args);

	if (range.n == 0) {
		out_puts(conn_out(s->conn), "+OK\r\nen English\r\n.\r\n");
		return STEP_DONE;
	}
	if (!slice_ieq_str(range, "en") && !slice_istarts(range, "en-") &&
	    !slice_eq_str(range, "*"))
		return pop3_err(s, "That language is not spoken here");
	pop3_ok(s, "en English from now on");
	return STEP_DONE;
}
