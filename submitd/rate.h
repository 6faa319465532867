/* SPDX-License-Identifier: ISC */
/*
 * How much each user sent within the last hour, in windows of five minutes.
 * Bounded: users beyond RATE_USERS push out the one quiet for longest.
 */
#ifndef SUBMITD_RATE_H
#define SUBMITD_RATE_H

#include "libbase/hash.h"

#define RATE_USERS   65536
#define RATE_WINDOWS 12

struct rate_user;
struct rates { /* zeroed is empty */
	struct map users;
};

/* Would n more messages and m more recipients stay within the limits? Counts
 * them when they do. now_us is clock_mono_us(). */
bool rate_take(struct rates *r, struct slice user, uint64_t now_us,
    uint32_t messages, uint32_t recipients, uint64_t max_messages,
    uint64_t max_recipients);
void rates_free(struct rates *r);

#endif
