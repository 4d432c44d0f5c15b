/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hex.h - bytes to hexadecimal text and back, exact lengths only. Used by all of
 * user/.
 */
#pragma once

#include "user/core/util.h"

/* Writes 2 * @size lower-case digits and a NUL: @ret has 2 * @size + 1 bytes. */
void psc_hex_encode(const uint8_t *data, size_t size, char *ret);

/*
 * Decodes exactly 2 * @size digits (either case) of @text, which has @length
 * bytes and needs no NUL. Returns -EINVAL when there is a byte that is no digit
 * (the first one's offset goes to @ret_bad when not NULL), else -EMSGSIZE when
 * @length is another.
 */
int psc_hex_decode(const char *text, size_t length, uint8_t *ret, size_t size, size_t *ret_bad);
