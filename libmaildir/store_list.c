/* SPDX-License-Identifier: ISC */
/*
 * The list of mailboxes: what is on disk, what is subscribed, and the levels
 * between, in one sorted array.
 */
#include <stdlib.h>

#include "libbase/arena.h"
#include "libbase/mem.h"
#include "libmaildir/store_private.h"

/* Names of one list: 10000 of 1000 bytes and as many subscriptions. */
#define LIST_MAX_BYTES   (32 * MIB)
#define LIST_MAX_ENTRIES 100000

#define NO_PARENT SIZE_MAX

struct node {
	struct slice name;
	unsigned flags;
	size_t parent;
};

struct nodes {
	struct node *v;
	size_t n, cap;
};

struct store_list {
	struct arena text;
	struct nodes all;
	size_t next;
};

struct gather {
	struct store *st;
	struct store_list *list;
	struct nodes found;
	struct buf name;
};

static int
nodes_add(struct nodes *ns, struct slice name, unsigned flags, size_t parent)
{
	if (ns->n == LIST_MAX_ENTRIES)
		return -1;
	if (ns->n == ns->cap) {
		ns->cap = ns->cap == 0 ? 64 : 2 * ns->cap;
		ns->v = xreallocarray(ns->v, ns->cap, sizeof(ns->v[0]));
	}
	ns->v[ns->n++] = (struct node){ name, flags, parent };
	return 0;
}

static int
found(struct gather *g, struct slice name, unsigned flags)
{
	struct slice kept = arena_slice(&g->list->text, name);

	return g->list->text.failed ?
	    -1 :
	    nodes_add(&g->found, kept, flags, NO_PARENT);
}

static int
on_disk(void *arg, const char *disk)
{
	struct gather *g = arg;

	buf_reset(&g->name);
	if (foldername_to_client(&g->st->names, slice_str(disk), &g->name) == 0)
		return 0;
	return found(g, buf_slice(&g->name), 0) < 0 ? 1 : 0;
}

static int
gather(struct gather *g, struct subs *subs, struct err *err)
{
	struct slice name;
	size_t pos = 0;
	int r = found(g, SLICE("INBOX"), STORE_INBOX) < 0 ? 1 : 0;

	if (r == 0)
		r = store_each_disk(g->st, on_disk, g, err);
	while (r == 0 && subs_next(subs, &pos, &name))
		if (found(g, name,
			STORE_SUBSCRIBED | STORE_SUBS_ONLY |
			    STORE_NONEXISTENT) < 0)
			r = 1;
	if (r == 1)
		return err_set(err, ERR_LIMIT, "a list of too many names");
	return r;
}

static int
compare(const void *a, const void *b, void *separator)
{
	const struct node *na = a, *nb = b;

	return foldername_cmp(*(const char *)separator, na->name, nb->name);
}

/* The same name from disk and from the subscriptions becomes one. */
static void
merge_equal(struct nodes *ns)
{
	size_t to = 0;

	for (size_t i = 0; i < ns->n; i++) {
		struct node *last = to == 0 ? NULL : &ns->v[to - 1];

		if (last == NULL || !slice_eq(last->name, ns->v[i].name)) {
			ns->v[to++] = ns->v[i];
			continue;
		}
		/* real beats subscribed only; subscribed stays */
		last->flags =
		    ((last->flags | ns->v[i].flags) &
			~(unsigned)(STORE_SUBS_ONLY | STORE_NONEXISTENT)) |
		    (last->flags & ns->v[i].flags &
			(STORE_SUBS_ONLY | STORE_NONEXISTENT));
	}
	ns->n = to;
}

/* Add n to all with the levels above it that are not there. */
static int
add_with_levels(struct nodes *all, const struct node *n, char separator)
{
	size_t parent = all->n == 0 ? NO_PARENT : all->n - 1, from;

	while (parent != NO_PARENT &&
	    !foldername_is_below(separator, all->v[parent].name, n->name))
		parent = all->v[parent].parent;
	from = parent == NO_PARENT ? 0 : all->v[parent].name.n + 1;
	for (size_t i = from; i < n->name.n; i++) {
		if (n->name.p[i] != separator)
			continue;
		if (nodes_add(all, slice_head(n->name, i),
			STORE_NONEXISTENT | STORE_SUBS_ONLY, parent) < 0)
			return -1;
		parent = all->n - 1;
	}
	return nodes_add(all, n->name, n->flags, parent);
}

/* Tell the levels above what stands below them. */
static void
mark_above(struct nodes *all, const struct node *n)
{
	unsigned set = 0, clear = 0;

	if ((n->flags & STORE_SUBS_ONLY) == 0) {
		set |= STORE_HAS_CHILDREN;
		clear |= STORE_SUBS_ONLY;
	}
	if ((n->flags & STORE_SUBSCRIBED) != 0)
		set |= STORE_SUBSCRIBED_BELOW;
	for (size_t p = n->parent; p != NO_PARENT; p = all->v[p].parent)
		all->v[p].flags = (all->v[p].flags | set) & ~clear;
}

static int
build(struct store_list *l, struct nodes *found_nodes, char separator,
    struct err *err)
{
	qsort_r(found_nodes->v, found_nodes->n, sizeof(found_nodes->v[0]),
	    compare, &separator);
	merge_equal(found_nodes);
	for (size_t i = 0; i < found_nodes->n; i++)
		if (add_with_levels(&l->all, &found_nodes->v[i], separator) < 0)
			return err_set(
			    err, ERR_LIMIT, "a list of too many levels");
	/* from the end: a level's own mark is complete before it is passed up
	 */
	for (size_t i = l->all.n; i-- > 0;)
		mark_above(&l->all, &l->all.v[i]);
	return 0;
}

int
store_list_open(struct store *st, struct store_list **out, struct err *err)
{
	struct store_list *l = xcalloc(1, sizeof(*l));
	struct gather g = { .st = st, .list = l };
	struct subs subs;
	int r;

	arena_init(&l->text, LIST_MAX_BYTES);
	buf_init(&g.name, 16 * KIB);
	subs_init(&subs);
	r = store_read_subs(st, &subs, err);
	if (r == 0)
		r = gather(&g, &subs, err);
	if (r == 0)
		r = build(l, &g.found, st->conf.separator, err);
	subs_free(&subs);
	buf_free(&g.name);
	xfree(g.found.v);
	if (r < 0) {
		store_list_close(l);
		return -1;
	}
	*out = l;
	return 0;
}

bool
store_list_next(struct store_list *l, struct store_entry *out)
{
	if (l->next == l->all.n)
		return false;
	out->name = l->all.v[l->next].name;
	out->flags = l->all.v[l->next].flags;
	l->next++;
	return true;
}

void
store_list_rewind(struct store_list *l)
{
	l->next = 0;
}

void
store_list_close(struct store_list *l)
{
	if (l == NULL)
		return;
	arena_free(&l->text);
	xfree(l->all.v);
	xfree(l);
}
