/* SPDX-License-Identifier: ISC */
/* The delivery process of one user. */
#include <string.h>
#include <unistd.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmaildir/folder.h"
#include "libmaildir/io.h"
#include "libmaildir/quota.h"
#include "libmaildir/save.h"
#include "libmaildir/store.h"
#include "libmessage/header.h"
#include "libnet/digest.h"
#include "libserver/log.h"

#include "submitd/deliver.h"
#include "submitd/ipc_queue.h"

#define MAX_STAGE_NAME 64
/* what fixup may have added to a header on its way in */
#define MAX_HEAD       (2 * MAX_HEADER_BYTES + 8 * KIB)

struct delivery {
	struct store *store;
	/* of the job whose JOB_FINISH is awaited */
	uint64_t item;
	char stage[MAX_STAGE_NAME];
	char mailbox[MAX_ADDRESS + 1];
	bool is_staged;
};

static int
deliver_start(struct session *se, struct err *err)
{
	const struct account *a = se->account;
	struct delivery *d = xcalloc(1, sizeof *d);
	struct store_conf conf = {
		.mail = a->mail,
		.control = a->control[0] == '\0' ? NULL : a->control,
		.separator = conf_str(se->conf, "separator")[0],
		.namespace_prefix = conf_str(se->conf, "namespace_prefix"),
		.names_utf8 =
		    strcmp(conf_str(se->conf, "folder_names"), "utf8") == 0,
		.create = true,
		.check_owner = true,
		.uid = a->uid,
		.gid = a->gid,
		.stamp_grain_us =
		    (uint32_t)conf_ms(se->conf, "stamp_grain") * 1000,
		.quota_bytes = a->quota_bytes,
		.quota_messages = a->quota_messages,
		.quota_grace = conf_u64(se->conf, "quota_grace"),
	};

	se->state = d;
	return store_open(&conf, &d->store, err);
}

static void
deliver_end(struct session *se)
{
	struct delivery *d = se->state;

	if (d == NULL)
		return;
	store_close(d->store);
	xfree(d);
	se->state = NULL;
}

static void
say(struct session *se, uint16_t type, uint64_t item, enum err_code code)
{
	struct ipc_job_state fixed = {
		.job = se->job, .item = item, .code = code
	};

	(void)IPC_SEND(se->queue, type, &fixed);
}

/* ---- the first step ---- */

struct copy {
	int fd; /* the queue's file, CRLF lines */
	uint64_t size, at;
	struct digest digest;
	struct save *save;
	char block[0]; /* IO_BLOCK */
};

/* The next bytes of the file, hashed; 0 at its end. */
static ssize_t
copy_read(struct copy *c, char *to, size_t n, struct err *err)
{
	ssize_t got = io_pread(c->fd, to, n, (off_t)c->at);

	if (got == -1)
		return err_sys(err, "read the spool");
	if (digest_add(&c->digest, slice_of(to, (size_t)got), err) == -1)
		return -1;
	c->at += (uint64_t)got;
	return got;
}

/* Bcc is for nobody who gets this copy (RFC 5322 3.6.3). */
static int
put_header(struct copy *c, struct slice header, struct err *err)
{
	struct header_iter it;
	struct header_field f;

	header_begin(&it, header);
	while (header_next(&it, &f)) {
		if (slice_ieq_str(f.name, "Bcc") ||
		    slice_ieq_str(f.name, "Resent-Bcc"))
			continue;
		if (save_write(c->save, f.raw, err) == -1)
			return -1;
	}
	return save_write(c->save, SLICE("\r\n"), err);
}

static int
copy_header(struct copy *c, struct buf *head, struct err *err)
{
	size_t n = 0;

	while (n == 0) {
		char *room = buf_reserve(head, IO_BLOCK);
		ssize_t got =
		    room == NULL ? 0 : copy_read(c, room, IO_BLOCK, err);
		const char *end;

		if (got == -1)
			return -1;
		if (got == 0)
			return err_set(
			    err, ERR_CORRUPT, "no header in the spool");
		buf_commit(head, (size_t)got);
		end = memmem(head->p, head->n, "\r\n\r\n", 4);
		if (end != NULL)
			n = (size_t)(end - head->p) + 4;
	}
	if (put_header(c, slice_of(head->p, n - 2), err) == -1)
		return -1;
	return save_write(c->save, slice_from(buf_slice(head), n), err);
}

static int
put_trace(
    struct copy *c, struct slice sender, struct slice address, struct err *err)
{
	struct buf b;
	int rc;

	buf_init(&b, 4 * MAX_ADDRESS);
	buf_printf(&b, "Return-Path: <%.*s>\r\nDelivered-To: %.*s\r\n",
	    SLICE_ARG(sender), SLICE_ARG(address));
	rc = save_write(c->save, buf_slice(&b), err);
	buf_free(&b);
	return rc;
}

static int
copy_all(
    struct copy *c, struct slice sender, struct slice address, struct err *err)
{
	struct buf head;
	ssize_t got = 1;
	int rc = -1;

	buf_init(&head, MAX_HEAD + IO_BLOCK);
	if (put_trace(c, sender, address, err) == 0)
		rc = copy_header(c, &head, err);
	buf_free(&head);
	while (rc == 0 && got > 0) {
		got = copy_read(c, c->block, IO_BLOCK, err);
		if (got == -1 ||
		    save_write(c->save, slice_of(c->block, (size_t)got), err) ==
			-1)
			rc = -1;
	}
	return rc;
}

static int
check_digest(struct copy *c, const uint8_t want[DIGEST_BYTES], struct err *err)
{
	uint8_t got[DIGEST_BYTES];

	digest_end(&c->digest, got);
	if (c->at != c->size || memcmp(got, want, DIGEST_BYTES) != 0)
		return err_set(
		    err, ERR_CORRUPT, "the spooled text was changed");
	return 0;
}

/* Flush in place: this process serves nobody else meanwhile. */
static int
commit_here(struct save *save, struct err *err)
{
	struct flush_set fs = { 0 };

	for (;;) {
		switch (save_commit(save, &fs, err)) {
		case STEP_DONE:
			return 0;
		case STEP_FLUSH:
			io_flush_now(&fs);
			break;
		case STEP_AGAIN:
			break;
		case STEP_EVENT:
			/* delivery takes no lock that is waited for */
			return err_set(err, ERR_BUSY, "the mailbox is locked");
		case STEP_INPUT:
		case STEP_DRAIN:
		case STEP_FAIL:
			return -1;
		}
	}
}

static int
stage(struct delivery *d, const struct ipc_job *job, int fd,
    struct slice sender, struct slice address, struct err *err)
{
	struct copy *c;
	struct save_message m = { .internaldate = MAILBOX_NO_DATE };
	int rc = -1;

	if (quota_check(d->store, job->size, 1, err) == -1)
		return -1;
	c = xmalloc(sizeof *c + IO_BLOCK);
	*c = (struct copy){ .fd = fd, .size = job->size };
	if (digest_begin(&c->digest, err) == 0 &&
	    save_begin_stage(store_mail_fd(d->store), slice_str(d->stage),
		&c->save, err) == 0 &&
	    save_add(c->save, &m, err) == 0 &&
	    copy_all(c, sender, address, err) == 0 &&
	    check_digest(c, job->digest, err) == 0 &&
	    save_end(c->save, err) == 0 && commit_here(c->save, err) == 0)
		rc = 0;
	digest_drop(&c->digest);
	save_free(&c->save);
	xfree(c);
	return rc;
}

/* ---- the second step ---- */

/* +detail names a folder where there is one (DESIGN 7), else INBOX. */
static int
open_target(struct delivery *d, struct folder *out, struct err *err)
{
	struct slice name = slice_str(d->mailbox);

	if (name.n > 0 && store_folder_open(d->store, name, out, err) == 0)
		return 0;
	return store_folder_open(d->store, SLICE("INBOX"), out, err);
}

static int
finish(struct delivery *d, struct err *err)
{
	struct folder to;
	struct save *save = NULL;
	struct save_message m = { .internaldate = MAILBOX_NO_DATE };
	struct err ignored;
	int rc;

	if (open_target(d, &to, err) == -1)
		return -1;
	rc = save_begin_unstage(
	    store_mail_fd(d->store), slice_str(d->stage), &to, &m, &save, err);
	if (rc == 0) {
		rc = commit_here(save, err);
		/* a number only; what fails here is counted anew later */
		if (rc == 0)
			(void)!quota_add(
			    d->store, (int64_t)save_bytes(save), 1, &ignored);
	} else if (err->code == ERR_NOTFOUND)
		rc = 0; /* gone from the stage: it was delivered */
	save_free(&save);
	folder_close(&to);
	return rc;
}

static void
finish_and_say(struct session *se, uint64_t item)
{
	struct delivery *d = se->state;
	struct err err;
	int rc = finish(d, &err);

	d->is_staged = false;
	if (rc == -1)
		log_err(0, "delivery failed", &err);
	say(se, IPC_JOB_DONE, item, rc == 0 ? ERR_OK : err.code);
}

/* ---- messages of the queue ---- */

static void
on_job(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_job *job = m->fixed;
	struct session *se = r->state;
	struct delivery *d = se->state;
	struct slice mailbox, sender, address;
	struct err err;
	int fd, rc;

	ipc_get_str(m, d->stage, sizeof d->stage);
	mailbox = ipc_get_slice(m, MAX_ADDRESS);
	sender = ipc_get_slice(m, MAX_ADDRESS);
	address = ipc_get_slice(m, MAX_ADDRESS);
	if (ipc_end(m) == -1) {
		family_drop(from, "JOB with a bad tail");
		return;
	}
	memcpy(d->mailbox, mailbox.p == NULL ? "" : mailbox.p, mailbox.n);
	d->mailbox[mailbox.n] = '\0';
	d->item = job->item;
	if (job->step == JOB_RESUME) {
		finish_and_say(se, job->item);
		return;
	}
	fd = ipc_take_fd(m, 0);
	if (fd == -1) {
		family_drop(from, "JOB without its text");
		return;
	}
	rc = stage(d, job, fd, sender, address, &err);
	close(fd);
	if (rc == -1)
		log_err(0, "delivery failed", &err);
	d->is_staged = rc == 0;
	say(se, IPC_JOB_STAGED, job->item, rc == 0 ? ERR_OK : err.code);
}

static void
on_finish(struct role *r, struct ipc_peer *from, struct ipc_msg *m)
{
	const struct ipc_job_state *st = m->fixed;
	struct session *se = r->state;
	struct delivery *d = se->state;

	if (!d->is_staged || d->item != st->item) {
		family_drop(from, "JOB_FINISH of something else");
		return;
	}
	finish_and_say(se, st->item);
}

static const struct ipc_handler handlers[] = {
	{ IPC_JOB, on_job, false },
	{ IPC_JOB_FINISH, on_finish, false },
	{ 0, NULL, false },
};

const struct session_ops smtp_deliver = {
	.start = deliver_start,
	.end = deliver_end,
	.handlers = handlers,
};
