/* SPDX-License-Identifier: ISC */
/*
 * The only way a message comes to be.
 *
 * A message is written to tmp/ under a name of its own, flushed, renamed into
 * cur/ or new/, and told when folder and list are flushed too.
 *
 * M1. Nothing is seen before it is whole and flushed; all messages of a save
 *     become seen, or none.
 * M2. The lock of the list is never held over a flush, nor from one step to the
 *     next.
 * M3. Whatever fails, nothing is left: the file in tmp/, the names already
 *     given and a half-written line of the list are taken back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "libbase/ceilings.h"
#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libmaildir/io.h"
#include "libmaildir/save_impl.h"

struct save *
save_new(enum save_kind kind, struct mailbox *mb, struct folder *f)
{
	struct save *s = xcalloc(1, sizeof *s);

	s->kind = kind;
	s->mb = mb;
	s->folder = f;
	s->stage = s->stage_top = s->mail_root = -1;
	buf_init(&s->block, 2 * IO_BLOCK);
	return s;
}

int
save_begin(struct mailbox *mb, struct save **out, struct err *err)
{
	(void)err;
	*out = save_new(SAVE_NUMBERED, mb, mailbox_folder(mb));
	return 0;
}

int
save_begin_new(struct folder *f, struct save **out, struct err *err)
{
	(void)err;
	*out = save_new(SAVE_PLAIN, NULL, f);
	return 0;
}

/* ---- writing ---- */

static int
tmp_dir(const struct save *s)
{
	return s->kind == SAVE_STAGE ? s->stage : s->folder->tmp;
}

static void
keep_keywords(struct save_one *one, const struct save_message *m)
{
	size_t i;

	one->keywords = xcalloc(m->n_keywords + 1, sizeof *one->keywords);
	for (i = 0; i < m->n_keywords; i++)
		one->keywords[i] =
		    slice_str(xstrndup(m->keywords[i].p, m->keywords[i].n));
	one->n_keywords = m->n_keywords;
}

struct save_one *
save_push(struct save *s, const struct save_message *m)
{
	struct save_one *one;

	s->v = xreallocarray(s->v, s->n + 1, sizeof *s->v);
	one = &s->v[s->n++];
	*one = (struct save_one){ .fd = -1, .date = m->internaldate };
	one->flags = m->flags & FLAGS_ALL;
	keep_keywords(one, m);
	return one;
}

/* Files complete, not flushed, and still open are bounded: a MULTIAPPEND of
 * thousands must not eat the descriptors. Their writing has begun long ago. */
static int
flush_oldest(struct save *s, struct err *err)
{
	if (s->n - s->n_flushed < SAVE_MAX_OPEN)
		return 0;
	if (io_fsync(s->v[s->n_flushed].fd) == -1)
		return err_sys(err, "flush a message");
	io_close(&s->v[s->n_flushed++].fd);
	return 0;
}

int
save_add(struct save *s, const struct save_message *m, struct err *err)
{
	struct save_one *one;
	struct buf b;

	if (s->is_writing && save_end(s, err) == -1)
		return -1;
	if (flush_oldest(s, err) == -1)
		return -1;
	one = save_push(s, m);
	s->max = m->max_bytes;
	s->tap = m->tap;
	s->tap_arg = m->tap_arg;
	s->count = (struct crlf_count){ 0 };
	s->n_cr = 0;
	buf_init(&b, MAX_FILE_NAME);
	if (s->kind == SAVE_STAGE)
		buf_printf(&b, ".tmp.%s", s->stage_id);
	else
		name_unique(&s->folder->next, &b);
	one->name = xstrdup(buf_cstr(&b));
	buf_free(&b);
	one->fd = io_open(tmp_dir(s), one->name,
	    O_RDWR | O_CREAT | (s->kind == SAVE_STAGE ? O_TRUNC : O_EXCL),
	    s->folder == NULL ? 0600 : s->folder->mode);
	if (one->fd == -1) {
		(void)err_sys(err, "make a file in tmp");
		if (s->kind == SAVE_STAGE)
			io_discard(s->stage, one->name);
		return -1;
	}
	one->place = PLACE_TMP;
	s->is_writing = true;
	return 0;
}

static int
write_block(struct save *s, struct err *err)
{
	struct slice stored = buf_slice(&s->block);

	if (stored.n == 0)
		return 0;
	crlf_count(&s->count, stored);
	if (s->max != 0 && crlf_wire(&s->count) > s->max)
		return err_set(err, ERR_LIMIT, "message over %llu bytes",
		    (unsigned long long)s->max);
	if (io_write(s->v[s->n - 1].fd, stored) == -1)
		return err_sys(err, "write a message");
	if (s->tap != NULL)
		s->tap(s->tap_arg, stored);
	buf_reset(&s->block);
	return 0;
}

/* One byte where CRs are about. A single CR before LF is left out. Of more, all
 * stay, LF too: the last one and LF are a CRLF, which goes out as it is. */
static void
put_near_cr(struct save *s, char c)
{
	if (c == '\r') {
		if (s->n_cr > 0)
			buf_putc(&s->block, '\r');
		if (s->n_cr == 1)
			buf_putc(&s->block, '\r');
		s->n_cr = s->n_cr == 0 ? 1 : 2;
		return;
	}
	if (s->n_cr == 1 && c != '\n')
		buf_putc(&s->block, '\r');
	s->n_cr = 0;
	buf_putc(&s->block, c);
}

/* CRLF becomes LF: a CR is held back until what follows is known. */
static void
put_stored(struct save *s, struct slice part)
{
	const char *cr;
	size_t n;

	while (part.n > 0) {
		if (s->n_cr > 0 || part.p[0] == '\r') {
			put_near_cr(s, part.p[0]);
			part = slice_from(part, 1);
			continue;
		}
		cr = memchr(part.p, '\r', part.n);
		n = cr == NULL ? part.n : (size_t)(cr - part.p);
		buf_put(&s->block, part.p, n);
		part = slice_from(part, n);
	}
}

int
save_write(struct save *s, struct slice bytes, struct err *err)
{
	while (bytes.n > 0) {
		struct slice part = slice_head(bytes, IO_BLOCK / 2);

		bytes = slice_from(bytes, part.n);
		put_stored(s, part);
		if (s->block.n >= IO_BLOCK && write_block(s, err) == -1)
			return -1;
	}
	return 0;
}

int
save_end(struct save *s, struct err *err)
{
	struct save_one *one;

	if (!s->is_writing)
		return 0;
	one = &s->v[s->n - 1];
	if (s->n_cr == 1)
		buf_putc(&s->block, '\r');
	s->n_cr = 0;
	if (write_block(s, err) == -1)
		return -1;
	one->size = s->count.bytes;
	one->wire = crlf_wire(&s->count);
	if (one->date == MAILBOX_NO_DATE)
		one->date = (int64_t)clock_now();
	if (io_set_mtime(one->fd, one->date) == -1)
		return err_sys(err, "set the date of a message");
	io_sync_soon(one->fd);
	s->is_writing = false;
	return 0;
}

uint64_t
save_size(const struct save *s)
{
	return s->count.bytes + s->block.n;
}

uint32_t
save_uidvalidity(const struct save *s)
{
	return s->uidvalidity;
}

size_t
save_count(const struct save *s)
{
	return s->n;
}

uint64_t
save_bytes(const struct save *s)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < s->n; i++)
		n += s->v[i].size;
	return n;
}

uint32_t
save_uid(const struct save *s, size_t i)
{
	return i < s->n ? s->v[i].uid : 0;
}
