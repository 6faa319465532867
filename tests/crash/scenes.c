/* SPDX-License-Identifier: ISC */
/* Scenes of mailboxes: saving, copying, flags, numbers. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libbase/mem.h"
#include "libmaildir/io.h"
#include "tests/crash/scenes.h"

static const char inbox[] = "INBOX";

/* INBOX with messages 1 to n, numbered and told; nothing open. */
static void
some_mail(struct world *w, unsigned n)
{
	struct mailbox *mb;

	world_start(w, w->root);
	promise_box(w, P_AT, 0, inbox, NULL);
	mb = world_box(w, inbox);
	if (n > 0)
		world_append(w, 0, mb, 1, n, true);
	mailbox_close(&mb);
}

static void
make_box(struct world *w, unsigned box, const char *name)
{
	struct store_op *op;
	struct err err;

	must(store_create(w->st, slice_str(name), &op, &err) == 0, &err, name);
	promise_box(w, P_MAYBE, box, name, NULL);
	world_op(op);
	promise_box(w, P_AT, box, name, NULL);
}

static void
deliver(struct world *w)
{
	struct save_message m = { .internaldate = MAILBOX_NO_DATE };
	struct folder f;
	struct save *s;
	struct buf text;
	struct err err;
	unsigned mid;

	some_mail(w, 1);
	record_settle(&w->rec);
	must(store_folder_open(w->st, slice_str(inbox), &f, &err) == 0, &err,
	    inbox);
	for (mid = 2; mid < 4; mid++) {
		promise_count(w, 0, mid, 0, 1);
		buf_init(&text, 64 * 1024);
		make_text(mid, &text);
		must(save_begin_new(&f, &s, &err) == 0 &&
			save_add(s, &m, &err) == 0 &&
			save_write(s, buf_slice(&text), &err) == 0,
		    &err, "deliver");
		world_commit(w, s);
		promise_count(w, 0, mid, 1, 1);
		save_free(&s);
		buf_free(&text);
	}
	folder_close(&f);
}

static void
append(struct world *w)
{
	struct mailbox *mb;

	some_mail(w, 1);
	record_settle(&w->rec);
	mb = world_box(w, inbox);
	world_append(w, 0, mb, 2, 1, true);
	world_append(w, 0, mb, 3, 1, true);
	mailbox_close(&mb);
}

/* Into a mailbox that nobody has opened before. */
static void
append_first(struct world *w)
{
	struct mailbox *mb;

	world_start(w, w->root);
	record_settle(&w->rec);
	promise_box(w, P_AT, 0, inbox, NULL);
	mb = world_box(w, inbox);
	world_append(w, 0, mb, 1, 1, true);
	mailbox_close(&mb);
}

static void
multiappend(struct world *w)
{
	struct mailbox *mb;

	some_mail(w, 1);
	record_settle(&w->rec);
	mb = world_box(w, inbox);
	world_append(w, 0, mb, 2, 3, true);
	mailbox_close(&mb);
}

/* Mail that others delivered is numbered and told; new/ is emptied. */
static void
first_open(struct world *w)
{
	struct mailbox *mb;
	struct view *v;

	deliver(w);
	record_settle(&w->rec);
	mb = world_box(w, inbox);
	v = view_open(mb, false);
	world_look(w, 0, v);
	world_look(w, 0, v);
	view_close(&v);
	mailbox_close(&mb);
}

/* ---- two processes ---- */

struct beside {
	struct world *w;
	struct mailboxes *ms; /* of the other process */
	struct mailbox *mb;
	struct view *v;
	bool busy;
};

/* Another process tells the UID as soon as it is in the list. */
static void
look_beside(void *arg, const struct event *e)
{
	struct beside *b = arg;
	const char *path = b->w->rec.objs[e->obj].path;

	if (b->busy || e->kind != EV_WRITE ||
	    strstr(path, "dovecot-uidlist") == NULL ||
	    strstr(path, ".lock") != NULL || strstr(path, "/tmp/") != NULL)
		return;
	b->busy = true;
	world_look(b->w, 0, b->v);
	b->busy = false;
}

static void
told_by_another(struct world *w)
{
	struct mailboxes_conf mc = { .stamp_grain_us = 1 };
	struct beside b = { .w = w };
	struct mailbox *mb;
	struct err err;

	some_mail(w, 2);
	b.ms = mailboxes_new(w->st, &mc);
	must(mailbox_open(b.ms, slice_str(inbox), &b.mb, &err) == 0, &err,
	    inbox);
	b.v = view_open(b.mb, true);
	world_look(w, 0, b.v);
	record_settle(&w->rec);
	w->rec.arg = &b;
	w->rec.after = look_beside;
	mb = world_box(w, inbox);
	world_append(w, 0, mb, 3, 1, true);
	world_append(w, 0, mb, 4, 2, true);
	mailbox_close(&mb);
	w->rec.after = NULL;
	view_close(&b.v);
	mailbox_close(&b.mb);
	mailboxes_free(&b.ms);
}

/* ---- copies ---- */

static void
copy_all(struct world *w, const char *from, unsigned from_box, unsigned to_box,
    const char *to, unsigned n, bool move)
{
	struct mailbox *source = world_box(w, from), *target = world_box(w, to);
	struct view *v = view_open(source, false);
	struct flush_set fs = { 0 };
	struct seqset all;
	struct copy *c;
	struct err err;
	enum step r;
	unsigned mid;

	world_look(w, from_box, v);
	for (mid = 1; mid <= n; mid++) {
		promise_count(w, to_box, mid, 0, 1);
		if (move)
			promise_count(w, from_box, mid, 0, 1);
	}
	seqset_init(&all, 10);
	seqset_add(&all, 1, UINT32_MAX);
	must(copy_begin(v, &all, target, move, &c, &err) == 0, &err, "copy");
	while ((r = copy_step(c, &fs, &err)) == STEP_FLUSH || r == STEP_AGAIN)
		if (r == STEP_FLUSH)
			io_flush_now(&fs);
	must(r == STEP_DONE, &err, "copy");
	for (mid = 1; mid <= n; mid++) {
		promise_count(w, to_box, mid, 1, 1);
		if (move)
			promise_count(w, from_box, mid, 0, 0);
	}
	copy_free(&c);
	seqset_free(&all);
	view_close(&v);
	v = view_open(target, false);
	world_look(w, to_box, v);
	view_close(&v);
	mailbox_close(&target);
	mailbox_close(&source);
}

static void
copy(struct world *w)
{
	some_mail(w, 2);
	make_box(w, 1, "A");
	record_settle(&w->rec);
	copy_all(w, inbox, 0, 1, "A", 2, false);
}

/* What a stranger has delivered and not flushed is flushed by COPY. */
static void
copy_strange(struct world *w)
{
	struct folder f;
	struct buf text;
	struct err err;
	int fd;

	some_mail(w, 0);
	make_box(w, 1, "A");
	make_box(w, 2, "Strange");
	/* box 2 is not looked at: what is in it is the stranger's affair */
	promise_box(w, P_MAYBE, 2, "Strange-not", NULL);
	must(store_folder_open(w->st, SLICE("Strange"), &f, &err) == 0, &err,
	    "Strange");
	record_settle(&w->rec);
	buf_init(&text, 64 * 1024);
	make_text(1, &text);
	fd = io_open(f.new, "1.a.b", O_WRONLY | O_CREAT, 0600);
	must(fd != -1 && io_write(fd, buf_slice(&text)) == 0, NULL, "strange");
	io_close(&fd);
	buf_free(&text);
	folder_close(&f);
	copy_all(w, "Strange", 3, 1, "A", 1, false);
}

static void
move(struct world *w)
{
	unsigned mid;

	some_mail(w, 2);
	make_box(w, 1, "A");
	record_settle(&w->rec);
	for (mid = 1; mid <= 2; mid++)
		promise_total(w, mid, 1, 2);
	copy_all(w, inbox, 0, 1, "A", 2, true);
}

/* ---- flags and keywords ---- */

static void
give(struct world *w, struct mailbox *mb, struct view *v, unsigned seq,
    enum flag_op op, uint8_t flags, int word)
{
	struct mailbox_rec *rec = view_rec(v, seq);
	struct flag_change how = { .op = op, .flags = flags };
	struct slice name;
	struct err err;
	char text[16];

	(void)w;
	(void)snprintf(text, sizeof text, "w%d", word);
	name = slice_str(text);
	must(word < 0 ||
		mailbox_keyword_mask(mb, &name, 1, true, &how.keywords, &err) ==
		    1,
	    &err, "keyword");
	must(mailbox_change(mb, rec, &how, v, &err) != -1, &err, "store");
}

static void
allow(struct world *w, unsigned mid, uint32_t words)
{
	promise(
	    w, (struct promise){ .kind = P_WORDS, .mid = mid, .uid = words });
}

static void
store(struct world *w)
{
	struct mailbox *mb;
	struct view *v;

	some_mail(w, 2);
	mb = world_box(w, inbox);
	v = view_open(mb, false);
	world_look(w, 0, v);
	record_settle(&w->rec);
	allow(w, 1, 1u << 1 | 1u << 2);
	allow(w, 2, 1u << 1);
	give(w, mb, v, 1, FLAG_ADD, FLAG_SEEN, 1);
	give(w, mb, v, 1, FLAG_SET, FLAG_FLAGGED, 2);
	give(w, mb, v, 2, FLAG_ADD, FLAG_DELETED, 1);
	give(w, mb, v, 2, FLAG_REMOVE, FLAG_DELETED, -1);
	view_close(&v);
	mailbox_close(&mb);
}

/* All letters are given; the 27th keyword takes that of one that nobody has
 * any more. Who had it must not come back with the new meaning. */
static void
letters(struct world *w)
{
	struct mailbox *mb;
	struct view *v;
	int i;

	some_mail(w, 3);
	mb = world_box(w, inbox);
	v = view_open(mb, false);
	world_look(w, 0, v);
	allow(w, 1, (1u << 26) - 1);
	allow(w, 2, 1u << 26 | 1u << 27);
	allow(w, 3, 1u << 5);
	for (i = 0; i < 26; i++)
		give(w, mb, v, 1, FLAG_ADD, 0, i);
	give(w, mb, v, 3, FLAG_SET, 0, 5);
	record_settle(&w->rec);
	give(w, mb, v, 1, FLAG_REMOVE, 0, 7);
	give(w, mb, v, 2, FLAG_ADD, 0, 26);
	give(w, mb, v, 1, FLAG_SET, FLAG_SEEN, -1);
	give(w, mb, v, 2, FLAG_ADD, 0, 27);
	view_close(&v);
	mailbox_close(&mb);
}

/* ---- removal, and what follows for numbers ---- */

static void
expunge_all(struct world *w, struct view *v, unsigned from, unsigned to)
{
	struct seqset uids;
	uint32_t at = 0;
	struct err err;
	unsigned mid;
	int r;

	for (mid = from; mid <= to; mid++) {
		promise_count(w, 0, mid, 0, 1);
		promise_total(w, mid, 0, MANY);
	}
	seqset_init(&uids, 10);
	seqset_add(&uids, from, to);
	while ((r = view_expunge(v, &uids, true, &at, 100, &err)) == 1)
		;
	must(r == 0, &err, "expunge");
	seqset_free(&uids);
	(void)view_update(v, true, NULL);
}

static void
expunge(struct world *w)
{
	struct mailbox *mb;
	struct view *v;

	some_mail(w, 3);
	mb = world_box(w, inbox);
	v = view_open(mb, false);
	world_look(w, 0, v);
	record_settle(&w->rec);
	expunge_all(w, v, 2, 3);
	world_append(w, 0, mb, 4, 1, true);
	world_look(w, 0, v);
	view_close(&v);
	mailbox_close(&mb);
}

/* The list is written anew when most of its records have no file. */
static void
compact(struct world *w)
{
	struct mailbox *mb;
	struct view *v;

	some_mail(w, 76);
	mb = world_box(w, inbox);
	v = view_open(mb, false);
	world_look(w, 0, v);
	expunge_all(w, v, 5, 76);
	record_settle(&w->rec);
	world_look(w, 0, v);
	world_append(w, 0, mb, 80, 1, true);
	expunge_all(w, v, 3, 4);
	view_close(&v);
	mailbox_close(&mb);
}

/* The same beside another process that appends to the list it knows. */
static void
compact_beside(struct world *w)
{
	struct mailboxes_conf mc = { .stamp_grain_us = 1 };
	struct mailboxes *ms = mailboxes_new(w->st, &mc);
	struct mailbox *mb, *other;
	struct view *v;
	struct err err;

	mailboxes_free(&ms);
	some_mail(w, 76);
	ms = mailboxes_new(w->st, &mc);
	must(
	    mailbox_open(ms, slice_str(inbox), &other, &err) == 0, &err, inbox);
	mb = world_box(w, inbox);
	v = view_open(mb, false);
	world_look(w, 0, v);
	world_append(w, 0, other, 80, 1, true);
	expunge_all(w, v, 4, 76);
	record_settle(&w->rec);
	world_look(w, 0, v);
	world_append(w, 0, other, 81, 1, true);
	world_append(w, 0, mb, 82, 1, true);
	view_close(&v);
	mailbox_close(&mb);
	mailbox_close(&other);
	mailboxes_free(&ms);
}

/* Sizes that were counted go into the list when the mailbox is closed. */
static void
sizes(struct world *w)
{
	struct mailbox *mb;
	struct view *v;
	struct folder f;
	struct buf text;
	struct err err;
	int fd;

	some_mail(w, 2);
	must(store_folder_open(w->st, slice_str(inbox), &f, &err) == 0, &err,
	    inbox);
	buf_init(&text, 64 * 1024);
	make_text(3, &text);
	fd = io_open(f.cur, "1.a.b:2,", O_WRONLY | O_CREAT, 0600);
	must(fd != -1 && io_write(fd, buf_slice(&text)) == 0, NULL, "strange");
	io_close(&fd);
	buf_free(&text);
	folder_close(&f);
	promise_count(w, 0, 3, 1, 1);
	record_settle(&w->rec);
	mb = world_box(w, inbox);
	v = view_open(mb, false);
	world_look(w, 0, v);
	must(mailbox_sizes(mb, view_rec(v, 3), &err) == 0, &err, "sizes");
	view_close(&v);
	mailbox_close(&mb);
}

/* POP3: retrieved, marked \Seen, the connection ends without QUIT. */
static void
pop_without_quit(struct world *w)
{
	struct mailbox *mb;
	struct view *v;

	w->once = 7;
	some_mail(w, 3);
	mb = world_box(w, inbox);
	v = view_open(mb, false);
	world_look(w, 0, v);
	record_settle(&w->rec);
	give(w, mb, v, 1, FLAG_ADD, FLAG_SEEN, -1);
	give(w, mb, v, 2, FLAG_ADD, FLAG_SEEN, -1);
	view_close(&v);
	mailbox_close(&mb);
}

const struct scene scenes[] = {
	{ "deliver", deliver, false, false, false },
	{ "append", append, false, false, true },
	{ "append-first", append_first, false, false, true },
	{ "multiappend", multiappend, false, false, false },
	{ "first-open", first_open, false, false, true },
	{ "told-by-another", told_by_another, false, false, false },
	{ "copy", copy, false, false, true },
	{ "copy-strange", copy_strange, false, false, false },
	{ "move", move, false, false, true },
	{ "store", store, false, false, true },
	{ "letters", letters, false, false, false },
	{ "expunge", expunge, false, false, false },
	{ "compact", compact, false, false, true },
	{ "compact-beside", compact_beside, false, false, false },
	{ "sizes", sizes, false, false, false },
	{ "pop-without-quit", pop_without_quit, false, false, false },
	{ "quota", append, false, true, true },
	{ NULL, NULL, false, false, false },
};
