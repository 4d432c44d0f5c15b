/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - asking the daemon over its control socket. Only for user/cli.
 */
#pragma once

#include <stdbool.h>
#include <jansson.h>

#include "user/core/util.h"
#include "user/core/error.h"
#include "user/cli/cli.h"

enum psc_answer_kind {
	PSC_ANSWER_OK = 0,
	PSC_ANSWER_REFUSED = 1,	    /* the daemon says why in error and remedy */
	PSC_ANSWER_UNREACHABLE = 2, /* nobody listens, or not for this user */
	PSC_ANSWER_BROKEN = 3,	    /* the connection failed in between: outcome not known */
};

struct psc_answer {
	enum psc_answer_kind kind;
	int code;     /* for the exit status, unless kind is OK */
	json_t *data; /* of a reply that is OK, may be NULL */
	struct psc_error error;
	char remedy[PSC_ERROR_MESSAGE_SIZE];
	json_t *objections; /* of the interlock, when REFUSED: psc_interlock_json(); or NULL */
};

/* Sends {"verb": @verb} and waits for the reply. @ret is always filled. */
void psc_client_ask(const char *verb, struct psc_answer *ret);

/* The same with {"data": @data}. */
void psc_client_tell(const char *verb, json_t *data, struct psc_answer *ret);

/* Frees what psc_client_ask() filled in; a cleanup function. */
void psc_answer_clear(struct psc_answer *answer);

/* Reports an answer that is not OK; returns its exit status. */
int psc_answer_fail(struct psc_cli *cli, const struct psc_answer *answer);
