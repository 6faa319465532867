/* SPDX-License-Identifier: ISC */
/* The end of a save: flushes, names, numbers; save.c opens with the rules. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmaildir/io.h"
#include "libmaildir/save_impl.h"

#define MAX_LINES_BYTES (32 * MIB) /* of one MULTIAPPEND's records */

static int
place_dir(const struct save *s, enum save_place place)
{
	switch (place) {
	case PLACE_CUR:
		return s->folder->cur;
	case PLACE_NEW:
		return s->folder->new;
	case PLACE_TMP:
	case PLACE_NONE:
		break;
	}
	return s->kind == SAVE_STAGE ? s->stage : s->folder->tmp;
}

static void
take_back(struct save *s, struct save_one *one)
{
	struct watch_folder *wf = s->mb == NULL ? NULL : s->mb->watch;
	enum watch_dir dir = one->place == PLACE_NEW ? WATCH_NEW : WATCH_CUR;

	if (one->place == PLACE_NONE)
		return;
	if (s->kind == SAVE_UNSTAGE) {
		/* It stays what it was: staged. */
		(void)!io_rename(
		    place_dir(s, one->place), one->name, s->stage, s->stage_id);
		one->place = PLACE_NONE;
		return;
	}
	if (one->place != PLACE_TMP)
		watch_expect(wf, dir, WATCH_OUT, slice_str(one->name));
	io_discard(place_dir(s, one->place), one->name);
	if (one->place != PLACE_TMP && s->mb != NULL) {
		mailbox_must_scan(s->mb);
	}
	one->place = PLACE_NONE;
}

static enum step
fail(struct save *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		take_back(s, &s->v[i]);
	s->phase = SAVE_DONE;
	s->n_failed = s->n;
	return STEP_FAIL;
}

static void
free_one(struct save_one *one)
{
	size_t i;

	for (i = 0; i < one->n_keywords; i++) {
		union {
			const char *c;
			char *p;
		} bytes = { .c = one->keywords[i].p };

		xfree(bytes.p);
	}
	xfree(one->keywords);
	xfree(one->name);
	io_close(&one->fd);
}

void
save_free(struct save **save)
{
	struct save *s = *save;
	size_t i;

	if (s == NULL)
		return;
	*save = NULL;
	/* Names that were given stay: the messages are whole and flushed. */
	if (s->phase < SAVE_FOLDER)
		(void)fail(s);
	for (i = 0; i < s->n; i++)
		free_one(&s->v[i]);
	mailbox_refresh_drop(&s->list);
	io_close(&s->stage);
	io_close(&s->stage_top);
	keywords_free(&s->own_keywords);
	buf_free(&s->block);
	xfree(s->stage_id);
	xfree(s->v);
	xfree(s);
}

/* ---- flushing ---- */

/* Did the flush we asked for go well? */
static int
check_flush(struct flush_set *fs, struct err *err)
{
	fs->n = 0;
	if (fs->error == 0)
		return 0;
	errno = fs->error;
	return err_sys(err, "flush a message");
}

/* 1: all files are flushed, 0: fs is filled. */
static int
want_files(struct save *s, struct flush_set *fs)
{
	for (; s->n_asked > 0; s->n_asked--)
		io_close(&s->v[s->n_flushed++].fd);
	fs->n = 0;
	fs->error = 0;
	while (s->n_flushed + s->n_asked < s->n && fs->n < FLUSH_SET_MAX) {
		io_flush_want(
		    fs, s->v[s->n_flushed + s->n_asked].fd, FLUSH_FILE);
		s->n_asked++;
	}
	return s->n_asked == 0;
}

/* Folder and list, after the names were given. */
static int
want_folder(struct save *s, struct flush_set *fs, struct err *err)
{
	size_t i;

	fs->n = 0;
	fs->error = 0;
	for (i = 0; i < s->n; i++)
		io_flush_want(fs, place_dir(s, s->v[i].place), FLUSH_FOLDER);
	if (s->kind == SAVE_UNSTAGE)
		io_flush_want(fs, s->stage, FLUSH_FOLDER);
	if (s->kind == SAVE_STAGE) {
		/* Whoever made the folders, and has not come to flush them. */
		io_flush_want(fs, s->stage_top, FLUSH_FOLDER);
		io_flush_want(fs, s->mail_root, FLUSH_FOLDER);
	}
	if (s->kind != SAVE_NUMBERED)
		return 0;
	s->list.flush_fd = fcntl(s->mb->list.fd, F_DUPFD_CLOEXEC, 0);
	if (s->list.flush_fd == -1)
		return err_sys(err, "flush dovecot-uidlist");
	s->list.is_flushing = true;
	s->list.flush_ino = s->mb->list.ino;
	s->list.flush_off = s->mb->list.end;
	s->list.flush_uid = s->mb->list.last_uid;
	io_flush_want(fs, s->list.flush_fd, FLUSH_LIST);
	if (s->mb->list.flushed == 0) /* U4: another may have replaced it */
		io_flush_want(fs, s->mb->folder.control, FLUSH_FOLDER);
	return 0;
}

/* ---- names ---- */

/* Where it goes: into new/ while it may be told as recent to who opens the
 * mailbox next; a session that has it open would only have to move it. */
static enum save_place
place_of(const struct save *s, const struct save_one *one)
{
	const struct view *v;

	if (one->flags != 0 || one->mask != 0)
		return PLACE_CUR;
	for (v = s->mb == NULL ? NULL : s->mb->views; v != NULL; v = v->next)
		if (!v->read_only)
			return PLACE_CUR;
	return PLACE_NEW;
}

static char *
final_name(struct save *s, const struct save_one *one, enum save_place place)
{
	struct name n = { 0 };
	struct buf base, b;
	char *name;

	buf_init(&base, 4 * MAX_FILE_NAME);
	buf_init(&b, 4 * MAX_FILE_NAME);
	if (s->kind == SAVE_UNSTAGE)
		name_unique(&s->folder->next, &base);
	else
		buf_puts(&base, one->name);
	name_put_sizes(&base, one->size, one->wire);
	n.base = buf_slice(&base);
	if (place == PLACE_NEW)
		buf_put_slice(&b, n.base);
	else
		name_print(&n, one->flags, one->mask, &b);
	name = xstrdup(buf_cstr(&b));
	buf_free(&base);
	buf_free(&b);
	return name;
}

/* A staged message has one name at any moment (DESIGN 5, 8): a link and an
 * unlink, which io_rename_new() may come to, would be two deliveries when it
 * ends between them. Its new name is nobody else's. */
static int
rename_one(
    const struct save *s, const struct save_one *one, int to, const char *name)
{
	return s->kind == SAVE_UNSTAGE ?
	    io_rename(s->stage, one->name, to, name) :
	    io_rename_new(s->folder->tmp, one->name, to, name);
}

/* From tmp/ (or the stage) to where it is seen. */
static int
name_one(struct save *s, struct save_one *one, struct err *err)
{
	struct watch_folder *wf = s->mb == NULL ? NULL : s->mb->watch;
	enum save_place place = place_of(s, one);
	enum watch_dir dir = place == PLACE_NEW ? WATCH_NEW : WATCH_CUR;
	char *name = final_name(s, one, place);

	watch_expect(wf, dir, WATCH_IN, slice_str(name));
	if (rename_one(s, one, place_dir(s, place), name) == -1) {
		(void)err_sys(err, "give a message its name");
		watch_forget(wf, dir, WATCH_IN, slice_str(name));
		xfree(name);
		return -1;
	}
	xfree(one->name);
	one->name = name;
	one->place = place;
	return 0;
}

static int
give_letters(struct save *s, struct keywords *k, struct err *err)
{
	size_t i;

	if (keywords_read(k, s->folder, err) == -1)
		return -1;
	for (i = 0; i < s->n; i++)
		if (keywords_give(k, s->folder, s->v[i].keywords,
			s->v[i].n_keywords, &s->v[i].mask, err) == -1)
			return -1;
	return 0;
}

/* Tell the mailbox in memory, so that it need not read the folder. */
static void
tell_mailbox(struct save *s, const struct save_one *one)
{
	struct mailbox_rec *rec;

	if (!s->mb->is_loaded)
		return;
	rec = mailbox_rec_new(
	    s->mb, slice_str(one->name), one->place == PLACE_NEW);
	rec->uid = one->uid;
	rec->internaldate = one->date;
	rec->is_flushed = true;
	rec->is_recent = one->place == PLACE_CUR;
	mailbox_add_own(s->mb, rec);
}

static int
number_under_lock(struct save *s, struct err *err)
{
	struct uidlist *ul = &s->mb->list;
	uint32_t uid = uidlist_next(ul);
	struct buf lines;
	size_t i;
	int r = 0;

	if (give_letters(s, &s->mb->keywords, err) == -1)
		return -1;
	if (uid == 0 || UINT32_MAX - uid < s->n)
		return err_set(err, ERR_LIMIT, "no UID is left");
	buf_init(&lines, MAX_LINES_BYTES);
	for (i = 0; i < s->n && r == 0; i++) {
		struct uidlist_rec rec = { .size = UINT64_MAX,
			.wire = UINT64_MAX };
		struct slice rest;

		if ((r = name_one(s, &s->v[i], err)) == -1)
			break;
		rec.uid = s->v[i].uid = uid + (uint32_t)i;
		rest = slice_str(s->v[i].name);
		(void)slice_cut(&rest, ':', &rec.base);
		uidlist_print_rec(&rec, &lines);
	}
	if (r == 0 && !buf_ok(&lines))
		r = err_set(err, ERR_LIMIT, "too many messages at once");
	if (r == 0)
		r = uidlist_append(
		    ul, buf_slice(&lines), s->v[s->n - 1].uid, err);
	buf_free(&lines);
	for (i = 0; i < s->n && r == 0; i++)
		tell_mailbox(s, &s->v[i]);
	s->uidvalidity = ul->head.uidvalidity;
	return r;
}

static int
names_numbered(struct save *s, struct err *err)
{
	int r;

	if ((r = mailbox_lock(s->mb, err)) != 1)
		return r;
	if (s->n > 0 && number_under_lock(s, err) == -1)
		r = -1;
	mailbox_unlock(s->mb);
	return r;
}

/* Keywords need the lock, also in a folder that is not open as a mailbox. */
static int
letters_plain(struct save *s, struct err *err)
{
	struct uidlist ul;
	size_t i;
	int r;

	for (i = 0; i < s->n && s->v[i].n_keywords == 0; i++)
		;
	if (i == s->n)
		return 1;
	uidlist_init(&ul, s->folder);
	ul.lock.busy_since_us = s->busy_since_us;
	ul.lock.busy_last_us = s->busy_last_us;
	r = uidlist_lock(&ul, err);
	s->busy_since_us = ul.lock.busy_since_us;
	s->busy_last_us = ul.lock.busy_last_us;
	if (r == 1 && give_letters(s, &s->own_keywords, err) == -1)
		r = -1;
	uidlist_free(&ul);
	return r;
}

static int
names_plain(struct save *s, struct err *err)
{
	size_t i;
	int r;

	if ((r = letters_plain(s, err)) != 1)
		return r;
	for (i = 0; i < s->n; i++)
		if (name_one(s, &s->v[i], err) == -1)
			return -1;
	return 1;
}

static int
names_stage(struct save *s, struct err *err)
{
	if (s->n != 1)
		return err_set(err, ERR_INVALID, "one message a stage");
	if (io_rename(s->stage, s->v[0].name, s->stage, s->stage_id) == -1)
		return err_sys(err, "stage %s", s->stage_id);
	xfree(s->v[0].name);
	s->v[0].name = xstrdup(s->stage_id);
	return 1;
}

/* 1 all have their names, 0 the lock is busy, -1. */
static int
give_names(struct save *s, struct err *err)
{
	switch (s->kind) {
	case SAVE_NUMBERED:
		return names_numbered(s, err);
	case SAVE_PLAIN:
	case SAVE_UNSTAGE:
		return names_plain(s, err);
	case SAVE_STAGE:
		return names_stage(s, err);
	}
	return -1;
}

static void
done(struct save *s)
{
	size_t i;

	if (s->kind == SAVE_NUMBERED) {
		mailbox_quota_add(s->mb, (int64_t)save_bytes(s), (int64_t)s->n);
		mailbox_note_flushed(s->mb, &s->list);
		mailbox_refresh_drop(&s->list);
	}
	for (i = 0; i < s->n; i++)
		s->v[i].place = PLACE_NONE;
	s->phase = SAVE_DONE;
}

enum step
save_commit(struct save *s, struct flush_set *fs, struct err *err)
{
	int r;

	switch (s->phase) {
	case SAVE_WRITING:
		if (save_end(s, err) == -1)
			return fail(s);
		s->phase = SAVE_FILES;
		break;
	case SAVE_FILES:
	case SAVE_FOLDER:
		if (check_flush(fs, err) == -1)
			return fail(s);
		break;
	case SAVE_NAMES:
		break;
	case SAVE_DONE:
		if (s->n_failed == 0)
			return STEP_DONE;
		(void)err_set(err, ERR_INVALID, "the save has failed before");
		return STEP_FAIL;
	}
	if (s->phase == SAVE_FILES) {
		if (want_files(s, fs) == 0)
			return STEP_FLUSH;
		s->phase = SAVE_NAMES;
	}
	if (s->phase == SAVE_NAMES) {
		if ((r = give_names(s, err)) == 0)
			return STEP_EVENT;
		if (r == -1 || want_folder(s, fs, err) == -1)
			return fail(s);
		s->phase = SAVE_FOLDER;
		if (fs->n > 0)
			return STEP_FLUSH;
	}
	done(s);
	return STEP_DONE;
}
