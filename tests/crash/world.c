/* SPDX-License-Identifier: ISC */
/* A user's mail, a spool, and the journal of what anybody was told. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libmaildir/io.h"
#include "tests/crash/sweep.h"
#include "tests/crash/world.h"

void
must(bool ok, const struct err *err, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s: %s\n", what, err == NULL ? "" : err->text);
	abort();
}

/* ---- open and close ---- */

/* By way of the table: they are part of the record. */
static void
make_dirs(const char *root)
{
	int fd = io_open_root(root);

	must(fd != -1 && io_mkdir(fd, "mail", 0700) == 0 &&
		io_mkdir(fd, "control", 0700) == 0 &&
		io_mkdir(fd, "spool", 0700) == 0,
	    NULL, root);
	io_close(&fd);
}

void
world_start(struct world *w, const char *root)
{
	struct mailboxes_conf mc = { .stamp_grain_us = 1 };
	char mail[600], control[600], spool[600];
	struct err err;
	struct store_conf conf = { .mail = mail,
		.control = w->has_control ? control : NULL,
		.create = true,
		.quota_bytes = w->has_quota ? 100000000 : 0 };

	(void)snprintf(mail, sizeof mail, "%s/mail", root);
	(void)snprintf(control, sizeof control, "%s/control", root);
	(void)snprintf(spool, sizeof spool, "%s/spool", root);
	must(store_open(&conf, &w->st, &err) == 0, &err, "open the store");
	w->ms = mailboxes_new(w->st, &mc);
	must(spool_open(spool, &w->spool, &err) == 0, &err, "open the spool");
}

void
world_stop(struct world *w)
{
	mailboxes_free(&w->ms);
	store_close(w->st);
	w->st = NULL;
	spool_close(&w->spool);
}

void
world_open(struct world *w, bool control, bool quota)
{
	*w = (struct world){ .has_control = control, .has_quota = quota };
	w->root = sweep_new();
	record_begin(&w->rec, w->root);
	make_dirs(w->root);
}

void
world_close(struct world *w)
{
	record_free(&w->rec);
	sweep_away(w->root);
	xfree(w->root);
	xfree(w->v);
	*w = (struct world){ 0 };
}

/* ---- promises ---- */

void
promise(struct world *w, struct promise p)
{
	if (w->n == w->cap) {
		w->cap = w->cap == 0 ? 64 : 2 * w->cap;
		w->v = xreallocarray(w->v, w->cap, sizeof *w->v);
	}
	w->v[w->n++] = p;
	record_mark(&w->rec, w->n);
}

void
promise_count(struct world *w, unsigned box, unsigned mid, int min, int max)
{
	promise(w,
	    (struct promise){ .kind = P_COUNT,
		.box = box,
		.mid = mid,
		.min = min,
		.max = max });
}

void
promise_total(struct world *w, unsigned mid, int min, int max)
{
	promise(w,
	    (struct promise){
		.kind = P_TOTAL, .mid = mid, .min = min, .max = max });
}

void
promise_box(struct world *w, enum promise_kind kind, unsigned box,
    const char *name, const char *name2)
{
	promise(w,
	    (struct promise){
		.kind = kind, .box = box, .name = name, .name2 = name2 });
}

/* ---- messages ---- */

void
make_text(unsigned mid, struct buf *out)
{
	unsigned i;

	buf_printf(out, "X-Mid: %u\nSubject: message %u\n\n", mid, mid);
	for (i = 0; i < 1 + mid * 7 % 23; i++)
		buf_printf(out, "line %u of message %u\n", i, mid);
	buf_puts(out, "end\n");
}

unsigned
text_mid(struct slice text)
{
	struct slice line, rest = text;
	struct buf want;
	uint32_t mid = 0;
	bool same;

	(void)slice_cut(&rest, '\n', &line);
	if (!slice_starts(line, "X-Mid: ") ||
	    slice_u32(slice_from(line, 7), UINT32_MAX, &mid) == -1)
		return 0;
	buf_init(&want, 64 * 1024);
	make_text(mid, &want);
	same = slice_eq(text, buf_slice(&want));
	buf_free(&want);
	return same ? mid : 0;
}

unsigned
world_mid(struct mailbox *mb, struct mailbox_rec *rec)
{
	struct err err;
	struct buf text;
	unsigned mid = 0;
	int fd;

	if (mailbox_open_message(mb, rec, &fd, &err) == -1)
		return 0;
	buf_init(&text, 64 * 1024);
	if (io_read_all(fd, &text) == 0)
		mid = text_mid(buf_slice(&text));
	buf_free(&text);
	io_close(&fd);
	return mid;
}

/* ---- what scenes do ---- */

struct mailbox *
world_box(struct world *w, const char *name)
{
	struct mailbox *mb;
	struct err err;

	must(mailbox_open(w->ms, slice_str(name), &mb, &err) == 0, &err, name);
	return mb;
}

static void
tell_uid(struct world *w, unsigned box, uint32_t validity, uint32_t uid,
    unsigned mid)
{
	promise(w,
	    (struct promise){ .kind = P_UID,
		.box = box,
		.mid = mid,
		.uid = uid,
		.validity = validity });
}

bool
world_wait(struct world *w, unsigned *tries)
{
	if (++*tries > 3)
		return false;
	w->locks++;
	clock_shift_us(130 * INT64_C(1000000) * *tries);
	return true;
}

void
world_look(struct world *w, unsigned box, struct view *v)
{
	struct mailbox *mb = view_mailbox(v);
	struct mailbox_status st;
	struct flush_set fs = { 0 };
	struct err err = { 0 };
	unsigned tries = 0;
	enum step r;
	uint32_t i;

	for (;;) {
		r = view_refresh(v, &fs, &err);
		if (r == STEP_FLUSH)
			io_flush_now(&fs);
		else if (r != STEP_EVENT || !world_wait(w, &tries))
			break;
	}
	must(r == STEP_DONE, &err, "refresh");
	(void)view_update(v, true, NULL);
	mailbox_status(mb, &st);
	for (i = 1; i <= view_count(v); i++) {
		struct mailbox_rec *rec = view_rec(v, i);

		tell_uid(w, box, st.uidvalidity, rec->uid, world_mid(mb, rec));
	}
}

void
world_commit(struct world *w, struct save *s)
{
	struct flush_set fs = { 0 };
	struct err err = { 0 };
	unsigned tries = 0;
	enum step r;

	for (;;) {
		r = save_commit(s, &fs, &err);
		if (r == STEP_FLUSH)
			io_flush_now(&fs);
		else if (r != STEP_EVENT || !world_wait(w, &tries))
			break;
	}
	must(r == STEP_DONE, &err, "commit");
}

void
world_op(struct store_op *op)
{
	struct err err;

	must(store_op_run(op, &err) == 0, &err, "operation on the tree");
}

void
world_append(struct world *w, unsigned box, struct mailbox *mb, unsigned mid,
    unsigned n, bool tell)
{
	struct save_message m = { .internaldate = 1000000000 };
	struct err err;
	struct save *s;
	unsigned i;

	must(save_begin(mb, &s, &err) == 0, &err, "begin");
	for (i = 0; i < n; i++) {
		struct buf text;

		buf_init(&text, 64 * 1024);
		make_text(mid + i, &text);
		promise_count(w, box, mid + i, 0, 1);
		must(save_add(s, &m, &err) == 0 &&
			save_write(s, buf_slice(&text), &err) == 0,
		    &err, "write");
		buf_free(&text);
	}
	world_commit(w, s);
	for (i = 0; i < n && tell; i++) {
		promise_count(w, box, mid + i, 1, 1);
		promise_total(w, mid + i, 1, MANY);
		tell_uid(w, box, save_uidvalidity(s), save_uid(s, i), mid + i);
	}
	save_free(&s);
}

int
world_fault(struct world *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(w->fault, sizeof w->fault, fmt, ap);
	va_end(ap);
	return -1;
}
