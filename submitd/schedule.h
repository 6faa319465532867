/* SPDX-License-Identifier: ISC */
/*
 * What becomes of accepted messages: each recipient is brought to its owner's
 * delivery process, in two recorded steps (DESIGN 5, 8), and tried again later
 * when that fails. One delivery process a user at a time, kept for a moment
 * for the next message, and MAX_DELIVERERS in all.
 */
#ifndef SUBMITD_SCHEDULE_H
#define SUBMITD_SCHEDULE_H

#include "submitd/queue.h"

struct schedule *schedule_new(struct queue *q);
void schedule_free(struct schedule *s);

/* An accepted message (copied), from the client or from disk at the start. */
void schedule_add(struct schedule *s, const struct spool_envelope *env);
/* auth's nursery made the delivery process of a job (fd taken over), or could
 * not. */
void schedule_deliverer(struct schedule *s, uint64_t job, int fd);
void schedule_refused(struct schedule *s, uint64_t job, enum err_code code);
/* auth or the nursery died: processes asked for may never come. */
void schedule_unanswered(struct schedule *s);
/* Messages not yet done. */
unsigned schedule_count(const struct schedule *s);

/* From the delivery process. */
extern const struct ipc_handler schedule_handlers[];

#endif
