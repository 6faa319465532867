/* SPDX-License-Identifier: ISC */
/*
 * Delivery in two recorded steps (DESIGN 5, 8): restante/stage below the mail
 * root. A staged file that is there has not been delivered; one that is gone
 * has been. So it leaves by one rename, and never without one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmaildir/io.h"
#include "libmaildir/save_impl.h"

#define MAX_STAGE_ID 200

static bool
id_is_valid(struct slice id)
{
	size_t i;

	if (id.n == 0 || id.n > MAX_STAGE_ID || id.p[0] == '.')
		return false;
	for (i = 0; i < id.n; i++)
		if (!ascii_is_digit(id.p[i]) && !ascii_is_alpha(id.p[i]) &&
		    id.p[i] != '.' && id.p[i] != '-' && id.p[i] != '_')
			return false;
	return true;
}

/* One level; made where it is missing, flushed with what is put into it. */
static int
open_level(int dir, const char *name, bool make)
{
	int fd = io_open_dir(dir, name);

	if (fd != -1 || errno != ENOENT || !make)
		return fd;
	if (io_mkdir(dir, name, 0700) == -1)
		return -1;
	return io_open_dir(dir, name);
}

static int
save_open_stage(
    int mail_root, bool make, int *top_out, int *fd_out, struct err *err)
{
	int top, fd;

	if ((top = open_level(mail_root, "restante", make)) == -1)
		return err_sys(err, "open restante");
	fd = open_level(top, "stage", make);
	if (fd == -1) {
		io_close(&top);
		return err_sys(err, "open restante/stage");
	}
	*top_out = top;
	*fd_out = fd;
	return 0;
}

static int
begin(enum save_kind kind, int mail_root, struct slice id, struct folder *f,
    struct save **out, struct err *err)
{
	struct save *s;
	int top, fd;

	if (!id_is_valid(id))
		return err_set(err, ERR_INVALID, "not an id of the stage");
	if (save_open_stage(mail_root, kind == SAVE_STAGE, &top, &fd, err) ==
	    -1)
		return -1;
	s = save_new(kind, NULL, f);
	s->stage = fd;
	s->stage_top = top;
	s->mail_root = mail_root;
	s->stage_id = xstrndup(id.p, id.n);
	*out = s;
	return 0;
}

int
save_begin_stage(
    int mail_root, struct slice id, struct save **out, struct err *err)
{
	return begin(SAVE_STAGE, mail_root, id, NULL, out, err);
}

static int
count_file(int fd, struct crlf_count *c)
{
	struct buf b;
	ssize_t n;
	char *p;

	*c = (struct crlf_count){ 0 };
	buf_init(&b, IO_BLOCK);
	p = buf_reserve(&b, IO_BLOCK);
	while ((n = io_read(fd, p, IO_BLOCK)) > 0)
		crlf_count(c, slice_of(p, (size_t)n));
	buf_free(&b);
	return n == -1 ? -1 : 0;
}

int
save_begin_unstage(int mail_root, struct slice id, struct folder *to,
    const struct save_message *m, struct save **out, struct err *err)
{
	struct crlf_count c;
	struct save_one *one;
	struct save *s;
	int fd;

	if (begin(SAVE_UNSTAGE, mail_root, id, to, &s, err) == -1)
		return -1;
	fd = io_open(s->stage, s->stage_id, O_RDONLY, 0);
	if (fd == -1 || count_file(fd, &c) == -1) {
		(void)err_sys(err, "read staged %s", s->stage_id);
		io_close(&fd);
		save_free(&s);
		return -1;
	}
	io_close(&fd);
	one = save_push(s, m);
	one->name = xstrdup(s->stage_id);
	one->size = c.bytes;
	one->wire = crlf_wire(&c);
	s->n_flushed = 1; /* by the first step */
	*out = s;
	return 0;
}

int
save_drop_stage(int mail_root, struct slice id, struct err *err)
{
	char name[MAX_STAGE_ID + 1];
	int top, fd, r;

	if (!id_is_valid(id))
		return err_set(err, ERR_INVALID, "not an id of the stage");
	if (save_open_stage(mail_root, false, &top, &fd, err) == -1)
		return err->code == ERR_NOTFOUND ? 0 : -1;
	(void)snprintf(name, sizeof name, "%.*s", SLICE_ARG(id));
	r = io_unlink(fd, name);
	if (r == -1 && errno == ENOENT)
		r = 0;
	if (r == -1)
		(void)err_sys(err, "drop staged %s", name);
	io_close(&top);
	io_close(&fd);
	return r;
}
