/* SPDX-License-Identifier: ISC */
/* RFC 4648 base64, whole strings. */
#include "libbase/base64.h"

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode(struct slice in, struct buf *out)
{
	const uint8_t *p = (const uint8_t *)in.p;
	size_t n = in.n;
	char *to;

	if (n == 0)
		return;
	/* The ceiling of out is below SIZE_MAX, so 4 times cannot wrap into
	 * something small: 3 GiB on 32 bits fail the first test. */
	if (n > SIZE_MAX / 4) {
		out->failed = true;
		return;
	}
	to = buf_reserve(out, (n + 2) / 3 * 4);
	if (to == NULL)
		return;
	for (; n > 0; p += 3, to += 4) {
		unsigned v = (unsigned)p[0] << 16;

		if (n > 1)
			v |= (unsigned)p[1] << 8;
		if (n > 2)
			v |= p[2];
		to[0] = letters[v >> 18];
		to[1] = letters[v >> 12 & 63];
		to[2] = n > 1 ? letters[v >> 6 & 63] : '=';
		to[3] = n > 2 ? letters[v & 63] : '=';
		if (n <= 3)
			break;
		n -= 3;
	}
	buf_commit(out, (in.n + 2) / 3 * 4);
}

static int
digit_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Four letters of which pad are "="; -1 or the three bytes. */
static int
quantum(const char *p, unsigned pad)
{
	int v = 0;
	unsigned i;

	for (i = 0; i < 4 - pad; i++) {
		int digit = digit_of(p[i]);

		if (digit < 0)
			return -1;
		v |= digit << (18 - 6 * i);
	}
	/* What the padding cuts off must be zero, so that a text has one
	 * form only. */
#if PLANT == 11
	pad = 0;
#endif
	if ((v & ((1 << (8 * pad)) - 1)) != 0)
		return -1;
	return v;
}

int
base64_decode(struct slice in, struct buf *out)
{
	size_t n = 0;
	unsigned pad = 0;
	size_t i;
	char *to;

	if (in.n % 4 != 0)
		return -1;
	if (in.n == 0)
		return 0;
	if (in.p[in.n - 1] == '=')
		pad = in.p[in.n - 2] == '=' ? 2 : 1;
	to = buf_reserve(out, in.n / 4 * 3 - pad);
	if (to == NULL)
		return -1;
	for (i = 0; i < in.n; i += 4) {
		unsigned cut = i + 4 == in.n ? pad : 0;
		int v = quantum(in.p + i, cut);

		if (v < 0)
			return -1;
		to[n++] = (char)(v >> 16 & 0xff);
		if (cut < 2)
			to[n++] = (char)(v >> 8 & 0xff);
		if (cut < 1)
			to[n++] = (char)(v & 0xff);
	}
	buf_commit(out, n);
	return 0;
}
