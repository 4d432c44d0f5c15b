/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml.h - a strict reader of one YAML document, event by event, each with its
 * place. Used by the parsers of user/core.
 *
 * Refused: what libfyaml refuses, aliases, anchors, tags, a second document, bytes
 * that are no text. Keys are the caller's to check: libfyaml finds duplicates only
 * when it builds a document.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/error.h"

enum psc_yaml_type {
	PSC_YAML_END = 0, /* of the document, or there is none */
	PSC_YAML_MAPPING_START = 1,
	PSC_YAML_MAPPING_END = 2,
	PSC_YAML_SEQUENCE_START = 3,
	PSC_YAML_SEQUENCE_END = 4,
	PSC_YAML_SCALAR = 5,
};

struct psc_yaml_event {
	enum psc_yaml_type type;
	const char *text; /* of a scalar, "" when null; valid until the next event */
	unsigned int line;
	unsigned int column;
};

struct psc_yaml;

/*
 * Starts reading @data, which must outlive the reader, as must @path and @reterr.
 * -EINVAL with the place when it is no text, -ENOMEM.
 */
int psc_yaml_new(const char *data, size_t size, const char *path, struct psc_yaml **ret,
		 struct psc_error *reterr);
void psc_yaml_freep(struct psc_yaml **yaml);

/* The next event; -EINVAL with the place in the reader's error description. */
int psc_yaml_next(struct psc_yaml *yaml, struct psc_yaml_event *ret);

/* Describes an error at @event; returns -EINVAL. */
int psc_yaml_fail(struct psc_yaml *yaml, const struct psc_yaml_event *event, const char *fmt, ...)
	_printf_(3, 4);
