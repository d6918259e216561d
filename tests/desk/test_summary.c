/* How much waits, in groups. */
#include "src/desk/summary.h"
#include "src/desk/scan.h"
#include "tests/lib/suite.h"

#include "dispatch/message.h"
#include "dispatch/queue.h"
#include "mail/reason.h"

enum { NOW = 1000000000, WALL = 1800000000, MINUTE = 60 * 1000 };

static struct queue *queue;

static struct message *
add(uint64_t id, const char *account, uint64_t age, uint32_t nrcpt,
    const struct span *rcpts)
{
	static const struct leg_options options = { .expire = 100000000000 };
	struct envelope_parts parts = { .id = id,
		.arrived = WALL,
		.account = span_text(account),
		.sender = SPAN("s@s.test"),
		.rcpt = rcpts,
		.nrcpt = nrcpt };
	struct message *m = message_new(
	    envelope_new(&parts), NULL, 0, &options, NOW - age, WALL);

	queue_add_take(queue, m);
	return m;
}

static void
setup(void)
{
	static const struct span three[] = { { "a@One.test", 10 },
		{ "b@one.test", 10 }, { "c@two.test", 10 } };
	struct words w = { .status = SPAN("4.2.2"), .said = SPAN("450 full") };
	struct reason *why = reason_new(&w);
	struct message *m;

	queue = queue_new();
	m = add(1, "ann", 2 * MINUTE, 3, three);
	recipient_set_reason(&m->rcpts[0], why);
	recipient_set_reason(&m->rcpts[2], why);
	m = add(2, "", 50, 3, three);
	message_set_state(m, 2, RCPT_DELIVERED);
	(void)add(3, "ann", (uint64_t)5 * 24 * 60 * MINUTE, 1, three + 2);
	reason_unref(why);
}

static void
teardown(void)
{
	queue_free(queue);
}

static json_t *
page(json_t *request)
{
	const char *wrong = NULL;
	struct scan scan;
	json_t *o;

	ck_assert(scan_begin(&scan, queue, NULL, request, NOW, &wrong));
	scan.until = 0;
	o = summary_page(&scan, request);
	scan_clear(&scan);
	json_decref(request);
	return o;
}

static void
expect(const json_t *o, const char *by, const char *key, long long messages,
    long long rcpts, long long oldest)
{
	json_t *row = json_object_get(json_object_get(o, by), key);

	ck_assert_msg(row != NULL, "%s %s", by, key);
	ck_assert_int_eq(json_integer_value(json_array_get(row, 0)), messages);
	ck_assert_int_eq(json_integer_value(json_array_get(row, 1)), rcpts);
	ck_assert_int_eq(json_integer_value(json_array_get(row, 2)), oldest);
}

START_TEST(a_message_counts_once_in_each_group)
{
	json_t *o = page(json_object());

	ck_assert_int_eq(json_integer_value(json_object_get(o, "messages")), 3);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(o, "recipients")), 6);
	expect(o, "domain", "one.test", 2, 4, 120);
	expect(o, "domain", "two.test", 2, 2, 5 * 86400);
	ck_assert_uint_eq(json_object_size(json_object_get(o, "domain")), 2);
	expect(o, "account", "ann", 2, 4, 5 * 86400);
	expect(o, "account", "", 1, 2, 0);
	expect(o, "site", "(not known yet)", 3, 6, 5 * 86400);
	expect(o, "reason", "(nothing was said yet)", 3, 4, 5 * 86400);
	ck_assert_uint_eq(json_object_size(json_object_get(o, "reason")), 2);
	expect(o, "age", "under 1m", 1, 2, 0);
	expect(o, "age", "1m to 10m", 1, 3, 120);
	expect(o, "age", "over 3d", 1, 1, 5 * 86400);
	ck_assert(json_is_false(json_object_get(o, "more")));
	json_decref(o);
}
END_TEST

START_TEST(a_filter_and_one_group_are_obeyed)
{
	json_t *o =
	    page(json_pack("{s:s, s:s}", "reason", "FULL", "by", "domain"));

	ck_assert_int_eq(
	    json_integer_value(json_object_get(o, "recipients")), 2);
	expect(o, "domain", "one.test", 1, 1, 120);
	expect(o, "domain", "two.test", 1, 1, 120);
	ck_assert_ptr_null(json_object_get(o, "site"));
	ck_assert_ptr_null(json_object_get(o, "reason"));
	json_decref(o);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_message_counts_once_in_each_group);
	tcase_add_test(tc, a_filter_and_one_group_are_obeyed);
}

SUITE_MAIN("summary", fill)
