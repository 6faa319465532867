/* SPDX-License-Identifier: ISC */
/*
 * Inside of an open mailbox; for the files of the mailbox half alone:
 * mailbox.c, records.c, changes.c, sync.c, view.c, change.c, save.c, copy.c.
 */
#ifndef LIBMAILDIR_MAILBOX_IMPL_H
#define LIBMAILDIR_MAILBOX_IMPL_H

#include "libmaildir/basetable.h"
#include "libmaildir/keywords.h"
#include "libmaildir/modseq.h"
#include "libmaildir/uidlist.h"
#include "libmaildir/view.h"

/* A growing array of records. */
struct recs {
	struct mailbox_rec **v;
	size_t n, cap;
};
void recs_push(struct recs *r, struct mailbox_rec *rec);
void recs_reserve(struct recs *r, size_t n); /* room for n in all */
/* Index of the first with that UID or a higher one. */
size_t recs_from(const struct recs *r, uint32_t uid);
/* Take out those of which drop() says so, in order. */
void recs_filter(struct recs *r,
    bool (*drop)(void *arg, struct mailbox_rec *rec), void *arg);
void recs_free(struct recs *r); /* not the records */

enum log_kind {
	LOG_FLAGS,
	LOG_EXPUNGE
};
/* What happened, in order; each view reads from its own position. */
struct log_entry {
	struct mailbox_rec *rec;
	struct view *by; /* who did it; NULL: somebody else */
	uint64_t modseq;
	enum log_kind kind;
};

struct view {
	struct mailbox *mb;
	struct view *next; /* of the mailbox */
	bool read_only;
	struct recs recs; /* what the session was told, in order of UID */
	uint64_t flags_pos, expunge_pos; /* in the log: told up to here */
	uint64_t keywords_seen;          /* keywords.changes */
	bool has_strangers;              /* shows gone ones that no log names */
	uint64_t modseq_cap;  /* behind it an expunge that this view never
				 showed; 0: none */
	struct seqset recent; /* UIDs */
	struct mailbox_refresh refresh;
};

/* State of a folder: what it was when it was read. */
struct stamp {
	uint64_t dev, ino;
	int64_t mtime_ns, ctime_ns;
};

/* A name in cur/ or new/ beside the one that a record has. */
struct other_name {
	char *name;
	bool in_new;
	uint64_t ino;
};
#define MAX_LINKS 4096

/* Of shown messages; sums of the sizes that are known. */
struct mailbox_counts {
	uint64_t messages, recent, unseen, deleted;
	uint64_t bytes, wire, deleted_bytes;
	uint64_t unsized, deleted_unsized;
};

/* UIDs in any order. */
struct uids {
	uint32_t *v;
	size_t n, cap;
};

/* What is to be told the index, and what it has: remember.c. */
struct memory {
	uint64_t revision;            /* what we know of it there */
	uint64_t log_last, log_floor; /* of the expunge log there */
	struct uids changed, gone;
	struct stamp cur, new; /* as they stand there; zero: none */
	struct uidlist_mark list;
	bool is_whole; /* the head there is valid */
	bool is_lost;  /* another process writes it */
};

struct mailbox {
	struct mailboxes *family;
	struct mailbox *next; /* of the family */
	unsigned refs;
	bool is_forgotten;
	struct folder folder;
	uint64_t dev, ino; /* of the folder */
	struct uidlist list;
	struct keywords keywords;
	struct watch_folder *watch;

	/* What is there. Each record is in exactly one of the three arrays;
	 * all are in bases. */
	struct recs recs;       /* with UID and file: what views may show */
	struct recs named;      /* listed with a UID, no file seen yet */
	struct recs fresh;      /* file seen, no UID yet: uid is 0 */
	struct basetable bases; /* mailbox_bases() */
	bool has_bases;         /* else it is made when somebody asks */
	struct slab *slabs;
	uint32_t seen_below; /* all with a lower UID have \Seen */
	/* More names of the same files, as the last certain scan saw them: they
	 * go when the message goes. */
	struct other_name *links;
	size_t n_links;
	size_t n_new;     /* of recs: those in new/ */
	size_t n_to_list; /* of recs: to_list */
	struct mailbox_counts counts;
	struct memory memory;
	uint32_t told_uid; /* up to here the list is flushed (U1) */

	struct uidlist_head
	    head; /* as first read: what a lost list gets again */

	bool is_loaded;
	bool is_untold;    /* what was loaded was shown to nobody yet */
	bool is_dirty;     /* must be scanned, whatever the watch says */
	bool is_cur_known; /* what cur/ holds: a scan may pass it by (S5) */
	bool is_careful;   /* the last scan was not certain: S4 */
	bool want_rewrite; /* the list holds much that is gone, or doubles */
	uint64_t scan;     /* number of the last scan */
	uint64_t cur_scan; /* of the last one that read cur/ */
	uint64_t again_at_us;
	struct stamp cur_stamp, new_stamp; /* at the last certain scan */

	struct log_entry *log;
	size_t log_n, log_cap;
	uint64_t log_start; /* position of log[0] */
	/* Drawn at the first load; 0 before it. What is there then has this
	 * one, unless the index knows better. */
	uint64_t highest_modseq;
	struct modlog expunged, changed;
	struct view *views;

	uint64_t box;                /* its number in the index; 0: none yet */
	struct summaries *summaries; /* NULL: nobody asked for one */
};

struct mailboxes {
	struct store *store;
	struct mailboxes_conf conf;
	struct watch *watch;
	struct mailbox *open; /* and those kept without users, last used first
			       */
	struct index *index;  /* NULL: none */
	uint64_t index_owner;
	bool has_news;  /* for the index */
	bool is_behind; /* the index: something told is not in it */
	struct modseqs modseqs;
	/* summaries.c: what was read is held, counted in askings */
	size_t window_bytes;
	uint64_t tick, rested;
	struct index_batch *batch; /* of the last write: used again */
};

/* ---- mailbox.c ---- */

void
mailbox_put_counts(const struct mailbox_counts *c, struct mailbox_status *out);

/* Is there a quota to keep? */
bool mailbox_has_quota(const struct mailbox *mb);
/* Messages came, or (negative) went. A failure is one of the count alone, which
 * is made again. */
void mailbox_quota_add(struct mailbox *mb, int64_t bytes, int64_t msgs);
/* What a message counts, also when its size is not known yet. */
int64_t
mailbox_quota_size(const struct mailbox *mb, const struct mailbox_rec *rec);

/* ---- records.c ---- */

struct mailbox_rec *
mailbox_rec_new(struct mailbox *mb, struct slice file_name, bool in_new);
/* With that name, else zero. */
struct mailbox_rec *mailbox_rec_alloc(struct mailbox *mb, struct slice name);
/* The records by base name. */
struct basetable *mailbox_bases(struct mailbox *mb);
/* Memory of records that came by the bulk. */
void mailbox_free_slabs(struct mailbox *mb);
void mailbox_rec_free(struct mailbox_rec *rec);
/* Another name of the same base, or another place. true: flags or keywords are
 * others than before. */
bool mailbox_rec_rename(struct mailbox *mb, struct mailbox_rec *rec,
    struct slice file_name, bool in_new);
/* Count a shown one in (1) or out (-1): around each change of what counts. */
void mailbox_count(struct mailbox *mb, const struct mailbox_rec *rec, int sign);
void mailbox_rec_set_recent(
    struct mailbox *mb, struct mailbox_rec *rec, bool is_recent);
/* A record with UID and file joins recs; its UID is above all there. */
void mailbox_rec_show(struct mailbox *mb, struct mailbox_rec *rec);
/* Flags or keywords of a shown record have changed: modseq and log. */
void mailbox_rec_changed(
    struct mailbox *mb, struct mailbox_rec *rec, struct view *by);
/* It is gone: modseq and log; the caller has taken it out of recs. */
void
mailbox_rec_gone(struct mailbox *mb, struct mailbox_rec *rec, struct view *by);
/* The load begins: a modseq for all that it finds. */
void mailbox_modseq_begin(struct mailbox *mb);
/* Another process has drawn modseqs: all that is known gets the new floor. */
void mailbox_modseq_overtaken(struct mailbox *mb);
/* It came from the index, was hidden and is not there: who knows it from before
 * hears of its end the next time. */
void mailbox_rec_lost(struct mailbox *mb, const struct mailbox_rec *rec);
/* Take one out of recs and log it. */
void mailbox_rec_expunge(
    struct mailbox *mb, struct mailbox_rec *rec, struct view *by);
/* Give back what all views have passed; keep the log within its bound. */
void mailbox_log_trim(struct mailbox *mb);
uint64_t mailbox_log_end(const struct mailbox *mb);
int mailbox_rec_dir(const struct mailbox *mb, const struct mailbox_rec *rec);

/* ---- changes.c ---- */

/* The highest modseq that may be told to who knows no UID above this one. */
uint64_t mailbox_told_modseq(const struct mailbox *mb, uint32_t uid);

/* ---- sync.c ---- */

void mailbox_forget_links(struct mailbox *mb);
/* What cur/ and new/ are now. ERR_GONE. */
int mailbox_stamps(struct mailbox *mb, struct stamp *cur, struct stamp *new,
    struct err *err) MUST_CHECK;
/* Older than the file system's times can tell apart? */
bool mailbox_stamp_is_old(const struct mailbox *mb, const struct stamp *s);

/* What is known may be wrong: the next refresh reads all of the folder. */
void mailbox_must_scan(struct mailbox *mb);
/* One scan, without numbering: finds renamed files again. */
int mailbox_scan(struct mailbox *mb, struct err *err) MUST_CHECK;
/* What is flushed may be told. */
void mailbox_note_told(struct mailbox *mb);
/* The flush that r asked for is done. What the list held then may be told, also
 * when somebody has appended to it since: who made a message sees it. */
void mailbox_note_flushed(struct mailbox *mb, const struct mailbox_refresh *r);

/* ---- list.c ---- */

/* The lock of the list, taken, the list read to its end (a mailbox that is
 * loaded has all records), numbers may be given. 1, 0 busy, -1. */
int mailbox_lock(struct mailbox *mb, struct err *err) MUST_CHECK;
void mailbox_unlock(struct mailbox *mb);
/* Read what is new in the list. ERR_GONE: it has another UIDVALIDITY. */
int mailbox_list_read(struct mailbox *mb, struct err *err) MUST_CHECK;
/* Numbers for the fresh ones; under the lock. */
int mailbox_number(struct mailbox *mb, struct err *err) MUST_CHECK;
/* Move to recs what has UID and file, but not behind one whose file was not
 * seen and may be there (sync.c, S4): true when one waits for that. */
bool mailbox_show_named(struct mailbox *mb);
/* Of recs, to be taken out there: it waits in named for its file to be seen. */
void mailbox_rec_hide(struct mailbox *mb, struct mailbox_rec *rec);
/* What we have just made, with its UID; under the lock. */
void mailbox_add_own(struct mailbox *mb, struct mailbox_rec *rec);
/* The list anew, without what is gone, with sizes; under the lock. */
int mailbox_rewrite(struct mailbox *mb, struct err *err) MUST_CHECK;

/* ---- change.c ---- */

/* Rename with the watch told. 0, -1 with errno. */
int mailbox_rename(struct mailbox *mb, bool from_new, const char *from,
    bool to_new, const char *to) MUST_CHECK;
/* The message is gone by our hand: so are the other names of its file. */
void mailbox_remove_links(struct mailbox *mb, const struct mailbox_rec *rec);
/* Move what is in new/ to cur/; it is recent for who is told first. */
int mailbox_claim_new(struct mailbox *mb, struct err *err) MUST_CHECK;

#endif
