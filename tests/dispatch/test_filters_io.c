/*
 * Messages that wait for filters, in a dispatcher that runs, with a clock that moves
 * when a test says so. What filters answer is said by the test. Nothing is delivered:
 * no name server answers.
 */
#include "clock.h"
#include "tests/lib/suite.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "conf/conf.h"
#include "dispatch/order.h"
#include "io/loop.h"
#include "mail/attrs.h"
#include "mail/envelope.h"
#include "mail/reason.h"
#include "spool/content.h"
#include "spool/spool.h"
#include "src/dispatch/dispatch_priv.h"

enum {
	MINUTE = 60000,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR,
	ASKED_MOST = 200,
	BEGIN = 1000000
};

static struct loop *loop;
static struct spool *spool;
static struct dispatch *d;
static uint64_t asked[ASKED_MOST];
static unsigned nasked, idles, done;

static void
on_ask(const struct message *m, void *arg)
{
	ck_assert_ptr_null(arg);
	ck_assert_uint_lt(nasked, ASKED_MOST);
	asked[nasked++] = m->env->id;
}

static void
open_lane(struct lane *lane, struct target *target, uint32_t host,
    struct attempt *a, void *arg)
{
	(void)lane, (void)target, (void)host, (void)a, (void)arg;
	ck_abort_msg("nothing has a way");
}

static struct conf *
read_conf(const char *text)
{
	struct buf warnings = { 0 };
	struct err err;
	struct conf *conf =
	    conf_parse(span_text(text), "test", "relay.test", &warnings, &err);

	ck_assert_msg(conf != NULL, "%s", err.text);
	buf_clear(&warnings);
	return conf;
}

static void
setup(void)
{
	struct dispatch_lanes lanes = { .open = open_lane };
	struct dispatch_filters filters = { on_ask, NULL };
	struct conf *conf =
	    read_conf("hostname = relay.test\n"
		      "resolver { servers = { \"127.0.0.1:1\" } }\n"
		      "queue { retry = { 10min, 1h } }\n"
		      "filter f { socket = \"unix:/x\" when = after }");
	struct err err;

	now = BEGIN;
	nasked = idles = done = 0;
	loop = loop_new();
	spool = mem_spool_open();
	d = dispatch_new(loop, conf, &err);
	ck_assert_ptr_nonnull(d);
	conf_unref(conf);
	dispatch_set_road(d, spool, &lanes);
	dispatch_set_filters(d, &filters);
	dispatch_start(d);
}

/* All that was posted is read, and all reports are stored. */
static void
turn(void)
{
	for (int i = 0; i < 20; i++)
		(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	while (d->reports > 0)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
}

static void
teardown(void)
{
	turn();
	dispatch_stop(d);
	dispatch_free(d);
	spool_close(spool);
	loop_stop(loop);
	loop_run(loop);
	loop_free(loop);
}

static void
pass(uint64_t ms)
{
	now += ms;
	dispatch_on_alarm(d);
	turn();
}

static void
on_status(enum spool_status status, void *arg)
{
	(void)arg;
	ck_assert_int_eq(status, SPOOL_OK);
	done++;
}

/* --- messages --- */

/* Of that account, to x@ONE.test and y@TWO.test, and so many more there. */
static struct envelope *
make(uint64_t id, const char *account, uint32_t more, const char *held_by)
{
	static const struct span rcpts[] = { { "x@one.test", 10 },
		{ "y@two.test", 10 }, { "z@two.test", 10 },
		{ "w@three.test", 12 } };
	struct buf attrs = { .max = 1000 };
	struct envelope *env;

	attrs_put(&attrs, ATTR_CAME, SPAN("submissions"));
	if (held_by != NULL)
		attrs_put(&attrs, ATTR_HELD_BY, span_text(held_by));
	env = envelope_new(&(struct envelope_parts){ .id = id,
	    .size = 11,
	    .arrived = 1700000000000 + BEGIN,
	    .account = span_text(account),
	    .sender = SPAN("ann@b.test"),
	    .attrs = buf_span(&attrs),
	    .rcpt = rcpts,
	    .nrcpt = 2 + more });
	buf_clear(&attrs);
	return env;
}

/* It is stored, and waits. */
static uint64_t
add(const char *account)
{
	struct spool_entry *e = spool_entry_open(spool, loop);
	uint64_t id = spool_entry_id(e);
	struct envelope *env = make(id, account, 0, NULL);
	struct buf head = { .max = 100 }, body = { .max = 100 };
	struct content *content;
	unsigned before = done;

	(void)buf_append_text(&head, "From: x\r\n\r\n");
	content = content_new_take(&head, &body);
	spool_commit(e, env, content, on_status, NULL);
	while (done == before)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	content_unref(content);
	dispatch_add(d, env, &(struct dispatch_origin){ "", "", false });
	turn();
	return id;
}

static struct message *
find(uint64_t id)
{
	return queue_find(d->queue, id);
}

static void
answer(uint64_t id, enum dispatch_verdict verdict, const char *reply)
{
	dispatch_filtered(d, &(struct dispatch_filtered){ .id = id,
				 .verdict = verdict,
				 .filter = reply == NULL ? NULL : "f",
				 .reply = reply });
	turn();
}

static const char later[] = "451 4.7.1 Filter f cannot be asked now";

/* The first report about it, by its order in the queue; NULL: there is none. */
static struct message *
report(unsigned skip)
{
	struct queue_place place = { INT64_MIN, 0 };
	struct message *m;

	while ((m = queue_after(d->queue, place)) != NULL) {
		place = queue_place_of(m);
		if (m->env->sender[0] == '\0' && skip-- == 0)
			return m;
	}
	return NULL;
}

static void
on_content(enum spool_status status, struct content *content, void *arg)
{
	ck_assert_int_eq(status, SPOOL_OK);
	*(struct content **)arg = content;
}

static bool
report_has(unsigned which, const char *words)
{
	struct message *m = report(which);
	struct content *content = NULL;
	char text[4000] = "";
	struct err err;

	ck_assert_ptr_nonnull(m);
	spool_fetch(spool, m->env->id, loop, on_content, &content);
	while (content == NULL)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	ck_assert_int_gt(
	    content_read(content, 0, text, sizeof text - 1, &err), 0);
	content_unref(content);
	return strstr(text, words) != NULL;
}

static bool
says(const struct message *m, uint32_t rcpt, const char *what, const char *said)
{
	struct words w = reason_words(m->rcpts[rcpt].reason);

	return span_equal(w.what, span_text(what)) &&
	       span_equal(w.said, span_text(said));
}

static void
expect_held(const struct message *m, bool is_held)
{
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		ck_assert_int_eq(m->legs[i].state == LEG_HELD, is_held);
}

/* --- the tests --- */

START_TEST(one_is_asked_at_once_and_goes_when_it_passes)
{
	uint64_t id = add("ann");

	ck_assert_uint_eq(nasked, 1);
	ck_assert_uint_eq(asked[0], id);
	expect_held(find(id), true);
	ck_assert(says(find(id), 0, "it is being seen by filter f", ""));
	ck_assert(!dispatch_is_idle(d));
	answer(id, DISPATCH_PASSED, NULL);
	ck_assert_uint_eq(find(id)->flags, 0);
	expect_held(find(id), false);
	ck_assert_ptr_null(find(id)->rcpts[0].reason);
	ck_assert(dispatch_is_idle(d));
	ck_assert_uint_eq(d->filtering.count, 0);
	pass(DAY);
	ck_assert_uint_eq(nasked, 1);
}
END_TEST

/* The next time by `retry`, up to a tenth earlier. */
START_TEST(one_that_is_put_off_is_asked_again_in_its_time)
{
	uint64_t id = add("ann");

	answer(id, DISPATCH_PUT_OFF, later);
	expect_held(find(id), true);
	ck_assert(says(find(id), 0, "it is put off by filter f", later));
	ck_assert_uint_gt(find(id)->rcpts[0].due, now);
	pass(8 * MINUTE);
	ck_assert_uint_eq(nasked, 1);
	pass(2 * MINUTE);
	ck_assert_uint_eq(nasked, 2);
	ck_assert(dispatch_is_idle(d) == false);
	answer(id, DISPATCH_PUT_OFF, later);
	pass(50 * MINUTE);
	ck_assert_uint_eq(nasked, 2);
	pass(10 * MINUTE);
	ck_assert_uint_eq(nasked, 3);
	answer(id, DISPATCH_PASSED, NULL);
	expect_held(find(id), false);
}
END_TEST

START_TEST(it_is_asked_at_once_when_the_operator_or_a_reload_wants_it)
{
	uint64_t id = add("ann");

	answer(id, DISPATCH_PUT_OFF, later);
	if (_i == 0)
		filters_ask_now(d, find(id));
	else
		filters_ask_all(d);
	dispatch_end_turn(d);
	turn();
	ck_assert_uint_eq(nasked, 2);
	/* Not twice at the same time. */
	filters_ask_all(d);
	turn();
	ck_assert_uint_eq(nasked, 2);
	answer(id, DISPATCH_PUT_OFF, later);
	pass(61 * MINUTE);
	ck_assert_uint_eq(nasked, 3);
}
END_TEST

START_TEST(its_sender_is_warned_once_and_it_expires_in_time)
{
	uint64_t id = add("ann");

	answer(id, DISPATCH_PUT_OFF, later);
	for (int h = 0; h < 3; h++) {
		pass(HOUR);
		answer(id, DISPATCH_PUT_OFF, later);
		ck_assert_ptr_null(report(0));
	}
	pass(HOUR);
	ck_assert(report_has(0, "Action: delayed"));
	ck_assert(report_has(0, "put off by filter f"));
	while (now < BEGIN + 5 * (uint64_t)DAY) {
		answer(id, DISPATCH_PUT_OFF, later);
		ck_assert_ptr_nonnull(find(id));
		ck_assert_ptr_null(report(1));
		/* Not beyond its end, though the next time would be. */
		if (now + HOUR > BEGIN + 5 * (uint64_t)DAY)
			now = BEGIN + 5 * (uint64_t)DAY;
		else
			now += HOUR;
		pass(0);
	}
	answer(id, DISPATCH_PUT_OFF, later);
	ck_assert(report_has(1, "Action: failed"));
	ck_assert(report_has(1, "Status: 5.4.7"));
	ck_assert(report_has(1, "put off by filter f"));
	ck_assert_ptr_null(find(id));
	ck_assert_uint_eq(d->filtering.count, 0);
}
END_TEST

START_TEST(it_is_woken_at_its_end_and_not_behind_it)
{
	uint64_t id = add("ann");

	now += 5 * (uint64_t)DAY - MINUTE;
	answer(id, DISPATCH_PUT_OFF, later);
	pass(MINUTE - 1);
	ck_assert_uint_eq(nasked, 1);
	pass(1);
	ck_assert_uint_eq(nasked, 2);
}
END_TEST

/* Whoever else holds it: that time is not counted, and it does not expire. */
START_TEST(what_is_held_otherwise_does_not_expire)
{
	uint64_t id = add("ann");

	message_set_flags(find(id), MESSAGE_UNFILTERED | MESSAGE_HELD, now);
	now += 6 * (uint64_t)DAY;
	answer(id, DISPATCH_PUT_OFF, later);
	ck_assert_ptr_nonnull(find(id));
	expect_held(find(id), true);
	ck_assert_ptr_null(report(0));
	pass(HOUR);
	answer(id, DISPATCH_PASSED, NULL);
	ck_assert_uint_eq(find(id)->flags, MESSAGE_HELD);
	expect_held(find(id), true);
}
END_TEST

START_TEST(one_that_is_refused_goes_back_with_the_filter_s_words)
{
	static const struct {
		const char *reply, *status;
	} cases[] = { { "554 5.7.9 not today", "Status: 5.7.9" },
		{ "550 no", "Status: 5.7.1" },
		{ "550 4.7.1 no", "Status: 5.7.1" },
		{ "550 5.7", "Status: 5.7.1" },
		{ "550 5x7.2 no", "Status: 5.7.1" },
		{ "550 5.777.777.777 no", "Status: 5.7.1" } };
	uint64_t id = add("ann");

	answer(id, DISPATCH_REFUSED, cases[_i].reply);
	ck_assert_ptr_null(find(id));
	ck_assert(report_has(0, cases[_i].status));
	ck_assert(report_has(0, cases[_i].reply));
	ck_assert(report_has(0, "refused: filter f"));
	ck_assert(report_has(0, "z@two.test") == false);
}
END_TEST

START_TEST(one_that_is_discarded_is_gone)
{
	uint64_t id = add("ann");

	answer(id, DISPATCH_DISCARDED, NULL);
	ck_assert_ptr_null(find(id));
	ck_assert_ptr_null(report(0));
	ck_assert_uint_eq(d->filtering.count, 0);
}
END_TEST

static void
answer_changed(uint64_t id, uint32_t more, const char *held_by)
{
	struct progress gone = { .rcpt = 0, .state = RCPT_REMOVED };

	dispatch_filtered(d, &(struct dispatch_filtered){ .id = id,
				 .verdict = DISPATCH_CHANGED,
				 .env = make(id, "ann", more, held_by),
				 .news = &gone,
				 .nnews = 1 });
	turn();
}

START_TEST(one_that_is_changed_is_another_one)
{
	uint64_t id = add("ann");
	const struct message *m;
	int64_t born = find(id)->born;

	now += HOUR;
	answer_changed(id, 2, NULL);
	m = find(id);
	ck_assert_uint_eq(m->env->nrcpt, 4);
	ck_assert_int_eq(m->born, born);
	ck_assert_uint_eq(m->flags, 0);
	ck_assert_int_eq(m->rcpts[0].state, RCPT_REMOVED);
	for (uint32_t i = 1; i < 4; i++)
		ck_assert_int_eq(m->rcpts[i].state, RCPT_QUEUED);
	expect_held(m, false);
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		ck_assert_uint_eq(m->legs[i].stood, 0);
	ck_assert_uint_eq(d->filtering.count, 0);
}
END_TEST

START_TEST(one_that_is_put_in_quarantine_stays_held)
{
	uint64_t id = add("ann");

	answer_changed(id, 0, "f: looks bad");
	ck_assert_uint_eq(find(id)->flags, MESSAGE_QUARANTINED);
	ck_assert_uint_eq(find(id)->legs[1].state, LEG_HELD);
	ck_assert_int_eq(find(id)->rcpts[0].state, RCPT_REMOVED);
}
END_TEST

/* How long the operator held it stays, and how long it waited does not come to it. */
START_TEST(what_it_stood_is_kept_over_a_change)
{
	uint64_t id = add("ann");
	uint64_t stood;

	now += HOUR;
	message_set_flags(find(id), MESSAGE_UNFILTERED | MESSAGE_HELD, now);
	now += DAY;
	if (_i == 0)
		message_set_flags(find(id), MESSAGE_UNFILTERED, now);
	now += HOUR;
	answer_changed(id, 0, NULL);
	stood = find(id)->legs[1].stood;
	if (_i == 1) /* it does still */
		stood = now - stood;
	ck_assert_uint_eq(stood / HOUR, (_i == 0 ? 24 : 25));
	ck_assert_uint_eq(find(id)->flags, _i == 0 ? 0 : MESSAGE_HELD);
}
END_TEST

static void
on_done(const struct dispatch_done *what, void *arg)
{
	(void)what, (void)arg;
}

static void
order(uint64_t id, enum order_verb verb)
{
	struct order o = { .verb = verb };

	ck_assert_int_eq(order_judge(&o, find(id)), ORDER_CAN);
	dispatch_do(d, find(id), &o, on_done, NULL);
}

START_TEST(one_that_was_removed_meanwhile_stays_so)
{
	uint64_t id = add("ann");

	order(id, ORDER_REMOVE);
	turn();
	ck_assert_ptr_null(find(id));
	if (_i == 0)
		answer_changed(id, 1, NULL);
	else
		answer(id, _i == 1 ? DISPATCH_PUT_OFF : DISPATCH_PASSED, later);
	ck_assert_ptr_null(find(id));
	ck_assert_uint_eq(d->filtering.count, 0);
	ck_assert(dispatch_is_idle(d));
}
END_TEST

/* Its report is not stored yet when the filter, which adds one, answers. */
START_TEST(nobody_is_added_to_what_goes_back)
{
	uint64_t id = add("ann");

	order(id, ORDER_BOUNCE);
	ck_assert_ptr_nonnull(find(id));
	answer_changed(id, 2, NULL);
	ck_assert_ptr_null(find(id));
	ck_assert_ptr_nonnull(report(0));
	ck_assert_ptr_null(report(1));
}
END_TEST

START_TEST(what_is_over_is_not_asked_about)
{
	uint64_t id = add("ann");

	answer(id, DISPATCH_PUT_OFF, later);
	order(id, ORDER_BOUNCE); /* stands in line when it is over */
	filters_ask_now(d, find(id));
	turn();
	pass(HOUR);
	ck_assert_uint_eq(nasked, 1);
	ck_assert_uint_eq(d->filtering.count, 0);
}
END_TEST

/* An account gets a further place only while it has no more than are free. */
START_TEST(accounts_take_turns)
{
	uint64_t bob;

	uint64_t last = 0;

	for (int i = 0; i < 40; i++)
		last = add("ann");
	ck_assert_uint_eq(nasked, 33);
	ck_assert(says(find(last), 0, "it waits for filter f", ""));
	filters_ask_all(d); /* who stands in line stands there once */
	turn();
	ck_assert_uint_eq(nasked, 33);
	order(last, ORDER_REMOVE);
	turn();
	ck_assert_ptr_null(find(last));
	bob = add("bob");
	ck_assert_uint_eq(nasked, 34);
	ck_assert_uint_eq(asked[33], bob);
	answer(asked[0], DISPATCH_PUT_OFF, later);
	answer(asked[1], DISPATCH_PASSED, NULL);
	ck_assert_uint_eq(nasked, 35);
	answer(bob, DISPATCH_PASSED, NULL);
	answer(asked[2], DISPATCH_PASSED, NULL);
	ck_assert_uint_eq(nasked, 37);
}
END_TEST

START_TEST(no_more_than_so_many_are_asked_at_once)
{
	char account[16];

	for (int i = 0; i < 70; i++) {
		(void)snprintf(account, sizeof account, "ann%d", i);
		(void)add(account);
	}
	ck_assert_uint_eq(nasked, 64);
	answer(asked[5], DISPATCH_PASSED, NULL);
	ck_assert_uint_eq(nasked, 65);
}
END_TEST

/* From before a start: nobody of it is to get it any more, or one of two. */
START_TEST(what_was_ended_before_a_start_is_left_alone)
{
	struct progress rows[2] = {
		{ .rcpt = 0, .state = RCPT_DELIVERED },
		{ .rcpt = 1, .state = _i == 0 ? RCPT_FAILED : RCPT_QUEUED },
	};

	dispatch_load(make(5, "ann", 0, NULL), rows, MESSAGE_UNFILTERED, d);
	dispatch_end_turn(d);
	turn();
	ck_assert_uint_eq(nasked, _i == 0 ? 0 : 1);
	ck_assert_uint_eq(d->filtering.count, _i == 0 ? 0 : 1);
	ck_assert_ptr_null(find(5)->rcpts[0].reason);
	if (_i == 1)
		answer(5, DISPATCH_PASSED, NULL);
}
END_TEST

START_TEST(an_end_of_the_relay_leaves_it_as_it_was)
{
	uint64_t id = add("ann"), other = add("ann");

	dispatch_stop(d);
	now += 6 * (uint64_t)DAY; /* it does not expire any more */
	answer(id, DISPATCH_PUT_OFF, later);
	ck_assert_uint_eq(find(id)->flags, MESSAGE_UNFILTERED);
	expect_held(find(id), true);
	ck_assert(!dispatch_is_idle(d));
	/* What a filter has said is not lost. */
	answer(other, DISPATCH_PASSED, NULL);
	ck_assert_uint_eq(find(other)->flags, 0);
	ck_assert(dispatch_is_idle(d));
}
END_TEST

static void
on_idle(void *arg)
{
	(void)arg;
	idles++;
}

START_TEST(who_waits_for_the_end_hears_of_it)
{
	uint64_t id = add("ann");

	dispatch_on_idle(d, on_idle, NULL);
	answer(add("bob"), DISPATCH_PASSED, NULL);
	ck_assert_uint_eq(idles, 0);
	dispatch_stop(d);
	answer(id, DISPATCH_PUT_OFF, later);
	ck_assert_uint_eq(idles, 1);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_is_asked_at_once_and_goes_when_it_passes);
	tcase_add_test(tc, one_that_is_put_off_is_asked_again_in_its_time);
	tcase_add_loop_test(tc,
	    it_is_asked_at_once_when_the_operator_or_a_reload_wants_it, 0, 2);
	tcase_add_test(tc, its_sender_is_warned_once_and_it_expires_in_time);
	tcase_add_test(tc, it_is_woken_at_its_end_and_not_behind_it);
	tcase_add_test(tc, what_is_held_otherwise_does_not_expire);
	tcase_add_loop_test(
	    tc, one_that_is_refused_goes_back_with_the_filter_s_words, 0, 6);
	tcase_add_test(tc, one_that_is_discarded_is_gone);
	tcase_add_test(tc, one_that_is_changed_is_another_one);
	tcase_add_test(tc, one_that_is_put_in_quarantine_stays_held);
	tcase_add_loop_test(tc, what_it_stood_is_kept_over_a_change, 0, 2);
	tcase_add_loop_test(tc, one_that_was_removed_meanwhile_stays_so, 0, 3);
	tcase_add_test(tc, nobody_is_added_to_what_goes_back);
	tcase_add_test(tc, what_is_over_is_not_asked_about);
	tcase_add_test(tc, accounts_take_turns);
	tcase_add_test(tc, no_more_than_so_many_are_asked_at_once);
	tcase_add_loop_test(
	    tc, what_was_ended_before_a_start_is_left_alone, 0, 2);
	tcase_add_test(tc, an_end_of_the_relay_leaves_it_as_it_was);
	tcase_add_test(tc, who_waits_for_the_end_hears_of_it);
}

SUITE_MAIN("filters_io", fill)
