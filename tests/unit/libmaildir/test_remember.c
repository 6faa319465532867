/* SPDX-License-Identifier: ISC */
/* Mailboxes come back from the index as they were, or as they are by now. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "libbase/clock.h"
#include "libmaildir/index.h"
#include "libmaildir/mailbox_impl.h"
#include "libmaildir/summaries.h"
#include "tests/unit/libmaildir/box.h"

/* How many times a folder was read, and files of it opened. */
static unsigned n_getdents;

static ssize_t
counted_getdents(int fd, void *p, size_t n)
{
	n_getdents++;
	return io_kernel.getdents(fd, p, n);
}

static struct io_ops counting;
const struct io_ops *const io_table = &counting;

struct world {
	struct scratch *s;
	struct box b;
	unsigned dropped;
};

static void
on_dropped(void *arg, const char *why)
{
	struct world *w = arg;

	(void)why;
	w->dropped++;
}

/* A session begins. */
static void
begin(struct world *w, bool watch)
{
	struct mailboxes_conf conf = { .watch = watch };
	struct index_conf ic = { .dropped = on_dropped, .arg = w };
	struct folder_place place;
	struct folder f;
	struct err err;

	w->b.root = open(w->s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)mkdirat(w->b.root, "index", 0700);
	ic.dir = openat(w->b.root, "index", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->b.ms = mailboxes_new(NULL, &conf);
	assert_int_equal(
	    mailboxes_use_index(w->b.ms, index_open(&ic), w->b.root, &err), 0);
	place = (struct folder_place){ w->b.root, w->b.root, "", "INBOX" };
	assert_int_equal(folder_open(&place, &f, &err), 0);
	assert_int_equal(mailbox_open_folder(w->b.ms, &f, &w->b.mb, &err), 0);
	n_getdents = 0;
	w->b.v = view_open(w->b.mb, false);
	box_sync(&w->b);
}

/* All that is to be written, until nothing is. */
static void
write_all(struct world *w)
{
	uint64_t at, now;

	while ((at = mailboxes_write_index(w->b.ms)) != 0) {
		now = clock_mono_us();
		if (at > now)
			(void)usleep((useconds_t)(at - now));
	}
}

static void
end(struct world *w)
{
	write_all(w);
	box_close(&w->b);
}

static struct world world;

static int
setup(void **state)
{
	int r = scratch_setup(state);

	world = (struct world){ .s = *state };
	counting = io_kernel;
	counting.getdents = counted_getdents;
	*state = &world;
	return r;
}

static int
teardown(void **state)
{
	*state = world.s;
	return scratch_teardown(state);
}

static const char text[] = "Subject: a\n\nb\n";

static void
test_comes_back(void **state)
{
	struct world *w = *state;
	struct mailbox_status before, after;
	uint32_t uids[3];
	int i;

	begin(w, true);
	for (i = 0; i < 3; i++)
		uids[i] = box_save(w->b.mb, text, i == 1 ? FLAG_SEEN : 0);
	box_sync(&w->b);
	mailbox_status(w->b.mb, &before);
	end(w);
	for (i = 0; i < 2; i++) {
		begin(w, i == 0);
		assert_int_equal(n_getdents, 0);
		mailbox_status(w->b.mb, &after);
		assert_int_equal(after.messages, 3);
		assert_int_equal(after.unseen, 2);
		assert_int_equal(after.uidnext, before.uidnext);
		assert_int_equal(after.uidvalidity, before.uidvalidity);
		assert_true(after.highest_modseq == before.highest_modseq);
		assert_int_equal(after.wire, before.wire);
		assert_int_equal(view_rec(w->b.v, 2)->uid, uids[1]);
		assert_int_equal(view_rec(w->b.v, 2)->flags, FLAG_SEEN);
		end(w);
	}
	assert_int_equal(w->dropped, 0);
}

/* What others did meanwhile is found, and told by modseqs. */
static void
test_strangers(void **state)
{
	struct world *w = *state;
	struct mailbox_status before, after;
	uint64_t old;
	char name[256];
	char path[600];
	struct seqset gone;

	begin(w, true);
	(void)box_save(w->b.mb, text, FLAG_SEEN);
	(void)box_save(w->b.mb, text, FLAG_SEEN);
	box_sync(&w->b);
	(void)snprintf(name, sizeof name, "%s", view_rec(w->b.v, 1)->name);
	(void)snprintf(path, sizeof path, "%s", view_rec(w->b.v, 2)->name);
	old = view_rec(w->b.v, 2)->modseq;
	mailbox_status(w->b.mb, &before);
	end(w);
	/* one goes, one gets a flag, one comes */
	w->b.root = open(w->s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	{
		char from[700], to[700];

		(void)snprintf(from, sizeof from, "cur/%s", name);
		assert_int_equal(unlinkat(w->b.root, from, 0), 0);
		(void)snprintf(from, sizeof from, "cur/%s", path);
		(void)snprintf(
		    to, sizeof to, "cur/%.*sFS", (int)strlen(path) - 1, path);
		assert_int_equal(renameat(w->b.root, from, w->b.root, to), 0);
	}
	box_drop(&w->b, "new", "1234567890.stranger", text);
	(void)close(w->b.root);
	begin(w, true);
	mailbox_status(w->b.mb, &after);
	assert_int_equal(after.messages, 2);
	assert_int_equal(view_rec(w->b.v, 1)->flags, FLAG_SEEN | FLAG_FLAGGED);
	assert_true(view_rec(w->b.v, 1)->modseq > old);
	assert_true(after.highest_modseq > before.highest_modseq);
	seqset_init(&gone, 100);
	assert_true(
	    mailbox_vanished(w->b.mb, before.highest_modseq, NULL, &gone));
	assert_int_equal(seqset_count(&gone), 1);
	assert_true(seqset_has(&gone, 1));
	seqset_free(&gone);
	end(w);
	/* and is there the next time, too */
	begin(w, true);
	assert_int_equal(n_getdents, 0);
	seqset_init(&gone, 100);
	assert_true(
	    mailbox_vanished(w->b.mb, before.highest_modseq, NULL, &gone));
	assert_int_equal(seqset_count(&gone), 1);
	seqset_free(&gone);
	end(w);
}

/* One new file costs one file: cur/ is not read. */
static void
test_one_new(void **state)
{
	struct world *w = *state;

	begin(w, true);
	(void)box_save(w->b.mb, text, FLAG_SEEN);
	box_sync(&w->b);
	end(w);
	w->b.root = open(w->s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	box_drop(&w->b, "new", "1234567890.stranger", text);
	(void)close(w->b.root);
	begin(w, true);
	assert_int_equal(view_count(w->b.v), 2);
	assert_int_equal(n_getdents, 2); /* of new/, to its end */
	end(w);
}

/* The list is lost, the index is not: numbers as before. */
static void
test_lost_list(void **state)
{
	struct world *w = *state;
	uint32_t uid, validity;

	begin(w, true);
	(void)box_save(w->b.mb, text, FLAG_SEEN);
	uid = box_save(w->b.mb, text, FLAG_SEEN);
	box_sync(&w->b);
	validity = mailbox_uidvalidity(w->b.mb);
	end(w);
	w->b.root = open(w->s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(unlinkat(w->b.root, "dovecot-uidlist", 0), 0);
	(void)close(w->b.root);
	begin(w, true);
	assert_int_equal(mailbox_uidvalidity(w->b.mb), validity);
	assert_int_equal(view_rec(w->b.v, 2)->uid, uid);
	assert_true(box_save(w->b.mb, text, 0) > uid + 1000000);
	box_sync(&w->b);
	end(w);
}

/* Who dies without a word: modseqs begin anew above all that were told. */
static void
test_unclean(void **state)
{
	struct world *w = *state;
	struct mailbox_status before, after;

	begin(w, true);
	(void)box_save(w->b.mb, text, FLAG_SEEN);
	box_sync(&w->b);
	mailbox_status(w->b.mb, &before);
	write_all(w);
	/* what its end would write goes to the removed folder */
	(void)renameat(w->b.root, "index", w->b.root, "saved");
	box_close(&w->b);
	w->b.root = open(w->s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)close(w->b.root);
	begin(w, true);
	mailbox_status(w->b.mb, &after);
	assert_true(after.highest_modseq > before.highest_modseq);
	assert_true(view_rec(w->b.v, 1)->modseq > before.highest_modseq);
	end(w);
}

static void
touch(struct world *w, time_t by)
{
	const struct timespec at = { .tv_sec = time(NULL) + by };
	const struct timespec times[2] = { at, at };

	assert_int_equal(utimensat(w->b.root, "cur", times, 0), 0);
}

/* Deleted a moment ago, so that a look is not certain: it is not shown, nor
 * told gone before it is known. Then no modseq behind it is told to who opened
 * the mailbox before, and the next one hears of it. */
static void
test_hidden(void **state)
{
	struct world *w = *state;
	struct seqset gone;
	uint64_t before;
	char name[600];
	int i;

	seqset_init(&gone, 100);
	begin(w, false);
	for (i = 0; i < 3; i++)
		(void)box_save(w->b.mb, text, FLAG_SEEN);
	box_sync(&w->b);
	before = view_highest_modseq(w->b.v);
	(void)snprintf(name, sizeof name, "cur/%s", view_rec(w->b.v, 2)->name);
	end(w);
	w->b.root = open(w->s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(unlinkat(w->b.root, name, 0), 0);
	touch(w, 1000);
	(void)close(w->b.root);
	begin(w, false);
	assert_int_equal(view_count(w->b.v), 2);
	assert_true(mailbox_vanished(w->b.mb, before, NULL, &gone));
	assert_int_equal(seqset_count(&gone), 0);
	touch(w, -1000);
	(void)usleep(100000);
	box_sync(&w->b);
	assert_true(mailbox_vanished(w->b.mb, before, NULL, &gone));
	assert_true(seqset_has(&gone, 2));
	(void)box_save(w->b.mb, text, FLAG_SEEN);
	box_sync(&w->b);
	assert_true(mailbox_vanished(
	    w->b.mb, view_highest_modseq(w->b.v), NULL, &gone));
	assert_true(seqset_has(&gone, 2));
	end(w);
	begin(w, false);
	assert_true(view_highest_modseq(w->b.v) > before + 1);
	assert_true(mailbox_vanished(w->b.mb, before, NULL, &gone));
	assert_true(seqset_has(&gone, 2));
	end(w);
	seqset_free(&gone);
}

/* A mailbox whose records could not be written: no clean end. */
static void
test_behind(void **state)
{
	struct world *w = *state;
	uint64_t told;

	begin(w, true);
	(void)box_save(w->b.mb, text, FLAG_SEEN);
	box_sync(&w->b);
	end(w);
	begin(w, true);
	(void)box_save(w->b.mb, text, FLAG_SEEN);
	box_sync(&w->b);
	told = view_highest_modseq(w->b.v);
	w->b.mb->memory.is_lost = true;
	box_close(&w->b);
	begin(w, true);
	assert_true(view_rec(w->b.v, 1)->modseq > told);
	end(w);
}

static uint64_t
open_again(struct world *w)
{
	struct folder_place place = { w->b.root, w->b.root, "", "INBOX" };
	struct mailbox *mb;
	struct mailbox_status st;
	struct folder f;
	struct err err;

	assert_int_equal(folder_open(&place, &f, &err), 0);
	assert_int_equal(mailbox_open_folder(w->b.ms, &f, &mb, &err), 0);
	box_sync(&w->b);
	mailbox_status(mb, &st);
	mailbox_close(&mb);
	return st.highest_modseq;
}

/* A second process of the user while the first still lives: what either tells
 * is above what the other has told. */
static void
test_two_at_once(void **state)
{
	struct world *w = *state, other = { .s = w->s };
	struct flag_change flag = { .op = FLAG_ADD, .flags = FLAG_FLAGGED };
	uint64_t told, later;
	struct err err;

	begin(w, true);
	(void)box_save(w->b.mb, text, FLAG_SEEN);
	box_sync(&w->b);
	write_all(w);
	begin(&other, true);
	(void)box_save(other.b.mb, text, FLAG_SEEN);
	box_sync(&other.b);
	told = open_again(&other);
	later = open_again(w);
	assert_true(later > told);
	assert_int_equal(mailbox_change(w->b.mb, mailbox_find(w->b.mb, 1),
			     &flag, NULL, &err),
	    1);
	later = open_again(w);
	assert_true(later > told);
	assert_true(mailbox_find(w->b.mb, 1)->modseq > told);
	told = later;
	assert_true(open_again(&other) > told);
	end(w);
	told = open_again(&other);
	end(&other);
	begin(w, true);
	assert_true(view_highest_modseq(w->b.v) > told);
	end(w);
}

static void
test_summaries(void **state)
{
	struct world *w = *state;
	struct slice got;
	int i;

	begin(w, true);
	(void)box_save(w->b.mb, text, FLAG_SEEN);
	box_sync(&w->b);
	summary_keep(w->b.mb, view_rec(w->b.v, 1), SUMMARY_ENVELOPE,
	    SLICE("(envelope)"));
	for (i = 0; i < 2; i++) {
		assert_true(summary_get(
		    w->b.mb, view_rec(w->b.v, 1), SUMMARY_ENVELOPE, &got));
		assert_true(slice_eq_str(got, "(envelope)"));
		end(w);
		begin(w, true);
	}
	end(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_strangers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_new, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_lost_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unclean, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hidden, setup, teardown),
		cmocka_unit_test_setup_teardown(test_behind, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_two_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_summaries, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
