/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_names.c - see image_names.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/image_names.h"
#include "user/core/json.h"

static json_t *subject_json(const struct psc_image_subject *subject)
{
	return json_pack("[s, i, b, I]", subject->product, (int)subject->role, subject->site,
			 (json_int_t)subject->digests);
}

static json_t *reason_json(const struct psc_image_reason *reason)
{
	return json_pack("[s, s, s, s, i, i, i]", reason->profile, reason->rule, reason->clause,
			 reason->object, reason->basis, reason->status, reason->action);
}

static json_t *place_json(const struct psc_place *place)
{
	return json_pack("[i, b, s, s?]", (int)place->number, place->site, place->path,
			 place->product);
}

static int append(json_t *array, json_t *value)
{
	return json_array_append_new(array, value) < 0 ? -ENOMEM : 0;
}

static json_t *ruling_json(const struct psc_image_ruling *ruling)
{
	_cleanup_json_ json_t *array = json_array();

	for (size_t i = 0; array && i < ruling->count; i++) {
		if (append(array, reason_json(&ruling->reason[i])) < 0)
			return NULL;
	}
	return TAKE_PTR(array);
}

int psc_image_names_format(const struct psc_image *image, char **ret, size_t *ret_size)
{
	_cleanup_json_ json_t *subjects = json_array();
	_cleanup_json_ json_t *rulings = json_array();
	_cleanup_json_ json_t *places = json_array();
	_cleanup_json_ json_t *root = NULL;
	char *text;

	if (!subjects || !rulings || !places)
		return -ENOMEM;
	for (uint32_t i = 0; i < image->table.subject_count; i++) {
		if (append(subjects, subject_json(&image->subjects[i])) < 0)
			return -ENOMEM;
	}
	for (size_t i = 1; i < image->ruling_count; i++) {
		if (append(rulings, ruling_json(&image->rulings[i])) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < image->place_count; i++) {
		if (append(places, place_json(&image->places[i])) < 0)
			return -ENOMEM;
	}
	root = json_pack("{s:O, s:O, s:O, s:I, s:I, s:I}", "subjects", subjects, "rulings", rulings,
			 "places", places, "listed", (json_int_t)image->listed, "without_size",
			 (json_int_t)image->without_size, "needs_userspace",
			 (json_int_t)image->needs_userspace);
	text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	if (!text)
		return -ENOMEM;
	*ret = text;
	*ret_size = strlen(text);
	return 0;
}

/* A number of at most @max, or -EBADMSG. */
static int take_number(const json_t *value, json_int_t max, json_int_t *ret)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > max)
		return -EBADMSG;
	*ret = json_integer_value(value);
	return 0;
}

static int take_string(const json_t *value, char **ret)
{
	if (!json_is_string(value))
		return -EBADMSG;
	*ret = strdup(json_string_value(value));
	return *ret ? 0 : -ENOMEM;
}

static int parse_subject(const json_t *json, struct psc_image_subject *ret)
{
	json_int_t role, digests;
	int r;

	if (json_array_size(json) != 4 || !json_is_boolean(json_array_get(json, 2)))
		return -EBADMSG;
	r = take_number(json_array_get(json, 1), PSC_ROLE_MAX - 1, &role);
	if (r >= 0)
		r = take_number(json_array_get(json, 3), PSC_DIGESTS_MAX, &digests);
	if (r < 0)
		return r;
	ret->role = role;
	ret->digests = digests;
	ret->site = json_is_true(json_array_get(json, 2));
	return take_string(json_array_get(json, 0), &ret->product);
}

static int parse_reason(const json_t *json, struct psc_image_reason *ret)
{
	json_int_t basis, status, action;
	int r;

	if (json_array_size(json) != 7)
		return -EBADMSG;
	r = take_number(json_array_get(json, 4), PSC_BASIS_MAX - 1, &basis);
	if (r >= 0)
		r = take_number(json_array_get(json, 5), PSC_STATUS_MAX - 1, &status);
	if (r >= 0)
		r = take_number(json_array_get(json, 6), PSC_ACTION_MAX - 1, &action);
	if (r < 0)
		return r;
	ret->basis = basis;
	ret->status = status;
	ret->action = action;
	r = take_string(json_array_get(json, 0), &ret->profile);
	if (r >= 0)
		r = take_string(json_array_get(json, 1), &ret->rule);
	if (r >= 0)
		r = take_string(json_array_get(json, 2), &ret->clause);
	return r < 0 ? r : take_string(json_array_get(json, 3), &ret->object);
}

static int parse_ruling(const json_t *json, struct psc_image_ruling *ret)
{
	size_t count = json_array_size(json);
	int r = 0;

	if (!count)
		return -EBADMSG;
	ret->reason = calloc(count, sizeof(*ret->reason));
	if (!ret->reason)
		return -ENOMEM;
	ret->count = count;
	for (size_t i = 0; i < count && r >= 0; i++)
		r = parse_reason(json_array_get(json, i), &ret->reason[i]);
	return r;
}

static int parse_place(const struct psc_table *table, const json_t *json, struct psc_place *ret)
{
	const json_t *product = json_array_get(json, 3);
	json_int_t number;
	int r;

	if (json_array_size(json) != 4 || !json_is_boolean(json_array_get(json, 1)))
		return -EBADMSG;
	r = take_number(json_array_get(json, 0), PSC_PLACES_MAX - 1, &number);
	if (r < 0)
		return r;
	if (table->place_subject[number] == PSC_SUBJECT_NONE)
		return -EBADMSG;
	ret->number = number;
	ret->site = json_is_true(json_array_get(json, 1));
	r = take_string(json_array_get(json, 2), &ret->path);
	if (r >= 0 && !json_is_null(product))
		r = take_string(product, &ret->product);
	if (r >= 0 && ret->path[0] != '/')
		r = -EBADMSG;
	return r;
}

static int parse_places(struct psc_image *image, const json_t *json)
{
	size_t count = json_array_size(json);
	int r = 0;

	if (count > PSC_PLACES_MAX || !json_is_array(json))
		return -EBADMSG;
	if (!count)
		return 0;
	image->places = calloc(count, sizeof(*image->places));
	if (!image->places)
		return -ENOMEM;
	image->place_count = count;
	for (size_t i = 0; i < count && r >= 0; i++)
		r = parse_place(&image->table, json_array_get(json, i), &image->places[i]);
	return r;
}

static int parse_subjects(struct psc_image *image, const json_t *json)
{
	int r = 0;

	if (json_array_size(json) != image->table.subject_count)
		return -EBADMSG;
	for (uint32_t i = 0; i < image->table.subject_count && r >= 0; i++)
		r = parse_subject(json_array_get(json, i), &image->subjects[i]);
	return r;
}

static int parse_rulings(struct psc_image *image, const json_t *json)
{
	size_t count = json_array_size(json);
	int r = 0;

	if (count > UINT16_MAX || !json_is_array(json))
		return -EBADMSG;
	image->rulings = calloc(count + 1, sizeof(*image->rulings));
	if (!image->rulings)
		return -ENOMEM;
	image->ruling_count = count + 1;
	for (size_t i = 0; i < count && r >= 0; i++)
		r = parse_ruling(json_array_get(json, i), &image->rulings[i + 1]);
	return r;
}

static int parse_counts(struct psc_image *image, const json_t *root)
{
	json_int_t listed, without, userspace;
	int r;

	r = take_number(json_object_get(root, "listed"), PSC_DIGESTS_MAX, &listed);
	if (r >= 0)
		r = take_number(json_object_get(root, "without_size"), PSC_DIGESTS_MAX, &without);
	if (r >= 0)
		r = take_number(json_object_get(root, "needs_userspace"), PSC_DIGESTS_MAX,
				&userspace);
	if (r < 0)
		return r;
	image->listed = listed;
	image->without_size = without;
	image->needs_userspace = userspace;
	return 0;
}

int psc_image_names_parse(struct psc_image *image, const char *data, size_t size, const char *path,
			  struct psc_error *reterr)
{
	_cleanup_json_ json_t *root = NULL;
	char reason[160] = "names out of range";
	int r;

	r = psc_json_parse(data, size, PSC_IMAGE_NAMES_MAX, &root, NULL, reason, sizeof(reason));
	if (r >= 0)
		r = parse_subjects(image, json_object_get(root, "subjects"));
	if (r >= 0)
		r = parse_rulings(image, json_object_get(root, "rulings"));
	if (r >= 0)
		r = parse_places(image, json_object_get(root, "places"));
	if (r >= 0)
		r = parse_counts(image, root);
	if (r == -ENOMEM || r >= 0)
		return r;
	psc_error_set(reterr, path, 0, 0, "its names: %s", reason);
	return -EBADMSG;
}
