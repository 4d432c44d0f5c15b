/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h - the smallest Windows program that signing tools accept, for tests: headers, a
 * .text of one instruction and an .rdata. Include it behind cmocka.h.
 */
#pragma once

#include "user/core/util.h"

#define IMAGE_SIZE	0x800
#define IMAGE_PE	0x80
#define IMAGE_OPTIONAL	(IMAGE_PE + 24)
#define IMAGE_CHECKSUM	(IMAGE_OPTIONAL + 64)
#define IMAGE_RDATA	0x400
#define IMAGE_RDATA_END 0x800

static inline void le16(uint8_t *at, uint16_t value)
{
	at[0] = value;
	at[1] = value >> 8;
}

static inline void le32(uint8_t *at, uint32_t value)
{
	le16(at, value);
	le16(at + 2, value >> 16);
}

static inline uint32_t get32(const uint8_t *at)
{
	return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline void make_section(uint8_t *at, const char *name, uint32_t address, uint32_t offset,
				uint32_t size)
{
	memcpy(at, name, strlen(name));
	le32(at + 8, size);
	le32(at + 12, address);
	le32(at + 16, size);
	le32(at + 20, offset);
	le32(at + 36, 0x60000020);
}

/* Where the entry for the certificate table stands. */
static inline uint8_t *image_directory(uint8_t *image)
{
	bool wide = image[IMAGE_OPTIONAL + 1] == 2;

	return image + IMAGE_OPTIONAL + (wide ? 112 : 96) + 8 * 4;
}

/* Fills IMAGE_SIZE bytes; @wide: PE32+, for 64 bits. */
static inline void make_image(uint8_t *image, bool wide)
{
	uint8_t *optional = image + IMAGE_OPTIONAL;
	unsigned int size = wide ? 240 : 224;
	uint8_t *sections = optional + size;

	memset(image, 0, IMAGE_SIZE);
	memcpy(image, "MZ", 2);
	le32(image + 60, IMAGE_PE);
	memcpy(image + IMAGE_PE, "PE\0\0", 4);
	le16(image + IMAGE_PE + 4, wide ? 0x8664 : 0x14c);
	le16(image + IMAGE_PE + 6, 2);
	le16(image + IMAGE_PE + 20, size);
	le16(image + IMAGE_PE + 22, 0x22);
	le16(optional, wide ? 0x20b : 0x10b);
	le32(optional + 16, 0x1000);
	le32(optional + 32, 0x1000);
	le32(optional + 36, 0x200);
	le16(optional + 48, 6);
	le32(optional + 56, 0x3000);
	le32(optional + 60, 0x200);
	le16(optional + 68, 3);
	le32(optional + (wide ? 108 : 92), 16);
	make_section(sections, ".text", 0x1000, 0x200, 0x200);
	make_section(sections + 40, ".rdata", 0x2000, IMAGE_RDATA, IMAGE_RDATA_END - IMAGE_RDATA);
	image[0x200] = 0xc3;
}
