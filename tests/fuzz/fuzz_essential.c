/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_essential.c - the words of configuration files and the first lines of scripts. The first
 * byte selects which; words are never empty and lie in the text.
 */
#include <errno.h>
#include <stdbool.h>

#include "user/core/util.h"
#include "user/identify/essential_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
	char *data;
	size_t size;
};

static bool is_within(const struct text *text, const char *word)
{
	return word >= text->data && word + strlen(word) <= text->data + text->size;
}

static int take(const char *word, void *data)
{
	if (!*word || !is_within(data, word) || strchr(word, '\n'))
		abort();
	return 0;
}

static void read_script(const struct text *text)
{
	struct psc_script script = {0};
	int r = psc_script_read(text->data, text->size, &script);

	if (r < 0) {
		if (r != -ENOEXEC || script.interpreter)
			abort();
		return;
	}
	take(script.interpreter, (void *)text);
	if (script.program)
		take(script.program, (void *)text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *copy = NULL;
	struct text text;

	if (!size)
		return 0;
	copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	copy[size - 1] = 0;
	text = (struct text){copy, size - 1};
	if (data[0] % (PSC_WORDS_MAX + 1) == PSC_WORDS_MAX)
		read_script(&text);
	else if (psc_words_each(data[0] % (PSC_WORDS_MAX + 1), copy, take, &text) < 0)
		abort();
	return 0;
}
