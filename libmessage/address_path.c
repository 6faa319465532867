/* SPDX-License-Identifier: ISC */
/* Mailboxes of SMTP commands (RFC 5321 4.1.2, 6531), strict; and the printers.
 */
#include <arpa/inet.h>
#include <string.h>

#include "libmessage/address.h"

struct scan {
	struct slice in;
	size_t i;
	unsigned flags;
	struct address_path *path;
	struct err *err;
};

static bool
at(const struct scan *s, char c)
{
	return s->i < s->in.n && s->in.p[s->i] == c;
}

static bool
is_8bit(char c)
{
	return (c & 0x80) != 0;
}

static bool
is_atext(char c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || is_8bit(c) ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static int
put_local(struct scan *s, size_t *n, char c)
{
	if (*n + 1 >= sizeof(s->path->local))
		return err_set(s->err, ERR_LIMIT, "local part over 64 octets");
	s->path->local[(*n)++] = c;
	s->path->local[*n] = '\0';
	return 0;
}

static int
scan_quoted(struct scan *s)
{
	size_t n = 0;

	s->i++;
	while (s->i < s->in.n && !at(s, '"')) {
		char c = s->in.p[s->i++];

		if (c == '\\') {
			if (s->i >= s->in.n)
				break;
			c = s->in.p[s->i++];
			if (is_8bit(c))
				c = '\0';
		}
		if (c == 0x7f || (!is_8bit(c) && c < ' '))
			return err_set(s->err, ERR_INVALID,
			    "bad character in quoted local part");
		if (put_local(s, &n, c) < 0)
			return -1;
	}
	if (!at(s, '"'))
		return err_set(s->err, ERR_INVALID, "quote is not closed");
	s->i++;
	return 0;
}

static int
scan_dot_string(struct scan *s)
{
	size_t n = 0;

	while (s->i < s->in.n && (is_atext(s->in.p[s->i]) || at(s, '.'))) {
		char c = s->in.p[s->i++];

		if (c == '.' &&
		    (n == 0 || s->i >= s->in.n || !is_atext(s->in.p[s->i])))
			return err_set(
			    s->err, ERR_INVALID, "misplaced dot in local part");
		if (put_local(s, &n, c) < 0)
			return -1;
	}
	if (n == 0)
		return err_set(s->err, ERR_INVALID, "no local part");
	return 0;
}

static bool
is_domain_char(char c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' || is_8bit(c);
}

/* RFC 5321 4.1.2, RFC 1035 2.3.4: the label from..to. */
static bool
is_label(struct slice l)
{
	return l.n >= 1 && l.n <= 63 && l.p[0] != '-' && l.p[l.n - 1] != '-';
}

/* A domain name at the front; *out is it. */
static int
scan_domain(struct scan *s, struct slice *out)
{
	size_t from = s->i;
	struct slice all, label, rest;
	bool dot = true;

	while (s->i < s->in.n && (is_domain_char(s->in.p[s->i]) || at(s, '.')))
		s->i++;
	all = rest = slice_of(s->in.p + from, s->i - from);
	if (all.n > 255)
		return err_set(s->err, ERR_LIMIT, "domain over 255 octets");
	while (dot) {
		dot = slice_cut(&rest, '.', &label);
		if (!is_label(label))
			return err_set(s->err, ERR_INVALID, "bad domain");
	}
	*out = all;
	return 0;
}

static bool
is_address_literal(struct slice in)
{
	char text[INET6_ADDRSTRLEN + 1], addr[16];
	int family = AF_INET;

	if (slice_istarts(in, "IPv6:")) {
		in = slice_from(in, 5);
		family = AF_INET6;
	}
	if (in.n >= sizeof(text) || (in.n > 0 && memchr(in.p, '\0', in.n)))
		return false;
	if (in.n > 0)
		memcpy(text, in.p, in.n);
	text[in.n] = '\0';
	return inet_pton(family, text, addr) == 1;
}

static int
scan_literal(struct scan *s, struct slice *out)
{
	struct slice rest = slice_from(s->in, s->i);
	ptrdiff_t end = slice_find(rest, ']');

	if (end < 0 ||
	    !is_address_literal(slice_of(rest.p + 1, (size_t)end - 1)))
		return err_set(s->err, ERR_INVALID, "bad address literal");
	*out = slice_head(rest, (size_t)end + 1);
	s->i += out->n;
	s->path->is_literal = true;
	return 0;
}

/* "@a,@b:" is allowed and ignored (RFC 5321 4.1.1.3, appendix C). */
static int
scan_route(struct scan *s)
{
	struct slice domain;

	while (at(s, '@')) {
		s->i++;
		if (scan_domain(s, &domain) < 0)
			return -1;
		if (at(s, ','))
			s->i++;
		else if (!at(s, ':'))
			return err_set(s->err, ERR_INVALID, "bad route");
	}
	if (!at(s, ':'))
		return err_set(s->err, ERR_INVALID, "bad route");
	s->i++;
	return 0;
}

static int
scan_mailbox(struct scan *s)
{
	struct slice domain;
	bool quoted = at(s, '"');

	if ((quoted ? scan_quoted(s) : scan_dot_string(s)) < 0)
		return -1;
	if (!at(s, '@')) {
		if ((s->flags & ADDRESS_POSTMASTER) != 0 && at(s, '>') &&
		    slice_ieq_str(slice_str(s->path->local), "postmaster"))
			return 0;
		return err_set(s->err, ERR_INVALID, "no domain");
	}
	s->i++;
	if ((at(s, '[') ? scan_literal(s, &domain) : scan_domain(s, &domain)) <
	    0)
		return -1;
	memcpy(s->path->domain, domain.p, domain.n);
	s->path->domain[domain.n] = '\0';
	return 0;
}

/* What was taken must be UTF-8, and allowed to be. */
static int
check_8bit(struct scan *s)
{
	struct slice used = slice_head(s->in, s->i);

	if (slice_is_ascii(used))
		return 0;
	if ((s->flags & ADDRESS_UTF8) == 0)
		return err_set(
		    s->err, ERR_UNSUPPORTED, "address needs SMTPUTF8");
	if (!slice_is_utf8(used))
		return err_set(s->err, ERR_INVALID, "address is not UTF-8");
	s->path->is_utf8 = true;
	return 0;
}

int
address_parse_path(struct slice text, unsigned flags,
    struct address_path *path_out, struct err *err)
{
	struct address_path path = { 0 };
	struct scan s = { text, 0, flags, &path, err };

	if (!at(&s, '<'))
		return err_set(err, ERR_INVALID, "no < before the address");
	s.i++;
	if (at(&s, '>') && (flags & ADDRESS_NULL) != 0) {
		path.is_null = true;
	} else {
		if (at(&s, '@') && scan_route(&s) < 0)
			return -1;
		if (scan_mailbox(&s) < 0)
			return -1;
		if (!at(&s, '>'))
			return err_set(
			    err, ERR_INVALID, "no > behind the address");
	}
	s.i++;
	if (check_8bit(&s) < 0)
		return -1;
	path.used = s.i;
	*path_out = path;
	return 0;
}

int
address_parse_mailbox(struct slice text, unsigned flags,
    struct address_path *path_out, struct err *err)
{
	struct address_path path = { 0 };
	struct scan s = { text, 0, flags & ~(unsigned)ADDRESS_POSTMASTER, &path,
		err };

	if (scan_mailbox(&s) < 0)
		return -1;
	if (s.i != text.n)
		return err_set(err, ERR_INVALID, "more behind the address");
	if (check_8bit(&s) < 0)
		return -1;
	path.used = s.i;
	*path_out = path;
	return 0;
}

static bool
is_dot_string(struct slice s)
{
	bool dot = true;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' ? dot : !is_atext(s.p[i]))
			return false;
		dot = s.p[i] == '.';
	}
	return !dot;
}

static void
put_quoted(struct buf *out, struct slice s)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == 0x7f || (!is_8bit(c) && c < ' '))
			continue;
		if (c == '"' || c == '\\')
			buf_putc(out, '\\');
		buf_putc(out, c);
	}
	buf_putc(out, '"');
}

static void
put_spec(struct buf *out, struct slice mailbox, struct slice host)
{
	if (is_dot_string(mailbox))
		buf_put_slice(out, mailbox);
	else
		put_quoted(out, mailbox);
	if (host.n == 0)
		return;
	buf_putc(out, '@');
	for (size_t i = 0; i < host.n; i++)
		if (is_8bit(host.p[i]) ||
		    (host.p[i] > ' ' && host.p[i] != 0x7f))
			buf_putc(out, host.p[i]);
}

/* Words of atoms and blanks need no quotes. */
static bool
is_phrase(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != ' ' && !is_atext(s.p[i]))
			return false;
	return s.n > 0 && s.p[0] != ' ' && s.p[s.n - 1] != ' ';
}

void
address_put(
    struct buf *out, struct slice name, struct slice mailbox, struct slice host)
{
	if (name.n == 0) {
		put_spec(out, mailbox, host);
		return;
	}
	if (is_phrase(name))
		buf_put_slice(out, name);
	else
		put_quoted(out, name);
	buf_puts(out, " <");
	put_spec(out, mailbox, host);
	buf_putc(out, '>');
}

void
address_put_path(struct buf *out, const struct address_path *path)
{
	if (!path->is_null)
		put_spec(out, slice_str(path->local), slice_str(path->domain));
}
