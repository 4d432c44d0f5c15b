/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sightings.c - when each product was seen first on this host: a record once a product, and a file
 * that outlives the log. Neither is ever changed, because periods of law are counted from it. See
 * daemon.h.
 */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "user/core/json.h"
#include "user/core/paths.h"
#include "user/core/timefmt.h"
#include "user/daemon/daemon.h"

#define PRODUCTS_MAX 1000
#define FILE_MAX     (8U << 20)

/* Of the file only what the record needs; a member of another kind makes it another file. */
static bool is_sighting(const json_t *one)
{
	uint64_t at;
	const char *time = json_string_value(json_object_get(one, "first_seen"));

	return time && psc_time_parse(time, &at) >= 0 &&
	       json_is_string(json_object_get(one, "how")) &&
	       json_is_integer(json_object_get(one, "sequence"));
}

/* -EBADMSG: it is not what we wrote. */
static int parse(const char *data, size_t size, json_t **ret)
{
	_cleanup_json_ json_t *root = NULL;
	json_t *products, *one;
	const char *name;
	int r = psc_json_parse(data, size, FILE_MAX, &root, NULL, NULL, 0);

	if (r < 0)
		return r;
	products = json_object_get(root, "products");
	if (!json_is_object(products) || json_object_size(products) > PRODUCTS_MAX)
		return -EBADMSG;
	json_object_foreach(products, name, one) {
		if (!is_sighting(one))
			return -EBADMSG;
	}
	*ret = json_incref(products);
	return 0;
}

static int load(json_t **ret)
{
	_cleanup_close_ int fd = open(PSC_PATH_SIGHTINGS, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_free_ char *data = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return -EBADMSG;
	data = malloc((size_t)st.st_size + 1);
	if (!data)
		return -ENOMEM;
	n = pread(fd, data, (size_t)st.st_size, 0);
	if (n != st.st_size)
		return n < 0 ? -errno : -EIO;
	return parse(data, (size_t)n, ret);
}

void psc_sightings_open(struct psc_daemon *daemon)
{
	int r = load(&daemon->sightings);

	if (r >= 0)
		return;
	daemon->sightings = json_object();
	if (r == -ENOENT)
		return;
	psc_say(PSC_PATH_SIGHTINGS " cannot be read (%s): kept as " PSC_PATH_SIGHTINGS
				   ".damaged, products count as new",
		strerror(-r));
	rename(PSC_PATH_SIGHTINGS, PSC_PATH_SIGHTINGS ".damaged");
}

static int save(const struct psc_daemon *daemon)
{
	_cleanup_(psc_durable_end) struct psc_durable file = PSC_DURABLE_NONE;
	_cleanup_json_ json_t *root =
		json_pack("{s:i, s:O}", "schema", 1, "products", daemon->sightings);
	_cleanup_free_ char *text = root ? json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
	int r;

	if (!text)
		return -ENOMEM;
	r = psc_durable_directory(PSC_DIR_STATE, PSC_DIR_STATE_MODE);
	if (r >= 0)
		r = psc_durable_begin(AT_FDCWD, PSC_PATH_SIGHTINGS, &file);
	if (r >= 0)
		r = psc_durable_write(&file, text, strlen(text));
	if (r >= 0)
		r = psc_durable_replace(&file);
	return r < 0 ? r : psc_durable_settle(&file);
}

static void keep(const struct psc_daemon *daemon)
{
	int r = save(daemon);

	/* the record is in the log, and comes twice at worst */
	if (r < 0)
		psc_say(PSC_PATH_SIGHTINGS " cannot be written: %s", strerror(-r));
}

/* A record of what is kept as @one. */
static int write_record(struct psc_daemon *daemon, const char *product, const json_t *one,
			bool again)
{
	static const char *const members[] = {"first_seen", "how", "path", "sha256"};
	_cleanup_json_ json_t *record = NULL;
	int r = psc_journal_record(daemon, "first_seen", &record);

	if (r < 0)
		return r;
	psc_record_message(record, "%s was seen first on this host at %s%s", product,
			   json_string_value(json_object_get(one, "first_seen")),
			   again ? "; said again, the older record is given up" : "");
	psc_record_set(record, "product", json_string(product));
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		json_t *value = json_object_get(one, members[i]);

		if (value)
			psc_record_set(record, members[i], json_incref(value));
	}
	psc_record_set(record, "again", json_boolean(again));
	return psc_journal_append(daemon, record);
}

/* By the catalog's name, if it has one: lists add roles to it. Escaped. */
static json_t *name_of(const struct psc_daemon *daemon, const char *text)
{
	enum psc_role role;
	const struct psc_product *known =
		psc_catalog_find(&daemon->policy.set.catalog, text, &role);

	return psc_json_safe(known ? known->id : text);
}

int psc_sightings_see(struct psc_daemon *daemon, const struct psc_sighting *sighting)
{
	_cleanup_json_ json_t *name = NULL, *one = NULL;
	char at[PSC_TIME_TEXT_MAX];
	int r;

	if (!sighting->product || !*sighting->product)
		return 0;
	name = name_of(daemon, sighting->product);
	if (!name || json_object_get(daemon->sightings, json_string_value(name)) ||
	    json_object_size(daemon->sightings) >= PRODUCTS_MAX)
		return 0;
	one = json_pack("{s:s, s:s}", "first_seen", psc_time_format_seconds(sighting->at, at),
			"how", sighting->how);
	if (!one)
		return -ENOMEM;
	if (sighting->path)
		json_object_set_new(one, "path", psc_json_safe(sighting->path));
	if (sighting->digest)
		json_object_set_new(one, "sha256", json_string(sighting->digest));
	r = write_record(daemon, json_string_value(name), one, false);
	if (r < 0)
		return r;
	json_object_set_new(one, "sequence", json_integer((json_int_t)daemon->chain_end.sequence));
	if (json_object_set(daemon->sightings, json_string_value(name), one) < 0)
		return 0;
	keep(daemon);
	return 0;
}

void psc_sightings_repeat(struct psc_daemon *daemon, uint64_t next_sequence)
{
	const char *name;
	json_t *one;
	bool any = false;

	json_object_foreach(daemon->sightings, name, one) {
		json_int_t sequence = json_integer_value(json_object_get(one, "sequence"));

		if ((uint64_t)sequence >= next_sequence ||
		    write_record(daemon, name, one, true) < 0)
			continue;
		json_object_set_new(one, "sequence",
				    json_integer((json_int_t)daemon->chain_end.sequence));
		any = true;
	}
	if (any)
		keep(daemon);
}
