/* SPDX-License-Identifier: ISC */
/*
 * The parent's control socket, run_dir/<daemon>.ctl: mode 0600, uid 0 or the
 * parent's own (SO_PEERCRED). One command a line: "who", "kick USER", "drain",
 * "reload", "status". The answer is lines of words and key=value, ended by a
 * line with a single dot; a fault is one line "error TEXT" before the dot.
 *   who:    user=alice connections=2 protocol=imap since=1700000000 pid=12
 * address=1.2.3.4,.. status: role=auth index=0 pid=12 state=ready since=...
 * restarts=0
 */
#ifndef LIBSERVER_CONTROL_H
#define LIBSERVER_CONTROL_H

#include "libbase/buf.h"
#include "libbase/err.h"

struct loop;
struct control;
struct control_client;

struct control_ops {
	/* A line arrived. Answer with control_say, end with control_done, now
	 * or later. */
	void (*command)(void *arg, struct control_client *cc, struct slice word,
	    struct slice rest);
	/* The client has gone: forget it. */
	void (*gone)(void *arg, struct control_client *cc);
};

/* Make and listen; an old socket that nobody serves is replaced. */
struct control *control_open(struct loop *loop, const char *path,
    const struct control_ops *ops, void *arg, struct err *err);
void control_close(struct control **c); /* removes the socket */
void control_say(struct control_client *cc, struct slice line);
void control_done(struct control_client *cc);
uint64_t control_client_id(const struct control_client *cc);
struct control_client *control_client_find(struct control *c, uint64_t id);

#endif
