/* SPDX-License-Identifier: ISC */
/* Life after a power cut, and the next one. */
#include <stdio.h>
#include <string.h>

#include "libbase/clock.h"
#include "libbase/mem.h"
#include "tests/crash/again.h"
#include "tests/crash/sweep.h"

#define CUTS 4 /* second ones of one first */

struct named {
	const char *name[2];
	bool may_be;
};

/* The names that a box may have by the journal. */
static void
find_names(const struct world *w, unsigned box, struct named *out)
{
	size_t i;

	*out = (struct named){ 0 };
	for (i = 0; i < w->n; i++)
		if (w->v[i].box == box &&
		    (w->v[i].kind == P_AT || w->v[i].kind == P_MAYBE ||
			w->v[i].kind == P_GONE)) {
			out->may_be = w->v[i].kind != P_GONE;
			out->name[0] = w->v[i].name;
			out->name[1] = w->v[i].name2;
		}
}

/* Its UIDs are told, and one more message is saved. */
static void
live_in(struct world *w, unsigned box, const char *name)
{
	struct mailbox *mb = world_box(w, name);
	struct view *v = view_open(mb, false);

	world_look(w, box, v);
	world_append(w, box, mb, MAX_MIDS - 10 + box, 1, true);
	view_close(&v);
	mailbox_close(&mb);
}

static void
live(struct world *w)
{
	struct named names;
	struct err err;
	unsigned box, k;

	for (box = 0; box < MAX_BOXES; box++) {
		find_names(w, box, &names);
		for (k = 0; k < 2 && names.may_be; k++)
			if (names.name[k] != NULL &&
			    store_exists(
				w->st, slice_str(names.name[k]), &err) == 1)
				live_in(w, box, names.name[k]);
	}
}

static int
judge(struct world *w2, uint64_t seed)
{
	struct replay rp = { .rec = &w2->rec, .max = 1, .lag = w2->once != 8 };
	char dir[700];
	unsigned i;
	int r = 0;

	(void)snprintf(dir, sizeof dir, "%s-2", w2->root);
	rp.dir = dir;
	for (i = 0; i < CUTS && r == 0; i++) {
		size_t marks = replay_random(&rp, replay_mix(&seed));

		r = world_judge(w2, dir, marks);
		if (r == -1) {
			struct buf said;

			buf_init(&said, sizeof w2->fault);
			buf_puts(&said, w2->fault);
			buf_puts(&said, " after a second cut: ");
			replay_say(&rp, &said);
			(void)world_fault(w2, "%s", buf_cstr(&said));
			buf_free(&said);
		}
		sweep_away(dir);
	}
	replay_forget(&rp);
	return r;
}

int
again_judge(struct world *w, const struct replay *rp, size_t marks)
{
	uint64_t seed = rp->seed ^ (rp->n_states * 0x9e3779b97f4a7c15u);
	struct world w2 = { .has_control = w->has_control,
		.has_quota = w->has_quota,
		.once = w->once,
		.recover = w->recover };
	int r;

	w2.root = xstrdup(rp->dir);
	record_begin(&w2.rec, w2.root);
	record_here(&w2.rec, w2.root);
	for (w2.n = 0; w2.n < marks;)
		promise(&w2, w->v[w2.n]);
	record_settle(&w2.rec);
	world_start(&w2, w2.root);
	if (w2.recover == NULL || (r = w2.recover(&w2, w2.root, marks)) == 0) {
		live(&w2);
		r = 0;
	}
	record_end(&w2.rec);
	world_stop(&w2);
	clock_shift_us(0);
	if (r == 0)
		r = judge(&w2, seed);
	if (r == -1)
		memcpy(w->fault, w2.fault, sizeof w->fault);
	record_free(&w2.rec);
	xfree(w2.root);
	xfree(w2.v);
	return r;
}
