/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernelinfo.c - see kernelinfo.h.
 */
#include <ctype.h>
#include <errno.h>

#include "user/core/util.h"
#include "user/core/kernelinfo.h"

static int give(const char *text, size_t length, char *buffer, size_t size)
{
	if (length >= size)
		return -ENOSPC;
	memcpy(buffer, text, length);
	buffer[length] = '\0';
	return 0;
}

static bool is_word(const char *word, size_t length, const char *name)
{
	return strlen(name) == length && strncmp(word, name, length) == 0;
}

/* ---- security modules ---------------------------------------------------- */

bool psc_kernelinfo_has_lsm(const char *list, const char *name)
{
	for (;;) {
		size_t length = strcspn(list, ",");

		if (is_word(list, length, name))
			return true;
		if (!list[length])
			return false;
		list += length + 1;
	}
}

static bool is_module_name(const char *word, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)word[i]) && word[i] != '_' && word[i] != '-')
			return false;
	return length > 0;
}

int psc_kernelinfo_lsm_argument(const char *list, char *buffer, size_t size)
{
	static const char added[] = "bpf";
	char line[1024] = "lsm=";
	size_t used = 4;

	for (const char *word = list;; word++) {
		size_t length = strcspn(word, ",");

		if (!is_module_name(word, length))
			return -EINVAL;
		/* room for the word, "," and what is added at the end */
		if (used + length + 1 + sizeof(added) > sizeof(line))
			return -ENOSPC;
		if (!is_word(word, length, "capability") && !is_word(word, length, added)) {
			memcpy(line + used, word, length);
			used += length;
			line[used++] = ',';
		}
		word += length;
		if (!*word)
			break;
	}
	memcpy(line + used, added, sizeof(added));
	return give(line, used + sizeof(added) - 1, buffer, size);
}

int psc_kernelinfo_lsm_remedy(const char *list, char *buffer, size_t size)
{
	char argument[1024], sentence[sizeof(argument) + 256];
	int r = psc_kernelinfo_lsm_argument(list, argument, sizeof(argument));

	if (r < 0)
		return r;
	r = snprintf(sentence, sizeof(sentence),
		     "boot with the kernel argument %s in place of any other lsm= (the active list "
		     "with bpf added; in Debian: GRUB_CMDLINE_LINUX in /etc/default/grub, then "
		     "update-grub)",
		     argument);
	return give(sentence, (size_t)r, buffer, size);
}

/* ---- command line -------------------------------------------------------- */

/* Length of the parameter at @p: up to a blank that is not between double quotes. */
static size_t parameter_span(const char *p)
{
	bool quoted = false;
	size_t n;

	for (n = 0; p[n] && (quoted || !isspace((unsigned char)p[n])); n++)
		if (p[n] == '"')
			quoted = !quoted;
	return n;
}

/* Length of @name at the start of @p, whichever dashes it is written with; 0: another. */
static size_t name_span(const char *p, const char *name)
{
	size_t n;

	for (n = 0; name[n]; n++) {
		char a = p[n] == '-' ? '_' : p[n];
		char b = name[n] == '-' ? '_' : name[n];

		if (a != b)
			return 0;
	}
	return n;
}

int psc_kernelinfo_parameter(const char *cmdline, const char *name, char *buffer, size_t size)
{
	const char *value = NULL;
	size_t value_length = 0;

	for (const char *p = cmdline; *p;) {
		/* the whole of it may be quoted: "name=value" */
		size_t quote = *p == '"', length = parameter_span(p), n;

		if (is_word(p, length, "--"))
			break;
		n = name_span(p + quote, name);
		if (n && quote + n <= length) {
			const char *rest = p + quote + n;
			const char *end = p + length;

			if (rest == end || *rest == '"') {
				value = "";
				value_length = 0;
			} else if (*rest == '=') {
				value = rest + 1;
				value += *value == '"';
				end -= end > value && end[-1] == '"';
				value_length = end > value ? (size_t)(end - value) : 0;
			}
		}
		p += length;
		while (isspace((unsigned char)*p))
			p++;
	}
	if (!value)
		return -ENOENT;
	return buffer ? give(value, value_length, buffer, size) : 0;
}

/* ---- others -------------------------------------------------------------- */

int psc_kernelinfo_choice(const char *text, char *buffer, size_t size)
{
	const char *open = strchr(text, '[');
	const char *close = open ? strchr(open, ']') : NULL;

	if (!close || close == open + 1)
		return -EINVAL;
	return give(open + 1, (size_t)(close - open) - 1, buffer, size);
}

int psc_kernelinfo_measured_algorithm(const char *line, char *buffer, size_t size)
{
	const char *field = line, *end, *start;

	/* PCR, template digest and template name stand before it. */
	for (int i = 0; i < 3; i++) {
		field = strchr(field, ' ');
		if (!field)
			return -EINVAL;
		field++;
	}
	/* "sha256:HEX", or "ima:sha256:HEX" in newer templates; without one, HEX alone */
	end = memrchr(field, ':', strcspn(field, " "));
	if (!end)
		return -EINVAL;
	start = memrchr(field, ':', (size_t)(end - field));
	start = start ? start + 1 : field;
	if (!is_module_name(start, (size_t)(end - start)))
		return -EINVAL;
	return give(start, (size_t)(end - start), buffer, size);
}
