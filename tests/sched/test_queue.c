/*
 * The queue under a clock that the test moves. A round is played by hand: take
 * what is due, say what became of each recipient, give the share back.
 */
#include "tests/lib/suite.h"

#include <string.h>

#include "base/mem.h"
#include "mail/reason.h"
#include "sched/queue.h"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE, DAY = 24 * HOUR };
#define WALL 1700000000000

static const uint32_t waits[] = { 60, 300, 3600 };
static const struct queue_options options = {
	.backoff = { waits, ARRAY_LEN(waits) },
	.expire = 5 * (uint64_t)DAY,
	.delay_warning = 4 * (uint64_t)HOUR,
};
static struct queue *queue;
static uint64_t now;
static int64_t wall;

static void
setup(void)
{
	queue = queue_new(&options);
	now = 1000;
	wall = WALL;
}

static void
teardown(void)
{
	queue_free(queue);
}

static void
pass(uint64_t ms)
{
	now += ms;
	wall += (int64_t)ms;
}

static struct envelope *
envelope(uint64_t id, uint32_t nrcpt, const char *sender)
{
	struct span rcpts[4] = { SPAN("x@c.test"), SPAN("y@d.test"),
		SPAN("z@e.test"), SPAN("w@f.test") };
	struct envelope_parts parts = {
		.id = id,
		.arrived = wall,
		.account = SPAN("ann"),
		.sender = span_text(sender),
		.rcpt = rcpts,
		.nrcpt = nrcpt,
	};

	return envelope_new(&parts);
}

static struct queued *
add(uint64_t id, uint32_t nrcpt)
{
	return queue_add(
	    queue, envelope(id, nrcpt, "a@b.test"), NULL, 0, now, wall);
}

/* NULL for no words. */
static struct reason *
said(const char *text)
{
	struct words w = { .what = span_text(text) };

	return text[0] == '\0' ? NULL : reason_new(&w);
}

static bool
says(const struct reason *r, const char *text)
{
	return span_equal(reason_words(r).what, span_text(text));
}

static struct progress
tell(struct queued *m, uint32_t rcpt, enum rcpt_event event, const char *detail,
    uint64_t not_before)
{
	struct rcpt_news news = {
		.rcpt = rcpt,
		.event = event,
		.reason = said(detail),
		.not_before = not_before,
		.now = now,
		.wall = wall,
	};
	struct progress row;

	queue_tell(queue, m, &news, &row);
	reason_unref(news.reason); /* the queue has its own */
	return row;
}

/* One whole round for a message of one recipient. */
static unsigned
play(struct queued *m, enum rcpt_event event)
{
	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	ck_assert_int_eq(m->rcpts[0].phase, PHASE_ROUTING);
	(void)tell(m, 0, event, "451 4.7.1 later", now + MINUTE);
	return queue_release(queue, m, now);
}

START_TEST(a_new_message_is_due_at_once)
{
	struct queued *m = add(1, 1);

	ck_assert_uint_eq(queue_count(queue), 1);
	ck_assert_ptr_eq(queue_find(queue, 1), m);
	ck_assert_uint_eq(queue_next_due(queue), now);
	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	ck_assert_uint_eq(m->busy, 1);
	ck_assert_uint_eq(queue_next_due(queue), UINT64_MAX);
	ck_assert_ptr_null(queue_take_due(queue, now + DAY));
	(void)tell(m, 0, RCPT_EVENT_DELIVERED, "250 ok", 0);
	ck_assert_uint_eq(queue_release(queue, m, now), QUEUE_DONE);
	queue_remove(queue, m);
	ck_assert_uint_eq(queue_count(queue), 0);
	ck_assert_ptr_null(queue_find(queue, 1));
}
END_TEST

START_TEST(a_temporary_failure_waits_and_says_so)
{
	struct queued *m = add(1, 1);
	struct progress row;
	int64_t last = wall;

	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	row = tell(m, 0, RCPT_EVENT_TEMPORARY, "451 4.7.1 later", 0);
	ck_assert_int_eq(row.state, RCPT_QUEUED);
	ck_assert_uint_eq(row.tries, 1);
	ck_assert_int_eq(row.last, last);
	ck_assert_int_eq(row.due, wall + MINUTE);
	ck_assert_uint_eq(row.step, 1);
	ck_assert(says(row.reason, "451 4.7.1 later"));
	ck_assert_uint_eq(queue_release(queue, m, now), 0);
	ck_assert_uint_eq(queue_next_due(queue), now + MINUTE);
	pass(MINUTE - 1);
	ck_assert_ptr_null(queue_take_due(queue, now));
	pass(1);
	ck_assert_uint_eq(play(m, RCPT_EVENT_TEMPORARY), 0);
	ck_assert_uint_eq(queue_next_due(queue), now + 5 * MINUTE);
}
END_TEST

START_TEST(a_postponed_one_has_made_no_try)
{
	struct queued *m = add(1, 1);

	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	(void)tell(m, 0, RCPT_EVENT_POSTPONED, "closed", now + 7 * MINUTE);
	(void)queue_release(queue, m, now);
	ck_assert_uint_eq(m->rcpts[0].tries, 0);
	ck_assert_int_eq(m->rcpts[0].last, 0);
	ck_assert(says(m->rcpts[0].reason, "closed"));
	ck_assert_uint_eq(queue_next_due(queue), now + 7 * MINUTE);
}
END_TEST

START_TEST(only_recipients_that_are_due_take_part)
{
	struct queued *m = add(1, 3);

	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	m->busy++; /* two shares more, as when sites are asked */
	m->busy++;
	(void)tell(m, 0, RCPT_EVENT_DELIVERED, "250 ok", 0);
	ck_assert_uint_eq(queue_release(queue, m, now), 0);
	(void)tell(m, 1, RCPT_EVENT_TEMPORARY, "451 no", 0);
	ck_assert_uint_eq(queue_release(queue, m, now), 0);
	ck_assert_uint_eq(queue_next_due(queue), UINT64_MAX);
	(void)tell(m, 2, RCPT_EVENT_POSTPONED, "", now + 2 * MINUTE);
	ck_assert_uint_eq(queue_release(queue, m, now), 0);
	pass(MINUTE);
	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	ck_assert_int_eq(m->rcpts[0].phase, PHASE_WAITING);
	ck_assert_int_eq(m->rcpts[1].phase, PHASE_ROUTING);
	ck_assert_int_eq(m->rcpts[2].phase, PHASE_WAITING);
	(void)tell(m, 1, RCPT_EVENT_DELIVERED, "250 ok", 0);
	ck_assert_uint_eq(queue_release(queue, m, now), 0);
	ck_assert_uint_eq(queue_next_due(queue), now + MINUTE);
}
END_TEST

START_TEST(the_fortieth_try_waits_like_the_last)
{
	struct queued *m = add(1, 1);

	queue_set_flags(queue, m, MESSAGE_WARNED);
	for (int i = 0; i < 40; i++) {
		now = queue_next_due(queue);
		ck_assert_uint_eq(play(m, RCPT_EVENT_TEMPORARY), 0);
	}
	ck_assert_uint_eq(m->rcpts[0].tries, 40);
	ck_assert_uint_eq(queue_next_due(queue), now + HOUR);
}
END_TEST

START_TEST(a_failure_is_reported_and_then_it_is_done)
{
	struct queued *m = add(1, 2);

	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	(void)tell(m, 0, RCPT_EVENT_FAILED, "550 no", 0);
	(void)tell(m, 1, RCPT_EVENT_TEMPORARY, "450 later", 0);
	ck_assert_uint_eq(queue_release(queue, m, now), QUEUE_REPORT);
	m->is_reporting = true;
	ck_assert_uint_eq(queue_review(queue, m, now), 0);
	ck_assert_uint_eq(queue_next_due(queue), UINT64_MAX);
	m->is_reporting = false;
	ck_assert_int_eq(
	    tell(m, 0, RCPT_EVENT_REPORTED, "", 0).state, RCPT_REPORTED);
	ck_assert(says(m->rcpts[0].reason, "550 no"));
	ck_assert_uint_eq(queue_review(queue, m, now), 0);
	pass(MINUTE);
	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	ck_assert_int_eq(m->rcpts[0].phase, PHASE_WAITING);
	(void)tell(m, 1, RCPT_EVENT_DELIVERED, "250 ok", 0);
	ck_assert_uint_eq(queue_release(queue, m, now), QUEUE_DONE);
}
END_TEST

START_TEST(what_is_too_old_expires_at_its_next_failure)
{
	struct queued *m = add(1, 1);
	struct progress row;

	queue_set_flags(queue, m, MESSAGE_WARNED);
	ck_assert_uint_eq(play(m, RCPT_EVENT_TEMPORARY), 0);
	now += options.expire;
	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	row = tell(m, 0, RCPT_EVENT_TEMPORARY, "451 4.7.1 later", 0);
	ck_assert_int_eq(row.state, RCPT_EXPIRED);
	ck_assert_int_eq(row.due, 0);
	ck_assert_uint_eq(row.tries, 2);
	ck_assert_uint_eq(queue_release(queue, m, now), QUEUE_REPORT);
}
END_TEST

/* Its report could not be stored: that is tried again later, not at once. */
START_TEST(a_report_waits_for_its_own_time)
{
	struct queued *m = add(1, 1);

	now += options.expire;
	ck_assert_uint_eq(play(m, RCPT_EVENT_TEMPORARY), QUEUE_REPORT);
	m->rcpts[0].due = now + MINUTE;
	ck_assert_uint_eq(queue_review(queue, m, now), QUEUE_REPORT);
	ck_assert_uint_eq(queue_next_due(queue), now + MINUTE);
}
END_TEST

/* The end of its time comes though the next attempt would be later. */
START_TEST(the_end_of_its_time_is_due_too)
{
	struct queued *m = add(1, 1);
	uint64_t born = now;

	queue_set_flags(queue, m, MESSAGE_WARNED);
	now = born + options.expire - MINUTE;
	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	(void)tell(m, 0, RCPT_EVENT_POSTPONED, "", now + DAY);
	ck_assert_uint_eq(queue_release(queue, m, now), 0);
	ck_assert_uint_eq(queue_next_due(queue), born + options.expire);
	now = born + options.expire;
	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	ck_assert_int_eq(m->rcpts[0].phase, PHASE_WAITING);
	ck_assert_uint_ge(queued_age(m, now), options.expire);
	(void)tell(m, 0, RCPT_EVENT_TOO_OLD, "", 0);
	ck_assert_uint_eq(m->rcpts[0].tries, 0);
	ck_assert_uint_eq(queue_release(queue, m, now), QUEUE_REPORT);
}
END_TEST

START_TEST(the_delay_warning_comes_once_at_its_time)
{
	struct queued *m = add(1, 1);
	uint64_t born = now;

	while (queue_next_due(queue) < born + options.delay_warning) {
		now = queue_next_due(queue);
		ck_assert_uint_eq(play(m, RCPT_EVENT_TEMPORARY), 0);
	}
	ck_assert_uint_eq(queue_next_due(queue), born + options.delay_warning);
	now = queue_next_due(queue);
	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	ck_assert_int_eq(m->rcpts[0].phase, PHASE_WAITING);
	ck_assert_uint_eq(queue_release(queue, m, now), QUEUE_WARN);
	queue_set_flags(queue, m, m->flags | MESSAGE_WARNED);
	ck_assert_uint_gt(queue_next_due(queue), now);
	ck_assert_uint_eq(queue_next_due(queue), m->rcpts[0].due);
	now = queue_next_due(queue);
	ck_assert_uint_eq(play(m, RCPT_EVENT_TEMPORARY), 0);
}
END_TEST

START_TEST(the_null_sender_is_not_warned)
{
	struct queued *m =
	    queue_add(queue, envelope(1, 1, ""), NULL, 0, now, wall);

	now += options.delay_warning + HOUR;
	ck_assert_uint_eq(play(m, RCPT_EVENT_TEMPORARY), 0);
}
END_TEST

START_TEST(a_held_message_is_never_due)
{
	struct queued *m = add(1, 1);

	queue_set_flags(queue, m, MESSAGE_HELD);
	ck_assert_uint_eq(queue_next_due(queue), UINT64_MAX);
	queue_hurry(queue, m, now);
	ck_assert_ptr_null(queue_take_due(queue, now + 30 * (uint64_t)DAY));
	queue_set_flags(queue, m, 0);
	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	/* Held during a round: it ends, and nothing follows. */
	queue_set_flags(queue, m, MESSAGE_HELD);
	(void)tell(m, 0, RCPT_EVENT_TEMPORARY, "451 no", 0);
	ck_assert_uint_eq(queue_release(queue, m, now), 0);
	ck_assert_uint_eq(queue_next_due(queue), UINT64_MAX);
}
END_TEST

START_TEST(hurry_makes_all_that_wait_due_now)
{
	struct queued *m = add(1, 2);

	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	(void)tell(m, 0, RCPT_EVENT_TEMPORARY, "451 no", 0);
	(void)tell(m, 1, RCPT_EVENT_DELIVERED, "250 ok", 0);
	(void)queue_release(queue, m, now);
	ck_assert_uint_gt(queue_next_due(queue), now);
	queue_hurry(queue, m, now);
	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	ck_assert_int_eq(m->rcpts[0].phase, PHASE_ROUTING);
	ck_assert_int_eq(m->rcpts[1].phase, PHASE_WAITING);
	queue_hurry(queue, m, now); /* busy: not a second round */
	ck_assert_uint_eq(queue_next_due(queue), UINT64_MAX);
	(void)tell(m, 0, RCPT_EVENT_REMOVED, "", 0);
	ck_assert_uint_eq(queue_release(queue, m, now), QUEUE_DONE);
}
END_TEST

/* As after a reload: it cost no try, and the others of its round go on. */
START_TEST(who_is_put_back_is_due_at_once)
{
	struct queued *m = add(1, 2);

	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	m->rcpts[0].phase = m->rcpts[1].phase = PHASE_IN_LINE;
	m->rcpts[0].site = (struct site *)&now;
	queue_put_back(m, 0);
	ck_assert_ptr_null(m->rcpts[0].site);
	ck_assert_uint_eq(queue_next_due(queue), UINT64_MAX);
	(void)tell(m, 1, RCPT_EVENT_TEMPORARY, "451 no", 0);
	ck_assert_uint_eq(queue_release(queue, m, now), 0);
	ck_assert_uint_eq(m->rcpts[0].tries, 0);
	ck_assert_ptr_null(m->rcpts[0].reason);
	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	ck_assert_int_eq(m->rcpts[0].phase, PHASE_ROUTING);
	ck_assert_int_eq(m->rcpts[1].phase, PHASE_WAITING);
	(void)queue_release(queue, m, now);
}
END_TEST

START_TEST(messages_are_listed_by_id)
{
	static const uint64_t ids[] = { 5, 9, 2, 7, 11, 3 };
	static const uint64_t sorted[] = { 2, 3, 5, 7, 9, 11 };
	struct queued *m;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		(void)add(ids[i], 1);
	for (m = queue_after(queue, 0); m != NULL; m = queue_next(queue, m))
		ck_assert_uint_eq(m->env->id, sorted[n++]);
	ck_assert_uint_eq(n, ARRAY_LEN(sorted));
	ck_assert_uint_eq(queue_after(queue, 5)->env->id, 7);
	ck_assert_uint_eq(queue_after(queue, 6)->env->id, 7);
	ck_assert_ptr_null(queue_after(queue, 11));
	ck_assert_ptr_null(queue_after(queue, 99));
}
END_TEST

/* --- after a restart --- */

/* `age`, `wait`: by the wall clock, as the spool knew them; `due`: from now. */
static const struct {
	const char *name;
	int64_t age, wait;
	uint64_t due;
} restarts[] = {
	{ "usual", HOUR, 10 * MINUTE, 10 * MINUTE },
	{ "due_meanwhile", HOUR, -10 * MINUTE, 0 },
	{ "at_once", HOUR, -(int64_t)WALL, 0 },
	{ "clock_went_back_a_year", -365 * (int64_t)DAY, 366 * (int64_t)DAY,
	    HOUR },
	{ "clock_went_back_a_little", -MINUTE, 2 * MINUTE, 2 * MINUTE },
	{ "clock_went_ahead_a_year", 365 * (int64_t)DAY, -365 * (int64_t)DAY,
	    0 },
	{ "mad_row", HOUR, INT64_MAX / 2, HOUR },
};

START_TEST(waiting_goes_on_whatever_the_clock_did)
{
	struct envelope *env = envelope(1, 1, "a@b.test");
	struct progress row = {
		.state = RCPT_QUEUED,
		.tries = 3,
		.last = wall - restarts[_i].age,
		.due = wall + restarts[_i].wait,
		.step = 2,
		.reason = said("451 later"),
	};
	struct queued *m;

	env->arrived = wall - restarts[_i].age;
	m = queue_add(queue, env, &row, MESSAGE_WARNED, now, wall);
	ck_assert_uint_eq(m->rcpts[0].tries, 3);
	ck_assert_uint_eq(m->rcpts[0].step, 2);
	ck_assert(m->rcpts[0].reason == row.reason);
	reason_unref(row.reason);
	ck_assert_msg(queue_next_due(queue) == now + restarts[_i].due, "%s",
	    restarts[_i].name);
	now = queue_next_due(queue);
	/* One more attempt in any case: nothing expires at a start. */
	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	ck_assert_int_eq(m->rcpts[0].phase, PHASE_ROUTING);
	ck_assert_int_eq(
	    tell(m, 0, RCPT_EVENT_TEMPORARY, "451 no", 0).state, RCPT_QUEUED);
	ck_assert_uint_eq(m->rcpts[0].tries, 4);
	(void)queue_release(queue, m, now);
}
END_TEST

START_TEST(age_counts_on_after_a_restart)
{
	struct envelope *env = envelope(1, 1, "a@b.test");
	struct progress row = { .state = RCPT_QUEUED };
	struct queued *m;

	env->arrived = wall - 3 * (int64_t)DAY;
	m = queue_add(queue, env, &row, 0, now, wall);
	ck_assert_uint_eq(queued_age(m, now), 3 * (uint64_t)DAY);
	now += 2 * (uint64_t)DAY;
	ck_assert_uint_eq(queued_age(m, now), 5 * (uint64_t)DAY);
	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	ck_assert_int_eq(
	    tell(m, 0, RCPT_EVENT_TEMPORARY, "451", 0).state, RCPT_EXPIRED);
	ck_assert_uint_eq(queue_release(queue, m, now), QUEUE_REPORT);
}
END_TEST

START_TEST(an_unreported_failure_is_reported_after_a_restart)
{
	struct progress rows[] = { { .state = RCPT_DELIVERED },
		{ .rcpt = 1, .state = RCPT_FAILED } };
	struct queued *m =
	    queue_add(queue, envelope(1, 2, "a@b.test"), rows, 0, now, wall);

	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	ck_assert_int_eq(m->rcpts[0].phase, PHASE_WAITING);
	ck_assert_int_eq(m->rcpts[1].phase, PHASE_WAITING);
	ck_assert_uint_eq(queue_release(queue, m, now), QUEUE_REPORT);
}
END_TEST

/* The stop fell between the last recipient's record and the end's. */
START_TEST(what_was_finished_before_a_restart_is_done_at_once)
{
	struct progress rows[] = { { .state = RCPT_DELIVERED },
		{ .rcpt = 1, .state = RCPT_REPORTED } };
	struct queued *m =
	    queue_add(queue, envelope(1, 2, "a@b.test"), rows, 0, now, wall);

	ck_assert_ptr_eq(queue_take_due(queue, now), m);
	ck_assert_uint_eq(queue_release(queue, m, now), QUEUE_DONE);
}
END_TEST

START_TEST(a_held_message_stays_held_after_a_restart)
{
	struct progress row = { .state = RCPT_QUEUED };

	(void)queue_add(
	    queue, envelope(1, 1, "a@b.test"), &row, MESSAGE_HELD, now, wall);
	ck_assert_uint_eq(queue_next_due(queue), UINT64_MAX);
}
END_TEST

/* --- many --- */

enum { MANY = 3000, STEPS = 12000, GONE = 0 };

/* The naive model: when each is due; UINT64_MAX while held, 0 when gone. */
static uint64_t dues[MANY + 1];
static uint32_t random_now = 4711;

static uint32_t
chance(uint32_t n)
{
	random_now = random_now * 1664525 + 1013904223;
	return (random_now >> 8) % n;
}

static uint64_t
naive_next(void)
{
	uint64_t least = UINT64_MAX;

	for (int i = 1; i <= MANY; i++)
		if (dues[i] != GONE && dues[i] < least)
			least = dues[i];
	return least;
}

static void
play_due(uint64_t due)
{
	struct queued *m = queue_take_due(queue, now);
	uint64_t id, later = now + 1 + chance(2 * HOUR);

	ck_assert_ptr_nonnull(m);
	id = m->env->id;
	ck_assert_uint_eq(dues[id], due);
	if (chance(8) == 0) {
		(void)tell(m, 0, RCPT_EVENT_DELIVERED, "250 ok", 0);
		ck_assert_uint_eq(queue_release(queue, m, now), QUEUE_DONE);
		(void)queue_remove(queue, m);
		dues[id] = GONE;
		return;
	}
	(void)tell(m, 0, RCPT_EVENT_POSTPONED, "", later);
	ck_assert_uint_eq(queue_release(queue, m, now), 0);
	dues[id] = later;
}

static void
disturb(void)
{
	uint64_t id = 1 + chance(MANY);
	struct queued *m = queue_find(queue, id);

	ck_assert((m == NULL) == (dues[id] == GONE));
	if (m == NULL)
		return;
	if (m->flags & MESSAGE_HELD) {
		queue_set_flags(queue, m, MESSAGE_WARNED);
		dues[id] = m->rcpts[0].due;
	} else if (chance(3) == 0) {
		queue_set_flags(queue, m, MESSAGE_WARNED | MESSAGE_HELD);
		dues[id] = UINT64_MAX;
	} else if (chance(2) == 0) {
		queue_hurry(queue, m, now);
		dues[id] = now;
	} else {
		(void)queue_remove(queue, m);
		dues[id] = GONE;
	}
}

START_TEST(thousands_come_in_the_order_of_their_times)
{
	for (uint64_t id = 1; id <= MANY; id++) {
		struct progress row = { .state = RCPT_QUEUED,
			.due = wall + chance(HOUR) };

		(void)queue_add(queue, envelope(id, 1, "a@b.test"), &row,
		    MESSAGE_WARNED, now, wall);
		dues[id] = now + (uint64_t)(row.due - wall);
	}
	for (int i = 0; i < STEPS; i++) {
		uint64_t next = naive_next();

		ck_assert_uint_eq(queue_next_due(queue), next);
		if (next == UINT64_MAX)
			break;
		now = next > now ? next : now;
		if (chance(3) > 0)
			play_due(next);
		else
			disturb();
	}
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_new_message_is_due_at_once);
	tcase_add_test(tc, a_temporary_failure_waits_and_says_so);
	tcase_add_test(tc, a_postponed_one_has_made_no_try);
	tcase_add_test(tc, only_recipients_that_are_due_take_part);
	tcase_add_test(tc, the_fortieth_try_waits_like_the_last);
	tcase_add_test(tc, a_failure_is_reported_and_then_it_is_done);
	tcase_add_test(tc, what_is_too_old_expires_at_its_next_failure);
	tcase_add_test(tc, a_report_waits_for_its_own_time);
	tcase_add_test(tc, the_end_of_its_time_is_due_too);
	tcase_add_test(tc, the_delay_warning_comes_once_at_its_time);
	tcase_add_test(tc, the_null_sender_is_not_warned);
	tcase_add_test(tc, a_held_message_is_never_due);
	tcase_add_test(tc, hurry_makes_all_that_wait_due_now);
	tcase_add_test(tc, who_is_put_back_is_due_at_once);
	tcase_add_test(tc, messages_are_listed_by_id);
	tcase_add_loop_test(tc, waiting_goes_on_whatever_the_clock_did, 0,
	    (int)ARRAY_LEN(restarts));
	tcase_add_test(tc, age_counts_on_after_a_restart);
	tcase_add_test(tc, an_unreported_failure_is_reported_after_a_restart);
	tcase_add_test(tc, what_was_finished_before_a_restart_is_done_at_once);
	tcase_add_test(tc, a_held_message_stays_held_after_a_restart);
	tcase_add_test(tc, thousands_come_in_the_order_of_their_times);
}

SUITE_MAIN("queue", fill)
