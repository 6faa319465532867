/* SPDX-License-Identifier: ISC */
/* Threads: links between messages, and the tree that comes of them. */
#include "imapd/thread_tree.h"
#include "libbase/ceilings.h"
#include "libbase/mem.h"

/* Of an entry in a map beside its key. */
#define MAP_ENTRY 64

void
thread_tree_init(struct thread_tree *t, enum thread_kind kind, size_t max)
{
	*t = (struct thread_tree){
		.kind = kind, .max = max, .first = THREAD_NONE
	};
	arena_init(&t->texts, max);
}

void
thread_tree_free(struct thread_tree *t)
{
	xfree(t->node);
	xfree(t->order);
	xfree(t->spare);
	map_free(&t->ids);
	map_free(&t->subjects);
	arena_free(&t->texts);
	t->node = NULL;
	t->order = t->spare = NULL;
}

unsigned
thread_tree_needs(enum thread_kind kind)
{
	static const unsigned needs[] = {
		[THREAD_ORDEREDSUBJECT] = NEED_SENT | 1u << SORT_SUBJECT,
		[THREAD_REFERENCES] = NEED_SENT | NEED_IDS | 1u << SORT_SUBJECT,
		[THREAD_REFS] = NEED_SENT | NEED_ARRIVAL | NEED_IDS,
	};

	return needs[kind];
}

/* ---- nodes ---- */

/* Maps hold pointers: an index and one. */
static void *
to_value(uint32_t i)
{
	return (void *)((uintptr_t)i + 1);
}

static uint32_t
lookup(const struct map *m, struct slice key)
{
	const void *v = map_get(m, key);

	return v == NULL ? THREAD_NONE : (uint32_t)((uintptr_t)v - 1);
}

/* THREAD_NONE over the ceiling. */
static uint32_t
new_node(struct thread_tree *t)
{
	t->bytes += sizeof(*t->node);
	if (t->bytes + t->texts.used > t->max || t->n == THREAD_NONE)
		t->failed = true;
	if (t->failed)
		return THREAD_NONE;
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 64 : t->cap * 2;
		t->node = xreallocarray(t->node, t->cap, sizeof(*t->node));
	}
	t->node[t->n] = (struct thread_node){ .parent = THREAD_NONE,
		.up = THREAD_NONE,
		.first = THREAD_NONE,
		.last = THREAD_NONE,
		.next = THREAD_NONE,
		.subject = "" };
	return t->n++;
}

static void
remember(struct thread_tree *t, struct map *m, struct slice key, uint32_t i)
{
	t->bytes += key.n + MAP_ENTRY;
	(void)map_put(m, key, to_value(i));
}

/* The node of an identifier, made if there is none. */
static uint32_t
node_of(struct thread_tree *t, struct slice id)
{
	uint32_t i = lookup(&t->ids, id);

	if (i != THREAD_NONE)
		return i;
	i = new_node(t);
	if (i != THREAD_NONE)
		remember(t, &t->ids, id, i);
	return i;
}

static bool
is_dummy(const struct thread_tree *t, uint32_t i)
{
	return t->node[i].seq == 0;
}

/* ---- (1): links ---- */

static bool
is_within(const struct thread_tree *t, uint32_t i, uint32_t of)
{
	while (i != THREAD_NONE && i != of)
		i = t->node[i].parent;
	return i == of;
}

/* Unless it has a parent, or would be its own ancestor. What has no children is
 * nobody's ancestor, and nearly always the case. */
static void
link_child(struct thread_tree *t, uint32_t parent, uint32_t child)
{
	struct thread_node *c = &t->node[child];

	if (c->parent != THREAD_NONE || parent == child ||
	    (c->children > 0 && is_within(t, parent, child)))
		return;
	c->parent = parent;
	t->node[parent].children++;
}

/* (1) of RFC 5256 3, for one message. */
static void
link_message(struct thread_tree *t, uint32_t i, struct slice references)
{
	uint32_t before = THREAD_NONE, ref;
	struct slice id;

	while (slice_cut(&references, '\n', &id)) {
		ref = node_of(t, id);
		if (ref == THREAD_NONE)
			return;
		if (before != THREAD_NONE)
			link_child(t, before, ref);
		before = ref;
	}
	/* (B): the last reference is the parent, whatever others said */
	if (t->node[i].parent != THREAD_NONE)
		t->node[t->node[i].parent].children--;
	t->node[i].parent = THREAD_NONE;
	if (before != THREAD_NONE)
		link_child(t, before, i);
}

static void
put_in_order(struct thread_tree *t, uint32_t i)
{
	if (t->n_order == t->cap_order) {
		t->cap_order = t->cap_order == 0 ? 64 : t->cap_order * 2;
		t->order =
		    xreallocarray(t->order, t->cap_order, sizeof(*t->order));
	}
	t->order[t->n_order++] = i;
	t->bytes += 2 * sizeof(*t->order);
}

void
thread_tree_add(
    struct thread_tree *t, uint32_t seq, const struct sort_record *rec)
{
	uint32_t i = THREAD_NONE;
	struct thread_node *n;

	if (rec->id.n > 0)
		i = node_of(t, rec->id);
	/* the first one has the identifier */
	if (i == THREAD_NONE || !is_dummy(t, i))
		i = new_node(t);
	if (i == THREAD_NONE)
		return;
	n = &t->node[i];
	n->seq = seq;
	n->sent = rec->sent;
	n->arrival = rec->arrival;
	n->is_reply = rec->is_reply;
	if (rec->text[SORT_SUBJECT].n > 0)
		n->subject = arena_dup(&t->texts, rec->text[SORT_SUBJECT].p,
		    rec->text[SORT_SUBJECT].n);
	if (n->subject == NULL) {
		n->subject = "";
		t->failed = true;
	}
	put_in_order(t, i);
	link_message(t, i, rec->references);
}

/* ---- phases of the making ---- */

static int
by_sent(const void *arg, uint32_t x, uint32_t y)
{
	const struct thread_node *node = arg;

	return (node[x].sent > node[y].sent) - (node[x].sent < node[y].sent);
}

static int
by_arrival(const void *arg, uint32_t x, uint32_t y)
{
	const struct thread_node *node = arg;

	return (node[x].arrival > node[y].arrival) -
	    (node[x].arrival < node[y].arrival);
}

static void
sort_by(struct thread_tree *t, sort_compare_fn *compare)
{
	sort_run_begin(
	    &t->run, t->order, t->spare, t->n_order, compare, t->node);
}

/* Sorted: the other array is free for the threads. */
static void
sorted(struct thread_tree *t)
{
	if (t->run.at == t->spare) {
		t->spare = t->order;
		t->order = t->run.at;
	}
}

/* ORDEREDSUBJECT: the earliest of a subject has the others below it. */
static void
group_one(struct thread_tree *t, uint32_t k)
{
	struct thread_node *n = &t->node[t->order[k]];
	struct slice subject = slice_str(n->subject);

	n->up = lookup(&t->subjects, subject);
	if (n->up == THREAD_NONE)
		remember(t, &t->subjects, subject, t->order[k]);
}

/* Before (3): links are ways up, and children are counted anew. */
static void
open_one(struct thread_tree *t, uint32_t i)
{
	t->node[i].up = t->node[i].parent;
	t->node[i].children = 0;
}

/* (3): the nearest ancestor that is a message, or the dummy on top. */
static void
contract_one(struct thread_tree *t, uint32_t k)
{
	struct thread_node *node = t->node;
	uint32_t i = t->order[k], to = node[i].parent, at = to, next;

	while (
	    to != THREAD_NONE && is_dummy(t, to) && node[to].up != THREAD_NONE)
		to = node[to].up;
	for (; at != to; at = next) {
		next = node[at].up;
		node[at].up = to;
	}
	node[i].up = to;
	if (to != THREAD_NONE && is_dummy(t, to))
		node[to].children++;
}

/* (3), (4): a dummy on top with one child goes; the threads in order. */
static void
top_one(struct thread_tree *t, uint32_t k)
{
	uint32_t i = t->order[k], up = t->node[i].up;

	if (up != THREAD_NONE && is_dummy(t, up)) {
		if (t->node[up].children > 1) {
			if (t->node[up].first != THREAD_NONE)
				return; /* listed with its first child */
			t->node[up].first = i;
			i = up;
		} else {
			t->node[i].up = THREAD_NONE;
		}
	} else if (up != THREAD_NONE) {
		return;
	}
	t->spare[t->n_threads++] = i;
}

static struct slice
thread_subject(const struct thread_tree *t, uint32_t i)
{
	return slice_str(
	    t->node[is_dummy(t, i) ? t->node[i].first : i].subject);
}

/* (5)(B): one thread of each subject. */
static void
subject_one(struct thread_tree *t, uint32_t k)
{
	uint32_t i = t->spare[k], was;
	struct slice subject = thread_subject(t, i);

	if (subject.n == 0)
		return;
	was = lookup(&t->subjects, subject);
	if (was == THREAD_NONE ||
	    (!is_dummy(t, was) &&
		(is_dummy(t, i) ||
		    (t->node[was].is_reply && !t->node[i].is_reply))))
		remember(t, &t->subjects, subject, i);
}

/* (5)(C): the others of that subject go below it. */
static void
merge_one(struct thread_tree *t, uint32_t k)
{
	uint32_t i = t->spare[k], to, dummy;
	struct slice subject = thread_subject(t, i);

	if (subject.n == 0)
		return;
	to = lookup(&t->subjects, subject);
	if (to == i)
		return;
	/* of a dummy that goes below a dummy the children are meant */
	if (is_dummy(t, to) || (t->node[i].is_reply && !t->node[to].is_reply)) {
		t->node[i].up = to;
		return;
	}
	dummy = new_node(t);
	if (dummy == THREAD_NONE)
		return;
	t->node[i].up = t->node[to].up = dummy;
	t->node[dummy].first = to; /* listed, and of that subject */
	remember(t, &t->subjects, subject, dummy);
}

static void
close_one(struct thread_tree *t, uint32_t i)
{
	struct thread_node *n = &t->node[i];

	n->first = n->last = n->next = THREAD_NONE;
	n->children = 0;
}

static void
append(struct thread_tree *t, uint32_t *first, uint32_t *last, uint32_t i)
{
	if (*first == THREAD_NONE)
		*first = i;
	else
		t->node[*last].next = i;
	*last = i;
}

/* (6): messages come by date, so all that is below one comes by date, and a
 * dummy where its first child comes. */
static void
build_one(struct thread_tree *t, uint32_t k)
{
	struct thread_node *node = t->node;
	uint32_t i = t->order[k], up = node[i].up;

	if (up != THREAD_NONE && is_dummy(t, up) && node[up].up != THREAD_NONE)
		up = node[up].up; /* its dummy was merged with that one */
	node[i].parent = node[i].up = up;
	if (up == THREAD_NONE) {
		append(t, &t->first, &t->last, i);
		return;
	}
	if (is_dummy(t, up) && node[up].first == THREAD_NONE) {
		node[up].parent = THREAD_NONE;
		append(t, &t->first, &t->last, up);
	}
	append(t, &node[up].first, &node[up].last, i);
}

/* REFS: from the latest arrival back, each thread once, to the front. */
static void
latest_one(struct thread_tree *t, uint32_t k)
{
	struct thread_node *node = t->node;
	uint32_t i = t->order[t->n_order - 1 - k], top = i, next;

	while (node[top].up != THREAD_NONE)
		top = node[top].up;
	for (; i != top; i = next) {
		next = node[i].up;
		node[i].up = top;
	}
	if (node[top].children > 0)
		return; /* is there */
	node[top].children = 1;
	node[top].next = t->first;
	t->first = top;
}

enum {
	FOR_REFERENCES = 1 << THREAD_REFERENCES,
	FOR_REFS = 1 << THREAD_REFS,
	FOR_LINKS = FOR_REFERENCES | FOR_REFS,
	FOR_SUBJECT = 1 << THREAD_ORDEREDSUBJECT,
	FOR_ALL = FOR_LINKS | FOR_SUBJECT
};

/* In this order. over: the count of what one is called with. */
static const struct phase {
	unsigned kinds;
	sort_compare_fn *compare; /* messages are sorted by it */
	enum {
		OVER_NODES,
		OVER_ORDER,
		OVER_THREADS
	} over;
	void (*one)(struct thread_tree *t, uint32_t k);
} phases[] = {
	{ FOR_ALL, by_sent, OVER_ORDER, NULL },
	{ FOR_SUBJECT, NULL, OVER_ORDER, group_one },
	{ FOR_LINKS, NULL, OVER_NODES, open_one },
	{ FOR_LINKS, NULL, OVER_ORDER, contract_one },
	{ FOR_LINKS, NULL, OVER_ORDER, top_one },
	{ FOR_REFERENCES, NULL, OVER_THREADS, subject_one },
	{ FOR_REFERENCES, NULL, OVER_THREADS, merge_one },
	{ FOR_ALL, NULL, OVER_NODES, close_one },
	{ FOR_ALL, NULL, OVER_ORDER, build_one },
	{ FOR_REFS, by_arrival, OVER_ORDER, NULL },
	{ FOR_REFS, NULL, OVER_ORDER, latest_one },
};

static bool
sort_portion(struct thread_tree *t, const struct phase *p, unsigned portion)
{
	if (t->at == 0) {
		t->at = 1;
		if (t->spare == NULL)
			t->spare = xreallocarray(
			    NULL, t->cap_order, sizeof(*t->spare));
		if (p->compare == by_arrival)
			t->first = THREAD_NONE;
		sort_by(t, p->compare);
	}
	if (!sort_run_step(&t->run, portion))
		return false;
	sorted(t);
	return true;
}

/* True when the phase is done. */
static bool
run_portion(struct thread_tree *t, const struct phase *p, unsigned portion)
{
	uint32_t n = p->over == OVER_NODES ? t->n :
	    p->over == OVER_ORDER          ? t->n_order :
					     t->n_threads;

	if (p->compare != NULL)
		return sort_portion(t, p, portion);
	for (; t->at < n && portion > 0; portion--)
		p->one(t, t->at++);
	return t->at == n;
}

bool
thread_tree_make(struct thread_tree *t, unsigned portion)
{
	const struct phase *p;

	if (t->n_order == 0)
		return true;
	while (t->phase < N_ELEMENTS(phases) && !t->failed) {
		p = &phases[t->phase];
		if ((p->kinds & 1u << t->kind) != 0 &&
		    !run_portion(t, p, portion))
			return false;
		t->phase++;
		t->at = 0;
	}
	return true;
}
