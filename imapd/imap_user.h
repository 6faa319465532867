/* SPDX-License-Identifier: ISC */
/*
 * The process of one user: the store, the mailboxes in memory and all of the
 * user's connections. One writer's change wakes the others that idle.
 */
#ifndef IMAPD_IMAP_USER_H
#define IMAPD_IMAP_USER_H

#include <sys/queue.h>

#include "libbase/err.h"
#include "libbase/slice.h"
#include "libmaildir/roles.h"
#include "libnet/loop.h"

struct imap_session;
struct kept;
struct mailbox;
struct mailboxes;
struct session;
struct session_ops;
struct store;
struct text_fold;

LIST_HEAD(imap_sessions, imap_session);

struct imap_user {
	struct session *se;
	struct store *store;
	struct mailboxes *boxes;
	const struct text_fold *fold; /* of SEARCH, made before the fork */
	struct kept *kept; /* what is known of messages without their files */
	struct iowatch watch; /* what inotify has to say */
	struct imap_sessions sessions;
	struct timer rest;  /* then what was read is given back */
	struct timer drain; /* patience with what runs at SIGTERM */
	struct timer index; /* what is to be written there */
	struct timer index_flush;
	char separator;
	const char *prefix; /* of personal mailboxes: "" or "INBOX/" */
	struct roles_conf roles;
	uint64_t message_size;
	uint64_t timeout_ms;
	uint64_t poll_ms; /* of what the kernel does not watch */
	uint64_t drain_ms;
	uint64_t park_after; /* commands; 0: never */
};

extern const struct session_ops imap_session_ops;

/* The connection leaves: sends what is queued, frees the session. */
void imap_user_close(struct imap_session *s, const char *reason);
/* Read what inotify has now, so that what another program did before this
 * command is seen by it. */
void imap_user_look(struct imap_user *u);
/* A command of by has ended: wake those who idle and have news. */
void imap_user_changed(struct imap_user *u, const struct imap_session *by);
/* A session has had its turn: what the index is to hear is written soon. */
void imap_user_tend(struct imap_user *u);
/* A session waits: a moment to park it. May be gone when it returns. */
void imap_user_rested(struct imap_session *s);

/* The one spelling of a mailbox name, in the arena of the command: 0, or -1
 * with ERR_INVALID. */
struct arena;
int imap_user_canonical(struct imap_user *u, struct slice name,
    struct arena *arena, struct slice *out, struct err *err) MUST_CHECK;
/* It was deleted or renamed: new openings see the new one. */
void imap_user_forget(struct imap_user *u, struct slice name);

#endif
