/* News of messages, and who waits for them to be on disk. */
#include "fixture.h"

enum { FOREVER = 1000000 }; /* calls to the disk */

static struct box box;
static uint64_t id;

static void
setup(void)
{
	box_init(&box);
	ck_assert_msg(box_open(&box), "%s", box.err.text);
	id = box_store(&box, "Hello\r\n");
}

static void
teardown(void)
{
	box_clear(&box);
}

/* From here on nothing reaches the disk; then the spool is opened again. */
static void
cut_power(void)
{
	box.fault.fail_for = FOREVER;
	box.fault.is_dead = true;
	box.fault.fail_at = box.fault.calls + 1;
	box_close(&box);
	box.fault.fail_at = 0;
	box.fault.is_dead = false;
	ck_assert_msg(box_open(&box), "%s", box.err.text);
}

START_TEST(flags_are_on_disk_when_it_is_said)
{
	struct answer a = { 0 };

	spool_set_flags_synced(
	    box.spool, id, MESSAGE_HELD, box.loop, on_status, &a);
	ck_assert(!a.is_there);
	box_wait(&box, &a);
	ck_assert_int_eq(a.status, SPOOL_OK);
	cut_power();
	ck_assert_uint_eq(box_loaded(&box, id)->flags, MESSAGE_HELD);
}
END_TEST

START_TEST(progress_is_on_disk_when_it_is_said)
{
	struct progress p = { .rcpt = 1, .state = RCPT_REMOVED, .held = true };
	struct answer a = { 0 };

	spool_progress_synced(box.spool, id, &p, 1, box.loop, on_status, &a);
	ck_assert(!a.is_there);
	box_wait(&box, &a);
	ck_assert_int_eq(a.status, SPOOL_OK);
	cut_power();
	ck_assert_int_eq(box_loaded(&box, id)->rows[1].state, RCPT_REMOVED);
}
END_TEST

/* As import stores it: there is no second record that could be missing. */
START_TEST(a_message_with_a_past_has_it_in_its_record)
{
	struct spool_entry *e = spool_entry_open(box.spool, box.loop);
	struct progress rows[2] = { { .state = RCPT_FAILED, .tries = 4 },
		{ .rcpt = 1, .held = true, .step = 3 } };
	struct content *content = content_of("", "held", 4);
	uint64_t past = spool_entry_id(e);
	struct envelope *env = envelope_of(past, 4, 2);
	struct answer a = { 0 };
	const struct loaded *l;

	rows[0].reason = reason_of("why");
	spool_commit_past(e, env, content, rows, MESSAGE_HELD, on_status, &a);
	box_wait(&box, &a);
	ck_assert_int_eq(a.status, SPOOL_OK);
	content_unref(content);
	free(env);
	cut_power();
	l = box_loaded(&box, past);
	ck_assert_uint_eq(l->flags, MESSAGE_HELD);
	ck_assert_int_eq(l->rows[0].state, RCPT_FAILED);
	ck_assert_uint_eq(l->rows[0].tries, 4);
	ck_assert(reason_equal(l->rows[0].reason, rows[0].reason));
	ck_assert(l->rows[1].held);
	ck_assert_uint_eq(l->rows[1].step, 3);
	reason_unref(rows[0].reason);
}
END_TEST

START_TEST(news_of_what_is_not_there_is_answered_so)
{
	struct progress p = { .rcpt = 1 };
	struct answer a = { 0 }, b = { 0 };

	spool_done(box.spool, id);
	spool_progress_synced(box.spool, id, &p, 1, box.loop, on_status, &a);
	spool_set_flags_synced(box.spool, 77, 0, box.loop, on_status, &b);
	box_wait(&box, &a);
	box_wait(&box, &b);
	ck_assert_int_eq(a.status, SPOOL_ABSENT);
	ck_assert_int_eq(b.status, SPOOL_ABSENT);
}
END_TEST

/* _i: 0 the disk fails under the news, 1 it had failed before. */
START_TEST(who_waits_while_the_disk_is_bad_is_told_and_the_news_are_kept)
{
	struct answer a = { 0 };
	struct spool_health h = { 0 };

	box.fault.fail_for = FOREVER;
	box.fault.fail_at = box.fault.calls + 1;
	if (_i == 1)
		ck_assert_uint_eq(box_store(&box, "refused"), 0);
	spool_set_flags_synced(
	    box.spool, id, MESSAGE_HELD, box.loop, on_status, &a);
	box_wait(&box, &a);
	ck_assert_int_eq(a.status, SPOOL_FAULT);
	box.fault.fail_at = 0;
	while (!h.recording)
		spool_health(box.spool, &h);
	box_reopen(&box);
	ck_assert_uint_eq(box_loaded(&box, id)->flags, MESSAGE_HELD);
}
END_TEST

START_TEST(who_waits_at_the_close_is_answered)
{
	struct answer a = { 0 };

	box.options.lazy_ms = 10000;
	box_reopen(&box);
	spool_set_flags_synced(
	    box.spool, id, MESSAGE_HELD, box.loop, on_status, &a);
	box_close(&box);
	box_wait(&box, &a);
	ck_assert_int_eq(a.status, SPOOL_OK);
	ck_assert(box_open(&box));
	ck_assert_uint_eq(box_loaded(&box, id)->flags, MESSAGE_HELD);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, flags_are_on_disk_when_it_is_said);
	tcase_add_test(tc, progress_is_on_disk_when_it_is_said);
	tcase_add_test(tc, a_message_with_a_past_has_it_in_its_record);
	tcase_add_test(tc, news_of_what_is_not_there_is_answered_so);
	tcase_add_loop_test(tc,
	    who_waits_while_the_disk_is_bad_is_told_and_the_news_are_kept, 0,
	    2);
	tcase_add_test(tc, who_waits_at_the_close_is_answered);
}

SUITE_MAIN("news", fill)
