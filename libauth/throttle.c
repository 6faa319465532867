/* SPDX-License-Identifier: ISC */
/* Schedules of login tries: bounded tables with the least recently used first
 * to go. */
#include <string.h>
#include <sys/queue.h>

#include "libauth/throttle.h"
#include "libbase/ceilings.h"
#include "libbase/hash.h"
#include "libbase/mem.h"

#define SECOND_US    1000000u
#define HALF_LIFE_US (60u * (uint64_t)SECOND_US)
#define MAX_WAIT_US  (20u * (uint64_t)SECOND_US) /* login_timeout is 60 s */
#define MAX_FAILS    100000u
#define SPREAD       32u /* failures over the free ones until full interval */

struct entry {
	TAILQ_ENTRY(entry) link; /* most recently used first */
	unsigned fails;          /* halved every HALF_LIFE_US */
	uint64_t halved_us;
	uint64_t next_us;         /* the next free place of the schedule */
	uint16_t hint;            /* of pairs */
	struct throttle_key last; /* of users: the address that failed last */
	size_t key_n;
	char key[sizeof(struct throttle_key) + MAX_USER];
};

struct table {
	struct map map;
	TAILQ_HEAD(entry_list, entry) lru;
	unsigned n;
};

struct throttle {
	struct throttle_conf conf;
	struct table addresses, users, pairs;
};

static void
table_init(struct table *t)
{
	memset(t, 0, sizeof(*t));
	TAILQ_INIT(&t->lru);
}

static void
table_drop(struct table *t, struct entry *e)
{
	(void)map_del(&t->map, slice_of(e->key, e->key_n));
	TAILQ_REMOVE(&t->lru, e, link);
	t->n--;
	xfree(e);
}

static void
table_free(struct table *t)
{
	while (!TAILQ_EMPTY(&t->lru))
		table_drop(t, TAILQ_FIRST(&t->lru));
	map_free(&t->map);
}

static struct entry *
table_find(struct table *t, struct slice key)
{
	struct entry *e = map_get(&t->map, key);

	if (e != NULL) {
		TAILQ_REMOVE(&t->lru, e, link);
		TAILQ_INSERT_HEAD(&t->lru, e, link);
	}
	return e;
}

static struct entry *
table_need(struct table *t, struct slice key, unsigned max, uint64_t now_us)
{
	struct entry *e = table_find(t, key);

	if (e != NULL)
		return e;
	while (t->n >= max)
		table_drop(t, TAILQ_LAST(&t->lru, entry_list));
	e = xcalloc(1, sizeof(*e));
	e->key_n = key.n < sizeof(e->key) ? key.n : sizeof(e->key);
	memcpy(e->key, key.p, e->key_n);
	e->halved_us = now_us;
	(void)map_put(&t->map, slice_of(e->key, e->key_n), e);
	TAILQ_INSERT_HEAD(&t->lru, e, link);
	t->n++;
	return e;
}

struct throttle *
throttle_new(const struct throttle_conf *conf)
{
	struct throttle *t = xcalloc(1, sizeof(*t));

	table_init(&t->addresses);
	table_init(&t->users);
	table_init(&t->pairs);
	throttle_reconf(t, conf);
	return t;
}

void
throttle_free(struct throttle *t)
{
	if (t == NULL)
		return;
	table_free(&t->addresses);
	table_free(&t->users);
	table_free(&t->pairs);
	xfree(t);
}

void
throttle_reconf(struct throttle *t, const struct throttle_conf *conf)
{
	t->conf = *conf;
	if (t->conf.max_entries == 0)
		t->conf.max_entries = 16384;
}

/* The key of a pair: address, then user. */
struct pair_key {
	size_t n;
	char bytes[sizeof(struct throttle_key) + MAX_USER];
};

static void
pair_key(const struct throttle_try *try, struct pair_key *k)
{
	size_t n = try->user.n <= MAX_USER ? try->user.n : MAX_USER;

	memcpy(k->bytes, try->key.bytes, sizeof(try->key.bytes));
	if (n > 0)
		memcpy(k->bytes + sizeof(try->key.bytes), try->user.p, n);
	k->n = sizeof(try->key.bytes) + n;
}

static struct slice
address_key(const struct throttle_try *try)
{
	return slice_of(try->key.bytes, sizeof(try->key.bytes));
}

static struct slice
user_key(const struct throttle_try *try)
{
	return slice_head(try->user, MAX_USER);
}

static void
entry_decay(struct entry *e, uint64_t now_us)
{
	while (now_us - e->halved_us >= HALF_LIFE_US) {
		e->fails /= 2;
		if (e->fails == 0) {
			e->halved_us = now_us;
			return;
		}
		e->halved_us += HALF_LIFE_US;
	}
}

static unsigned
over(const struct throttle *t, const struct entry *e)
{
	if (t->conf.free == 0 || e->fails <= t->conf.free)
		return 0;
	return e->fails - t->conf.free;
}

/* Between two tries: nothing while failures are few, then growing up to the
 * delay of a failure. */
static uint64_t
interval_us(const struct throttle *t, unsigned n)
{
	return n >= SPREAD ? t->conf.delay_us : t->conf.delay_us * n / SPREAD;
}

/* A place in the schedule of e; the moment it begins. */
static uint64_t
entry_place(struct throttle *t, struct entry *e, uint64_t now_us, bool *full)
{
	uint64_t at = e->next_us > now_us ? e->next_us : now_us;

	if (at - now_us > MAX_WAIT_US) {
		*full = true;
		return now_us;
	}
	e->next_us = at + interval_us(t, over(t, e));
	return at;
}

/* One failure that is told: doubled with each further free number of them. */
static uint64_t
fail_delay_us(const struct throttle *t, unsigned n)
{
	unsigned doublings = t->conf.free == 0 ? 0 : n / t->conf.free;

	return t->conf.delay_us << (doublings > 3 ? 3 : doublings);
}

static void
entry_count(struct entry *e, uint64_t now_us)
{
	entry_decay(e, now_us);
	if (e->fails < MAX_FAILS)
		e->fails++;
}

/* A user is slowed down only by failures from many addresses: one address
 * alone cannot keep somebody else out. */
static void
user_count(struct entry *u, const struct throttle_try *try, uint64_t now_us)
{
	entry_decay(u, now_us);
	if (memcmp(&u->last, &try->key, sizeof(u->last)) == 0)
		return;
	u->last = try->key;
	if (u->fails < MAX_FAILS)
		u->fails++;
}

void
throttle_plan(struct throttle *t, const struct throttle_try *try,
    uint64_t now_us, struct throttle_plan *out)
{
	unsigned max = t->conf.max_entries;
	struct pair_key pk;
	struct entry *e, *user, *pair;
	uint64_t at, user_at;
	bool full = false;

	pair_key(try, &pk);
	pair = table_find(&t->pairs, slice_of(pk.bytes, pk.n));
	e = pair;
	if (e == NULL)
		e = table_need(&t->addresses, address_key(try), max, now_us);
	entry_count(e, now_us);
	at = entry_place(t, e, now_us, &full);
	user = table_find(&t->users, user_key(try));
	if (pair == NULL && user != NULL) {
		entry_decay(user, now_us);
		user_at = entry_place(t, user, now_us, &full);
		at = user_at > at ? user_at : at;
	}
	out->refused = full;
	out->start_us = at;
	out->tick_us = t->conf.delay_us;
	out->fail_us = at + fail_delay_us(t, over(t, e));
	out->first = pair != NULL && pair->hint == try->hint;
	if (out->first) {
		out->refused = false;
		out->start_us = now_us;
	}
}

static void
uncount(struct throttle *t, const struct throttle_try *try, uint64_t now_us)
{
	struct entry *e;
	struct pair_key pk;

	pair_key(try, &pk);
	e = table_find(&t->pairs, slice_of(pk.bytes, pk.n));
	if (e == NULL)
		e = table_find(&t->addresses, address_key(try));
	if (e == NULL)
		return;
	entry_decay(e, now_us);
	if (e->fails > 0)
		e->fails--;
	if (over(t, e) == 0)
		e->next_us = 0;
}

void
throttle_good(
    struct throttle *t, const struct throttle_try *try, uint64_t now_us)
{
	struct pair_key pk;
	struct entry *e;

	uncount(t, try, now_us);
	pair_key(try, &pk);
	e = table_need(
	    &t->pairs, slice_of(pk.bytes, pk.n), t->conf.max_entries, now_us);
	e->hint = try->hint;
}

void
throttle_bad(
    struct throttle *t, const struct throttle_try *try, uint64_t now_us)
{
	struct entry *u =
	    table_need(&t->users, user_key(try), t->conf.max_entries, now_us);

	user_count(u, try, now_us);
}

void
throttle_void(
    struct throttle *t, const struct throttle_try *try, uint64_t now_us)
{
	uncount(t, try, now_us);
}

uint64_t
throttle_tell_us(const struct throttle_plan *p, uint64_t now_us)
{
	uint64_t late;

	if (now_us <= p->fail_us)
		return p->fail_us;
	if (p->tick_us == 0)
		return now_us;
	late = now_us - p->fail_us;
	return p->fail_us + (late + p->tick_us - 1) / p->tick_us * p->tick_us;
}
