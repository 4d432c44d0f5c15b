/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf.c - see elf.h. libelf finds its way in the file. Whatever is handed to it has been
 * compared with the file's size and with a limit before, because it allocates what a header
 * asks for.
 */
#include <errno.h>
#include <stdbool.h>

#include <gelf.h>

#include "user/core/util.h"
#include "user/core/hex.h"
#include "user/identify/bytes.h"
#include "user/identify/elf.h"
#include "user/identify/elf_dynamic.h"

#define SEGMENTS_MAX  256
#define NOTES_MAX     64	    /* of one file */
#define NOTE_SIZE_MAX (1024 * 1024) /* bytes of one section or segment of them */
#define COMMENT_MAX   (64 * 1024)   /* bytes */
#define COMMENTS_MAX  64
#define BUILD_ID_MAX  64
#define STRING_MAX    1024 /* soname, needed */
#define WINDOW_SIZE   4096
#define NAMES_MAX     (16 * 1024 * 1024)

struct reader {
	Elf *elf;
	int fd;
	uint64_t size;
	struct psc_facts *facts;
	struct psc_marker_range range[PSC_MARKER_RANGES_MAX];
	size_t ranges;
	size_t notes;
	bool has_sections;
	bool debug_only; /* its code is in another file */
	/* what was read last: the names of libraries stand side by side */
	char window[WINDOW_SIZE];
	uint64_t window_at;
	size_t window_size;
	struct psc_elf_dynamic dynamic;
};

static int problem(struct reader *reader, const char *what, uint64_t offset)
{
	return psc_facts_addf(reader->facts, PSC_FACT_PROBLEM, 0, "ELF: %s, offset %llu", what,
			      (unsigned long long)offset);
}

static void add_range(struct reader *reader, uint64_t offset, uint64_t size)
{
	/* The last one grows over what follows rather than leaving something out. */
	if (reader->ranges == PSC_MARKER_RANGES_MAX) {
		struct psc_marker_range *last = &reader->range[reader->ranges - 1];
		uint64_t begin = offset < last->offset ? offset : last->offset;
		uint64_t end = last->offset + last->size;

		if (offset + size > end)
			end = offset + size;
		*last = (struct psc_marker_range){begin, end - begin};
		return;
	}
	reader->range[reader->ranges++] = (struct psc_marker_range){offset, size};
}

/* ---- notes ---- */

static int add_note(struct reader *reader, const char *owner, size_t length, const GElf_Nhdr *note,
		    const uint8_t *content)
{
	char hex[2 * BUILD_ID_MAX + 1];
	int r;

	length = strnlen(owner, length);
	if (note->n_type == NT_GNU_BUILD_ID && length == 3 && memcmp(owner, "GNU", 3) == 0 &&
	    note->n_descsz > 0 && note->n_descsz <= BUILD_ID_MAX) {
		psc_hex_encode(content, note->n_descsz, hex);
		r = psc_facts_add(reader->facts, PSC_FACT_ELF_BUILD_ID, 0, hex, strlen(hex));
		if (r < 0)
			return r;
	}
	return psc_facts_addf(reader->facts, PSC_FACT_ELF_NOTE, 0, "%.*s/%u", (int)length, owner,
			      note->n_type);
}

static int read_notes(struct reader *reader, uint64_t offset, uint64_t size, uint64_t align)
{
	Elf_Data *data;
	size_t at = 0;
	int r = 0;

	if (!psc_fits(offset, size, reader->size) || size > NOTE_SIZE_MAX)
		return problem(reader, "notes too large or behind the end of the file", offset);
	if (!size)
		return 0;
	data = elf_getdata_rawchunk(reader->elf, offset, size,
				    align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
	if (!data || !data->d_buf)
		return problem(reader, "notes cannot be read", offset);
	while (at < data->d_size && r >= 0) {
		const char *bytes = data->d_buf;
		size_t name, content, next;
		GElf_Nhdr note;

		next = gelf_getnote(data, at, &note, &name, &content);
		if (!next)
			return problem(reader, "a note is damaged", offset + at);
		if (reader->notes++ == NOTES_MAX)
			return problem(reader, "too many notes", offset + at);
		if (note.n_namesz > 256)
			return problem(reader, "the name of a note is too long", offset + at);
		r = add_note(reader, bytes + name, note.n_namesz, &note,
			     (const uint8_t *)bytes + content);
		at = next;
	}
	return r;
}

/* ---- the dynamic segment ---- */

/* As psc_read_at(), of at most STRING_MAX bytes; they stay until the next call. */
static ssize_t look_at(struct reader *reader, uint64_t offset, size_t size, const char **ret)
{
	size_t inside;
	ssize_t n;

	if (offset < reader->window_at || offset + size > reader->window_at + reader->window_size) {
		/* names before this one may be asked for next */
		reader->window_at = offset < WINDOW_SIZE / 2 ? 0 : offset - WINDOW_SIZE / 2;
		reader->window_size = 0;
		n = psc_read_at(reader->fd, reader->window, WINDOW_SIZE, reader->window_at);
		if (n < 0)
			return n;
		reader->window_size = n;
	}
	inside = offset - reader->window_at;
	if (inside >= reader->window_size)
		return 0;
	*ret = reader->window + inside;
	return reader->window_size - inside < size ? reader->window_size - inside : size;
}

static int add_string(struct reader *reader, uint64_t at, enum psc_fact_kind kind)
{
	const struct psc_elf_dynamic *dynamic = &reader->dynamic;
	const char *text;
	uint64_t room;
	ssize_t n;

	if (at >= dynamic->strings_size)
		return problem(reader, "a name lies behind the string table",
			       dynamic->strings + dynamic->strings_size);
	room = dynamic->strings_size - at;
	n = look_at(reader, dynamic->strings + at, room < STRING_MAX ? room : STRING_MAX, &text);
	if (n < 0)
		return n;
	if (!n || !memchr(text, 0, n))
		return problem(reader, "a name does not end", dynamic->strings + at);
	return psc_facts_add(reader->facts, kind, 0, text, n);
}

static int add_names(struct reader *reader, uint64_t offset)
{
	const struct psc_elf_dynamic *dynamic = &reader->dynamic;
	int r = 0;

	if (dynamic->has_soname)
		r = add_string(reader, dynamic->soname, PSC_FACT_ELF_SONAME);
	for (size_t i = 0; i < dynamic->needed_count && r >= 0; i++)
		r = add_string(reader, dynamic->needed[i], PSC_FACT_ELF_NEEDED);
	return r >= 0 && dynamic->needed_more ? problem(reader, "too many libraries", offset) : r;
}

static int read_dynamic(struct reader *reader, size_t segments, const GElf_Phdr *segment)
{
	int r;

	if (!segment->p_filesz)
		return 0;
	r = psc_elf_dynamic_read(reader->elf, segments, segment, reader->size, &reader->dynamic);
	if (r == -EFBIG)
		return problem(reader, "dynamic segment too large or behind the end of the file",
			       segment->p_offset);
	if (r < 0)
		return problem(reader, "dynamic segment cannot be read", segment->p_offset);
	if (!reader->dynamic.has_strings)
		return problem(reader, "dynamic segment without strings", segment->p_offset);
	if (!reader->has_sections)
		add_range(reader, reader->dynamic.strings, reader->dynamic.strings_size);
	return add_names(reader, segment->p_offset);
}

/* ---- sections ---- */

/* A file's .comment is a row of strings, often the same one many times. */
static int read_comment(struct reader *reader, uint64_t offset, uint64_t size)
{
	_cleanup_free_ char *text = NULL;
	size_t count = 0, at = 0;
	const char *before = "";
	ssize_t n;
	int r = 0;

	if (!psc_fits(offset, size, reader->size) || size > COMMENT_MAX)
		return problem(reader, ".comment too large or behind the end of the file", offset);
	text = malloc(size + 1);
	if (!text)
		return -ENOMEM;
	n = psc_read_at(reader->fd, text, size, offset);
	if (n < 0)
		return n;
	text[n] = 0;
	while (at < (size_t)n && r >= 0) {
		const char *one = text + at;

		at += strlen(one) + 1;
		if (!*one || strcmp(one, before) == 0)
			continue;
		if (count++ == COMMENTS_MAX)
			return problem(reader, "too many strings in .comment", offset);
		r = psc_facts_add(reader->facts, PSC_FACT_ELF_COMMENT, 0, one, strlen(one));
		before = one;
	}
	return r;
}

static bool holds_markers(const char *name)
{
	return strncmp(name, ".rodata", 7) == 0 || strcmp(name, ".dynstr") == 0 ||
	       strcmp(name, ".data") == 0 || strcmp(name, ".modinfo") == 0;
}

static int read_section(struct reader *reader, const GElf_Shdr *section, const char *name,
			bool want_notes)
{
	if (section->sh_type == SHT_NOBITS) {
		if (section->sh_flags & SHF_EXECINSTR)
			reader->debug_only = true;
		return 0;
	}
	if (want_notes && section->sh_type == SHT_NOTE)
		return read_notes(reader, section->sh_offset, section->sh_size,
				  section->sh_addralign);
	if (!name || section->sh_size == 0)
		return 0;
	if (strcmp(name, ".comment") == 0)
		return read_comment(reader, section->sh_offset, section->sh_size);
	if (!holds_markers(name))
		return 0;
	if (!psc_fits(section->sh_offset, section->sh_size, reader->size))
		return problem(reader, "a section reaches behind the end of the file",
			       section->sh_offset);
	add_range(reader, section->sh_offset, section->sh_size);
	return 0;
}

/* The section with the names, when libelf may be trusted with it. */
static bool names_section(struct reader *reader, size_t *ret)
{
	GElf_Shdr section;
	Elf_Scn *scn;

	if (elf_getshdrstrndx(reader->elf, ret) != 0)
		return false;
	scn = elf_getscn(reader->elf, *ret);
	return scn && gelf_getshdr(scn, &section) && section.sh_type == SHT_STRTAB &&
	       !(section.sh_flags & SHF_COMPRESSED) && section.sh_size <= NAMES_MAX &&
	       psc_fits(section.sh_offset, section.sh_size, reader->size);
}

static int read_sections(struct reader *reader, bool want_notes)
{
	size_t count, names = 0;
	GElf_Ehdr header;
	int r = 0;

	/* libelf takes headers that are cut off for none. */
	if (!gelf_getehdr(reader->elf, &header))
		return problem(reader, "damaged header", 0);
	if (header.e_shnum &&
	    !psc_fits(header.e_shoff, (uint64_t)header.e_shnum * header.e_shentsize, reader->size))
		return problem(reader, "section headers behind the end of the file",
			       header.e_shoff);
	if (elf_getshdrnum(reader->elf, &count) != 0 || count < 2)
		return 0;
	if (!names_section(reader, &names))
		return problem(reader, "sections without names", header.e_shoff);
	for (size_t i = 1; i < count && r >= 0; i++) {
		Elf_Scn *scn = elf_getscn(reader->elf, i);
		GElf_Shdr section;

		if (!scn || !gelf_getshdr(scn, &section))
			return problem(reader, "section headers cannot be read", 0);
		reader->has_sections = true;
		r = read_section(reader, &section, elf_strptr(reader->elf, names, section.sh_name),
				 want_notes);
	}
	return r;
}

/* ---- segments ---- */

/* Without section headers: where the program has its constants. */
static void take_segments(struct reader *reader, size_t segments)
{
	bool constants = false;

	for (int executable = 0; executable < 2 && !(executable && constants); executable++) {
		for (size_t i = 0; i < segments; i++) {
			GElf_Phdr segment;

			if (!gelf_getphdr(reader->elf, i, &segment) || segment.p_type != PT_LOAD ||
			    !!(segment.p_flags & PF_X) != executable || !segment.p_filesz)
				continue;
			if (!psc_fits(segment.p_offset, 0, reader->size))
				continue;
			if (segment.p_filesz > reader->size - segment.p_offset)
				segment.p_filesz = reader->size - segment.p_offset;
			add_range(reader, segment.p_offset, segment.p_filesz);
			constants |= !(segment.p_flags & PF_W);
		}
	}
}

static int read_segments(struct reader *reader, size_t segments)
{
	bool dynamic = false;
	int r = 0;

	for (size_t i = 0; i < segments && r >= 0; i++) {
		GElf_Phdr segment;

		if (!gelf_getphdr(reader->elf, i, &segment))
			return problem(reader, "program headers cannot be read", 0);
		if (segment.p_type == PT_NOTE) {
			r = read_notes(reader, segment.p_offset, segment.p_filesz, segment.p_align);
		} else if (segment.p_type == PT_DYNAMIC && !dynamic && !reader->debug_only) {
			r = read_dynamic(reader, segments, &segment);
			dynamic = true;
		}
	}
	return r;
}

static int read_elf(struct reader *reader, const struct psc_markers *markers)
{
	size_t segments = 0;
	int r;

	if (elf_kind(reader->elf) != ELF_K_ELF)
		return problem(reader, "damaged header", 0);
	if (elf_getphdrnum(reader->elf, &segments) != 0 || segments > SEGMENTS_MAX) {
		r = problem(reader, "program headers damaged or too many", 0);
		if (r < 0)
			return r;
		segments = 0;
	}
	r = read_sections(reader, segments == 0);
	if (r >= 0)
		r = read_segments(reader, segments);
	if (r < 0 || !markers)
		return r;
	if (!reader->has_sections)
		take_segments(reader, segments);
	return psc_markers_search_fd(markers, reader->fd, reader->range, reader->ranges,
				     reader->facts);
}

int psc_elf_identify(int fd, uint64_t size, const struct psc_markers *markers,
		     struct psc_facts *facts)
{
	_cleanup_free_ struct reader *reader = calloc(1, sizeof(*reader));
	int r;

	if (!reader)
		return -ENOMEM;
	reader->fd = fd;
	reader->size = size;
	reader->facts = facts;
	r = psc_elf_open(fd, &reader->elf);
	if (r == -ENOTSUP)
		return r;
	if (r < 0) {
		struct psc_marker_range all = {0, size};

		r = problem(reader, "headers not read: damaged or too many sections", 0);
		if (r < 0 || !markers)
			return r;
		return psc_markers_search_fd(markers, fd, &all, 1, facts);
	}
	r = read_elf(reader, markers);
	elf_end(reader->elf);
	return r;
}
