/* SPDX-License-Identifier: ISC */
/* Random bytes from the kernel. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "libbase/random.h"

void
random_bytes(void *p, size_t n)
{
	unsigned char *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		/* Nothing secret may be made from anything less. */
		if (got <= 0)
			abort();
		at += got;
		n -= (size_t)got;
	}
}

uint64_t
random_u64(void)
{
	uint64_t v;

	random_bytes(&v, sizeof(v));
	return v;
}

uint32_t
random_below(uint32_t limit)
{
	uint32_t skip, v;

	assert(limit > 0);
	/* The first 2^32 mod limit values would come up once more often. */
	skip = -limit % limit;
	do {
		random_bytes(&v, sizeof(v));
	} while (v < skip);
	return v % limit;
}
