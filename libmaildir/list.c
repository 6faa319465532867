/* SPDX-License-Identifier: ISC */
/*
 * A mailbox's records and its uidlist: who has which number.
 *
 * N1. A base name has one UID. Where the list has two (it came back after it
 *     was told expunged), the higher one counts, and the list is written anew.
 * N2. Numbers are given in the order in which the files were made.
 * N3. What we have told is in the list that we write, also when another left it
 *     out: Dovecot does that to files that were renamed while it read a folder.
 */
#include <stdlib.h>
#include <string.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmaildir/mailbox_impl.h"
#include "libmaildir/remember.h"

#define PATIENCE 4 /* scans that did not see a file (S4) */

static void
insert_named(struct mailbox *mb, struct mailbox_rec *rec)
{
	size_t i = recs_from(&mb->named, rec->uid);

	rec->modseq = mb->scan; /* may_be_there() */
	recs_push(&mb->named, rec);
	memmove(mb->named.v + i + 1, mb->named.v + i,
	    (mb->named.n - 1 - i) * sizeof *mb->named.v);
	mb->named.v[i] = rec;
}

void
mailbox_rec_hide(struct mailbox *mb, struct mailbox_rec *rec)
{
	mailbox_count(mb, rec, -1);
	remember_gone(mb, rec);
	rec->is_shown = rec->to_index = false;
	mb->n_new -= rec->in_new;
	mb->n_to_list -= rec->to_list;
	rec->seen_scan = 0;
	rec->was_hidden = true;
	insert_named(mb, rec);
}

static void
remove_rec(struct recs *r, const struct mailbox_rec *rec)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (r->v[i] == rec) {
			memmove(r->v + i, r->v + i + 1,
			    (r->n - i - 1) * sizeof(struct mailbox_rec *));
			r->n--;
			return;
		}
}

/* O, where messages of POP3 stand in another order than their UIDs. */
static uint32_t
pop3_order(const struct uidlist_rec *listed)
{
	struct slice rest = listed->other, word;
	uint32_t n = 0;

	while (rest.n > 0) {
		(void)slice_cut(&rest, ' ', &word);
		if (slice_starts(word, "O") &&
		    slice_u32(slice_from(word, 1), UINT32_MAX, &n) == 0)
			break;
	}
	return n;
}

/* What the list knows beside the UID. */
static void
take_fields(struct mailbox *mb, struct mailbox_rec *rec,
    const struct uidlist_rec *listed)
{
	bool is_other = rec->size == NAME_NO_SIZE || rec->wire == NAME_NO_SIZE;

	mailbox_count(mb, rec, -1);
	if (rec->size == NAME_NO_SIZE)
		rec->size = listed->size;
	if (rec->wire == NAME_NO_SIZE)
		rec->wire = listed->wire;
	mailbox_count(mb, rec, 1);
	if (rec->guid == NULL && listed->guid.n > 0) {
		rec->guid = xstrndup(listed->guid.p, listed->guid.n);
		is_other = true;
	}
	if (listed->pop3.n > 0 && !slice_eq_str(listed->pop3, rec->uidl)) {
		xfree(rec->uidl);
		rec->uidl = xstrndup(listed->pop3.p, listed->pop3.n);
		is_other = true;
	}
	if (is_other)
		mailbox_rec_learnt(mb, rec);
	rec->pop3_order = pop3_order(listed);
}

/* The same file has another number now than the one we knew. */
static void
renumber(struct mailbox *mb, struct mailbox_rec *rec,
    const struct uidlist_rec *listed)
{
	struct mailbox_rec *again;

	mb->want_rewrite = true;
	if (listed->uid < rec->uid)
		return; /* N1 */
	again = mailbox_rec_new(mb, slice_str(rec->name), rec->in_new);
	again->uid = listed->uid;
	again->seen_scan = rec->seen_scan;
	take_fields(mb, again, listed);
	if (rec->is_shown)
		mailbox_rec_expunge(mb, rec, NULL);
	else {
		mailbox_rec_lost(mb, rec);
		remove_rec(&mb->named, rec);
		basetable_del(&mb->bases, rec);
		mailbox_rec_free(rec);
	}
	basetable_put(mailbox_bases(mb), again);
	insert_named(mb, again);
}

static void
on_rec(void *arg, const struct uidlist_rec *listed)
{
	struct mailbox *mb = arg;
	struct mailbox_rec *rec =
	    basetable_get(mailbox_bases(mb), listed->base);

	if (rec == NULL) {
		rec = mailbox_rec_new(mb, listed->base, false);
		rec->uid = listed->uid;
		take_fields(mb, rec, listed);
		basetable_put(mailbox_bases(mb), rec);
		insert_named(mb, rec);
	} else if (rec->uid == 0) {
		remove_rec(&mb->fresh, rec);
		rec->uid = listed->uid;
		take_fields(mb, rec, listed);
		insert_named(mb, rec);
	} else if (rec->uid == listed->uid)
		take_fields(mb, rec, listed);
	else
		renumber(mb, rec, listed);
}

/* Another file is the list: what it says of known files is the same, else
 * renumber() sees to it. */
static void
on_reset(void *arg)
{
	(void)arg;
}

int
mailbox_list_read(struct mailbox *mb, struct err *err)
{
	const struct uidlist_reader reader = { mb, on_reset, on_rec };

	if (uidlist_read(&mb->list, &reader, err) == -1)
		return -1;
	if (mb->list.head.version == 0)
		return 0;
	if (mb->head.version != 0 &&
	    mb->head.uidvalidity != mb->list.head.uidvalidity) {
		mb->is_forgotten = true;
		return err_set(err, ERR_GONE, "%s: UIDVALIDITY is another now",
		    mb->folder.name);
	}
	mb->head = mb->list.head;
	return 0;
}

static void
fill_line(const struct mailbox_rec *rec, struct uidlist_rec *out)
{
	struct uidlist_rec line = {
		.uid = rec->uid,
		.base = mailbox_rec_base(rec),
		.size = UINT64_MAX,
		.wire = UINT64_MAX,
		.guid = slice_str(rec->guid),
		.pop3 = slice_str(rec->uidl),
	};
	struct name n;

	name_split(line.base, &n);
	if (n.size == NAME_NO_SIZE)
		line.size = rec->size;
	if (n.wire == NAME_NO_SIZE)
		line.wire = rec->wire;
	*out = line;
}

static void
print_rec(const struct mailbox_rec *rec, struct buf *out)
{
	struct uidlist_rec line;

	fill_line(rec, &line);
	uidlist_print_rec(&line, out);
}

/* Append the records from index *i on, a portion. */
static int
append_some(
    struct mailbox *mb, const struct recs *r, size_t *i, struct err *err)
{
	struct buf b;
	int ret = 0;

	buf_init(&b, 1 * MIB);
	while (*i < r->n && b.n < IO_BLOCK)
		print_rec(r->v[(*i)++], &b);
	if (b.n > 0)
		ret = uidlist_append(
		    &mb->list, buf_slice(&b), r->v[*i - 1]->uid, err);
	buf_free(&b);
	return ret;
}

/* The list was taken away under our feet: what we know goes into the new one,
 * which has the same UIDVALIDITY and goes on far above. */
static int
restore_list(struct mailbox *mb, struct err *err)
{
	size_t i = 0;

	while (i < mb->recs.n)
		if (append_some(mb, &mb->recs, &i, err) == -1)
			return -1;
	mb->told_uid = 0;
	mailbox_note_told(mb);
	return 0;
}

int
mailbox_lock(struct mailbox *mb, struct err *err)
{
	struct uidlist_head hint = mb->head;
	bool lost;
	int r;

	if ((r = uidlist_lock(&mb->list, err)) != 1)
		return r;
	if (mb->is_loaded && mailbox_list_read(mb, err) == -1)
		goto out;
	lost = mb->head.version != 0 && mb->is_loaded &&
	    mb->list.head.version == 0;
	if (lost) {
		if (mb->list.floor < UINT32_MAX - UIDLIST_JUMP)
			hint.next_uid = mb->list.floor + UIDLIST_JUMP;
	} else
		hint = (struct uidlist_head){ 0 };
	if (uidlist_prepare(&mb->list, &hint, err) == -1)
		goto out;
	mb->head = mb->list.head;
	/* A new one: its header is read, so is all of it. */
	if (mb->is_loaded && !lost && mb->list.off != mb->list.end &&
	    mailbox_list_read(mb, err) == -1)
		goto out;
	if (lost && restore_list(mb, err) == -1)
		goto out;
	return 1;
out:
	uidlist_unlock(&mb->list);
	return -1;
}

void
mailbox_unlock(struct mailbox *mb)
{
	uidlist_unlock(&mb->list);
}

/* ---- numbers ---- */

static int
by_age(const void *a, const void *b)
{
	const struct mailbox_rec *x = *(struct mailbox_rec *const *)a;
	const struct mailbox_rec *y = *(struct mailbox_rec *const *)b;
	int64_t tx = mailbox_rec_savedate(x), ty = mailbox_rec_savedate(y);

	if (tx != ty)
		return tx < ty ? -1 : 1;
	return strcmp(x->name, y->name);
}

int
mailbox_number(struct mailbox *mb, struct err *err)
{
	struct recs *fresh = &mb->fresh;
	size_t i, done = 0;
	uint32_t uid;

	if (fresh->n == 0)
		return 0;
	qsort(
	    fresh->v, fresh->n, sizeof(struct mailbox_rec *), by_age); /* N2 */
	uid = uidlist_next(&mb->list);
	if (uid == 0 || UINT32_MAX - uid < fresh->n)
		return err_set(
		    err, ERR_LIMIT, "%s: no UID is left", mb->folder.name);
	for (i = 0; i < fresh->n; i++)
		fresh->v[i]->uid = uid++;
	while (done < fresh->n)
		if (append_some(mb, fresh, &done, err) == -1) {
			/* Burnt: the next time they get others. */
			mb->want_rewrite = true;
			for (i = 0; i < fresh->n; i++)
				fresh->v[i]->uid = 0;
			return -1;
		}
	for (i = 0; i < fresh->n; i++)
		insert_named(mb, fresh->v[i]);
	fresh->n = 0;
	return 0;
}

/* Files that others made and numbered after our scan are there, only not seen
 * yet; those of which the list knew before the scan are most often gone. One
 * that was renamed under our eyes again and again is a thing of chance: what is
 * behind it must not wait for ever. */
static bool
may_be_there(const struct mailbox *mb, const struct mailbox_rec *rec)
{
	return mb->scan - rec->modseq < (mb->is_careful ? PATIENCE : 1);
}

bool
mailbox_show_named(struct mailbox *mb)
{
	struct recs *named = &mb->named;
	size_t i, kept = 0;
	bool behind = false;
	uint32_t last;

	for (i = 0; i < named->n; i++) {
		struct mailbox_rec *rec = named->v[i];
		bool seen = rec->seen_scan != 0 && mailbox_was_seen(mb, rec);

		last = mb->recs.n == 0 ? 0 : mb->recs.v[mb->recs.n - 1]->uid;
		if (!seen || behind) {
			behind = behind || may_be_there(mb, rec);
			named->v[kept++] = rec;
		} else if (rec->uid <= last) {
			/* It was told gone, or never told: a UID below what
			 * was told may not come up. It gets a new one. */
			mailbox_rec_lost(mb, rec);
			rec->was_hidden = false;
			rec->uid = 0;
			recs_push(&mb->fresh, rec);
			mb->want_rewrite = true;
		} else
			mailbox_rec_show(mb, rec);
	}
	named->n = kept;
	if (behind) { /* look at once */
		mailbox_must_scan(mb);
	}
	return behind;
}

void
mailbox_add_own(struct mailbox *mb, struct mailbox_rec *rec)
{
	struct mailbox_rec *seen =
	    basetable_get(mailbox_bases(mb), mailbox_rec_base(rec));

	/* A scan meanwhile (C1 in a COPY to the same mailbox) found the file
	 * before it had its number. */
	if (seen != NULL && seen->uid == 0) {
		remove_rec(&mb->fresh, seen);
		basetable_del(&mb->bases, seen);
		mailbox_rec_free(seen);
	}
	basetable_put(mailbox_bases(mb), rec);
	rec->seen_scan = mb->scan;
	insert_named(mb, rec);
	(void)mailbox_show_named(mb);
}

/* ---- the list anew ---- */

struct keeper {
	struct mailbox *mb;
	size_t next; /* in mb->recs */
	bool is_written;
	/* Only a loaded mailbox whose last scan was certain knows what is
	 * gone. */
	bool certain;
};

static int
keep_known(const struct mailbox_rec *rec, struct uidlist_rec *listed)
{
	if (rec->uid != listed->uid) /* N1; 0: it gets a new number */
		return 0;
	if (rec->to_list) {
		listed->size = rec->size;
		listed->wire = rec->wire;
		if (rec->uidl != NULL)
			listed->pop3 = slice_str(rec->uidl);
	}
	return 1;
}

/* The record that we have of this UID, or of the next one above. */
static const struct mailbox_rec *
keep_next(struct keeper *k, uint32_t uid)
{
	const struct recs *r = &k->mb->recs;

	while (k->next < r->n && k->is_written && r->v[k->next]->uid < uid) {
		k->next++;
		k->is_written = false;
	}
	return k->next < r->n ? r->v[k->next] : NULL;
}

static int
keep_rec(void *arg, struct uidlist_rec *listed)
{
	struct keeper *k = arg;
	uint32_t uid = listed->uid == 0 ? UINT32_MAX : listed->uid;
	const struct mailbox_rec *rec = keep_next(k, uid);
	bool is_same;

	if (rec != NULL && rec->uid <= uid) {
		is_same = rec->uid == listed->uid &&
		    slice_eq(mailbox_rec_base(rec), listed->base);
		if (is_same) {
			k->is_written = true;
			return keep_known(rec, listed);
		}
		if (k->is_written)
			return 0; /* its number is another's */
		k->is_written = true;
		fill_line(rec, listed); /* N3 */
		return 2;
	}
	if (listed->uid == 0)
		return 0;
	rec = basetable_get(mailbox_bases(k->mb), listed->base);
	return rec != NULL ? keep_known(rec, listed) : !k->certain; /* U5 */
}

int
mailbox_rewrite(struct mailbox *mb, struct err *err)
{
	struct keeper k = { .mb = mb,
		.certain = mb->is_loaded && !mb->is_dirty };
	size_t i;

	if (uidlist_rewrite(
		&mb->list, keep_rec, &k, uidlist_next(&mb->list), err) == -1)
		return -1;
	mb->want_rewrite = false;
	for (i = 0; i < mb->recs.n; i++)
		mb->recs.v[i]->to_list = false;
	mb->n_to_list = 0;
	return 0;
}
