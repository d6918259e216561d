/* Most tests run twice: in clear (_i is 0) and through TLS (1). */
#include "pair.h"

#include <sys/resource.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "io/mailbox.h"

START_TEST(small_talk_goes_both_ways)
{
	begin(_i == 1);
	ck_assert(stream_has_tls(a.stream) == (_i == 1));
	end_ask(&b);
	end_put(&a, "EHLO x\r\n");
	ck_assert(end_wait(&b) == STREAM_OK);
	ck_assert(span_equal(buf_span(&b.got), SPAN("EHLO x\r\n")));
	end_ask(&a);
	stream_put(b.stream, SPAN("250-a\r\n"));
	stream_put(b.stream, SPAN("250 b\r\n"));
	end_ask(&b); /* asking sends what was gathered */
	ck_assert(end_wait(&a) == STREAM_OK);
	ck_assert(span_equal(buf_span(&a.got), SPAN("250-a\r\n250 b\r\n")));
	ck_assert_uint_eq(a.answers, 1);
	finish();
}
END_TEST

START_TEST(input_stays_until_it_is_consumed)
{
	begin(_i == 1);
	b.asks = true;
	stream_read(b.stream, on_answer, &b);
	end_put(&a, "one");
	ck_assert(end_wait(&b) == STREAM_OK);
	ck_assert(span_equal(stream_input(b.stream), SPAN("one")));
	stream_consume(b.stream, 1);
	b.asks = true;
	stream_read(b.stream, on_answer, &b); /* wants more than there is */
	for (int i = 0; i < 3; i++)
		(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	ck_assert(b.asks);
	end_put(&a, "two");
	ck_assert(end_wait(&b) == STREAM_OK);
	ck_assert(span_equal(stream_input(b.stream), SPAN("netwo")));
	finish();
}
END_TEST

static char
pattern(size_t i)
{
	return (char)(i * 131 + i / 251);
}

static void
put_pattern(struct end *e, size_t from, size_t n)
{
	char *bytes = malloc(n + 1);

	ck_assert_ptr_nonnull(bytes);
	for (size_t i = 0; i < n; i++)
		bytes[i] = pattern(from + i);
	stream_put(e->stream, span_make(bytes, n));
	free(bytes);
}

static void
expect_pattern(const struct end *e, size_t n)
{
	struct span got = buf_span(&e->got);
	size_t same = 0;

	ck_assert_uint_eq(got.len, n);
	while (same < n && got.ptr[same] == pattern(same))
		same++;
	ck_assert_uint_eq(same, n);
}

static const size_t sizes[] = { 1, 2, 100, 4096, 16383, 16384, 16385, 32768,
	50000 };

/* _i: a size, then the same through TLS. */
START_TEST(data_of_every_size_goes_both_ways_at_once)
{
	size_t n = sizes[(size_t)_i / 2];

	begin(_i % 2 == 1);
	put_pattern(&a, 0, n);
	put_pattern(&b, 0, n);
	end_read_all(&a);
	end_read_all(&b);
	end_wait_bytes(&a, n);
	end_wait_bytes(&b, n);
	expect_pattern(&a, n);
	expect_pattern(&b, n);
	finish();
}
END_TEST

static const size_t large[] = { 200000, 1000000, 3900000 };

START_TEST(large_data_arrives_whole)
{
	size_t n = large[(size_t)_i / 2];

	begin(_i % 2 == 1);
	end_read_all(&b);
	put_pattern(&a, 0, n);
	stream_flush(a.stream);
	end_wait_bytes(&b, n);
	expect_pattern(&b, n);
	finish();
}
END_TEST

START_TEST(draining_answers_when_all_has_left)
{
	size_t n = 500000, sent = 0;

	begin(_i == 1);
	end_read_all(&b);
	while (sent < 4 * n) {
		put_pattern(&a, sent, n);
		sent += n;
		a.asks = true;
		stream_drain(a.stream, on_answer, &a);
		ck_assert(a.asks);
		ck_assert(end_wait(&a) == STREAM_OK);
	}
	end_wait_bytes(&b, sent);
	expect_pattern(&b, sent);
	/* With nothing to send it answers as well, later. */
	a.asks = true;
	stream_drain(a.stream, on_answer, &a);
	ck_assert(a.asks);
	ck_assert(end_wait(&a) == STREAM_OK);
	finish();
}
END_TEST

START_TEST(a_good_close_is_an_end)
{
	begin(_i == 1);
	end_read_all(&b);
	end_put(&a, "QUIT\r\n");
	end_close(&a);
	ck_assert(end_wait(&b) == STREAM_END);
	ck_assert(span_equal(buf_span(&b.got), SPAN("QUIT\r\n")));
	ck_assert(stream_error(b.stream)[0] != '\0');
	finish();
}
END_TEST

/* In clear there is no difference; TLS tells a cut from an end. */
START_TEST(a_cut_is_no_end_with_tls)
{
	begin(_i == 1);
	end_read_all(&b);
	end_put(&a, "QUIT\r\n");
	ck_assert_int_eq(shutdown(a.fd, SHUT_WR), 0);
	ck_assert(end_wait(&b) == (_i == 1 ? STREAM_BROKEN : STREAM_END));
	ck_assert(span_equal(buf_span(&b.got), SPAN("QUIT\r\n")));
	finish();
}
END_TEST

START_TEST(closing_sends_what_is_pending_first)
{
	size_t n = 3000000;

	begin(_i == 1);
	put_pattern(&a, 0, n); /* more than any socket takes at once */
	end_close(&a);
	for (int i = 0; i < 10; i++)
		(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	ck_assert(!a.is_closed);
	end_read_all(&b);
	ck_assert(end_wait(&b) == STREAM_END);
	expect_pattern(&b, n);
	end_wait_closed(&a);
	finish();
}
END_TEST

START_TEST(nobody_is_called_after_close)
{
	begin(_i == 1);
	end_read_all(&a);
	end_put(&b, "220 hello\r\n");
	end_close(&a); /* the input is there, and nobody is told */
	end_wait_closed(&a);
	ck_assert_uint_eq(a.answers, 0);
	finish();
}
END_TEST

START_TEST(a_peer_that_never_reads_breaks_the_stream)
{
	begin(_i == 1);
	for (int i = 0; i < 40; i++)
		put_pattern(&a, 0, 250000);
	a.asks = true;
	stream_drain(a.stream, on_answer, &a);
	ck_assert(end_wait(&a) == STREAM_BROKEN);
	ck_assert_ptr_nonnull(strstr(stream_error(a.stream), "does not take"));
	end_close(&a); /* and does not wait for it */
	end_wait_closed(&a);
	finish();
}
END_TEST

/* Bounded by the stream's own patience, some seconds. */
START_TEST(closing_does_not_wait_for_ever)
{
	begin(false);
	put_pattern(&a, 0, 3000000);
	end_close(&a);
	end_wait_closed(&a);
	finish();
}
END_TEST

START_TEST(who_reads_is_told_when_a_write_fails)
{
	begin(_i == 1);
	end_read_all(&a);
	ck_assert_int_eq(shutdown(b.fd, SHUT_RD), 0);
	end_put(&a, "one"); /* EPIPE */
	end_put(&a, "two");
	ck_assert(end_wait(&a) == STREAM_BROKEN);
	finish();
}
END_TEST

START_TEST(a_broken_stream_answers_everything_with_broken)
{
	begin(_i == 1);
	ck_assert_int_eq(shutdown(b.fd, SHUT_RD), 0);
	end_put(&a, "one");
	end_put(&a, "two");
	for (int i = 0; i < 2; i++) {
		end_ask(&a);
		ck_assert(end_wait(&a) == STREAM_BROKEN);
		a.asks = true;
		stream_drain(a.stream, on_answer, &a);
		ck_assert(end_wait(&a) == STREAM_BROKEN);
	}
	ck_assert_uint_eq(a.answers, 4);
	finish();
}
END_TEST

/* A host may refuse, and hang up on content that it has not read. */
START_TEST(the_last_words_of_a_peer_that_hung_up_are_heard)
{
	begin(_i == 1);
	end_put(&b, "421 no");
	end_close(&b);
	while (!b.is_closed)
		turn();
	end_put(&a, "one"); /* EPIPE */
	end_ask(&a);
	ck_assert(end_wait(&a) == STREAM_BROKEN);
	ck_assert(stream_last_words(a.stream));
	ck_assert(span_equal(stream_input(a.stream), SPAN("421 no")));
	ck_assert(!stream_last_words(a.stream));
	finish();
}
END_TEST

/* --- connecting --- */

static int
listen_anywhere(struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof *at;

	*at = (struct sockaddr_in){ .sin_family = AF_INET };
	at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)at, sizeof *at), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)at, &len), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

static void
connect_to(const struct sockaddr_in *at)
{
	a = (struct end){ .asks = true };
	a.stream = stream_connect(
	    loop, (const struct sockaddr *)at, sizeof *at, on_answer, &a);
	ck_assert_ptr_nonnull(a.stream);
	ck_assert(a.asks);
}

START_TEST(connecting_says_when_it_is_done)
{
	struct sockaddr_in at;
	int fd = listen_anywhere(&at);

	connect_to(&at);
	ck_assert(end_wait(&a) == STREAM_OK);
	b = (struct end){ .fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK) };
	b.stream = stream_new(loop, b.fd);
	end_ask(&a);
	end_put(&b, "220 hello\r\n");
	ck_assert(end_wait(&a) == STREAM_OK);
	finish();
	(void)close(fd);
}
END_TEST

START_TEST(a_refused_connection_says_so)
{
	struct sockaddr_in at;

	(void)close(listen_anywhere(&at));
	connect_to(&at);
	ck_assert(end_wait(&a) == STREAM_BROKEN);
	ck_assert_str_eq(stream_error(a.stream), strerror(ECONNREFUSED));
	end_close(&a);
	end_wait_closed(&a);
}
END_TEST

/* It is not the peer's fault, and must not look like that. */
START_TEST(without_a_descriptor_there_is_no_stream)
{
	struct sockaddr_in at;
	int fd = listen_anywhere(&at), next = dup(fd);
	struct rlimit all, none;

	(void)close(next);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
	none = all;
	none.rlim_cur = (rlim_t)next;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_ptr_null(stream_connect(
	    loop, (struct sockaddr *)&at, sizeof at, on_answer, &a));
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
	(void)close(fd);
}
END_TEST

START_TEST(an_address_that_cannot_be_says_so_later)
{
	struct sockaddr_in at = { .sin_family = AF_INET };

	at.sin_addr.s_addr = htonl(0xffffffff);
	at.sin_port = htons(25);
	connect_to(&at);
	ck_assert(end_wait(&a) == STREAM_BROKEN);
	end_close(&a);
	end_wait_closed(&a);
}
END_TEST

/* Both come with one wake, and libuv stops a poll that saw an error. */
START_TEST(a_reset_right_behind_some_bytes_is_told)
{
	static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03";
	const struct linger hard = { .l_onoff = 1 };
	int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at;
	int fd = listen_anywhere(&at);

	ck_assert_int_eq(connect(peer, (struct sockaddr *)&at, sizeof at), 0);
	b = (struct end){ .fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK),
		.got.max = 1000 };
	b.stream = stream_new(loop, b.fd);
	if (_i == 1)
		start_tls(&b, tls_server_session(server));
	else
		end_read_all(&b);
	(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	ck_assert_int_eq(write(peer, hello, sizeof hello), sizeof hello);
	(void)setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
	(void)close(peer);
	ck_assert(end_wait(&b) == STREAM_BROKEN);
	end_close(&b);
	end_wait_closed(&b);
	buf_clear(&b.got);
	(void)close(fd);
}
END_TEST

START_TEST(a_connection_under_way_can_be_given_up)
{
	struct sockaddr_in at;
	int fd = listen_anywhere(&at);

	connect_to(&at);
	end_close(&a);
	end_wait_closed(&a);
	ck_assert_uint_eq(a.answers, 0);
	(void)close(fd);
}
END_TEST

/* --- what OpenSSL holds --- */

enum {
	RECORD = 16384,
	FULL =
	    3 * RECORD, /* of b's buffer: one more, however small, fills it */
	SMALL = 1000,
	SMALLS = 4, /* records behind those */
	ON_WIRE = 22, /* a record, more than it carries */
};

/* Between the two ends, so that a test says when which bytes arrive. */
static struct {
	int to_a, to_b;
	struct buf held; /* from a, not passed on yet */
} middle;

static size_t
take_from(int fd, struct buf *into)
{
	char some[65536];
	ssize_t n = recv(fd, some, sizeof some, MSG_DONTWAIT);

	if (n <= 0)
		return 0;
	ck_assert(buf_append(into, some, (size_t)n));
	return (size_t)n;
}

static void
pass_on(size_t n)
{
	struct span s = span_to(buf_span(&middle.held), n);

	ck_assert_int_eq(
	    send(middle.to_b, s.ptr, s.len, MSG_DONTWAIT), (ssize_t)s.len);
	buf_consume(&middle.held, s.len);
}

static void
pass_back(void)
{
	struct buf some = { 0 };

	while (take_from(middle.to_b, &some) > 0)
		ck_assert(send(middle.to_a, buf_span(&some).ptr, buf_len(&some),
			      MSG_DONTWAIT) == (ssize_t)buf_len(&some));
	buf_clear(&some);
}

static void
begin_with_middle(void)
{
	int fds[2][2];

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(
		    socketpair(AF_UNIX,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds[i]),
		    0);
	a = (struct end){ .fd = fds[0][0], .got.max = 64 << 20 };
	b = (struct end){ .fd = fds[1][0], .got.max = 64 << 20 };
	a.stream = stream_new(loop, a.fd);
	b.stream = stream_new(loop, b.fd);
	middle.to_a = fds[0][1];
	middle.to_b = fds[1][1];
	start_tls(&b, tls_server_session(server));
	start_tls(&a, client_session("relay.test", false, NULL));
	while (a.asks || b.asks) {
		(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
		ck_assert(!is_late);
		if (take_from(middle.to_a, &middle.held) > 0)
			pass_on(buf_len(&middle.held));
		pass_back();
	}
	ck_assert(a.status == STREAM_OK && b.status == STREAM_OK);
}

static void
finish_with_middle(void)
{
	(void)close(middle.to_a);
	(void)close(middle.to_b);
	buf_clear(&middle.held);
	finish();
}

/* Three full records and some small ones are under way to b. */
static void
send_records_to_the_middle(void)
{
	size_t n = FULL + 3 * ON_WIRE + SMALLS * (SMALL + ON_WIRE);

	put_pattern(&a, 0, FULL);
	stream_flush(a.stream);
	for (size_t i = 0; i < SMALLS; i++) {
		put_pattern(&a, FULL + i * SMALL, SMALL);
		stream_flush(a.stream);
	}
	while (buf_len(&middle.held) < n) {
		(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
		(void)take_from(middle.to_a, &middle.held);
		ck_assert(!is_late);
	}
	ck_assert_uint_eq(buf_len(&middle.held), n);
}

/*
 * Of seven records b took four, holds the fifth and some of the sixth, and asks
 * for nothing.
 */
static void
hold_some(void)
{
	begin_with_middle();
	send_records_to_the_middle();
	pass_on(buf_len(&middle.held) - SMALL - SMALL / 2);
	b.asks = true;
	stream_read(b.stream, on_answer, &b); /* and leaves it where it is */
	ck_assert(end_wait(&b) == STREAM_OK);
	ck_assert_uint_eq(stream_input(b.stream).len, FULL);
	end_ask(&b);
	ck_assert(end_wait(&b) == STREAM_OK);
	ck_assert_uint_eq(buf_len(&b.got), FULL + SMALL);
}

/* No poll tells of it, as there is nothing new. */
START_TEST(held_input_is_told_of_when_nothing_comes)
{
	hold_some();
	end_ask(&b);
	ck_assert(end_wait(&b) == STREAM_OK);
	ck_assert_uint_eq(buf_len(&b.got), FULL + 2 * SMALL);
	end_ask(&b); /* a part of a record is no input */
	for (int i = 0; i < 10; i++)
		(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	ck_assert(b.asks);
	finish_with_middle();
}
END_TEST

/* b asks in a parcel; in the same turn, behind it, one more byte is there. */
static void
ask_before_a_byte(struct parcel *p)
{
	/* What was ready last is told of first while nobody looked again. */
	(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	mailbox_post(loop, p);
	pass_on(1);
	for (int i = 0; i < 10 && buf_len(&b.got) < FULL + 2 * SMALL; i++)
		(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	ck_assert_uint_eq(buf_len(&b.got), FULL + 2 * SMALL);
}

static void
on_fifth(enum stream_status status, void *arg)
{
	struct end *e = arg;

	e->reads_on = true;
	pass_on(buf_len(&middle.held));
	on_more(status, e); /* asks again */
}

static void
open_ask(struct parcel *p)
{
	(void)p;
	b.asks = true;
	stream_read(b.stream, on_fifth, &b);
}

START_TEST(held_input_is_told_of_whatever_was_dry_before)
{
	struct parcel p = { .open = open_ask };

	hold_some();
	ask_before_a_byte(&p);
	for (int i = 0; i < 20; i++)
		(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	expect_pattern(&b, FULL + SMALLS * SMALL);
	finish_with_middle();
}
END_TEST

static void
on_fifth_drain(enum stream_status status, void *arg)
{
	struct end *e = arg;

	on_more(status, e);
	put_pattern(e, 0, 3000000);
	e->asks = true;
	stream_drain(e->stream, on_answer, e);
}

static void
open_ask_then_drain(struct parcel *p)
{
	(void)p;
	b.asks = true;
	stream_read(b.stream, on_fifth_drain, &b);
}

START_TEST(a_drain_is_not_answered_by_what_a_read_left_behind)
{
	struct parcel p = { .open = open_ask_then_drain };

	hold_some();
	ask_before_a_byte(&p);
	for (int i = 0; i < 10; i++)
		(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	ck_assert(b.asks); /* nobody took what it waits for */
	finish_with_middle();
}
END_TEST

/* The last of it may fill what gathers before OpenSSL's word of the end. */
START_TEST(tls_is_ended_however_much_is_pending)
{
	int small = 4096;

	for (size_t n = 60000; n < 160000; n += 5000) {
		begin(true);
		ck_assert_int_eq(setsockopt(a.fd, SOL_SOCKET, SO_SNDBUF, &small,
				     sizeof small),
		    0);
		put_pattern(&a, 0, n);
		end_close(&a);
		for (int i = 0; i < 5; i++)
			(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
		end_read_all(&b);
		ck_assert_msg(end_wait(&b) == STREAM_END, "%zu bytes: %s", n,
		    stream_error(b.stream));
		expect_pattern(&b, n);
		finish();
	}
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, pair_setup, pair_teardown);
	tcase_add_loop_test(tc, small_talk_goes_both_ways, 0, 2);
	tcase_add_loop_test(tc, input_stays_until_it_is_consumed, 0, 2);
	tcase_add_loop_test(tc, data_of_every_size_goes_both_ways_at_once, 0,
	    2 * (int)ARRAY_LEN(sizes));
	tcase_add_loop_test(
	    tc, large_data_arrives_whole, 0, 2 * (int)ARRAY_LEN(large));
	tcase_add_loop_test(tc, draining_answers_when_all_has_left, 0, 2);
	tcase_add_loop_test(tc, a_good_close_is_an_end, 0, 2);
	tcase_add_loop_test(tc, a_cut_is_no_end_with_tls, 0, 2);
	tcase_add_loop_test(tc, closing_sends_what_is_pending_first, 0, 2);
	tcase_add_loop_test(tc, nobody_is_called_after_close, 0, 2);
	tcase_add_loop_test(
	    tc, a_peer_that_never_reads_breaks_the_stream, 0, 2);
	tcase_add_test(tc, closing_does_not_wait_for_ever);
	tcase_add_loop_test(tc, who_reads_is_told_when_a_write_fails, 0, 2);
	tcase_add_loop_test(
	    tc, a_broken_stream_answers_everything_with_broken, 0, 2);
	tcase_add_loop_test(
	    tc, the_last_words_of_a_peer_that_hung_up_are_heard, 0, 2);
	tcase_add_test(tc, connecting_says_when_it_is_done);
	tcase_add_test(tc, a_refused_connection_says_so);
	tcase_add_test(tc, without_a_descriptor_there_is_no_stream);
	tcase_add_test(tc, an_address_that_cannot_be_says_so_later);
	tcase_add_loop_test(tc, a_reset_right_behind_some_bytes_is_told, 0, 2);
	tcase_add_test(tc, a_connection_under_way_can_be_given_up);
	tcase_add_test(tc, held_input_is_told_of_when_nothing_comes);
	tcase_add_test(tc, held_input_is_told_of_whatever_was_dry_before);
	tcase_add_test(tc, a_drain_is_not_answered_by_what_a_read_left_behind);
	tcase_add_test(tc, tls_is_ended_however_much_is_pending);
}

SUITE_MAIN("stream", fill)
