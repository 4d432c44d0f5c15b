/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml.c - see yaml.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>

#include <libfyaml.h>

#include "user/core/util.h"
#include "user/core/text.h"
#include "user/core/yaml.h"

struct psc_yaml {
	const char *path;
	struct psc_error *reterr;
	struct fy_diag *diag;
	struct fy_parser *parser;
	struct fy_event *event; /* the one last handed out */
	unsigned int line;	/* of the last token that had a place */
	unsigned int column;
	bool had_document;
};

void psc_yaml_freep(struct psc_yaml **yaml)
{
	struct psc_yaml *y = *yaml;

	if (!y)
		return;
	if (y->event)
		fy_parser_event_free(y->parser, y->event);
	if (y->parser)
		fy_parser_destroy(y->parser);
	if (y->diag)
		fy_diag_destroy(y->diag);
	free(y);
	*yaml = NULL;
}

int psc_yaml_fail(struct psc_yaml *yaml, const struct psc_yaml_event *event, const char *fmt, ...)
{
	char message[PSC_ERROR_MESSAGE_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	psc_error_set(yaml->reterr, yaml->path, event->line, event->column, "%s", message);
	return -EINVAL;
}

/* libfyaml takes what is not UTF-8 for nothing at all, without a word. */
static int check_text(const char *data, size_t size, const char *path, struct psc_error *reterr)
{
	unsigned int line = 1;
	unsigned int column = 1;

	for (size_t at = 0; at < size; column++) {
		int n = psc_text_next(data + at, size - at);

		if (n > 0) {
			at += n;
		} else if (data[at] == '\n') {
			at++;
			line++;
			column = 0;
		} else if (data[at] == '\t' ||
			   (data[at] == '\r' && at + 1 < size && data[at + 1] == '\n')) {
			at++;
		} else {
			psc_error_set(reterr, path, line, column, "%s (byte 0x%02x)",
				      n < 0 ? "invalid UTF-8" : "control character",
				      (uint8_t)data[at]);
			return -EINVAL;
		}
	}
	return 0;
}

int psc_yaml_new(const char *data, size_t size, const char *path, struct psc_yaml **ret,
		 struct psc_error *reterr)
{
	_cleanup_(psc_yaml_freep) struct psc_yaml *yaml = NULL;
	struct fy_parse_cfg parse = {.flags = FYPCF_QUIET};
	struct fy_diag_cfg diag;
	int r;

	r = check_text(data, size, path, reterr);
	if (r < 0)
		return r;
	yaml = calloc(1, sizeof(*yaml));
	if (!yaml)
		goto no_memory;
	yaml->path = path;
	yaml->reterr = reterr;
	fy_diag_cfg_default(&diag);
	diag.fp = NULL; /* nothing is printed; errors are collected */
	yaml->diag = fy_diag_create(&diag);
	if (!yaml->diag)
		goto no_memory;
	fy_diag_set_collect_errors(yaml->diag, true);
	parse.diag = yaml->diag;
	yaml->parser = fy_parser_create(&parse);
	/* An empty text is none to libfyaml: give it a line. */
	if (!yaml->parser ||
	    fy_parser_set_string(yaml->parser, size ? data : "\n", size ? size : 1) != 0)
		goto no_memory;
	*ret = TAKE_PTR(yaml);
	return 0;

no_memory:
	psc_error_set(reterr, path, 0, 0, "out of memory");
	return -ENOMEM;
}

/* What libfyaml collected about its refusal. */
static int fail_parser(struct psc_yaml *yaml)
{
	struct fy_diag_error *error;
	void *iterator = NULL;

	error = fy_diag_errors_iterate(yaml->diag, &iterator);
	psc_error_set(yaml->reterr, yaml->path, error && error->line > 0 ? error->line : 0,
		      error && error->column > 0 ? error->column : 0, "not valid YAML: %s",
		      error && error->msg ? error->msg : "syntax error");
	return -EINVAL;
}

/* Where an event stands; null values stand nowhere, so they get the place before. */
static void take_place(struct psc_yaml *yaml, struct psc_yaml_event *event)
{
	const struct fy_mark *mark = fy_event_start_mark(yaml->event);

	if (mark) {
		yaml->line = mark->line + 1;
		yaml->column = mark->column + 1;
	}
	event->line = yaml->line;
	event->column = yaml->column;
}

static int take_scalar(struct psc_yaml *yaml, struct psc_yaml_event *event)
{
	struct fy_token *token = fy_event_get_token(yaml->event);
	const char *why = NULL;
	const char *text;
	size_t size;

	event->text = "";
	if (!token)
		return 0;
	text = fy_token_get_text0(token);
	size = fy_token_get_text_length(token);
	if (!text)
		return size ? psc_yaml_fail(yaml, event, "out of memory") : 0;
	/* Escapes in quotes can spell what the text itself may not hold. */
	if (psc_text_span(text, size, &why) < size)
		return psc_yaml_fail(yaml, event, "%s in a value", why);
	event->text = text;
	return 0;
}

/* Refuses what this reader does not take although YAML has it. */
static int check_strict(struct psc_yaml *yaml, const struct psc_yaml_event *event)
{
	if (yaml->event->type == FYET_ALIAS)
		return psc_yaml_fail(yaml, event, "aliases (*) are not taken: write the value out");
	if (fy_event_get_anchor_token(yaml->event))
		return psc_yaml_fail(yaml, event, "anchors (&) are not taken");
	if (fy_event_get_tag_token(yaml->event))
		return psc_yaml_fail(yaml, event, "tags (!) are not taken");
	return 0;
}

/* Turns the parser's event into ours; 0 when it is none of the caller's business. */
static int take_event(struct psc_yaml *yaml, struct psc_yaml_event *event)
{
	int r;

	switch (yaml->event->type) {
	case FYET_DOCUMENT_START:
		if (yaml->had_document)
			return psc_yaml_fail(yaml, event, "a second document: expected one");
		yaml->had_document = true;
		return 0;
	case FYET_STREAM_END:
		event->type = PSC_YAML_END;
		return 1;
	case FYET_MAPPING_START:
		event->type = PSC_YAML_MAPPING_START;
		break;
	case FYET_MAPPING_END:
		event->type = PSC_YAML_MAPPING_END;
		return 1;
	case FYET_SEQUENCE_START:
		event->type = PSC_YAML_SEQUENCE_START;
		break;
	case FYET_SEQUENCE_END:
		event->type = PSC_YAML_SEQUENCE_END;
		return 1;
	case FYET_SCALAR:
		event->type = PSC_YAML_SCALAR;
		r = take_scalar(yaml, event);
		if (r < 0)
			return r;
		break;
	case FYET_ALIAS:
		break;
	default:
		return 0;
	}
	r = check_strict(yaml, event);
	return r < 0 ? r : 1;
}

int psc_yaml_next(struct psc_yaml *yaml, struct psc_yaml_event *ret)
{
	for (;;) {
		struct psc_yaml_event event = {0};
		int r;

		if (yaml->event)
			fy_parser_event_free(yaml->parser, yaml->event);
		yaml->event = fy_parser_parse(yaml->parser);
		if (!yaml->event) {
			if (fy_parser_get_stream_error(yaml->parser))
				return fail_parser(yaml);
			*ret = event; /* beyond the end it stays the end */
			return 0;
		}
		take_place(yaml, &event);
		r = take_event(yaml, &event);
		if (r < 0)
			return r;
		if (r > 0) {
			*ret = event;
			return 0;
		}
	}
}
