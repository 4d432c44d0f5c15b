/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile_subjects.c - who listed digests stand for; see compile_parts.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/compile_parts.h"

bool psc_compiler_is_site(const struct psc_compiler *c, const struct psc_list_entry *entry)
{
	return entry->file < c->input->site_files;
}

const char *psc_compiler_product_text(const struct psc_list_entry *entry)
{
	return entry->product[0] ? entry->product : PSC_COMPILER_UNNAMED;
}

/* Where the three stand in the slots, or are to be put in. */
static uint32_t find_slot(const struct psc_compiler *c, const char *text, bool site, uint32_t joint,
			  bool *ret_found)
{
	uint32_t low = 0;
	uint32_t high = c->slot_count;

	*ret_found = false;
	while (low < high) {
		uint32_t middle = (low + high) / 2;
		const struct psc_subject_slot *slot = &c->slots[middle];
		int r = strcmp(slot->text, text);

		if (r == 0)
			r = slot->site - site;
		if (r == 0 && slot->joint != joint)
			r = slot->joint < joint ? -1 : 1;
		if (r == 0) {
			*ret_found = true;
			return middle;
		}
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int find_subject(struct psc_compiler *c, const char *text, bool site, uint32_t joint,
			uint32_t *ret)
{
	uint32_t subject = PSC_SUBJECT_FIRST + c->slot_count;
	bool found;
	uint32_t at;

	at = find_slot(c, text, site, joint, &found);
	if (found) {
		*ret = c->slots[at].subject;
		return 0;
	}
	if (subject >= PSC_SUBJECTS_MAX) {
		psc_error_set(c->reterr, NULL, 0, 0,
			      "more than %u different products in the lists: give related digests "
			      "the same product",
			      PSC_SUBJECTS_MAX - PSC_SUBJECT_FIRST);
		return -E2BIG;
	}
	memmove(&c->slots[at + 1], &c->slots[at], (c->slot_count - at) * sizeof(c->slots[0]));
	c->slots[at] = (struct psc_subject_slot){text, site, joint, subject};
	c->joint_of[subject] = joint;
	c->slot_count++;
	*ret = subject;
	return 0;
}

int psc_compiler_subject(struct psc_compiler *c, const char *text, bool site, uint32_t *ret)
{
	return find_subject(c, text, site, 0, ret);
}

static bool is_joint(const struct psc_joint *joint, const char *const *texts, size_t count)
{
	if (joint->count != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(joint->text[i], texts[i]) != 0)
			return false;
	}
	return true;
}

int psc_compiler_joint(struct psc_compiler *c, const char *const *texts, size_t count, bool site,
		       uint32_t *ret)
{
	struct psc_joint *joints;
	uint32_t at = 0;

	while (at < c->joint_count && !is_joint(&c->joints[at], texts, count))
		at++;
	if (at == c->joint_count) {
		joints = reallocarray(c->joints, at + 1, sizeof(*joints));
		if (!joints)
			return psc_compiler_no_memory(c);
		c->joints = joints;
		joints[at] = (struct psc_joint){.count = count};
		memcpy(joints[at].text, texts, count * sizeof(*texts));
		c->joint_count++;
	}
	return find_subject(c, texts[0], site, at + 1, ret);
}

int psc_compiler_number_subjects(struct psc_compiler *c)
{
	const char *last = NULL;
	bool last_site = false;

	for (size_t i = 0; i < psc_list_count(c->input->list); i++) {
		struct psc_list_entry entry;
		const char *text;
		uint32_t subject;
		bool site;
		int r;

		psc_list_get(c->input->list, i, &entry);
		text = psc_compiler_product_text(&entry);
		site = psc_compiler_is_site(c, &entry);
		if ((text == last && site == last_site) ||
		    psc_list_entry_enforce(&entry) != PSC_LIST_ENFORCEABLE)
			continue;
		last = text;
		last_site = site;
		r = psc_compiler_subject(c, text, site, &subject);
		if (r < 0)
			return r;
	}
	return 0;
}

int psc_compiler_name_subjects(struct psc_compiler *c)
{
	uint32_t count = PSC_SUBJECT_FIRST + c->slot_count;
	struct psc_image *image = c->image;

	image->table.subject_count = count;
	image->subjects[PSC_SUBJECT_NONE].product = strdup("");
	image->subjects[PSC_SUBJECT_CANARY].product = strdup("canary");
	for (uint32_t i = 0; i < c->slot_count; i++) {
		struct psc_image_subject *subject = &image->subjects[c->slots[i].subject];

		subject->product = strdup(c->slots[i].text);
		subject->site = c->slots[i].site;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (!image->subjects[i].product)
			return psc_compiler_no_memory(c);
	}
	return 0;
}
