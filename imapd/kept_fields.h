/* SPDX-License-Identifier: ISC */
/*
 * Header fields of a message as they are kept (setting index_cache_headers):
 * those of a list of names, whole, with CRLF, in the order of the header.
 * A record tells the list that it was made with; by another list it is none.
 *
 * Bytes of a record: the list's hash (4), the number of fields (2), of each the
 * number of its name (1) and its length (3), then the fields themselves.
 */
#ifndef IMAPD_KEPT_FIELDS_H
#define IMAPD_KEPT_FIELDS_H

#include "libbase/buf.h"

#define KEPT_NAMES_MAX 255

struct kept_names {
	unsigned n;
	uint32_t hash;
	struct slice name[KEPT_NAMES_MAX];
	/* by length and first letter: number + 1, and the next of the same */
	uint8_t first[64], next[KEPT_NAMES_MAX];
};

/* Those above the ceiling are left out. The texts are not copied. */
void kept_names_init(struct kept_names *k, const char *const *names, size_t n);
/* The number of that name (case folded), -1: it is not kept. */
int kept_names_find(const struct kept_names *k, struct slice name);

/* Numbers of names. */
struct kept_set {
	uint64_t bits[4];
};
static inline void
kept_set_add(struct kept_set *s, unsigned i)
{
	s->bits[i / 64] |= UINT64_C(1) << i % 64;
}
static inline bool
kept_set_has(const struct kept_set *s, unsigned i)
{
	return (s->bits[i / 64] >> i % 64 & 1) != 0;
}

/* Make a record. For a header line by line: begin, each field, end. */
struct kept_fields_maker {
	const struct kept_names *names;
	struct buf table, bytes;
	unsigned n;
	bool failed; /* too many, too long */
};
void
kept_fields_init(struct kept_fields_maker *m, const struct kept_names *names);
void kept_fields_free(struct kept_fields_maker *m);
void kept_fields_begin(struct kept_fields_maker *m);
/* name and raw as those of struct header_field. */
void kept_fields_add(
    struct kept_fields_maker *m, struct slice name, struct slice raw);
/* Appended to out; false: there is none. */
bool kept_fields_end(struct kept_fields_maker *m, struct buf *out);

/* A record that is read. */
struct kept_fields {
	const unsigned char *table;
	unsigned n;
	struct slice bytes;
};
/* false: it is none of these names. */
bool kept_fields_open(
    struct kept_fields *f, const struct kept_names *names, struct slice record);
/* Octets of BODY[HEADER.FIELDS] of these names, the empty line included, and
 * the same appended to out. */
size_t
kept_fields_octets(const struct kept_fields *f, const struct kept_set *want);
void kept_fields_put(
    const struct kept_fields *f, const struct kept_set *want, struct buf *out);
/* The next field from *i on, with its line end; *off goes on with it. Both
 * begin at 0. false: there are no more. */
bool kept_fields_next(const struct kept_fields *f, unsigned *i, size_t *off,
    unsigned *name, struct slice *field);

#endif
