/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_parts.h - what the files that read the configuration share. Only for config*.c.
 */
#pragma once

#include "user/core/config.h"
#include "user/core/yaml.h"

/* "true" or "false"; -EINVAL with the place. */
int psc_config_parse_flag(struct psc_yaml *yaml, const struct psc_yaml_node *value, bool *ret);

/* The mapping `resolver`, over what @ret has. */
int psc_config_parse_resolver(struct psc_yaml *yaml, const struct psc_yaml_node *value,
			      struct psc_config_resolver *ret);
