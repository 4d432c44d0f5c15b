/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_frame.c - control frames: bytes come in pieces whose sizes the input chooses; what
 * was decoded is encoded and decoded again.
 */
#include "user/core/frame.h"
#include "user/core/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const json_t *json)
{
	_cleanup_free_ uint8_t *frame = NULL;
	_cleanup_json_ json_t *copy = NULL;
	struct psc_frame_decoder d;
	size_t size, used;

	/* Escapes may make the text longer than what was read. */
	if (psc_frame_encode(json, PSC_FRAME_REPLY_MAX, &frame, &size) < 0)
		abort();
	psc_frame_decoder_init(&d, PSC_FRAME_REPLY_MAX);
	if (psc_frame_decoder_feed(&d, frame, size, &used) != 1 || used != size ||
	    psc_frame_decoder_take(&d, &copy) < 0 || !json_equal(json, copy))
		abort();
	psc_frame_decoder_clear(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct psc_frame_decoder d;
	size_t step;

	if (size < 1)
		return 0;
	step = data[0] % 32 + 1U;
	data++;
	size--;
	psc_frame_decoder_init(&d, PSC_FRAME_REQUEST_MAX);
	while (size > 0) {
		_cleanup_json_ json_t *json = NULL;
		size_t n = step < size ? step : size, used;
		int r = psc_frame_decoder_feed(&d, data, n, &used);

		if (r < 0)
			break;
		if (used == 0 || used > n)
			abort();
		data += used;
		size -= used;
		if (r == 1 && psc_frame_decoder_take(&d, &json) == 0)
			again(json);
	}
	psc_frame_decoder_clear(&d);
	return 0;
}
