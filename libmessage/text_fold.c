/* SPDX-License-Identifier: ISC */
/* Case folding: a table made from libunistring, and one pass over the text. */
#include <string.h>

#include <unicase.h>
#include <uninorm.h>

#include "libbase/mem.h"
#include "libmessage/encword.h"
#include "libmessage/header.h"
#include "libmessage/text.h"

#define PAGE_CHARS 256
#define N_PAGES    (0x30000 / PAGE_CHARS) /* no letters with case above */
#define MAX_FOLDED 63                     /* bytes of one character */
#define MAX_POOL   (1u << 20)
#define LANES      16
#define SHORT      8

/* A character's entry: 0 when it folds to itself, else where its bytes are in
 * the pool and how many. */
struct page {
	uint32_t entry[PAGE_CHARS];
};

struct text_fold {
	struct page *pages[N_PAGES]; /* NULL: all fold to themselves */
	struct buf pool;
	uint32_t print;
};

static size_t
utf8_put(char *to, ucs4_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* Decompose until nothing changes (RFC 5051 2): each round takes one step for
 * each character. Without case before and after; ASCII in lower case. */
static size_t
fold_char(ucs4_t c, ucs4_t *to)
{
	ucs4_t from[UC_DECOMPOSITION_MAX_LENGTH], parts[64];
	size_t n = 1, i = 0;

	to[0] = uc_totitle(c);
	while (i < n) {
		int tag, k = uc_decomposition(to[i], &tag, from);

		if (k < 1 || n - 1 + (size_t)k > N_ELEMENTS(parts)) {
			to[i] = uc_totitle(to[i]);
			if (to[i] < 0x80)
				to[i] = (unsigned char)ascii_lower((char)to[i]);
			i++;
			continue;
		}
		memcpy(parts, to + i + 1, (n - i - 1) * sizeof(to[0]));
		memcpy(to + i, from, (size_t)k * sizeof(to[0]));
		memcpy(to + i + k, parts, (n - i - 1) * sizeof(to[0]));
		n += (size_t)k - 1;
	}
	return n;
}

/* FNV-1a. */
static uint32_t
hash_more(uint32_t h, uint32_t v)
{
	int i;

	for (i = 0; i < 4; i++, v >>= 8)
		h = (h ^ (v & 0xff)) * 16777619u;
	return h;
}

static void
add_char(struct text_fold *f, ucs4_t c)
{
	ucs4_t to[64 + UC_DECOMPOSITION_MAX_LENGTH];
	char bytes[4 * N_ELEMENTS(to)];
	size_t n = fold_char(c, to), len = 0;
	struct page **page = &f->pages[c / PAGE_CHARS];

	if (n == 1 && to[0] == c)
		return;
	for (size_t i = 0; i < n; i++)
		len += utf8_put(bytes + len, to[i]);
	if (len > MAX_FOLDED)
		return;
	if (*page == NULL)
		*page = xcalloc(1, sizeof(**page));
	(*page)->entry[c % PAGE_CHARS] =
	    (uint32_t)f->pool.n << 6 | (uint32_t)len;
	buf_put(&f->pool, bytes, len);
	f->print = hash_more(f->print, c);
	for (size_t i = 0; i < n; i++)
		f->print = hash_more(f->print, to[i]);
}

struct text_fold *
text_fold_new(void)
{
	struct text_fold *f = xcalloc(1, sizeof(*f));

	buf_init(&f->pool, MAX_POOL);
	f->print = 2166136261u;
	for (ucs4_t c = 0x80; c < N_PAGES * PAGE_CHARS; c++) {
		/* Ideographs are many and fold to themselves. */
		if (c == 0x3400)
			c = 0xa000;
		else if (c == 0xd800)
			c = 0xe000;
		else if (c == 0x20000)
			c = 0x2f800;
		add_char(f, c);
	}
	buf_put(&f->pool, "\0\0\0\0\0\0\0", SHORT);
	return f;
}

uint32_t
text_fold_print(const struct text_fold *f)
{
	return f->print;
}

void
text_fold_free(struct text_fold *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < N_PAGES; i++)
		xfree(f->pages[i]);
	buf_free(&f->pool);
	xfree(f);
}

static bool
is_more(char c)
{
	return (c & 0xc0) == 0x80;
}

/* The character at p if it is whole and well formed, else its length is 1 and
 * the answer is 0. */
static inline ucs4_t
utf8_get(const char *s, size_t n, size_t *len)
{
	const unsigned char *p = (const unsigned char *)s;

	*len = 1;
	if (n >= 2 && p[0] >= 0xc2 && p[0] < 0xe0 && is_more(s[1])) {
		*len = 2;
		return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	}
	if (n >= 3 && (p[0] & 0xf0) == 0xe0 && is_more(s[1]) && is_more(s[2])) {
		*len = 3;
		return (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 |
		    (p[2] & 0x3fu);
	}
	if (n >= 4 && p[0] >= 0xf0 && p[0] <= 0xf4 && is_more(s[1]) &&
	    is_more(s[2]) && is_more(s[3])) {
		*len = 4;
		return (p[0] & 7u) << 18 | (p[1] & 0x3fu) << 12 |
		    (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
	}
	return 0;
}

/* Whole vectors of ASCII at the front of in, in lower case: how many bytes. */
static size_t
fold_ascii(const char *in, size_t n, char *to)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		uint8_t __attribute__((vector_size(LANES))) v, upper;
		uint64_t w[2];

		memcpy(w, in + i, sizeof(w));
		if (((w[0] | w[1]) & UINT64_C(0x8080808080808080)) != 0)
			break;
		memcpy(&v, in + i, sizeof(v));
		upper = (__typeof__(v))(v >= 'A') & (__typeof__(v))(v <= 'Z');
		v |= upper & 0x20;
		memcpy(to + i, &v, sizeof(v));
	}
	return i;
}

/* One character that is not ASCII. The bytes written; *used: taken. */
static inline size_t
fold_one(
    const struct text_fold *f, const char *in, size_t n, char *to, size_t *used)
{
	ucs4_t c = utf8_get(in, n, used);
	const struct page *page =
	    c < N_PAGES * PAGE_CHARS ? f->pages[c / PAGE_CHARS] : NULL;
	uint32_t e = page == NULL ? 0 : page->entry[c % PAGE_CHARS];

	if (e == 0) {
		memcpy(to, in, *used);
		return *used;
	}
	/* Most are short: one move of known size, of which the rest is
	 * overwritten. The pool has as many bytes behind its last. */
	if ((e & MAX_FOLDED) <= SHORT)
		memcpy(to, f->pool.p + (e >> 6), SHORT);
	else
		memcpy(to, f->pool.p + (e >> 6), e & MAX_FOLDED);
	return e & MAX_FOLDED;
}

void
text_fold_put(const struct text_fold *f, struct slice utf8, struct buf *out)
{
	char piece[3072];
	size_t i = 0, n = 0;

	while (i < utf8.n) {
		size_t room = sizeof(piece) - MAX_FOLDED - n, run, used;

		run = utf8.n - i < room ? utf8.n - i : room;
		run = fold_ascii(utf8.p + i, run, piece + n);
		i += run;
		n += run;
		/* One by one until there may be a vector again. */
		for (run = 0; run < LANES && i < utf8.n &&
		     n < sizeof(piece) - MAX_FOLDED;) {
			if ((utf8.p[i] & 0x80) == 0) {
				piece[n++] = ascii_lower(utf8.p[i++]);
				run++;
				continue;
			}
			n += fold_one(
			    f, utf8.p + i, utf8.n - i, piece + n, &used);
			i += used;
			run = 0;
		}
		if (n >= sizeof(piece) - MAX_FOLDED - LANES) {
			buf_put(out, piece, n);
			n = 0;
		}
	}
	buf_put(out, piece, n);
}

void
text_fold_header(const struct text_fold *f, struct slice value, struct buf *out)
{
	struct buf line, decoded;

	buf_init(&line, MAX_HEADER_BYTES);
	buf_init(&decoded, MAX_HEADER_BYTES * 3);
	header_put_unfolded(&line, slice_head(value, MAX_HEADER_BYTES));
	encword_decode(buf_slice(&line), &decoded);
	text_fold_put(f, buf_slice(&decoded), out);
	buf_free(&line);
	buf_free(&decoded);
}
