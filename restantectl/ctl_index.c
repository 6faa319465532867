/* SPDX-License-Identifier: ISC */
/* index USER: the index held against the mail and made anew; what is to be done
 * after a backup was put back. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libauth/userdb.h"
#include "libauth/userfile.h"
#include "libbase/mem.h"
#include "libmaildir/index.h"
#include "libmaildir/mailbox.h"
#include "libmaildir/modseq.h"
#include "libmaildir/store.h"
#include "libmaildir/verify.h"
#include "restantectl/ctl.h"
#include "restantectl/ctl_home.h"

#define SESSION_WRITES_MS 1000

/* The account of a login name: out of the users file, else the system's. */
static int
find_account(const struct conf *conf, const char *login, struct account *a,
    struct err *err)
{
	char name[MAX_USER + 1];
	const struct userfile_entry *e;
	struct userfile_stamp stamp;
	struct userdb_conf uc;
	struct userfile f;
	int r = -1;

	userdb_conf_from(&uc, conf);
	userfile_init(&f);
	if (userfile_load(&f, conf_str(conf, "users_file"), &stamp, err) == 0) {
		if (userdb_canonical(slice_str(login), &uc, &f, name) == -1)
			(void)err_set(err, ERR_INVALID, "that is no user name");
		else if ((e = userfile_find(&f, slice_str(name))) != NULL)
			r = userdb_from_entry(a, e, &uc, 0, err);
		else
			r = userdb_nss(name, &uc, a, err);
	}
	userfile_free(&f);
	if (r == 0 &&
	    (userdb_is_refused_name(a->name) ||
		(geteuid() == 0 && a->uid == 0)))
		r = err_set(err, ERR_DENIED, "%s has no mail here", a->name);
	return r;
}

static int
open_store(const struct conf *conf, const struct account *a, struct store **out,
    struct err *err)
{
	const struct store_conf sc = { .mail = a->mail,
		.control = a->control[0] == '\0' ? NULL : a->control,
		.index = a->index[0] == '\0' ? NULL : a->index,
		.separator = conf_str(conf, "separator")[0],
		.namespace_prefix = conf_str(conf, "namespace_prefix"),
		.names_utf8 =
		    strcmp(conf_str(conf, "folder_names"), "utf8") == 0,
		.check_owner = true,
		.uid = a->uid,
		.gid = a->gid };

	return store_open(&sc, out, err);
}

/* Waits while another program holds the lock, as long as any may. */
static int
jump(struct store *st, struct slice name, struct err *err)
{
	int r, i;

	for (i = 0; i < 130000 / MAILBOX_RETRY_MS; i++) {
		r = store_jump(st, name, err);
		if (r != -1 || err->code != ERR_BUSY)
			return r;
		(void)poll(NULL, 0, MAILBOX_RETRY_MS);
	}
	return -1;
}

/* All mailboxes, whatever becomes of one. How many could not be done. */
static unsigned
jump_all(struct store *st, struct store_list *l)
{
	struct store_entry e;
	struct err err;
	unsigned n_bad = 0, n = 0;
	int r;

	while (store_list_next(l, &e)) {
		if ((e.flags & (STORE_NONEXISTENT | STORE_SUBS_ONLY)) != 0)
			continue;
		r = jump(st, e.name, &err);
		if (r == -1) {
			(void)ctl_fail_text(
			    "%.*s: %s", SLICE_ARG(e.name), err.text);
			n_bad++;
		}
		n += r == 1;
	}
	(void)printf("%u mailboxes: new messages get UIDs that no client has "
		     "seen\n",
	    n);
	return n_bad;
}

/* ---- work of the child, which is the user ---- */

struct task {
	const struct conf *conf;
	int (*run)(struct store *st, const struct account *a);
};

static int
work(const struct account *a, void *arg)
{
	const struct task *task = arg;
	struct store *st;
	struct err err;
	int code;

	if (open_store(task->conf, a, &st, &err) == -1)
		return ctl_fail(&err);
	code = task->run(st, a);
	store_close(st);
	return code;
}

static int
run_restored(struct store *st, const struct account *a)
{
	struct store_list *l;
	struct err err;
	unsigned n_bad;

	(void)a;
	if (store_list_open(st, &l, &err) == -1)
		return ctl_fail(&err);
	n_bad = jump_all(st, l);
	store_list_close(l);
	if (modseqs_restored(store_control_fd(st), &err) == -1) {
		(void)ctl_fail(&err);
		n_bad++;
	}
	return n_bad == 0 ? CTL_OK : CTL_FAULT;
}

static void
on_dropped(void *arg, const char *why)
{
	bool *was_dropped = arg;

	*was_dropped = true;
	(void)printf("the index is dropped: %s\n", why);
}

static int
open_index(struct store *st, const struct account *a, bool *was_dropped,
    struct index **out, struct err *err)
{
	struct index_conf conf = {
		.owner = a->name, .dropped = on_dropped, .arg = was_dropped
	};

	*was_dropped = false;
	if (store_index_dir(st, &conf.dir, err) == -1)
		return -1;
	*out = index_open(&conf);
	return 0;
}

static void
print_difference(void *arg, struct slice name, const char *what)
{
	unsigned *n = arg;

	(*n)++;
	(void)printf("%.*s: %s\n", SLICE_ARG(name), what);
}

static void
count_difference(void *arg, struct slice name, const char *what)
{
	unsigned *n = arg;

	(void)name;
	(void)what;
	(*n)++;
}

/* A session writes a moment after it has answered: what differs is looked at
 * again before it is believed. */
static enum verified
verify(struct store *st, struct index *ix, struct slice name,
    uint64_t *messages, struct err *err)
{
	unsigned n = 0;
	const struct verify_teller quiet = { &n, count_difference };
	const struct verify_teller loud = { &n, print_difference };
	enum verified v;

	v = verify_mailbox(st, ix, name, &quiet, messages, err);
	if (v != VERIFIED_DIFFERS)
		return v;
	(void)poll(NULL, 0, SESSION_WRITES_MS);
	return verify_mailbox(st, ix, name, &loud, messages, err);
}

struct tally {
	unsigned n[VERIFIED_UNKNOWN + 1], failed;
	uint64_t messages;
};

static void
verify_all(
    struct store *st, struct index *ix, struct store_list *l, struct tally *t)
{
	struct store_entry e;
	uint64_t messages;
	enum verified v;
	struct err err;

	while (store_list_next(l, &e)) {
		if ((e.flags & (STORE_NONEXISTENT | STORE_SUBS_ONLY)) != 0)
			continue;
		v = verify(st, ix, e.name, &messages, &err);
		if (v == VERIFIED_FAILED) {
			(void)ctl_fail_text(
			    "%.*s: %s", SLICE_ARG(e.name), err.text);
			t->failed++;
			continue;
		}
		t->n[v]++;
		if (v != VERIFIED_UNKNOWN)
			t->messages += messages;
	}
}

static int
run_verify(struct store *st, const struct account *a)
{
	struct tally t = { 0 };
	struct store_list *l;
	struct index *ix;
	bool was_dropped, is_usable;
	struct err err;

	if (open_index(st, a, &was_dropped, &ix, &err) == -1)
		return ctl_fail(&err);
	if (store_list_open(st, &l, &err) == -1) {
		index_close(&ix);
		return ctl_fail(&err);
	}
	verify_all(st, ix, l, &t);
	store_list_close(l);
	is_usable = index_is_usable(ix);
	index_close(&ix);
	if (!is_usable)
		return ctl_fail_text("the index cannot be used");
	(void)printf("%u mailboxes as the index says, %llu messages; "
		     "%u differ, %u are not in it\n",
	    t.n[VERIFIED_SAME], (unsigned long long)t.messages,
	    t.n[VERIFIED_DIFFERS], t.n[VERIFIED_UNKNOWN]);
	return was_dropped || t.failed + t.n[VERIFIED_DIFFERS] > 0 ? CTL_FAULT :
								     CTL_OK;
}

static int
run_rebuild(struct store *st, const struct account *a)
{
	unsigned n_bad = 0;
	const struct verify_teller failed = { &n_bad, print_difference };
	struct index *ix;
	bool was_dropped;
	struct err err;
	int n;

	if (open_index(st, a, &was_dropped, &ix, &err) == -1)
		return ctl_fail(&err);
	n = verify_rebuild(st, ix, &failed, &err);
	if (n == -1)
		return ctl_fail(&err);
	(void)printf("%d mailboxes written\n", n);
	return n_bad == 0 ? CTL_OK : CTL_FAULT;
}

static int
run_statistics(struct store *st, const struct account *a)
{
	struct index_stats s;
	struct index *ix;
	bool was_dropped;
	struct err err;
	int r;

	if (open_index(st, a, &was_dropped, &ix, &err) == -1)
		return ctl_fail(&err);
	r = index_stats(ix, &s);
	index_close(&ix);
	if (r == 0)
		return ctl_fail_text("the index cannot be used");
	(void)printf("%llu mailboxes, %llu octets on disk\n",
	    (unsigned long long)s.boxes, (unsigned long long)s.bytes);
	return CTL_OK;
}

/* ---- the verb ---- */

/* What a session holds in memory is older than the folder, or would be written
 * over what is made anew: kick ends it first. */
static const struct way {
	const char *word;
	bool kick;
	int (*run)(struct store *st, const struct account *a);
} ways[] = {
	{ "--verify", false, run_verify },
	{ "--rebuild", true, run_rebuild },
	{ "--restored", true, run_restored },
	{ "--statistics", false, run_statistics },
};

static int
run_way(struct ctl *c, const char *login, const struct way *way)
{
	struct task task = { c->conf, way->run };
	struct account *a = xcalloc(1, sizeof(*a));
	struct err err;
	int r = find_account(c->conf, login, a, &err);

	if (r == 0) {
		if (way->kick)
			ctl_kick(c->conf, a->name);
		r = ctl_as_user(a, work, &task, &err);
	}
	xfree(a);
	return r == -1 ? ctl_fail(&err) : r;
}

static int
index_verb(struct ctl *c, int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "--verify";

	for (size_t i = 0; i < N_ELEMENTS(ways); i++)
		if (strcmp(word, ways[i].word) == 0)
			return run_way(c, argv[0], &ways[i]);
	return ctl_fail_text(
	    "index USER [--verify | --rebuild | --restored | --statistics]");
}

const struct ctl_verb ctl_verbs_index[] = {
	{ .name = "index",
	    .args = "USER [--verify | --rebuild | --restored | --statistics]",
	    .min_args = 1,
	    .max_args = 2,
	    .run = index_verb,
	    .help = "hold the index against the mail, make it anew, let UIDs "
		    "go on after a backup was put back, or tell its size" },
	{ .name = NULL },
};
