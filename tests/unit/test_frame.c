/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_frame.c - frames of the control socket: split at every byte, limits, versions,
 * damaged JSON, sockets that close or stall.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "user/core/frame.h"
#include "user/core/json.h"

static size_t make_frame(const char *text, uint8_t version, uint8_t *buffer)
{
	size_t n = strlen(text);

	buffer[0] = n & 0xff;
	buffer[1] = n >> 8 & 0xff;
	buffer[2] = n >> 16 & 0xff;
	buffer[3] = n >> 24 & 0xff;
	buffer[4] = version;
	memcpy(buffer + PSC_FRAME_HEADER, text, n);
	return PSC_FRAME_HEADER + n;
}

static void test_encode(void **state)
{
	_cleanup_json_ json_t *json = json_pack("{s:s}", "verb", "status");
	_cleanup_free_ uint8_t *frame = NULL;
	uint8_t *none = NULL;
	size_t size;

	assert_int_equal(psc_frame_encode(json, 100, &frame, &size), 0);
	assert_int_equal(size, 5 + 17);
	assert_memory_equal(frame, "\x11\0\0\0\x01{\"verb\":\"status\"}", size);
	assert_int_equal(psc_frame_encode(json, 16, &none, &size), -EMSGSIZE);
	assert_int_equal(psc_frame_encode(json_null(), 100, &none, &size), -EINVAL);
	assert_null(none);
}

/* Two frames in a row, cut into two pieces at every place. */
static void test_split(void **state)
{
	uint8_t stream[128];
	size_t first = make_frame("{\"n\":1}", 1, stream);
	size_t total = first + make_frame("{\"n\":2}", 1, stream + first);

	for (size_t cut = 0; cut <= total; cut++) {
		struct psc_frame_decoder d;
		size_t at = 0;
		int got = 0;

		psc_frame_decoder_init(&d, 100);
		while (at < total) {
			size_t end = at < cut ? cut : total, used;
			int r = psc_frame_decoder_feed(&d, stream + at, end - at, &used);
			_cleanup_json_ json_t *json = NULL;

			assert_true(r >= 0);
			assert_true(used > 0);
			at += used;
			assert_int_equal(r, at == first || at == total);
			if (!r) {
				assert_int_equal(psc_frame_decoder_take(&d, &json), -EAGAIN);
				assert_true(psc_frame_decoder_midway(&d));
				continue;
			}
			assert_int_equal(psc_frame_decoder_take(&d, &json), 0);
			assert_int_equal(json_integer_value(json_object_get(json, "n")), ++got);
			assert_false(psc_frame_decoder_midway(&d));
		}
		assert_int_equal(got, 2);
		psc_frame_decoder_clear(&d);
	}
}

static void test_bytewise(void **state)
{
	uint8_t stream[64];
	size_t size = make_frame("{\"verb\":\"reload\"}", 1, stream);
	struct psc_frame_decoder d;
	json_t *json = NULL;

	psc_frame_decoder_init(&d, 100);
	for (size_t i = 0; i < size; i++) {
		size_t used;

		assert_int_equal(psc_frame_decoder_feed(&d, stream + i, 1, &used), i + 1 == size);
		assert_int_equal(used, 1);
	}
	assert_int_equal(psc_frame_decoder_take(&d, &json), 0);
	json_decref(json);
	psc_frame_decoder_clear(&d);
}

static void test_header_refused(void **state)
{
	static const struct {
		uint8_t header[5];
		int error;
	} cases[] = {
		{{2, 0, 0, 0, 0}, -EPROTONOSUPPORT},
		{{2, 0, 0, 0, 2}, -EPROTONOSUPPORT},
		{{0, 0, 0, 0, 1}, -EBADMSG},
		{{101, 0, 0, 0, 1}, -EMSGSIZE},
		{{0xff, 0xff, 0xff, 0xff, 1}, -EMSGSIZE},
		{{0, 0, 0, 0x80, 1}, -EMSGSIZE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct psc_frame_decoder d;
		json_t *json = NULL;
		size_t used = 77;

		psc_frame_decoder_init(&d, 100);
		assert_int_equal(psc_frame_decoder_feed(&d, cases[i].header, 5, &used),
				 cases[i].error);
		assert_int_equal(used, 77);
		assert_null(d.body);
		assert_int_equal(psc_frame_decoder_feed(&d, "x", 1, &used), cases[i].error);
		assert_int_equal(psc_frame_decoder_take(&d, &json), cases[i].error);
		psc_frame_decoder_clear(&d);
	}
}

/* A claimed length alone must not make the decoder allocate it. */
static void test_lazy_buffer(void **state)
{
	static const uint8_t header[] = {0, 0, 0, 1, 1, '{'};
	struct psc_frame_decoder d;
	size_t used;

	psc_frame_decoder_init(&d, PSC_FRAME_REPLY_MAX);
	assert_int_equal(psc_frame_decoder_feed(&d, header, sizeof(header), &used), 0);
	assert_true(d.capacity <= 4096);
	psc_frame_decoder_clear(&d);
}

static void test_bad_json(void **state)
{
	char deep[200], fits[200];
	const char *const bad[] = {
		"{",
		"[1]",
		"1",
		"null",
		"{\"a\":1,\"a\":2}",
		"{} x",
		"{\"a\":\"\\u0000\"}",
		"{\"a\":\"\xff\"}",
		"{\"a\":NaN}",
	};
	const char *const good[] = {"{}", " {\"a\":[[\"]]]][[[[\"]]} ", fits};
	json_t *json = NULL;

	snprintf(deep, sizeof(deep), "{\"a\":%.*s%.*s}", 32, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 32,
		 "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
	snprintf(fits, sizeof(fits), "{\"a\":%.*s%.*s}", 31, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 31,
		 "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(psc_json_parse(bad[i], strlen(bad[i]), 200, &json, NULL, NULL, 0),
				 -EBADMSG);
	assert_int_equal(psc_json_parse(deep, strlen(deep), 200, &json, NULL, NULL, 0), -ELOOP);
	assert_int_equal(psc_json_parse("{}", 2, 1, &json, NULL, NULL, 0), -EMSGSIZE);
	assert_null(json);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(
			psc_json_parse(good[i], strlen(good[i]), 200, &json, NULL, NULL, 0), 0);
		json_decref(json);
		json = NULL;
	}
}

static void test_reason(void **state)
{
	char reason[200] = "";
	json_t *json = NULL;
	size_t offset = 0;

	assert_int_equal(
		psc_json_parse("{\"a\" 1}", 7, 100, &json, &offset, reason, sizeof(reason)),
		-EBADMSG);
	assert_true(offset > 0 && offset <= 7);
	assert_non_null(strstr(reason, "':' expected"));
}

static void *send_big(void *arg)
{
	const int *fd = arg;
	json_t *json = json_object();
	char *text = calloc(1, 2000001);

	memset(text, 'x', 2000000);
	json_object_set_new(json, "text", json_string(text));
	assert_int_equal(psc_frame_send(*fd, json), 0);
	assert_int_equal(psc_frame_send(*fd, json), 0);
	json_decref(json);
	free(text);
	return NULL;
}

/* Larger than the socket's buffer; the second frame is not eaten with the first. */
static void test_socket_big(void **state)
{
	int fds[2];
	pthread_t thread;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(pthread_create(&thread, NULL, send_big, &fds[0]), 0);
	for (int i = 0; i < 2; i++) {
		_cleanup_json_ json_t *json = NULL;

		assert_int_equal(psc_frame_receive(fds[1], PSC_FRAME_REPLY_MAX, 10000, &json), 0);
		assert_int_equal(json_string_length(json_object_get(json, "text")), 2000000);
	}
	pthread_join(thread, NULL);
	close(fds[0]);
	close(fds[1]);
}

/* Two frames that lie in the socket together are received one by one. */
static void test_socket_two(void **state)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	for (int i = 0; i < 2; i++) {
		_cleanup_json_ json_t *json = json_pack("{s:i}", "n", i);

		assert_int_equal(psc_frame_send(fds[0], json), 0);
	}
	for (int i = 0; i < 2; i++) {
		_cleanup_json_ json_t *json = NULL;

		assert_int_equal(psc_frame_receive(fds[1], 100, 1000, &json), 0);
		assert_int_equal(json_integer_value(json_object_get(json, "n")), i);
	}
	close(fds[0]);
	close(fds[1]);
}

static void test_socket_trouble(void **state)
{
	_cleanup_json_ json_t *small = json_pack("{s:i}", "n", 1);
	json_t *json = NULL;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(psc_frame_receive(fds[1], 100, 20, &json), -ETIMEDOUT);
	assert_int_equal(write(fds[0], "\x02\0\0", 3), 3);
	assert_int_equal(psc_frame_receive(fds[1], 100, 20, &json), -ETIMEDOUT);
	assert_int_equal(write(fds[0], "\x02\0\0", 3), 3);
	close(fds[0]);
	assert_int_equal(psc_frame_receive(fds[1], 100, 20, &json), -EPIPE);
	assert_int_equal(psc_frame_receive(fds[1], 100, 20, &json), -ENODATA);
	assert_int_equal(psc_frame_send(fds[1], small), -EPIPE);
	close(fds[1]);
	assert_null(json);
}

/* A peer that reads nothing stops the sender after its time, blocking socket or not. */
static void test_send_timeout(void **state)
{
	_cleanup_json_ json_t *json = json_object();
	_cleanup_free_ char *text = calloc(1, 4000001);
	int fds[2];

	memset(text, 'x', 4000000);
	json_object_set_new(json, "text", json_string(text));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(psc_frame_send_timeout(fds[0], json, 30), -ETIMEDOUT);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encode),	     cmocka_unit_test(test_split),
		cmocka_unit_test(test_bytewise),     cmocka_unit_test(test_header_refused),
		cmocka_unit_test(test_lazy_buffer),  cmocka_unit_test(test_bad_json),
		cmocka_unit_test(test_reason),	     cmocka_unit_test(test_socket_big),
		cmocka_unit_test(test_socket_two),   cmocka_unit_test(test_socket_trouble),
		cmocka_unit_test(test_send_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
