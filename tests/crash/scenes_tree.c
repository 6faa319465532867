/* SPDX-License-Identifier: ISC */
/* Scenes of folders: CREATE, DELETE, RENAME, subscriptions, UIDVALIDITY. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "libbase/clock.h"
#include "libmaildir/io.h"
#include "tests/crash/scenes.h"

static void
create_box(struct world *w, unsigned box, const char *name)
{
	struct store_op *op;
	struct err err;

	promise_box(w, P_MAYBE, box, name, NULL);
	must(store_create(w->st, slice_str(name), &op, &err) == 0, &err, name);
	world_op(op);
	promise_box(w, P_AT, box, name, NULL);
}

static void
delete_box(struct world *w, unsigned box, const char *name, unsigned mid)
{
	struct store_op *op;
	struct err err;

	if (mid > 0) {
		promise_count(w, box, mid, 0, 1);
		promise_total(w, mid, 0, MANY);
	}
	promise_box(w, P_MAYBE, box, name, NULL);
	must(store_delete(w->st, slice_str(name), &op, &err) == 0, &err, name);
	world_op(op);
	promise_box(w, P_GONE, box, name, NULL);
}

static void
fill(struct world *w, unsigned box, const char *name, unsigned mid)
{
	struct mailbox *mb = world_box(w, name);

	world_append(w, box, mb, mid, 1, true);
	mailbox_close(&mb);
}

static void
create(struct world *w)
{
	world_start(w, w->root);
	promise_box(w, P_AT, 0, "INBOX", NULL);
	record_settle(&w->rec);
	create_box(w, 1, "A");
	fill(w, 1, "A", 1);
	create_box(w, 2, "A/B");
	fill(w, 2, "A/B", 2);
}

static void delete (struct world *w)
{
	world_start(w, w->root);
	promise_box(w, P_AT, 0, "INBOX", NULL);
	create_box(w, 1, "A");
	fill(w, 1, "A", 1);
	create_box(w, 2, "A/B");
	fill(w, 2, "A/B", 2);
	record_settle(&w->rec);
	delete_box(w, 1, "A", 1);
	delete_box(w, 2, "A/B", 2);
}

static void
rename_box(struct world *w)
{
	struct store_op *op;
	struct err err;

	world_start(w, w->root);
	promise_box(w, P_AT, 0, "INBOX", NULL);
	create_box(w, 1, "A");
	fill(w, 1, "A", 1);
	create_box(w, 2, "A/B");
	fill(w, 2, "A/B", 2);
	record_settle(&w->rec);
	promise_box(w, P_AT, 1, "A", "C");
	promise_box(w, P_AT, 2, "A/B", "C/B");
	must(store_rename(w->st, SLICE("A"), SLICE("C"), &op, &err) == 0, &err,
	    "rename");
	world_op(op);
	promise_box(w, P_AT, 1, "C", NULL);
	promise_box(w, P_AT, 2, "C/B", NULL);
	fill(w, 1, "C", 3);
}

/* Its messages move to a new mailbox. */
static void
rename_inbox(struct world *w)
{
	struct store_op *op;
	struct err err;
	unsigned mid;

	world_start(w, w->root);
	promise_box(w, P_AT, 0, "INBOX", NULL);
	for (mid = 1; mid < 4; mid++)
		fill(w, 0, "INBOX", mid);
	record_settle(&w->rec);
	promise_box(w, P_MAYBE, 1, "Old", NULL);
	for (mid = 1; mid < 4; mid++) {
		promise_total(w, mid, 1, 2);
		promise_count(w, 0, mid, 0, 1);
		promise_count(w, 1, mid, 0, 1);
	}
	must(store_rename(w->st, SLICE("INBOX"), SLICE("Old"), &op, &err) == 0,
	    &err, "rename");
	world_op(op);
	promise_box(w, P_AT, 1, "Old", NULL);
	for (mid = 1; mid < 4; mid++) {
		promise_count(w, 0, mid, 0, 0);
		promise_count(w, 1, mid, 1, 1);
	}
}

static void
subscribe(struct world *w, const char *name, bool on)
{
	struct promise p = { .kind = P_SUB, .name = name, .min = -1 };
	struct store_op *op;
	struct err err;

	promise(w, p);
	must(store_subscribe(w->st, slice_str(name), on, &op, &err) == 0, &err,
	    "subscribe");
	world_op(op);
	p.min = on;
	promise(w, p);
}

static void
subscriptions(struct world *w)
{
	world_start(w, w->root);
	subscribe(w, "INBOX", true);
	record_settle(&w->rec);
	subscribe(w, "A", true);
	subscribe(w, "B/C", true);
	subscribe(w, "A", false);
}

/* After the cut, and with a clock that has gone back, a new mailbox has a
 * higher UIDVALIDITY than all before it. */
static int
judge_validity(struct world *w, size_t marks)
{
	struct mailbox_status st;
	struct flush_set fs = { 0 };
	struct store_op *op;
	struct mailbox *mb;
	struct view *v;
	struct err err;
	size_t i;
	int r = 0;

	clock_shift_us(-3600 * INT64_C(1000000));
	must(store_create(w->st, SLICE("Later"), &op, &err) == 0, &err,
	    "create");
	world_op(op);
	mb = world_box(w, "Later");
	v = view_open(mb, true);
	while (view_refresh(v, &fs, &err) == STEP_FLUSH)
		io_flush_now(&fs);
	mailbox_status(mb, &st);
	for (i = 0; i < marks && r == 0; i++)
		if (w->v[i].kind == P_UID && w->v[i].validity >= st.uidvalidity)
			r = world_fault(w,
			    "invariant 1: UIDVALIDITY %u after %u was told",
			    st.uidvalidity, w->v[i].validity);
	view_close(&v);
	mailbox_close(&mb);
	clock_shift_us(0);
	return r;
}

/* One name, mailbox after mailbox; the numbers run ahead of the clock. */
static void
validity(struct world *w)
{
	unsigned i;

	w->judge = judge_validity;
	world_start(w, w->root);
	record_settle(&w->rec);
	for (i = 1; i < 4; i++) {
		create_box(w, i, "A");
		fill(w, i, "A", i);
		delete_box(w, i, "A", i);
	}
}

/* A folder that somebody made with nothing in it. */
static void
bare(struct world *w)
{
	struct err err;
	struct save_message m = { .internaldate = MAILBOX_NO_DATE };
	struct folder f;
	struct save *s;
	struct buf text;

	world_start(w, w->root);
	must(io_mkdir(store_mail_fd(w->st), ".Bare", 0700) == 0, NULL, "mkdir");
	promise_box(w, P_AT, 1, "Bare", NULL);
	record_settle(&w->rec);
	must(store_folder_open(w->st, SLICE("Bare"), &f, &err) == 0, &err,
	    "Bare");
	promise_count(w, 1, 1, 0, 1);
	buf_init(&text, 64 * 1024);
	make_text(1, &text);
	must(save_begin_new(&f, &s, &err) == 0 && save_add(s, &m, &err) == 0 &&
		save_write(s, buf_slice(&text), &err) == 0,
	    &err, "deliver");
	world_commit(w, s);
	promise_count(w, 1, 1, 1, 1);
	save_free(&s);
	buf_free(&text);
	folder_close(&f);
	fill(w, 1, "Bare", 2);
}

/* The user's first mail: nothing is there. */
static void
fresh(struct world *w)
{
	record_settle(&w->rec);
	world_start(w, w->root);
	promise_box(w, P_AT, 0, "INBOX", NULL);
	fill(w, 0, "INBOX", 1);
}

const struct scene tree_scenes[] = {
	{ "create", create, false, false, true },
	{ "delete", delete, false, true, true },
	{ "rename", rename_box, false, false, true },
	{ "rename-inbox", rename_inbox, false, false, true },
	{ "subscribe", subscriptions, false, false, true },
	{ "uidvalidity", validity, false, false, true },
	{ "bare", bare, false, false, true },
	{ "fresh", fresh, false, false, true },
	{ NULL, NULL, false, false, false },
};
