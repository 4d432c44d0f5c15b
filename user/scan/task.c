/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task.c - the stack of tasks that the threads of a scan share, and growing paths. Only for
 * user/scan.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/scan/internal.h"

int psc_path_append(struct psc_path *path, const char *text, size_t length)
{
	if (path->length + length + 2 > path->room) {
		size_t room = 2 * (path->length + length + 2);
		char *grown = realloc(path->text, room);

		if (!grown)
			return -ENOMEM;
		path->text = grown;
		path->room = room;
	}
	if (path->length && path->text[path->length - 1] != '/')
		path->text[path->length++] = '/';
	memcpy(path->text + path->length, text, length);
	path->length += length;
	path->text[path->length] = '\0';
	return 0;
}

int psc_task_push(struct psc_scan *scan, struct psc_task task)
{
	int r = 0;

	pthread_mutex_lock(&scan->lock);
	if (scan->tasks == scan->room) {
		size_t room = scan->room ? 2 * scan->room : 256;
		struct psc_task *grown = reallocarray(scan->task, room, sizeof(*grown));

		if (grown) {
			scan->task = grown;
			scan->room = room;
		} else {
			r = -ENOMEM;
		}
	}
	if (r >= 0)
		scan->task[scan->tasks++] = task;
	pthread_cond_signal(&scan->ready);
	pthread_mutex_unlock(&scan->lock);
	if (r < 0) {
		psc_node_unref(scan, task.node);
		free(task.names);
	}
	return r;
}

bool psc_task_pop(struct psc_scan *scan, struct psc_task *ret)
{
	bool got = false;

	pthread_mutex_lock(&scan->lock);
	while (!scan->tasks && scan->busy)
		pthread_cond_wait(&scan->ready, &scan->lock);
	if (scan->tasks) {
		*ret = scan->task[--scan->tasks];
		scan->busy++;
		got = true;
	}
	pthread_mutex_unlock(&scan->lock);
	return got;
}

void psc_task_done(struct psc_scan *scan)
{
	pthread_mutex_lock(&scan->lock);
	if (--scan->busy == 0 && !scan->tasks)
		pthread_cond_broadcast(&scan->ready);
	pthread_mutex_unlock(&scan->lock);
}
