/* SPDX-License-Identifier: ISC */
/* SipHash-2-4 and the maps that stand on it. */
#include <endian.h>
#include <string.h>

#include "libbase/hash.h"
#include "libbase/mem.h"
#include "libbase/random.h"

#define BUCKETS_FIRST 16

struct map_entry {
	struct map_entry *next; /* of the same bucket */
	uint64_t hash;
	void *value;
	size_t n; /* bytes of key */
	char key[];
};

/* Where an iteration stands when it has seen all. */
static const struct map_entry end_mark;
#define END_MARK ((struct map_entry *)(uintptr_t)&end_mark)

/* One key a process: drawn when first needed, inherited by fork. */
static uint8_t process_key[16];
static bool has_key;

static uint64_t
load64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static uint64_t
rotl(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static void
sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

uint64_t
hash_keyed(const uint8_t key[16], struct slice s)
{
	uint64_t k0 = load64(key);
	uint64_t k1 = load64(key + 8);
	uint64_t v[4] = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
		k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573 };
	uint8_t last[8] = { 0 };
	size_t whole = s.n / 8 * 8;
	size_t i;

	for (i = 0; i < whole; i += 8)
		sip_word(v, load64(s.p + i));
	if (s.n > whole)
		memcpy(last, s.p + whole, s.n - whole);
	last[7] = (uint8_t)(s.n & 0xff);
	sip_word(v, load64(last));
	v[2] ^= 0xff;
	for (i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t
hash_slice(struct slice s)
{
	if (!has_key) {
		random_bytes(process_key, sizeof(process_key));
		has_key = true;
	}
	return hash_keyed(process_key, s);
}

uint64_t
hash_u64(uint64_t v)
{
	return hash_slice(slice_of(&v, sizeof(v)));
}

/* Where the pointer to the entry stands, or to the NULL at the chain's end. */
static struct map_entry **
map_place(const struct map *m, struct slice key, uint64_t hash)
{
	struct map_entry **at = &m->buckets[hash & (m->n_buckets - 1)];

	while (*at != NULL &&
	    ((*at)->hash != hash ||
		!slice_eq(slice_of((*at)->key, (*at)->n), key)))
		at = &(*at)->next;
	return at;
}

static void
map_grow(struct map *m)
{
	size_t n = m->n_buckets == 0 ? BUCKETS_FIRST : m->n_buckets * 2;
	struct map_entry **buckets = xcalloc(n, sizeof(struct map_entry *));
	size_t i;

	for (i = 0; i < m->n_buckets; i++) {
		struct map_entry *e, *next;

		for (e = m->buckets[i]; e != NULL; e = next) {
			struct map_entry **to = &buckets[e->hash & (n - 1)];

			next = e->next;
			e->next = *to;
			*to = e;
		}
	}
	xfree(m->buckets);
	m->buckets = buckets;
	m->n_buckets = n;
}

void *
map_get(const struct map *m, struct slice key)
{
	struct map_entry *e;

	if (m->n == 0)
		return NULL;
	e = *map_place(m, key, hash_slice(key));
	return e == NULL ? NULL : e->value;
}

void *
map_put(struct map *m, struct slice key, void *value)
{
	uint64_t hash = hash_slice(key);
	struct map_entry *e;
	struct map_entry **at;
	void *old;

	if (m->n >= m->n_buckets)
		map_grow(m);
	at = map_place(m, key, hash);
	e = *at;
	if (e != NULL) {
		old = e->value;
		e->value = value;
		return old;
	}
	e = xmalloc(sizeof(*e) + key.n);
	e->next = NULL;
	e->hash = hash;
	e->value = value;
	e->n = key.n;
	if (key.n > 0)
		memcpy(e->key, key.p, key.n);
	*at = e;
	m->n++;
	return NULL;
}

void *
map_del(struct map *m, struct slice key)
{
	struct map_entry **at;
	struct map_entry *e;
	void *old;

	if (m->n == 0)
		return NULL;
	at = map_place(m, key, hash_slice(key));
	e = *at;
	if (e == NULL)
		return NULL;
	*at = e->next;
	old = e->value;
	xfree(e);
	m->n--;
	return old;
}

void
map_free(struct map *m)
{
	size_t i;

	for (i = 0; i < m->n_buckets; i++) {
		struct map_entry *e, *next;

		for (e = m->buckets[i]; e != NULL; e = next) {
			next = e->next;
			xfree(e);
		}
	}
	xfree(m->buckets);
	*m = (struct map){ 0 };
}

/* The first entry of bucket i or of those behind it. */
static struct map_entry *
map_from(const struct map *m, size_t i)
{
	for (; i < m->n_buckets; i++) {
		if (m->buckets[i] != NULL)
			return m->buckets[i];
	}
	return END_MARK;
}

bool
map_next(const struct map *m, struct map_entry **pos, struct slice *key,
    void **value)
{
	struct map_entry *e = *pos == NULL ? map_from(m, 0) : *pos;

	if (e == END_MARK)
		return false;
	*key = slice_of(e->key, e->n);
	*value = e->value;
	/* Points at what comes next, so that the caller may delete this one. */
	if (e->next != NULL)
		*pos = e->next;
	else
		*pos = map_from(m, (e->hash & (m->n_buckets - 1)) + 1);
	return true;
}

void *
idmap_get(const struct idmap *m, uint64_t key)
{
	return map_get(&m->m, slice_of(&key, sizeof(key)));
}

void *
idmap_put(struct idmap *m, uint64_t key, void *value)
{
	return map_put(&m->m, slice_of(&key, sizeof(key)), value);
}

void *
idmap_del(struct idmap *m, uint64_t key)
{
	return map_del(&m->m, slice_of(&key, sizeof(key)));
}

void
idmap_free(struct idmap *m)
{
	map_free(&m->m);
}

bool
idmap_next(
    const struct idmap *m, struct map_entry **pos, uint64_t *key, void **value)
{
	struct slice bytes;

	if (!map_next(&m->m, pos, &bytes, value))
		return false;
	memcpy(key, bytes.p, sizeof(*key));
	return true;
}
