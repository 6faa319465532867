/* SPDX-License-Identifier: ISC */
/* A user as it travels between processes. */
#include <string.h>

#include "libserver/account.h"

void
account_put(struct ipc_out *o, const struct account *a)
{
	ipc_put_str(o, a->name);
	ipc_put_str(o, a->home);
	ipc_put_str(o, a->mail);
	ipc_put_str(o, a->control);
	ipc_put_str(o, a->index);
	ipc_put_u32(o, a->uid);
	ipc_put_u32(o, a->gid);
	ipc_put_u32(o, a->flags);
	ipc_put_u64(o, a->quota_bytes);
	ipc_put_u64(o, a->quota_messages);
	ipc_put_u32(o, a->n_groups);
	for (uint32_t i = 0; i < a->n_groups; i++)
		ipc_put_u32(o, a->groups[i]);
}

/* Absolute, no "." or ".." between slashes. */
static bool
is_plain_path(const char *path)
{
	struct slice rest = slice_str(path), head;
	bool more = true;

	if (path[0] != '/')
		return false;
	while (more) {
		more = slice_cut(&rest, '/', &head);
		if (slice_eq_str(head, "..") || slice_eq_str(head, "."))
			return false;
	}
	return true;
}

void
account_get(struct ipc_msg *m, struct account *a)
{
	memset(a, 0, sizeof(*a));
	ipc_get_str(m, a->name, sizeof(a->name));
	ipc_get_str(m, a->home, sizeof(a->home));
	ipc_get_str(m, a->mail, sizeof(a->mail));
	ipc_get_str(m, a->control, sizeof(a->control));
	ipc_get_str(m, a->index, sizeof(a->index));
	a->uid = ipc_get_u32(m);
	a->gid = ipc_get_u32(m);
	a->flags = ipc_get_u32(m);
	a->quota_bytes = ipc_get_u64(m);
	a->quota_messages = ipc_get_u64(m);
	a->n_groups = ipc_get_u32(m);
	if (a->n_groups > ACCOUNT_GROUPS_MAX)
		m->failed = true;
	for (uint32_t i = 0; i < a->n_groups && !m->failed; i++)
		a->groups[i] = ipc_get_u32(m);
	if (a->name[0] == '\0' || !is_plain_path(a->home) ||
	    !is_plain_path(a->mail) ||
	    (a->control[0] != '\0' && !is_plain_path(a->control)) ||
	    (a->index[0] != '\0' && !is_plain_path(a->index)))
		m->failed = true;
	if (m->failed)
		a->n_groups = 0;
}
