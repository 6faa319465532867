/* SPDX-License-Identifier: ISC */
/*
 * The queue on disk, below spool_dir:
 *
 *	msg/ID	the text, CRLF lines, written through a frontend's descriptor
 *	env/ID	its envelope (spool_envelope.h); "env/.ID" while it is written
 *
 * S1. A message is accepted when env/ID is there and flushed; msg/ID and its
 *     name are flushed before env/ID gets its name.
 * S2. msg/ID without env/ID was never accepted: removed at the start.
 * S3. What becomes of a recipient is appended to env/ID and flushed before the
 *     next step is taken (invariant 8 of DESIGN 5).
 * S4. When every recipient is done env/ID goes first, then msg/ID.
 * S5. An ID is never used twice: microseconds since 1970, never going back in a
 *     process nor below the newest ID on disk, and 32 random bits.
 */
#ifndef SUBMITD_SPOOL_H
#define SUBMITD_SPOOL_H

#include "libbase/step.h"
#include "libnet/digest.h"
#include "submitd/spool_envelope.h"

#define SPOOL_ID_LEN 24 /* 16 + 8 hex digits */

struct spool {
	int dir, msg, env;
	uint64_t last_us;
};

/* Open, making msg/ and env/ when missing. */
int spool_open(const char *path, struct spool *out, struct err *err) MUST_CHECK;
void spool_close(struct spool *s);

/* A message on its way in. */
struct spool_entry {
	char id[SPOOL_ID_LEN + 1];
	int msg_fd; /* read and write; -1 when closed */
	int env_fd;
	unsigned phase; /* of spool_commit */
	uint64_t hashed;
	struct digest digest;
};

/* A new empty msg/ID. */
int
spool_new(struct spool *s, struct spool_entry *out, struct err *err) MUST_CHECK;
/* A descriptor that can only write msg/ID: for the frontend. Caller closes. */
int spool_writer(struct spool *s, const struct spool_entry *e, int *fd_out,
    struct err *err) MUST_CHECK;

/*
 * Accept it: count and hash the text in portions (STEP_AGAIN), write size,
 * digest and id into env and env to disk, flush (STEP_FLUSH twice), STEP_DONE.
 * The text must have size octets. On STEP_FAIL nothing is left.
 */
enum step
spool_commit(struct spool *s, struct spool_entry *e, struct spool_envelope *env,
    uint64_t size, struct flush_set *fs, struct err *err) MUST_CHECK;
/* Not accepted: the files go. */
void spool_abort(struct spool *s, struct spool_entry *e);

/* ---- accepted messages ---- */

/* Append a recipient's state; env_fd (of spool_open_env) is to be flushed. */
int spool_record(int env_fd, unsigned rcpt, enum rcpt_state state,
    struct err *err) MUST_CHECK;
int spool_open_env(
    struct spool *s, const char *id, int *fd_out, struct err *err) MUST_CHECK;
int spool_open_msg(
    struct spool *s, const char *id, int *fd_out, struct err *err) MUST_CHECK;
/* All recipients are done: S4. */
int spool_remove(struct spool *s, const char *id, struct err *err) MUST_CHECK;

/*
 * At the start: fn for each accepted message, then what was never accepted is
 * removed. An envelope that cannot be read is told by bad and left alone. The
 * envelope given dies with the call.
 */
struct spool_visitor {
	void *arg;
	void (*entry)(void *arg, const struct spool_envelope *env);
	void (*bad)(void *arg, const char *id, const struct err *err);
};
int spool_load(
    struct spool *s, const struct spool_visitor *v, struct err *err) MUST_CHECK;

#endif
