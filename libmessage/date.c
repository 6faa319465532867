/* SPDX-License-Identifier: ISC */
/* Dates of RFC 5322. */
#include "libmessage/date.h"
#include "libbase/arena.h"
#include "libmessage/param.h"

static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May",
	"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char day_names[7][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue",
	"Wed" }; /* 1970-01-01 was a Thursday */

static const struct {
	const char *name;
	int mins;
} zones[] = { { "UT", 0 }, { "GMT", 0 }, { "UTC", 0 }, { "Z", 0 },
	{ "EST", -300 }, { "EDT", -240 }, { "CST", -360 }, { "CDT", -300 },
	{ "MST", -420 }, { "MDT", -360 }, { "PST", -480 }, { "PDT", -420 },
	/* not in RFC 5322, but written */
	{ "WET", 0 }, { "BST", 60 }, { "CET", 60 }, { "MET", 60 },
	{ "CEST", 120 }, { "MEST", 120 }, { "EET", 120 }, { "EEST", 180 },
	{ "MSK", 180 }, { "JST", 540 }, { "HST", -600 }, { "AKST", -540 },
	{ "AKDT", -480 } };

int
date_month(struct slice name)
{
	for (int m = 0; m < 12; m++)
		if (name.n >= 3 &&
		    slice_ieq_str(slice_head(name, 3), month_names[m]))
			return m + 1;
	return 0;
}

const char *
date_month_name(int month)
{
	return month >= 1 && month <= 12 ? month_names[month - 1] : "???";
}

/* Days from civil and back, after the 400-year cycle with the year beginning in
 * March. */
int32_t
date_day(int year, int month, int day)
{
	int64_t y = month <= 2 ? (int64_t)year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return (int32_t)(era * 146097 + doe - 719468);
}

void
date_civil(int32_t day, int *year_out, int *month_out, int *mday_out)
{
	int64_t z = (int64_t)day + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	int64_t month = mp < 10 ? mp + 3 : mp - 9;

	*mday_out = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month_out = (int)month;
	*year_out = (int)(yoe + era * 400 + (month <= 2 ? 1 : 0));
}

int32_t
date_day_at(int64_t utc, int zone_mins)
{
	const int64_t limit = INT64_C(86400) * 0x7fff0000;
	int64_t t;

	if (utc > limit)
		utc = limit;
	if (utc < -limit)
		utc = -limit;
	t = utc + (int64_t)zone_mins * 60;
	return (int32_t)((t >= 0 ? t : t - 86399) / 86400);
}

static bool
take_number(struct slice *s, unsigned max_digits, int *out, unsigned *digits)
{
	int v = 0;
	unsigned n = 0;

	while (n < s->n && n < max_digits && ascii_is_digit(s->p[n])) {
		v = v * 10 + (s->p[n] - '0');
		n++;
	}
	if (n == 0)
		return false;
	*s = slice_from(*s, n);
	*out = v;
	if (digits != NULL)
		*digits = n;
	return true;
}

static struct slice
take_word(struct slice *s)
{
	size_t n = 0;
	struct slice w;

	while (n < s->n && ascii_is_alpha(s->p[n]))
		n++;
	w = slice_head(*s, n);
	*s = slice_from(*s, n);
	return w;
}

/* Blanks, comments and one kind of separator. */
static void
skip_to_next(struct slice *s, char also)
{
	param_skip(s);
	while (s->n > 0 && (s->p[0] == also || s->p[0] == ',')) {
		*s = slice_from(*s, 1);
		param_skip(s);
	}
}

struct civil {
	int year, month, day, hour, min, sec;
};

/* "2 Jan 2006", also "2-Jan-06" and "Jan 2 ... 2006" of asctime (then the year
 * is still to come, -1). */
static bool
take_day(struct slice *s, struct civil *c)
{
	struct slice word;
	unsigned digits = 0;

	if (ascii_is_digit(s->n > 0 ? s->p[0] : ' ')) {
		if (!take_number(s, 2, &c->day, NULL))
			return false;
		skip_to_next(s, '-');
		c->month = date_month(take_word(s));
		skip_to_next(s, '-');
		if (c->month == 0 || !take_number(s, 4, &c->year, &digits) ||
		    digits < 2)
			return false;
		/* RFC 5322 4.3 */
		if (digits == 2)
			c->year += c->year < 50 ? 2000 : 1900;
		else if (digits == 3)
			c->year += 1900;
	} else {
		word = take_word(s);
		c->month = date_month(word);
		skip_to_next(s, '-');
		if (c->month == 0 || !take_number(s, 2, &c->day, NULL))
			return false;
		c->year = -1;
	}
	return c->day >= 1 && c->day <= 31;
}

/* "15:04:05", seconds may be missing, fractions are passed over. Without a time
 * it is midnight. */
static void
take_time(struct slice *s, struct civil *c)
{
	struct slice at = *s;
	int h, m, sec = 0;

	if (!take_number(&at, 2, &h, NULL))
		return;
	param_skip(&at);
	if (at.n == 0 || (at.p[0] != ':' && at.p[0] != '.'))
		return;
	at = slice_from(at, 1);
	param_skip(&at);
	if (!take_number(&at, 2, &m, NULL) || h > 23 || m > 59)
		return;
	c->hour = h;
	c->min = m;
	*s = at;
	param_skip(&at);
	if (at.n > 0 && (at.p[0] == ':' || at.p[0] == '.')) {
		at = slice_from(at, 1);
		param_skip(&at);
		if (take_number(&at, 2, &sec, NULL) && sec <= 60) {
			c->sec = sec;
			*s = at;
		}
	}
	if (s->n > 1 && s->p[0] == '.' && ascii_is_digit(s->p[1])) {
		*s = slice_from(*s, 1);
		(void)take_number(s, 9, &h, NULL);
	}
}

/* 0 when there is no zone or it is unknown (RFC 5322 4.3: military letters
 * too). */
static int
take_zone(struct slice *s)
{
	struct slice word;
	int v;
	unsigned digits;

	param_skip(s);
	if (s->n > 0 && (s->p[0] == '+' || s->p[0] == '-')) {
		bool west = s->p[0] == '-';
		struct slice at = slice_from(*s, 1);

		if (!take_number(&at, 4, &v, &digits))
			return 0;
		*s = at;
		if (digits <= 2) {
			v *= 100;
			if (at.n > 2 && at.p[0] == ':') {
				int m = 0;

				at = slice_from(at, 1);
				(void)take_number(&at, 2, &m, NULL);
				v += m;
				*s = at;
			}
		}
		v = v / 100 * 60 + v % 100;
		if (v >= 24 * 60)
			return 0;
		return west ? -v : v;
	}
	word = take_word(s);
	for (size_t i = 0; i < N_ELEMENTS(zones); i++)
		if (slice_ieq_str(word, zones[i].name))
			return zones[i].mins;
	return 0;
}

bool
date_parse(struct slice text, struct date *date_out)
{
	struct slice s = text;
	struct civil c = { 0 };
	struct date d;

	param_skip(&s);
	if (s.n > 0 && ascii_is_alpha(s.p[0])) {
		struct slice at = s, word = take_word(&at);

		if (date_month(word) == 0) { /* the day of the week */
			s = at;
			skip_to_next(&s, '.');
		}
	}
	if (!take_day(&s, &c))
		return false;
	skip_to_next(&s, '-');
	take_time(&s, &c);
	d.zone_mins = take_zone(&s);
	if (c.year < 0) { /* asctime: the year is last */
		unsigned digits = 0;

		param_skip(&s);
		if (!take_number(&s, 4, &c.year, &digits) || digits != 4)
			return false;
	}
	d.day = date_day(c.year, c.month, c.day);
	d.utc = (int64_t)d.day * 86400 + c.hour * 3600 + c.min * 60 + c.sec -
	    (int64_t)d.zone_mins * 60;
	*date_out = d;
	return true;
}

void
date_put(struct buf *out, int64_t utc, int zone_mins)
{
	int32_t day = date_day_at(utc, zone_mins);
	int64_t left = utc + (int64_t)zone_mins * 60 - (int64_t)day * 86400;
	int secs = (int)(left >= 0 && left < 86400 ? left : 0);
	int off = zone_mins < 0 ? -zone_mins : zone_mins;
	int y, m, d, week = (int)(((int64_t)day % 7 + 7) % 7);

	date_civil(day, &y, &m, &d);
#if PLANT == 22
	y += d == 31;
#endif
	buf_printf(out, "%s, %02d %s %04d %02d:%02d:%02d %c%02d%02d",
	    day_names[week], d, month_names[m - 1], y, secs / 3600,
	    secs / 60 % 60, secs % 60, zone_mins < 0 ? '-' : '+',
	    off / 60 % 100, off % 60);
}
