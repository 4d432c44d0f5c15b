/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_edit.c - see config_edit.h.
 */
#include <errno.h>

#include "user/core/config_edit.h"
#include "user/core/names.h"
#include "user/core/yaml.h"

/* A text that is put together; the first failure sticks. */
struct text {
	char *data;
	size_t size;
};

static int append(struct text *text, const char *data, size_t size)
{
	char *grown = realloc(text->data, text->size + size + 1);

	if (!grown)
		return -ENOMEM;
	memcpy(grown + text->size, data, size);
	text->data = grown;
	text->size += size;
	grown[text->size] = '\0';
	return 0;
}

static void text_clear(struct text *text)
{
	free(text->data);
}

/* Where the line begins; lines are counted from 1. The end, if there are not so many. */
static size_t line_at(const char *data, size_t size, unsigned int line)
{
	const char *p = data, *end = data + size;

	while (line > 1 && p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		if (!newline)
			return size;
		p = newline + 1;
		line--;
	}
	return (size_t)(p - data);
}

/*
 * The value's place in the text. A column counts letters, so the value is looked for in its line
 * from there on: before it stand at most a key and blanks.
 */
static int find_value(const char *data, size_t size, const struct psc_yaml_node *value,
		      size_t *ret_at, size_t *ret_size)
{
	size_t at = line_at(data, size, value->line) + (value->column ? value->column - 1 : 0);
	size_t length = strlen(value->text);

	if (at < size && (data[at] == '"' || data[at] == '\''))
		at++;
	if (at > size || length > size - at || memcmp(data + at, value->text, length) != 0)
		return -EINVAL;
	*ret_at = at;
	*ret_size = length;
	return 0;
}

static int replace_value(const char *data, size_t size, const struct psc_yaml_node *value,
			 const char *word, struct text *text)
{
	size_t at, length;
	int r = find_value(data, size, value, &at, &length);

	if (r >= 0)
		r = append(text, data, at);
	if (r >= 0)
		r = append(text, word, strlen(word));
	return r < 0 ? r : append(text, data + at + length, size - at - length);
}

static int add_key(const char *data, size_t size, const char *word, struct text *text)
{
	int r = append(text, data, size);

	if (r >= 0 && size && data[size - 1] != '\n')
		r = append(text, "\n", 1);
	if (r >= 0)
		r = append(text, "mode: ", 6);
	if (r >= 0)
		r = append(text, word, strlen(word));
	return r < 0 ? r : append(text, "\n", 1);
}

static int edit(const char *data, size_t size, const char *path, enum psc_mode mode,
		struct text *text, struct psc_error *reterr)
{
	_cleanup_(psc_yaml_freep) struct psc_yaml *yaml = NULL;
	const struct psc_yaml_node *value = NULL;
	int r = psc_yaml_parse(data, size, path, &yaml, reterr);

	if (r < 0)
		return r;
	if (psc_yaml_root(yaml))
		value = psc_yaml_get(psc_yaml_root(yaml), "mode");
	if (value)
		return replace_value(data, size, value, psc_mode_to_string(mode), text);
	return add_key(data, size, psc_mode_to_string(mode), text);
}

/* Whatever was done to the text, it has to be understood, and to say that mode. */
static int verify(const struct text *text, const char *path, enum psc_mode mode)
{
	_cleanup_(psc_config_freep) struct psc_config *config = NULL;
	struct psc_error ignored = {0};
	int r = psc_config_parse(text->data, text->size, path, &config, &ignored);

	if (r < 0)
		return r;
	return config->mode == mode ? 0 : -EINVAL;
}

int psc_config_edit_mode(const char *data, size_t size, const char *path, enum psc_mode mode,
			 char **ret, size_t *ret_size, struct psc_error *reterr)
{
	_cleanup_(psc_config_freep) struct psc_config *before = NULL;
	_cleanup_(text_clear) struct text text = {0};
	int r = psc_config_parse(data, size, path, &before, reterr);

	if (r < 0)
		return r;
	r = edit(data, size, path, mode, &text, reterr);
	if (r >= 0)
		r = verify(&text, path, mode);
	if (r < 0) {
		*reterr = (struct psc_error){0};
		psc_error_set(reterr, path, 0, 0,
			      r == -ENOMEM ? "out of memory"
					   : "cannot tell where its `mode` stands: write it there "
					     "by hand, as `mode: %s`",
			      psc_mode_to_string(mode));
		return r;
	}
	*ret = TAKE_PTR(text.data);
	*ret_size = text.size;
	return 0;
}
