/* SPDX-License-Identifier: ISC */
/* Records of the index as bytes. */
#include <string.h>

#include "libbase/mem.h"
#include "libmaildir/remember_record.h"

bool
box_head_get(struct slice bytes, struct box_head *out)
{
	if (bytes.n != sizeof *out)
		return false;
	memcpy(out, bytes.p, sizeof *out);
	return out->format == REMEMBER_FORMAT && out->is_whole == 1 &&
	    out->list.head.version == 3 && out->list.head.uidvalidity != 0 &&
	    memchr(out->list.head.guid, 0, sizeof out->list.head.guid) !=
	    NULL &&
	    memchr(out->list.head.other, 0, sizeof out->list.head.other) !=
	    NULL;
}

bool
user_head_get(struct slice bytes, struct user_head *out)
{
	if (bytes.n != sizeof *out)
		return false;
	memcpy(out, bytes.p, sizeof *out);
	return out->format == REMEMBER_FORMAT && out->is_clean <= 1;
}

/* Behind it: name, guid, uidl. */
struct fixed {
	uint64_t modseq, size, wire;
	int64_t internaldate, sent;
	uint32_t pop3_order, keywords;
	uint16_t guid_len, uidl_len; /* as long as a line of the list */
	uint8_t name_len, base_len;
	uint8_t summaries;
	uint8_t flags, in_new, is_flushed;
	uint8_t zero[6];
};

static size_t
text_len(const char *s)
{
	return s == NULL ? 0 : strlen(s);
}

void
record_put(const struct mailbox_rec *rec, struct buf *out)
{
	struct fixed f = {
		.modseq = rec->modseq,
		.size = rec->size,
		.wire = rec->wire,
		.internaldate = rec->internaldate,
		.sent = rec->sent,
		.pop3_order = rec->pop3_order,
		.keywords = rec->keywords,
		.name_len = (uint8_t)strlen(rec->name),
		.base_len = rec->base_len,
		.flags = rec->flags,
		.guid_len = (uint16_t)text_len(rec->guid),
		.uidl_len = (uint16_t)text_len(rec->uidl),
		.summaries = rec->summaries,
		.in_new = rec->in_new,
		.is_flushed = rec->is_flushed,
	};

	buf_put(out, &f, sizeof f);
	buf_put(out, rec->name, f.name_len);
	buf_put(out, rec->guid == NULL ? "" : rec->guid, f.guid_len);
	buf_put(out, rec->uidl == NULL ? "" : rec->uidl, f.uidl_len);
}

static char *
take_text(struct slice *rest, size_t n)
{
	struct slice text = slice_head(*rest, n);

	*rest = slice_from(*rest, n);
	return n == 0 || memchr(text.p, 0, n) != NULL ? NULL :
							xstrndup(text.p, n);
}

struct mailbox_rec *
record_get(struct mailbox *mb, uint32_t uid, struct slice bytes)
{
	struct mailbox_rec *rec;
	struct slice name, rest;
	struct fixed f;

	if (bytes.n < sizeof f)
		return NULL;
	memcpy(&f, bytes.p, sizeof f);
	rest = slice_from(bytes, sizeof f);
	if (rest.n != (size_t)f.name_len + f.guid_len + f.uidl_len)
		return NULL;
	name = slice_head(rest, f.name_len);
	rest = slice_from(rest, f.name_len);
	if (!name_is_message(name) || f.in_new > 1 || f.is_flushed > 1 ||
	    f.base_len == 0 || f.base_len > f.name_len)
		return NULL;
	rec = mailbox_rec_alloc(mb, name);
	rec->base_len = f.base_len;
	rec->flags = f.flags & FLAGS_ALL;
	rec->keywords = f.keywords & ((1u << N_KEYWORDS) - 1);
	rec->in_new = f.in_new == 1;
	rec->uid = uid;
	rec->modseq = f.modseq;
	rec->size = f.size;
	rec->wire = f.wire;
	rec->internaldate = f.internaldate;
	rec->sent = f.sent;
	rec->pop3_order = f.pop3_order;
	rec->summaries = f.summaries;
	rec->is_flushed = f.is_flushed == 1;
	rec->guid = take_text(&rest, f.guid_len);
	rec->uidl = take_text(&rest, f.uidl_len);
	return rec;
}
