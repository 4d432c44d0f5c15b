/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h - what proscribed and proscribe-identify say to each other: frames of frame.h on a
 * stream socket. A request carries the file's descriptor by SCM_RIGHTS beside its first byte;
 * requests and replies take turns. The daemon does not believe what the worker says: every
 * reply is checked as any other input from outside.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/facts.h"

#define PSC_WIRE_VERSION     1
#define PSC_WIRE_REQUEST_MAX (32U << 10) /* bytes of JSON */
#define PSC_WIRE_REPLY_MAX   (16U << 20)

/* What the worker says once, when it has read what it needs. -ENOMEM. */
int psc_wire_ready_encode(json_t **ret);
bool psc_wire_is_ready(const json_t *json);

struct psc_wire_request {
	char *path; /* a hint for names; nothing is opened by it */
	bool want_digest;
};

/* -ENOMEM. The reference of @ret is the caller's. */
int psc_wire_request_encode(const struct psc_wire_request *request, json_t **ret);

/* -EPROTO for anything else than a request of this version, -ENOMEM. Clear @ret. */
int psc_wire_request_decode(const json_t *json, struct psc_wire_request *ret);
void psc_wire_request_clear(struct psc_wire_request *request);

/*
 * @error: negative errno of psc_identify(), 0 when @facts are complete. Facts that would make
 * the reply too large are left out, and it says `truncated`. -ENOMEM.
 */
int psc_wire_reply_encode(int error, const struct psc_facts *facts, json_t **ret);

/*
 * -EPROTO for anything but a reply of this version with facts that psc_facts_add() takes,
 * -ENOMEM. @ret_error as above. Clear @ret_facts.
 */
int psc_wire_reply_decode(const json_t *json, int *ret_error, struct psc_facts *ret_facts);
