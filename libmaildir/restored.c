/* SPDX-License-Identifier: ISC */
/* A mail folder that came back from a backup. */
#include "libmaildir/store.h"
#include "libmaildir/uidlist.h"

static void
ignore_reset(void *arg)
{
	(void)arg;
}

static void
ignore_rec(void *arg, const struct uidlist_rec *rec)
{
	(void)arg;
	(void)rec;
}

static int
keep_all(void *arg, struct uidlist_rec *rec)
{
	(void)arg;
	(void)rec;
	return 1;
}

/* Under the lock. */
static int
jump(struct uidlist *ul, struct err *err)
{
	const struct uidlist_reader reader = { .reset = ignore_reset,
		.rec = ignore_rec };
	uint32_t next;

	if (uidlist_read(ul, &reader, err) == -1)
		return -1;
	if (ul->head.version == 0)
		return 0;
	next = uidlist_next(ul);
	if (next == 0 || next > UINT32_MAX - UIDLIST_JUMP)
		return err_set(err, ERR_LIMIT, "no UIDs are left");
	return uidlist_rewrite(ul, keep_all, NULL, next + UIDLIST_JUMP, err) ==
		-1 ?
	    -1 :
	    1;
}

int
store_jump(struct store *st, struct slice name, struct err *err)
{
	struct folder f;
	struct uidlist ul;
	int r;

	if (store_folder_open(st, name, &f, err) == -1)
		return -1;
	uidlist_init(&ul, &f);
	r = uidlist_lock(&ul, err);
	if (r == 0)
		r = err_set(err, ERR_BUSY, "the list of UIDs is locked");
	else if (r == 1)
		r = jump(&ul, err);
	uidlist_free(&ul);
	folder_close(&f);
	return r;
}
