/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timefmt.h - time as text. All times are ns since 1970-01-01T00:00:00Z, without leap
 * seconds. Anybody in user/ may call.
 */
#pragma once

#include "user/core/util.h"

#define PSC_NSEC_PER_SEC  1000000000ULL
#define PSC_TIME_TEXT_MAX 40

/* "2026-01-02T03:04:05.123456Z" (precision µs, cut off, not rounded); @buffer of PSC_TIME_TEXT_MAX. */
const char *psc_time_format(uint64_t ns, char *buffer);

/* "2026-01-02T03:04:05Z"; @buffer of PSC_TIME_TEXT_MAX. */
const char *psc_time_format_seconds(uint64_t ns, char *buffer);

/* "20260102T030405Z", as in file names; @buffer of PSC_TIME_TEXT_MAX. */
const char *psc_time_format_compact(uint64_t ns, char *buffer);

/*
 * RFC 3339: date, "T" or space, time, optional fraction (digits beyond ns are ignored),
 * "Z" or offset; also a date alone (midnight UTC). -EINVAL for anything else and for
 * days that do not exist, -ERANGE before 1970 or after 2261. A leap second counts as the
 * second before it.
 */
int psc_time_parse(const char *text, uint64_t *ret_ns);

/* The reverse of psc_time_format_compact(). -EINVAL, -ERANGE. */
int psc_time_parse_compact(const char *text, size_t size, uint64_t *ret_ns);

/*
 * A point in the past: RFC 3339 as above, or a span before @now_ns: digits and one of
 * s, m, h, d, w ("90s", "30m", "2d"). -EINVAL, -ERANGE.
 */
int psc_time_parse_since(const char *text, uint64_t now_ns, uint64_t *ret_ns);

/* A span in ns: digits and one of s, m, h, d, w. -EINVAL, -ERANGE above 2^64 ns. */
int psc_time_parse_span(const char *text, uint64_t *ret_ns);

/*
 * A point in the future: RFC 3339 as above, or a span from @now_ns on, with or without a
 * plus ("+30d", "12h"). -EINVAL, -ERANGE after 2261.
 */
int psc_time_parse_until(const char *text, uint64_t now_ns, uint64_t *ret_ns);

/* CLOCK_REALTIME and CLOCK_BOOTTIME in ns. */
uint64_t psc_time_now(void);
uint64_t psc_time_boot(void);
