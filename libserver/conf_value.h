/* SPDX-License-Identifier: ISC */
/* Text of settings made numbers, and the nearest name of a wrong one. Pure. */
#ifndef LIBSERVER_CONF_VALUE_H
#define LIBSERVER_CONF_VALUE_H

#include "libserver/conf.h"

/* "64M", "1 GiB", "512k", "1000": bytes. 0, or -1 for what is no size. */
int conf_parse_size(struct slice text, uint64_t *bytes_out) MUST_CHECK;
/* "5 min", "2s", "500 ms", "1h", "7 days", "90" (seconds): milliseconds. */
int conf_parse_duration(struct slice text, uint64_t *ms_out) MUST_CHECK;
/* "LOW-HIGH". */
int conf_parse_range(
    struct slice text, uint64_t *lo_out, uint64_t *hi_out) MUST_CHECK;
/* Is word one of "a|b|c"? */
bool conf_is_word(const char *words, struct slice word);
/* The row of common and more (may be NULL) whose name is nearest to a wrong
 * one, NULL when none is near. */
const char *conf_nearest(const struct setting *more, struct slice wrong);
/* Changes that make one of the other (Levenshtein), names cut at 63. */
unsigned conf_distance(struct slice a, struct slice b);
/* A number in the words an admin writes: "64M", "5 min", "1000". */
void conf_print_value(struct buf *b, enum setting_type type, uint64_t v);

#endif
