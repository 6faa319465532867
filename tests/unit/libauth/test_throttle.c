/* SPDX-License-Identifier: ISC */
/* The schedule of login tries, with the clock in our hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "libauth/throttle.h"

#define MS     1000ull
#define SECOND (1000 * MS)
#define EPOCH  (1000 * SECOND)
#define DELAY  (2 * SECOND)

static const struct throttle_conf conf = { .free = 10, .delay_us = DELAY };

static struct throttle_try
a_try(uint8_t host, const char *user, uint16_t hint)
{
	struct throttle_try t = { .user = slice_str(user), .hint = hint };

	t.key.bytes[0] = 4;
	t.key.bytes[1] = 127;
	t.key.bytes[4] = host;
	return t;
}

static void
test_first_failures(void **state)
{
	struct throttle *t = throttle_new(&conf);
	struct throttle_try try = a_try(1, "alice", 1);
	struct throttle_plan p;

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		throttle_plan(t, &try, EPOCH, &p);
		assert_false(p.refused);
		assert_int_equal(p.start_us, EPOCH);
		assert_int_equal(p.fail_us, EPOCH + DELAY);
	}
	throttle_free(t);
}

/* 200 a second for a minute from one address. */
static void
test_flood(void **state)
{
	struct throttle *t = throttle_new(&conf);
	struct throttle_try bad = a_try(1, "alice", 1);
	struct throttle_try good = a_try(2, "alice", 2);
	unsigned tried = 0, refused = 0;
	struct throttle_plan p;

	(void)state;
	for (unsigned i = 0; i < 12000; i++) {
		uint64_t now = EPOCH + i * 5 * MS;

		throttle_plan(t, &bad, now, &p);
		if (p.refused)
			refused++;
		else
			tried++;
		assert_true(p.fail_us >= now + DELAY);
		assert_true(p.start_us <= now + 21 * SECOND);
		assert_false(p.first);
		if (i % 100 != 50)
			continue;
		throttle_bad(t, &bad, now);
		/* Somebody else, the same user: at once, each time. */
		good = a_try((uint8_t)(2 + i / 100), "alice", 2);
		throttle_plan(t, &good, now, &p);
		assert_false(p.refused);
		assert_int_equal(p.start_us, now);
		throttle_good(t, &good, now);
	}
	/* Not more than the free ones, the growth and one in two seconds. */
	assert_true(tried < 130);
	assert_true(refused > 11000);
	throttle_free(t);
}

/* The right password from an address that logged in before, while that very
 * address floods that very name. */
static void
test_never_locked_out(void **state)
{
	struct throttle *t = throttle_new(&conf);
	struct throttle_try bad = a_try(1, "alice", 1);
	struct throttle_try other = a_try(1, "bob", 1);
	struct throttle_try good = a_try(1, "alice", 2);
	struct throttle_plan p;

	(void)state;
	throttle_plan(t, &good, EPOCH, &p);
	throttle_good(t, &good, EPOCH);
	for (unsigned i = 0; i < 1000; i++) {
		throttle_plan(t, &bad, EPOCH + i * MS, &p);
		throttle_plan(t, &other, EPOCH + i * MS, &p);
	}
	assert_true(p.refused);
	throttle_plan(t, &good, EPOCH + SECOND, &p);
	assert_true(p.first);
	assert_false(p.refused);
	assert_int_equal(p.start_us, EPOCH + SECOND);
	/* A guess with the same hint is told no sooner than the others. */
	assert_true(p.fail_us >= EPOCH + SECOND + DELAY);
	throttle_free(t);
}

/* One name from many addresses grows slow for new addresses only. */
static void
test_distributed(void **state)
{
	struct throttle *t = throttle_new(&conf);
	struct throttle_try home = a_try(200, "alice", 7);
	struct throttle_plan p;
	uint64_t now = EPOCH;

	(void)state;
	throttle_plan(t, &home, now, &p);
	throttle_good(t, &home, now);
	for (unsigned i = 0; i < 150; i++) {
		struct throttle_try bad = a_try((uint8_t)i, "alice", 1);

		now += 10 * MS;
		throttle_plan(t, &bad, now, &p);
		throttle_bad(t, &bad, now);
	}
	assert_true(p.refused || p.start_us > now + 10 * SECOND);
	throttle_plan(t, &home, now, &p);
	assert_int_equal(p.start_us, now);
	assert_false(p.refused);
	throttle_free(t);
}

static void
test_decay_and_off(void **state)
{
	static const struct throttle_conf off = { .free = 0,
		.delay_us = DELAY };
	struct throttle *t = throttle_new(&conf);
	struct throttle_try bad = a_try(1, "alice", 1);
	struct throttle_plan p;

	(void)state;
	for (unsigned i = 0; i < 30; i++)
		throttle_plan(t, &bad, EPOCH, &p);
	assert_true(p.start_us > EPOCH);
	assert_true(p.fail_us - p.start_us > DELAY);
	throttle_plan(t, &bad, EPOCH + 600 * SECOND, &p);
	assert_int_equal(p.start_us, EPOCH + 600 * SECOND);
	assert_int_equal(p.fail_us, EPOCH + 600 * SECOND + DELAY);
	throttle_reconf(t, &off);
	for (unsigned i = 0; i < 1000; i++)
		throttle_plan(t, &bad, EPOCH + 601 * SECOND, &p);
	assert_int_equal(p.start_us, EPOCH + 601 * SECOND);
	assert_int_equal(p.fail_us, EPOCH + 601 * SECOND + DELAY);
	throttle_free(t);
}

/* Wrong password, unknown user, refused name: one schedule. What a try is
 * cannot matter, since the plan is made without it; here with other names. */
static void
test_same_moment(void **state)
{
	static const char *const names[] = { "alice", "nobody-such", "root" };
	uint64_t fail[3];
	struct throttle_plan p = { 0 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct throttle *t = throttle_new(&conf);
		struct throttle_try try = a_try(1, names[i], (uint16_t)i);

		for (unsigned k = 0; k < 25; k++)
			throttle_plan(t, &try, EPOCH + k * MS, &p);
		fail[i] = p.fail_us;
		throttle_free(t);
	}
	assert_int_equal(fail[0], fail[1]);
	assert_int_equal(fail[0], fail[2]);
	/* However long the stack took, it is told at a tick. */
	assert_int_equal(throttle_tell_us(&p, p.fail_us - 1), p.fail_us);
	assert_int_equal(throttle_tell_us(&p, p.fail_us), p.fail_us);
	assert_int_equal(
	    throttle_tell_us(&p, p.fail_us + 1), p.fail_us + DELAY);
	assert_int_equal(
	    throttle_tell_us(&p, p.fail_us + DELAY - 5), p.fail_us + DELAY);
}

static void
test_bounded(void **state)
{
	static const struct throttle_conf few = {
		.free = 10, .delay_us = DELAY, .max_entries = 50
	};
	struct throttle *t = throttle_new(&few);
	struct throttle_plan p;
	char name[16];

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		struct throttle_try try = a_try((uint8_t)i, name, 1);

		(void)snprintf(name, sizeof(name), "u%u", i);
		try.user = slice_str(name);
		throttle_plan(t, &try, EPOCH, &p);
		throttle_good(t, &try, EPOCH);
	}
	throttle_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_failures),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_never_locked_out),
		cmocka_unit_test(test_distributed),
		cmocka_unit_test(test_decay_and_off),
		cmocka_unit_test(test_same_moment),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
