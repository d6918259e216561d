/* Messages on their way through all of dispatch. */
#include "world.h"

#include <sys/resource.h>

#include "src/dispatch/lanes_priv.h"

static bool
all_rest(const bool *done)
{
	(void)done;
	return queue_first_awake(dispatch_queue(dispatch)) == NULL;
}

START_TEST(what_waits_for_an_hour_rests_and_wakes_for_who_asks)
{
	struct queue *q = dispatch_queue(dispatch);
	struct message *m;

	dispatch_start(dispatch);
	load(5);
	ck_assert_ptr_nonnull(queue_first_awake(q));
	turn_until(all_rest, NULL);
	m = queue_find(q, 5);
	ck_assert_uint_eq(m->legs[0].state, LEG_WAITING);
	ck_assert_uint_ne(m->legs[0].due.place, 0); /* it is woken in time */
	turn_until(all_rest, NULL); /* and rests again */
}
END_TEST

START_TEST(what_is_due_soon_stays_awake)
{
	struct progress row = { .due = wall_now() + 500 };
	struct queue *q = dispatch_queue(dispatch);

	dispatch_start(dispatch);
	dispatch_load(make(1), &row, 0, dispatch);
	load(2);
	while (queue_next_awake(q, queue_first_awake(q)) != NULL)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	ck_assert_uint_eq(queue_first_awake(q)->env->id, 1);
}
END_TEST

START_TEST(what_rests_is_tried_when_its_time_has_come)
{
	struct progress row = { .tries = 1, .due = wall_now() + 1200 };

	dispatch_start(dispatch);
	dispatch_load(make(7), &row, 0, dispatch);
	turn_until(all_rest, NULL);
	turn_until(has_lane, NULL);
	ck_assert_uint_eq(attempt->env->id, 7);
	dispatch_ended(dispatch, lane, attempt, &(struct lane_end){ 0 });
}
END_TEST

/* --- a reload with other times --- */

#define RELAY                                                                  \
	"hostname = relay.test\n"                                              \
	"route default { relay = \"smtp://192.0.2.1:26\" }\n"

static bool
has_expired(const bool *done)
{
	(void)done;
	return queue_find(dispatch_queue(dispatch), 5) == NULL ||
	       queue_find(dispatch_queue(dispatch), 5)->open == 0;
}

/* Two hours old, and to be tried again in an hour. */
static void
load_old(uint64_t id, struct span sender)
{
	struct progress row = {
		.tries = 1, .last = wall_now(), .due = wall_now() + 3600000
	};
	struct span rcpt = SPAN("a@there.test");
	struct envelope_parts parts = { .id = id,
		.arrived = wall_now() - 2 * 3600000,
		.account = SPAN("ann"),
		.sender = sender,
		.rcpt = &rcpt,
		.nrcpt = 1 };

	dispatch_load(envelope_new(&parts), &row, 0, dispatch);
}

START_TEST(a_shorter_time_to_wait_counts_at_once)
{
	dispatch_start(dispatch);
	load_old(5, SPAN("")); /* nobody is told that it expired */
	load(6);
	turn_until(all_rest, NULL);
	reload(RELAY "queue { expire = 90min delay-warning = 0 }\n");
	turn_until(has_expired, NULL);
	ck_assert_uint_eq(queue_find(dispatch_queue(dispatch), 6)->open, 1);
}
END_TEST

static uint64_t before;

static bool
has_later_end(const bool *done)
{
	(void)done;
	return queue_find(dispatch_queue(dispatch), 5)->legs[0].due.at >
	       before + 40 * 60000;
}

START_TEST(a_longer_one_counts_too)
{
	reload(RELAY "queue { expire = 130min delay-warning = 0 }\n");
	dispatch_start(dispatch);
	load_old(5, SPAN("ann@here.test"));
	/* Its end comes before its next attempt. */
	before = queue_find(dispatch_queue(dispatch), 5)->legs[0].due.at;
	turn_until(all_rest, NULL);
	reload(RELAY "queue { expire = 3h delay-warning = 0 }\n");
	turn_until(has_later_end, NULL);
}
END_TEST

static bool
has_sooner_warning(const bool *done)
{
	(void)done;
	return queue_find(dispatch_queue(dispatch), 5)->due.at < before;
}

START_TEST(so_does_another_time_to_warn)
{
	reload(RELAY "queue { delay-warning = 20h }\n");
	dispatch_start(dispatch);
	load_old(5, SPAN("ann@here.test"));
	before = queue_find(dispatch_queue(dispatch), 5)->due.at;
	turn_until(all_rest, NULL);
	reload(RELAY "queue { delay-warning = 4h }\n");
	turn_until(has_sooner_warning, NULL);
}
END_TEST

/* --- lost to another machine --- */

START_TEST(what_is_lost_while_it_waits_is_forgotten)
{
	uint64_t one, two;

	dispatch_start(dispatch);
	one = store();
	two = store();
	load(one);
	load(two);
	turn_until(all_rest, NULL);
	mem_spool_lose(spool, two);
	while (waiting() == 2)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	ck_assert(queue_has(dispatch_queue(dispatch), one));
	ck_assert(!queue_has(dispatch_queue(dispatch), two));
}
END_TEST

START_TEST(what_is_lost_while_a_lane_has_it_is_called_back)
{
	uint64_t id = store();
	struct lane_end end = { .withdrawn = true };

	dispatch_start(dispatch);
	add(id);
	turn_until(has_lane, NULL);
	mem_spool_lose(spool, id);
	while (withdrawn == 0)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	ck_assert_uint_eq(waiting(), 1); /* the lane has its envelope */
	dispatch_ended(dispatch, lane, attempt, &end);
	turn_until(is_empty, NULL);
}
END_TEST

START_TEST(what_nobody_knows_cannot_be_lost)
{
	load(1);
	dispatch_lost(dispatch, 2);
	ck_assert_uint_eq(waiting(), 1);
}
END_TEST

/* --- what the operator stops --- */

static const struct {
	unsigned before, after;
	bool
	    is_held; /* by the operator, leg by leg, as newer records have it */
} stops[] = {
	{ 0, 0, false },
	{ MESSAGE_QUARANTINED, MESSAGE_QUARANTINED, false },
	{ MESSAGE_FUTURE, MESSAGE_FUTURE, false },
	{ MESSAGE_HELD, MESSAGE_HELD, false },
	/* Nobody remembers of which legs it was: of all. */
	{ 0, MESSAGE_HELD, true },
};

START_TEST(what_was_held_before_a_stop_is_held_behind_it)
{
	struct progress row = { .tries = 1,
		.last = wall_now(),
		.due = wall_now() + 3600000,
		.held = stops[_i].is_held };
	struct message *m;

	dispatch_load(make(1), &row, stops[_i].before, dispatch);
	order(1, ORDER_STOP);
	m = queue_find(dispatch_queue(dispatch), 1);
	ck_assert_uint_eq(m->flags & MESSAGE_STOPPED, MESSAGE_STOPPED);
	ck_assert_uint_eq(m->legs[0].state, LEG_HELD);
	order(1, ORDER_UNDO);
	m = queue_find(dispatch_queue(dispatch), 1);
	ck_assert_uint_eq(m->flags, stops[_i].after);
	ck_assert_uint_eq(
	    m->legs[0].state, stops[_i].after == 0 ? LEG_WAITING : LEG_HELD);
}
END_TEST

/* --- what a host takes --- */

/* A message of four, to a host that takes so many at a time. */
static uint32_t
send_four(uint64_t id, uint32_t takes)
{
	struct dispatch_origin from = { .sid = "", .message_id = "" };
	uint32_t first;

	dispatch_add(dispatch, make_for(id, 4), &from);
	turn_until(has_lane, NULL);
	first = attempt->nrcpt;
	while (waiting() > 0) {
		turn_until(has_lane, NULL);
		answer(takes);
	}
	return first;
}

/* Their domains are two legs, in one line. */
START_TEST(a_lane_takes_what_else_of_the_message_stands_in_its_line)
{
	struct dispatch_origin from = { .sid = "", .message_id = "" };
	struct span rcpts[] = { SPAN("a@one.test"), SPAN("b@two.test"),
		SPAN("c@one.test") };
	struct envelope_parts parts = { .id = 1,
		.arrived = wall_now(),
		.account = SPAN("ann"),
		.sender = SPAN("ann@here.test"),
		.rcpt = rcpts,
		.nrcpt = ARRAY_LEN(rcpts) };

	dispatch_start(dispatch);
	dispatch_add(dispatch, envelope_new(&parts), &from);
	turn_until(has_lane, NULL);
	ck_assert_uint_eq(attempt->nrcpt, ARRAY_LEN(rcpts));
	answer(ARRAY_LEN(rcpts));
	ck_assert_uint_eq(waiting(), 0);
	dispatch_ended(dispatch, lane, NULL, &(struct lane_end){ 0 });
}
END_TEST

START_TEST(how_many_a_host_takes_is_believed_and_grows_by_success)
{
	dispatch_start(dispatch);
	ck_assert_uint_eq(send_four(1, 2), 4);
	ck_assert_uint_eq(send_four(2, 2), 4); /* it was met once */
	/* And twice: two, which the other two of it have shown to be too few. */
	ck_assert_uint_eq(send_four(3, 4), 3);
	ck_assert_uint_eq(send_four(4, 4), 4);
	dispatch_ended(dispatch, lane, NULL, &(struct lane_end){ 0 });
}
END_TEST

/* --- how many lanes there may be --- */

static const struct {
	uint64_t beyond; /* descriptors beside those of all sessions, and 64 */
	uint32_t most;
} files[] = {
	{ 300, 100 },
	{ 299, 99 },
	{ 3 * 2000, 2000 }, /* deliver.connections */
	{ 3 * 2000 + 900, 2000 },
	{ 2, 1 },
	{ 0, 1 },
};

START_TEST(a_lane_has_the_descriptors_that_sessions_leave)
{
	uint64_t n = conf->limits.sessions + 64 + files[_i].beyond;
	struct rlimit limit = { n, n };

	ck_assert_uint_eq(conf->deliver_connections, 2000);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_eq(lanes_most(conf), files[_i].most);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_waits_for_an_hour_rests_and_wakes_for_who_asks);
	tcase_add_test(tc, what_is_due_soon_stays_awake);
	tcase_add_test(tc, what_rests_is_tried_when_its_time_has_come);
	tcase_add_test(tc, a_shorter_time_to_wait_counts_at_once);
	tcase_add_test(tc, a_longer_one_counts_too);
	tcase_add_test(tc, so_does_another_time_to_warn);
	tcase_add_test(tc, what_is_lost_while_it_waits_is_forgotten);
	tcase_add_test(tc, what_is_lost_while_a_lane_has_it_is_called_back);
	tcase_add_test(tc, what_nobody_knows_cannot_be_lost);
	tcase_add_loop_test(tc, what_was_held_before_a_stop_is_held_behind_it,
	    0, (int)ARRAY_LEN(stops));
	tcase_add_test(
	    tc, a_lane_takes_what_else_of_the_message_stands_in_its_line);
	tcase_add_test(
	    tc, how_many_a_host_takes_is_believed_and_grows_by_success);
	tcase_add_loop_test(tc, a_lane_has_the_descriptors_that_sessions_leave,
	    0, (int)ARRAY_LEN(files));
}

SUITE_MAIN("dispatch", fill)
