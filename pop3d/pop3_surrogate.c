/* SPDX-License-Identifier: ISC */
/* A header with UTF-8 made ASCII. */
#include "libbase/ceilings.h"
#include "libmessage/address.h"
#include "libmessage/encword.h"
#include "libmessage/header.h"

#include "pop3d/pop3_surrogate.h"

/* RFC 6858 2.1; .invalid is nobody's (RFC 6761). */
#define NO_MAILBOX "invalid"
#define NO_HOST    "internationalized-address.invalid"

enum field_kind {
	FIELD_TEXT, /* encoded words may stand anywhere */
	FIELD_ADDRESSES,
	FIELD_TOKENS /* a program reads it: they may not */
};

static const struct {
	const char *name;
	enum field_kind kind;
} kinds[] = {
	{ "From", FIELD_ADDRESSES },
	{ "Sender", FIELD_ADDRESSES },
	{ "Reply-To", FIELD_ADDRESSES },
	{ "To", FIELD_ADDRESSES },
	{ "Cc", FIELD_ADDRESSES },
	{ "Bcc", FIELD_ADDRESSES },
	{ "Resent-From", FIELD_ADDRESSES },
	{ "Resent-Sender", FIELD_ADDRESSES },
	{ "Resent-To", FIELD_ADDRESSES },
	{ "Resent-Cc", FIELD_ADDRESSES },
	{ "Resent-Bcc", FIELD_ADDRESSES },
	{ "Disposition-Notification-To", FIELD_ADDRESSES },
	{ "Return-Path", FIELD_TOKENS },
	{ "Delivered-To", FIELD_TOKENS },
	{ "Received", FIELD_TOKENS },
	{ "Message-ID", FIELD_TOKENS },
	{ "In-Reply-To", FIELD_TOKENS },
	{ "References", FIELD_TOKENS },
	{ "Content-Type", FIELD_TOKENS },
	{ "Content-Disposition", FIELD_TOKENS },
	{ "DKIM-Signature", FIELD_TOKENS },
	{ "Authentication-Results", FIELD_TOKENS },
};

bool
pop3_surrogate_needed(struct slice header)
{
	return !slice_is_ascii(header) && slice_is_utf8(header);
}

static enum field_kind
kind_of(struct slice name)
{
	for (size_t i = 0; i < N_ELEMENTS(kinds); i++)
		if (slice_ieq_str(name, kinds[i].name))
			return kinds[i].kind;
	return FIELD_TEXT;
}

static void
put_words(struct slice text, struct buf *out)
{
	struct buf b;
	size_t i;

	buf_init(&b, 4 * MAX_HEADER_BYTES);
	encword_encode(text, &b);
	/* one a line, for lines have a length (RFC 5322 2.1.1) */
	for (i = 0; i < b.n && !slice_is_ascii(text); i++) {
		if (b.p[i] == ' ')
			buf_putc(out, '\n');
		buf_putc(out, b.p[i]);
	}
	if (slice_is_ascii(text))
		buf_put_slice(out, buf_slice(&b));
	buf_free(&b);
}

static void
put_text(struct slice value, struct buf *out)
{
	struct buf flat, text;

	buf_init(&flat, MAX_HEADER_BYTES);
	buf_init(&text, 4 * MAX_HEADER_BYTES);
	header_put_unfolded(&flat, value);
	encword_decode(buf_slice(&flat), &text);
	put_words(buf_slice(&text), out);
	buf_free(&flat);
	buf_free(&text);
}

/* A character that is not ASCII becomes a question mark, and so does a CR that
 * ends no line. */
static void
put_tokens(struct slice raw, struct buf *out)
{
	for (size_t i = 0; i < raw.n; i++) {
		unsigned char c = (unsigned char)raw.p[i];
		bool ends = c == '\r' && i + 1 < raw.n && raw.p[i + 1] == '\n';

#if PLANT == 67
		if (c < 0x80)
#else
		if (c < 0x80 && c != '\r')
#endif
			buf_putc(out, (char)c);
		else if (!ends && (c >= 0xc0 || c == '\r'))
			buf_putc(out, '?');
	}
}

static void
put_address(const struct address *a, struct buf *out)
{
	bool is_ascii = slice_is_ascii(a->mailbox) && slice_is_ascii(a->host);
	struct slice mailbox = is_ascii ? a->mailbox : SLICE(NO_MAILBOX);
	struct slice host = is_ascii ? a->host : SLICE(NO_HOST);
	struct buf name;

	buf_init(&name, 4 * MAX_HEADER_BYTES);
	encword_decode(a->name, &name);
	if (name.n == 0 && !is_ascii) /* nobody is lost */
		buf_printf(&name, "%.*s@%.*s", SLICE_ARG(a->mailbox),
		    SLICE_ARG(a->host));
	if (slice_is_ascii(buf_slice(&name)))
		address_put(out, buf_slice(&name), mailbox, host);
	else {
		put_words(buf_slice(&name), out);
		buf_puts(out, "\n <");
		address_put(out, SLICE_NONE, mailbox, host);
		buf_putc(out, '>');
	}
	buf_free(&name);
}

static void
put_addresses(struct slice value, struct buf *out)
{
	struct address_list list = { 0 };
	const struct address *a;
	struct arena arena;
	bool is_first = true;

	arena_init(&arena, 8 * MAX_HEADER_BYTES);
	address_parse(&arena, value, &list);
	for (a = list.first; a != NULL; a = a->next) {
		if (a->kind == ADDRESS_GROUP_END) {
			buf_putc(out, ';');
			continue;
		}
		if (!is_first)
			buf_puts(out, ",\n ");
		is_first = a->kind == ADDRESS_GROUP_BEGIN;
		if (is_first) {
			put_text(a->mailbox, out);
			buf_puts(out, ": ");
		} else
			put_address(a, out);
	}
	arena_free(&arena);
}

static bool
is_name(struct slice name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < 0x20 || name.p[i] > 0x7e)
			return false;
	return name.n > 0;
}

static void
put_field(const struct header_field *f, struct buf *out)
{
	enum field_kind kind = kind_of(f->name);

	if (slice_is_ascii(f->value) || !is_name(f->name) ||
	    kind == FIELD_TOKENS) {
		put_tokens(f->raw, out);
		return;
	}
	buf_put_slice(out, f->name);
	buf_puts(out, ": ");
	if (kind == FIELD_ADDRESSES)
		put_addresses(f->value, out);
	else
		put_text(f->value, out);
	buf_putc(out, '\n');
}

void
pop3_surrogate_put(struct slice header, struct buf *out)
{
	const char *end = header.p;
	struct header_field f;
	struct header_iter it;

	header_begin(&it, header);
	while (header_next(&it, &f)) {
		put_field(&f, out);
		end = f.raw.p + f.raw.n;
	}
	if (end < header.p + header.n)
		buf_putc(out, '\n');
}
