/* SPDX-License-Identifier: ISC */
/*
 * A stable merge sort of numbers, n log n, without recursion, that stops
 * anywhere: others of the user run between its portions.
 */
#ifndef IMAPD_SORT_RUN_H
#define IMAPD_SORT_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As for qsort; what is equal keeps its order. */
typedef int sort_compare_fn(const void *arg, uint32_t x, uint32_t y);

struct sort_run {
	uint32_t *at; /* the numbers; sorted at the end. One of the two given */

	/* private */
	uint32_t *spare;
	size_t n, width;
	size_t lo, i, j, k; /* of the two runs that are merged */
	sort_compare_fn *compare;
	const void *arg;
};

/* Of n numbers each; both belong to the caller. */
void sort_run_begin(struct sort_run *r, uint32_t *numbers, uint32_t *spare,
    size_t n, sort_compare_fn *compare, const void *arg);
/* At most that many comparisons. True when r->at is sorted. */
bool sort_run_step(struct sort_run *r, unsigned portion);

#endif
