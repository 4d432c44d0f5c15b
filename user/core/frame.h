/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.h - frames of the control socket: u32 little-endian length of the JSON,
 * u8 version, JSON object. Used by the daemon (incremental decoder, because it must
 * not block on a client) and by the command line (blocking calls).
 */
#pragma once

#include <stdbool.h>
#include <jansson.h>

#include "user/core/util.h"

#define PSC_FRAME_VERSION     1
#define PSC_FRAME_HEADER      5
#define PSC_FRAME_REQUEST_MAX (64U << 10) /* bytes of JSON in a request */
#define PSC_FRAME_REPLY_MAX   (16U << 20) /* bytes of JSON in a reply */

/* Collects one frame at a time. Fields are the decoder's own. */
struct psc_frame_decoder {
	size_t max;
	size_t header_size;
	size_t length; /* of the JSON, known once the header is complete */
	size_t size;   /* bytes of JSON collected */
	size_t capacity;
	uint8_t *body;
	int error;
	uint8_t header[PSC_FRAME_HEADER];
};

/* @max: the largest JSON text that is accepted, in bytes. */
void psc_frame_decoder_init(struct psc_frame_decoder *decoder, size_t max);

/* Frees what was collected; the decoder can be used again with the same limit. */
void psc_frame_decoder_clear(struct psc_frame_decoder *decoder);

/*
 * Takes bytes up to the end of the current frame, the number taken goes to
 * *@ret_used. Returns 1 when the frame is complete (take it, then feed the rest),
 * 0 when more bytes are needed, -EPROTONOSUPPORT for another version, -EMSGSIZE
 * for a length above the limit, -EBADMSG for a length of zero, -ENOMEM. Header
 * errors are returned before anything is buffered and repeat until
 * psc_frame_decoder_clear().
 */
int psc_frame_decoder_feed(struct psc_frame_decoder *decoder, const void *data, size_t size,
			   size_t *ret_used);

/*
 * Parses the complete frame into *@ret (new reference) and makes the decoder ready
 * for the next, also on failure. -EAGAIN when no frame is complete, else the errors
 * of psc_json_parse().
 */
int psc_frame_decoder_take(struct psc_frame_decoder *decoder, json_t **ret);

/* True between the first byte of a frame and its last: end of file here is an error. */
bool psc_frame_decoder_midway(const struct psc_frame_decoder *decoder);

/*
 * Makes the frame of @json: *@ret is to be freed by the caller. -EMSGSIZE when the
 * text has more than @max bytes, -EINVAL when @json is not an object, -ENOMEM.
 */
int psc_frame_encode(const json_t *json, size_t max, uint8_t **ret, size_t *ret_size);

/*
 * Sends the frame of @json (PSC_FRAME_REPLY_MAX at most) on the stream socket @fd,
 * blocking or not, without SIGPIPE. Waits @timeout_ms at most (-1: for ever) for the
 * whole of it: -ETIMEDOUT. Other errors: those of encode and of send(2).
 */
int psc_frame_send_timeout(int fd, const json_t *json, int timeout_ms);

/* psc_frame_send_timeout() with ten seconds. */
int psc_frame_send(int fd, const json_t *json);

/*
 * Receives one frame from the stream socket @fd within @timeout_ms (-1: no limit).
 * *@ret is a new reference. -ENODATA when the peer closed before the first byte,
 * -EPIPE when it closed in the middle, -ETIMEDOUT, the decoder's and recv(2)'s errors.
 */
int psc_frame_receive(int fd, size_t max, int timeout_ms, json_t **ret);
