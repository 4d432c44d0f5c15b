/* SPDX-License-Identifier: Apache-2.0 */
/* notify.h - tells the service manager how far the daemon is; sd_notify(3)'s protocol. */
#pragma once

/* Sends @state ("READY=1") when a service manager listens; errors are of no consequence. */
void psc_notify(const char *state);

/* "RELOADING=1" with the time stamp that Type=notify-reload asks for. */
void psc_notify_reloading(void);
