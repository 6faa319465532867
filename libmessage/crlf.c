/* SPDX-License-Identifier: ISC */
/* Line ends: counting, converting, finding places. */
#include <string.h>

#include "libbase/mem.h"
#include "libmessage/crlf.h"

#define LANES 16

/* A vector of bytes; compilers turn it into SSE2 or NEON, or plain code. */
struct lanes {
	uint8_t __attribute__((vector_size(LANES))) v;
};

static struct lanes
load(const char *p)
{
	struct lanes l;

	memcpy(&l.v, p, sizeof(l.v));
	return l;
}

static unsigned
sum(struct lanes l)
{
	unsigned s = 0;

	for (unsigned i = 0; i < LANES; i++)
		s += l.v[i];
	return s;
}

static bool
any(struct lanes l)
{
	uint64_t w[2];

	memcpy(w, &l.v, sizeof(w));
	return (w[0] | w[1]) != 0;
}

/* Count n bytes (a multiple of LANES, at most 255 vectors) of which the byte
 * before the first can be read. */
static void
count_vectors(struct crlf_count *c, const char *p, size_t n)
{
	struct lanes lf = { { 0 } }, bare = { { 0 } }, high = { { 0 } },
		     nul = { { 0 } };

	for (size_t i = 0; i < n; i += LANES) {
		struct lanes now = load(p + i), before = load(p + i - 1), is_lf;

		/* A comparison gives 0xff where true: subtracting counts. */
		is_lf.v = (__typeof__(is_lf.v))(now.v == '\n');
		lf.v -= is_lf.v;
		bare.v -= is_lf.v & (__typeof__(is_lf.v))(before.v != '\r');
		high.v |= now.v;
		nul.v |= (__typeof__(nul.v))(now.v == 0);
	}
	high.v &= 0x80;
	c->lines += sum(lf);
	c->bare_lf += sum(bare);
	c->has_nul |= any(nul);
	c->has_8bit |= any(high);
}

static void
count_bytes(struct crlf_count *c, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n') {
			c->lines++;
			if (!c->last_cr)
				c->bare_lf++;
		}
		c->last_cr = p[i] == '\r';
		c->has_nul |= p[i] == '\0';
		c->has_8bit |= (p[i] & 0x80) != 0;
	}
}

void
crlf_count(struct crlf_count *c, struct slice s)
{
	const char *p = s.p;
	size_t n = s.n;

	c->bytes += n;
	if (n > LANES) {
		/* The first byte by hand: vectors look one byte back. */
		count_bytes(c, p, 1);
		p++;
		n--;
		while (n >= LANES) {
			size_t part = n - n % LANES;

			if (part > (size_t)LANES * 255)
				part = (size_t)LANES * 255;
			count_vectors(c, p, part);
			p += part;
			n -= part;
		}
		c->last_cr = p[-1] == '\r';
	}
	count_bytes(c, p, n);
}

uint64_t
crlf_wire(const struct crlf_count *c)
{
	return c->bytes + c->bare_lf;
}

/* The longest run at the front of in, at most max bytes, that goes out as it
 * is: up to a bare LF. */
static size_t
plain_run(const struct crlf_pos *pos, struct slice in, size_t max)
{
	size_t n = in.n < max ? in.n : max, at = 0;

	while (at < n) {
		const char *nl = memchr(in.p + at, '\n', n - at);
		size_t i;

		if (nl == NULL)
			return n;
		i = (size_t)(nl - in.p);
		if (i == 0 ? !pos->last_cr : in.p[i - 1] != '\r')
			return i;
		at = i + 1;
	}
	return n;
}

static void
pass_plain(struct crlf_pos *pos, struct slice *in, size_t n)
{
	if (n == 0)
		return;
	pos->last_cr = in->p[n - 1] == '\r';
	pos->file += n;
	pos->wire += n;
	*in = slice_from(*in, n);
}

/* Take the bare LF at the front of in: its CR goes out now, its LF next. */
static void
pass_bare_lf(struct crlf_pos *pos, struct slice *in)
{
	pos->last_cr = false;
	pos->owes_lf = true;
	pos->file++;
	pos->wire++;
	*in = slice_from(*in, 1);
}

static void
pass_owed(struct crlf_pos *pos)
{
	pos->owes_lf = false;
	pos->wire++;
}

size_t
crlf_convert(struct crlf_pos *pos, struct slice *in, char *out, size_t cap)
{
	size_t o = 0;

	while (o < cap) {
		size_t n;

		if (pos->owes_lf) {
			out[o++] = '\n';
			pass_owed(pos);
			continue;
		}
		if (in->n == 0)
			break;
		n = plain_run(pos, *in, cap - o);
		if (n > 0) {
			memcpy(out + o, in->p, n);
			o += n;
			pass_plain(pos, in, n);
		} else {
			out[o++] = '\r';
			pass_bare_lf(pos, in);
		}
	}
	return o;
}

void
crlf_put(struct crlf_pos *pos, struct slice in, struct buf *out)
{
	char piece[2048];
	size_t n;

	do {
		n = crlf_convert(pos, &in, piece, sizeof(piece));
		buf_put(out, piece, n);
	} while (n > 0);
}

uint64_t
crlf_skip(struct crlf_pos *pos, struct slice *in, uint64_t wire)
{
	uint64_t from = pos->wire;

	while (pos->wire - from < wire) {
		uint64_t left = wire - (pos->wire - from);
		size_t n;

		if (pos->owes_lf) {
			pass_owed(pos);
			continue;
		}
		if (in->n == 0)
			break;
		n = plain_run(pos, *in, left < in->n ? (size_t)left : in->n);
		if (n > 0)
			pass_plain(pos, in, n);
		else
			pass_bare_lf(pos, in);
	}
	return pos->wire - from;
}

void
crlf_map_init(struct crlf_map *m)
{
	*m = (struct crlf_map){ .step = CRLF_MAP_STEP };
}

void
crlf_map_free(struct crlf_map *m)
{
	xfree(m->v);
	crlf_map_init(m);
}

/* Every second mark goes, the step doubles. */
static void
thin_out(struct crlf_map *m)
{
	size_t n = 0;

	for (size_t i = 1; i < m->n; i += 2)
		m->v[n++] = m->v[i];
	m->n = n;
	m->step *= 2;
}

void
crlf_map_note(struct crlf_map *m, const struct crlf_pos *pos)
{
	uint64_t last = m->n == 0 ? 0 : m->v[m->n - 1].wire;

	if (pos->wire < last || pos->wire - last < m->step)
		return;
	if (m->n == CRLF_MAP_MAX)
		thin_out(m);
	if (m->n == m->cap) {
		m->cap = m->cap == 0 ? 16 : m->cap * 2;
		m->v = xreallocarray(m->v, m->cap, sizeof(m->v[0]));
	}
	m->v[m->n++] = *pos;
}

struct crlf_pos
crlf_map_find(const struct crlf_map *m, uint64_t wire)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->v[mid].wire <= wire)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo == 0 ? (struct crlf_pos){ 0 } : m->v[lo - 1];
}
