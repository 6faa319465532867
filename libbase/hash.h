/* SPDX-License-Identifier: ISC */
/*
 * Maps from strings or integers to pointers. Keys of string maps are copied.
 * Hashing is keyed (SipHash-2-4) with a random key a process, so that no client
 * can choose collisions.
 */
#ifndef LIBBASE_HASH_H
#define LIBBASE_HASH_H

#include "libbase/slice.h"

uint64_t hash_keyed(const uint8_t key[16], struct slice s);
uint64_t hash_slice(struct slice s); /* with the key of this process */
uint64_t hash_u64(uint64_t v);

struct map_entry;
struct map { /* embed; zeroed is a valid empty map */
	struct map_entry **buckets;
	size_t n_buckets, n;
};
/* The value, or NULL. */
void *map_get(const struct map *m, struct slice key);
/* Put or replace; the value that was there, or NULL. */
void *map_put(struct map *m, struct slice key, void *value);
/* Take out; the value that was there, or NULL. */
void *map_del(struct map *m, struct slice key);
void map_free(struct map *m); /* not the values */
/* Visit all: *pos starts at NULL; false at the end. Deleting the entry just
 * visited is allowed, nothing else. */
bool map_next(const struct map *m, struct map_entry **pos, struct slice *key,
    void **value);

struct idmap { /* u64 keys; zeroed is a valid empty map */
	struct map m;
};
void *idmap_get(const struct idmap *m, uint64_t key);
void *idmap_put(struct idmap *m, uint64_t key, void *value);
void *idmap_del(struct idmap *m, uint64_t key);
void idmap_free(struct idmap *m);
bool idmap_next(
    const struct idmap *m, struct map_entry **pos, uint64_t *key, void **value);

#endif
