/* SPDX-License-Identifier: ISC */
/* CAPABILITY, NOOP, LOGOUT, ID, ENABLE: in (nearly) any state. */
#include <stdio.h>

#include "imapd/imap_reply.h"
#include "imapd/imap_session.h"
#include "libserver/log.h"

/* RFC 2971 3.3 */
#define MAX_ID_PAIRS    30
#define MAX_ID_FIELD    30
#define MAX_ID_VALUE    1024
/* of a value in our log */
#define LOGGED_ID_VALUE 64

#define MAX_CAPABILITY_LINE (4 * KIB)

/* RFC 3501 6.1.1 */
static enum step
capability_step(struct imap_cmd *cmd)
{
	struct buf b;

	buf_init(&b, MAX_CAPABILITY_LINE);
	buf_puts(&b, "* CAPABILITY ");
	command_capabilities(cmd->s, &b);
	buf_puts(&b, "\r\n");
	imap_put(cmd->s, buf_slice(&b));
	buf_free(&b);
	return STEP_DONE;
}

/* RFC 3501 6.1.2: what is new is told with every reply */
static enum step
noop_step(struct imap_cmd *cmd)
{
	(void)cmd;
	return STEP_DONE;
}

/* RFC 3501 6.1.3 */
static enum step
logout_step(struct imap_cmd *cmd)
{
	imap_bye(cmd->s, NULL, "Logging out");
	imap_enter(cmd->s, IMAP_LOGOUT);
	return STEP_DONE;
}

/* A pair: string nstring. */
static bool
is_id_pair(const struct imap_arg *a, struct slice *key, struct slice *value)
{
	if (!imap_arg_is_nstring(a, key) || key->p == NULL || a->next == NULL)
		return false;
	return imap_arg_is_nstring(a->next, value) && key->n <= MAX_ID_FIELD &&
	    value->n <= MAX_ID_VALUE;
}

/* RFC 2971: said for statistics and the log, and for nothing else */
static enum step
id_step(struct imap_cmd *cmd)
{
	const struct imap_arg *a = cmd->v[0].arg;
	struct slice key, value, name = SLICE_NONE, version = SLICE_NONE;
	unsigned n = 0;

	if (a->next != NULL || (a->kind != ARG_LIST && !imap_arg_is(a, "NIL")))
		return imap_bad(cmd, "List or NIL expected");
	for (a = a->child; a != NULL; a = a->next->next) {
		if (++n > MAX_ID_PAIRS || !is_id_pair(a, &key, &value))
			return imap_bad(cmd, "Bad pair in ID");
		if (slice_ieq_str(key, "name"))
			name = slice_head(value, LOGGED_ID_VALUE);
		else if (slice_ieq_str(key, "version"))
			version = slice_head(value, LOGGED_ID_VALUE);
	}
	log_info(cmd->s->id, "client", "name",
	    arena_dup(cmd->arena, name.p, name.n), "version",
	    arena_dup(cmd->arena, version.p, version.n), NULL);
	imap_untagged(cmd->s, "ID (\"name\" \"Restante\")");
	return STEP_DONE;
}

static const struct {
	const char *name;
	unsigned bits; /* enum imap_enabled */
} extensions[] = {
	{ "CONDSTORE", ENABLED_CONDSTORE },
	/* RFC 7162 3.2.3: implies the other */
	{ "QRESYNC", ENABLED_QRESYNC | ENABLED_CONDSTORE },
};

/* Bit of a name's row; 0: we do not know it. */
static unsigned
extension_bit(const struct imap_arg *a)
{
	size_t i;

	for (i = 0; i < N_ELEMENTS(extensions); i++)
		if (imap_arg_is(a, extensions[i].name))
			return 1u << i;
	return 0;
}

/* RFC 5161: names we do not know are ignored */
static enum step
enable_step(struct imap_cmd *cmd)
{
	const struct imap_arg *a;
	char names[64] = "";
	unsigned wanted = 0;
	size_t i, n = 0;

	for (a = cmd->v[0].arg; a != NULL; a = a->next) {
		if (a->kind != ARG_ATOM || a->has_section)
			return imap_bad(cmd, "Capability expected");
		wanted |= extension_bit(a);
	}
	for (i = 0; i < N_ELEMENTS(extensions); i++) {
		if ((wanted & 1u << i) == 0)
			continue;
		cmd->s->enabled |= extensions[i].bits;
		n += (size_t)snprintf(
		    names + n, sizeof(names) - n, " %s", extensions[i].name);
	}
	imap_untagged(cmd->s, "ENABLED%s", names);
	return STEP_DONE;
}

const struct imap_verb imap_verbs_any[] = {
	{ .name = "CAPABILITY", .flags = IN_ANY, .step = capability_step },
	{ .name = "NOOP", .flags = IN_ANY | BREAKS_SEQ, .step = noop_step },
	{ .name = "LOGOUT", .flags = IN_ANY, .step = logout_step },
	{ .name = "ID",
	    .args = "*",
	    .flags = IN_ANY,
	    .capability = "ID",
	    .step = id_step },
	{ .name = "ENABLE",
	    .args = "*",
	    .flags = IN_AUTH,
	    .capability = "ENABLE CONDSTORE QRESYNC",
	    .step = enable_step },
	{ .name = NULL },
};
