/*
 * A message that waits is replaced: it is what it was, or what it is to be, whole,
 * whatever fails, and what is known of its recipients stays.
 */
#include "fixture.h"

enum { LARGE = 20000, CALLS = 24 };

static struct box box;
static char large[2][LARGE + 1];

static void
setup(void)
{
	box_init(&box);
	ck_assert(box_open(&box));
	for (int i = 0; i < 2; i++)
		memset(large[i], 'a' + i, LARGE);
	/* Larger than this is a file. */
	box.options.inline_max = 10000;
	box_reopen(&box);
}

static void
teardown(void)
{
	box_clear(&box);
}

/* One under way, which adds a recipient, and takes the first one out. */
struct again {
	struct answer answer;
	struct envelope *env;
	struct content *content;
	struct progress gone;
};

static void
begin(struct again *a, uint64_t id, const char *body)
{
	struct spool_entry *e = spool_entry_replace(box.spool, box.loop, id);

	*a = (struct again){ .gone = { .rcpt = 0, .state = RCPT_REMOVED } };
	a->content = content_of("Received: test\r\n", body, strlen(body));
	a->env = envelope_of(id, content_size(a->content), 3);
	spool_commit_again(e, a->env, a->content,
	    &(struct spool_again){ .news = &a->gone,
		.n = 1,
		.clear = MESSAGE_FUTURE,
		.set = MESSAGE_QUARANTINED },
	    on_status, &a->answer);
}

static enum spool_status
end(struct again *a)
{
	box_wait(&box, &a->answer);
	content_unref(a->content);
	free(a->env);
	return a->answer.status;
}

static enum spool_status
replace(uint64_t id, const char *body)
{
	struct again a;

	begin(&a, id, body);
	return end(&a);
}

static uint64_t
store(const char *body)
{
	struct progress p = {
		.rcpt = 1, .tries = 2, .reason = reason_of("451 later")
	};
	uint64_t id = box_store(&box, body);

	ck_assert_uint_ne(id, 0);
	spool_progress(box.spool, id, &p, 1);
	spool_set_flags(box.spool, id, MESSAGE_FUTURE | MESSAGE_HELD);
	reason_unref(p.reason);
	return id;
}

static void
expect_replaced(uint64_t id, const char *body)
{
	const struct loaded *l = box_loaded(&box, id);

	ck_assert_ptr_nonnull(l);
	ck_assert_uint_eq(l->env->nrcpt, 3);
	ck_assert_uint_eq(l->flags, MESSAGE_HELD | MESSAGE_QUARANTINED);
	ck_assert_int_eq(l->rows[0].state, RCPT_REMOVED);
	ck_assert_int_eq(l->rows[1].state, RCPT_QUEUED);
	ck_assert_uint_eq(l->rows[1].tries, 2);
	ck_assert(reason_says(l->rows[1].reason, "451 later"));
	ck_assert_uint_eq(l->rows[2].tries, 0);
	box_expect(&box, id, body);
}

static void
expect_sound(void)
{
	struct spool_health h;

	spool_health(box.spool, &h);
	ck_assert_uint_eq(h.set_aside, 0);
}

/* Small ones, and such as are files, in each order. */
START_TEST(it_is_another_one_now_and_after_a_start)
{
	const char *before = (_i & 1) == 0 ? "small" : large[0];
	const char *after = (_i & 2) == 0 ? "another" : large[1];
	uint64_t id = store(before), other = box_store(&box, "other");
	struct spool_health h;

	ck_assert_int_eq(replace(id, after), SPOOL_OK);
	box_expect(&box, id, after);
	spool_health(box.spool, &h);
	ck_assert_uint_eq(h.messages, 2);
	for (int i = 0; i < 2; i++) {
		box_reopen(&box);
		ck_assert_uint_eq(box.nloaded, 2);
		expect_replaced(id, after);
		box_expect(&box, other, "other");
		expect_sound();
	}
	/* Its old file is nobody's. */
	ck_assert_uint_eq(box_count(&box, "content"), (_i & 2) == 0 ? 0 : 1);
	spool_done(box.spool, id);
	box_reopen(&box);
	ck_assert_uint_eq(box.nloaded, 1);
	expect_sound();
}
END_TEST

START_TEST(news_that_come_meanwhile_are_the_newest)
{
	struct progress p = { .rcpt = 1, .tries = 3 };
	uint64_t id = store("small");
	struct again a;

	begin(&a, id, "another");
	spool_progress(box.spool, id, &p, 1);
	spool_set_flags(box.spool, id, MESSAGE_HELD);
	ck_assert_int_eq(end(&a), SPOOL_OK);
	for (int i = 0; i < 2; i++) {
		const struct loaded *l;

		box_reopen(&box);
		l = box_loaded(&box, id);
		ck_assert_uint_eq(l->rows[1].tries, 3);
		ck_assert_int_eq(l->rows[0].state, RCPT_REMOVED);
		box_expect(&box, id, "another");
	}
}
END_TEST

START_TEST(one_that_is_done_does_not_come_back)
{
	uint64_t id = store(_i == 0 ? "small" : large[0]);
	const char *after = _i == 0 ? "another" : large[1];
	struct again a;

	begin(&a, id, after);
	spool_done(box.spool, id);
	(void)end(&a);
	ck_assert_int_eq(replace(id, after), SPOOL_ABSENT);
	box_reopen(&box);
	ck_assert_uint_eq(box.nloaded, 0);
	ck_assert_uint_eq(box_count(&box, "content"), 0);
	expect_sound();
}
END_TEST

START_TEST(one_that_was_never_there_is_absent)
{
	ck_assert_int_eq(replace(12345, "x"), SPOOL_ABSENT);
	ck_assert_int_eq(replace(12346, large[0]), SPOOL_ABSENT);
	box_reopen(&box);
	ck_assert_uint_eq(box.nloaded, 0);
}
END_TEST

/* Accepted is accepted: no failed call takes the message away. */
static void
fail_at(int call, int calls, bool is_large)
{
	const char *before = is_large ? large[0] : "small";
	const char *after = is_large ? large[1] : "another";
	uint64_t id = store(before);
	enum spool_status status;

	box_reopen(&box);
	box.fault.fail_for = calls;
	box.fault.fail_at = atomic_load(&box.fault.calls) + call;
	status = replace(id, after);
	box.fault.fail_at = 0;
	box_expect(&box, id, status == SPOOL_OK ? after : before);
	/* While a disk is bad nothing is taken, for a second. */
	ck_assert(box_store(&box, large[0]) != 0 || calls > 1);
	box_reopen(&box);
	ck_assert_ptr_nonnull(box_loaded(&box, id));
	if (status == SPOOL_OK)
		expect_replaced(id, after);
	else
		box_expect(&box, id, before);
	expect_sound();
	ck_assert_int_eq(replace(id, after), SPOOL_OK);
	box_reopen(&box);
	expect_replaced(id, after);
	expect_sound();
}

START_TEST(a_failed_call_leaves_what_was_there)
{
	fail_at(1 + _i / 2, 1, _i % 2 == 1);
}
END_TEST

START_TEST(a_disk_that_is_bad_for_a_while_leaves_what_was_there)
{
	fail_at(1 + _i / 2, 5, _i % 2 == 1);
}
END_TEST

START_TEST(a_power_cut_leaves_one_of_the_two)
{
	bool is_large = _i % 2 == 1;
	const char *before = is_large ? large[0] : "small";
	const char *after = is_large ? large[1] : "another";
	uint64_t id = store(before);
	const struct loaded *l;
	enum spool_status status;

	box_reopen(&box);
	box.fault.is_dead = true;
	box.fault.fail_for = 1000000;
	box.fault.fail_at = atomic_load(&box.fault.calls) + 1 + _i / 2;
	status = replace(id, after);
	box_close(&box);
	box.fault.fail_at = 0;
	power_cut(&box.fault.power, (unsigned)_i);
	ck_assert_msg(box_open(&box), "%s", box.err.text);
	l = box_loaded(&box, id);
	ck_assert_ptr_nonnull(l);
	if (status == SPOOL_OK)
		ck_assert_uint_eq(l->env->nrcpt, 3);
	box_expect(&box, id, l->env->nrcpt == 3 ? after : before);
	expect_sound();
}
END_TEST

/* About as often as reclaiming comes by: at times both are in one group. */
static bool
is_its_round(size_t i, int round)
{
	return ((size_t)round + i) % 6 == 0;
}

/* Reclaiming copies what stays; a copy of the old one never outlives it. */
START_TEST(reclaiming_copies_the_new_one)
{
	enum { OLD = 20, ROUNDS = 120 };
	static struct sent sent[50];
	static struct again a[OLD];
	uint64_t old[OLD];
	char body[1000], text[OLD][32];

	memset(body, 'x', sizeof body);
	for (int i = 0; i < OLD; i++) {
		(void)snprintf(text[i], sizeof text[i], "as it came %d", i);
		old[i] = store(text[i]);
	}
	for (int r = 0; r < ROUNDS; r++) {
		for (size_t k = 0; k < ARRAY_LEN(sent); k++) {
			size_t i = k * OLD / ARRAY_LEN(sent);

			box_send(&box, &sent[k], body, sizeof body);
			if (!is_its_round(i, r) ||
			    (k > 0 && i == (k - 1) * OLD / ARRAY_LEN(sent)))
				continue;
			(void)snprintf(
			    text[i], sizeof text[i], "round %d, %zu", r, i);
			begin(&a[i], old[i], text[i]);
		}
		for (size_t k = 0; k < ARRAY_LEN(sent); k++) {
			ck_assert_int_eq(box_sent(&box, &sent[k]), SPOOL_OK);
			spool_done(box.spool, sent[k].id);
		}
		for (size_t i = 0; i < OLD; i++) {
			if (is_its_round(i, r))
				ck_assert_int_eq(end(&a[i]), SPOOL_OK);
		}
		if (r % 3 == 2)
			box_reopen(&box); /* nothing is in memory then */
		for (size_t i = 0; i < OLD; i++)
			box_expect(&box, old[i], text[i]);
	}
	ck_assert_uint_gt(journal_of(box.spool)->segments.next_number, 30);
	box_reopen(&box);
	ck_assert_uint_eq(box.nloaded, OLD);
	for (int i = 0; i < OLD; i++)
		expect_replaced(old[i], text[i]);
	expect_sound();
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, it_is_another_one_now_and_after_a_start, 0, 4);
	tcase_add_test(tc, news_that_come_meanwhile_are_the_newest);
	tcase_add_loop_test(tc, one_that_is_done_does_not_come_back, 0, 2);
	tcase_add_test(tc, one_that_was_never_there_is_absent);
	tcase_add_loop_test(tc, a_failed_call_leaves_what_was_there, 0, CALLS);
	tcase_add_loop_test(
	    tc, a_disk_that_is_bad_for_a_while_leaves_what_was_there, 0, CALLS);
	tcase_add_loop_test(tc, a_power_cut_leaves_one_of_the_two, 0, CALLS);
	tcase_add_test(tc, reclaiming_copies_the_new_one);
}

SUITE_MAIN("again", fill)
