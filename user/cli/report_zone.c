/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_zone.c - the time zone whose days count for the dates of a report; see report_verb.h. It is
 * the process's TZ, which nothing else in the command looks at.
 */
#include <errno.h>
#include <time.h>

#include "user/cli/report_verb.h"

#define ZONES "/usr/share/zoneinfo"

static bool is_name(const char *zone)
{
	return *zone && *zone != '/' && *zone != '.' && !strstr(zone, "..") &&
	       !zone[strspn(zone, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				  "_+-/.")];
}

/* The C library takes any name, and UTC for one that it does not know. */
int psc_report_zone_set(const char *zone)
{
	char path[256];

	if (strcmp(zone, "UTC") != 0) {
		if (!is_name(zone) ||
		    snprintf(path, sizeof(path), ZONES "/%s", zone) >= (int)sizeof(path))
			return -EINVAL;
		if (access(path, R_OK) < 0)
			return -errno;
	}
	if (setenv("TZ", strcmp(zone, "UTC") == 0 ? "UTC0" : zone, 1) < 0)
		return -errno;
	tzset();
	return 0;
}

int64_t psc_report_zone_offset(uint64_t at)
{
	time_t seconds = (time_t)(at / PSC_NSEC_PER_SEC);
	struct tm local;

	return localtime_r(&seconds, &local) ? (int64_t)local.tm_gmtoff : 0;
}
