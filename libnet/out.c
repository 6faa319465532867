/* SPDX-License-Identifier: ISC */
/*
 * The output chain. Memory pieces are sent and freed from the head; a range of
 * a file gives memory pieces in front of itself as it is sent, one block at a
 * time, so that a body costs one block whatever its size.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libnet/out_private.h"

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libnet/loop_private.h"

#define SEG_SMALL      ((size_t)2048)     /* first piece of an answer */
#define SEG_BLOCK      ((size_t)16 * KIB) /* the next ones: a TLS record each */
/* Read so much that the block is still under IO_BLOCK once its lines have
 * grown a CR. */
#define READ_BLOCK     ((size_t)60 * KIB)
#define SENDFILE_LEAST (32 * KIB) /* shorter ranges leave with the rest */

struct out_seg {
	struct out_seg *next;
	bool is_file;
	bool block; /* of the loop's blocks: room for what follows, too */
	/* memory */
	size_t off, len, cap;
	/* file */
	int fd;
	unsigned flags;
	uint64_t file_off, file_len;
	uint64_t wire_left; /* OUT_WIRE_UNKNOWN: none promised */
	char prev;          /* the byte before file_off */
	bool at_bol;
	char data[];
};

void
out_init(struct out *o, struct loop *loop, size_t max,
    void (*notify)(void *arg), void *arg)
{
	*o = (struct out){
		.loop = loop, .max = max, .notify = notify, .arg = arg
	};
}

static void
seg_free(struct out *o, struct out_seg *s)
{
	if (s->is_file && s->fd >= 0)
		(void)close(s->fd); /* only read from */
	if (s->block)
		loop_block_put(o->loop, s);
	else
		xfree(s);
}

void
out_free(struct out *o)
{
	while (o->head != NULL) {
		struct out_seg *s = o->head;

		o->head = s->next;
		seg_free(o, s);
	}
	o->tail = NULL;
	o->queued = 0;
	o->memory = 0;
}

static struct out_seg *
seg_new(size_t cap)
{
	struct out_seg *s = xmalloc(sizeof *s + cap);

	*s = (struct out_seg){ .cap = cap, .fd = -1 };
	return s;
}

/* A whole block; what is put together for one write goes there. */
static struct out_seg *
seg_new_block(struct out *o)
{
	struct out_seg *s = loop_block_get(o->loop);

	*s = (struct out_seg){
		.cap = LOOP_BLOCK - sizeof *s, .fd = -1, .block = true
	};
	return s;
}

static size_t
seg_room(const struct out_seg *s)
{
	return s->cap - s->off - s->len;
}

static char *
seg_end(struct out_seg *s)
{
	return s->data + s->off + s->len;
}

static void
chain_append(struct out *o, struct out_seg *s)
{
	if (o->tail == NULL)
		o->head = s;
	else
		o->tail->next = s;
	o->tail = s;
}

static void
count_in(struct out *o, uint64_t n)
{
	bool was_empty = o->queued == 0;

	o->queued += n;
	if (was_empty && n > 0 && o->notify != NULL)
		o->notify(o->arg);
}

static void
out_fail(struct out *o, enum err_code code, const char *text)
{
	if (o->err.code == ERR_OK)
		err_set(&o->err, code, "%s", text);
	if (o->notify != NULL)
		o->notify(o->arg);
}

static bool
has_room(const struct out *o, size_t n)
{
	return o->err.code == ERR_OK && o->memory <= o->max &&
	    n <= o->max - o->memory;
}

static size_t
tail_room(const struct out *o)
{
	const struct out_seg *t = o->tail;

	return t == NULL || t->is_file ? 0 : seg_room(t);
}

/* Room for n in one piece at the end; NULL over the ceiling. */
static char *
tail_reserve(struct out *o, size_t n)
{
	struct out_seg *t;
	size_t cap;

	if (!has_room(o, n)) {
		out_fail(o, ERR_LIMIT, "queued output over its ceiling");
		return NULL;
	}
	if (tail_room(o) < n) {
		cap =
		    o->tail == NULL || o->tail->is_file ? SEG_SMALL : SEG_BLOCK;
		if (n < cap)
			n = cap;
		chain_append(o,
		    n > SEG_BLOCK && n <= LOOP_BLOCK - sizeof *t ?
			seg_new_block(o) :
			seg_new(n));
	}
	t = o->tail;
	return seg_end(t);
}

static void
tail_commit(struct out *o, size_t n)
{
	o->tail->len += n;
	o->memory += n;
	count_in(o, n);
}

void
out_bytes(struct out *o, const void *p, size_t n)
{
	const char *from = p;
	size_t room = tail_room(o);
	char *to;

	/* Fill the last piece before a new one begins; the ceiling is asked
	 * for all of it first. */
	if (n == 0)
		return;
	if (room > 0 && room < n && has_room(o, n)) {
		to = tail_reserve(o, room);
		memcpy(to, from, room);
		tail_commit(o, room);
		from += room;
		n -= room;
	}
	to = tail_reserve(o, n);
	if (to == NULL)
		return;
	memcpy(to, from, n);
	tail_commit(o, n);
}

void
out_slice(struct out *o, struct slice s)
{
	out_bytes(o, s.p, s.n);
}

void
out_puts(struct out *o, const char *s)
{
	out_bytes(o, s, strlen(s));
}

void
out_u64(struct out *o, uint64_t v)
{
	char digits[20];
	size_t i = sizeof digits;

	do {
		digits[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	out_bytes(o, digits + i, sizeof digits - i);
}

void
out_printf(struct out *o, const char *fmt, ...)
{
	va_list ap;
	int n;
	size_t room = tail_room(o);
	char *to = room > 0 ? seg_end(o->tail) : NULL;

	va_start(ap, fmt);
	n = vsnprintf(to, room, fmt, ap);
	va_end(ap);
	if (n < 0) {
		out_fail(o, ERR_INVALID, "output format");
		return;
	}
	if (n == 0)
		return;
	if ((size_t)n < room && has_room(o, (size_t)n)) {
		tail_commit(o, (size_t)n);
		return;
	}
	to = tail_reserve(o, (size_t)n + 1); /* the NUL is not sent */
	if (to == NULL)
		return;
	va_start(ap, fmt);
	n = vsnprintf(to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	tail_commit(o, (size_t)n);
}

char *
out_reserve(struct out *o, size_t n)
{
	return tail_reserve(o, n);
}

void
out_commit(struct out *o, size_t n)
{
	assert(o->tail != NULL && tail_room(o) >= n);
	if (n > 0)
		tail_commit(o, n);
}

static uint64_t
file_counts(const struct out_seg *s)
{
	return s->wire_left != OUT_WIRE_UNKNOWN ? s->wire_left : s->file_len;
}

void
out_file(struct out *o, int fd, uint64_t off, uint64_t len, unsigned flags,
    uint64_t wire_len)
{
	struct out_seg *s = seg_new(0);

	s->is_file = true;
	s->fd = fd;
	s->flags = flags;
	s->file_off = off;
	s->file_len = len;
	s->wire_left = wire_len;
	s->prev = (flags & OUT_AFTER_CR) != 0 ? '\r' : '\n';
	s->at_bol = (flags & (OUT_MID_LINE | OUT_AFTER_CR)) == 0;
	if (len == 0 && wire_len != 0 && wire_len != OUT_WIRE_UNKNOWN)
		out_fail(o, ERR_CORRUPT, "file is shorter than its promise");
	if (o->err.code != ERR_OK || wire_len == 0 || len == 0) {
		seg_free(o, s);
		return;
	}
	chain_append(o, s);
	count_in(o, file_counts(s));
}

uint64_t
out_queued(const struct out *o)
{
	return o->queued;
}

bool
out_ok(const struct out *o)
{
	return o->err.code == ERR_OK;
}

/* --- from file to wire -------------------------------------------------- */
struct convert { /* from block to piece */
	const char *in;
	size_t in_n;
	char *to;
	size_t room;
	size_t used; /* of in */
	size_t made; /* in to */
};

/* One line's end, with the CR it may lack. False: no room. */
static bool
put_line_end(struct out_seg *s, struct convert *c)
{
	bool bare = (s->flags & OUT_LF_TO_CRLF) != 0 && s->prev != '\r';

	if (c->room - c->made < (bare ? 2u : 1u))
		return false;
	if (bare)
		c->to[c->made++] = '\r';
	c->to[c->made++] = '\n';
	c->used++;
	s->prev = '\n';
	s->at_bol = true;
	return true;
}

/* Bytes up to the next LF or the end. False: no room. */
static bool
put_line_body(struct out_seg *s, struct convert *c, size_t n)
{
	size_t room;

	if (n == 0)
		return true;
	if (s->at_bol && (s->flags & OUT_DOT_STUFF) != 0 &&
	    c->in[c->used] == '.') {
		if (c->room - c->made < 2)
			return false;
		c->to[c->made++] = '.';
	}
	s->at_bol = false;
	room = c->room - c->made;
	if (n > room)
		n = room;
	if (n == 0)
		return false;
	memcpy(c->to + c->made, c->in + c->used, n);
	s->prev = c->in[c->used + n - 1];
	c->made += n;
	c->used += n;
	return c->made < c->room;
}

static void
convert_lines(struct out_seg *s, struct convert *c)
{
	while (c->used < c->in_n) {
		const char *p = c->in + c->used;
		const char *lf = memchr(p, '\n', c->in_n - c->used);
		size_t n = lf == NULL ? c->in_n - c->used : (size_t)(lf - p);

		if (!put_line_body(s, c, n))
			return;
		if (lf != NULL && c->used < c->in_n && c->in[c->used] == '\n' &&
		    !put_line_end(s, c))
			return;
	}
}

static void
convert_raw(struct out_seg *s, struct convert *c)
{
	size_t n = c->in_n < c->room ? c->in_n : c->room;

	memcpy(c->to, c->in, n);
	c->used = n;
	c->made = n;
	if (n > 0)
		s->prev = c->in[n - 1];
}

static int
read_block(
    struct out *o, struct out_seg *s, char *block, size_t room, size_t *n_out)
{
	size_t want =
	    s->file_len < READ_BLOCK ? (size_t)s->file_len : READ_BLOCK;
	ssize_t n;

	if (want > room)
		want = room; /* a wire byte needs one at most */
	do
		n = pread(s->fd, block, want, (off_t)s->file_off);
	while (n == -1 && errno == EINTR);
	if (n > 0) {
		*n_out = (size_t)n;
		return 0;
	}
	if (n == 0)
		out_fail(o, ERR_CORRUPT, "file is shorter than its promise");
	else if (o->err.code == ERR_OK)
		err_sys(&o->err, "read of a queued file");
	return -1;
}

static void
unlink_seg(struct out *o, struct out_seg *before, struct out_seg *s)
{
	before->next = s->next;
	if (o->tail == s)
		o->tail = before;
	seg_free(o, s);
}

/* What the range still lacked when it ended: its line's end, or its promise. */
static int
finish_file(struct out *o, struct out_seg *s, struct out_seg *piece)
{
	size_t n = 0;

	if (s->wire_left != OUT_WIRE_UNKNOWN) {
		if (s->wire_left == 0)
			return 0;
		out_fail(o, ERR_CORRUPT, "file is shorter than its promise");
		return -1;
	}
	if ((s->flags & OUT_END_LINE) == 0 || s->prev == '\n')
		return 0;
	/* a CR that ends the file is text, not half of a line end */
	seg_end(piece)[n++] = '\r';
	seg_end(piece)[n++] = '\n';
	piece->len += n;
	o->memory += n;
	o->queued += n;
	return 0;
}

static int
fill_piece(struct out *o, struct out_seg *s, char *block, struct out_seg *piece)
{
	struct convert c = { .in = block, .to = seg_end(piece) };
	uint64_t before = file_counts(s);

	c.room = seg_room(piece) - 2; /* finish_file may need two */
	if (s->wire_left < c.room)
		c.room = (size_t)s->wire_left;
	if (read_block(o, s, block, c.room, &c.in_n) == -1)
		return -1;
	if ((s->flags & (OUT_LF_TO_CRLF | OUT_DOT_STUFF)) != 0)
		convert_lines(s, &c);
	else
		convert_raw(s, &c);
	if (c.made == 0) {
		/* Room for one byte where two are needed: the promise ends
		 * inside a CRLF or a stuffed dot. Half of it was promised. */
		c.to[0] = block[0] == '\n' ? '\r' : '.';
		c.made = 1;
	}
	s->file_off += c.used;
	s->file_len -= c.used;
	if (s->wire_left != OUT_WIRE_UNKNOWN)
		s->wire_left -= c.made;
	piece->len += c.made;
	o->memory += c.made;
	o->queued = o->queued - before + file_counts(s) + c.made;
	return 0;
}

/* Where the next bytes of s go: the block before it while that has room, else
 * a piece of its own. */
static struct out_seg *
piece_for(struct out *o, struct out_seg *before, struct out_seg *s)
{
	uint64_t most =
	    s->wire_left != OUT_WIRE_UNKNOWN ? s->wire_left : s->file_len * 2;
	struct out_seg *piece;

	if (before != NULL && before->block &&
	    (seg_room(before) >= most + 2 || seg_room(before) >= SEG_BLOCK))
		return before;
	/* What stands alone needs no more than itself. */
	if (most + 2 <= SEG_SMALL && s->next == NULL)
		piece = seg_new((size_t)most + 2);
	else
		piece = seg_new_block(o);
	piece->next = s;
	if (before == NULL)
		o->head = piece;
	else
		before->next = piece;
	return piece;
}

/* Turn the next part of the range s into memory; a finished range goes. The
 * piece it is in, NULL when it failed (out_ok). */
static struct out_seg *
file_to_memory(
    struct out *o, struct out_seg *before, struct out_seg *s, char *block)
{
	struct out_seg *piece = piece_for(o, before, s);

	if (s->file_len > 0 && fill_piece(o, s, block, piece) == -1)
		return NULL;
	if (s->file_len > 0 && s->wire_left > 0)
		return piece;
	if (finish_file(o, s, piece) == -1)
		return NULL;
	unlink_seg(o, piece, s);
	return piece;
}

/* A short text behind a block moves into it: fewer pieces, and the next file
 * has the block's room. */
static bool
join(struct out *o, struct out_seg *before, struct out_seg *s)
{
	if (before == NULL || !before->block || s->len > SEG_SMALL ||
	    s->len > seg_room(before))
		return false;
	memcpy(seg_end(before), s->data + s->off, s->len);
	before->len += s->len;
	unlink_seg(o, before, s);
	return true;
}

/* See that max_bytes at the head are in memory, if there are so many. */
static void
materialise(struct out *o, size_t max_bytes, char *block, bool raw_stops)
{
	struct out_seg *before = NULL, *s = o->head;
	size_t total = 0;

	while (s != NULL && total < max_bytes) {
		if (!s->is_file) {
			total += s->len;
			if (!join(o, before, s))
				before = s;
		} else {
			size_t had = o->memory;

			if (raw_stops && s->flags == OUT_RAW &&
			    s->file_len >= SENDFILE_LEAST)
				return;
			before = file_to_memory(o, before, s, block);
			if (before == NULL)
				return;
			total += o->memory - had;
		}
		s = before->next;
	}
}

unsigned
out_gather(struct out *o, struct iovec *iov, unsigned max_iov, size_t max_bytes,
    char *block, bool raw_stops)
{
	struct out_seg *s;
	unsigned n = 0;
	size_t total = 0;

	materialise(o, max_bytes, block, raw_stops);
	if (o->err.code != ERR_OK)
		return 0;
	for (s = o->head; s != NULL && !s->is_file; s = s->next) {
		size_t k = max_bytes - total;

		if (n == max_iov || k == 0)
			break;
		if (s->len == 0)
			continue;
		iov[n].iov_base = s->data + s->off;
		iov[n].iov_len = s->len < k ? s->len : k;
		total += iov[n].iov_len;
		n++;
	}
	return n;
}

bool
out_head_raw(const struct out *o, struct out_raw *out)
{
	const struct out_seg *s = o->head;

	if (s == NULL || !s->is_file || s->flags != OUT_RAW ||
	    s->file_len < SENDFILE_LEAST)
		return false;
	out->fd = s->fd;
	out->off = s->file_off;
	out->len = s->file_len < s->wire_left ? s->file_len : s->wire_left;
	return true;
}

/* The head piece has left to the last byte. */
static void
drop_head(struct out *o)
{
	struct out_seg *s = o->head;

	o->head = s->next;
	if (o->head == NULL)
		o->tail = NULL;
	seg_free(o, s);
}

static void
advance_file(struct out *o, struct out_seg *s, uint64_t n)
{
	s->file_off += n;
	s->file_len -= n;
	if (s->wire_left != OUT_WIRE_UNKNOWN)
		s->wire_left -= n;
	o->queued -= n;
	if (s->wire_left == 0 ||
	    (s->file_len == 0 && s->wire_left == OUT_WIRE_UNKNOWN))
		drop_head(o);
}

void
out_advance(struct out *o, uint64_t n)
{
	while (o->head != NULL) {
		struct out_seg *s = o->head;
		size_t k;

		if (s->is_file) {
			if (n > 0)
				advance_file(o, s, n);
			return;
		}
		k = n < s->len ? (size_t)n : s->len;
		s->off += k;
		s->len -= k;
		o->memory -= k;
		o->queued -= k;
		n -= k;
		if (s->len > 0)
			return;
		drop_head(o);
	}
	assert(n == 0);
}
