/* SPDX-License-Identifier: ISC */
/* Result options, the ESEARCH response, the saved result. */
#include "imapd/search_return.h"
#include "imapd/imap_reply.h"
#include "imapd/imap_session.h"
#include "imapd/search_find.h"
#include "libbase/ceilings.h"
#include "libmaildir/view.h"

static const struct {
	const char *name;
	unsigned bit;
} options_known[] = {
	{ "MIN", RETURN_MIN },
	{ "MAX", RETURN_MAX },
	{ "ALL", RETURN_ALL },
	{ "COUNT", RETURN_COUNT },
	{ "SAVE", RETURN_SAVE },
};

static unsigned
option_bit(const struct imap_arg *a)
{
	size_t i;

	for (i = 0; i < N_ELEMENTS(options_known); i++)
		if (imap_arg_is(a, options_known[i].name))
			return options_known[i].bit;
	return 0;
}

bool
search_return_read(
    struct imap_cmd *cmd, const struct imap_arg **at, unsigned *out)
{
	const struct imap_arg *a = *at;
	unsigned options = RETURN_GIVEN, bit;

	*out = 0;
	if (!imap_arg_is(a, "RETURN"))
		return true;
	a = a->next;
	if (a == NULL || a->kind != ARG_LIST || a->next == NULL) {
		(void)imap_bad(cmd, "Result options and search keys expected");
		return false;
	}
	*at = a->next;
	for (a = a->child; a != NULL; a = a->next) {
		bit = option_bit(a);
		if (bit == 0) {
			(void)imap_bad(cmd, "Unknown result option");
			return false;
		}
		options |= bit;
	}
	if (options == RETURN_GIVEN)
		options |= RETURN_ALL; /* RFC 4731 3.1 */
	*out = options;
	return true;
}

unsigned
search_return_wants(unsigned options)
{
	unsigned want = 0;

	if ((options & RETURN_MIN) != 0)
		want |= FIND_MIN;
	if ((options & RETURN_MAX) != 0)
		want |= FIND_MAX;
	/* RFC 5182 2.4: with ALL or COUNT, or alone, SAVE keeps all */
	if ((options & (RETURN_ALL | RETURN_COUNT)) != 0 || want == 0)
		want |= FIND_ALL;
	return want;
}

bool
search_return_tells(unsigned options)
{
	return (options & ~(unsigned)(RETURN_SAVE | RETURN_GIVEN)) != 0;
}

void
search_return_put_head(struct imap_cmd *cmd, unsigned options, uint32_t min,
    uint32_t max, uint64_t count)
{
	struct buf b;

	buf_init(&b, MAX_IMAP_LINE);
	buf_puts(&b, "* ESEARCH (TAG ");
	imap_put_string(&b, cmd->tag);
	buf_puts(&b, cmd->is_uid ? ") UID" : ")");
	if ((options & RETURN_MIN) != 0 && count > 0)
		buf_printf(&b, " MIN %u", min);
	if ((options & RETURN_MAX) != 0 && count > 0)
		buf_printf(&b, " MAX %u", max);
	if ((options & RETURN_COUNT) != 0) {
		buf_puts(&b, " COUNT ");
		buf_put_u64(&b, count);
	}
	imap_put(cmd->s, buf_slice(&b));
	buf_free(&b);
}

void
search_return_put_range(struct buf *b, bool is_first, uint32_t lo, uint32_t hi)
{
	buf_puts(b, is_first ? " ALL " : ",");
	buf_put_u64(b, lo);
	if (hi > lo)
		buf_printf(b, ":%u", hi);
}

/* RFC 7162 3.1.6, 3.1.10 */
void
search_return_put_end(struct imap_cmd *cmd, unsigned options, uint64_t modseq)
{
	struct buf b;

	buf_init(&b, MAX_IMAP_LINE);
	if (modseq != 0)
		buf_printf(&b,
		    (options & RETURN_GIVEN) == 0 ? " (MODSEQ %llu)" :
						    " MODSEQ %llu",
		    (unsigned long long)modseq);
	buf_puts(&b, "\r\n");
	imap_put(cmd->s, buf_slice(&b));
	buf_free(&b);
}

bool
search_return_save(
    struct imap_cmd *cmd, unsigned options, const struct seqset *found)
{
	struct imap_session *s = cmd->s;

	if ((options & RETURN_SAVE) == 0)
		return true;
	seqset_reset(&s->saved);
	(void)view_uids_of(s->view, found, &s->saved);
	if (!found->failed && !s->saved.failed)
		return true;
	(void)imap_no(cmd, "NOTSAVED", "Too many ranges");
	return false;
}

void
search_return_ends(struct imap_cmd *cmd, unsigned options, enum step r)
{
	bool is_no =
	    r == STEP_FAIL || (r == STEP_DONE && cmd->status == IMAP_NO);

	if (is_no && (options & RETURN_SAVE) != 0)
		seqset_free(&cmd->s->saved);
}
