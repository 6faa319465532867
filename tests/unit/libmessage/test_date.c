/* SPDX-License-Identifier: ISC */
/* Tests of date.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libmessage/date.h"

static const struct {
	const char *text;
	int64_t utc;
	int zone;
} dates[] = {
	{ "Thu, 01 Jan 1970 00:00:00 +0000", 0, 0 },
	{ "Tue, 3 Mar 2026 10:00:00 +0100 (CET)", 1772528400, 60 },
	{ "3 Mar 2026 10:00 +0100", 1772528400, 60 },
	{ "Tue, 03 Mar 2026 23:30:00 -0800", 1772609400, -480 },
	{ "Tue,3 Mar 26 09:00:00 GMT", 1772528400, 0 },
	{ "3 Mar 26 09:00:00 Z", 1772528400, 0 },
	{ "Tue, 3 Mar 126 09:00:00 UT", 1772528400, 0 },
	{ "03-Mar-2026 09:00:00 +0000", 1772528400, 0 },
	{ "Tue, 3 Mar 2026 04:00:00 EST", 1772528400, -300 },
	{ "Tue, 3 Mar 2026 05:00:00 EDT", 1772528400, -240 },
	{ "(x) Tue (y) , (z) 3 (a(b)) Mar 2026 09:00:00 (c) +0000", 1772528400,
	    0 },
	{ "Tue, 3 Mar 2026\r\n 09:00:00 -0000", 1772528400, 0 },
	{ "Tue Mar  3 09:00:00 2026", 1772528400, 0 },
	{ "Tue, 3 March 2026 09:00:00 +00:00", 1772528400, 0 },
	{ "Tuesday, 3 mar 2026 09.00.00", 1772528400, 0 },
	{ "Tue, 3 Mar 2026 09:00:00.123 +0000", 1772528400, 0 },
	{ "3 Mar 2026 14:45 +0545", 1772528400, 345 },
	{ "3 Mar 2026", 1772496000, 0 },
	{ "3 Mar 2026 09:00:00 Q", 1772528400, 0 },
	{ "3 Mar 2026 09:00:00 +9999", 1772528400, 0 },
	{ "29 Feb 2000 12:00:00 +0000", 951825600, 0 },
	{ "31 Dec 1969 23:59:59 +0000", -1, 0 },
	{ "1 Jan 1900 00:00:00 +0000", -2208988800, 0 },
	{ "31 Dec 2016 23:59:60 +0000", 1483228800, 0 },
};

static void
parse(void **state)
{
	static const char *bad[] = { "", "yesterday", "Tue,", "3", "3 Mar",
		"3 Foo 2026", "32 Mar 2026", "0 Mar 2026", "Mar 2026",
		"Tue Mar 3 09:00:00", "((((", "Mar" };
	struct date d;

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(dates); i++) {
		assert_true(date_parse(slice_str(dates[i].text), &d));
		assert_int_equal(d.utc, dates[i].utc);
		assert_int_equal(d.zone_mins, dates[i].zone);
	}
	for (size_t i = 0; i < N_ELEMENTS(bad); i++)
		assert_false(date_parse(slice_str(bad[i]), &d));
}

static void
day_as_written(void **state)
{
	struct date d;

	(void)state;
	assert_true(date_parse(SLICE("Tue, 03 Mar 2026 23:30:00 -0800"), &d));
	assert_int_equal(d.day, date_day(2026, 3, 3));
	assert_true(date_parse(SLICE("Wed, 04 Mar 2026 00:10:00 +0900"), &d));
	assert_int_equal(d.day, date_day(2026, 3, 4));
	assert_int_equal(date_day_at(d.utc, d.zone_mins), d.day);
	assert_int_equal(date_day_at(d.utc, 0), date_day(2026, 3, 3));
	assert_int_equal(date_day_at(-1, 0), -1);
	assert_int_equal(date_day_at(INT64_MAX, 60), date_day_at(INT64_MAX, 0));
}

static void
calendar(void **state)
{
	int y, m, d;

	(void)state;
	assert_int_equal(date_day(1970, 1, 1), 0);
	assert_int_equal(date_day(2000, 3, 1), 11017);
	for (int32_t day = -200000; day < 200000; day += 13) {
		date_civil(day, &y, &m, &d);
		assert_int_equal(date_day(y, m, d), day);
		assert_true(m >= 1 && m <= 12 && d >= 1 && d <= 31);
	}
	assert_int_equal(date_month(SLICE("JANUARY")), 1);
	assert_int_equal(date_month(SLICE("de")), 0);
	assert_string_equal(date_month_name(12), "Dec");
}

static void
print(void **state)
{
	struct date d;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	date_put(&b, 1772528400, 60);
	assert_string_equal(buf_cstr(&b), "Tue, 03 Mar 2026 10:00:00 +0100");
	for (size_t i = 0; i < N_ELEMENTS(dates); i++) {
		buf_reset(&b);
		date_put(&b, dates[i].utc, dates[i].zone);
		assert_true(date_parse(buf_slice(&b), &d));
		assert_int_equal(d.utc, dates[i].utc);
		assert_int_equal(d.zone_mins, dates[i].zone);
	}
	buf_reset(&b);
	date_put(&b, -1, -90);
	assert_string_equal(buf_cstr(&b), "Wed, 31 Dec 1969 22:29:59 -0130");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse),
		cmocka_unit_test(day_as_written),
		cmocka_unit_test(calendar),
		cmocka_unit_test(print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
