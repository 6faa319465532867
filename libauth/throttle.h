/* SPDX-License-Identifier: ISC */
/*
 * When a login may be tried and when a failure is told. Pure: time is given,
 * nothing waits here. Every try of an address gets its place in that address's
 * schedule when it arrives, before anybody knows whether it is right; wrong
 * password, unknown user and refused name are told at that same moment. Tables
 * are bounded: the least recently used entry gives way. A pair of address and
 * user that logged in before goes past the schedule.
 */
#ifndef LIBAUTH_THROTTLE_H
#define LIBAUTH_THROTTLE_H

#include "libbase/err.h"
#include "libbase/slice.h"

struct throttle_conf {
	bool on;              /* off: no waiting before a try */
	uint64_t delay_us;    /* of a first failure; auth_delay */
	unsigned max_entries; /* of each table; 0: 16384 */
};

/* The key of an address: IPv4 whole, IPv6 its /64. */
struct throttle_key {
	uint8_t bytes[9]; /* 4 or 6, then the address, zeros */
};

struct throttle;
struct throttle *throttle_new(const struct throttle_conf *conf);
void throttle_free(struct throttle *t);
void throttle_reconf(struct throttle *t, const struct throttle_conf *conf);

/* What is decided when a try arrives. */
struct throttle_plan {
	bool refused;      /* too many waiting: say "try again later" */
	bool known;        /* logged in before from there: goes first */
	uint64_t start_us; /* not before this moment is it tried */
	uint64_t fail_us;  /* a failure is told now or at a later tick */
	uint64_t tick_us; /* a verdict after fail_us waits for fail_us + k ticks
			   */
};
/* now_us: clock_mono_us(). user: canonical. The try counts as failed until
 * throttle_good() says otherwise. */
void throttle_plan(struct throttle *t, const struct throttle_key *key,
    struct slice user, uint64_t now_us, struct throttle_plan *out);
/* The try was right: take its count back, remember the pair. */
void throttle_good(struct throttle *t, const struct throttle_key *key,
    struct slice user, uint64_t now_us);
/* The try came to nothing (helper died): take its count back. */
void throttle_void(struct throttle *t, const struct throttle_key *key,
    struct slice user, uint64_t now_us);
/* The moment a failure with that plan, known at now_us, is told. */
uint64_t throttle_tell_us(const struct throttle_plan *p, uint64_t now_us);

#endif
