/* SPDX-License-Identifier: ISC */
/*
 * CONDSTORE and QRESYNC (RFC 7162): what the commands have in common. A client
 * is told modseqs from the first command on that shows that it knows of them.
 */
#ifndef IMAPD_CONDSTORE_H
#define IMAPD_CONDSTORE_H

#include "imapd/imap_session.h"
#include "libmaildir/mailbox.h"

/* Is the client to hear modseqs of the selected mailbox? */
bool condstore_is_on(const struct imap_session *s);
/* Is it to hear VANISHED where others hear EXPUNGE? */
bool condstore_tells_vanished(const struct imap_session *s);
/* A command that enables it (RFC 7162 3.1): the first one tells HIGHESTMODSEQ
 * of the selected mailbox. */
void condstore_enable(struct imap_session *s);
/* The same for a command that is of no use in a mailbox that answered NOMODSEQ:
 * false, the reply is set (3.1.2.2). */
bool condstore_wanted(struct imap_cmd *cmd);

/* mod-sequence-valzer; -1: it is none. */
int condstore_number(const struct imap_arg *a, uint64_t *out) MUST_CHECK;

/* "* OK [HIGHESTMODSEQ n]" or NOMODSEQ, of a mailbox opened just now. */
void condstore_tell_opened(struct imap_session *s);
/* "MODSEQ (n)" of a message, appended; kept in mind for the tagged reply. */
void condstore_put(
    struct buf *b, struct imap_session *s, const struct mailbox_rec *rec);
/* Before the tagged reply: the client takes the highest modseq of the FETCHes
 * it was told for its own, so what is higher than it knows must be put right
 * (3.2). After VANISHED the code of an OK tells it. */
void condstore_finish(struct imap_cmd *cmd);

/* As much of "* VANISHED (EARLIER) uids" as the client takes now, from range
 * *at on; is_earlier false: all, without that word. True at its end. */
bool condstore_tell_vanished(struct imap_session *s, const struct seqset *uids,
    size_t *at, bool is_earlier);

/* Of seqs those whose messages have a modseq above since, without a look at
 * each where that is known; else more than these. */
void condstore_narrow(
    const struct imap_session *s, uint64_t since, struct seqset *seqs);

/* ---- (QRESYNC (...)) of SELECT, and what is told then ---- */

struct resync {
	uint32_t uidvalidity;
	uint64_t since;
	bool has_known, is_given;
	struct seqset known; /* UIDs */
	struct seqset match_seqs, match_uids;

	/* while it is told */
	struct seqset vanished, changed; /* UIDs, sequence numbers */
	size_t at;
	struct seqset_iter next;
};

/* Sets are freed with the arena. What is wrong, NULL for nothing. */
const char *
resync_read(struct resync *q, const struct imap_arg *list, struct arena *arena);
/* The mailbox is open: find what there is to tell. */
void resync_begin(struct resync *q, struct imap_session *s);
/* STEP_DRAIN, STEP_AGAIN, STEP_DONE. */
enum step resync_tell(struct resync *q, struct imap_session *s);

#endif
