/* SPDX-License-Identifier: ISC */
/*
 * What others did, told to one connection when the protocol lets it (RFC 3501
 * 7.4.1): the only place that changes sequence numbers of a client.
 */
#ifndef IMAPD_UPDATE_H
#define IMAPD_UPDATE_H

#include "imapd/imap_session.h"
#include "libmaildir/mailbox.h"

/* Take over what the mailbox knows and tell it. Without may_expunge expunges
 * wait for the next time. True when anything was told. */
bool update_tell(struct imap_session *s, bool may_expunge);
/* Would it have something to tell? Cheap. */
bool update_has_news(const struct imap_session *s);

/* "\Seen $x \Recent" of a message, appended, without parentheses. */
void update_put_flags(
    struct buf *b, const struct imap_session *s, const struct mailbox_rec *rec);
/* "* FLAGS (...)" and "* OK [PERMANENTFLAGS (...)] ..." */
void update_tell_names(struct imap_session *s);
/* The same, if they are others than those last told. */
void update_tell_new_names(struct imap_session *s);
/* One untagged FETCH with the flags, as STORE and updates need it; with the
 * modseq for who is to hear it. */
void update_tell_flags(
    struct imap_session *s, uint32_t seq, const struct mailbox_rec *rec);
/* The modseq alone, after a silent STORE. */
void update_tell_modseq(
    struct imap_session *s, uint32_t seq, const struct mailbox_rec *rec);

/* System flag of a name ("\Seen", any case): 0 when it is none that a client
 * may set. */
uint8_t update_system_flag(struct slice name);

#endif
