/* SPDX-License-Identifier: ISC */
/* SHA-256 of a stream of bytes (GnuTLS). */
#ifndef LIBNET_DIGEST_H
#define LIBNET_DIGEST_H

#include <stdint.h>

#include "libbase/err.h"
#include "libbase/slice.h"

#define DIGEST_SHA256_BYTES 32

struct digest {
	void *handle; /* NULL: not begun */
};

int digest_begin(struct digest *d, struct err *err) MUST_CHECK;
int
digest_add(struct digest *d, struct slice bytes, struct err *err) MUST_CHECK;
/* The result; ends it. */
void digest_end(struct digest *d, uint8_t out[DIGEST_SHA256_BYTES]);
/* Give up; fine when it was not begun. */
void digest_drop(struct digest *d);

#endif
