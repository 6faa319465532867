/* SPDX-License-Identifier: ISC */
/*
 * Strangers between one system call of a scan and the next: the folder is read
 * in small pieces, and after each piece somebody renames, delivers, moves and
 * removes. Seeded, so that what fails once fails again: BETWEEN_SEED=n.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libmaildir/copy.h"
#include "libmaildir/io.h"
#include "tests/unit/libmaildir/box.h"

#define MESSAGES 1500 /* that ever were */
#define START    60
#define ROUNDS   120

/* ---- the table with somebody in between ---- */

static struct {
	void (*act)(void);
	void (*before_rename)(void), (*after_rename)(void); /* once */
	int root;
	unsigned seed;
	/* by the number in the base name "1.m<number>.h" */
	bool is_there[MESSAGES];
	uint32_t uid[MESSAGES];
	unsigned made, removed, renamed;
} world;

static unsigned
dice(unsigned n)
{
	return (unsigned)rand_r(&world.seed) % n;
}

static ssize_t
getdents_in_pieces(int fd, void *p, size_t n)
{
	ssize_t r = io_kernel.getdents(fd, p, n < 320 ? n : 320);

	if (world.act != NULL)
		world.act();
	return r;
}

static int
rename_and_act(
    int dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	void (*act)(void) = world.before_rename;
	int r;

	world.before_rename = NULL;
	if (act != NULL)
		act();
	r = io_kernel.renameat2(dir, from, to_dir, to, flags);
	act = world.after_rename;
	world.after_rename = NULL;
	if (act != NULL)
		act();
	return r;
}

static int
no_fsync(int fd)
{
	(void)fd;
	return 0;
}

static struct io_ops ops;
const struct io_ops *const io_table = &ops;

static int
setup(void **state)
{
	const char *seed = getenv("BETWEEN_SEED");

	ops = io_kernel;
	ops.getdents = getdents_in_pieces;
	ops.renameat2 = rename_and_act;
	ops.fsync = no_fsync; /* not what is tested here */
	memset(&world, 0, sizeof world);
	world.seed = seed != NULL ? (unsigned)strtoul(seed, NULL, 10) :
				    (unsigned)getpid();
	print_message("seed %u\n", world.seed);
	return scratch_setup(state);
}

/* ---- strangers ---- */

static int
number_of(const char *name)
{
	return (int)strtol(name + strlen("1.m"), NULL, 10);
}

/* A name out of cur or new; which one is chance. */
static bool
pick(const char *dir, char name[256])
{
	int fd = openat(world.root, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *e;
	unsigned n = 0;
	DIR *d;

	assert_int_not_equal(fd, -1);
	d = fdopendir(fd);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && dice(++n) == 0)
			(void)snprintf(name, 256, "%s", e->d_name);
	(void)closedir(d);
	return n > 0;
}

static void
deliver(void)
{
	char path[64];
	int fd;

	if (world.made == MESSAGES)
		return;
	(void)snprintf(path, sizeof path, "new/1.m%u.h", world.made);
	fd = openat(world.root, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, "x\n", 2), 2);
	(void)close(fd);
	world.is_there[world.made++] = true;
}

static void
rename_one(void)
{
	static const char *const infos[] = { "", "S", "FS", "RS", "DFRS" };
	bool in_new = dice(4) == 0;
	char name[256], from[300], to[300];

	if (!pick(in_new ? "new" : "cur", name))
		return;
	(void)snprintf(
	    from, sizeof from, "%s/%s", in_new ? "new" : "cur", name);
	(void)snprintf(
	    to, sizeof to, "cur/1.m%d.h:2,%s", number_of(name), infos[dice(5)]);
	assert_int_equal(renameat(world.root, from, world.root, to), 0);
	world.renamed++;
}

static void
remove_one(void)
{
	char name[256], path[300];

	if (!pick("cur", name))
		return;
	(void)snprintf(path, sizeof path, "cur/%s", name);
	world.is_there[number_of(name)] = false;
	world.removed++;
	assert_int_equal(unlinkat(world.root, path, 0), 0);
}

static void
stranger(void)
{
	unsigned n;

	for (n = dice(4); n > 0; n--)
		switch (dice(10)) {
		case 0:
			deliver();
			break;
		case 1:
			remove_one();
			break;
		default:
			rename_one();
		}
}

/* ---- what is told ---- */

static void
on_expunge(void *arg, uint32_t seq, uint32_t uid)
{
	unsigned i;

	(void)arg;
	(void)seq;
	for (i = 0; i < world.made && world.uid[i] != uid; i++)
		;
	if (i < world.made && world.is_there[i])
		fail_msg("m%u, uid %u, is told expunged and is there", i, uid);
}

static void
check_told(struct view *v)
{
	uint32_t seq, last = 0;

	for (seq = 1; seq <= view_count(v); seq++) {
		const struct mailbox_rec *rec = view_rec(v, seq);
		int i = number_of(rec->name);

		assert_true(rec->uid > last);
		last = rec->uid;
		if (world.uid[i] != 0 && world.uid[i] != rec->uid)
			fail_msg("m%d was uid %u and is uid %u", i,
			    world.uid[i], rec->uid);
		world.uid[i] = rec->uid;
	}
}

/* We do something, too. */
static void
change_one(struct box *b)
{
	struct flag_change how = { .op = FLAG_ADD, .flags = FLAG_SEEN };
	struct err err = { 0 };
	struct mailbox_rec *rec;

	if (view_count(b->v) == 0)
		return;
	how.op = dice(2) == 0 ? FLAG_ADD : FLAG_REMOVE;
	rec = view_rec(b->v, dice(view_count(b->v)) + 1);
	if (mailbox_change(b->mb, rec, &how, b->v, &err) == -1 &&
	    err.code != ERR_GONE && err.code != ERR_NOTFOUND)
		fail_msg("%s", err.text);
}

static void
expunge_one(struct box *b)
{
	struct err err = { 0 };
	struct mailbox_rec *rec;
	struct seqset one;
	uint32_t from = 0;
	int i;

	if (view_count(b->v) == 0)
		return;
	rec = view_rec(b->v, dice(view_count(b->v)) + 1);
	i = number_of(rec->name);
	seqset_init(&one, 4);
	seqset_add(&one, rec->uid, rec->uid);
	if (view_expunge(b->v, &one, true, &from, 9, &err) == 0)
		world.is_there[i] = false;
	seqset_free(&one);
}

static void
settle(struct box *b)
{
	struct view_teller t = { .expunge = on_expunge };
	int i;

	world.act = NULL;
	for (i = 0; i < 3; i++) {
		usleep(70000);
		box_sync(b);
		(void)view_update(b->v, true, &t);
	}
}

static void
check_all(struct box *b)
{
	unsigned i, n = 0;

	for (i = 0; i < world.made; i++)
		n += world.is_there[i];
	assert_int_equal(view_count(b->v), n);
	check_told(b->v);
}

static void
many_rounds(struct scratch *s, bool watch)
{
	struct view_teller t = { .expunge = on_expunge };
	struct err err = { 0 };
	enum step r;
	struct box b;
	int i;

	box_open(&b, s, watch);
	world.root = b.root;
	for (i = 0; i < START; i++)
		deliver();
	world.act = stranger;
	for (i = 0; i < ROUNDS; i++) {
		r = box_refresh(b.v, &err);
		if (r == STEP_FAIL)
			fail_msg("%s", err.text);
		(void)view_update(b.v, dice(3) > 0, &t);
		check_told(b.v);
		if (dice(3) == 0)
			change_one(&b);
		if (dice(10) == 0)
			expunge_one(&b);
	}
	settle(&b);
	print_message("%u made, %u renamed, %u removed\n", world.made,
	    world.renamed, world.removed);
	check_all(&b);
	box_close(&b);
	box_open(&b, s, false);
	check_all(&b);
	box_close(&b);
}

static void
watched(void **state)
{
	many_rounds(*state, true);
}

static void
polled(void **state)
{
	many_rounds(*state, false);
}

/* ---- the queue of events runs over ---- */

static long
queue_length(void)
{
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
	long n = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%ld", &n) != 1)
		n = 0;
	(void)fclose(f);
	return n;
}

static void
overflow_means_scan(void **state)
{
	long i, n = queue_length();
	struct box b;

	if (n == 0 || n > 100000)
		skip();
	box_open(&b, *state, true);
	box_drop(&b, "cur", "1.m0.h:2,", "x\n");
	settle(&b);
	/* ours, announced, and lost in the overflow */
	(void)box_save(b.mb, "x\n", FLAG_SEEN);
	for (i = 0; i < n / 2 + 10; i++) {
		box_rename(&b, "cur/1.m0.h:2,", "cur/1.m0.h:2,S");
		box_rename(&b, "cur/1.m0.h:2,S", "cur/1.m0.h:2,");
	}
	/* these are told by no event */
	box_drop(&b, "new", "1.m1.h", "x\n");
	box_rename(&b, "cur/1.m0.h:2,", "cur/1.m0.h:2,F");
	box_sync(&b);
	assert_int_equal(view_count(b.v), 3);
	assert_int_equal(view_rec(b.v, 1)->flags, FLAG_FLAGGED);
	box_close(&b);
}

/* ---- more names than one ---- */

static void
link_names(struct box *b, const char *from, const char *to)
{
	assert_int_equal(linkat(b->root, from, b->root, to, 0), 0);
}

static void
links_go_with_the_message(void **state)
{
	static const char *const second[] = { "new/1.m0.h", "cur/1.m0.h:2,F" };
	struct err err = { 0 };
	size_t i;

	for (i = 0; i < N_ELEMENTS(second); i++) {
		struct seqset all;
		uint32_t from = 0;
		struct box b;

		box_open(&b, *state, i == 0);
		box_drop(&b, "cur", "1.m0.h:2,S", "x\n");
		link_names(&b, "cur/1.m0.h:2,S", second[i]);
		settle(&b);
		assert_int_equal(view_count(b.v), 1);
		seqset_init(&all, 4);
		seqset_add(&all, 1, 10);
		assert_int_equal(
		    view_expunge(b.v, &all, true, &from, 9, &err), 0);
		seqset_free(&all);
		assert_int_equal(
		    box_files(&b, "cur", NULL) + box_files(&b, "new", NULL), 0);
		settle(&b);
		assert_int_equal(view_count(b.v), 0);
		box_close(&b);
	}
}

static void
links_go_when_it_moves(void **state)
{
	struct err err = { 0 };
	struct mailbox *to;
	struct seqset all;
	struct copy *c;
	struct box b;

	box_open(&b, *state, true);
	to = box_other(&b, ".to");
	box_drop(&b, "cur", "1.m0.h:2,S", "x\n");
	link_names(&b, "cur/1.m0.h:2,S", "new/1.m0.h");
	settle(&b);
	seqset_init(&all, 4);
	seqset_add(&all, 1, 10);
	assert_int_equal(copy_begin(b.v, &all, to, true, &c, &err), 0);
	assert_int_equal(box_copy(c, &err), STEP_DONE);
	copy_free(&c);
	seqset_free(&all);
	settle(&b);
	assert_int_equal(view_count(b.v), 0);
	assert_int_equal(
	    box_files(&b, "cur", NULL) + box_files(&b, "new", NULL), 0);
	assert_int_equal(
	    box_files(&b, ".to/cur", NULL) + box_files(&b, ".to/new", NULL), 1);
	mailbox_close(&to);
	box_close(&b);
}

/* The name that a flag change wants is the other name of the same file. */
static void
flag_of_a_linked_one(void **state)
{
	struct flag_change how = { .op = FLAG_SET };
	struct err err = { 0 };
	uint8_t was;
	struct box b;

	box_open(&b, *state, true);
	box_drop(&b, "cur", "1.m0.h:2,S", "x\n");
	link_names(&b, "cur/1.m0.h:2,S", "cur/1.m0.h:2,F");
	settle(&b);
	was = view_rec(b.v, 1)->flags;
	how.flags = was == FLAG_SEEN ? FLAG_FLAGGED : FLAG_SEEN;
	assert_int_equal(
	    mailbox_change(b.mb, view_rec(b.v, 1), &how, b.v, &err), 1);
	settle(&b);
	assert_int_equal(view_count(b.v), 1);
	assert_int_equal(view_rec(b.v, 1)->uid, 1);
	assert_int_equal(view_rec(b.v, 1)->flags, how.flags);
	box_close(&b);
}

/* Its file is not gone because it has another name now and here again. */
static void
back_and_forth(void **state)
{
	struct err err = { 0 };
	struct box b;
	int fd, i;

	box_open(&b, *state, false);
	box_drop(&b, "cur", "1.m0.h:2,S", "x\n");
	settle(&b);
	for (i = 0; i < 6; i++) {
		link_names(&b, "cur/1.m0.h:2,S", "cur/1.m0.h:2,F");
		assert_int_equal(
		    unlinkat(b.root,
			i % 2 == 0 ? "cur/1.m0.h:2,S" : "cur/1.m0.h:2,F", 0),
		    0);
		assert_int_equal(
		    mailbox_open_message(b.mb, view_rec(b.v, 1), &fd, &err), 0);
		(void)close(fd);
		if (i % 2 == 0)
			box_rename(&b, "cur/1.m0.h:2,F", "cur/1.m0.h:2,S");
	}
	box_sync(&b);
	assert_int_equal(view_rec(b.v, 1)->uid, 1);
	box_close(&b);
}

/* ---- a keyword's letter is given anew while it comes into use ---- */

static void
all_letters(struct box *b, const char *first)
{
	char line[32];
	struct buf text;
	int i;

	buf_init(&text, 4096);
	for (i = 0; i < N_KEYWORDS; i++) {
		(void)snprintf(line, sizeof line, "key%02d", i);
		buf_printf(&text, "%d %s\n", i, i == 0 ? first : line);
	}
	(void)unlinkat(b->root, "dovecot-keywords", 0);
	scratch_write(b->root, "dovecot-keywords", buf_cstr(&text));
	buf_free(&text);
}

static void
somebody_sets_a(void)
{
	assert_int_equal(renameat(world.root, "cur/1.m0.h:2,S", world.root,
			     "cur/1.m0.h:2,Sa"),
	    0);
}

static void
letter_came_into_use(void **state)
{
	const struct slice name = SLICE("another"), first = SLICE("key00");
	struct err err = { 0 };
	uint32_t mask;
	struct box b;

	box_open(&b, *state, true);
	world.root = b.root;
	box_drop(&b, "cur", "1.m0.h:2,S", "x\n");
	settle(&b);
	all_letters(&b, "key00");
	/* when the new list is put into its place */
	world.before_rename = somebody_sets_a;
	assert_int_equal(
	    mailbox_keyword_mask(b.mb, &name, 1, true, &mask, &err), -1);
	assert_int_equal(err.code, ERR_BUSY);
	assert_int_equal(
	    mailbox_keyword_mask(b.mb, &first, 1, false, &mask, &err), 1);
	assert_int_equal(mask, 1);
	assert_int_equal(
	    mailbox_keyword_mask(b.mb, &name, 1, true, &mask, &err), 1);
	assert_int_equal(mask, 2);
	box_close(&b);
}

static struct box *the_box;

static void
somebody_gives_a(void)
{
	all_letters(the_box, "given anew");
}

static void
letter_was_given_anew(void **state)
{
	struct flag_change how = { .op = FLAG_ADD };
	const struct slice name = SLICE("key00");
	struct err err = { 0 };
	struct box b;
	int i;

	box_open(&b, *state, true);
	the_box = &b;
	box_drop(&b, "cur", "1.m0.h:2,S", "x\n");
	settle(&b);
	for (i = 0; i < 2; i++) {
		all_letters(&b, "key00");
		assert_int_equal(mailbox_keyword_mask(b.mb, &name, 1, false,
				     &how.keywords, &err),
		    1);
		if (i == 0)
			world.before_rename = somebody_gives_a;
		else
			world.after_rename = somebody_gives_a;
		assert_int_equal(
		    mailbox_change(b.mb, view_rec(b.v, 1), &how, b.v, &err),
		    -1);
		assert_int_equal(err.code, ERR_BUSY);
		settle(&b);
		assert_int_equal(
		    faccessat(b.root, "cur/1.m0.h:2,S", F_OK, 0), 0);
		assert_int_equal(view_rec(b.v, 1)->keywords, 0);
	}
	all_letters(&b, "key00");
	assert_int_equal(
	    mailbox_keyword_mask(b.mb, &name, 1, false, &how.keywords, &err),
	    1);
	assert_int_equal(
	    mailbox_change(b.mb, view_rec(b.v, 1), &how, b.v, &err), 1);
	assert_int_equal(faccessat(b.root, "cur/1.m0.h:2,Sa", F_OK, 0), 0);
	box_close(&b);
}

/* ---- the folder itself ---- */

static void
remove_folder(struct box *b, const char *name)
{
	static const char *const parts[] = { "cur", "new", "tmp", "" };
	char path[64], file[256], whole[340];
	size_t i;

	for (i = 0; i < N_ELEMENTS(parts); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", name, parts[i]);
		while (parts[i][0] != '\0' && box_files(b, path, file) > 0) {
			(void)snprintf(
			    whole, sizeof whole, "%s/%s", path, file);
			assert_int_equal(unlinkat(b->root, whole, 0), 0);
		}
		if (parts[i][0] == '\0') {
			(void)snprintf(
			    whole, sizeof whole, "%s/dovecot-uidlist", name);
			(void)unlinkat(b->root, whole, 0);
		}
		assert_int_equal(unlinkat(b->root, path, AT_REMOVEDIR), 0);
	}
}

static uint32_t
validity(struct mailbox *mb)
{
	struct mailbox_status st;

	mailbox_status(mb, &st);
	return st.uidvalidity;
}

enum fate {
	REMOVED,
	MOVED_AWAY,
	MADE_ANEW,
	N_FATES
};

static void
one_fate(struct scratch *s, enum fate fate, bool watch, bool empty)
{
	struct err err = { 0 };
	struct mailbox *mb, *again;
	struct view *v, *w;
	struct box b;

	box_open(&b, s, watch);
	mb = box_other(&b, ".A");
	if (!empty)
		(void)box_save(mb, "x\n", 0);
	v = view_open(mb, false);
	assert_int_equal(box_refresh(v, &err), STEP_DONE);
	(void)view_update(v, true, NULL);
	usleep(20000);
	assert_int_equal(box_refresh(v, &err), STEP_DONE);
	if (fate == MOVED_AWAY) {
		(void)mkdirat(b.root, "gone", 0700);
		box_rename(&b, ".A", "gone/A");
	} else
		remove_folder(&b, ".A");
	(void)watch_read(mailboxes_watch(b.ms));
	assert_true(mailbox_is_dirty(mb));
	again = NULL;
	if (fate == MADE_ANEW) {
		/* with the very name and number that the old one has */
		again = box_other(&b, ".A");
		assert_ptr_not_equal(again, mb);
		box_drop(&b, ".A/cur", "1.m0.h:2,", "other\n");
		w = view_open(again, true);
		assert_int_equal(box_refresh(w, &err), STEP_DONE);
		(void)view_update(w, true, NULL);
		assert_int_equal(view_count(w), 1);
		assert_true(validity(again) > validity(mb));
	}
	assert_int_equal(box_refresh(v, &err), STEP_FAIL);
	assert_int_equal(err.code, ERR_GONE);
	if (again != NULL) {
		view_close(&w);
		mailbox_close(&again);
		remove_folder(&b, ".A");
	}
	view_close(&v);
	mailbox_close(&mb);
	if (fate == MOVED_AWAY)
		remove_folder(&b, "gone/A");
	box_close(&b);
}

static void
folder_gone(void **state)
{
	unsigned i;

	for (i = 0; i < 4 * N_FATES; i++)
		one_fate(*state, i / 4, (i & 1) != 0, (i & 2) != 0);
}

static void
folder_renamed_is_the_same(void **state)
{
	struct err err = { 0 };
	struct mailbox *mb, *again;
	struct view *v;
	struct box b;

	box_open(&b, *state, true);
	mb = box_other(&b, ".A");
	(void)box_save(mb, "x\n", 0);
	v = view_open(mb, false);
	assert_int_equal(box_refresh(v, &err), STEP_DONE);
	(void)view_update(v, true, NULL);
	box_rename(&b, ".A", ".B");
	assert_int_equal(box_refresh(v, &err), STEP_DONE);
	again = box_other(&b, ".B");
	assert_ptr_equal(again, mb);
	mailbox_close(&again);
	again = box_other(&b, ".A");
	assert_ptr_not_equal(again, mb);
	mailbox_close(&again);
	assert_int_equal(view_rec(v, 1)->uid, 1);
	view_close(&v);
	mailbox_close(&mb);
	box_close(&b);
}

#define with_world(t)                                                          \
	cmocka_unit_test_setup_teardown(t, setup, scratch_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_world(watched),
		with_world(polled),
		with_world(overflow_means_scan),
		with_world(links_go_with_the_message),
		with_world(links_go_when_it_moves),
		with_world(flag_of_a_linked_one),
		with_world(back_and_forth),
		with_world(letter_came_into_use),
		with_world(letter_was_given_anew),
		with_world(folder_gone),
		with_world(folder_renamed_is_the_same),
	};

	return cmocka_run_group_tests_name("between", tests, NULL, NULL);
}
