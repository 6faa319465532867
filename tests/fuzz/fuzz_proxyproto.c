/* SPDX-License-Identifier: ISC */
/* PROXY headers: what is taken is taken the same from its exact bytes, and from
 * no fewer. plants: 40 41 42 */
#include <stdlib.h>
#include <string.h>

#include "libbase/mem.h"
#include "libnet/proxyproto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int
parse_copy(const uint8_t *data, size_t n, struct proxyproto *out)
{
	struct err err;
	char *copy = xmalloc(n == 0 ? 1 : n); /* exact, for the sanitizer */
	int r;

	if (n > 0)
		memcpy(copy, data, n);
	r = proxyproto_parse(slice_of(copy, n), out, &err);
	xfree(copy);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct proxyproto p, exact;
	int r = parse_copy(data, n, &p);

	if (r == 0 && n >= PROXYPROTO_MAX)
		abort(); /* never asks for more than that */
	if (r != 1)
		return 0;
	if (p.used > n || p.used < 15 || p.used > PROXYPROTO_MAX)
		abort();
	if (data[0] == 'P' && (p.used > 107 || data[p.used - 2] != '\r'))
		abort();
	if (parse_copy(data, p.used, &exact) != 1 || exact.used != p.used ||
	    exact.tls != p.tls || exact.has_addresses != p.has_addresses ||
	    !netaddr_equal_ip(&exact.src, &p.src) ||
	    !netaddr_equal_ip(&exact.dst, &p.dst))
		abort();
	for (size_t i = 0; i < p.used; i += 1 + i / 64)
		if (parse_copy(data, i, &exact) != 0)
			abort();
	return 0;
}
