/* SPDX-License-Identifier: ISC */
/* GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208). Each user has one quota root of
 * all mailboxes, or none; its limits are the admin's. */
#include "imapd/imap_reply.h"
#include "imapd/imap_session.h"
#include "imapd/imap_user.h"
#include "libbase/ceilings.h"
#include "libmaildir/quota.h"
#include "libmaildir/store.h"

/* Its name is told to people. Some clients show nothing of one without. */
#define ROOT_NAME      "User quota"
#define MAX_QUOTA_LINE (16 * KIB)

struct quota_ctx {
	struct quota_count *count;
};

static void
quota_drop(struct imap_cmd *cmd)
{
	struct quota_ctx *x = cmd->ctx;

	if (x != NULL)
		quota_count_free(x->count);
}

/* RFC 9208 5.1: units of 1024 octets; a part of one counts. */
static uint64_t
units(uint64_t bytes)
{
	return bytes / KIB + (bytes % KIB != 0);
}

static uint64_t
at_least_0(int64_t n)
{
	return n < 0 ? 0 : (uint64_t)n;
}

/* "* QUOTA root (STORAGE 10 512 MESSAGE 20 100)": only what has a limit. */
static void
put_quota(
    struct buf *b, const struct store_conf *limits, const struct quota_usage *u)
{
	const char *sep = "";

	buf_puts(b, "* QUOTA ");
	imap_put_string(b, SLICE(ROOT_NAME));
	buf_puts(b, " (");
	if (limits->quota_bytes > 0) {
		buf_puts(b, "STORAGE ");
		buf_put_u64(b, units(at_least_0(u->bytes)));
		buf_putc(b, ' ');
		buf_put_u64(b, units(limits->quota_bytes));
		sep = " ";
	}
	if (limits->quota_messages > 0) {
		buf_puts(b, sep);
		buf_puts(b, "MESSAGE ");
		buf_put_u64(b, at_least_0(u->messages));
		buf_putc(b, ' ');
		buf_put_u64(b, limits->quota_messages);
	}
	buf_puts(b, ")\r\n");
}

/* "* QUOTAROOT mailbox root" and "* QUOTA", as far as there are any. */
static enum step
tell_quota(struct imap_cmd *cmd, const struct slice *mailbox)
{
	struct store *st = cmd->s->user->store;
	struct quota_ctx *x = cmd->ctx;
	struct quota_usage u;
	struct buf b;
	int r = 1;

	if (x == NULL)
		x = cmd->ctx = arena_zero(cmd->arena, sizeof(*x));
	if (quota_is_on(st))
		r = quota_usage_some(st, &x->count, &u, &cmd->err);
	if (r != 1)
		return r == 0 ? STEP_AGAIN : STEP_FAIL;
	buf_init(&b, MAX_QUOTA_LINE);
	if (mailbox != NULL) {
		buf_puts(&b, "* QUOTAROOT ");
		imap_put_mailbox(&b, *mailbox);
		if (quota_is_on(st)) {
			buf_putc(&b, ' ');
			imap_put_string(&b, SLICE(ROOT_NAME));
		}
		buf_puts(&b, "\r\n");
	}
	if (quota_is_on(st))
		put_quota(&b, store_conf(st), &u);
	imap_put(cmd->s, buf_slice(&b));
	buf_free(&b);
	return STEP_DONE;
}

static bool
is_root(const struct imap_cmd *cmd)
{
	return quota_is_on(cmd->s->user->store) &&
	    slice_eq_str(cmd->v[0].text, ROOT_NAME);
}

/* RFC 9208 4.1.1 */
static enum step
getquota_step(struct imap_cmd *cmd)
{
	if (!is_root(cmd))
		return imap_no(cmd, "NONEXISTENT", "No such quota root");
	return tell_quota(cmd, NULL);
}

/* RFC 9208 4.1.2; the mailbox need not exist. */
static enum step
getquotaroot_step(struct imap_cmd *cmd)
{
	return tell_quota(cmd, &cmd->v[0].text);
}

/* RFC 9208 4.1.3; QUOTASET is not offered: nobody raises the own limit. */
static enum step
setquota_step(struct imap_cmd *cmd)
{
	const struct imap_arg *a = cmd->v[1].arg->child;
	uint64_t n;

	for (; a != NULL; a = a->next->next) {
		if (a->kind != ARG_ATOM || a->next == NULL ||
		    a->next->kind != ARG_ATOM ||
		    slice_u64(a->next->text, INT64_MAX, &n) < 0)
			return imap_bad(cmd, "Resources and limits expected");
	}
	return imap_no(cmd, "NOPERM", "Quotas are set by the administrator");
}

const struct imap_verb imap_verbs_quota[] = {
	{ .name = "GETQUOTA",
	    .args = "astring",
	    .flags = IN_USER,
	    .capability = "QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE",
	    .step = getquota_step,
	    .drop = quota_drop },
	{ .name = "GETQUOTAROOT",
	    .args = "mailbox",
	    .flags = IN_USER,
	    .step = getquotaroot_step,
	    .drop = quota_drop },
	{ .name = "SETQUOTA",
	    .args = "astring list",
	    .flags = IN_USER,
	    .step = setquota_step },
	{ .name = NULL },
};
