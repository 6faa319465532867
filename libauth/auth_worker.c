/* SPDX-License-Identifier: ISC */
/* The pool of helpers: made on demand, fair between addresses, replaced when
 * one hangs, dies, is tired or has nothing to do. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "libauth/auth_state.h"
#include "libserver/family.h"
#include "libserver/log.h"

#define HELPER_REQUESTS 500
#define HELPER_IDLE_MS  60000
#define HELPER_START_MS 10000
#define HELPER_END_MS   5000

enum helper_state {
	HELPER_NONE, /* the slot is free */
	HELPER_STARTING,
	HELPER_IDLE,
	HELPER_BUSY,
	HELPER_ENDING /* told to end */
};

struct auth_helper {
	struct auth *auth;
	struct ipc_peer *peer;
	enum helper_state state;
	bool is_tired; /* ends after this answer: settings have changed */
	unsigned served;
	struct auth_try *try;       /* BUSY; NULL when the try has been freed */
	struct auth_source *source; /* BUSY: who is charged */
	struct timer timer;
};

static void dispatch(struct auth *a);

void
auth_pool_init(struct auth *a)
{
	a->helpers = xcalloc(AUTH_HELPERS_MAX, sizeof(*a->helpers));
}

static unsigned
max_helpers(const struct auth *a)
{
	uint64_t n = conf_u64(a->role->conf, "auth_helpers");

	return n > AUTH_HELPERS_MAX ? AUTH_HELPERS_MAX : (unsigned)n;
}

/* At most a quarter serves one address. */
static unsigned
source_share(const struct auth *a)
{
	unsigned quarter = max_helpers(a) / 4;

	return quarter == 0 ? 1 : quarter;
}

/* ---- sources ---- */

static struct slice
source_key(const struct throttle_key *key)
{
	return slice_of(key->bytes, sizeof(key->bytes));
}

static struct auth_source *
source_need(struct auth *a, const struct throttle_key *key)
{
	struct auth_source *s = map_get(&a->sources, source_key(key));

	if (s != NULL)
		return s;
	s = xcalloc(1, sizeof(*s));
	TAILQ_INIT(&s->tries);
	TAILQ_INIT(&s->known);
	s->key = *key;
	(void)map_put(&a->sources, source_key(&s->key), s);
	return s;
}

static struct try_list *
list_of(struct auth_try *t)
{
	return t->plan.first ? &t->source->known : &t->source->tries;
}

/* NULL: none waits. */
static struct auth_try *
next_try(const struct auth_source *s)
{
	struct auth_try *t = TAILQ_FIRST(&s->known);

	return t != NULL ? t : TAILQ_FIRST(&s->tries);
}

/* Into the ring, out of it, or away, as its state says. */
static void
source_settle(struct auth *a, struct auth_source *s)
{
	bool waits = next_try(s) != NULL;
	bool ready = waits && s->running < source_share(a);

	if (ready && !s->is_ready)
		TAILQ_INSERT_TAIL(&a->ready, s, link);
	if (!ready && s->is_ready)
		TAILQ_REMOVE(&a->ready, s, link);
	s->is_ready = ready;
	if (!waits && s->running == 0) {
		(void)map_del(&a->sources, source_key(&s->key));
		xfree(s);
	}
}

/* ---- one helper ---- */

static void
helper_kill(struct auth_helper *h, int sig)
{
	pid_t pid = ipc_peer_pid(h->peer);

	if (pid > 0 && kill(pid, sig) != 0 && errno != ESRCH)
		log_warn(0, "helper cannot be killed", "pid",
		    LOG_U64((uint64_t)pid), NULL);
}

static void
helper_end(struct auth_helper *h)
{
	h->state = HELPER_ENDING;
	helper_kill(h, SIGTERM);
	timer_start_ms(&h->timer, HELPER_END_MS);
}

/* What the try of a helper that died or hung is told. */
static void
try_lost(struct auth_try *t, const char *why)
{
	(void)snprintf(t->reason, sizeof(t->reason), "%s", why);
	if (t->kind == TRY_LOGIN)
		auth_login_verdict(t, LOGIN_UNAVAILABLE, "", NULL, why);
	else
		auth_lookup_verdict(t, LOGIN_UNAVAILABLE, NULL);
}

/* The helper has no try any more: its address may have another one. */
static struct auth_try *
helper_release(struct auth_helper *h)
{
	struct auth_try *t = h->try;
	struct auth_source *s = h->source;

	h->try = NULL;
	h->source = NULL;
	if (t != NULL) {
		t->helper = NULL;
		t->source = NULL;
	}
	if (s != NULL) {
		s->running--;
		source_settle(h->auth, s);
	}
	return t;
}

static void
helper_timer(void *arg)
{
	struct auth_helper *h = arg;
	struct auth *a = h->auth;
	struct auth_try *t;

	switch (h->state) {
	case HELPER_IDLE:
		helper_end(h);
		return;
	case HELPER_STARTING:
	case HELPER_BUSY:
	case HELPER_ENDING:
		log_warn(0, "helper hangs and is killed", "pid",
		    LOG_U64((uint64_t)ipc_peer_pid(h->peer)), NULL);
		h->state = HELPER_ENDING;
		helper_kill(h, SIGKILL);
		t = helper_release(h);
		if (t != NULL)
			try_lost(t, "PAM does not answer in time");
		dispatch(a);
		return;
	case HELPER_NONE:
		return;
	}
}

static struct auth_helper *
helper_spawn(struct auth *a)
{
	struct auth_helper *h = a->helpers;
	struct err err;
	unsigned i = 0, max = max_helpers(a);

	while (i < max && h[i].state != HELPER_NONE)
		i++;
	if (i == max)
		return NULL;
	h += i;
	memset(h, 0, sizeof(*h));
	h->auth = a;
	h->peer = role_spawn(a->role, R_HELPER, i, &err);
	if (h->peer == NULL) {
		log_err(0, "helper cannot be started", &err);
		return NULL;
	}
	ipc_peer_set_arg(h->peer, h);
	h->state = HELPER_STARTING;
	timer_init(&h->timer, a->role->loop, helper_timer, h);
	timer_start_ms(&h->timer, HELPER_START_MS);
	return h;
}

static void
helper_idle(struct auth_helper *h)
{
	if (h->is_tired || h->served >= HELPER_REQUESTS) {
		helper_end(h);
		return;
	}
	h->state = HELPER_IDLE;
	timer_start_ms(&h->timer, HELPER_IDLE_MS);
}

static int
helper_ask(struct auth_helper *h, struct auth_try *t)
{
	struct ipc_helper_try msg = { .id = t->id };
	struct ipc_out o;

	if (t->kind != TRY_LOGIN)
		msg.what = HELPER_LOOKUP;
	else
		msg.what = t->is_virtual ? HELPER_VERIFY : HELPER_LOGIN;
	ipc_begin(&o, IPC_HELPER_TRY, &msg, sizeof(msg));
	ipc_put_str(&o, t->name);
	ipc_put_str(&o, t->address);
	ipc_put_slice(&o, slice_of(t->secret.bytes, t->secret.n));
	secret_wipe(&t->secret);
	return ipc_send(h->peer, &o);
}

/* ---- who is next ---- */

static struct auth_helper *
find_idle(struct auth *a, unsigned *starting_out)
{
	struct auth_helper *idle = NULL;

	*starting_out = 0;
	for (unsigned i = 0; i < AUTH_HELPERS_MAX; i++) {
		struct auth_helper *h = &a->helpers[i];

		if (h->state == HELPER_IDLE && idle == NULL)
			idle = h;
		if (h->state == HELPER_STARTING)
			(*starting_out)++;
	}
	return idle;
}

static void
give_try(struct auth_helper *h, struct auth_source *s)
{
	struct auth *a = h->auth;
	struct auth_try *t = next_try(s);

	TAILQ_REMOVE(list_of(t), t, link);
	timer_stop(&t->timer);
	t->phase = TRY_ASKED;
	t->helper = h;
	h->try = t;
	h->source = s;
	h->state = HELPER_BUSY;
	h->served++;
	s->running++;
	/* To the end of the ring: the others first. */
	TAILQ_REMOVE(&a->ready, s, link);
	s->is_ready = false;
	source_settle(a, s);
	timer_start_ms(&h->timer, conf_ms(a->role->conf, "auth_timeout"));
	if (helper_ask(h, t) != 0) {
		/* It is about to be seen dead. */
		h->state = HELPER_ENDING;
		(void)helper_release(h);
		try_lost(t, "helper takes no question");
	}
}

static unsigned
count_ready(const struct auth *a)
{
	const struct auth_source *s;
	unsigned n = 0;

	TAILQ_FOREACH(s, &a->ready, link)
		n++;
	return n;
}

/* While some are busy one more stands ready: a flood keeps its share busy, and
 * somebody else must not wait for a start. */
static void
need_spare(struct auth *a)
{
	unsigned starting;

	if (find_idle(a, &starting) == NULL && starting == 0)
		(void)helper_spawn(a); /* NULL: there are as many as may be */
}

static void
dispatch(struct auth *a)
{
	struct auth_helper *h;
	unsigned starting;

	while (!TAILQ_EMPTY(&a->ready)) {
		h = find_idle(a, &starting);
		if (h != NULL) {
			give_try(h, TAILQ_FIRST(&a->ready));
			need_spare(a);
			continue;
		}
		if (starting >= count_ready(a) || helper_spawn(a) == NULL)
			return; /* whoever is busy or starting comes back */
	}
}

static void
queue_timeout(void *arg)
{
	struct auth_try *t = arg;

	auth_pool_remove(t);
	try_lost(t, "no helper was free in time");
}

void
auth_pool_add(struct auth_try *t)
{
	struct auth *a = t->auth;

	t->phase = TRY_QUEUED;
	t->source = source_need(a, &t->key);
	TAILQ_INSERT_TAIL(list_of(t), t, link);
	timer_init(&t->timer, a->role->loop, queue_timeout, t);
	timer_start_ms(&t->timer, conf_ms(a->role->conf, "auth_timeout"));
	source_settle(a, t->source);
	dispatch(a);
}

void
auth_pool_remove(struct auth_try *t)
{
	if (t->phase == TRY_QUEUED && t->source != NULL) {
		TAILQ_REMOVE(list_of(t), t, link);
		source_settle(t->auth, t->source);
		t->source = NULL;
	}
	/* The helper goes on and its answer finds nobody. */
	if (t->helper != NULL) {
		t->helper->try = NULL;
		t->helper = NULL;
	}
}

void
auth_pool_retire(struct auth *a)
{
	for (unsigned i = 0; i < AUTH_HELPERS_MAX; i++) {
		struct auth_helper *h = &a->helpers[i];

		h->is_tired = true;
		if (h->state == HELPER_IDLE)
			helper_end(h);
	}
}

/* ---- what helpers say ---- */

void
auth_helper_ready(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	struct auth_helper *h = ipc_peer_arg(from);

	(void)m;
	if (ipc_peer_role(from) != R_HELPER || h == NULL ||
	    h->state != HELPER_STARTING)
		return;
	helper_idle(h);
	dispatch(r->state);
}

void
auth_helper_answer(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_helper_answer *msg = m->fixed;
	struct auth_helper *h = ipc_peer_arg(from);
	char name[MAX_USER + 1], reason[160];
	struct account *found = NULL;
	struct auth_try *t;

	if (h == NULL || h->state != HELPER_BUSY)
		return;
	ipc_get_str(m, name, sizeof(name));
	ipc_get_str(m, reason, sizeof(reason));
	if (msg->found != 0) {
		found = xcalloc(1, sizeof(*found));
		account_get(m, found);
	}
	if (ipc_end(m) != 0 || msg->code >= LOGIN_CODE_COUNT) {
		xfree(found);
		family_drop(from, "bad HELPER_ANSWER");
		return;
	}
	t = helper_release(h);
	helper_idle(h);
	if (t != NULL && t->id != msg->id)
		try_lost(t, "helper answers another question");
	else if (t != NULL && t->kind == TRY_LOGIN)
		auth_login_verdict(
		    t, (enum login_code)msg->code, name, found, reason);
	else if (t != NULL)
		auth_lookup_verdict(t, (enum login_code)msg->code, found);
	xfree(found);
	dispatch(r->state);
}

void
auth_helper_gone(struct auth *a, struct ipc_peer *p)
{
	struct auth_helper *h = ipc_peer_arg(p);
	bool expected;
	struct auth_try *t;

	if (h == NULL)
		return;
	expected = h->state == HELPER_ENDING;
	timer_stop(&h->timer);
	h->state = HELPER_NONE;
	h->peer = NULL;
	t = helper_release(h);
	if (!expected)
		log_error(0, "helper died", "user", t == NULL ? NULL : t->name,
		    "pid", LOG_U64((uint64_t)ipc_peer_pid(p)), NULL);
	if (t != NULL)
		try_lost(t, "helper died");
	dispatch(a);
}
