/* SPDX-License-Identifier: ISC */
/* Fields of a part: Content-*, and the envelope of a message. */
#include "libmessage/mime_fields.h"
#include "libmessage/header.h"

static const struct param us_ascii = { { "charset", 7 }, { "us-ascii", 8 } };

struct reading {
	struct arena *arena;
	struct mime_part *part;
	struct slice value; /* as stored */
};

/* One field: how it is read, and where the answer goes (in struct mime_part or
 * struct envelope). */
struct field {
	const char *name;
	void (*read)(struct reading *r, void *to);
	size_t to;
};

static void
read_text(struct reading *r, void *to)
{
	struct slice *s = to;

	if (s->p == NULL)
		*s = header_keep(r->arena, r->value);
}

static void
read_addresses(struct reading *r, void *to)
{
	address_parse(r->arena, r->value, to);
}

/* The first token, or all of it when it does not start with one. */
static void
read_token(struct reading *r, void *to)
{
	struct slice *s = to, all, token;

	if (s->p != NULL)
		return;
	all = token = header_keep(r->arena, r->value);
	token = param_token(&token);
	*s = token.n > 0 ? token : all;
}

static void
read_disposition(struct reading *r, void *to)
{
	struct slice *s = to, rest;

	if (s->p != NULL)
		return;
	rest = header_keep(r->arena, r->value);
	*s = param_token(&rest);
	if (s->n == 0 && rest.n == 0)
		*s = SLICE_NONE;
	param_parse(r->arena, rest, &r->part->disposition_params);
}

/* RFC 2045 5.2: what is not type "/" subtype is text/plain. The parameters of a
 * broken one are kept: the charset is often right. */
static void
read_type(struct reading *r, void *to)
{
	struct slice rest, type, subtype = SLICE_NONE;

	(void)to;
	if (r->part->type.p != NULL)
		return;
	rest = header_keep(r->arena, r->value);
	type = param_token(&rest);
	param_skip(&rest);
	if (rest.n > 0 && rest.p[0] == '/') {
		rest = slice_from(rest, 1);
		subtype = param_token(&rest);
	}
	if (type.n == 0 || subtype.n == 0) {
		type = SLICE("text");
		subtype = SLICE("plain");
	}
	r->part->type = type;
	r->part->subtype = subtype;
	param_parse(r->arena, rest, &r->part->params);
}

#define PART(name, read, member)                                               \
	{                                                                      \
		name, read, offsetof(struct mime_part, member)                 \
	}
#define ENVELOPE(name, read, member)                                           \
	{                                                                      \
		name, read, offsetof(struct envelope, member)                  \
	}

static const struct field part_fields[] = {
	PART("Content-Type", read_type, type),
	PART("Content-Transfer-Encoding", read_token, encoding),
	PART("Content-ID", read_text, id),
	PART("Content-Description", read_text, description),
	PART("Content-MD5", read_text, md5),
	PART("Content-Disposition", read_disposition, disposition),
	PART("Content-Language", read_text, language),
	PART("Content-Location", read_text, location),
};

static const struct field envelope_fields[] = {
	ENVELOPE("Date", read_text, date),
	ENVELOPE("Subject", read_text, subject),
	ENVELOPE("From", read_addresses, from),
	ENVELOPE("Sender", read_addresses, sender),
	ENVELOPE("Reply-To", read_addresses, reply_to),
	ENVELOPE("To", read_addresses, to),
	ENVELOPE("Cc", read_addresses, cc),
	ENVELOPE("Bcc", read_addresses, bcc),
	ENVELOPE("In-Reply-To", read_text, in_reply_to),
	ENVELOPE("Message-ID", read_text, message_id),
};

static void
read_field(struct reading *r, const struct field *rows, size_t n, void *base,
    struct slice name)
{
	for (size_t i = 0; i < n; i++)
		if (slice_ieq_str(name, rows[i].name))
			rows[i].read(r, (char *)base + rows[i].to);
}

static bool
is_in_digest(const struct mime_part *part)
{
	return part->parent != NULL && part->parent->is_multipart &&
	    slice_ieq_str(part->parent->subtype, "digest");
}

void
mime_fields_plain(struct mime_part *part)
{
	part->is_multipart = part->is_message = false;
	part->type = SLICE("text");
	part->subtype = SLICE("plain");
	part->params = (struct param_list){ &us_ascii, 1 };
}

static void
set_defaults(struct mime_part *part)
{
	if (part->type.p == NULL && is_in_digest(part)) {
		/* RFC 2046 5.1.5 */
		part->type = SLICE("message");
		part->subtype = SLICE("rfc822");
	} else if (part->type.p == NULL) {
		mime_fields_plain(part);
	} else if (part->params.n == 0 && mime_part_is(part, "text", "plain")) {
		part->params = (struct param_list){ &us_ascii, 1 };
	}
	if (part->encoding.n == 0)
		part->encoding = SLICE("7bit");
	part->is_multipart = slice_ieq_str(part->type, "multipart");
	part->is_message = mime_part_is(part, "message", "rfc822") ||
	    mime_part_is(part, "message", "global");
}

void
mime_fields_read(
    struct mime_part *part, struct slice header, struct arena *arena)
{
	struct reading r = { .arena = arena, .part = part };
	struct header_iter it;
	struct header_field f;

	if (part->parent == NULL || part->parent->is_message)
		part->envelope = arena_zero(arena, sizeof(*part->envelope));
	header_begin(&it, header);
	while (header_next(&it, &f)) {
		r.value = f.value;
		if (slice_istarts(f.name, "Content-"))
			read_field(&r, part_fields, N_ELEMENTS(part_fields),
			    part, f.name);
		else if (part->envelope != NULL)
			read_field(&r, envelope_fields,
			    N_ELEMENTS(envelope_fields), part->envelope,
			    f.name);
	}
	set_defaults(part);
}
