/* SPDX-License-Identifier: ISC */
/* Messages from hostile roles: only what the rules admit comes through, no get
 * leaves the datagram. First byte: from and to. plants: 46 */
#include <stdlib.h>
#include <string.h>

#include "libbase/mem.h"
#include "libserver/conf.h"
#include "libserver/ipc_messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static volatile unsigned sink;

static void
touch(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		sink += (unsigned char)s.p[i];
}

/* Read the tail in every way; afterwards nothing can be read. */
static void
read_tail(const struct ipc_msg *m, const uint8_t *script, size_t n)
{
	struct ipc_msg copy = *m;
	char text[64];

	for (size_t i = 0; i < n && !copy.failed; i++) {
		switch (script[i] % 5) {
		case 0:
			sink += ipc_get_u8(&copy);
			break;
		case 1:
			sink += ipc_get_u32(&copy);
			break;
		case 2:
			sink += (unsigned)ipc_get_u64(&copy);
			break;
		case 3:
			touch(ipc_get_slice(&copy, 1000));
			break;
		default:
			ipc_get_str(&copy, text, sizeof(text));
			if (strlen(text) >= sizeof(text))
				abort();
			break;
		}
	}
	touch(copy.tail);
	if (copy.failed && (ipc_end(&copy) != -1 || copy.tail.n != 0))
		abort();
}

static void
read_known(const struct ipc_msg *m)
{
	struct ipc_msg copy = *m;
	struct account *a;

	if (m->type == IPC_CONFIG) {
		conf_free(conf_get(&copy, NULL));
	} else if (m->type == IPC_ATTACH || m->type == IPC_DELIVER_FORK) {
		a = xcalloc(1, sizeof(*a));
		account_get(&copy, a);
		if (ipc_end(&copy) == 0 &&
		    (a->name[0] == '\0' || a->mail[0] != '/' ||
			a->n_groups > ACCOUNT_GROUPS_MAX))
			abort();
		xfree(a);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	enum role_id from, to;
	struct ipc_msg m;
	struct err err;
	unsigned n_fds;
	char *bytes;

	if (n < 2)
		return 0;
	from = (enum role_id)(data[0] % R_COUNT);
	to = (enum role_id)(data[0] / R_COUNT % R_COUNT);
	n_fds = data[1] % 6;
	bytes = xmalloc(n - 2 + 1);
	memcpy(bytes, data + 2, n - 2);
	if (ipc_decode(
		NULL, from, to, slice_of(bytes, n - 2), n_fds, &m, &err) == 0) {
		if ((m.rule->from & R_BIT(from)) == 0 ||
		    (m.rule->to & R_BIT(to)) == 0 ||
		    m.tail.n > m.rule->tail_max || n_fds > m.rule->fds_max)
			abort();
		touch(slice_of(m.fixed, m.rule->fixed));
		touch(m.tail);
		read_tail(&m, data, n > 32 ? 32 : n);
		read_known(&m);
	}
	xfree(bytes);
	return 0;
}
