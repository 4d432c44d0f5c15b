/* SPDX-License-Identifier: Apache-2.0 */
/*
 * places.c - files that speak of more than themselves, known by their place below a root:
 * package databases, units, accounts. They are met by the walk (or in an archive) like any
 * other file, so every root on the host and in an image has its own. Only for user/scan.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/scan/dpkg.h"
#include "user/scan/internal.h"
#include "user/scan/owner.h"
#include "user/scan/unit.h"

static const struct {
	const char *directory;
	enum psc_place place;
} places[] = {
	{"/etc", PSC_PLACE_ETC},
	{"/var/lib/dpkg", PSC_PLACE_DPKG},
	{"/var/lib/dpkg/status.d", PSC_PLACE_DPKG_STATUS_D},
	{"/var/lib/rpm", PSC_PLACE_RPM},
	{"/usr/lib/sysimage/rpm", PSC_PLACE_RPM},
	{"/etc/systemd/system", PSC_PLACE_UNITS},
	{"/etc/systemd/user", PSC_PLACE_UNITS},
	{"/run/systemd/system", PSC_PLACE_UNITS},
	{"/run/systemd/transient", PSC_PLACE_UNITS},
	{"/usr/lib/systemd/system", PSC_PLACE_UNITS},
	{"/usr/lib/systemd/user", PSC_PLACE_UNITS},
	{"/usr/local/lib/systemd/system", PSC_PLACE_UNITS},
	{"/lib/systemd/system", PSC_PLACE_UNITS},
	{"/etc/init.d", PSC_PLACE_INIT},
	{"/etc/rc.d/init.d", PSC_PLACE_INIT},
};

enum psc_place psc_place_of(const char *directory, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (strlen(places[i].directory) == length &&
		    memcmp(places[i].directory, directory, length) == 0)
			return places[i].place;
	}
	return PSC_PLACE_NONE;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length > tail && strcmp(text + length - tail, end) == 0;
}

/* ---- what a reader hands over -------------------------------------------------------- */

struct reading {
	struct psc_worker *worker;
	const struct psc_subject *subject;
	enum psc_thing thing;
};

static int add(struct psc_facts *facts, enum psc_fact_kind kind, const char *value)
{
	return *value ? psc_facts_add(facts, kind, 0, value, strlen(value)) : 0;
}

static int judge(const struct reading *reading, const char *detail, const struct psc_facts *facts)
{
	struct psc_subject subject = *reading->subject;

	subject.thing = reading->thing;
	subject.detail = detail;
	return psc_scan_judge(reading->worker->scan, &subject, facts, NULL, 0, NULL);
}

static int package_one(const struct psc_dpkg_package *package, void *data)
{
	struct reading *reading = data;
	struct psc_facts *facts = &reading->worker->facts;
	char detail[512];
	int r;

	PSC_COUNT(reading->worker->scan, packages, 1);
	psc_facts_clear(facts);
	r = psc_dpkg_package_facts(package, facts);
	if (r < 0)
		return r;
	snprintf(detail, sizeof(detail), "%s %s%s", package->name, package->version,
		 package->is_installed ? "" : " (removed, configuration left)");
	return judge(reading, detail, facts);
}

static int account_one(const char *name, void *data)
{
	struct reading *reading = data;
	struct psc_facts *facts = &reading->worker->facts;
	int r;

	PSC_COUNT(reading->worker->scan, accounts, 1);
	psc_facts_clear(facts);
	r = add(facts, reading->thing == PSC_THING_USER ? PSC_FACT_USER : PSC_FACT_GROUP, name);
	return r < 0 ? r : judge(reading, name, facts);
}

/* ---- one kind of file after the other ------------------------------------------------ */

static int report(const struct reading *reading, int error, unsigned int line, const char *what)
{
	char reason[160];

	if (error >= 0 || error == -ENOMEM)
		return error;
	if (error == -EBADMSG && line)
		snprintf(reason, sizeof(reason),
			 "%s: line %u is damaged, nothing behind it was read", what, line);
	else
		snprintf(reason, sizeof(reason), "%s: %s", what,
			 error == -EBADMSG ? "damaged" : strerrordesc_np(-error));
	psc_scan_gap(reading->worker->scan, false, reason, reading->subject->path,
		     reading->subject->label);
	return 0;
}

static int read_dpkg(struct reading *reading, int fd)
{
	unsigned int line = 0;
	int r;

	reading->thing = PSC_THING_PACKAGE;
	PSC_COUNT(reading->worker->scan, databases, 1);
	r = psc_dpkg_read_status(fd, package_one, reading, &line);
	return report(reading, r, line, "package database");
}

static int read_accounts(struct reading *reading, int fd, enum psc_thing thing)
{
	reading->thing = thing;
	return report(reading, psc_accounts_read(fd, account_one, reading), 0, "accounts");
}

static int read_unit(struct reading *reading, int fd, const char *name, bool is_unit)
{
	struct psc_facts *facts = &reading->worker->facts;
	int r;

	reading->thing = PSC_THING_UNIT;
	PSC_COUNT(reading->worker->scan, units, 1);
	psc_facts_clear(facts);
	r = add(facts, PSC_FACT_UNIT, name);
	if (r >= 0 && is_unit)
		r = report(reading, psc_unit_read(fd, facts), 0, "unit");
	return r < 0 ? r : judge(reading, name, facts);
}

int psc_place_read(struct psc_worker *worker, int fd, const struct psc_subject *subject,
		   enum psc_place place, const char *name)
{
	struct reading reading = {.worker = worker, .subject = subject};

	switch (place) {
	case PSC_PLACE_DPKG:
		return strcmp(name, "status") == 0 ? read_dpkg(&reading, fd) : 0;
	case PSC_PLACE_DPKG_STATUS_D:
		return ends_with(name, ".md5sums") ? 0 : read_dpkg(&reading, fd);
	case PSC_PLACE_ETC:
		if (strcmp(name, "passwd") == 0)
			return read_accounts(&reading, fd, PSC_THING_USER);
		if (strcmp(name, "group") == 0)
			return read_accounts(&reading, fd, PSC_THING_GROUP);
		return 0;
	case PSC_PLACE_UNITS:
		if (ends_with(name, ".service") || ends_with(name, ".socket") ||
		    ends_with(name, ".timer") || ends_with(name, ".path"))
			return read_unit(&reading, fd, name, true);
		return 0;
	case PSC_PLACE_INIT:
		return read_unit(&reading, fd, name, false);
	case PSC_PLACE_RPM:
		return psc_rpmdb_is(name) ? psc_rpmdb_read(worker, fd, subject, name) : 0;
	default:
		return 0;
	}
}
