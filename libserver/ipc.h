/* SPDX-License-Identifier: ISC */
/*
 * Messages between the processes of a family: one SOCK_SEQPACKET datagram a
 * message, descriptors beside it. Layout on the wire: struct ipc_head, the
 * message's fixed struct, the tail. Every message has a rule (ipc_messages.h
 * and the program's own list) which is checked before any handler sees it; a
 * sender that breaks one is dropped. Fixed parts are plain structs without
 * pointers (both ends are the same executable).
 *
 * Sending never blocks: what the socket does not take is queued, up to
 * IPC_QUEUE_MAX bytes a peer; beyond that ipc_send fails and the caller sheds
 * (answers "unavailable"); ipc_is_full says so beforehand.
 */
#ifndef LIBSERVER_IPC_H
#define LIBSERVER_IPC_H

#include <sys/types.h>

#include "libbase/buf.h"
#include "libbase/err.h"
#include "libserver/role_id.h"

#define IPC_FDS_MAX      4
#define IPC_QUEUE_MAX    (1024 * 1024)
#define IPC_PROGRAM_BASE 256 /* types of a program's own list start here */

struct loop;
struct role;
struct ipc_peer;

struct ipc_head {
	uint16_t type;
	uint16_t n_fds;
	uint32_t tail; /* bytes behind the fixed part */
};

/* Who may send what to whom. A list ends with name == NULL. */
struct ipc_rule {
	const char *name;
	uint16_t type;
	uint32_t from, to; /* masks of R_BIT */
	uint32_t fixed;    /* exact bytes of the fixed part */
	uint32_t tail_max;
	uint8_t fds_min, fds_max;
};

/* One row of an X-list (see IPC_MESSAGES) made a rule. */
#define IPC_RULE(name_, from_, to_, fixed_, tail_, fmin_, fmax_)               \
	{ #name_, IPC_##name_, from_, to_, sizeof(fixed_), tail_, fmin_,       \
		fmax_ },
#define IPC_ENUM(name_, from_, to_, fixed_, tail_, fmin_, fmax_) IPC_##name_,

/* A message as received. Bytes and descriptors die when the handler returns;
 * a handler keeps a descriptor with ipc_take_fd. */
struct ipc_msg {
	uint16_t type;
	const struct ipc_rule *rule;
	const void *fixed; /* rule->fixed bytes, aligned for any type */
	struct slice tail; /* the cursor: what has not been got yet */
	int fds[IPC_FDS_MAX];
	unsigned n_fds;
	bool failed; /* a get ran over the end */
};

/* ---- the pure decoder (ipc_decode.c) ---- */

/* The rule of a type in the common list, then in extra (may be NULL); NULL. */
const struct ipc_rule *
ipc_rule_find(const struct ipc_rule *extra, uint16_t type);

/* Is this datagram one that "from" may send to "to"? Checks head, type,
 * direction, fixed size, tail length against both the datagram and the
 * ceiling, number of descriptors. 0 and *m set (pointing into bytes, which
 * must be aligned to 8), or -1 and why. Descriptors are not copied to m. */
int ipc_decode(const struct ipc_rule *extra, enum role_id from, enum role_id to,
    struct slice bytes, unsigned n_fds, struct ipc_msg *m,
    struct err *err) MUST_CHECK;

/* Typed gets from the tail. After the last: ipc_end, which is -1 when any get
 * failed or bytes are left over: then family_drop the sender. A failed get
 * gives 0 or SLICE_NONE. */
uint8_t ipc_get_u8(struct ipc_msg *m);
uint32_t ipc_get_u32(struct ipc_msg *m);
uint64_t ipc_get_u64(struct ipc_msg *m);
struct slice ipc_get_slice(struct ipc_msg *m, size_t max);
/* As slice, copied to dst with a NUL; fails when it holds a NUL or does not
 * fit in size. */
void ipc_get_str(struct ipc_msg *m, char *dst, size_t size);
int ipc_end(const struct ipc_msg *m) MUST_CHECK;
/* Take descriptor i over (the caller closes it); -1 when there is none. */
int ipc_take_fd(struct ipc_msg *m, unsigned i);

/* ---- making a message ---- */

struct ipc_out {
	struct buf b;
	int fds[IPC_FDS_MAX]; /* borrowed */
	unsigned n_fds;
};

/* Begin with the fixed part (n bytes). Every begun message must be given to
 * ipc_send or ipc_out_drop; both wipe it. */
void ipc_begin(struct ipc_out *o, uint16_t type, const void *fixed, size_t n);
void ipc_put_u8(struct ipc_out *o, uint8_t v);
void ipc_put_u32(struct ipc_out *o, uint32_t v);
void ipc_put_u64(struct ipc_out *o, uint64_t v);
void ipc_put_slice(struct ipc_out *o, struct slice s);
void ipc_put_str(struct ipc_out *o, const char *s); /* NULL as "" */
/* Send a descriptor beside it; the caller keeps its own. */
void ipc_put_fd(struct ipc_out *o, int fd);
void ipc_out_drop(struct ipc_out *o);
/* Write the head: done by ipc_send; for tests and ipc_call. -1 when it is too
 * long for a datagram. Once only. */
int ipc_seal(struct ipc_out *o) MUST_CHECK;

/* ---- peers ---- */

typedef void
ipc_handler_fn(struct role *r, struct ipc_peer *from, struct ipc_msg *m);

/* A role's table: what is not in it cannot be received. Ends with fn NULL. */
struct ipc_handler {
	uint16_t type;
	ipc_handler_fn *fn;
	bool once; /* a second one from the same peer drops it */
};

struct ipc_peer_conf {
	struct role *role; /* handed to handlers */
	struct loop *loop;
	enum role_id me;
	enum role_id peer;
	unsigned index;               /* which of them: frontend 0, 1, ... */
	const struct ipc_rule *rules; /* the program's, or NULL */
	const struct ipc_handler *handlers; /* first table looked into */
	const struct ipc_handler *more;     /* second, or NULL */
	/* The pair ended: EOF, error or broken rule (fault says which). The
	 * peer is freed when this returns. May be NULL. */
	void (*gone)(struct role *r, struct ipc_peer *p, const char *fault);
	void *arg; /* for ipc_peer_arg */
};

/* Takes fd over. */
struct ipc_peer *ipc_peer_new(int fd, const struct ipc_peer_conf *conf);
/* Close without calling gone. Safe within a handler. Sets *p NULL. */
void ipc_peer_close(struct ipc_peer **p);
enum role_id ipc_peer_role(const struct ipc_peer *p);
unsigned ipc_peer_index(const struct ipc_peer *p);
void *ipc_peer_arg(const struct ipc_peer *p);
void ipc_peer_set_arg(struct ipc_peer *p, void *arg);
pid_t ipc_peer_pid(const struct ipc_peer *p); /* 0 when not known */
void ipc_peer_set_pid(struct ipc_peer *p, pid_t pid);

/* Send and wipe o. 0: sent or queued. -1: peer gone, message too long, or
 * queue full (nothing was sent). p NULL is "gone". */
int ipc_send(struct ipc_peer *p, struct ipc_out *o);
/* Begin + send of a message without tail. */
int
ipc_send_fixed(struct ipc_peer *p, uint16_t type, const void *fixed, size_t n);
#define IPC_SEND(p, type, ptr) ipc_send_fixed(p, type, ptr, sizeof(*(ptr)))
/* More than half of the queue is used: stop asking for more work. */
bool ipc_is_full(const struct ipc_peer *p);
/* Write out what is queued, at most timeout_ms, blocking: at a role's end. */
void ipc_flush(struct ipc_peer *p, int timeout_ms);

/* The sender broke a rule a handler knows: its pair ends after the handler
 * returns (gone is called) and the parent is told to replace it. why: a
 * constant text for the log. */
void family_drop(struct ipc_peer *p, const char *why);

/* ---- without a loop: the signature pair ---- */

/* A new pair of sockets, close-on-exec, both nonblocking. */
int ipc_pair(int fds_out[2], struct err *err) MUST_CHECK;
/* Wait for one message of a type, as ipc_call does for its answer. */
int ipc_await(int fd, const struct ipc_rule *extra, enum role_id me,
    enum role_id peer, uint16_t type, void *fixed, size_t n_fixed,
    struct buf *tail, int timeout_ms, struct err *err) MUST_CHECK;
/* Send o and wait for one answer of a type: buf gets the tail (after
 * buf_reset), fixed the fixed part. -1 on timeout or anything unexpected. */
int ipc_call(int fd, const struct ipc_rule *extra, enum role_id me,
    enum role_id peer, struct ipc_out *o, uint16_t answer, void *fixed,
    size_t n_fixed, struct buf *tail, int timeout_ms,
    struct err *err) MUST_CHECK;

#endif
