/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_diff.h - between verb_policy_diff.c and policy_diff_image.c: what changes from one
 * compiled policy to another. Only for user/cli.
 */
#pragma once

#include "user/cli/policy_verbs.h"
#include "user/core/image.h"

/*
 * {"settings": [{"name", "old", "new"}], "instants": {"added", "removed"},
 *  "digests": {"added", "removed", "moved"},
 *  "subjects": [{"product", "site", "change", "digests": [old, new],
 *                "cells": [{"from", "until", "operation", "old", "new", "old_by", "new_by"}]}]}.
 * NULL: memory is short.
 */
json_t *psc_policy_diff_images(const struct psc_image *old, const struct psc_image *new);
