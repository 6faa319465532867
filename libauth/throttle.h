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
	unsigned free;        /* auth_throttle: failures an address may have
			       * before its tries wait; 0: they never do */
	uint64_t delay_us;    /* of a first failure; auth_delay */
	unsigned max_entries; /* of each table; 0: 16384 */
};

/* The key of an address: IPv4 whole, IPv6 its /64. */
struct throttle_key {
	uint8_t bytes[9]; /* family, then the address, zeros */
};

struct throttle;
struct throttle *throttle_new(const struct throttle_conf *conf);
void throttle_free(struct throttle *t);
void throttle_reconf(struct throttle *t, const struct throttle_conf *conf);

/* What a try is, for the schedule. */
struct throttle_try {
	struct throttle_key key;
	struct slice user; /* canonical */
	uint16_t hint;     /* a few bits of a keyed hash of the secret */
};

/* What is decided when a try arrives. */
struct throttle_plan {
	bool refused;      /* too many wait: "try again later", at fail_us */
	bool first;        /* goes before the others of its address */
	uint64_t start_us; /* not before this moment is it tried */
	uint64_t fail_us;  /* a failure is told at this moment */
	uint64_t tick_us;  /* or, when it is known later, so many ticks on */
};

/*
 * now_us: clock_mono_us(). The try counts as failed until throttle_good() or
 * throttle_void(). An address that logged this user in before has a schedule
 * of its own for the pair; a secret with the hint of the last right one is
 * tried at once and never refused (its failure is told no sooner).
 */
void throttle_plan(struct throttle *t, const struct throttle_try *try,
    uint64_t now_us, struct throttle_plan *out);
/* The try was right: take its count back, remember the pair and the hint. */
void throttle_good(
    struct throttle *t, const struct throttle_try *try, uint64_t now_us);
/* The try was wrong: told of the user, too. */
void throttle_bad(
    struct throttle *t, const struct throttle_try *try, uint64_t now_us);
/* The try came to nothing (a helper died): take its count back. */
void throttle_void(
    struct throttle *t, const struct throttle_try *try, uint64_t now_us);
/* The moment a failure with that plan, known at now_us, is told. */
uint64_t throttle_tell_us(const struct throttle_plan *p, uint64_t now_us);

#endif
