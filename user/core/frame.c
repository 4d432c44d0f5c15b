/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.c - frames of the control socket, see frame.h.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "user/core/frame.h"
#include "user/core/json.h"
#include "user/core/timefmt.h"

#define SEND_TIMEOUT_MS 10000
/* The body grows with what arrives, so that a length alone allocates nothing. */
#define FIRST_CAPACITY 4096

void psc_frame_decoder_init(struct psc_frame_decoder *decoder, size_t max)
{
	*decoder = (struct psc_frame_decoder){.max = max};
}

void psc_frame_decoder_clear(struct psc_frame_decoder *decoder)
{
	free(decoder->body);
	psc_frame_decoder_init(decoder, decoder->max);
}

static int header_parse(struct psc_frame_decoder *d)
{
	const uint8_t *h = d->header;
	uint32_t length =
		(uint32_t)h[0] | (uint32_t)h[1] << 8 | (uint32_t)h[2] << 16 | (uint32_t)h[3] << 24;

	if (h[4] != PSC_FRAME_VERSION)
		return -EPROTONOSUPPORT;
	if (length == 0)
		return -EBADMSG;
	if (length > d->max)
		return -EMSGSIZE;
	d->length = length;
	return 0;
}

static int body_reserve(struct psc_frame_decoder *d, size_t wanted)
{
	size_t capacity = d->capacity ? d->capacity : FIRST_CAPACITY;
	uint8_t *body;

	if (wanted <= d->capacity)
		return 0;
	while (capacity < wanted)
		capacity *= 2;
	if (capacity > d->length)
		capacity = d->length;
	body = realloc(d->body, capacity);
	if (!body)
		return -ENOMEM;
	d->body = body;
	d->capacity = capacity;
	return 0;
}

/* Bytes that the current frame still lacks, as far as that is known. */
static size_t decoder_missing(const struct psc_frame_decoder *d)
{
	if (d->header_size < PSC_FRAME_HEADER)
		return PSC_FRAME_HEADER - d->header_size;
	return d->length - d->size;
}

static int feed_header(struct psc_frame_decoder *d, const uint8_t *data, size_t size)
{
	memcpy(d->header + d->header_size, data, size);
	d->header_size += size;
	if (d->header_size < PSC_FRAME_HEADER)
		return 0;
	return header_parse(d);
}

static int feed_body(struct psc_frame_decoder *d, const uint8_t *data, size_t size)
{
	int r = body_reserve(d, d->size + size);

	if (r < 0)
		return r;
	memcpy(d->body + d->size, data, size);
	d->size += size;
	return 0;
}

int psc_frame_decoder_feed(struct psc_frame_decoder *decoder, const void *data, size_t size,
			   size_t *ret_used)
{
	const uint8_t *p = data;
	size_t used = 0;

	if (decoder->error < 0)
		return decoder->error;
	while (used < size) {
		size_t n = decoder_missing(decoder);
		int r;

		if (n == 0)
			break;
		if (n > size - used)
			n = size - used;
		if (decoder->header_size < PSC_FRAME_HEADER)
			r = feed_header(decoder, p + used, n);
		else
			r = feed_body(decoder, p + used, n);
		if (r < 0) {
			decoder->error = r;
			return r;
		}
		used += n;
	}
	*ret_used = used;
	return decoder->header_size == PSC_FRAME_HEADER && decoder->size == decoder->length;
}

int psc_frame_decoder_take(struct psc_frame_decoder *decoder, json_t **ret)
{
	int r;

	if (decoder->error < 0)
		return decoder->error;
	if (decoder->header_size < PSC_FRAME_HEADER || decoder->size < decoder->length)
		return -EAGAIN;
	r = psc_json_parse(decoder->body, decoder->size, decoder->max, ret, NULL, NULL, 0);
	psc_frame_decoder_clear(decoder);
	return r;
}

bool psc_frame_decoder_midway(const struct psc_frame_decoder *decoder)
{
	return decoder->header_size > 0 && decoder_missing(decoder) > 0;
}

int psc_frame_encode(const json_t *json, size_t max, uint8_t **ret, size_t *ret_size)
{
	_cleanup_free_ uint8_t *frame = NULL;
	size_t length;

	if (!json_is_object(json))
		return -EINVAL;
	length = json_dumpb(json, NULL, 0, JSON_COMPACT);
	if (length == 0)
		return -ENOMEM;
	if (length > max || length > UINT32_MAX)
		return -EMSGSIZE;
	frame = malloc(PSC_FRAME_HEADER + length);
	if (!frame)
		return -ENOMEM;
	if (json_dumpb(json, (char *)frame + PSC_FRAME_HEADER, length, JSON_COMPACT) != length)
		return -ENOMEM;
	frame[0] = length & 0xff;
	frame[1] = length >> 8 & 0xff;
	frame[2] = length >> 16 & 0xff;
	frame[3] = length >> 24 & 0xff;
	frame[4] = PSC_FRAME_VERSION;
	*ret = TAKE_PTR(frame);
	*ret_size = PSC_FRAME_HEADER + length;
	return 0;
}

/* @deadline is on the boot clock, UINT64_MAX: none. */
static uint64_t deadline_after(int timeout_ms)
{
	if (timeout_ms < 0)
		return UINT64_MAX;
	return psc_time_boot() + (uint64_t)timeout_ms * 1000000;
}

static int wait_for(int fd, short events, uint64_t deadline)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = events};
		int timeout = -1, n;

		if (deadline != UINT64_MAX) {
			uint64_t now = psc_time_boot();
			uint64_t ms = deadline > now ? (deadline - now + 999999) / 1000000 : 0;

			timeout = ms > 60000 ? 60000 : (int)ms;
		}
		n = poll(&p, 1, timeout);
		if (n > 0)
			return p.revents & POLLNVAL ? -EBADF : 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0 && psc_time_boot() >= deadline)
			return -ETIMEDOUT;
	}
}

int psc_frame_send_timeout(int fd, const json_t *json, int timeout_ms)
{
	_cleanup_free_ uint8_t *frame = NULL;
	uint64_t deadline = deadline_after(timeout_ms);
	size_t size, sent = 0;
	int r;

	r = psc_frame_encode(json, PSC_FRAME_REPLY_MAX, &frame, &size);
	if (r < 0)
		return r;
	while (sent < size) {
		ssize_t n = send(fd, frame + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0) {
			sent += (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return -errno;
		r = wait_for(fd, POLLOUT, deadline);
		if (r < 0)
			return r;
	}
	return 0;
}

int psc_frame_send(int fd, const json_t *json)
{
	return psc_frame_send_timeout(fd, json, SEND_TIMEOUT_MS);
}

static int receive_into(struct psc_frame_decoder *decoder, int fd, uint64_t deadline)
{
	uint8_t buffer[FIRST_CAPACITY];

	for (;;) {
		size_t missing = decoder_missing(decoder), used;
		ssize_t n;
		int r;

		/* Never more than this frame has, so that the next one stays in the socket. */
		if (missing > sizeof(buffer))
			missing = sizeof(buffer);
		r = wait_for(fd, POLLIN, deadline);
		if (r < 0)
			return r;
		n = recv(fd, buffer, missing, MSG_DONTWAIT);
		if (n < 0) {
			if (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)
				continue;
			return -errno;
		}
		if (n == 0)
			return psc_frame_decoder_midway(decoder) ? -EPIPE : -ENODATA;
		r = psc_frame_decoder_feed(decoder, buffer, (size_t)n, &used);
		if (r != 0)
			return r < 0 ? r : 0;
	}
}

int psc_frame_receive(int fd, size_t max, int timeout_ms, json_t **ret)
{
	struct psc_frame_decoder decoder;
	int r;

	psc_frame_decoder_init(&decoder, max);
	r = receive_into(&decoder, fd, deadline_after(timeout_ms));
	if (r == 0)
		r = psc_frame_decoder_take(&decoder, ret);
	psc_frame_decoder_clear(&decoder);
	return r;
}
