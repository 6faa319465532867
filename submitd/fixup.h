/* SPDX-License-Identifier: ISC */
/*
 * What a submission server may mend in a header (RFC 6409 8): a missing Date,
 * Message-ID, From or domain is added, Return-Path goes, a Received field comes
 * on top. Bcc stays here; it is left out when the message leaves the spool.
 */
#ifndef SUBMITD_FIXUP_H
#define SUBMITD_FIXUP_H

#include <time.h>

#include "libbase/buf.h"
#include "libbase/err.h"
#include "libmessage/address.h"

struct fixup {
	struct slice hostname; /* ours */
	struct slice domain;   /* for addresses without one */
	struct slice sender;   /* envelope sender, for a missing From */
	struct slice protocol; /* RFC 3848: ESMTPSA */
	struct slice id;       /* queue id */
	time_t now;
	int zone_minutes;
};

/* Who stands in From: and Sender:. */
struct fixup_from {
	struct address_list from;
	unsigned n_from;     /* From fields; more than one is not acceptable */
	unsigned n_received; /* hops so far: RFC 5321 6.3 */
};

/* May the line (not empty, without its line end) stand in a header? If not the
 * body begins with it, and an empty line is put before it: a reader that took
 * more lines for header than another could be shown another From. */
bool fixup_is_header_line(struct slice line, bool is_first);

/* Read a header block (CRLF lines, the empty line may stand behind) for what
 * must be asked about it. Lists live in the arena. */
void
fixup_read(struct slice header, struct arena *arena, struct fixup_from *out);

/* Write the mended header, with the empty line, to out (buf_ok() tells whether
 * it fitted). from is what fixup_read() found. */
void fixup_write(const struct fixup *f, const struct fixup_from *from,
    struct slice header, struct buf *out);

#endif
