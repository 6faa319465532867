/* SPDX-License-Identifier: ISC */
/* What a submission server may mend in a header. */
#include "libbase/random.h"
#include "libmessage/date.h"
#include "libmessage/header.h"

#include "submitd/fixup.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool
fixup_is_header_line(struct slice line, bool is_first)
{
	size_t i = 0, name;

	/* the separator of a mbox file, which fixup_write leaves out */
	if (is_first && slice_starts(line, "From "))
		return true;
	if (is_blank(line.p[0]))
		return !is_first;
	while (i < line.n && line.p[i] > 0x20 && line.p[i] < 0x7f &&
	    line.p[i] != ':')
		i++;
	name = i;
	while (i < line.n && is_blank(line.p[i]))
		i++; /* RFC 5322 4.5 */
	return name > 0 && i < line.n && line.p[i] == ':';
}

void
fixup_read(struct slice header, struct arena *arena, struct fixup_from *out)
{
	struct header_iter it;
	struct header_field f;

	*out = (struct fixup_from){ 0 };
	header_begin(&it, header);
	while (header_next(&it, &f)) {
		if (slice_ieq_str(f.name, "Received"))
			out->n_received++;
		if (!slice_ieq_str(f.name, "From"))
			continue;
		out->n_from++;
		address_parse(arena, f.value, &out->from);
	}
}

static void
put_received(const struct fixup *f, struct buf *out)
{
	/* the client's address is the sender's business, RFC 5321 7.2 */
	buf_puts(out, "Received: from localhost (address withheld)\r\n\tby ");
	buf_put_slice(out, f->hostname);
	buf_puts(out, " with ");
	buf_put_slice(out, f->protocol);
	buf_puts(out, " id ");
	buf_put_slice(out, f->id);
	buf_puts(out, ";\r\n\t");
	date_put(out, f->now, f->zone_minutes);
	buf_puts(out, "\r\n");
}

static bool
lacks_domain(const struct address_list *list)
{
	const struct address *a;

	for (a = list->first; a != NULL; a = a->next)
		if (a->kind == ADDRESS_MAILBOX && a->host.n == 0)
			return true;
	return false;
}

static void
put_from(
    const struct fixup *f, const struct address_list *list, struct buf *out)
{
	const struct address *a;
	bool first = true;

	buf_puts(out, "From: ");
	for (a = list->first; a != NULL; a = a->next) {
		if (a->kind != ADDRESS_MAILBOX)
			continue;
		if (!first)
			buf_puts(out, ",\r\n\t");
		address_put(out, a->name, a->mailbox,
		    a->host.n == 0 ? f->domain : a->host);
		first = false;
	}
	buf_puts(out, "\r\n");
}

static void
put_missing(const struct fixup *f, bool has_date, bool has_id, bool has_from,
    struct buf *out)
{
	if (!has_date) {
		buf_puts(out, "Date: ");
		date_put(out, f->now, f->zone_minutes);
		buf_puts(out, "\r\n");
	}
	if (!has_from) {
		buf_puts(out, "From: <");
		buf_put_slice(out, f->sender);
		buf_puts(out, ">\r\n");
	}
	if (!has_id) {
		buf_printf(out, "Message-ID: <%.*s.%016llx@", SLICE_ARG(f->id),
		    (unsigned long long)random_u64());
		buf_put_slice(out, f->hostname);
		buf_puts(out, ">\r\n");
	}
}

void
fixup_write(const struct fixup *f, const struct fixup_from *from,
    struct slice header, struct buf *out)
{
	struct header_iter it;
	struct header_field h;
	bool has_date = false, has_id = false;

	put_received(f, out);
	header_begin(&it, header);
	while (header_next(&it, &h)) {
		if (h.name.n == 0 || slice_ieq_str(h.name, "Return-Path"))
			continue;
		has_date |= slice_ieq_str(h.name, "Date");
		has_id |= slice_ieq_str(h.name, "Message-ID");
		if (slice_ieq_str(h.name, "From") && lacks_domain(&from->from))
			put_from(f, &from->from, out);
		else
			buf_put_slice(out, h.raw);
	}
	put_missing(f, has_date, has_id, from->n_from > 0, out);
	buf_puts(out, "\r\n");
}
