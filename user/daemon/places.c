/* SPDX-License-Identifier: Apache-2.0 */
/* places.c - has the listed places of the policy in force marked; see daemon.h. */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "user/core/escape.h"
#include "user/core/json.h"
#include "user/daemon/daemon.h"
#include "user/daemon/marks.h"

/* Opening a device may do something, and opening a FIFO wait: only what can hold files is. */
static int open_place(const char *path)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	char self[32];
	struct stat st;
	int real;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return -ENOTDIR;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	real = open(self, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return real < 0 ? -errno : real;
}

/*
 * The policy was judged by what its places were then. One that appears later, or leads elsewhere
 * now, may hold what the host needs.
 */
static int judge_place(struct psc_daemon *daemon, const struct psc_place *place, int fd)
{
	struct psc_error error = {};
	struct stat st, again;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (daemon->place_seen[place->number].device == st.st_dev &&
	    daemon->place_seen[place->number].inode == st.st_ino)
		return 0;
	r = psc_interlock_check_place(place->path, &error);
	if (r < 0)
		return r;
	/* it was judged by its path: that must be this directory still */
	if (stat(place->path, &again) < 0 || again.st_dev != st.st_dev || again.st_ino != st.st_ino)
		return -ESTALE;
	daemon->place_seen[place->number].device = st.st_dev;
	daemon->place_seen[place->number].inode = st.st_ino;
	return 0;
}

static int mark_place(struct psc_daemon *daemon, const struct psc_place *place)
{
	_cleanup_close_ int fd = open_place(place->path);
	int r = fd < 0 ? fd : judge_place(daemon, place, fd);

	return r < 0 ? r : psc_marks_set(daemon->guard, place->number, fd);
}

void psc_places_record(struct psc_daemon *daemon, const struct psc_place *place, int r)
{
	const char *kind = place->site ? "listed" : "found";
	json_t *record;

	if (psc_journal_record(daemon, "place", &record) < 0)
		return;
	if (r < 0)
		psc_record_message(record, "the %s place %s is not marked: %s", kind, place->path,
				   r == -EPERM ? "it holds what the host needs" : strerror(-r));
	else
		psc_record_message(record, "the %s place %s is marked", kind, place->path);
	if (r < 0)
		psc_record_failed(record);
	psc_record_set_string(record, "path", place->path);
	psc_record_set_string(record, "product", place->product);
	psc_record_set(record, "marked", json_boolean(!r));
	psc_journal_write(daemon, record);
}

/* Once for each change. A place that is not there yet, or not any more, is no fault. */
static void note_place(struct psc_daemon *daemon, const struct psc_place *place, int r)
{
	int *known = &daemon->place_error[place->number];
	_cleanup_free_ char *path = NULL;

	if (*known == r + 1)
		return;
	if (r < 0) {
		path = psc_escape_string(place->path);
		psc_say("the %s place %s is not marked: %s", place->site ? "listed" : "found",
			path ?: "?", r == -EPERM ? "it holds what the host needs" : strerror(-r));
	}
	*known = r + 1;
	psc_places_record(daemon, place, r);
}

void psc_places_mark(struct psc_daemon *daemon)
{
	const struct psc_image *image = daemon->policy.image;
	bool listed[PSC_PLACES_MAX] = {false};

	if (!image->place_count && !daemon->places_listed)
		return;
	for (size_t i = 0; i < image->place_count; i++) {
		const struct psc_place *place = &image->places[i];

		listed[place->number] = true;
		note_place(daemon, place, mark_place(daemon, place));
	}
	for (uint32_t number = 0; number < PSC_PLACES_MAX; number++) {
		if (!listed[number]) {
			daemon->place_error[number] = 0;
			daemon->place_seen[number].inode = 0;
		}
	}
	psc_marks_sweep(daemon->guard, 0, PSC_PLACES_MAX, listed);
	daemon->places_listed = image->place_count;
}

json_t *psc_places_json(const struct psc_daemon *daemon)
{
	const struct psc_image *image = daemon->policy.image;
	json_t *array = json_array();
	struct psc_counters counters = {};
	size_t marks = 0;

	for (size_t i = 0; i < image->place_count; i++) {
		const struct psc_place *place = &image->places[i];
		bool marked = daemon->place_error[place->number] == 1;

		json_array_append_new(
			array,
			json_pack("{s:o, s:o?, s:b}", "path", psc_json_safe(place->path), "product",
				  place->product ? psc_json_safe(place->product) : NULL, "marked",
				  marked));
	}
	psc_marks_count(daemon->guard, &marks, NULL);
	psc_guard_counters(daemon->guard, &counters);
	return json_pack("{s:o, s:I, s:i, s:I}", "listed", array, "marks", (json_int_t)marks,
			 "marks_max", PSC_MARKS_MAX, "marks_full", (json_int_t)counters.marks_full);
}
