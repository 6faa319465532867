/* SPDX-License-Identifier: ISC */
/* Ipc messages: rules, decoder and cursor. Pure: bytes in, structs out. */
#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "libserver/ipc_messages.h"

static const struct ipc_rule common_rules[] = {
	IPC_MESSAGES(IPC_RULE){ .name = NULL },
};

static const char *const words[] = {
	[R_PARENT] = "parent",
	[R_FRONTEND] = "frontend",
	[R_AUTH] = "auth",
	[R_NURSERY] = "nursery",
	[R_SESSION] = "session",
	[R_LOG] = "log",
	[R_HELPER] = "helper",
	[R_QUEUE] = "queue",
	[R_RELAY] = "relay",
	[R_DELIVER] = "deliver",
	[R_CTL] = "ctl",
};
static_assert(N_ELEMENTS(words) == R_COUNT, "a word a role");
static_assert(IPC_COMMON_END <= IPC_PROGRAM_BASE, "room for the programs");

const char *
role_word(enum role_id id)
{
	return (unsigned)id < N_ELEMENTS(words) ? words[id] : "?";
}

const struct ipc_rule *
ipc_rule_find(const struct ipc_rule *extra, uint16_t type)
{
	if (type > IPC_NOTHING && type < IPC_COMMON_END)
		return &common_rules[type - 1];
	for (; extra != NULL && extra->name != NULL; extra++)
		if (extra->type == type)
			return extra;
	return NULL;
}

int
ipc_decode(const struct ipc_rule *extra, enum role_id from, enum role_id to,
    struct slice bytes, unsigned n_fds, struct ipc_msg *m, struct err *err)
{
	const struct ipc_rule *rule;
	struct ipc_head head;
	size_t rest;

	if (bytes.n < sizeof(head))
		return err_set(err, ERR_INVALID, "ipc message too short");
	memcpy(&head, bytes.p, sizeof(head));
	rest = bytes.n - sizeof(head);
	rule = ipc_rule_find(extra, head.type);
	if (rule == NULL)
		return err_set(err, ERR_INVALID, "ipc type %u", head.type);
	if ((rule->from & R_BIT(from)) == 0 || (rule->to & R_BIT(to)) == 0)
		return err_set(err, ERR_DENIED, "%s from %s to %s", rule->name,
		    role_word(from), role_word(to));
#if PLANT == 46
	if (rest < rule->fixed)
#else
	if (rest < rule->fixed || rest - rule->fixed != head.tail)
#endif
		return err_set(
		    err, ERR_INVALID, "%s: %zu bytes", rule->name, bytes.n);
	if (head.tail > rule->tail_max)
		return err_set(
		    err, ERR_LIMIT, "%s: tail of %u", rule->name, head.tail);
	if (n_fds != head.n_fds || n_fds < rule->fds_min ||
	    n_fds > rule->fds_max)
		return err_set(
		    err, ERR_INVALID, "%s: %u descriptors", rule->name, n_fds);
	*m = (struct ipc_msg){ .type = head.type, .rule = rule };
	m->fixed = bytes.p + sizeof(head);
	m->tail = slice_of(bytes.p + sizeof(head) + rule->fixed, head.tail);
	return 0;
}

/* n bytes of the tail, or NULL and failed for good. */
static const char *
take(struct ipc_msg *m, size_t n)
{
	const char *p = m->tail.p;

	if (m->failed || m->tail.n < n) {
		m->failed = true;
		m->tail = SLICE_NONE;
		return NULL;
	}
	m->tail = slice_from(m->tail, n);
	return p;
}

uint8_t
ipc_get_u8(struct ipc_msg *m)
{
	const char *p = take(m, 1);

	return p == NULL ? 0 : (uint8_t)*p;
}

uint32_t
ipc_get_u32(struct ipc_msg *m)
{
	const char *p = take(m, sizeof(uint32_t));
	uint32_t v = 0;

	if (p != NULL)
		memcpy(&v, p, sizeof(v));
	return v;
}

uint64_t
ipc_get_u64(struct ipc_msg *m)
{
	const char *p = take(m, sizeof(uint64_t));
	uint64_t v = 0;

	if (p != NULL)
		memcpy(&v, p, sizeof(v));
	return v;
}

struct slice
ipc_get_slice(struct ipc_msg *m, size_t max)
{
	uint32_t n = ipc_get_u32(m);
	const char *p;

	if (n > max) {
		m->failed = true;
		m->tail = SLICE_NONE;
		return SLICE_NONE;
	}
	p = take(m, n);
	return p == NULL ? SLICE_NONE : slice_of(p, n);
}

void
ipc_get_str(struct ipc_msg *m, char *dst, size_t size)
{
	struct slice s = ipc_get_slice(m, size - 1);

	if (s.n > 0 && memchr(s.p, '\0', s.n) != NULL) {
		m->failed = true;
		s = SLICE_NONE;
	}
	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
}

int
ipc_end(const struct ipc_msg *m)
{
	return m->failed || m->tail.n > 0 ? -1 : 0;
}

int
ipc_take_fd(struct ipc_msg *m, unsigned i)
{
	int fd;

	if (i >= m->n_fds)
		return -1;
	fd = m->fds[i];
	m->fds[i] = -1;
	return fd;
}

void
ipc_begin(struct ipc_out *o, uint16_t type, const void *fixed, size_t n)
{
	struct ipc_head head = { .type = type, .tail = (uint32_t)n };

	/* tail holds the fixed size until ipc_seal knows the whole */
	buf_init(&o->b, MAX_IPC_DATAGRAM);
	o->n_fds = 0;
	buf_put(&o->b, &head, sizeof(head));
	buf_put(&o->b, fixed, n);
}

void
ipc_put_u8(struct ipc_out *o, uint8_t v)
{
	buf_put(&o->b, &v, sizeof(v));
}

void
ipc_put_u32(struct ipc_out *o, uint32_t v)
{
	buf_put(&o->b, &v, sizeof(v));
}

void
ipc_put_u64(struct ipc_out *o, uint64_t v)
{
	buf_put(&o->b, &v, sizeof(v));
}

void
ipc_put_slice(struct ipc_out *o, struct slice s)
{
	ipc_put_u32(o, (uint32_t)s.n);
	buf_put(&o->b, s.p, s.n);
}

void
ipc_put_str(struct ipc_out *o, const char *s)
{
	ipc_put_slice(o, slice_str(s));
}

void
ipc_put_fd(struct ipc_out *o, int fd)
{
	assert(o->n_fds < IPC_FDS_MAX);
	o->fds[o->n_fds++] = fd;
}

void
ipc_out_drop(struct ipc_out *o)
{
	buf_wipe(&o->b);
	o->n_fds = 0;
}

int
ipc_seal(struct ipc_out *o)
{
	struct ipc_head head;

	if (!buf_ok(&o->b))
		return -1;
	memcpy(&head, o->b.p, sizeof(head));
	head.tail = (uint32_t)(o->b.n - sizeof(head) - head.tail);
	head.n_fds = (uint16_t)o->n_fds;
	memcpy(o->b.p, &head, sizeof(head));
	return 0;
}
