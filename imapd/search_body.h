/* SPDX-License-Identifier: ISC */
/*
 * Keys TEXT and BODY over one message: its structure, then header by header and
 * body by body as folded text, in blocks. What is found in one part is not
 * looked for across the border of the next.
 */
#ifndef IMAPD_SEARCH_BODY_H
#define IMAPD_SEARCH_BODY_H

#include "imapd/search_run.h"

struct search_body;

/* Of the message that r has open, header read. */
struct search_body *search_body_new(struct search_run *r);
void search_body_free(struct search_body **b);
/* STEP_DONE: all keys are known, STEP_AGAIN, STEP_FAIL. */
enum step search_body_step(struct search_body *b, struct err *err);

#endif
