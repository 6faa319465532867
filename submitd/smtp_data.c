/* SPDX-License-Identifier: ISC */
/* The text behind DATA: where it ends, and what may not stand in it. */
#include <string.h>

#include "submitd/smtp_data.h"

enum {
	AT_START, /* behind CRLF */
	AT_DOT,   /* behind CRLF "." */
	AT_DOT_CR,
	IN_TEXT,
	AT_CR
};

void
smtp_data_init(struct smtp_data *d)
{
	d->state = AT_START;
	d->fault = DATA_GOOD;
}

static void
fault(struct smtp_data *d, enum smtp_data_fault what)
{
	if (d->fault == DATA_GOOD)
		d->fault = what;
}

/* The bytes up to the next one that matters within a line. */
static size_t
plain_run(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] != '\r' && p[i] != '\n' && p[i] != '\0')
		i++;
	return i;
}

/* A byte that is not plain text, or the first of a line. */
static void
take(struct smtp_data *d, char c, struct buf *out)
{
	switch (c) {
	case '\r':
		if (d->state == AT_CR)
			fault(d, DATA_BARE);
		d->state = AT_CR;
		break;
	case '\n':
		if (d->state == AT_CR) {
			buf_put(out, "\r\n", 2);
			d->state = AT_START;
			break;
		}
#if PLANT == 70
		d->state = AT_START;
#else
		d->state = IN_TEXT;
#endif
		fault(d, DATA_BARE);
		break;
	default:
		if (d->state == AT_CR)
			fault(d, DATA_BARE);
		if (c == '\0')
			fault(d, DATA_NUL);
		buf_putc(out, c);
		d->state = IN_TEXT;
		break;
	}
}

int
smtp_data_feed(
    struct smtp_data *d, struct slice in, struct buf *out, size_t *used_out)
{
	size_t i = 0, run;

	while (i < in.n) {
		char c = in.p[i];

		if (d->state == IN_TEXT) {
			run = plain_run(in.p + i, in.n - i);
			buf_put(out, in.p + i, run);
			i += run;
			if (i < in.n)
				take(d, in.p[i++], out);
			continue;
		}
		i++;
		if (d->state == AT_START && c == '.') {
			d->state = AT_DOT;
		} else if (d->state == AT_DOT && c == '\r') {
			d->state = AT_DOT_CR;
		} else if (d->state == AT_DOT_CR && c == '\n') {
			*used_out = i;
			return 1;
		} else {
			/* "." CR without LF: the CR was alone */
			if (d->state == AT_DOT_CR)
				d->state = AT_CR;
			take(d, c, out);
		}
	}
	*used_out = in.n;
	return 0;
}
