/* SPDX-License-Identifier: ISC */
/* SMTP lines and text: any split gives the same text and the same end, and
 * what was taken holds no CR, LF or NUL alone. plants: 70 72 */
#include <stdlib.h>
#include <string.h>

#include "libbase/ceilings.h"
#include "submitd/smtp_data.h"
#include "submitd/smtp_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct outcome {
	ptrdiff_t end; /* -1: no end mark */
	enum smtp_data_fault fault;
	struct buf text;
};

static void
decode(struct slice in, size_t piece, struct outcome *out)
{
	struct smtp_data d;
	size_t at = 0, used;
	int end = 0;

	smtp_data_init(&d);
	buf_init(&out->text, 4 * MIB);
	while (end == 0 && at < in.n) {
		struct slice s = slice_head(slice_from(in, at), piece);

		end = smtp_data_feed(&d, s, &out->text, &used);
		at += used;
	}
	out->end = end == 1 ? (ptrdiff_t)at : -1;
	out->fault = d.fault;
}

/* The end by the plain words of RFC 5321 4.1.1.4. */
static ptrdiff_t
true_end(struct slice in)
{
	const char *p;

	if (slice_starts(in, ".\r\n"))
		return 3;
	p = in.n == 0 ? NULL : memmem(in.p, in.n, "\r\n.\r\n", 5);
	return p == NULL ? -1 : p - in.p + 5;
}

static void
check_text(const struct outcome *o)
{
	const char *p = o->text.p;
	size_t i;

	for (i = 0; i < o->text.n; i++) {
		if (p[i] == '\0')
			abort();
		if (p[i] == '\r' && (i + 1 == o->text.n || p[i + 1] != '\n'))
			abort();
		if (p[i] == '\n' && (i == 0 || p[i - 1] != '\r'))
			abort();
	}
}

static void
try_line(struct slice in)
{
	struct smtp_line line;
	struct smtp_path_args a, b;
	struct err err;
	struct buf text;

	(void)smtp_is_helo(in);
	if (!smtp_parse_line(in, &line) || line.verb.n > in.n)
		return;
	if (smtp_parse_path_args(line.args, "FROM:", ADDRESS_NULL, &a, &err) ==
	    -1)
		return;
	buf_init(&text, 4096);
	buf_puts(&text, "FROM:<");
	address_put_path(&text, &a.path);
	buf_putc(&text, '>');
	if (smtp_parse_path_args(
		buf_slice(&text), "FROM:", ADDRESS_NULL, &b, &err) == -1 ||
	    strcmp(a.path.local, b.path.local) != 0 ||
	    strcmp(a.path.domain, b.path.domain) != 0)
		abort();
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = slice_of(data, n);
	struct outcome whole, pieces;
	size_t piece = n == 0 ? 1 : data[0] % 7 + 1;

	decode(in, n + 1, &whole);
	decode(in, piece, &pieces);
	if (whole.end != pieces.end || whole.fault != pieces.fault ||
	    !slice_eq(buf_slice(&whole.text), buf_slice(&pieces.text)))
		abort();
	if (whole.end != true_end(in))
		abort();
	if (whole.end != -1 && whole.fault == DATA_GOOD)
		check_text(&whole);
	buf_free(&whole.text);
	buf_free(&pieces.text);
	try_line(in);
	return 0;
}
