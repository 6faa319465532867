/* SPDX-License-Identifier: ISC */
/* The configuration with all that it names: users, folders, certificates. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libserver/conf_store.h"
#include "libserver/family_parent.h"

struct counter {
	conf_fault_fn *fault;
	void *arg;
	unsigned n;
};

static void
count(void *arg, const char *file, unsigned line, const char *text)
{
	struct counter *c = arg;

	c->n++;
	c->fault(c->arg, file, line, text);
}

/* Users of roles that this family has. Only root changes users. */
static void
check_users(const struct parent *p, const struct conf *c, struct counter *k)
{
	uid_t uid;
	gid_t gid;
	struct err err;

	if (geteuid() != 0)
		return;
	for (size_t i = 0; p->f->roles[i] != NULL; i++) {
		const char *name = p->f->roles[i]->user_setting;
		bool is_repeated = false;

		for (size_t j = 0; name != NULL && j < i; j++)
			is_repeated |= p->f->roles[j]->user_setting != NULL &&
			    strcmp(p->f->roles[j]->user_setting, name) == 0;
		if (name == NULL || is_repeated)
			continue;
		if (role_user(c, name, &uid, &gid, &err) == -1)
			count(k, p->conf_file, conf_line(c, name), err.text);
	}
}

/* A folder strangers' processes are locked in: nothing they could use. */
static void
check_empty_dir(const struct parent *p, const struct conf *c, struct counter *k)
{
	const char *dir = conf_str(c, "empty_dir");
	char text[300];
	struct stat st;

	if (geteuid() != 0 || p->f->frontend == NULL)
		return;
	if (stat(dir, &st) == -1 && errno == ENOENT)
		return; /* made when the daemon starts */
	if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == 0 &&
	    (st.st_mode & 022) == 0)
		return;
	snprintf(text, sizeof(text),
	    "empty_dir %.200s must be a folder that only root can write to",
	    dir);
	count(k, p->conf_file, conf_line(c, "empty_dir"), text);
}

/* No name in the file: the machine's, from the kernel; NSS is not asked. */
static void
name_host(struct conf *c)
{
	char name[256] = "";

	if (conf_str(c, "hostname")[0] == '\0' &&
	    gethostname(name, sizeof(name) - 1) == 0)
		conf_set_word(c, "hostname", name);
}

struct conf *
family_read(const struct parent *p, struct certs *certs_out,
    conf_fault_fn *fault, void *arg)
{
	struct counter k = { .fault = fault, .arg = arg };
	struct certs certs = { 0 };
	struct conf *c = conf_read(
	    p->conf_file, p->conf_must_exist, p->f->settings, count, &k);

	if (c == NULL)
		return NULL;
	name_host(c);
	if (p->is_debug)
		conf_set_word(c, "log_level", "debug");
	check_users(p, c, &k);
	check_empty_dir(p, c, &k);
	if (p->f->check != NULL)
		p->f->check(c, count, &k);
	if (certs_read(p->conf_file, c, p->last_key_id, &certs, count, &k) ==
		-1 ||
	    k.n > 0) {
		certs_free(&certs);
		conf_free(c);
		return NULL;
	}
	*certs_out = certs;
	return c;
}
