/* SPDX-License-Identifier: ISC */
/* ENVELOPE, BODY and BODYSTRUCTURE. */
#include <string.h>

#include "libmessage/summary.h"

/* May all of s stand in a quoted string? */
static bool
is_quotable(struct slice s, unsigned flags)
{
	bool high = false;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\r' || s.p[i] == '\n')
			return false;
		high |= (s.p[i] & 0x80) != 0;
	}
	return !high || ((flags & SUMMARY_UTF8) != 0 && slice_is_utf8(s));
}

static void
put_quoted(struct buf *out, struct slice s)
{
	size_t from = 0;

	buf_putc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '"' && s.p[i] != '\\' && s.p[i] != '\0')
			continue;
		buf_put(out, s.p + from, i - from);
		from = s.p[i] == '\0' ? i + 1 : i;
		if (s.p[i] != '\0')
			buf_putc(out, '\\');
	}
	if (s.n > from)
		buf_put(out, s.p + from, s.n - from);
	buf_putc(out, '"');
}

static void
put_literal(struct buf *out, struct slice s)
{
	size_t nuls = 0;

	for (size_t i = 0; i < s.n; i++)
		nuls += s.p[i] == '\0';
	buf_printf(out, "{%zu}\r\n", s.n - nuls);
	if (nuls == 0) {
		buf_put_slice(out, s);
		return;
	}
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\0')
			buf_putc(out, s.p[i]);
}

void
summary_put_string(struct buf *out, struct slice s, unsigned flags)
{
	if (is_quotable(s, flags))
		put_quoted(out, s);
	else
		put_literal(out, s);
}

void
summary_put_nstring(struct buf *out, struct slice s, unsigned flags)
{
	if (s.p == NULL)
		buf_puts(out, "NIL");
	else
		summary_put_string(out, s, flags);
}

/* RFC 9051 9: ASTRING-CHAR. */
static bool
is_astring(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f ||
		    strchr("(){%*\"\\", s.p[i]) != NULL)
			return false;
	/* Lest a reader takes it for no string. */
	return s.n > 0 && !slice_ieq_str(s, "NIL");
}

void
summary_put_astring(struct buf *out, struct slice s, unsigned flags)
{
	if (is_astring(s))
		buf_put_slice(out, s);
	else
		summary_put_string(out, s, flags);
}

void
summary_put_addresses(
    struct buf *out, const struct address_list *list, unsigned flags)
{
	if (list->first == NULL) {
		buf_puts(out, "NIL");
		return;
	}
	buf_putc(out, '(');
	for (const struct address *a = list->first; a != NULL; a = a->next) {
		buf_putc(out, '(');
		summary_put_nstring(out, a->name, flags);
		buf_putc(out, ' ');
		summary_put_nstring(out, a->route, flags);
		buf_putc(out, ' ');
		summary_put_nstring(out, a->mailbox, flags);
		buf_putc(out, ' ');
		summary_put_nstring(out, a->host, flags);
		buf_putc(out, ')');
	}
	buf_putc(out, ')');
}

void
summary_put_envelope(
    struct buf *out, const struct envelope *env, unsigned flags)
{
	static const struct envelope none;
	const struct address_list *sender, *reply_to;

	if (env == NULL)
		env = &none;
	/* RFC 9051 7.5.2: the server fills these in. */
	sender = env->sender.n > 0 ? &env->sender : &env->from;
	reply_to = env->reply_to.n > 0 ? &env->reply_to : &env->from;
	buf_putc(out, '(');
	summary_put_nstring(out, env->date, flags);
	buf_putc(out, ' ');
	summary_put_nstring(out, env->subject, flags);
	buf_putc(out, ' ');
	summary_put_addresses(out, &env->from, flags);
	buf_putc(out, ' ');
	summary_put_addresses(out, sender, flags);
	buf_putc(out, ' ');
	summary_put_addresses(out, reply_to, flags);
	buf_putc(out, ' ');
	summary_put_addresses(out, &env->to, flags);
	buf_putc(out, ' ');
	summary_put_addresses(out, &env->cc, flags);
	buf_putc(out, ' ');
	summary_put_addresses(out, &env->bcc, flags);
	buf_putc(out, ' ');
	summary_put_nstring(out, env->in_reply_to, flags);
	buf_putc(out, ' ');
	summary_put_nstring(out, env->message_id, flags);
	buf_putc(out, ')');
}

static void
put_params(struct buf *out, const struct param_list *list, unsigned flags)
{
	if (list->n == 0) {
		buf_puts(out, "NIL");
		return;
	}
	for (unsigned i = 0; i < list->n; i++) {
		buf_putc(out, i == 0 ? '(' : ' ');
		summary_put_string(out, list->v[i].name, flags);
		buf_putc(out, ' ');
		summary_put_string(out, list->v[i].value, flags);
	}
	buf_putc(out, ')');
}

static void
put_disposition(struct buf *out, const struct mime_part *part, unsigned flags)
{
	if (part->disposition.p == NULL) {
		buf_puts(out, "NIL");
		return;
	}
	buf_putc(out, '(');
	summary_put_string(out, part->disposition, flags);
	buf_putc(out, ' ');
	put_params(out, &part->disposition_params, flags);
	buf_putc(out, ')');
}

/* body-fld-lang: one tag, or a list of them. */
static void
put_language(struct buf *out, struct slice value, unsigned flags)
{
	unsigned n = 0;

	while (value.n > 0) {
		struct slice tag = param_token(&value), skipped;

		(void)slice_cut(&value, ',', &skipped);
		if (tag.n == 0)
			continue;
		buf_putc(out, n++ == 0 ? '(' : ' ');
		summary_put_string(out, tag, flags);
	}
	buf_puts(out, n == 0 ? "NIL" : ")");
}

/* The end of both kinds of extension data: disposition, language, location. */
static void
put_extension(struct buf *out, const struct mime_part *part, unsigned flags)
{
	put_disposition(out, part, flags);
	buf_putc(out, ' ');
	put_language(out, part->language, flags);
	buf_putc(out, ' ');
	summary_put_nstring(out, part->location, flags);
}

/* What comes before the parts below, "(" included. */
static void
put_before(struct buf *out, const struct mime_part *part, unsigned flags)
{
	buf_putc(out, '(');
	if (part->is_multipart) {
		/* The grammar wants at least one part. */
		if (part->first == NULL)
			buf_puts(out,
			    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") "
			    "NIL NIL \"7bit\" 0 0)");
		return;
	}
	summary_put_string(out, part->type, flags);
	buf_putc(out, ' ');
	summary_put_string(out, part->subtype, flags);
	buf_putc(out, ' ');
	put_params(out, &part->params, flags);
	buf_putc(out, ' ');
	summary_put_nstring(out, part->id, flags);
	buf_putc(out, ' ');
	summary_put_nstring(out, part->description, flags);
	buf_putc(out, ' ');
	summary_put_string(out, part->encoding, flags);
	buf_putc(out, ' ');
	buf_put_u64(out, part->body.wire);
	if (!part->is_message)
		return;
	buf_putc(out, ' ');
	summary_put_envelope(out, part->first->envelope, flags);
	buf_putc(out, ' ');
}

/* What comes behind the parts below, ")" included. */
static void
put_after(struct buf *out, const struct mime_part *part, bool extended,
    unsigned flags)
{
	if (part->is_multipart) {
		buf_putc(out, ' ');
		summary_put_string(out, part->subtype, flags);
	} else if (part->is_message || slice_ieq_str(part->type, "text")) {
		buf_putc(out, ' ');
		buf_put_u64(out, part->body.lines);
	}
	if (extended) {
		buf_putc(out, ' ');
		if (part->is_multipart)
			put_params(out, &part->params, flags);
		else
			summary_put_nstring(out, part->md5, flags);
		buf_putc(out, ' ');
		put_extension(out, part, flags);
	}
	buf_putc(out, ')');
}

void
summary_put_body(struct buf *out, const struct mime_part *part, bool extended,
    unsigned flags)
{
	const struct mime_part *at = part;

	for (;;) {
		put_before(out, at, flags);
		if (at->first != NULL) {
			at = at->first;
			continue;
		}
		put_after(out, at, extended, flags);
		while (at != part && at->next == NULL) {
			at = at->parent;
			put_after(out, at, extended, flags);
		}
		if (at == part)
			return;
		at = at->next;
	}
}
