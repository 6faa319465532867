/* SPDX-License-Identifier: ISC */
/* Dates of RFC 5322 3.3 with the obsolete forms of 4.3. */
#ifndef LIBMESSAGE_DATE_H
#define LIBMESSAGE_DATE_H

#include "libbase/buf.h"

struct date {
	int64_t utc;   /* seconds since 1970 */
	int zone_mins; /* east of UTC */
	int32_t day; /* days since 1970 of the date as written, zone disregarded
		      * (SENTON and its kin, RFC 9051 6.4.4) */
};

/* Tolerant: comments, no weekday, two-digit years, no seconds, zone names, no
 * zone. false when there is no date in it. */
bool date_parse(struct slice text, struct date *date_out);

/* Append "Mon, 02 Jan 2006 15:04:05 +0100". */
void date_put(struct buf *out, int64_t utc, int zone_mins);

/* Days since 1970-01-01 (proleptic Gregorian). month from 1. */
int32_t date_day(int year, int month, int day);
/* The day of a moment in a zone (for ON, BEFORE, SINCE). */
int32_t date_day_at(int64_t utc, int zone_mins);
/* Back: year, month from 1, day of the month. */
void date_civil(int32_t day, int *year_out, int *month_out, int *mday_out);
/* 1 to 12 by its first three letters (case folded), or 0. */
int date_month(struct slice name);
/* "Jan" for 1. */
const char *date_month_name(int month);

#endif
