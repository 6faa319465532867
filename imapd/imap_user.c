/* SPDX-License-Identifier: ISC */
/* The process of one user: its store, its connections, who hears of what. */
#include <assert.h>
#include <string.h>

#include "imapd/imap_reply.h"
#include "imapd/imap_user.h"
#include "imapd/kept.h"
#include "imapd/pack.h"
#include "imapd/update.h"
#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libmaildir/index.h"
#include "libmaildir/mailbox.h"
#include "libmaildir/store.h"
#include "libmessage/text.h"
#include "libnet/conn.h"
#include "libserver/conf.h"
#include "libserver/log.h"
#include "libserver/session.h"

#define MAX_LOGIN_REPLY (4 * KIB)
/* A session to be parked waits until its answer has left. */
#define PARK_RETRY_MS   2
/* Answers come first, and what follows at once comes along. */
#define INDEX_PAUSE_MS  50
/* Without a write: then it is flushed. */
#define INDEX_REST_MS   30000

/* What nobody has asked for in that time is given back. */
#define REST_MS 30000

/* ---- change notices ---- */

static bool
wants_waking(const struct imap_session *s)
{
	/* What is not watched is looked at when its time comes: two who wait
	 * would wake each other for ever. */
	return s->is_idling && s->box != NULL &&
	    (update_has_news(s) ||
		(mailbox_is_watched(s->box) && mailbox_is_dirty(s->box)));
}

void
imap_user_changed(struct imap_user *u, const struct imap_session *by)
{
	struct imap_session *s;

	LIST_FOREACH(s, &u->sessions, entry) {
		if (s != by && wants_waking(s))
			conn_wake(s->conn);
	}
}

void
imap_user_tend(struct imap_user *u)
{
	enum mailboxes_news news = mailboxes_news(u->boxes);

	if (news == NEWS_MANY)
		timer_start_ms(&u->index, 0);
	else if (news == NEWS_SOME && !timer_is_active(&u->index))
		timer_start_ms(&u->index, INDEX_PAUSE_MS);
	if (!timer_is_active(&u->rest))
		timer_start_ms(&u->rest, REST_MS);
}

static void
on_rest(void *arg)
{
	struct imap_user *u = arg;

	if (summaries_rest(u->boxes))
		timer_start_ms(&u->rest, REST_MS);
}

void
imap_user_look(struct imap_user *u)
{
	if (watch_read(mailboxes_watch(u->boxes)))
		imap_user_changed(u, NULL);
}

static void
on_inotify(void *arg, unsigned events)
{
	(void)events;
	imap_user_look(arg);
}

/* ---- names ---- */

int
imap_user_canonical(struct imap_user *u, struct slice name, struct arena *arena,
    struct slice *out, struct err *err)
{
	struct buf b;
	int r;

	buf_init(&b, MAX_MAILBOX_NAME);
	r = foldername_canonical(store_names(u->store), name, &b, err);
	if (r == 0 && !buf_ok(&b))
		r = err_set(err, ERR_LIMIT, "mailbox name too long");
	if (r == 0)
		*out = arena_slice(arena, buf_slice(&b));
	buf_free(&b);
	return r;
}

void
imap_user_forget(struct imap_user *u, struct slice name)
{
	struct imap_session *s;
	struct slice open;

	mailboxes_forget(u->boxes, name);
	LIST_FOREACH(s, &u->sessions, entry) {
		open = slice_str(s->mailbox_name);
		if (open.n == 0)
			continue;
		/* children went with it */
		if (foldername_is_below(u->separator, name, open))
			mailboxes_forget(u->boxes, open);
		else if (!slice_eq(open, name))
			continue;
		s->must_look = true;
		if (s->is_idling)
			conn_wake(s->conn);
	}
}

/* ---- connections ---- */

static void
on_ready(struct conn *c, void *arg)
{
	(void)c;
	imap_run(arg);
}

static void
on_timeout(struct conn *c, void *arg)
{
	(void)c;
	imap_timed_out(arg);
}

static struct imap_session *
new_session(struct imap_user *u, struct session_link *link,
    const struct attach_info *info)
{
	struct imap_session *s = xmalloc(sizeof(*s));
	const struct conn_conf conf = { .max_in = IO_BLOCK,
		.on_ready = on_ready,
		.on_timeout = on_timeout,
		.arg = s };

	imap_session_init(s, session_conn(link, &conf));
	s->user = u;
	s->info = info;
	s->id = info->id;
	s->has_tls = info->is_tls;
	s->is_loopback = info->is_loopback;
	LIST_INSERT_HEAD(&u->sessions, s, entry);
	conn_set_timeout_ms(s->conn, u->timeout_ms);
	conn_want(s->conn, WANT_SOON);
	imap_enter(s, IMAP_AUTH);
	return s;
}

static void
forget_session(struct imap_session *s)
{
	LIST_REMOVE(s, entry);
	imap_session_free(s);
	xfree(s);
}

void
imap_user_close(struct imap_session *s, const char *reason)
{
	struct imap_user *u = s->user;
	const struct attach_info *info = s->info;

	log_info(s->id, "closed", "reason", reason, "in",
	    LOG_U64(conn_bytes_in(s->conn)), "out",
	    LOG_U64(conn_bytes_out(s->conn)), NULL);
	conn_close(&s->conn);
	forget_session(s);
	session_closed(u->se, info);
}

/* The command that logged in gets its reply from here. */
static void
greet(struct imap_session *s, struct slice tag)
{
	struct buf b;

	buf_init(&b, MAX_LOGIN_REPLY + tag.n);
	buf_put_slice(&b, tag);
	buf_puts(&b, " OK [CAPABILITY ");
	command_capabilities(s, &b);
	buf_puts(&b, "] Logged in\r\n");
	imap_put(s, buf_slice(&b));
	buf_free(&b);
}

static int
user_attach(struct session *se, struct session_link *link, struct slice hello,
    const struct attach_info *info, struct err *err)
{
	struct imap_session *s;
	struct pack p;

	if (pack_read(hello, &p, err) == -1)
		return -1;
	if (p.kind != PACK_LOGIN || p.flags != 0)
		return err_set(err, ERR_CORRUPT, "hello of no login");
	s = new_session(se->state, link, info);
	s->enabled = p.enabled;
	greet(s, p.tag);
	return 0;
}

static int
user_unpack(struct session *se, struct session_link *link, struct slice packed,
    const int *fds, unsigned n_fds, const struct attach_info *info,
    struct err *err)
{
	struct imap_session *s;
	struct pack p;

	(void)fds;
	if (pack_read(packed, &p, err) == -1)
		return -1;
	if (p.kind != PACK_PARKED || n_fds != 0)
		return err_set(err, ERR_CORRUPT, "not a parked session");
	s = new_session(se->state, link, info);
	imap_session_unpack(s, &p);
	return 0;
}

void
imap_user_rested(struct imap_session *s)
{
	struct imap_user *u = s->user;
	struct buf packed;
	struct err err;
	int r = 0;

	if (u->park_after == 0 || s->n_commands < u->park_after ||
	    conn_eof(s->conn))
		return;
	buf_init(&packed, MAX_PACKED);
	if (imap_session_pack(s, &packed, &err) == 0) {
		r = session_park(u->se, &s->conn, buf_slice(&packed), NULL, 0,
		    s->info, &err);
	} else if (err.code != ERR_BUSY) {
		r = -1;
	}
	buf_free(&packed);
	if (r == 1)
		forget_session(s);
	else if (r == -1)
		log_err(s->id, "not parked", &err);
	else if (conn_out_bytes(s->conn) > 0)
		timer_start_ms(&s->retry, PARK_RETRY_MS);
}

/* ---- the process ---- */

/* ---- the index ---- */

static void
write_index(void *arg)
{
	struct imap_user *u = arg;
	uint64_t at = mailboxes_write_index(u->boxes), now = clock_mono_us();

	if (at != 0)
		timer_start_ms(&u->index, at > now ? (at - now) / 1000 + 1 : 0);
	timer_start_ms(&u->index_flush, INDEX_REST_MS);
	/* It has looked at what inotify had to say. */
	imap_user_changed(u, NULL);
}

static void
flush_index(void *arg)
{
	struct imap_user *u = arg;

	mailboxes_flush_index(u->boxes);
}

static void
on_index_dropped(void *arg, const char *why)
{
	(void)arg;
	log_warn(0, "index dropped", "reason", why, NULL);
}

/* Somebody removed the folder under us. */
static int
index_dir_again(void *arg)
{
	struct imap_user *u = arg;
	struct err err;
	int dir;

	return store_index_dir(u->store, &dir, &err) == -1 ? -1 : dir;
}

/* Without it all is as it is with it, but slower. */
static void
open_index(struct imap_user *u)
{
	struct index_conf conf = { .dropped = on_index_dropped,
		.again = index_dir_again,
		.arg = u,
		.owner = u->se->account->name,
		.drop_first = u->se->had_crash };
	struct err err;

	if (store_index_dir(u->store, &conf.dir, &err) == -1) {
		log_err(0, "no index", &err);
		return;
	}
	if (mailboxes_use_index(u->boxes, index_open(&conf),
		store_control_fd(u->store), &err) == -1)
		log_err(0, "no modseqs", &err);
}

/* A program's patience at SIGTERM ends before the family's does. */
static void
on_drain(void *arg)
{
	struct imap_user *u = arg;
	struct imap_session *s, *next;

	for (s = LIST_FIRST(&u->sessions); s != NULL; s = next) {
		next = LIST_NEXT(s, entry);
		imap_cut_short(s);
	}
}

static int
open_store(struct imap_user *u, const struct session *se, struct err *err)
{
	const struct account *a = se->account;
	const struct conf *c = se->conf;
	const uint32_t grain_us = (uint32_t)conf_ms(c, "stamp_grain") * 1000;
	const struct mailboxes_conf boxes = { .stamp_grain_us = grain_us,
		.watch = true };
	const struct store_conf sc = { .mail = a->mail,
		.control = a->control[0] == '\0' ? NULL : a->control,
		.index = a->index[0] == '\0' ? NULL : a->index,
		.separator = u->separator,
		.namespace_prefix = u->prefix,
		.names_utf8 = strcmp(conf_str(c, "folder_names"), "utf8") == 0,
		.create = true,
		.uid = a->uid,
		.gid = a->gid,
		.stamp_grain_us = grain_us,
		.quota_bytes = a->quota_bytes,
		.quota_messages = a->quota_messages,
		.quota_grace = conf_u64(c, "quota_grace") };

	if (store_open(&sc, &u->store, err) == -1)
		return err_context(err, "mail folder: ");
	u->boxes = mailboxes_new(u->store, &boxes);
	return 0;
}

static const char *const role_settings[] = {
	[ROLE_DRAFTS] = "folder_drafts",
	[ROLE_SENT] = "folder_sent",
	[ROLE_TRASH] = "folder_trash",
	[ROLE_JUNK] = "folder_junk",
	[ROLE_ARCHIVE] = "folder_archive",
};
static_assert(N_ELEMENTS(role_settings) == N_ROLES, "a setting for each");

/* Without them the login is none the worse. */
static void
make_folders(struct imap_user *u)
{
	unsigned made;
	struct err err;

	if (!conf_bool(u->se->conf, "special_folders"))
		return;
	if (roles_make(u->store, &u->roles, &made, &err) == -1)
		log_err(0, "folders not made", &err);
	else if (made > 0)
		log_info(0, "folders made", "count", LOG_U64(made), NULL);
}

static void
make_kept(struct imap_user *u)
{
	size_t n;
	const char *const *names =
	    conf_list(u->se->conf, "index_cache_headers", &n);

	u->kept = kept_new(u->fold, names, n);
}

static int
user_start(struct session *se, struct err *err)
{
	struct imap_user *u = xcalloc(1, sizeof(*u));
	const struct conf *c = se->conf;
	unsigned i;
	int fd;

	u->se = se;
	u->fold = se->warm;
	LIST_INIT(&u->sessions);
	u->separator = conf_str(c, "separator")[0];
	u->prefix = conf_str(c, "namespace_prefix");
	u->message_size = conf_u64(c, "message_size");
	u->timeout_ms = conf_ms(c, "imap_timeout");
	u->poll_ms = conf_ms(c, "poll_interval");
	u->drain_ms = conf_ms(c, "drain_time");
	u->park_after = conf_u64(c, "park_after");
	for (i = 0; i < N_ROLES; i++)
		u->roles.names[i] = conf_str(c, role_settings[i]);
	if (open_store(u, se, err) == -1) {
		xfree(u);
		return -1;
	}
	open_index(u);
	make_folders(u);
	make_kept(u);
	timer_init(&u->rest, se->loop, on_rest, u);
	timer_init(&u->drain, se->loop, on_drain, u);
	timer_init(&u->index, se->loop, write_index, u);
	timer_init(&u->index_flush, se->loop, flush_index, u);
	fd = watch_fd(mailboxes_watch(u->boxes));
	if (fd != -1) {
		iowatch_init(&u->watch, se->loop, fd, on_inotify, u);
		iowatch_set(&u->watch, LOOP_READ);
	}
	se->state = u;
	return 0;
}

static void
user_drain(struct session *se)
{
	struct imap_user *u = se->state;
	struct imap_session *s, *next;

	for (s = LIST_FIRST(&u->sessions); s != NULL; s = next) {
		next = LIST_NEXT(s, entry);
		imap_drain(s);
	}
	if (!LIST_EMPTY(&u->sessions))
		timer_start_ms(&u->drain, u->drain_ms / 2);
}

static void
user_end(struct session *se)
{
	struct imap_user *u = se->state;

	if (u == NULL)
		return;
	iowatch_stop(&u->watch);
	timer_stop(&u->rest);
	timer_stop(&u->drain);
	timer_stop(&u->index);
	timer_stop(&u->index_flush);
	kept_free(&u->kept);
	mailboxes_free(&u->boxes);
	store_close(u->store);
	xfree(u);
	se->state = NULL;
}

const struct session_ops imap_session_ops = {
	.start = user_start,
	.attach = user_attach,
	.unpack = user_unpack,
	.drain = user_drain,
	.end = user_end,
};
