/* SPDX-License-Identifier: ISC */
/*
 * Messages of submitd alone: frontend and queue, queue and delivery process.
 * A frontend names its own connections only; whose they are the queue knows
 * from auth. One question of a connection is open at a time.
 */
#ifndef SUBMITD_IPC_QUEUE_H
#define SUBMITD_IPC_QUEUE_H

#include "libserver/ipc.h"
#include "submitd/spool_envelope.h"

/* What the queue says to a question. Words: smtp_reply.c. */
enum queue_answer {
	QUEUE_OK,
	QUEUE_SENDER,  /* not an address of this user */
	QUEUE_UNKNOWN, /* no such local user */
	QUEUE_REMOTE,  /* not ours, and relaying is not done */
	QUEUE_MANY,    /* over max_recipients */
	QUEUE_RATE,    /* over the user's messages or recipients an hour */
	QUEUE_TEMP,    /* try again later */
	QUEUE_SPACE,   /* spool is full */
	QUEUE_SIZE,    /* larger than message_size */
	QUEUE_LOOP,    /* alias expands without end */
	QUEUE_ORDER,   /* a question out of order: the frontend's fault */
	QUEUE_ANSWER_COUNT
};

struct ipc_spool_conn {
	uint64_t conn;
	uint64_t size; /* MAIL: as declared, 0 unknown; COMMIT: as written */
};                     /* MAIL, RCPT, OWNS: tail: slice address */
struct ipc_spool_answer {
	uint64_t conn;
	uint32_t code; /* enum queue_answer */
	uint32_t pad;
};
struct ipc_job {
	uint64_t job;  /* of the delivery process */
	uint64_t item; /* the queue's number for recipient and message */
	uint64_t size;
	uint32_t step; /* enum job_step */
	uint32_t pad;
	uint8_t digest[DIGEST_BYTES];
}; /* tail: str stage id, slice mailbox, slice sender, slice address; the text
    * beside it when it is to be staged */
enum job_step {
	JOB_STAGE,  /* write it to the stage, say STAGED, wait for JOB_FINISH */
	JOB_RESUME, /* recorded as staged before a crash: finish what is left */
};
struct ipc_job_state {
	uint64_t job, item;
	uint32_t code; /* enum err_code; ERR_OK: this step is done */
	uint32_t pad;
};

/* clang-format off */
#define IPC_QUEUE_MESSAGES(X) \
/* as good as the client's own words: checked against the user auth named */ \
X(SPOOL_MAIL,   R_BIT(R_FRONTEND), R_BIT(R_QUEUE),    struct ipc_spool_conn,   512, 0, 0) \
X(SPOOL_RCPT,   R_BIT(R_FRONTEND), R_BIT(R_QUEUE),    struct ipc_spool_conn,   512, 0, 0) \
X(SPOOL_OWNS,   R_BIT(R_FRONTEND), R_BIT(R_QUEUE),    struct ipc_spool_conn,   512, 0, 0) \
X(SPOOL_DATA,   R_BIT(R_FRONTEND), R_BIT(R_QUEUE),    struct ipc_spool_conn,   0,   0, 0) \
/* size and digest are taken from the file by the queue itself */ \
X(SPOOL_COMMIT, R_BIT(R_FRONTEND), R_BIT(R_QUEUE),    struct ipc_spool_conn,   0,   0, 0) \
X(SPOOL_RESET,  R_BIT(R_FRONTEND), R_BIT(R_QUEUE),    struct ipc_spool_conn,   0,   0, 0) \
X(SPOOL_GONE,   R_BIT(R_FRONTEND), R_BIT(R_QUEUE),    struct ipc_spool_conn,   0,   0, 0) \
X(SPOOL_ANSWER, R_BIT(R_QUEUE),    R_BIT(R_FRONTEND), struct ipc_spool_answer, 0,   0, 0) \
X(SPOOL_FILE,   R_BIT(R_QUEUE),    R_BIT(R_FRONTEND), struct ipc_spool_answer, 64,  1, 1) \
/* the queue may put what it holds into a mailbox whose owner auth chose */ \
X(JOB,          R_BIT(R_QUEUE),    R_BIT(R_DELIVER),  struct ipc_job,          2048, 0, 1) \
X(JOB_FINISH,   R_BIT(R_QUEUE),    R_BIT(R_DELIVER),  struct ipc_job_state,    0,   0, 0) \
/* the owner's process may lie about its own mail only */ \
X(JOB_STAGED,   R_BIT(R_DELIVER),  R_BIT(R_QUEUE),    struct ipc_job_state,    0,   0, 0) \
X(JOB_DONE,     R_BIT(R_DELIVER),  R_BIT(R_QUEUE),    struct ipc_job_state,    0,   0, 0)
/* clang-format on */

enum ipc_queue_type {
	IPC_QUEUE_BEFORE_FIRST = IPC_PROGRAM_BASE - 1,
	IPC_QUEUE_MESSAGES(IPC_ENUM) IPC_QUEUE_END
};

extern const struct ipc_rule ipc_queue_rules[];

#endif
