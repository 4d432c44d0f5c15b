/* SPDX-License-Identifier: Apache-2.0 */
/*
 * requester.h - who asks for a change, as records name it. Used by the daemon of those who ask it,
 * and by the command of itself where no daemon can be asked.
 */
#pragma once

#include <sys/types.h>

#include "user/core/util.h"

#define PSC_REQUESTER_SIZE 64

/*
 * "uid 0, auid 1000, pid 4711": whoever became root by sudo or su is still told by the user of the
 * login; without a login there is no auid. The process has to live still.
 */
void psc_requester_name(uid_t uid, pid_t pid, char ret[PSC_REQUESTER_SIZE]);
