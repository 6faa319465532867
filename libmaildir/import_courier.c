/* SPDX-License-Identifier: ISC */
/* The first opening of a mailbox that Courier served. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "libbase/ceilings.h"
#include "libmaildir/dotlock.h"
#include "libmaildir/import.h"
#include "libmaildir/io.h"
#include "libmaildir/uidlist_text.h"
#include "libmaildir/uidvalidity.h"

#define LIST     "dovecot-uidlist"
#define LOCK     LIST ".lock"
#define KEYWORDS "dovecot-keywords"
#define TEMP     ".temp.restante-import"

typedef int take_fn(struct import *im, struct slice text);

/* Give the contents of a file to fn. 1 taken, 0 not there or not usable, -1. */
static int
take_file(
    struct import *im, int dir, const char *name, take_fn *fn, struct err *err)
{
	int fd = io_open(dir, name, O_RDONLY, 0), r;
	struct buf text;

	if (fd == -1)
		return errno == ENOENT || errno == ELOOP || errno == EINVAL ?
		    0 :
		    err_sys(err, "open %s", name);
	buf_init(&text, IMPORT_MAX_BYTES);
	if (io_read_all(fd, &text) < 0)
		r = err_sys(err, "read %s", name);
	else
		r = fn(im, buf_slice(&text)) == 0;
	buf_free(&text);
	io_close(&fd);
	return r;
}

/* ---- keywords ---- */

struct update {
	struct import *im;
	int dir;
	struct map newest; /* base name to number + 1; UINTPTR_MAX: no number */
	struct err *err;
};

/* "FILE" stands over ".N.FILE", a larger N over a smaller. */
static uintptr_t
update_number(const char *name, struct slice *base)
{
	struct slice s = slice_str(name), word;
	uint64_t n;

	*base = s;
	if (name[0] != '.')
		return UINTPTR_MAX;
	s = slice_from(s, 1);
	if (!slice_cut(&s, '.', &word) || slice_u64(word, UINT32_MAX, &n) < 0)
		return 0;
	*base = s;
	return (uintptr_t)n + 1;
}

static int
take_update(void *arg, const char *name, unsigned char d_type)
{
	struct update *u = arg;
	struct slice base;
	uintptr_t number = update_number(name, &base);
	struct buf text;
	int fd, r = 0;

	(void)d_type;
	if (name[0] == ':' || number == 0 ||
	    (uintptr_t)map_get(&u->newest, base) >= number)
		return 0;
	fd = io_open(u->dir, name, O_RDONLY, 0);
	if (fd == -1)
		return 0;
	buf_init(&text, 64 * KIB);
	if (io_read_all(fd, &text) == 0) {
		(void)map_put(&u->newest, base, (void *)number);
		r = import_keyword_file(u->im, base, buf_slice(&text));
	}
	buf_free(&text);
	io_close(&fd);
	return r;
}

static int
take_keywords(struct import *im, struct folder *f, struct err *err)
{
	struct update u = { .im = im, .err = err };
	int r;

	u.dir = io_open_dir(f->dir, "courierimapkeywords");
	if (u.dir == -1)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ?
		    0 :
		    err_sys(err, "open courierimapkeywords");
	r = take_file(im, u.dir, ":list", import_keyword_list, err);
	if (r >= 0 && io_list(u.dir, take_update, &u) < 0)
		r = err_sys(err, "read courierimapkeywords");
	map_free(&u.newest);
	io_close(&u.dir);
	return r < 0 ? -1 : 0;
}

struct relabel {
	const struct import *im;
	int cur;
};

/* Put the letters into the name, beside the flags it has. Letters it has
 * already mean nothing here: there was no dovecot-keywords. */
static int
relabel(void *arg, const char *file, unsigned char d_type)
{
	struct relabel *c = arg;
	struct name n;
	struct buf to;
	uintptr_t at;
	int r = 0;

	(void)d_type;
	if (!name_is_message(slice_str(file)))
		return 0;
	name_split(slice_str(file), &n);
	at = (uintptr_t)map_get(&c->im->by_base, n.base);
	if (at == 0 || c->im->msgs[at - 1].keywords == 0 ||
	    c->im->msgs[at - 1].keywords == n.keywords)
		return 0;
	buf_init(&to, MAX_FILE_NAME + 1);
	name_print(&n, n.flags, c->im->msgs[at - 1].keywords, &to);
	if (buf_ok(&to) && to.n <= MAX_FILE_NAME &&
	    io_rename_new(c->cur, file, c->cur, buf_cstr(&to)) < 0 &&
	    errno != ENOENT && errno != EEXIST)
		r = -1;
	buf_free(&to);
	return r;
}

/* ---- what is written ---- */

static int
replace(struct folder *f, const char *name, struct slice text, struct err *err)
{
	int fd =
	    io_open(f->control, TEMP, O_WRONLY | O_CREAT | O_TRUNC, f->mode);
	int r = 0;

	if (fd == -1 || io_write(fd, text) < 0 || io_fsync(fd) < 0 ||
	    io_rename(f->control, TEMP, f->control, name) < 0) {
		r = err_sys(err, "write %s", name);
		(void)!io_unlink(f->control, TEMP);
	}
	io_close(&fd);
	return r;
}

static int
write_keywords(const struct import *im, struct folder *f, struct err *err)
{
	struct relabel c = { im, f->cur };
	struct buf text;
	int r;

	if (im->n_keywords == 0)
		return 0;
	buf_init(&text, 64 * KIB);
	for (unsigned i = 0; i < im->n_keywords; i++)
		buf_printf(&text, "%u %.*s\n", i, SLICE_ARG(im->keywords[i]));
	r = replace(f, KEYWORDS, buf_slice(&text), err);
	buf_free(&text);
	if (r == 0 && io_list(f->cur, relabel, &c) < 0)
		r = err_sys(err, "put keywords into names");
	return r;
}

static int
write_list(struct import *im, struct folder *f, struct err *err)
{
	struct uidlist_head h = { .version = 3 };
	struct buf text;
	int r = 0;

	h.next_uid = im->next_uid;
	h.uidvalidity = im->uidvalidity;
	if (h.uidvalidity == 0 && uidvalidity_next(f, &h.uidvalidity, err) < 0)
		return -1;
	buf_init(&text, 4 * IMPORT_MAX_BYTES);
	uidlist_print_head(&h, &text);
	for (size_t i = 0; i < im->n; i++) {
		struct uidlist_rec rec = { .uid = im->msgs[i].uid,
			.base = im->msgs[i].base,
			.size = UINT64_MAX,
			.wire = UINT64_MAX,
			.pop3 = im->msgs[i].uidl };

		if (rec.uid > 0)
			uidlist_print_rec(&rec, &text);
	}
	if (!buf_ok(&text))
		r = err_set(err, ERR_LIMIT, "too many messages of Courier");
	else
		r = replace(f, LIST, buf_slice(&text), err);
	buf_free(&text);
	if (r == 0 && io_fsync(f->control) < 0)
		r = err_sys(err, "flush");
	return r;
}

/* Under the lock. The list comes last: while it is not there, all begins
 * anew. */
static int
take_over(struct folder *f, struct err *err)
{
	struct import im;
	int a, b, r = -1;

	import_init(&im);
	a = take_file(&im, f->dir, "courierimapuiddb", import_uiddb, err);
	b = a < 0 ? -1 :
		    take_file(&im, f->dir, "courierpop3dsizelist",
			import_sizelist, err);
	if (b >= 0 && a + b == 0)
		r = 0;
	else if (b >= 0 && take_keywords(&im, f, err) == 0)
		r = import_number(&im) < 0 ?
		    err_set(err, ERR_LIMIT, "no UID left") :
		    write_keywords(&im, f, err) < 0 ||
			write_list(&im, f, err) < 0 ?
		    -1 :
		    1;
	import_free(&im);
	return r;
}

/* 1 it is there, 0, -1. */
static int
has(int dir, const char *name, struct err *err)
{
	struct stat st;

	if (io_stat(dir, name, &st) == 0)
		return 1;
	return errno == ENOENT ? 0 : err_sys(err, "stat %s", name);
}

int
import_courier(struct folder *f, struct err *err)
{
	struct dotlock lock;
	int r = has(f->control, LIST, err);

	if (r != 0)
		return r < 0 ? -1 : 0;
	r = has(f->dir, "courierimapuiddb", err);
	if (r == 0)
		r = has(f->dir, "courierpop3dsizelist", err);
	if (r <= 0)
		return r;
	dotlock_init(&lock);
	r = dotlock_take(&lock, f, LOCK, err);
	if (r == 0)
		return err_set(err, ERR_BUSY, LOCK " is held");
	if (r < 0)
		return -1;
	r = has(f->control, LIST, err); /* another was faster */
	if (r == 0)
		r = take_over(f, err);
	else if (r == 1)
		r = 0;
	dotlock_drop(&lock, f, LOCK);
	return r;
}
