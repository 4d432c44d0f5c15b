/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_image_manifest.c - which images a tarball holds: manifest.json of `docker save`, and
 * index.json of an OCI layout with the manifests and indexes that it names.
 */
#include <errno.h>

#include <jansson.h>

#include "user/core/util.h"
#include "user/core/json.h"
#include "user/identify/container_image_internal.h"

#define JSON_MAX   (4U << 20)
#define INDEX_MAX  3   /* indexes inside indexes */
#define NAMES_MAX  256 /* of one image */
#define DIGEST_MAX 256

static const char *const name_keys[] = {
	"io.containerd.image.name",
	"org.opencontainers.image.ref.name",
};

static void image_clear(struct psc_container_image *image)
{
	psc_strings_free(image->names);
	psc_strings_free(image->layer);
	free(image->config);
	*image = (struct psc_container_image){0};
}

void psc_container_images_clear(struct psc_container_images *images)
{
	for (size_t i = 0; i < images->count; i++)
		image_clear(&images->image[i]);
	free(images->image);
	*images = (struct psc_container_images){0};
}

/* Appends a copy to a NULL-terminated list of @count. */
static int append(char ***list, size_t count, const char *text)
{
	char **more = reallocarray(*list, count + 2, sizeof(**list));

	if (!more)
		return -ENOMEM;
	*list = more;
	more[count] = strdup(text);
	more[count + 1] = NULL;
	return more[count] ? 0 : -ENOMEM;
}

static size_t count_of(char **list)
{
	size_t count = 0;

	while (list && list[count])
		count++;
	return count;
}

static int add_name(struct psc_container_image *image, const char *name)
{
	size_t count = count_of(image->names);

	if (!name || !name[0])
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(image->names[i], name) == 0)
			return 0;
	}
	return count >= NAMES_MAX ? -E2BIG : append(&image->names, count, name);
}

static int add_layer(struct psc_container_image *image, const char *path)
{
	int r;

	if (image->layers >= PSC_CONTAINER_LAYERS_MAX)
		return -E2BIG;
	r = append(&image->layer, image->layers, path);
	if (r == 0)
		image->layers++;
	return r;
}

/* "blobs/sha256/HEX", "HEX.json" and "sha256:HEX" are one configuration: HEX. */
static int set_config(struct psc_container_image *image, const char *text)
{
	const char *start = text;

	for (const char *p = text; p && *p; p++) {
		if (*p == '/' || *p == ':')
			start = p + 1;
	}
	image->config = start ? strndup(start, strcspn(start, ".")) : strdup("");
	return image->config ? 0 : -ENOMEM;
}

/* Where a digest's content lies; -EBADMSG for what is no digest. */
static int blob_path(const json_t *descriptor, char **ret)
{
	const char *digest = json_string_value(json_object_get(descriptor, "digest"));
	const char *colon = digest ? strchr(digest, ':') : NULL;

	if (!colon || strlen(digest) > DIGEST_MAX || strchr(digest, '/'))
		return -EBADMSG;
	return asprintf(ret, "blobs/%.*s/%s", (int)(colon - digest), digest, colon + 1) < 0
		       ? -ENOMEM
		       : 0;
}

/* Takes @image over, also on failure. One that is known by its configuration lends its names. */
static int add_image(struct psc_container_images *images, struct psc_container_image *image)
{
	struct psc_container_image *more;
	int r = 0;

	for (size_t i = 0; i < images->count; i++) {
		struct psc_container_image *known = &images->image[i];

		if (!image->config[0] || strcmp(known->config, image->config) != 0 ||
		    known->layers != image->layers)
			continue;
		for (size_t j = 0; r == 0 && image->names && image->names[j]; j++)
			r = add_name(known, image->names[j]);
		image_clear(image);
		return r;
	}
	if (images->count >= PSC_CONTAINER_IMAGES_MAX) {
		image_clear(image);
		return -E2BIG;
	}
	more = reallocarray(images->image, images->count + 1, sizeof(*more));
	if (!more) {
		image_clear(image);
		return -ENOMEM;
	}
	images->image = more;
	more[images->count++] = *image;
	return 0;
}

/* ---- docker save ---------------------------------------------------------------------- */

static int read_docker_image(const json_t *from, struct psc_container_image *image)
{
	const json_t *layers = json_object_get(from, "Layers");
	const json_t *names = json_object_get(from, "RepoTags");
	json_t *value;
	size_t i;
	int r;

	if (!json_is_object(from) || !json_is_array(layers))
		return -EBADMSG;
	r = set_config(image, json_string_value(json_object_get(from, "Config")));
	json_array_foreach(names, i, value) {
		if (r == 0)
			r = add_name(image, json_string_value(value));
	}
	json_array_foreach(layers, i, value) {
		if (r == 0)
			r = json_is_string(value) ? add_layer(image, json_string_value(value))
						  : -EBADMSG;
	}
	return r;
}

static int read_docker(const struct psc_blob *blob, struct psc_container_images *images)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ json_t *root = NULL;
	json_t *list, *from;
	size_t i;
	int r, length;

	/* a list at the top: put into the object that the one guarded parser wants */
	length = asprintf(&text, "{\"images\":%.*s}", (int)blob->json_size, blob->json);
	if (length < 0)
		return -ENOMEM;
	r = psc_json_parse(text, length, JSON_MAX + 64, &root, NULL, NULL, 0);
	if (r < 0)
		return r == -ENOMEM ? r : -EBADMSG;
	list = json_object_get(root, "images");
	if (!json_is_array(list) || json_object_size(root) != 1)
		return -EBADMSG;
	json_array_foreach(list, i, from) {
		struct psc_container_image image = {0};

		r = read_docker_image(from, &image);
		if (r < 0) {
			image_clear(&image);
			return r;
		}
		r = add_image(images, &image);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- OCI ------------------------------------------------------------------------------ */

static int read_oci_image(const json_t *manifest, const json_t *descriptor,
			  struct psc_container_image *image)
{
	const json_t *notes = json_object_get(descriptor, "annotations");
	const json_t *config = json_object_get(manifest, "config");
	json_t *layer;
	size_t i;
	int r = set_config(image, json_string_value(json_object_get(config, "digest")));

	for (i = 0; i < ARRAY_SIZE(name_keys) && r == 0; i++) {
		r = add_name(image, json_string_value(json_object_get(notes, name_keys[i])));
		if (image->names)
			break; /* the other one is only a part of it */
	}
	json_array_foreach(json_object_get(manifest, "layers"), i, layer) {
		const char *type = json_string_value(json_object_get(layer, "mediaType"));
		_cleanup_free_ char *path = NULL;

		/* signatures and statements of origin are stored as layers, too */
		if (r < 0 || (type && !strstr(type, "tar")))
			continue;
		r = blob_path(layer, &path);
		if (r == 0)
			r = add_layer(image, path);
	}
	return r;
}

static int parse_blob(const struct psc_survey *survey, const char *path, json_t **ret)
{
	const struct psc_blob *blob = psc_survey_find(survey, path);
	int r;

	if (!blob || !blob->json)
		return -ENOENT;
	r = psc_json_parse(blob->json, blob->json_size, JSON_MAX, ret, NULL, NULL, 0);
	return r < 0 && r != -ENOMEM ? -EBADMSG : r;
}

static int read_index(const struct psc_survey *survey, const json_t *index, unsigned int depth,
		      unsigned int *seen, struct psc_container_images *images);

static int read_manifest(const struct psc_survey *survey, const json_t *descriptor,
			 unsigned int depth, unsigned int *seen,
			 struct psc_container_images *images)
{
	_cleanup_json_ json_t *manifest = NULL;
	_cleanup_free_ char *path = NULL;
	struct psc_container_image image = {0};
	int r;

	/* indexes may name each other: what is looked at in all is bounded */
	if (++*seen > 4 * PSC_CONTAINER_IMAGES_MAX)
		return -E2BIG;
	r = blob_path(descriptor, &path);
	if (r == 0)
		r = parse_blob(survey, path, &manifest);
	if (r == -ENOENT)
		return 0; /* of another platform: an index may name more than was saved */
	if (r < 0)
		return r;
	if (json_is_array(json_object_get(manifest, "manifests")))
		return depth < INDEX_MAX ? read_index(survey, manifest, depth + 1, seen, images)
					 : -E2BIG;
	r = read_oci_image(manifest, descriptor, &image);
	if (r < 0 || (image.layers == 0 && !image.names)) {
		image_clear(&image);
		return r;
	}
	return add_image(images, &image);
}

static int read_index(const struct psc_survey *survey, const json_t *index, unsigned int depth,
		      unsigned int *seen, struct psc_container_images *images)
{
	json_t *descriptor;
	size_t i;
	int r = 0;

	json_array_foreach(json_object_get(index, "manifests"), i, descriptor) {
		if (r == 0)
			r = read_manifest(survey, descriptor, depth, seen, images);
	}
	return r;
}

int psc_survey_images(const struct psc_survey *survey, struct psc_container_images *ret)
{
	_cleanup_(psc_container_images_clear) struct psc_container_images images = {0};
	_cleanup_json_ json_t *index = NULL;
	const struct psc_blob *docker = psc_survey_find(survey, "manifest.json");
	unsigned int seen = 0;
	int r = 0, oci;

	if (docker && docker->json)
		r = read_docker(docker, &images);
	if (r < 0)
		return r;
	oci = parse_blob(survey, "index.json", &index);
	if (oci == 0)
		oci = read_index(survey, index, 0, &seen, &images);
	if (oci == -ENOENT && !docker)
		return -ENOEXEC;
	if (oci < 0 && oci != -ENOENT)
		return oci;
	*ret = images;
	images = (struct psc_container_images){0};
	return 0;
}

int psc_container_images_read(int fd, struct psc_container_images *ret)
{
	static const struct psc_archive_limits limits = PSC_ARCHIVE_LIMITS_DEFAULT;
	_cleanup_(psc_survey_clear) struct psc_survey survey = {0};
	int r = psc_survey_read(fd, false, &limits, &survey);

	return r < 0 ? r : psc_survey_images(&survey, ret);
}
