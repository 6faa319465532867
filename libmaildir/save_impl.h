/* SPDX-License-Identifier: ISC */
/* Inside of a save; for save.c (writing), commit.c (names) and stage.c. */
#ifndef LIBMAILDIR_SAVE_IMPL_H
#define LIBMAILDIR_SAVE_IMPL_H

#include "libmaildir/mailbox_impl.h"
#include "libmaildir/save.h"
#include "libmessage/crlf.h"

#define SAVE_MAX_OPEN 32

enum save_kind {
	SAVE_NUMBERED, /* into a mailbox, with UIDs */
	SAVE_PLAIN,    /* into new/ or cur/, numbered by who opens it next */
	SAVE_STAGE,    /* restante/stage/ID */
	SAVE_UNSTAGE   /* from there into a folder */
};

enum save_place {
	PLACE_NONE,
	PLACE_TMP, /* in tmp/ (or the stage) under name */
	PLACE_NEW, /* visible */
	PLACE_CUR
};

struct save_one {
	int fd;     /* -1: flushed and closed */
	char *name; /* in its place */
	enum save_place place;
	uint64_t size, wire;
	int64_t date;
	uint8_t flags;
	struct slice *keywords; /* ours, and their bytes */
	size_t n_keywords;
	uint32_t mask; /* their letters */
	uint32_t uid;
};

enum save_phase {
	SAVE_WRITING,
	SAVE_FILES,  /* files are being flushed */
	SAVE_NAMES,  /* give names, under the lock */
	SAVE_FOLDER, /* folder and list are being flushed */
	SAVE_DONE
};

struct save {
	enum save_kind kind;
	enum save_phase phase;
	struct mailbox *mb;    /* NULL: no UIDs */
	struct folder *folder; /* NULL: a stage */
	int stage;             /* descriptor of restante/stage; -1 */
	int stage_top;         /* of restante; -1 */
	int mail_root;         /* borrowed, while a stage is written; -1 */
	char *stage_id;
	struct save_one *v;
	size_t n, n_flushed; /* files flushed, from the start */
	size_t n_asked;      /* of these: in the flush under way */

	/* of the message being written: the last of v */
	bool is_writing;
	unsigned n_cr;    /* before here: 1, held back; 2, two or more */
	struct buf block; /* as stored, not yet written */
	struct crlf_count count;
	uint64_t max;
	void (*tap)(void *arg, struct slice stored);
	void *tap_arg;

	uint32_t uidvalidity;
	struct mailbox_refresh list; /* flush of the list: fd, inode, offset */
	uint64_t busy_since_us, busy_last_us; /* of the lock, see dotlock.h */
	size_t n_failed;                      /* not 0: it has failed */
	struct keywords own_keywords; /* of a folder that is no mailbox */
};

struct save *
save_new(enum save_kind kind, struct mailbox *mb, struct folder *f);
struct save_one *save_push(struct save *s, const struct save_message *m);

#endif
