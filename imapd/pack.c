/* SPDX-License-Identifier: ISC */
/* A session as bytes: the format, read as if its writer were hostile. */
#include "imapd/pack.h"

static const char magic[4] = { 'I', 'M', 'P', '2' };

/* Numbers are little-endian. */
static void
put_u32(struct buf *b, uint32_t v)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		buf_putc(b, (char)(v >> (8 * i) & 0xff));
}

static void
put_slice(struct buf *b, struct slice s)
{
	put_u32(b, (uint32_t)s.n);
	buf_put_slice(b, s);
}

static uint32_t
u32_at(const char *p)
{
	uint32_t v = 0;
	unsigned i;

	for (i = 0; i < 4; i++)
		v |= (uint32_t)(uint8_t)p[i] << (8 * i);
	return v;
}

/* Takes from the front; *ok turns false when there is not enough. */
static uint32_t
get_u32(struct slice *in, bool *ok)
{
	uint32_t v;

	if (in->n < 4) {
		*ok = false;
		return 0;
	}
	v = u32_at(in->p);
	*in = slice_from(*in, 4);
	return v;
}

static struct slice
get_slice(struct slice *in, bool *ok)
{
	uint32_t n = get_u32(in, ok);
	struct slice s;

#if PLANT == 52
	if (n > in->n + 1)
#else
	if (n > in->n)
#endif
		*ok = false;
	if (!*ok)
		return SLICE_NONE;
	s = slice_of(in->p, n);
	*in = slice_from(*in, n);
	return s;
}

void
pack_write(const struct pack *p, struct buf *out)
{
	buf_put(out, magic, sizeof(magic));
	put_u32(out, p->kind);
	put_u32(out, p->flags);
	put_u32(out, p->enabled);
	put_slice(out, p->tag);
	if ((p->flags & PACK_SELECTED) == 0)
		return;
	put_slice(out, p->mailbox);
	put_u32(out, p->uidvalidity);
	put_u32(out, (uint32_t)(p->modseq & UINT32_MAX));
	put_u32(out, (uint32_t)(p->modseq >> 32));
	put_u32(out, p->names);
	put_slice(out, p->uids);
	put_slice(out, p->recent);
	put_slice(out, p->runs);
	if ((p->flags & PACK_SAVED) != 0)
		put_slice(out, p->saved);
}

void
pack_put_run(struct buf *out, const struct pack_run *run)
{
	put_u32(out, run->n);
	buf_putc(out, (char)run->flags);
	put_u32(out, run->keywords);
}

bool
pack_get_run(struct slice runs, size_t i, struct pack_run *out)
{
	const char *p;

	if (i >= runs.n / PACK_RUN)
		return false;
	p = runs.p + i * PACK_RUN;
	out->n = u32_at(p);
	out->flags = (uint8_t)p[4];
	out->keywords = u32_at(p + 5);
	return true;
}

/* How many numbers a set's text has; -1 for no set. Empty text: none. */
static int64_t
count_set(struct slice text)
{
	struct seqset set;
	int64_t n = -1;

	if (text.n == 0)
		return 0;
	seqset_init(&set, MAX_PACKED);
	if (slice_find(text, '*') < 0 && seqset_parse(text, 0, &set) == 0)
		n = (int64_t)seqset_count(&set);
	seqset_free(&set);
	return n;
}

static bool
is_view_sound(const struct pack *p)
{
	int64_t n = count_set(p->uids);
	uint64_t covered = 0;
	struct pack_run run;
	size_t i;

	if ((p->modseq == 0) != ((p->flags & PACK_NOMODSEQ) != 0) ||
	    p->modseq > INT64_MAX)
		return false;
	if (n < 0 || count_set(p->recent) < 0 || count_set(p->saved) < 0 ||
	    p->uidvalidity == 0)
		return false;
	if (p->mailbox.n == 0 || p->mailbox.n > MAX_MAILBOX_NAME ||
	    !slice_is_utf8(p->mailbox))
		return false;
	for (i = 0; pack_get_run(p->runs, i, &run); i++)
		covered += run.n;
	return p->runs.n % PACK_RUN == 0 && covered == (uint64_t)n;
}

/* The tag is sent back to the client as it is: no controls, no 8-bit. */
static bool
is_tag_sound(const struct pack *p)
{
	bool wanted = p->kind == PACK_LOGIN || (p->flags & PACK_IDLING) != 0;
	size_t i;

	for (i = 0; i < p->tag.n; i++) {
		if (p->tag.p[i] <= 0x20 || p->tag.p[i] >= 0x7f)
			return false;
	}
	return wanted == (p->tag.n > 0);
}

int
pack_read(struct slice in, struct pack *out, struct err *err)
{
	struct pack p = { .kind = PACK_LOGIN };
	bool ok = in.n >= sizeof(magic) &&
	    slice_eq(
		slice_head(in, sizeof(magic)), slice_of(magic, sizeof(magic)));
	uint32_t kind;

	in = slice_from(in, sizeof(magic));
	kind = get_u32(&in, &ok);
	p.flags = get_u32(&in, &ok);
	p.enabled = get_u32(&in, &ok);
	p.tag = get_slice(&in, &ok);
	if ((p.flags & PACK_SELECTED) != 0) {
		p.mailbox = get_slice(&in, &ok);
		p.uidvalidity = get_u32(&in, &ok);
		p.modseq = get_u32(&in, &ok);
		p.modseq |= (uint64_t)get_u32(&in, &ok) << 32;
		p.names = get_u32(&in, &ok);
		p.uids = get_slice(&in, &ok);
		p.recent = get_slice(&in, &ok);
		p.runs = get_slice(&in, &ok);
		if ((p.flags & PACK_SAVED) != 0)
			p.saved = get_slice(&in, &ok);
	}
	if (!ok || in.n != 0 || (kind != PACK_LOGIN && kind != PACK_PARKED))
		return err_set(err, ERR_CORRUPT, "packed session: form");
	p.kind = kind == PACK_LOGIN ? PACK_LOGIN : PACK_PARKED;
	if ((p.flags & PACK_SELECTED) == 0 &&
	    (p.flags & (PACK_SAVED | PACK_NOMODSEQ)) != 0)
		return err_set(err, ERR_CORRUPT, "packed session: flags");
	if (p.flags > 63 || p.enabled > 7 || !is_tag_sound(&p))
		return err_set(err, ERR_CORRUPT, "packed session: values");
	if ((p.flags & PACK_SELECTED) != 0 && !is_view_sound(&p))
		return err_set(err, ERR_CORRUPT, "packed session: view");
	*out = p;
	return 0;
}
