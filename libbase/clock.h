/* SPDX-License-Identifier: ISC */
/* Time. The only place that asks the kernel for it; tests may hold it still. */
#ifndef LIBBASE_CLOCK_H
#define LIBBASE_CLOCK_H

#include <stdint.h>
#include <time.h>

uint64_t clock_mono_us(void); /* never goes back */
uint64_t clock_real_us(void); /* microseconds since 1970 */
time_t clock_now(void);       /* seconds since 1970 */
/* Tests: add to what the real clock says; 0 ends it. */
void clock_shift_us(int64_t by);

#endif
