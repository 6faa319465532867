/* SPDX-License-Identifier: ISC */
/* How much each user sent within the last hour. */
#include <string.h>

#include "libbase/mem.h"

#include "submitd/rate.h"

#define WINDOW_US (300ull * 1000000)

struct rate_user {
	uint64_t window; /* number of the newest one */
	uint32_t messages[RATE_WINDOWS], recipients[RATE_WINDOWS];
};

/* Windows that have passed since the last look are emptied. */
static void
advance(struct rate_user *u, uint64_t window)
{
	uint64_t i, passed = window - u->window;

	for (i = 0; i < passed && i < RATE_WINDOWS; i++) {
		unsigned at = (unsigned)((window - i) % RATE_WINDOWS);

		u->messages[at] = 0;
		u->recipients[at] = 0;
	}
	u->window = window;
}

static void
push_out(struct rates *r)
{
	struct map_entry *pos = NULL;
	struct slice key, oldest_key = SLICE_NONE;
	struct rate_user *oldest = NULL;
	void *v;

	while (map_next(&r->users, &pos, &key, &v)) {
		struct rate_user *u = v;

		if (oldest == NULL || u->window < oldest->window) {
			oldest = u;
			oldest_key = key;
		}
	}
	if (oldest != NULL)
		xfree(map_del(&r->users, oldest_key));
}

static struct rate_user *
get(struct rates *r, struct slice user, uint64_t window)
{
	struct rate_user *u = map_get(&r->users, user);

	if (u == NULL) {
		if (r->users.n >= RATE_USERS)
			push_out(r);
		u = xcalloc(1, sizeof *u);
		u->window = window;
		map_put(&r->users, user, u);
	}
	advance(u, window);
	return u;
}

bool
rate_take(struct rates *r, struct slice user, uint64_t now_us,
    uint32_t messages, uint32_t recipients, uint64_t max_messages,
    uint64_t max_recipients)
{
	uint64_t window = now_us / WINDOW_US, n = messages, m = recipients;
	struct rate_user *u = get(r, user, window);
	unsigned i, at = (unsigned)(window % RATE_WINDOWS);

	for (i = 0; i < RATE_WINDOWS; i++) {
		n += u->messages[i];
		m += u->recipients[i];
	}
	if (n > max_messages || m > max_recipients)
		return false;
	u->messages[at] += messages;
	u->recipients[at] += recipients;
	return true;
}

void
rates_free(struct rates *r)
{
	struct map_entry *pos = NULL;
	struct slice key;
	void *v;

	while (map_next(&r->users, &pos, &key, &v))
		xfree(v);
	map_free(&r->users);
}
