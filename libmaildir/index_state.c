/* SPDX-License-Identifier: ISC */
/* index.state: 88 bytes that say what the other files are. */
#include <string.h>
#include <unistd.h>

#include "libbase/hash.h"
#include "libmaildir/index_impl.h"
#include "libmaildir/io.h"

/* magic 8, then numbers of 8 each, boot id 16, sum of all before it 8 */
#define MAGIC  "RestIdx\n"
#define FORMAT 1

enum {
	AT_FORMAT = 8,
	AT_IDENT = 16,
	AT_OWNER = 24,
	AT_GENERATION = 32,
	AT_HEADS = 40,
	AT_WRITING = 48, /* 4 bytes what, 4 bytes flushed */
	AT_BOX = 56,
	AT_BOOT = 64,
	AT_SUM = 80,
	AT_END = 88
};

static uint64_t
sum(const uint8_t *p)
{
	static const uint8_t key[16] = "index.state sum";

	return hash_keyed(key, slice_of(p, AT_SUM));
}

enum index_found
index_state_read(int fd, struct index_state *out)
{
	uint8_t p[AT_END];
	ssize_t n = io_pread(fd, p, sizeof(p), 0);
	uint64_t w;

	if (n == 0)
		return INDEX_NONE;
	if (n != AT_END || memcmp(p, MAGIC, 8) != 0 ||
	    index_get64(p + AT_FORMAT) != FORMAT ||
	    index_get64(p + AT_SUM) != sum(p))
		return INDEX_BAD;
	w = index_get64(p + AT_WRITING);
	if (w >> 32 > INDEX_WRITES_BOX || (w & UINT32_MAX) > 1)
		return INDEX_BAD;
	*out = (struct index_state){
		.ident = index_get64(p + AT_IDENT),
		.owner = index_get64(p + AT_OWNER),
		.generation = index_get64(p + AT_GENERATION),
		.heads = index_get64(p + AT_HEADS),
		.writing = (enum index_writing)(w >> 32),
		.box = index_get64(p + AT_BOX),
		.flushed = (w & 1) != 0,
	};
	memcpy(out->boot, p + AT_BOOT, sizeof(out->boot));
	return INDEX_GOOD;
}

bool
index_state_write(int fd, const struct index_state *st)
{
	uint8_t p[AT_END];
	ssize_t n;

	memcpy(p, MAGIC, 8);
	index_put64(p + AT_FORMAT, FORMAT);
	index_put64(p + AT_IDENT, st->ident);
	index_put64(p + AT_OWNER, st->owner);
	index_put64(p + AT_GENERATION, st->generation);
	index_put64(p + AT_HEADS, st->heads);
	index_put64(p + AT_WRITING,
	    (uint64_t)st->writing << 32 | (uint64_t)st->flushed);
	index_put64(p + AT_BOX, st->box);
	memcpy(p + AT_BOOT, st->boot, sizeof(st->boot));
	index_put64(p + AT_SUM, sum(p));
	n = pwrite(fd, p, sizeof(p), 0);
	return n == AT_END;
}
