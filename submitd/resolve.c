/* SPDX-License-Identifier: ISC */
/* Who is local: an address becomes recipients. */
#include <string.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libserver/log.h"

#include "submitd/resolve.h"

#define MAX_EXPANSION 2000 /* addresses one alias may grow to */
#define RESOLVE_ARENA (1 * MIB)

struct work {
	struct work *next;
	const struct work *from;   /* whose target it is */
	const struct alias *alias; /* it became; compared, never looked into */
	struct slice address;      /* in the arena: a reload may come between */
	bool is_catch_all;
};

struct seen {
	struct seen *next;
	const struct alias *alias;
};

struct resolve {
	struct queue *q;
	struct arena arena;
	struct slice address; /* as the client gave it */
	struct work *work;
	struct work *at; /* auth is asked about this one */
	struct seen *seen;
	struct spool_rcpt *found;
	unsigned n_found, cap, n_work;
	enum queue_answer worst; /* of targets that came to nothing */
	uint64_t id;
	resolve_fn *done;
	void *arg;
};

struct parts {
	struct slice local, domain; /* domain "" when there is none */
	struct slice base, detail;  /* of local; detail.p NULL without one */
};

static struct parts
split(const struct queue *q, struct slice address)
{
	const char *delimiter = conf_str(q->role->conf, "recipient_delimiter");
	struct parts p = { .local = address };
	const char *at =
	    address.n == 0 ? NULL : memrchr(address.p, '@', address.n);
	ptrdiff_t d;

	if (at != NULL) {
		p.local = slice_head(address, (size_t)(at - address.p));
		p.domain = slice_from(address, (size_t)(at - address.p) + 1);
	}
	p.base = p.local;
	d = delimiter[0] == '\0' ? -1 : slice_find(p.local, delimiter[0]);
	if (d > 0) {
		p.base = slice_head(p.local, (size_t)d);
		p.detail = slice_from(p.local, (size_t)d + 1);
	}
	return p;
}

/* local[@domain] as a key of the aliases file, whole address first. */
static const struct alias *
find_alias(const struct queue *q, struct slice local, struct slice domain)
{
	struct buf key;
	const struct alias *al;

	buf_init(&key, 2 * MAX_ADDRESS);
	buf_put_slice(&key, local);
	buf_putc(&key, '@');
	buf_put_slice(&key, domain);
	al = domain.n == 0 ? NULL : aliases_find(&q->aliases, buf_slice(&key));
	buf_free(&key);
	return al != NULL ? al : aliases_find(&q->aliases, local);
}

static const struct alias *
alias_of(const struct queue *q, const struct parts *p)
{
	const struct alias *al = find_alias(q, p->local, p->domain);

	return al == NULL && p->detail.p != NULL ?
	    find_alias(q, p->base, p->domain) :
	    al;
}

static bool
was_seen(struct resolve *r, const struct alias *al)
{
	struct seen *s;

	for (s = r->seen; s != NULL; s = s->next)
		if (s->alias == al)
			return true;
	s = arena_zero(&r->arena, sizeof *s);
	if (s != NULL) {
		*s = (struct seen){ r->seen, al };
		r->seen = s;
	}
	return false;
}

/* Is it a target of itself, by way of others or not: then the user of that
 * name is meant. */
static bool
is_within(const struct work *w, const struct alias *al)
{
	for (; w != NULL; w = w->from)
		if (w->alias == al)
			return true;
	return false;
}

static void
push(struct resolve *r, const struct work *from, struct slice address,
    bool is_catch_all)
{
	struct work *w = arena_zero(&r->arena, sizeof *w);

	if (w == NULL || ++r->n_work > MAX_EXPANSION) {
		r->worst = QUEUE_LOOP;
		return;
	}
	w->from = from;
	w->address = arena_slice(&r->arena, address);
	if (r->arena.failed) {
		r->worst = QUEUE_LOOP;
		return;
	}
	w->is_catch_all = is_catch_all;
	w->next = r->work;
	r->work = w;
}

static void
push_targets(struct resolve *r, struct work *from, const struct alias *al)
{
	unsigned i;

	from->alias = al;
	for (i = 0; i < al->n_targets; i++)
		push(r, from, al->targets[i], false);
}

static void
note_failure(struct resolve *r, enum queue_answer a)
{
	/* what may be different later weighs more than what may not */
	if (r->worst == QUEUE_OK || a == QUEUE_TEMP || a == QUEUE_REMOTE)
		r->worst = a;
}

static void
add_found(struct resolve *r, struct slice user, struct slice mailbox)
{
	unsigned i;

	for (i = 0; i < r->n_found; i++)
		if (slice_eq(r->found[i].user, user) &&
		    slice_eq(r->found[i].mailbox, mailbox))
			return;
	if (r->n_found == r->cap) {
		unsigned cap = r->cap == 0 ? 4 : r->cap * 4;
		struct spool_rcpt *more =
		    arena_array(&r->arena, cap, sizeof *more);

		if (more == NULL) {
			note_failure(r, QUEUE_LOOP);
			return;
		}
		if (r->n_found > 0)
			memcpy(more, r->found, r->n_found * sizeof *more);
		r->found = more;
		r->cap = cap;
	}
	r->found[r->n_found++] =
	    (struct spool_rcpt){ .user = arena_slice(&r->arena, user),
		    .mailbox = mailbox,
		    .address = r->address,
		    .state = RCPT_WAITING };
}

/* Ask auth whether base[@domain] is a user. */
static bool
ask(struct resolve *r, const struct parts *p)
{
	struct ipc_user_lookup fixed = { .id = r->id, .what = USER_EXISTS };
	struct ipc_out o;
	char *name = p->domain.n == 0 ?
	    arena_dup(&r->arena, p->base.p, p->base.n) :
	    arena_printf(&r->arena, "%.*s@%.*s", SLICE_ARG(p->base),
		SLICE_ARG(p->domain));

	if (name == NULL || slice_str(name).n > MAX_USER)
		return false;
	ipc_begin(&o, IPC_USER_LOOKUP, &fixed, sizeof fixed);
	ipc_put_str(&o, name);
	return queue_tell_auth(r->q, &o);
}

static void
finish(struct resolve *r)
{
	enum queue_answer a = QUEUE_OK;

	if (r->worst == QUEUE_TEMP || r->worst == QUEUE_LOOP ||
	    r->worst == QUEUE_REMOTE || r->n_found == 0)
		a = r->worst == QUEUE_OK ? QUEUE_UNKNOWN : r->worst;
	else if (r->worst != QUEUE_OK)
		log_warn(0, "alias names nobody", "address",
		    arena_dup(&r->arena, r->address.p, r->address.n), NULL);
	idmap_del(&r->q->lookups, r->id);
	r->done(r->arg, a, r->found, a == QUEUE_OK ? r->n_found : 0);
	arena_free(&r->arena);
	xfree(r);
}

/* Nobody has it: the catch-all, and postmaster's last home. */
static void
nobody(struct resolve *r, struct work *w, const struct parts *p)
{
	const char *all = conf_str(r->q->role->conf, "catch_all");
	const struct alias *root;

	if (all[0] != '\0' && !w->is_catch_all) {
		push(r, w, slice_str(all), true);
		return;
	}
	if (!slice_ieq_str(p->base, "postmaster")) {
		note_failure(r, QUEUE_UNKNOWN);
		return;
	}
	root = aliases_find(&r->q->aliases, SLICE("root"));
	if (root != NULL && !was_seen(r, root)) {
		push_targets(r, w, root);
		return;
	}
	log_error(0, "postmaster has no alias", "aliases",
	    conf_str(r->q->role->conf, "aliases"), NULL);
	note_failure(r, QUEUE_TEMP);
}

/* Work until auth must be asked (true) or all is known. */
static bool
advance(struct resolve *r)
{
	while (r->work != NULL) {
		struct work *w = r->work;
		struct parts p = split(r->q, w->address);
		const struct alias *al;

		r->work = w->next;
		if (!queue_is_domain(r->q, p.domain)) {
			note_failure(r, QUEUE_REMOTE);
			continue;
		}
		al = alias_of(r->q, &p);
		if (al != NULL && !is_within(w->from, al)) {
			/* once is enough when two lists name a third */
			if (!was_seen(r, al))
				push_targets(r, w, al);
			continue;
		}
		r->at = w;
		if (ask(r, &p))
			return true;
		note_failure(r, QUEUE_TEMP);
	}
	return false;
}

struct resolve *
resolve_start(
    struct queue *q, struct slice address, resolve_fn *done, void *arg)
{
	struct resolve *r = xcalloc(1, sizeof *r);

	r->q = q;
	r->id = ++q->next_id;
	r->done = done;
	r->arg = arg;
	arena_init(&r->arena, RESOLVE_ARENA);
	r->address = arena_slice(&r->arena, address);
	push(r, NULL, r->address, false);
	idmap_put(&q->lookups, r->id, r);
	if (advance(r))
		return r;
	finish(r);
	return NULL;
}

void
resolve_cancel(struct resolve *r)
{
	if (r == NULL)
		return;
	idmap_del(&r->q->lookups, r->id);
	arena_free(&r->arena);
	xfree(r);
}

void
resolve_answer(
    struct queue *q, uint64_t id, enum err_code code, struct slice user)
{
	struct resolve *r = idmap_get(&q->lookups, id);
	struct parts p;

	if (r == NULL)
		return; /* the client left meanwhile */
	p = split(q, r->at->address);
	if (code == ERR_OK)
		add_found(r, user, p.detail);
	else if (code == ERR_NOTFOUND)
		nobody(r, r->at, &p);
	else
		note_failure(r, QUEUE_TEMP);
	if (!advance(r))
		finish(r);
}

void
resolve_fail_all(struct queue *q)
{
	struct map_entry *pos = NULL;
	uint64_t id;
	void *v;

	/* an answer may start the next question, which fails by itself */
	while (idmap_next(&q->lookups, &pos, &id, &v)) {
		resolve_answer(q, id, ERR_TEMP, SLICE_NONE);
		pos = NULL;
	}
}
