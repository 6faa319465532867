/* SPDX-License-Identifier: ISC */
/*
 * From the login to the greeting: may this session begin, what does it see.
 *
 * What POP3 deleted under pop3_keep carries the keyword $POP3Deleted and is not
 * in the snapshot, whatever the setting says now. It is removed here when its
 * name (which holds the keyword) was last changed that long ago: the file's
 * ctime, which every later change only makes younger. Nothing is removed while
 * the setting is 0.
 */
#include <stdio.h>
#include <stdlib.h>

#include "libbase/ceilings.h"
#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libmaildir/io.h"
#include "libmaildir/store.h"
#include "libnet/conn.h"
#include "libserver/log.h"

#include "pop3d/pop3_session.h"

#define EXPIRE_PORTION 100 /* files removed before others are served */

static uint64_t
setting_ms(const struct pop3_session *s, const char *name)
{
	return conf_ms(s->user->se->conf, name);
}

/* ---- may it begin ---- */

static enum step
refuse(struct pop3_session *s, const char *words)
{
	(void)pop3_err(s, words);
	pop3_close(s, "refused");
	return STEP_INPUT;
}

/* Microseconds since 1970, as text in the file; 0: no login yet. */
static uint64_t
last_login(int fd)
{
	char text[32];
	ssize_t n = io_pread(fd, text, sizeof text, 0);
	uint64_t t;

	if (n <= 0 ||
	    slice_u64(slice_trim(slice_of(text, (size_t)n)), UINT64_MAX, &t) ==
		-1)
		return 0;
	return t;
}

static bool
is_too_soon(struct pop3_session *s)
{
	uint64_t delay_us = setting_ms(s, "pop3_login_delay") * 1000;
	uint64_t last, now = clock_real_us();

	if (delay_us == 0)
		return false;
	last = last_login(s->login_fd);
	return last <= now && now - last < delay_us; /* clocks may jump */
}

/* A lock that cannot be had for the disk's sake keeps nobody out: mail must be
 * deleted from a full disk. It goes with its holder, however that ends. */
static enum step
open_door(struct pop3_session *s, struct err *err)
{
	bool is_exclusive = conf_bool(s->user->se->conf, "pop3_exclusive");
	int r = 1;

	if (!is_exclusive && setting_ms(s, "pop3_login_delay") == 0)
		return STEP_DONE;
	if (store_pop3_file(s->user->store, &s->login_fd, err) == -1) {
		log_err(s->id, "no lock and no login delay", err);
		return STEP_DONE;
	}
	if (is_exclusive && (r = io_try_flock(s->login_fd)) == -1) {
		(void)err_sys(err, "lock restante/pop3");
		log_err(s->id, "no lock", err);
	}
	if (r == 0)
		return refuse(
		    s, "[IN-USE] Another POP3 session has the mailbox");
	if (is_too_soon(s))
		return refuse(s, "[LOGIN-DELAY] Too soon after the last login");
	return STEP_DONE;
}

static void
note_login(struct pop3_session *s)
{
	char text[32];
	struct err err;
	int n;

	if (s->login_fd == -1 || setting_ms(s, "pop3_login_delay") == 0)
		return;
	n = snprintf(text, sizeof text, "%020llu\n",
	    (unsigned long long)clock_real_us());
	if (io_write(s->login_fd, slice_of(text, (size_t)n)) == -1) {
		(void)err_sys(&err, "write restante/pop3");
		log_err(s->id, "login not noted", &err);
	}
}

/* ---- what is there ---- */

/* It is open since an earlier login, and was replaced meanwhile. */
static enum step
open_again(struct pop3_session *s, struct err *err)
{
	view_close(&s->view);
	mailbox_close(&s->box);
	return pop3_open_inbox(s, err) == -1 ? STEP_FAIL : STEP_AGAIN;
}

static enum step
refresh(struct pop3_session *s, struct err *err)
{
	enum step r = mailbox_read_list(s->box, err) == -1 ?
	    STEP_FAIL :
	    view_refresh(s->view, &s->flush, err);

	if (r == STEP_EVENT)
		return pop3_wait_for_lock(s);
	if (r == STEP_FAIL && err->code == ERR_GONE && s->cursor++ == 0)
		return open_again(s, err);
	return r;
}

static int
by_order(const void *a, const void *b)
{
	const struct mailbox_rec *x = ((const struct pop3_message *)a)->rec;
	const struct mailbox_rec *y = ((const struct pop3_message *)b)->rec;
	uint32_t ox = x->pop3_order == 0 ? UINT32_MAX : x->pop3_order;
	uint32_t oy = y->pop3_order == 0 ? UINT32_MAX : y->pop3_order;

	if (ox != oy)
		return ox < oy ? -1 : 1;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static enum step
note_messages(struct pop3_session *s, struct err *err)
{
	struct slice keyword = SLICE(POP3_KEYWORD);
	bool is_ordered = false;
	uint32_t i, n;

	(void)view_update(s->view, true, NULL);
	if (mailbox_keyword_mask(
		s->box, &keyword, 1, false, &s->kept_mask, err) == -1)
		return STEP_FAIL;
	n = view_count(s->view);
	s->messages = xcalloc(n + 1, sizeof *s->messages);
	for (i = 0; i < n; i++) {
		struct mailbox_rec *rec = view_rec(s->view, i + 1);

		if (!mailbox_was_seen(s->box, rec))
			continue; /* deleted a moment ago */
		if ((rec->keywords & s->kept_mask) != 0) {
			s->n_hidden++;
			continue;
		}
		is_ordered = is_ordered || rec->pop3_order != 0;
		s->messages[s->n_messages++].rec = rec;
	}
	if (is_ordered)
		qsort(
		    s->messages, s->n_messages, sizeof *s->messages, by_order);
	return STEP_DONE;
}

/* Sizes that no name tells are counted now: LIST must be exact. */
static enum step
load_sizes(struct pop3_session *s, struct err *err)
{
	while (s->cursor < s->n_messages) {
		struct pop3_message *m = &s->messages[s->cursor];

		if (mailbox_sizes(s->box, m->rec, err) == 0)
			m->wire = m->rec->wire;
		else if (err->code != ERR_GONE)
			return STEP_FAIL;
		s->cursor++;
		if (!conn_slice_left(s->conn))
			return STEP_AGAIN;
	}
	return STEP_DONE;
}

/* ---- what was kept long enough ---- */

static enum step
find_expired(struct pop3_session *s, struct err *err)
{
	int64_t keep = (int64_t)((setting_ms(s, "pop3_keep") + 999) / 1000);
	int64_t changed;

	if (keep == 0 || s->n_hidden == 0)
		return STEP_DONE;
	while (s->cursor < view_count(s->view)) {
		struct mailbox_rec *rec = view_rec(s->view, ++s->cursor);

		if ((rec->keywords & s->kept_mask) != 0 &&
		    mailbox_changed_at(s->box, rec, &changed, err) == 0 &&
		    (int64_t)clock_now() - changed > keep)
			seqset_add(&s->doomed, rec->uid, rec->uid);
		if (!conn_slice_left(s->conn))
			return STEP_AGAIN;
	}
	return STEP_DONE;
}

/* What fails is tried again at the next login. */
static enum step
remove_expired(struct pop3_session *s, struct err *err)
{
	int more = s->doomed.n > 0;

	while (more != 0 && conn_slice_left(s->conn)) {
		more = view_expunge(
		    s->view, &s->doomed, true, &s->cursor, EXPIRE_PORTION, err);
		if (more == -1)
			log_err(s->id, "kept message not removed", err);
	}
	if (more != 0)
		return STEP_AGAIN;
	seqset_reset(&s->doomed);
	return STEP_DONE;
}

/* ---- all of it ---- */

static enum step
greet(struct pop3_session *s, struct err *err)
{
	(void)err;
	note_login(s);
	if (!conf_bool(s->user->se->conf, "pop3_exclusive"))
		io_close(&s->login_fd);
	out_printf(conn_out(s->conn), "+OK %u messages\r\n", s->n_messages);
	pop3_enter(s, POP3_TRANSACTION);
	return STEP_DONE;
}

static enum step (*const parts[])(struct pop3_session *s, struct err *err) = {
	open_door,
	refresh,
	note_messages,
	find_expired,
	remove_expired,
	load_sizes,
	greet,
};

enum step
pop3_load(struct pop3_session *s)
{
	struct err err;
	enum step r = STEP_DONE;

	while (s->loading < N_ELEMENTS(parts)) {
		r = parts[s->loading](s, &err);
		if (r == STEP_FAIL) {
			(void)pop3_fail(s, &err);
			pop3_close(s, "mailbox");
			return STEP_INPUT;
		}
		if (r != STEP_DONE)
			return r;
		s->loading++;
		s->cursor = 0;
	}
	return r;
}
