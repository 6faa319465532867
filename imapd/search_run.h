/* SPDX-License-Identifier: ISC */
/*
 * A SEARCH program run over messages, one at a time: cheap keys first, and only
 * those that would matter; header and body are read once for all keys. Stops
 * anywhere, also within a message, when the time of the connection is spent.
 */
#ifndef IMAPD_SEARCH_RUN_H
#define IMAPD_SEARCH_RUN_H

#include "imapd/search_keys.h"
#include "libbase/step.h"
#include "libmaildir/fetch.h"
#include "libmessage/header.h"

struct conn;
struct search_body;

struct search_run {
	struct search_program *program;
	struct mailbox *box;
	const struct view *view;
	const struct text_fold *fold;
	struct kept *kept;       /* what is known without the file; NULL */
	const struct conn *conn; /* whose time it is; NULL: no end to it */

	/* private: the message in hand */
	struct search_subject subject;
	unsigned phase;
	struct fetch *file;
	struct buf header;
	struct header_iter fields;
	struct buf folded;
	struct search_body *body;
	bool is_hit;
};

void search_run_init(struct search_run *r);
void search_run_free(struct search_run *r);

/*
 * Go on with the message of that number (the same until it is done). STEP_DONE:
 * r->is_hit; STEP_AGAIN: time is spent; STEP_FAIL: it cannot be read (ERR_GONE:
 * it is not there any more), the next one may be asked for.
 */
enum step search_run_step(struct search_run *r, uint32_t seq, struct err *err);

#endif
