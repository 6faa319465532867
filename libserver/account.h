/* SPDX-License-Identifier: ISC */
/*
 * What auth tells others about a user: all a session or a delivery ever knows,
 * because nobody asks NSS after auth did. Travels in the tail of ATTACH and
 * DELIVER_FORK.
 */
#ifndef LIBSERVER_ACCOUNT_H
#define LIBSERVER_ACCOUNT_H

#include <sys/types.h>

#include "libbase/ceilings.h"
#include "libserver/ipc.h"

#define ACCOUNT_GROUPS_MAX 64
#define ACCOUNT_PATH_MAX   1024

enum account_flag {
	ACCOUNT_NO_IMAP = 1u << 0,
	ACCOUNT_NO_POP3 = 1u << 1,
	ACCOUNT_NO_SUBMISSION = 1u << 2,
	ACCOUNT_LOCKED = 1u << 3,
	ACCOUNT_EXPIRED = 1u << 4,
	ACCOUNT_VIRTUAL = 1u << 5, /* from the users file */
};

struct account {
	char name[MAX_USER + 1]; /* canonical */
	char home[ACCOUNT_PATH_MAX];
	char mail[ACCOUNT_PATH_MAX];    /* Maildir, %u %n %d %h expanded */
	char control[ACCOUNT_PATH_MAX]; /* "" = as mail */
	char index[ACCOUNT_PATH_MAX];   /* "" = default inside mail */
	uint32_t uid, gid;
	uint32_t groups[ACCOUNT_GROUPS_MAX]; /* supplementary */
	uint32_t n_groups;
	uint32_t flags;          /* enum account_flag */
	uint64_t quota_bytes;    /* 0 = none */
	uint64_t quota_messages; /* 0 = none */
};

/* Bytes an account may take in a tail, for the rules. */
#define ACCOUNT_TAIL_MAX 6144

void account_put(struct ipc_out *o, const struct account *a);
/* Get and check: name and home not empty, paths absolute without "..",
 * counts in bounds. A bad one marks the message failed (ipc_end says so). */
void account_get(struct ipc_msg *m, struct account *a);

#endif
