/* SPDX-License-Identifier: ISC */
/* The chain as the transports see it; libnet alone includes this. */
#ifndef LIBNET_OUT_PRIVATE_H
#define LIBNET_OUT_PRIVATE_H

#include <sys/uio.h>

#include "libbase/err.h"
#include "libnet/out.h"

struct loop;
struct out_seg;

struct out {
	struct loop *loop; /* lends blocks; NULL: from the heap */
	struct out_seg *head, *tail;
	uint64_t queued;           /* wire bytes, files as promised */
	size_t memory;             /* bytes in memory pieces, not yet sent */
	size_t max;                /* ceiling on memory */
	void (*notify)(void *arg); /* first byte into an empty chain */
	void *arg;
	struct err err; /* code ERR_OK: fine */
};

/* A range of a file as it lies at the head, for sendfile. */
struct out_raw {
	int fd;
	uint64_t off, len;
};

void out_init(struct out *o, struct loop *loop, size_t max,
    void (*notify)(void *arg), void *arg);
void out_free(struct out *o); /* descriptors closed */
/*
 * Bytes at the head, at most max_bytes, in at most max_iov pieces; ranges of
 * files are read and converted on the way (block: scratch of IO_BLOCK bytes).
 * raw_stops: stop before a long OUT_RAW range, which out_head_raw gives. The
 * number of pieces; 0 when empty or failed (out_ok).
 */
unsigned out_gather(struct out *o, struct iovec *iov, unsigned max_iov,
    size_t max_bytes, char *block, bool raw_stops);
bool out_head_raw(const struct out *o, struct out_raw *out);
/* n bytes of what out_gather or out_head_raw gave have left. */
void out_advance(struct out *o, uint64_t n);

#endif
