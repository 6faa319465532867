/* SPDX-License-Identifier: ISC */
/* The UIDL of a message. */
#include "libbase/ceilings.h"
#include "libserver/uidl_format.h"

#include "pop3d/pop3_uidl.h"

#define DEFAULT_FORMAT SLICE("%08Xu%08Xv")

static void
put_number(const struct uidl_item *it, uint32_t n, struct buf *out)
{
	int width = (int)it->width;

	if (!it->hex)
		buf_printf(out, "%0*u", width, n);
	else if (it->upper)
		buf_printf(out, "%0*X", width, n);
	else
		buf_printf(out, "%0*x", width, n);
}

static void
put_text(const struct uidl_item *it, struct slice text, struct buf *out)
{
	size_t i;

	for (i = text.n; i < it->width; i++)
		buf_putc(out, '0');
	for (i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

#if PLANT == 65
		if (c < 0x21 || c > 0x7f)
#else
		if (c < 0x21 || c > 0x7e)
#endif
			buf_printf(out, "+%02X", c);
		else
			buf_putc(out,
			    it->lower     ? ascii_lower(text.p[i]) :
				it->upper ? ascii_upper(text.p[i]) :
					    text.p[i]);
	}
}

static void
put_format(struct slice format, const struct pop3_uidl *m, struct buf *out)
{
	struct uidl_item it;
	const char *why;

	/* it was checked when the configuration was read */
	while (uidl_format_next(&format, &it, &why) == 1)
		switch (it.what) {
		case 'u':
			put_number(&it, m->uid, out);
			break;
		case 'v':
			put_number(&it, m->uidvalidity, out);
			break;
		case 'f':
			put_text(&it, m->file, out);
			break;
		case 'g':
			put_text(&it, m->guid, out);
			break;
		default:
			buf_put_slice(out, it.text);
			break;
		}
}

void
pop3_uidl_make(struct slice format, const struct pop3_uidl *m, struct buf *out)
{
	const struct uidl_item as_it_is = { 0 };
	size_t start = out->n;

	if (m->told.n > 0)
		put_text(&as_it_is, m->told, out);
	else
		put_format(format, m, out);
	if (out->n > start && out->n - start <= MAX_POP3_UIDL && buf_ok(out))
		return;
	buf_truncate(out, start);
	put_format(DEFAULT_FORMAT, m, out);
}

bool
pop3_uidl_is_plain(struct slice format)
{
	struct uidl_item it;
	const char *why;
	bool has_uid = false;

	while (uidl_format_next(&format, &it, &why) == 1) {
		if (it.what == 'f' || it.what == 'g' ||
		    (it.what == 'u' && has_uid))
			return false;
		has_uid = has_uid || it.what == 'u';
	}
	return has_uid;
}
