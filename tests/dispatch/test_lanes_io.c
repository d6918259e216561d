/* Which lanes there are, with configurations of each test's own. */
#include "world.h"

#include <stdio.h>

static void
send_to(uint64_t id, const char *rcpt)
{
	struct dispatch_origin from = { .sid = "", .message_id = "" };
	struct span to = span_text(rcpt);

	dispatch_add(dispatch,
	    envelope_new(&(struct envelope_parts){ .id = id,
		.arrived = wall_now(),
		.account = SPAN("ann"),
		.sender = SPAN("ann@here.test"),
		.rcpt = &to,
		.nrcpt = 1 }),
	    &from);
}

static bool
has_quit(const bool *done)
{
	(void)done;
	return quits > 0;
}

/*
 * The lane of one.test, which has had its first message. The hosts of two.test are the
 * same, with another TLS rule: that connection serves nobody there.
 */
static struct lane *
idle_lane_of(const char *limits)
{
	char text[512];

	(void)snprintf(text, sizeof text,
	    "hostname = relay.test\n%s"
	    "route \"one.test\" { relay = \"smtp://192.0.2.1:26\" }\n"
	    "route \"two.test\" { relay = \"smtp://192.0.2.1:26\" "
	    "tls = require }\n",
	    limits);
	setup_with(text);
	dispatch_start(dispatch);
	send_to(1, "a@one.test");
	turn_until(has_lane, NULL);
	answer(1);
	return lane;
}

START_TEST(an_idle_lane_of_another_channel_makes_room)
{
	struct lane *first = idle_lane_of("deliver { max-lanes = 1 }\n");

	turn_until(is_empty, NULL);
	ck_assert_uint_eq(quits, 0);
	send_to(2, "b@two.test");
	turn_until(has_quit, NULL);
	ck_assert_uint_eq(quits, 1);
	ck_assert_ptr_null(attempt);
	dispatch_ended(dispatch, first, NULL, &(struct lane_end){ 0 });
	turn_until(has_lane, NULL);
	ck_assert_uint_eq(attempt->env->id, 2);
	ck_assert_uint_eq(quits, 1);
	answer(1);
	dispatch_ended(dispatch, lane, NULL, &(struct lane_end){ 0 });
}
END_TEST

/* While the site has a lane left to give, none has to make room. */
START_TEST(an_idle_lane_stays_while_there_are_others)
{
	struct lane *first = idle_lane_of("deliver { max-lanes = 2 }\n");

	send_to(2, "b@two.test");
	turn_until(has_lane, NULL);
	ck_assert_ptr_ne(lane, first);
	answer(1);
	turn_until(is_empty, NULL);
	ck_assert_uint_eq(quits, 0);
	dispatch_ended(dispatch, first, NULL, &(struct lane_end){ 0 });
	dispatch_ended(dispatch, lane, NULL, &(struct lane_end){ 0 });
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, an_idle_lane_of_another_channel_makes_room);
	tcase_add_test(tc, an_idle_lane_stays_while_there_are_others);
}

SUITE_MAIN("lanes_io", fill)
