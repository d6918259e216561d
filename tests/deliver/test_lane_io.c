#include "deliver/lane_io.h"

#include "tests/deliver/world.h"

static struct deliver_worker worker;
static struct target *target;
static struct lane_io *lane;
static struct envelope *env;
static struct attempt *attempt;
static uint32_t flags; /* of envelopes to come */

/* What came back. */
static unsigned answers, ends, lates;
static bool more;
static struct lane_end end;

static void
on_answered(void *token, struct attempt *a, bool has_more, void *arg)
{
	ck_assert_ptr_eq(token, &lane);
	ck_assert_ptr_eq(a, attempt);
	(void)arg;
	answers++;
	more = has_more;
}

static void
on_ended(void *token, struct attempt *a, const struct lane_end *why, void *arg)
{
	ck_assert_ptr_eq(token, &lane);
	ck_assert_ptr_eq(a, answers > 0 ? NULL : attempt);
	(void)arg;
	ends++;
	end = *why;
	lane = NULL;
}

static void
on_too_late(void *token, void *arg)
{
	ck_assert_ptr_eq(token, &lane);
	(void)arg;
	lates++;
}

static void
setup(void)
{
	static const uint64_t seed[2] = { 1, 2 };

	now = 1000;
	worker = (struct deliver_worker){ .peers = peers_new(10, seed),
		.answered = on_answered,
		.ended = on_ended,
		.too_late = on_too_late };
	list_init(&worker.lanes);
	target = target_new();
	target->hostname = mem_strdup("relay.test");
	target->timeout = 30;
	target->idle = 5;
	target->messages = 100;
	target->chunking = true;
	target_add_host(target, SPAN("mx.test"), 0);
}

static void
drop_attempt(void)
{
	if (attempt != NULL)
		content_unref(attempt->content);
	attempt_free(attempt);
	free(env);
	attempt = NULL;
	env = NULL;
}

static void
teardown(void)
{
	ck_assert(list_is_empty(&worker.lanes));
	drop_attempt();
	ck_assert_uint_eq(contents, 0);
	ck_assert_uint_eq(the_signature.refs, 0);
	lane_end_clear(&end);
	target_unref(target);
	peers_unref(worker.peers);
}

/* Addresses 127.0.0.1, at ports 1, 2 ... */
static void
make_addresses(uint16_t n)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	for (uint16_t port = 1; port <= n; port++)
		target_add_address(target, (struct sockaddr *)&in, port);
}

/* Takes the content; NULL: the lane fetches it. */
static void
make_attempt(uint32_t nrcpt, struct content *content)
{
	struct span rcpts[32];
	uint32_t all[32];
	struct envelope_parts parts = { .sender = SPAN("a@b.test"),
		.rcpt = rcpts,
		.nrcpt = nrcpt,
		.flags = flags };

	for (uint32_t i = 0; i < nrcpt; i++) {
		rcpts[i] = SPAN("x@c.test");
		all[i] = i;
	}
	drop_attempt();
	env = envelope_new(&parts);
	attempt = attempt_new(env, content, all, nrcpt);
}

static void
start(uint16_t naddresses)
{
	make_addresses(naddresses);
	make_attempt(1, content_make(false));
	lane = lane_io_start(&worker, target_ref(target), 0, attempt, &lane);
}

static void
restart(void)
{
	ck_assert_uint_eq(ends, 1);
	ends = answers = 0;
	lane_end_clear(&end);
	make_attempt(1, content_make(false));
	lane = lane_io_start(&worker, target_ref(target), 0, attempt, &lane);
}

/* Up to MAIL and what follows it. */
static void
shakes(int i, const char *ehlo)
{
	comes_up(i);
	says(i, "220 hi\r\n");
	heard(i, "EHLO relay.test\r\n");
	says(i, ehlo);
}

enum { RACE_HEAD_START_MS = 250 };

#define GROUP "MAIL FROM:<a@b.test>\r\nRCPT TO:<x@c.test>\r\n"
#define PIPELINING "250-mx.test\r\n250 PIPELINING\r\n"
#define CHUNKING "250-mx.test\r\n250-PIPELINING\r\n250 CHUNKING\r\n"

/* Of the way without CHUNKING, to the end of the content. */
static void
takes_content(int i)
{
	heard(i, GROUP "DATA\r\n");
	says(i, "250 ok\r\n250 ok\r\n354 go\r\n");
	heard(i, "hello\r\n.\r\n");
}

static void
ends_now(void)
{
	pass(2); /* a race that is lost, and the lane */
	close_all();
	ck_assert_uint_eq(ends, 1);
}

static void
reason_is(enum stage stage, const char *what)
{
	struct words w = reason_words(end.reason);

	ck_assert_int_eq(w.stage, stage);
	ck_assert_msg(span_equal(w.what, span_text(what)), "it is %.*s",
	    SPAN_ARG(w.what));
}

START_TEST(messages_go_through_until_there_are_no_more)
{
	start(1);
	shakes(0, PIPELINING);
	takes_content(0);
	ck_assert(attempt->content_ended);
	says(0, "250 taken\r\n");
	ck_assert_uint_eq(answers, 1);
	ck_assert(more);
	ck_assert_int_eq(attempt->rcpts[0].outcome, OUTCOME_DELIVERED);
	make_attempt(1, content_make(false));
	lane_io_give(lane, attempt);
	takes_content(0);
	says(0, "250 taken\r\n");
	ck_assert_uint_eq(answers, 2);
	pass(4999);
	heard(0, "");
	pass(1);
	heard(0, "QUIT\r\n");
	says(0, "221 bye\r\n");
	close_all();
	ck_assert_uint_eq(ends, 1);
	ck_assert_int_eq(end.blame, BLAME_NONE);
}
END_TEST

/* --- addresses --- */

START_TEST(a_silent_address_gets_company_and_has_not_failed)
{
	start(3);
	pass(RACE_HEAD_START_MS - 1);
	ck_assert_int_eq(nstreams, 1);
	pass(1);
	ck_assert_int_eq(nstreams, 2);
	ck_assert_uint_eq(streams[1].port, 2);
	pass(10000);
	ck_assert_int_eq(nstreams, 2);
	shakes(1, PIPELINING);
	ck_assert(streams[0].is_closing);
	ck_assert(!peers_has_failed(worker.peers, "127.0.0.1:1", now));
	takes_content(1);
	says(1, "250 taken\r\n");
	ck_assert_uint_eq(answers, 1);
	hangs_up(1);
	ends_now();
	ck_assert_int_eq(end.blame, BLAME_NONE);
}
END_TEST

START_TEST(who_lost_a_race_is_tried_when_the_winner_is_of_no_use)
{
	start(2);
	pass(RACE_HEAD_START_MS);
	comes_up(1);
	says(1, "554 go away\r\n");
	close_all();
	ck_assert_uint_eq(ends, 0);
	ck_assert_int_eq(nstreams, 3);
	ck_assert_uint_eq(streams[2].port, 1);
	refuses(2);
	ends_now();
	ck_assert_int_eq(end.blame, BLAME_HOST);
	reason_is(STAGE_GREETING, "greeting");
	ck_assert(attempt_is_untouched(attempt));
}
END_TEST

/* What came before a connection that worked is not told of its end. */
START_TEST(an_address_that_works_ends_the_story_of_the_others)
{
	start(2);
	comes_up(0);
	says(0, "554 go away\r\n");
	close_all();
	shakes(1, PIPELINING);
	says(1, "250 ok\r\n");
	hangs_up(1);
	ends_now();
	ck_assert_int_eq(end.blame, BLAME_MESSAGE);
	reason_is(STAGE_RCPT, "host closed the connection");
}
END_TEST

START_TEST(what_failed_is_tried_last_next_time)
{
	start(2);
	refuses(0);
	ck_assert_int_eq(nstreams, 2);
	refuses(1);
	ends_now();
	ck_assert_int_eq(end.blame, BLAME_HOST);
	reason_is(STAGE_CONNECT, "connection refused");
	peers_set_failed(worker.peers, "127.0.0.1:2", false, now);
	restart();
	ck_assert_uint_eq(streams[2].port, 2);
	refuses(2);
	ck_assert_uint_eq(streams[3].port, 1);
	shakes(3, PIPELINING);
	ck_assert(!peers_has_failed(worker.peers, "127.0.0.1:1", now));
	ck_assert(peers_has_failed(worker.peers, "127.0.0.1:2", now));
	lane_io_withdraw(lane);
	ends_now();
}
END_TEST

START_TEST(an_address_that_stays_silent_fails_in_its_time)
{
	start(1);
	pass(29999);
	ck_assert_uint_eq(ends, 0);
	pass(2);
	ends_now();
	reason_is(STAGE_CONNECT, "no answer in time");
	ck_assert_int_eq(end.blame, BLAME_HOST);
	ck_assert(peers_has_failed(worker.peers, "127.0.0.1:1", now));
}
END_TEST

/* The worker has the lane by then: it does not end while it starts. */
START_TEST(without_a_descriptor_a_lane_ends_later_and_blames_nobody)
{
	no_descriptors = true;
	start(2);
	ck_assert_uint_eq(ends, 0);
	ends_now();
	ck_assert(end.no_descriptor);
	ck_assert_int_eq(end.blame, BLAME_NONE);
	ck_assert(attempt_is_untouched(attempt));
	ck_assert(!peers_has_failed(worker.peers, "127.0.0.1:1", now));
}
END_TEST

/* --- TLS --- */

START_TEST(optional_tls_that_fails_is_left_out_at_the_same_address)
{
	start(2);
	shakes(0, "250-mx.test\r\n250 STARTTLS\r\n");
	heard(0, "STARTTLS\r\n");
	says(0, "220 go\r\n");
	hangs_up(0);
	close_all();
	ck_assert_int_eq(nstreams, 2);
	ck_assert_uint_eq(streams[1].port, 1);
	shakes(1, "250-mx.test\r\n250-PIPELINING\r\n250 STARTTLS\r\n");
	takes_content(1);
	says(1, "250 taken\r\n");
	ck_assert_str_eq(attempt->tls, "");
	hangs_up(1);
	ends_now();
}
END_TEST

START_TEST(a_silent_handshake_is_one_that_fails)
{
	target->tls = _i == 0 ? TARGET_TLS_IMPLICIT : TARGET_TLS_REQUIRE;
	start(1);
	if (_i == 0) {
		comes_up(0);
	} else {
		shakes(0, "250-mx.test\r\n250 STARTTLS\r\n");
		says(0, "220 go\r\n");
	}
	pass(300001);
	ends_now();
	ck_assert_int_eq(end.blame, BLAME_CHANNEL);
	ck_assert_int_eq(nstreams, 1);
	ck_assert_int_eq(reason_words(end.reason).stage, STAGE_STARTTLS);
	ck_assert(attempt_is_untouched(attempt));
}
END_TEST

/* --- time --- */

START_TEST(a_dripping_reply_does_not_push_its_deadline_back)
{
	start(1);
	comes_up(0);
	says(0, "220 hi\r\n");
	says(0, "250-mx.test\r\n");
	for (int i = 0; i < 29; i++) {
		pass(10000);
		says(0, "2");
		says(0, "50-x\r\n");
	}
	ck_assert_uint_eq(ends, 0);
	pass(10000);
	ends_now();
	ck_assert_int_eq(end.blame, BLAME_HOST);
	reason_is(STAGE_EHLO, "no answer in time");
}
END_TEST

START_TEST(an_attempt_has_a_limit_however_the_host_spends_it)
{
	uint64_t began;
	int n = 0;

	make_addresses(1);
	make_attempt(20, content_make(false));
	lane = lane_io_start(&worker, target_ref(target), 0, attempt, &lane);
	shakes(0, PIPELINING);
	began = now;
	while (ends == 0 && n++ < 20) {
		pass(299000);
		if (!streams[0].is_closing)
			says(0, "250 ok\r\n");
		close_all();
	}
	ck_assert_uint_eq(ends, 1);
	ck_assert_uint_le(now - began, attempt->limit_ms + 299000);
	ck_assert_int_eq(end.blame, BLAME_MESSAGE);
	ck_assert_int_eq(attempt->rcpts[0].outcome, OUTCOME_NEXT_HOST);
}
END_TEST

/* --- withdrawing --- */

static void
is_withdrawn(void)
{
	lane_io_withdraw(lane);
	ck_assert_uint_eq(ends, 0);
	ends_now();
	ck_assert(end.withdrawn);
	ck_assert_int_eq(end.blame, BLAME_NONE);
	ck_assert(attempt_is_untouched(attempt));
	ck_assert_uint_eq(lates, 0);
}

START_TEST(a_signature_leaves_in_front_of_the_content)
{
	signing = _i == 0 ? SIGNED_NOW : SIGNED_LATER;
	start(1);
	shakes(0, CHUNKING);
	if (signing == SIGNED_LATER) {
		heard(0, "");
		pass(1000000); /* no deadline of the host's runs meanwhile */
		is_signed();
	}
	heard(0, GROUP "BDAT 0\r\n");
	says(0, "250 ok\r\n250 ok\r\n250 ok\r\n");
	heard(0, "BDAT 26 LAST\r\nDKIM-Signature: x\r\nhello\r\n");
	ck_assert_uint_eq(the_signature.refs, 1);
	says(0, "250 taken\r\n");
	ck_assert_uint_eq(the_signature.refs, 0);
	ck_assert_uint_eq(answers, 1);
	hangs_up(0);
	ends_now();
}
END_TEST

START_TEST(a_signature_is_not_stuffed_into_data)
{
	signing = SIGNED_NOW;
	start(1);
	shakes(0, PIPELINING);
	heard(0, GROUP "DATA\r\n");
	says(0, "250 ok\r\n250 ok\r\n354 go\r\n");
	heard(0, "DKIM-Signature: x\r\nhello\r\n.\r\n");
	hangs_up(0);
	ends_now();
}
END_TEST

/* Until it comes the lane stays; then it ends, and lets it go. */
START_TEST(what_waits_for_its_signature_can_be_withdrawn)
{
	signing = SIGNED_LATER;
	start(1);
	shakes(0, PIPELINING);
	lane_io_withdraw(lane);
	close_all();
	pass(1000);
	ck_assert_uint_eq(ends, 0);
	is_signed();
	ck_assert_uint_eq(ends, 1);
	ck_assert(end.withdrawn);
	ck_assert(attempt_is_untouched(attempt));
}
END_TEST

START_TEST(what_waits_for_a_connection_can_be_withdrawn)
{
	start(2);
	pass(RACE_HEAD_START_MS);
	is_withdrawn();
	ck_assert(streams[0].is_gone && streams[1].is_gone);
}
END_TEST

START_TEST(what_waits_for_a_reply_can_be_withdrawn)
{
	start(1);
	shakes(0, PIPELINING);
	says(0, "250 ok\r\n250 ok\r\n");
	is_withdrawn();
}
END_TEST

START_TEST(what_waits_for_a_handshake_can_be_withdrawn)
{
	target->tls = TARGET_TLS_IMPLICIT;
	start(1);
	comes_up(0);
	is_withdrawn();
}
END_TEST

START_TEST(what_waits_for_content_can_be_withdrawn)
{
	make_addresses(1);
	make_attempt(1, NULL);
	lane = lane_io_start(&worker, target_ref(target), 0, attempt, &lane);
	shakes(0, PIPELINING);
	ck_assert_ptr_nonnull(fetch_cb);
	lane_io_withdraw(lane);
	close_all();
	ck_assert_uint_eq(ends, 0); /* the pool still has it */
	fetch_cb(SPOOL_OK, content_make(false), fetch_arg);
	ck_assert_uint_eq(ends, 1);
	ck_assert(end.withdrawn);
	ck_assert_ptr_null(attempt->content);
}
END_TEST

START_TEST(behind_the_end_of_the_content_it_is_too_late)
{
	start(1);
	shakes(0, PIPELINING);
	takes_content(0);
	lane_io_withdraw(lane);
	ck_assert_uint_eq(lates, 1);
	says(0, "250 taken\r\n");
	ck_assert_uint_eq(answers, 1);
	ck_assert_int_eq(attempt->rcpts[0].outcome, OUTCOME_DELIVERED);
	lane_io_withdraw(lane); /* its answer is on its way */
	ck_assert_uint_eq(lates, 1);
	heard(0, "");
	hangs_up(0);
	ends_now();
	ck_assert(!end.withdrawn);
}
END_TEST

/* --- content in a file --- */

static void
start_large(void)
{
	make_addresses(1);
	make_attempt(1, content_make(true));
	lane = lane_io_start(&worker, target_ref(target), 0, attempt, &lane);
	shakes(0, PIPELINING);
	heard(0, GROUP "DATA\r\n");
	says(0, "250 ok\r\n250 ok\r\n354 go\r\n");
	heard(0, "");
	ck_assert_ptr_nonnull(work_done);
}

START_TEST(large_content_leaves_in_pieces)
{
	start_large();
	work_done(work_arg);
	heard(0, "hel");
	drains(0);
	heard(0, "lo\r");
	ck_assert(!attempt->content_ended);
	drains(0);
	heard(0, "\n");
	drains(0);
	heard(0, ".\r\n");
	ck_assert(attempt->content_ended);
	says(0, "250 taken\r\n");
	ck_assert_int_eq(attempt->rcpts[0].outcome, OUTCOME_DELIVERED);
	hangs_up(0);
	ends_now();
}
END_TEST

START_TEST(content_is_withdrawn_while_a_piece_is_read_or_leaves)
{
	start_large();
	if (_i == 1) {
		work_done(work_arg);
		is_withdrawn();
		return;
	}
	lane_io_withdraw(lane);
	close_all();
	ck_assert_uint_eq(ends, 0); /* the pool still has it */
	work_done(work_arg);
	ck_assert_uint_eq(ends, 1);
	ck_assert(end.withdrawn);
}
END_TEST

/* What was sent of it is never completed. */
START_TEST(a_piece_that_is_damaged_ends_the_connection_and_blames_nobody)
{
	start_large();
	work_done(work_arg);
	attempt->content->is_damaged = true;
	heard(0, "hel");
	drains(0);
	heard(0, "");
	ends_now();
	ck_assert_int_eq(end.blame, BLAME_NONE);
	ck_assert_int_eq(attempt->rcpts[0].outcome, OUTCOME_LATER);
}
END_TEST

START_TEST(a_host_that_takes_no_piece_is_lost_and_another_may_have_it)
{
	start_large();
	work_done(work_arg);
	if (_i == 0)
		hangs_up(0);
	else
		pass(180000);
	ends_now();
	ck_assert_int_eq(end.blame, BLAME_MESSAGE);
	ck_assert_int_eq(attempt->rcpts[0].outcome, OUTCOME_NEXT_HOST);
	ck_assert_int_eq(reason_words(end.reason).stage, STAGE_CONTENT);
}
END_TEST

/* What it said before is heard. */
START_TEST(a_host_that_hangs_up_on_content_says_why)
{
	start_large();
	work_done(work_arg);
	(void)buf_append_text(&streams[0].last, "421 4.3.2 too busy\r\n");
	refuses(0);
	ends_now();
	ck_assert_int_eq(attempt->rcpts[0].outcome, OUTCOME_NEXT_HOST);
	ck_assert(span_starts(reason_words(attempt->rcpts[0].reason).said,
	    SPAN("421 4.3.2 too busy")));
}
END_TEST

/* 500 octets a second: what is in memory has the time of its size, too. */
START_TEST(content_that_leaves_at_once_has_the_time_of_its_size)
{
	start(1);
	shakes(0, PIPELINING);
	takes_content(0);
	pass(600000 + 2 * content_text.len - 1);
	ck_assert(!streams[0].is_closing);
	pass(1);
	ends_now();
	ck_assert_int_eq(end.blame, BLAME_MESSAGE);
	ck_assert_int_eq(attempt->rcpts[0].outcome, OUTCOME_LATER);
	ck_assert(span_equal(
	    reason_words(end.reason).host, SPAN("mx.test [127.0.0.1]:1")));
}
END_TEST

/* --- what is learned, and the rest --- */

START_TEST(a_host_that_does_not_know_bdat_is_asked_once)
{
	start(1);
	shakes(0, CHUNKING);
	heard(0, GROUP "BDAT 0\r\n");
	says(0, "250 ok\r\n250 ok\r\n500 what\r\n");
	heard(0, "RSET\r\n" GROUP "DATA\r\n");
	says(0, "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
	heard(0, "hello\r\n.\r\n");
	says(0, "250 taken\r\n");
	hangs_up(0);
	ends_now();
	restart();
	shakes(1, CHUNKING);
	takes_content(1);
	lane_io_withdraw(lane);
	says(1, "250 taken\r\n");
	hangs_up(1);
	ends_now();
}
END_TEST

/* It may hang up on what it does not know, too. */
START_TEST(what_was_learned_outlives_a_connection_that_is_lost)
{
	struct words w;

	start(1);
	shakes(0, CHUNKING);
	heard(0, GROUP "BDAT 0\r\n");
	says(0, "250 ok\r\n250 ok\r\n502 what\r\n");
	hangs_up(0);
	ends_now();
	ck_assert_int_eq(end.blame, BLAME_MESSAGE);
	ck_assert_int_eq(attempt->rcpts[0].outcome, OUTCOME_NEXT_HOST);
	w = reason_words(attempt->rcpts[0].reason);
	ck_assert(span_equal(w.host, SPAN("mx.test [127.0.0.1]:1")));
	restart();
	shakes(1, CHUNKING);
	takes_content(1);
	says(1, "250 taken\r\n");
	hangs_up(1);
	ends_now();
}
END_TEST

START_TEST(a_host_says_how_many_messages_it_takes)
{
	start(1);
	shakes(0, "250-mx.test\r\n250-PIPELINING\r\n250 LIMITS MAILMAX=1\r\n");
	takes_content(0);
	says(0, "250 taken\r\n");
	ck_assert(!more);
	heard(0, "QUIT\r\n");
	says(0, "221 bye\r\n");
	ends_now();
}
END_TEST

START_TEST(an_attempt_that_comes_too_late_goes_back_as_it_came)
{
	start(1);
	shakes(0, PIPELINING);
	takes_content(0);
	says(0, "250 taken\r\n");
	answers = 0;
	make_attempt(1, content_make(false));
	if (_i == 0)
		hangs_up(0);
	else
		lane_io_quit(lane);
	lane_io_give(lane, attempt);
	ends_now();
	ck_assert(attempt_is_untouched(attempt));
	ck_assert_int_eq(end.blame, BLAME_NONE);
}
END_TEST

START_TEST(a_damaged_content_is_put_off_and_the_lane_goes_on)
{
	make_addresses(1);
	make_attempt(1, NULL);
	lane = lane_io_start(&worker, target_ref(target), 0, attempt, &lane);
	shakes(0, PIPELINING);
	fetch_cb(SPOOL_DAMAGED, NULL, fetch_arg);
	ck_assert_uint_eq(answers, 1);
	ck_assert(more);
	ck_assert_int_eq(attempt->rcpts[0].outcome, OUTCOME_LATER);
	hangs_up(0);
	ends_now();
	ck_assert_int_eq(end.blame, BLAME_NONE);
}
END_TEST

/* --- content that the host does not take as it is --- */

#define SMILE "\xe2\x98\xba"
#define QUOTED                                                                 \
	"A: b\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; "              \
	"charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"     \
	"\r\nbe happy, " CODED "\r\n"
#define CODED "=E2=98=BA"

static void
start_with(const char *text, bool in_file)
{
	flags = ENVELOPE_8BIT | ENVELOPE_NO_DOTS;
	content_text = span_text(text);
	make_addresses(1);
	make_attempt(1, content_make(in_file));
	lane = lane_io_start(&worker, target_ref(target), 0, attempt, &lane);
}

static void
is_converted(void)
{
	ck_assert_ptr_nonnull(work_done);
	pass(1000000); /* no deadline of the host's runs meanwhile */
	heard(0, "");
	work_done(work_arg);
}

START_TEST(eight_bit_content_is_converted_for_who_takes_none)
{
	signing = SIGNED_NOW;
	start_with("A: b\r\n\r\nbe happy, " SMILE "\r\n", _i == 1);
	shakes(0, CHUNKING);
	is_converted();
	heard(0, GROUP "BDAT 0\r\n");
	says(0, "250 ok\r\n250 ok\r\n250 ok\r\n");
	heard(0, "BDAT 153 LAST\r\nDKIM-Signature: x\r\n" QUOTED);
	says(0, "250 taken\r\n");
	ck_assert_uint_eq(answers, 1);
	ck_assert_int_eq(attempt->rcpts[0].outcome, OUTCOME_DELIVERED);
	hangs_up(0);
	ends_now();
}
END_TEST

START_TEST(who_takes_it_gets_it_as_it_is)
{
	start_with("A: b\r\n\r\n" SMILE "\r\n", false);
	shakes(0, "250-mx.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
	ck_assert_ptr_null(work_done);
	heard(0, "MAIL FROM:<a@b.test> BODY=8BITMIME\r\nRCPT TO:<x@c.test>\r\n"
		 "DATA\r\n");
	says(0, "250 ok\r\n250 ok\r\n354 go\r\n");
	heard(0, "A: b\r\n\r\n" SMILE "\r\n.\r\n");
	hangs_up(0);
	ends_now();
}
END_TEST

START_TEST(what_only_claims_to_be_8bit_leaves_as_it_is)
{
	start_with("A: b\r\n\r\nhello\r\n", false);
	shakes(0, PIPELINING);
	is_converted();
	heard(0, GROUP "DATA\r\n");
	says(0, "250 ok\r\n250 ok\r\n354 go\r\n");
	heard(0, "A: b\r\n\r\nhello\r\n.\r\n");
	hangs_up(0);
	ends_now();
}
END_TEST

START_TEST(what_is_signed_is_for_another_host)
{
	struct words w;

	start_with("Content-Type: multipart/signed; boundary=x\r\n\r\n" SMILE
		   "\r\n",
	    false);
	shakes(0, PIPELINING);
	is_converted();
	heard(0, "");
	ck_assert_uint_eq(answers, 1);
	ck_assert(more);
	ck_assert_int_eq(attempt->rcpts[0].outcome, OUTCOME_ELSEWHERE);
	w = reason_words(attempt->rcpts[0].reason);
	ck_assert(span_equal(w.status, SPAN("5.6.3")));
	ck_assert(span_starts(w.host, SPAN("mx.test [127")));
	hangs_up(0);
	ends_now();
}
END_TEST

START_TEST(what_is_damaged_is_put_off)
{
	start_with("A: b\r\n\r\nbe happy, " SMILE "\r\n", true);
	attempt->content->is_damaged = true;
	shakes(0, PIPELINING);
	is_converted();
	ck_assert_uint_eq(answers, 1);
	ck_assert_int_eq(attempt->rcpts[0].outcome, OUTCOME_LATER);
	hangs_up(0);
	ends_now();
}
END_TEST

START_TEST(what_is_being_converted_can_be_withdrawn)
{
	start_with("A: b\r\n\r\nbe happy, " SMILE "\r\n", false);
	shakes(0, PIPELINING);
	lane_io_withdraw(lane);
	close_all();
	ck_assert_uint_eq(ends, 0); /* the pool still has it */
	work_done(work_arg);
	ck_assert_uint_eq(ends, 1);
	ck_assert(end.withdrawn);
	ck_assert(attempt_is_untouched(attempt));
}
END_TEST

/* Much of it is a file of the spool, where there is room. */
START_TEST(large_content_is_converted_in_a_file)
{
	struct buf text = { .max = 8 << 20 };

	room = _i == 0 ? SPOOL_OK : SPOOL_FULL;
	(void)buf_append_text(&text, "A: b\r\n\r\n");
	for (int i = 0; i < 100000; i++)
		(void)buf_append_text(&text, "be happy, " SMILE "\r\n");
	(void)buf_append_char(&text, '\0');
	start_with(buf_span(&text).ptr, false);
	shakes(0, PIPELINING);
	is_converted();
	if (room == SPOOL_OK) {
		heard(0, GROUP "DATA\r\n");
		ck_assert_uint_eq(answers, 0);
		says(0, "250 ok\r\n250 ok\r\n354 go\r\n");
		work_done(work_arg); /* its first piece */
		heard(0, "A: ");
		drains(0);
		heard(0, "b\r\n");
		is_withdrawn();
	} else {
		ck_assert_uint_eq(answers, 1);
		ck_assert_int_eq(attempt->rcpts[0].outcome, OUTCOME_LATER);
		hangs_up(0);
		ends_now();
	}
	buf_clear(&text);
}
END_TEST

START_TEST(the_relay_stops_whatever_a_lane_does)
{
	start(2);
	if (_i == 1) {
		comes_up(0);
	} else if (_i == 2) {
		comes_up(0);
		says(0, "554 no\r\n"); /* it is on its way to the next */
	}
	lane_io_abort_all(&worker);
	ends_now();
	ck_assert_int_eq(nstreams, 1);
	ck_assert(attempt_is_untouched(attempt));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, messages_go_through_until_there_are_no_more);
	tcase_add_test(tc, a_silent_address_gets_company_and_has_not_failed);
	tcase_add_test(
	    tc, who_lost_a_race_is_tried_when_the_winner_is_of_no_use);
	tcase_add_test(tc, an_address_that_works_ends_the_story_of_the_others);
	tcase_add_test(tc, what_failed_is_tried_last_next_time);
	tcase_add_test(tc, an_address_that_stays_silent_fails_in_its_time);
	tcase_add_test(
	    tc, without_a_descriptor_a_lane_ends_later_and_blames_nobody);
	tcase_add_test(
	    tc, optional_tls_that_fails_is_left_out_at_the_same_address);
	tcase_add_loop_test(tc, a_silent_handshake_is_one_that_fails, 0, 2);
	tcase_add_test(tc, a_dripping_reply_does_not_push_its_deadline_back);
	tcase_add_test(tc, an_attempt_has_a_limit_however_the_host_spends_it);
	tcase_add_loop_test(
	    tc, a_signature_leaves_in_front_of_the_content, 0, 2);
	tcase_add_test(tc, a_signature_is_not_stuffed_into_data);
	tcase_add_test(tc, what_waits_for_its_signature_can_be_withdrawn);
	tcase_add_test(tc, what_waits_for_a_connection_can_be_withdrawn);
	tcase_add_test(tc, what_waits_for_a_reply_can_be_withdrawn);
	tcase_add_test(tc, what_waits_for_a_handshake_can_be_withdrawn);
	tcase_add_test(tc, what_waits_for_content_can_be_withdrawn);
	tcase_add_test(tc, behind_the_end_of_the_content_it_is_too_late);
	tcase_add_test(tc, large_content_leaves_in_pieces);
	tcase_add_loop_test(
	    tc, content_is_withdrawn_while_a_piece_is_read_or_leaves, 0, 2);
	tcase_add_test(
	    tc, a_piece_that_is_damaged_ends_the_connection_and_blames_nobody);
	tcase_add_test(tc, a_host_that_hangs_up_on_content_says_why);
	tcase_add_test(
	    tc, content_that_leaves_at_once_has_the_time_of_its_size);
	tcase_add_loop_test(tc,
	    a_host_that_takes_no_piece_is_lost_and_another_may_have_it, 0, 2);
	tcase_add_test(tc, a_host_that_does_not_know_bdat_is_asked_once);
	tcase_add_test(tc, what_was_learned_outlives_a_connection_that_is_lost);
	tcase_add_test(tc, a_host_says_how_many_messages_it_takes);
	tcase_add_loop_test(
	    tc, an_attempt_that_comes_too_late_goes_back_as_it_came, 0, 2);
	tcase_add_test(tc, a_damaged_content_is_put_off_and_the_lane_goes_on);
	tcase_add_loop_test(
	    tc, eight_bit_content_is_converted_for_who_takes_none, 0, 2);
	tcase_add_test(tc, who_takes_it_gets_it_as_it_is);
	tcase_add_test(tc, what_only_claims_to_be_8bit_leaves_as_it_is);
	tcase_add_test(tc, what_is_signed_is_for_another_host);
	tcase_add_test(tc, what_is_damaged_is_put_off);
	tcase_add_test(tc, what_is_being_converted_can_be_withdrawn);
	tcase_add_loop_test(tc, large_content_is_converted_in_a_file, 0, 2);
	tcase_add_loop_test(tc, the_relay_stops_whatever_a_lane_does, 0, 3);
}

SUITE_MAIN("lane_io", fill)
