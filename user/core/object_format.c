/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object_format.c - an object as the text of its file, see object.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/object.h"
#include "user/core/timefmt.h"

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static bool is_plain(const char *text)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	if (!text[0] || !strchr(letters, text[0]))
		return false;
	for (; *text; text++) {
		if (!strchr(letters, *text) && !strchr("._/-", *text))
			return false;
	}
	return true;
}

/* What is printable, but a break or a mark to some readers of YAML. */
static const struct {
	const char *bytes;
	const char *escape;
} awkward[] = {
	{"\xe2\x80\xa8", "\\u2028"},
	{"\xe2\x80\xa9", "\\u2029"},
	{"\xef\xbb\xbf", "\\ufeff"},
};

/* Puts such a character and returns its length, 0 when @text begins with another. */
static size_t put_awkward(FILE *out, const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(awkward); i++) {
		size_t length = strlen(awkward[i].bytes);

		if (strncmp(text, awkward[i].bytes, length) == 0) {
			fputs(awkward[i].escape, out);
			return length;
		}
	}
	return 0;
}

/*
 * In quotes when it has more than the plainest characters. What a value may not hold is
 * spelled out, for the parser to refuse; a line feed would else become a blank.
 */
static void put_value(FILE *out, const char *text)
{
	if (is_plain(text)) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	while (*text) {
		size_t length = put_awkward(out, text);
		unsigned char c = *text;

		text += length ? length : 1;
		if (length)
			continue;
		if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\x%02x", c);
		else if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void put_text(FILE *out, const char *key, const char *text)
{
	if (!text || !*text)
		return;
	fprintf(out, "%s: ", key);
	put_value(out, text);
	fputc('\n', out);
}

static void put_time(FILE *out, const char *key, uint64_t ns)
{
	char text[PSC_TIME_TEXT_MAX];
	unsigned int fraction = (unsigned int)(ns % PSC_NSEC_PER_SEC);

	psc_time_format_seconds(ns, text);
	if (fraction)
		fprintf(out, "%s: %.*s.%09uZ\n", key, (int)strlen(text) - 1, text, fraction);
	else
		fprintf(out, "%s: %s\n", key, text);
}

static void put_names(FILE *out, const char *key, char *const *names)
{
	if (!names || !*names)
		return;
	fprintf(out, "%s:\n", key);
	for (; *names; names++) {
		fputs("  - ", out);
		put_value(out, *names);
		fputc('\n', out);
	}
}

static void put_object(FILE *out, const struct psc_object *object)
{
	fprintf(out, "%s: ", psc_object_kind_to_string(object->kind));
	put_value(out, or_empty(object->id));
	fputc('\n', out);
	if (object->kind == PSC_OBJECT_ATTESTATION) {
		put_text(out, "fact", object->subject);
		put_text(out, "value", object->value ? "yes" : "no");
	}
	put_names(out, "products", object->products);
	put_names(out, "profiles", object->profiles);
	put_names(out, "digests", object->digests);
	put_text(out, "reason", object->reason);
	put_text(out, "by", object->by);
	put_text(out, "document", object->document);
	/* A window cannot do without, even one of 1970. */
	if (object->from != PSC_TIME_ALWAYS || object->kind == PSC_OBJECT_WINDOW)
		put_time(out, "from", object->from);
	if (object->until != PSC_TIME_NEVER)
		put_time(out, "until", object->until);
}

int psc_object_format(const struct psc_object *object, char **ret)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool failed;

	if (!out)
		return -ENOMEM;
	put_object(out, object);
	failed = ferror(out) != 0;
	if (fclose(out) != 0 || failed) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	return 0;
}
