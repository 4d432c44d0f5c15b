/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timefmt.c - time as text, see timefmt.h.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <time.h>

#include "user/core/timefmt.h"

/* Last second that fits a signed count of ns: 2262-04-11; the header promises 2261. */
#define SECONDS_MAX 9214646400ULL

/* Every record has some of these: digits are written by hand, not by strftime(3). */
static char *put_digits(char *p, unsigned int value, unsigned int digits)
{
	for (unsigned int i = digits; i > 0; i--, value /= 10)
		p[i - 1] = (char)('0' + value % 10);
	return p + digits;
}

/* @date, @clock: what stands between the numbers; 0: nothing. */
static char *put_time(char *p, uint64_t ns, char date, char clock)
{
	time_t seconds = (time_t)(ns / PSC_NSEC_PER_SEC);
	struct tm tm;

	/* Any uint64_t of ns is a year below 2555, so this cannot fail. */
	gmtime_r(&seconds, &tm);
	p = put_digits(p, (unsigned int)tm.tm_year + 1900, 4);
	if (date)
		*p++ = date;
	p = put_digits(p, (unsigned int)tm.tm_mon + 1, 2);
	if (date)
		*p++ = date;
	p = put_digits(p, (unsigned int)tm.tm_mday, 2);
	*p++ = 'T';
	p = put_digits(p, (unsigned int)tm.tm_hour, 2);
	if (clock)
		*p++ = clock;
	p = put_digits(p, (unsigned int)tm.tm_min, 2);
	if (clock)
		*p++ = clock;
	return put_digits(p, (unsigned int)tm.tm_sec, 2);
}

const char *psc_time_format(uint64_t ns, char *buffer)
{
	char *p = put_time(buffer, ns, '-', ':');

	*p++ = '.';
	p = put_digits(p, (unsigned int)(ns % PSC_NSEC_PER_SEC / 1000), 6);
	memcpy(p, "Z", 2);
	return buffer;
}

const char *psc_time_format_seconds(uint64_t ns, char *buffer)
{
	memcpy(put_time(buffer, ns, '-', ':'), "Z", 2);
	return buffer;
}

const char *psc_time_format_compact(uint64_t ns, char *buffer)
{
	memcpy(put_time(buffer, ns, 0, 0), "Z", 2);
	return buffer;
}

/* Reads exactly @digits decimal digits and moves *@text behind them. */
static bool take_number(const char **text, unsigned int digits, int *ret)
{
	int value = 0;

	for (unsigned int i = 0; i < digits; i++) {
		char c = (*text)[i];

		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
	}
	*text += digits;
	*ret = value;
	return true;
}

static bool take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

/* timegm() normalises the 30th of February; comparing afterwards finds it. */
static int seconds_of(const struct tm *wanted, int64_t *ret)
{
	struct tm tm = *wanted;
	time_t seconds = timegm(&tm);

	if (tm.tm_year != wanted->tm_year || tm.tm_mon != wanted->tm_mon ||
	    tm.tm_mday != wanted->tm_mday || tm.tm_hour != wanted->tm_hour ||
	    tm.tm_min != wanted->tm_min || tm.tm_sec != wanted->tm_sec)
		return -EINVAL;
	*ret = seconds;
	return 0;
}

static bool take_date(const char **text, bool separators, struct tm *tm)
{
	return take_number(text, 4, &tm->tm_year) && (!separators || take_char(text, '-')) &&
	       take_number(text, 2, &tm->tm_mon) && (!separators || take_char(text, '-')) &&
	       take_number(text, 2, &tm->tm_mday);
}

static bool take_clock(const char **text, bool separators, struct tm *tm)
{
	return take_number(text, 2, &tm->tm_hour) && (!separators || take_char(text, ':')) &&
	       take_number(text, 2, &tm->tm_min) && (!separators || take_char(text, ':')) &&
	       take_number(text, 2, &tm->tm_sec);
}

static int to_ns(struct tm *tm, int64_t offset, uint64_t fraction, uint64_t *ret_ns)
{
	int64_t seconds;
	int r;

	tm->tm_year -= 1900;
	tm->tm_mon -= 1;
	if (tm->tm_sec == 60)
		tm->tm_sec = 59;
	r = seconds_of(tm, &seconds);
	if (r < 0)
		return r;
	seconds -= offset;
	if (seconds < 0 || (uint64_t)seconds >= SECONDS_MAX)
		return -ERANGE;
	*ret_ns = (uint64_t)seconds * PSC_NSEC_PER_SEC + fraction;
	return 0;
}

/* ".123" behind the seconds; digits beyond ns are read over. */
static bool take_fraction(const char **text, uint64_t *ret)
{
	uint64_t unit = PSC_NSEC_PER_SEC / 10;
	uint64_t value = 0;

	if (!take_char(text, '.'))
		return true;
	if (!isdigit((unsigned char)**text))
		return false;
	for (; isdigit((unsigned char)**text); (*text)++) {
		value += (uint64_t)(**text - '0') * unit;
		unit /= 10;
	}
	*ret = value;
	return true;
}

static bool take_zone(const char **text, int64_t *ret_offset)
{
	int hours, minutes, sign;

	if (take_char(text, 'Z') || take_char(text, 'z')) {
		*ret_offset = 0;
		return true;
	}
	sign = **text == '-' ? -1 : 1;
	if (!take_char(text, '+') && !take_char(text, '-'))
		return false;
	if (!take_number(text, 2, &hours) || !take_char(text, ':') ||
	    !take_number(text, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret_offset = sign * (hours * 3600 + minutes * 60);
	return true;
}

int psc_time_parse(const char *text, uint64_t *ret_ns)
{
	struct tm tm = {};
	uint64_t fraction = 0;
	int64_t offset = 0;

	if (!take_date(&text, true, &tm))
		return -EINVAL;
	if (*text) {
		if (!take_char(&text, 'T') && !take_char(&text, 't') && !take_char(&text, ' '))
			return -EINVAL;
		if (!take_clock(&text, true, &tm) || !take_fraction(&text, &fraction) ||
		    !take_zone(&text, &offset) || *text)
			return -EINVAL;
	}
	return to_ns(&tm, offset, fraction, ret_ns);
}

int psc_time_parse_compact(const char *text, size_t size, uint64_t *ret_ns)
{
	char copy[sizeof("20260102T030405Z")];
	const char *rest = copy;
	struct tm tm = {};

	if (size != sizeof(copy) - 1)
		return -EINVAL;
	memcpy(copy, text, size);
	copy[size] = '\0';
	if (!take_date(&rest, false, &tm) || !take_char(&rest, 'T') ||
	    !take_clock(&rest, false, &tm) || !take_char(&rest, 'Z'))
		return -EINVAL;
	return to_ns(&tm, 0, 0, ret_ns);
}

static int unit_seconds(char unit, uint64_t *ret)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = {
		{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800},
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (units[i].unit == unit) {
			*ret = units[i].seconds;
			return 0;
		}
	return -EINVAL;
}

/* False when @text has not the form of a span; the unit may be an unknown one. */
static bool take_span(const char *text, uint64_t *ret_value, char *ret_unit)
{
	uint64_t value = 0;
	const char *p = text;

	while (isdigit((unsigned char)*p) && p - text < 10)
		value = value * 10 + (uint64_t)(*p++ - '0');
	if (p == text || !p[0] || p[1])
		return false;
	*ret_value = value;
	*ret_unit = *p;
	return true;
}

/* In seconds: ten digits of weeks are below 2^53. */
static int span_seconds(uint64_t value, char unit, uint64_t *ret)
{
	uint64_t seconds;
	int r = unit_seconds(unit, &seconds);

	if (r == 0)
		*ret = value * seconds;
	return r;
}

int psc_time_parse_span(const char *text, uint64_t *ret_ns)
{
	uint64_t value, seconds;
	char unit;

	if (!take_span(text, &value, &unit) || span_seconds(value, unit, &seconds) < 0)
		return -EINVAL;
	if (seconds > UINT64_MAX / PSC_NSEC_PER_SEC)
		return -ERANGE;
	*ret_ns = seconds * PSC_NSEC_PER_SEC;
	return 0;
}

int psc_time_parse_since(const char *text, uint64_t now_ns, uint64_t *ret_ns)
{
	uint64_t value, seconds;
	char unit;

	if (!take_span(text, &value, &unit))
		return psc_time_parse(text, ret_ns);
	if (span_seconds(value, unit, &seconds) < 0)
		return -EINVAL;
	if (seconds > now_ns / PSC_NSEC_PER_SEC)
		return -ERANGE;
	*ret_ns = now_ns - seconds * PSC_NSEC_PER_SEC;
	return 0;
}

int psc_time_parse_until(const char *text, uint64_t now_ns, uint64_t *ret_ns)
{
	uint64_t span, end;
	int r;

	r = psc_time_parse_span(text[0] == '+' ? text + 1 : text, &span);
	if (r == -EINVAL)
		return psc_time_parse(text, ret_ns);
	if (r < 0)
		return r;
	if (__builtin_add_overflow(now_ns, span, &end) || end / PSC_NSEC_PER_SEC >= SECONDS_MAX)
		return -ERANGE;
	*ret_ns = end;
	return 0;
}

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts = {};

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * PSC_NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t psc_time_now(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t psc_time_boot(void)
{
	return read_clock(CLOCK_BOOTTIME);
}
