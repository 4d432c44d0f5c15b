/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.c - checks of ring records, see event.h.
 */
#include <errno.h>
#include <stdbool.h>

#include "user/core/event.h"

static bool head_valid(const struct psc_event_head *head, size_t size)
{
	return head->length == size && head->type > PSC_EVENT_NONE && head->type < PSC_EVENT_MAX &&
	       (head->flags & ~PSC_EVENT_FLAGS_ALL) == 0;
}

static bool values_valid(const struct psc_event *e)
{
	return e->interval < PSC_INTERVALS_MAX && e->class < PSC_CLASSES_MAX &&
	       e->subject < PSC_SUBJECTS_MAX && e->op < PSC_OP_MAX && e->action < PSC_ACTION_MAX &&
	       e->verdict < PSC_VERDICT_MAX && e->mode < PSC_MODE_MAX &&
	       e->unverified < PSC_UNVERIFIED_MAX && e->source < PSC_SOURCE_MAX &&
	       e->place <= PSC_PLACES_MAX;
}

static bool comm_valid(const struct psc_event_process *process)
{
	return memchr(process->comm, '\0', sizeof(process->comm)) != NULL;
}

static bool path_valid(const struct psc_event *e, size_t size)
{
	size_t room = size - offsetof(struct psc_event, path);
	const char *path = (const char *)e + offsetof(struct psc_event, path);
	size_t length = strnlen(path, room);

	return length < room && length == e->path_length;
}

int psc_event_decode(const void *data, size_t size, const struct psc_event **ret)
{
	const struct psc_event *event = data;

	if ((uintptr_t)data % _Alignof(struct psc_event) != 0)
		return -EBADMSG;
	if (size <= offsetof(struct psc_event, path) || size > sizeof(struct psc_event))
		return -EBADMSG;
	if (!head_valid(&event->head, size) || !values_valid(event) ||
	    !comm_valid(&event->process) || !comm_valid(&event->parent) || !path_valid(event, size))
		return -EBADMSG;
	*ret = event;
	return 0;
}
