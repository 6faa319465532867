/* SPDX-License-Identifier: ISC */
/* The heads of all mailboxes: a table in memory, mailboxes.db on disk. */
#include <string.h>

#include "libbase/mem.h"
#include "libmaildir/index_impl.h"

/* key: mailbox, 8 bytes; value: revision 8, that of its tree 8, the head */
#define N_FIXED 16
/* Behind all others; value: ident 8, generation 8: which state it belongs to */
#define MARK    SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\xff")

void
index_heads_clear(struct index *ix)
{
	for (size_t i = 0; i < ix->n_heads; i++)
		xfree(ix->heads[i].p);
	xfree(ix->heads);
	ix->heads = NULL;
	ix->n_heads = ix->cap_heads = 0;
	ix->heads_ident = 0;
}

/* Where it is, or would be. */
static size_t
place(const struct index *ix, uint64_t box)
{
	size_t lo = 0, hi = ix->n_heads;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ix->heads[mid].box < box)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct index_head *
index_heads_find(const struct index *ix, uint64_t box)
{
	size_t i = place(ix, box);

	return i < ix->n_heads && ix->heads[i].box == box ? &ix->heads[i] :
							    NULL;
}

static void
set(struct index *ix, const struct index_head *h)
{
	size_t i = place(ix, h->box);
	char *p = xmalloc(h->n + 1);

	if (h->n > 0)
		memcpy(p, h->p, h->n);
	if (i < ix->n_heads && ix->heads[i].box == h->box) {
		xfree(ix->heads[i].p);
	} else {
		if (ix->n_heads == ix->cap_heads) {
			ix->cap_heads =
			    ix->cap_heads == 0 ? 16 : ix->cap_heads * 2;
			ix->heads = xreallocarray(
			    ix->heads, ix->cap_heads, sizeof(*ix->heads));
		}
		memmove(&ix->heads[i + 1], &ix->heads[i],
		    (ix->n_heads - i) * sizeof(*ix->heads));
		ix->n_heads++;
	}
	ix->heads[i] = *h;
	ix->heads[i].p = p;
}

static void
unset(struct index *ix, uint64_t box)
{
	size_t i = place(ix, box);

	if (i == ix->n_heads || ix->heads[i].box != box)
		return;
	xfree(ix->heads[i].p);
	ix->n_heads--;
	memmove(&ix->heads[i], &ix->heads[i + 1],
	    (ix->n_heads - i) * sizeof(*ix->heads));
}

struct loading {
	struct index *ix;
	bool bad;
};

static bool
load_one(void *arg, struct slice key, struct slice value)
{
	struct loading *l = arg;
	const uint8_t *p = (const uint8_t *)value.p;
	struct index_head h;

	if (value.n < N_FIXED || value.n > N_FIXED + INDEX_HEAD_MAX) {
		l->bad = true;
		return false;
	}
	h = (struct index_head){
		.box = index_get64((const uint8_t *)key.p),
		.revision = index_get64(p),
		.tree = index_get64(p + 8),
		.n = value.n - N_FIXED,
	};
	h.p = xmalloc(h.n + 1);
	memcpy(h.p, value.p + N_FIXED, h.n);
	if (l->ix->n_heads == l->ix->cap_heads) {
		l->ix->cap_heads =
		    l->ix->cap_heads == 0 ? 16 : l->ix->cap_heads * 2;
		l->ix->heads = xreallocarray(
		    l->ix->heads, l->ix->cap_heads, sizeof(*l->ix->heads));
	}
	l->ix->heads[l->ix->n_heads++] = h;
	return true;
}

static bool
belongs(struct index *ix, struct index_tree *t, struct err *err)
{
	struct buf b;
	const uint8_t *p;
	bool good;

	buf_init(&b, 2 * INDEX_VALUE_MAX);
	good = index_db_get(t, MARK, &b, err) == 1 && b.n == 16;
	p = (const uint8_t *)b.p;
	good = good && index_get64(p) == ix->st.ident &&
	    index_get64(p + 8) == ix->st.heads;
	if (!good && err->code == ERR_OK)
		(void)err_set(err, ERR_CORRUPT, "its files are of two ages");
	buf_free(&b);
	return good;
}

bool
index_heads_load(struct index *ix, struct err *err)
{
	uint8_t lo[8] = { 0 }, hi[8];
	struct loading l = { .ix = ix };
	struct index_tree *t;
	bool good;

	if (ix->heads_ident == ix->st.ident &&
	    ix->heads_generation == ix->st.generation)
		return true;
	/* what others wrote is flushed with ours */
	if (!ix->st.flushed)
		ix->flush_all = true;
	index_heads_clear(ix);
	if (ix->st.heads != 0) {
		t = index_db_open(
		    INDEX_HEADS_NAME, INDEX_HEAD_PAGE, INDEX_READ, err);
		if (t == NULL)
			return false;
		memset(hi, 0xff, sizeof(hi));
		good = belongs(ix, t, err) &&
		    index_db_read(t, slice_of(lo, 8), slice_of(hi, 8), 0,
			load_one, &l, err) == 0;
		if (l.bad) {
			(void)err_set(err, ERR_CORRUPT, "a head is too long");
			good = false;
		}
		if (index_db_close(&t, err) == -1)
			good = false;
		if (!good) {
			index_heads_clear(ix);
			return false;
		}
	}
	ix->heads_ident = ix->st.ident;
	ix->heads_generation = ix->st.generation;
	return true;
}

static int
put(struct index_tree *t, const struct index_head *h, struct err *err)
{
	uint8_t key[8], value[N_FIXED + INDEX_HEAD_MAX];

	index_put64(key, h->box);
	if (h->n == 0 && h->tree == 0)
		return index_db_del(t, slice_of(key, 8), slice_of(key, 8), err);
	index_put64(value, h->revision);
	index_put64(value + 8, h->tree);
	if (h->n > 0)
		memcpy(value + N_FIXED, h->p, h->n);
	return index_db_put(
	    t, slice_of(key, 8), slice_of(value, N_FIXED + h->n), err);
}

bool
index_heads_write(
    struct index *ix, const struct index_head *head, struct err *err)
{
	enum index_mode mode = ix->st.heads == 0 ? INDEX_MAKE : INDEX_WRITE;
	struct index_tree *t;
	uint8_t mark[16];
	bool good;

	if (mode == INDEX_MAKE && !index_unlink(ix, INDEX_HEADS_NAME))
		return false;
	t = index_db_open(INDEX_HEADS_NAME, INDEX_HEAD_PAGE, mode, err);
	if (t == NULL)
		return false;
	index_put64(mark, ix->st.ident);
	index_put64(mark + 8, ix->st.generation + 1);
	good = put(t, head, err) == 0 &&
	    index_db_put(t, MARK, slice_of(mark, 16), err) == 0;
	if (index_db_close(&t, err) == -1 || !good)
		return false;
	if (head->n == 0 && head->tree == 0)
		unset(ix, head->box);
	else
		set(ix, head);
	return true;
}
