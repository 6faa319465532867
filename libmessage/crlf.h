/* SPDX-License-Identifier: ISC */
/*
 * Line ends. A stored message has LF or CRLF; on the wire each line ends with
 * CRLF: an LF without CR before it becomes CRLF, CRLF stays, a lone CR stays
 * one octet.
 */
#ifndef LIBMESSAGE_CRLF_H
#define LIBMESSAGE_CRLF_H

#include "libbase/buf.h"

struct crlf_count { /* zeroed at the start */
	uint64_t bytes;
	uint64_t lines;   /* LF */
	uint64_t bare_lf; /* LF without CR before it: wire = bytes + bare_lf */
	bool last_cr;     /* the last byte was CR */
	bool has_nul;
	bool has_8bit;
};

/* Count on; any split gives the same. */
void crlf_count(struct crlf_count *c, struct slice s);
uint64_t crlf_wire(const struct crlf_count *c);

/* A place in a message, to go on from: the octets before it. */
struct crlf_pos { /* zeroed is the start */
	uint64_t file, wire;
	bool last_cr; /* the byte before was CR */
	bool owes_lf; /* the CR of a converted LF is out, its LF is not */
};

/* Convert from *in to out, at most cap octets; *in is advanced over what was
 * taken. The number of octets written; less than cap means that *in is empty.
 * owes_lf may be set at the end of a full out: the next call writes the LF. */
size_t
crlf_convert(struct crlf_pos *pos, struct slice *in, char *out, size_t cap);
/* The same to a buffer, everything. */
void crlf_put(struct crlf_pos *pos, struct slice in, struct buf *out);
/* As crlf_convert, but the octets are only passed over: up to wire octets. The
 * number passed; *in is advanced. */
uint64_t crlf_skip(struct crlf_pos *pos, struct slice *in, uint64_t wire);

/*
 * Marks for partial FETCH: every 256 KiB of wire octets (wider when there are
 * many) a place to start from.
 */
#define CRLF_MAP_STEP (256 * 1024)
#define CRLF_MAP_MAX  1024
struct crlf_map {
	struct crlf_pos *v;
	size_t n, cap;
	uint64_t step;
};
void crlf_map_init(struct crlf_map *m);
void crlf_map_free(struct crlf_map *m);
/* Tell the map where the reader is; kept when it is a step past the last mark.
 */
void crlf_map_note(struct crlf_map *m, const struct crlf_pos *pos);
/* The last mark at or before that wire octet; the start when there is none. */
struct crlf_pos crlf_map_find(const struct crlf_map *m, uint64_t wire);

#endif
