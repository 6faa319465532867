/* SPDX-License-Identifier: ISC */
/* The only place that asks the kernel for the time. */
#include <stdlib.h>

#include "libbase/clock.h"

static int64_t shift_us; /* set by tests alone */

static uint64_t
clock_us(clockid_t which)
{
	struct timespec ts;

	/* Fails only for clocks that do not exist. */
	if (clock_gettime(which, &ts) == -1)
		abort();
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t
clock_mono_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

uint64_t
clock_real_us(void)
{
	return clock_us(CLOCK_REALTIME) + (uint64_t)shift_us;
}

time_t
clock_now(void)
{
	return (time_t)(clock_real_us() / 1000000);
}

void
clock_shift_us(int64_t by)
{
	shift_us = by;
}
