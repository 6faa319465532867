/* SPDX-License-Identifier: ISC */
/*
 * The boundary on one screen: every message common to all daemons, who may
 * send it to whom, its fixed part, the longest tail, descriptors. Beside each
 * stands what a hostile sender gains by forging it. The tails' fields are in
 * the comment of the struct, in order; "slice" and "str" carry their length.
 */
#ifndef LIBSERVER_IPC_MESSAGES_H
#define LIBSERVER_IPC_MESSAGES_H

#include "libnet/netaddr.h"
#include "libserver/account.h"
#include "libserver/ipc.h"

/* What a connection is, told along with it. */
struct ipc_conn {
	uint64_t id; /* of the connection, unique in its frontend's life */
	struct netaddr peer; /* the client; checked by ipc_conn_ok */
	uint8_t tls;         /* protected, also by a trusted proxy's word */
	uint8_t loopback;    /* client is exactly 127.0.0.1 or ::1 */
	uint8_t listener;    /* row in family.listeners */
	uint8_t plain;       /* socket itself is handed over */
};
/* Values in range, as a receiver must ask of a frontend's or anyone's. */
bool ipc_conn_ok(const struct ipc_conn *c);

/* Answer to a login. The same numbers as enum auth_result of libauth/auth.h,
 * which has each protocol's words for them. */
enum login_code {
	LOGIN_OK,
	LOGIN_FAILED,       /* wrong password, unknown user, refused name */
	LOGIN_UNAVAILABLE,  /* PAM, auth or nursery cannot answer now */
	LOGIN_EXPIRED,      /* right, but the password has expired */
	LOGIN_DENIED,       /* protocol off for this user, other authzid */
	LOGIN_PRIVACY,      /* plaintext without TLS, not from loopback */
	LOGIN_LIMIT,        /* too many tries, or too many connections */
	LOGIN_CONTACTADMIN, /* the account is set up wrong */
	LOGIN_CODE_COUNT
};

struct ipc_none {
	uint64_t zero;
};
struct ipc_config {
	uint64_t generation;
}; /* tail: rows: str name, u32 count, count times str value */
struct ipc_ready {
	uint64_t generation; /* of the configuration it runs with */
};
struct ipc_peer_intro {
	uint32_t role, index;
	uint32_t kind; /* enum peer_kind */
	uint32_t pad;
};
enum peer_kind {
	PEER_TALK,
	PEER_SIGN
};
struct ipc_listen {
	uint32_t listener; /* row in family.listeners */
	uint32_t last;     /* 1: end of the list, no descriptor */
};
struct ipc_drain {
	uint64_t within_ms;
};
struct ipc_fault {
	uint32_t role, index;
}; /* tail: str why */
struct ipc_key {
	uint64_t key_id; /* as tls_server_add_cert's id: in decimal */
	uint64_t generation;
	uint32_t last; /* 1: end; keys two generations old are forgotten */
	uint32_t pad;
}; /* tail: slice private key as PEM (auth); slice chain as PEM (frontend) */
struct ipc_ticket_key {
	uint8_t bytes[64];
};
struct ipc_login_try {
	struct ipc_conn conn;
	uint32_t mech; /* row of the SASL table: for the log */
	uint32_t pad;
}; /* tail: slice user, slice authzid, slice secret */
struct ipc_login_result {
	uint64_t conn;
	uint32_t code; /* enum login_code */
	uint32_t pad;
}; /* tail: str canonical user name ("" unless OK) */
struct ipc_conn_id {
	uint64_t conn;
};
struct ipc_sign_req {
	uint64_t key_id;
	uint32_t op; /* enum tls_sign_op; these three as in libnet/tls.h */
	uint32_t algo;
	uint32_t flags;
	uint32_t pad;
}; /* tail: slice data */
struct ipc_sign_answer {
	uint64_t key_id;
	uint32_t ok;
	uint32_t pad;
}; /* tail: slice signature */
struct ipc_attach {
	uint64_t attach; /* chosen by auth, never used twice */
	uint32_t frontend;
	uint32_t pad;
	struct ipc_conn conn;
}; /* tail: account */
struct ipc_attach_result {
	uint64_t attach;
	uint32_t code; /* enum login_code */
	uint32_t pad;
};
struct ipc_channel {
	uint64_t conn;
}; /* tail: str user; fd: SOCK_STREAM */
struct ipc_session_attach {
	uint64_t ref; /* the nursery's name for this connection */
	struct ipc_conn conn;
	uint32_t parked; /* 1: tail is a packed connection */
	uint32_t pad;
}; /* tail: slice packed, slice unread input; fds: channel or socket, then
    * the packed one's */
struct ipc_session_ref {
	uint64_t ref;
};
struct ipc_session_leave {
	uint64_t attached; /* SESSION_ATTACHs seen: later ones make it stay */
};
struct ipc_user_lookup {
	uint64_t id;
	uint32_t what; /* enum user_lookup */
	uint32_t pad;
}; /* tail: str name (as in an address, folded by auth) */
enum user_lookup {
	USER_EXISTS /* may this local part get mail? */
};
struct ipc_user_answer {
	uint64_t id;
	uint32_t code; /* enum err_code: OK, NOTFOUND, TEMP */
	uint32_t uid;
	uint64_t quota_bytes;
}; /* tail: str canonical name */
struct ipc_submitter {
	uint64_t id; /* auth's number, answered by SUBMITTER_ACK */
	uint32_t frontend;
	uint32_t uid;
	struct ipc_conn conn;
}; /* tail: str canonical user name */
struct ipc_submitter_ack {
	uint64_t id;
	uint32_t code; /* enum login_code */
	uint32_t pad;
};
struct ipc_deliver {
	uint64_t job; /* the queue's number */
};                    /* tail: str canonical user name */
struct ipc_deliver_fail {
	uint64_t job;
	uint32_t code; /* enum err_code */
	uint32_t pad;
};
struct ipc_helper_try {
	uint64_t id;   /* auth's number of the question */
	uint32_t what; /* enum helper_what */
	uint32_t pad;
}; /* tail: str name (folded), str address of the client, slice secret */
enum helper_what {
	HELPER_LOGIN,  /* PAM, then NSS */
	HELPER_VERIFY, /* PAM alone: auth knows the user from the users file */
	HELPER_LOOKUP  /* NSS alone: no secret */
};
struct ipc_helper_answer {
	uint64_t id;
	uint32_t code;  /* enum login_code; of a lookup OK or FAILED (nobody) */
	uint32_t found; /* 1: an account is in the tail */
}; /* tail: str name after PAM, str reason for the log, account */
struct ipc_ctl {
	uint64_t id;
}; /* tail: str: a user name, or a line of the answer */

/*  name            from                 to                   fixed part tail
 * max  fds */
/* clang-format off */
#define IPC_MESSAGES(X) \
/* from the parent, which no one can be: the pair is made before exec */ \
X(CONFIG,         R_BIT(R_PARENT) | R_BIT(R_AUTH), R_ALL,                 struct ipc_config,         126976, 0, 0) \
X(PEER,           R_BIT(R_PARENT),   R_ALL,                               struct ipc_peer_intro,     0,      1, 1) \
X(LISTEN,         R_BIT(R_PARENT),   R_BIT(R_FRONTEND) | R_BIT(R_QUEUE),  struct ipc_listen,         0,      0, 1) \
X(DRAIN,          R_BIT(R_PARENT),   R_ALL,                               struct ipc_drain,          0,      0, 0) \
X(LOG_FILE,       R_BIT(R_PARENT),   R_BIT(R_LOG),                        struct ipc_none,           0,      0, 1) \
X(KEY,            R_BIT(R_PARENT),   R_BIT(R_AUTH),                       struct ipc_key,            65536,  0, 0) \
X(CERT,           R_BIT(R_PARENT),   R_BIT(R_FRONTEND),                   struct ipc_key,            122880, 0, 0) \
X(TICKET_KEY,     R_BIT(R_PARENT),   R_BIT(R_FRONTEND),                   struct ipc_ticket_key,     0,      0, 0) \
/* to the parent: nothing but that it is told so; FAULT is believed only about roles of less trust */ \
X(READY,          R_ALL,             R_BIT(R_PARENT),                     struct ipc_ready,          0,      0, 0) \
X(HELPER_READY,   R_BIT(R_HELPER),   R_BIT(R_AUTH),                       struct ipc_ready,          0,      0, 0) \
X(FAULT,          R_ALL,             R_BIT(R_PARENT),                     struct ipc_fault,          256,    0, 0) \
/* a password guess, throttled as any; conn ids are the frontend's own */ \
X(LOGIN_TRY,      R_BIT(R_FRONTEND), R_BIT(R_AUTH),                       struct ipc_login_try,      2048,   0, 0) \
X(LOGIN_CANCEL,   R_BIT(R_FRONTEND), R_BIT(R_AUTH),                       struct ipc_conn_id,        0,      0, 0) \
/* signatures while the frontend is held, never the key (DESIGN 2) */ \
X(SIGN_REQ,       R_BIT(R_FRONTEND), R_BIT(R_AUTH),                       struct ipc_sign_req,       8192,   0, 0) \
X(SIGN_ANSWER,    R_BIT(R_AUTH),     R_BIT(R_FRONTEND),                   struct ipc_sign_answer,    8192,   0, 0) \
/* auth is trusted: it could log in anybody anyhow */ \
X(LOGIN_RESULT,   R_BIT(R_AUTH),     R_BIT(R_FRONTEND),                   struct ipc_login_result,   512,    0, 0) \
X(ATTACH,         R_BIT(R_AUTH),     R_BIT(R_NURSERY),                    struct ipc_attach,         ACCOUNT_TAIL_MAX, 0, 1) \
X(DELIVER_FORK,   R_BIT(R_AUTH),     R_BIT(R_NURSERY),                    struct ipc_deliver,        ACCOUNT_TAIL_MAX, 0, 0) \
X(USER_ANSWER,    R_BIT(R_AUTH),     R_BIT(R_QUEUE),                      struct ipc_user_answer,    512,    0, 0) \
X(SUBMITTER,      R_BIT(R_AUTH),     R_BIT(R_QUEUE),                      struct ipc_submitter,      512,    0, 0) \
X(DELIVER_FAIL,   R_BIT(R_AUTH) | R_BIT(R_NURSERY), R_BIT(R_QUEUE),       struct ipc_deliver_fail,   0,      0, 0) \
/* the nursery is root and forks sessions: it hands out what it made */ \
X(ATTACH_RESULT,  R_BIT(R_NURSERY),  R_BIT(R_AUTH),                       struct ipc_attach_result,  0,      0, 0) \
X(CHANNEL,        R_BIT(R_NURSERY),  R_BIT(R_FRONTEND),                   struct ipc_channel,        512,    1, 1) \
X(DELIVERER,      R_BIT(R_NURSERY),  R_BIT(R_QUEUE),                      struct ipc_deliver,        0,      1, 1) \
X(SESSION_ATTACH, R_BIT(R_NURSERY),  R_BIT(R_SESSION),                    struct ipc_session_attach, 122880,  1, 4) \
X(SESSION_END,    R_BIT(R_NURSERY),  R_BIT(R_SESSION),                    struct ipc_none,           0,      0, 0) \
/* a session speaks of its own connections only: refs of others are unknown there and drop it */ \
X(SESSION_ACK,    R_BIT(R_SESSION),  R_BIT(R_NURSERY),                    struct ipc_session_ref,    0,      0, 0) \
X(SESSION_CLOSED, R_BIT(R_SESSION),  R_BIT(R_NURSERY),                    struct ipc_session_ref,    0,      0, 0) \
X(SESSION_LEAVE,  R_BIT(R_SESSION),  R_BIT(R_NURSERY),                    struct ipc_session_leave,  0,      0, 0) \
X(SESSION_PARK,   R_BIT(R_SESSION),  R_BIT(R_NURSERY),                    struct ipc_session_ref,    122880,  1, 4) \
/* the queue could deliver what it holds to whom it likes, nothing else */ \
X(USER_LOOKUP,    R_BIT(R_QUEUE),    R_BIT(R_AUTH),                       struct ipc_user_lookup,    512,    0, 0) \
X(SUBMITTER_ACK,  R_BIT(R_QUEUE),    R_BIT(R_AUTH),                       struct ipc_submitter_ack,  0,      0, 0) \
X(DELIVER,        R_BIT(R_QUEUE),    R_BIT(R_AUTH),                       struct ipc_deliver,        512,    0, 0) \
/* a helper's verdict is auth's own: it runs the site's PAM modules as root */ \
X(HELPER_TRY,     R_BIT(R_AUTH),     R_BIT(R_HELPER),                     struct ipc_helper_try,     2048,   0, 0) \
X(HELPER_ANSWER,  R_BIT(R_HELPER),   R_BIT(R_AUTH),                       struct ipc_helper_answer,  ACCOUNT_TAIL_MAX + 768, 0, 0) \
/* the person at the control socket, checked by the parent */ \
X(CTL_WHO,        R_BIT(R_PARENT),   R_BIT(R_NURSERY) | R_BIT(R_FRONTEND), struct ipc_ctl,           512,    0, 0) \
X(CTL_KICK,       R_BIT(R_PARENT),   R_BIT(R_NURSERY) | R_BIT(R_FRONTEND), struct ipc_ctl,           512,    0, 0) \
X(CTL_LINE,       R_BIT(R_NURSERY) | R_BIT(R_FRONTEND) | R_BIT(R_QUEUE), R_BIT(R_PARENT), struct ipc_ctl, 2048, 0, 0) \
X(CTL_DONE,       R_BIT(R_NURSERY) | R_BIT(R_FRONTEND) | R_BIT(R_QUEUE), R_BIT(R_PARENT), struct ipc_ctl, 0, 0, 0)
/* clang-format on */

enum ipc_type {
	IPC_NOTHING,
	IPC_MESSAGES(IPC_ENUM) IPC_COMMON_END
};

#endif
