/* SPDX-License-Identifier: ISC */
/*
 * The queue's process: owns the spool, knows from auth who submits, decides
 * about senders and recipients, accepts, and hands accepted messages to the
 * delivery processes of their owners (schedule.h). No network.
 */
#ifndef SUBMITD_QUEUE_H
#define SUBMITD_QUEUE_H

#include "libbase/hash.h"
#include "libserver/role.h"
#include "submitd/aliases.h"
#include "submitd/ipc_queue.h"
#include "submitd/rate.h"
#include "submitd/spool.h"

struct schedule;
struct submission;

#define QUEUE_TOMBSTONES 256

struct queue {
	struct role *role;
	struct spool spool;
	struct arena alias_arena;
	struct aliases aliases;
	struct map submissions; /* by frontend and connection */
	struct idmap lookups;   /* questions to auth: struct resolve by id */
	uint64_t next_id;
	struct rates rates;
	struct schedule *schedule;
	/* connections that ended before auth named their user */
	struct {
		unsigned frontend;
		uint64_t conn;
	} tombstones[QUEUE_TOMBSTONES];
	unsigned n_tombstones;
};

extern const struct role_spec queue_role;

/* Is the domain one of ours? "" is. */
bool queue_is_domain(const struct queue *q, struct slice domain);
/* A send to auth; false when it cannot be reached now. */
bool queue_tell_auth(struct queue *q, struct ipc_out *o);

#endif
