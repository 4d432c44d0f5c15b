/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script.h - facts of a script that names its interpreter. Used by identify.c.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/facts.h"

/*
 * Adds the interpreter as the first line has it, and behind an `env` the program that it
 * looks up, too. -ENOMEM, or the error of reading.
 */
int psc_script_identify(int fd, struct psc_facts *facts);
