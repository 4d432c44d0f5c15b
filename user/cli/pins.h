/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pins.h - the guard as the BPF file system shows it, for the times when no daemon can
 * be asked. Only for user/cli.
 */
#pragma once

#include "user/core/util.h"

enum psc_pins {
	PSC_PINS_ABSENT = 0,
	PSC_PINS_PRESENT = 1, /* the guard is on, with or without a daemon */
	PSC_PINS_UNKNOWN = 2, /* not for this user to see */
};

/* Whether the guard is pinned in @directory (PSC_PATH_BPFFS but for tests). */
enum psc_pins psc_pins_look(const char *directory);

/*
 * Removes the pins below @directory and the directory: links (named psc_*) first, so
 * that nothing decides any more before its maps go. Returns the number of pins removed, or
 * a negative errno: -ENOENT when there was none; after another error the rest is as far
 * removed as possible.
 */
int psc_pins_remove(const char *directory);

/*
 * Removes the links alike, and everything else but what a daemon needs to read what the guard
 * told of: events, counters, memory. That is pinned below the name @left from then on. Returns the
 * number of pins removed. -ENOENT when there was none, -ENOTEMPTY or -EEXIST when @left is there
 * already: then the links are gone and the rest is where it was.
 */
int psc_pins_leave(const char *directory, const char *left);
