/* Which messages and recipients a request is about; and a walk over them. */
#include "src/desk/filter.h"
#include "src/desk/scan.h"
#include "tests/lib/suite.h"

#include "dispatch/message.h"
#include "dispatch/queue.h"
#include "mail/qid.h"
#include "mail/reason.h"

enum { NOW = 10000000, WALL = 1800000000, RCPTS = 3 };

static struct queue *queue;
static struct message *message;

static struct message *
add(uint64_t id)
{
	static const struct leg_options options = { .expire = 1000000000 };
	static const struct span rcpts[RCPTS] = { { "Ann@One.test", 12 },
		{ "bob@two.test", 12 }, { "carl@two.test", 13 } };
	struct envelope_parts parts = { .id = id,
		.arrived = WALL,
		.account = SPAN("ann@house.test"),
		.sender = SPAN("Ann@House.test"),
		.rcpt = rcpts,
		.nrcpt = RCPTS };
	struct message *m = message_new(
	    envelope_new(&parts), NULL, 0, &options, NOW - 7200000, WALL);

	queue_add_take(queue, m);
	return m;
}

static void
setup(void)
{
	struct words w = { .status = SPAN("4.2.2"),
		.host = SPAN("mx.two.test"),
		.said = SPAN("452 Mailbox FULL") };
	struct words other = { .status = SPAN("4.7.1"),
		.said = SPAN("451 Greylisted") };
	struct reason *why = reason_new(&w), *later = reason_new(&other);

	queue = queue_new();
	message = add(1);
	recipient_set_reason(&message->rcpts[1], why);
	recipient_set_reason(&message->rcpts[2], later);
	reason_unref(why);
	reason_unref(later);
	message->legs[0].state = LEG_HELD;
}

static void
teardown(void)
{
	queue_free(queue);
}

static const struct {
	const char *pattern, *text;
	bool fits;
} patterns[] = {
	{ "", "", true },
	{ "", "a", false },
	{ "*", "", true },
	{ "*", "anything", true },
	{ "a@B.test", "A@b.TEST", true },
	{ "a@b.test", "a@b.testy", false },
	{ "a@b.test", "xa@b.test", false },
	{ "*@b.test", "a@b.test", true },
	{ "*@b.test", "a@xb.test", false },
	{ "a*", "ab", true },
	{ "a*c", "abcbc", true },
	{ "a*c", "abcb", false },
	{ "*b*d*", "abcde", true },
	{ "*b*d*", "adcbe", false },
	{ "**", "x", true },
	{ "a?", "ab", false },
};

START_TEST(a_star_stands_for_anything)
{
	ck_assert_int_eq(filter_matches_text(span_text(patterns[_i].pattern),
			     span_text(patterns[_i].text)),
	    patterns[_i].fits);
}
END_TEST

/* Bits of the recipients that are meant. */
static const struct {
	const char *request;
	enum filter_part part;
	unsigned only;
} cases[] = {
	{ "{}", FILTER_WHOLE, 0 },
	{ "{\"all\": true}", FILTER_WHOLE, 0 },
	{ "{\"account\": \"ANN@house.test\"}", FILTER_WHOLE, 0 },
	{ "{\"account\": \"ann\"}", FILTER_NONE, 0 },
	{ "{\"account\": \"\"}", FILTER_NONE, 0 },
	{ "{\"from\": \"*@house.test\"}", FILTER_WHOLE, 0 },
	{ "{\"from\": \"\"}", FILTER_NONE, 0 },
	{ "{\"from\": \"<>\"}", FILTER_NONE, 0 },
	{ "{\"from\": \"<ann@house.test>\"}", FILTER_WHOLE, 0 },
	{ "{\"from\": \"<ann@house.test\"}", FILTER_NONE, 0 },
	{ "{\"from\": \"<\"}", FILTER_NONE, 0 },
	{ "{\"to\": \"<Carl@two.test>\"}", FILTER_SOME, 4 },
	{ "{\"older\": \"2h\"}", FILTER_WHOLE, 0 },
	{ "{\"older\": \"7201s\"}", FILTER_NONE, 0 },
	{ "{\"older\": \"15m\"}", FILTER_WHOLE, 0 },
	{ "{\"older\": \"120min\"}", FILTER_WHOLE, 0 },
	{ "{\"older\": \"121m\"}", FILTER_NONE, 0 },
	{ "{\"domain\": \"TWO.test\"}", FILTER_SOME, 6 },
	{ "{\"domain\": \"two.test.\"}", FILTER_SOME, 6 },
	{ "{\"domain\": \".\"}", FILTER_NONE, 0 },
	{ "{\"to\": \"Carl@TWO.test.\"}", FILTER_SOME, 4 },
	{ "{\"domain\": \"*.test\"}", FILTER_WHOLE, 7 },
	{ "{\"domain\": \"test\"}", FILTER_NONE, 0 },
	{ "{\"to\": \"carl@*\"}", FILTER_SOME, 4 },
	{ "{\"to\": \"ann@one.test\"}", FILTER_SOME, 1 },
	{ "{\"to\": \"carl@*\", \"domain\": \"one.test\"}", FILTER_NONE, 0 },
	{ "{\"to\": \"carl@*\", \"account\": \"bob\"}", FILTER_NONE, 0 },
	{ "{\"reason\": \"mailbox full\"}", FILTER_SOME, 2 },
	{ "{\"reason\": \"greylisted\"}", FILTER_SOME, 4 },
	{ "{\"reason\": \"mailbox empty\"}", FILTER_NONE, 0 },
	{ "{\"held\": true}", FILTER_SOME, 1 },
	{ "{\"held\": true, \"domain\": \"two.test\"}", FILTER_NONE, 0 },
	{ "{\"site\": \"mx.nowhere\"}", FILTER_NONE, 0 },
};

START_TEST(conditions_are_and)
{
	json_t *request = json_loads(cases[_i].request, 0, NULL);
	bool only[RCPTS] = { false };
	const char *wrong = NULL;
	struct filter f = { .all = false };

	ck_assert_ptr_nonnull(request);
	ck_assert(filter_read(&f, request, &wrong));
	ck_assert_int_eq(filter_match(&f, message, NOW, only), cases[_i].part);
	if (cases[_i].part == FILTER_SOME)
		for (unsigned i = 0; i < RCPTS; i++)
			ck_assert_int_eq(only[i], cases[_i].only >> i & 1);
	ck_assert_int_eq(filter_chooses(&f), json_object_size(request) > 0);
	json_decref(request);
}
END_TEST

/* One of a domain's ways to be written means all of them. */
static const char *const ways[] = { "{\"domain\": \"b\u00fccher.test\"}",
	"{\"domain\": \"B\u00dcCHER.test\"}",
	"{\"domain\": \"xn--bcher-kva.TEST.\"}",
	"{\"to\": \"*@b\u00fccher.test\"}",
	"{\"to\": \"<ANN@xn--bcher-kva.test>\"}" };

START_TEST(a_domain_is_meant_however_it_is_written)
{
	const struct span rcpts[] = { SPAN("ann@b\xc3\xbc"
					   "cher.test"),
		SPAN("ann@xn--bcher-kva.test"), SPAN("ann@bucher.test") };
	struct envelope_parts parts = { .id = 2, .rcpt = rcpts, .nrcpt = 3 };
	static const struct leg_options options = { .expire = 1000000000 };
	json_t *request = json_loads(ways[_i], 0, NULL);
	bool only[RCPTS] = { false };
	const char *wrong = NULL;
	struct filter f = { .all = false };
	struct message *m =
	    message_new(envelope_new(&parts), NULL, 0, &options, NOW, WALL);

	queue_add_take(queue, m);
	ck_assert(filter_read(&f, request, &wrong));
	ck_assert_int_eq(filter_match(&f, m, NOW, only), FILTER_SOME);
	ck_assert(only[0] && only[1] && !only[2]);
	json_decref(request);
}
END_TEST

START_TEST(who_is_over_is_not_meant)
{
	json_t *request = json_pack("{s:s}", "domain", "two.test");
	bool only[RCPTS] = { false };
	const char *wrong = NULL;
	struct filter f = { .all = false };

	ck_assert(filter_read(&f, request, &wrong));
	message_set_state(message, 1, RCPT_DELIVERED);
	ck_assert_int_eq(filter_match(&f, message, NOW, only), FILTER_SOME);
	ck_assert(!only[0] && !only[1] && only[2]);
	message_set_state(message, 0, RCPT_DELIVERED);
	ck_assert_int_eq(filter_match(&f, message, NOW, only), FILTER_WHOLE);
	json_decref(request);
}
END_TEST

static const char *const wrongs[] = { "{\"older\": \"soon\"}",
	"{\"domain\": 7}", "{\"account\": \"ann\", \"domain\": null}",
	"{\"older\": 3600}", "{\"held\": \"yes\"}",
	"{\"all\": true, \"dry_run\": \"yes\"}",
	"{\"to\": [\"ann@one.test\"]}" };

/* Else it would mean all, or do what was to be tried. */
START_TEST(what_is_no_filter_is_refused)
{
	json_t *request = json_loads(wrongs[_i], 0, NULL);
	const char *wrong = NULL;
	struct filter f = { .all = false };

	ck_assert(!filter_read(&f, request, &wrong));
	ck_assert_ptr_nonnull(wrong);
	json_decref(request);
}
END_TEST

START_TEST(the_log_says_what_was_chosen)
{
	json_t *request = json_pack("{s:s, s:s, s:b, s:b}", "older", "2h", "to",
	    "a@b", "held", 1, "dry_run", 1);
	struct buf text = { 0 };

	filter_say(request, &text);
	ck_assert(span_equal(buf_span(&text), SPAN("to=a@b older=2h held")));
	buf_clear(&text);
	json_decref(request);
}
END_TEST

/* --- scans --- */

/* Goes on page by page, each of one message, and counts. */
static unsigned
walk(json_t *request, unsigned *missing)
{
	unsigned found = 0, pages = 0;
	bool more = true;

	*missing = 0;
	while (more && pages++ < 100) {
		json_t *answer = json_object();
		const char *wrong = NULL;
		struct scan_item item;
		struct scan s;

		ck_assert(scan_begin(&s, queue, NULL, request, NOW, &wrong));
		s.until = 0;
		if (scan_next(&s, &item)) {
			found += item.message != NULL;
			*missing += item.message == NULL;
		}
		scan_end(&s, answer);
		scan_clear(&s);
		more = json_is_true(json_object_get(answer, "more"));
		if (more)
			(void)json_object_set(
			    request, "after", json_object_get(answer, "after"));
		json_decref(answer);
	}
	ck_assert(!more);
	json_decref(request);
	return found;
}

START_TEST(a_scan_meets_each_message_once_whatever_the_pages)
{
	unsigned missing;

	for (uint64_t id = 2; id <= 40; id++)
		(void)add(id);
	ck_assert_uint_eq(walk(json_object(), &missing), 40);
	ck_assert_uint_eq(walk(json_pack("{s:b}", "held", 1), &missing), 1);
	ck_assert_uint_eq(
	    walk(json_pack("{s:[s,s,s]}", "ids", qid_format(7).text, "zzz",
		     qid_format(3).text),
		&missing),
	    2);
	ck_assert_uint_eq(missing, 1);
	ck_assert_uint_eq(walk(json_pack("{s:[]}", "ids"), &missing), 0);
}
END_TEST

/* The clock ends a turn; the next one goes on from there. */
START_TEST(a_turn_ends_by_the_clock)
{
	json_t *request = json_object(), *answer = json_object();
	const char *wrong = NULL;
	struct scan_item item;
	struct scan s;

	ck_assert(scan_begin(&s, queue, NULL, request, NOW, &wrong));
	s.until = 1; /* long ago */
	ck_assert(!scan_next(&s, &item));
	ck_assert(!s.is_over);
	scan_end(&s, answer);
	ck_assert(json_is_true(json_object_get(answer, "more")));
	ck_assert_str_eq(
	    json_string_value(json_object_get(answer, "after")), "0-0");
	scan_clear(&s);
	(void)json_object_set(
	    request, "after", json_object_get(answer, "after"));
	ck_assert(scan_begin(&s, queue, NULL, request, NOW, &wrong));
	s.until = 0;
	ck_assert(scan_next(&s, &item));
	ck_assert_ptr_eq(item.message, message);
	scan_stay(&s);
	ck_assert(scan_next(&s, &item));
	ck_assert_ptr_eq(item.message, message);
	ck_assert(!scan_next(&s, &item));
	ck_assert(s.is_over);
	scan_clear(&s);
	json_decref(request);
	json_decref(answer);
}
END_TEST

static const char *const nonsense[] = { "{\"after\": \"x\"}",
	"{\"after\": \"-\"}", "{\"after\": \"5-\"}", "{\"after\": \"#5\"}",
	"{\"ids\": [], \"after\": \"5-5\"}", "{\"after\": \"-5-5\"}" };

START_TEST(a_place_that_is_none_is_refused)
{
	json_t *request = json_loads(nonsense[_i], 0, NULL);
	const char *wrong = NULL;
	struct scan s;

	ck_assert(!scan_begin(&s, queue, NULL, request, NOW, &wrong));
	ck_assert_ptr_nonnull(wrong);
	scan_clear(&s);
	json_decref(request);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, a_star_stands_for_anything, 0, (int)ARRAY_LEN(patterns));
	tcase_add_loop_test(tc, conditions_are_and, 0, (int)ARRAY_LEN(cases));
	tcase_add_loop_test(tc, a_domain_is_meant_however_it_is_written, 0,
	    (int)ARRAY_LEN(ways));
	tcase_add_test(tc, who_is_over_is_not_meant);
	tcase_add_loop_test(
	    tc, what_is_no_filter_is_refused, 0, (int)ARRAY_LEN(wrongs));
	tcase_add_test(tc, the_log_says_what_was_chosen);
	tcase_add_test(tc, a_scan_meets_each_message_once_whatever_the_pages);
	tcase_add_test(tc, a_turn_ends_by_the_clock);
	tcase_add_loop_test(
	    tc, a_place_that_is_none_is_refused, 0, (int)ARRAY_LEN(nonsense));
}

SUITE_MAIN("filter", fill)
