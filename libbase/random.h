/* SPDX-License-Identifier: ISC */
/* Random bytes from the kernel (getrandom); aborts when there are none. */
#ifndef LIBBASE_RANDOM_H
#define LIBBASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *p, size_t n);
uint64_t random_u64(void);
uint32_t random_below(uint32_t limit); /* uniform in [0, limit) */

#endif
