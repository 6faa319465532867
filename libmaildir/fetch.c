/* SPDX-License-Identifier: ISC */
/* Read a message: on the wire or as stored, from any place; its structure. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmaildir/fetch.h"
#include "libmaildir/io.h"

struct fetch {
	int fd;
	uint64_t size, wire; /* wire: NAME_NO_SIZE, not known */
	struct crlf_map map; /* places to go on from */
	struct crlf_pos at;  /* where the last read ended */
	struct buf block;    /* bytes of the file from block_off on */
	uint64_t block_off;
	struct arena arena;
	struct mime_message *structure;
};

int
fetch_open(struct mailbox *mb, struct mailbox_rec *rec, struct fetch **out,
    struct err *err)
{
	struct fetch *f;
	uint64_t size;
	int fd;

	if (mailbox_open_sized(mb, rec, &fd, &size, err) == -1)
		return -1;
	f = xcalloc(1, sizeof *f);
	f->fd = fd;
	f->size = size;
	/* A name may lie (a program that edits messages): believed only when
	 * it agrees with the file. */
	f->wire = rec->size == size ? rec->wire : NAME_NO_SIZE;
	crlf_map_init(&f->map);
	buf_init(&f->block, IO_BLOCK);
	arena_init(&f->arena, MAX_MESSAGE_ARENA);
	*out = f;
	return 0;
}

void
fetch_close(struct fetch **fetch)
{
	struct fetch *f = *fetch;

	if (f == NULL)
		return;
	*fetch = NULL;
	io_close(&f->fd);
	crlf_map_free(&f->map);
	buf_free(&f->block);
	arena_free(&f->arena);
	xfree(f->structure);
	xfree(f);
}

uint64_t
fetch_size(const struct fetch *f)
{
	return f->size;
}

/* The bytes of the file from off on, at least one unless the file ends; valid
 * until the next call. */
static int
bytes_at(struct fetch *f, uint64_t off, struct slice *out, struct err *err)
{
	size_t want;
	ssize_t n;
	char *p;

	if (off >= f->size) { /* asking would cost a call, and the block */
		*out = SLICE_NONE;
		return 0;
	}
	if (off >= f->size) { /* known without asking */
		*out = SLICE_NONE;
		return 0;
	}
	if (off < f->block_off || off >= f->block_off + f->block.n) {
		buf_reset(&f->block);
		f->block_off = off;
		want = f->size - off < IO_BLOCK ? (size_t)(f->size - off) :
						  IO_BLOCK;
		p = buf_reserve(&f->block, want);
		n = io_pread(f->fd, p, want, (off_t)off);
		if (n == -1)
			return err_sys(err, "read a message");
		buf_commit(&f->block, (size_t)n);
	}
	*out = slice_from(buf_slice(&f->block), (size_t)(off - f->block_off));
	return 0;
}

/* Be at wire offset off, or at the end when the message is shorter. */
static int
seek_wire(struct fetch *f, uint64_t off, struct err *err)
{
	struct slice in;
	uint64_t n;

	if (f->at.wire > off || f->at.wire + f->map.step < off) {
		struct crlf_pos mark = crlf_map_find(&f->map, off);

		if (f->at.wire > off || mark.wire > f->at.wire)
			f->at = mark;
	}
	while (f->at.wire < off) {
		if (bytes_at(f, f->at.file, &in, err) == -1)
			return -1;
		n = crlf_skip(&f->at, &in, off - f->at.wire);
		crlf_map_note(&f->map, &f->at);
		if (n == 0)
			break; /* the end */
	}
	return 0;
}

/* From the start to the end; what fits a block is still in it afterwards. */
static int
count_wire(struct fetch *f, struct err *err)
{
	struct crlf_count count = { 0 };
	struct crlf_pos pos = { 0 };
	struct slice in;

	do {
		if (bytes_at(f, pos.file, &in, err) == -1)
			return -1;
		crlf_count(&count, in);
		pos = (struct crlf_pos){ .file = count.bytes,
			.wire = crlf_wire(&count),
			.last_cr = count.last_cr };
		crlf_map_note(&f->map, &pos);
	} while (in.n > 0);
	f->wire = pos.wire;
	return 0;
}

int
fetch_wire(struct fetch *f, uint64_t *wire_out, struct err *err)
{
	if (f->wire == NAME_NO_SIZE && count_wire(f, err) == -1)
		return -1;
	*wire_out = f->wire;
	return 0;
}

int
fetch_read(struct fetch *f, uint64_t off, char *p, size_t max, size_t *n_out,
    struct err *err)
{
	struct slice in;
	size_t n = 0, got;

	if (seek_wire(f, off, err) == -1)
		return -1;
	while (n < max && f->at.wire == off + n) {
		if (bytes_at(f, f->at.file, &in, err) == -1)
			return -1;
		got = crlf_convert(&f->at, &in, p + n, max - n);
		crlf_map_note(&f->map, &f->at);
		if (got == 0)
			break;
		n += got;
	}
	if (n < max && f->at.file < f->size)
		return err_set(
		    err, ERR_CORRUPT, "a message became shorter meanwhile");
	*n_out = n;
	return 0;
}

int
fetch_read_stored(struct fetch *f, uint64_t off, char *p, size_t max,
    size_t *n_out, struct err *err)
{
	struct slice in;
	size_t n;

	for (n = 0; n < max; n += in.n) {
		if (bytes_at(f, off + n, &in, err) == -1)
			return -1;
		in = slice_head(in, max - n);
		if (in.n == 0)
			break;
		memcpy(p + n, in.p, in.n);
	}
	*n_out = n;
	return 0;
}

int
fetch_dup(struct fetch *f, int *fd_out, struct err *err)
{
	int fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);

	if (fd == -1)
		return err_sys(err, "duplicate a descriptor");
	*fd_out = fd;
	return 0;
}

int
fetch_locate(
    struct fetch *f, uint64_t off, struct crlf_pos *out, struct err *err)
{
	if (seek_wire(f, off, err) == -1)
		return -1;
	*out = f->at;
	return 0;
}

int
fetch_structure(
    struct fetch *f, const struct mime_message **out, struct err *err)
{
	struct mime_parser *parser;
	struct slice in = SLICE_NONE;
	uint64_t off = 0;
	int r;

	if (f->structure != NULL) {
		*out = f->structure;
		return 0;
	}
	parser = xcalloc(1, sizeof *parser);
	f->structure = xcalloc(1, sizeof *f->structure);
	mime_begin(parser, f->structure, &f->arena);
	while ((r = bytes_at(f, off, &in, err)) == 0 && in.n > 0) {
		mime_feed(parser, in);
		off += in.n;
	}
	mime_end(parser);
	xfree(parser);
	if (r == -1) {
		xfree(f->structure);
		f->structure = NULL;
		arena_reset(&f->arena);
		return -1;
	}
	if (f->wire == NAME_NO_SIZE)
		f->wire = f->structure->wire;
	*out = f->structure;
	return 0;
}

/* Where the header's empty line ends in what was read so far; 0: not yet. */
static size_t
header_end(struct slice s, size_t from)
{
	size_t i;

	if (from == 0 && s.n > 0 && s.p[0] == '\n')
		return 1;
	if (from == 0 && s.n > 1 && s.p[0] == '\r' && s.p[1] == '\n')
		return 2;
	for (i = from; i + 1 < s.n; i++) {
		if (s.p[i] != '\n')
			continue;
		if (s.p[i + 1] == '\n')
			return i + 2;
		if (i + 2 < s.n && s.p[i + 1] == '\r' && s.p[i + 2] == '\n')
			return i + 3;
	}
	return 0;
}

int
fetch_header(struct fetch *f, struct buf *out, struct err *err)
{
	size_t start = out->n, from = 0, end = 0;
	struct slice in, so_far;
	uint64_t off = 0;

	while (end == 0) {
		if (bytes_at(f, off, &in, err) == -1)
			return -1;
		in = slice_head(in, out->max - out->n);
		if (in.n == 0)
			return 0; /* all of it is header, or it is cut */
		buf_put_slice(out, in);
		off += in.n;
		so_far = slice_from(buf_slice(out), start);
		end = header_end(so_far, from);
		from = so_far.n > 2 ? so_far.n - 2 : 0;
	}
	buf_truncate(out, start + end);
	return 0;
}
