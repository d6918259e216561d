/* What is kept of the last hours: all of it, until there is no room. */
#include "dispatch/history.h"
#include "tests/lib/suite.h"

#include <stdio.h>
#include <string.h>

enum { BYTES = 32 * 1024 };

static struct history *history;

static void
setup(void)
{
	history = history_new(BYTES);
}

static void
teardown(void)
{
	history_free(history);
}

/* An entry whose texts say its number, in a length that goes with it. */
static void
add(unsigned n)
{
	struct trace_entry e = { .kind = (enum trace_kind)(n % TRACE_KINDS),
		.id = n,
		.at = 1000 + (int64_t)n,
		.size = n * 2,
		.delay = n * 3,
		.next = n * 4,
		.nrcpt = n * 5,
		.tries = n * 6 };
	char text[64], more[TRACE_TEXT_MAX + 50];

	memset(more, 'x', sizeof more);
	(void)snprintf(text, sizeof text, "text %u", n);
	e.text[TRACE_SID] = span_text(text);
	e.text[TRACE_REPLY] = span_make(more, (n * 37) % sizeof more);
	history_add(history, &e);
}

static void
expect(const struct trace_entry *e, unsigned n)
{
	char text[64];
	size_t len = (n * 37) % (TRACE_TEXT_MAX + 50);
	bool all_x = true;

	(void)snprintf(text, sizeof text, "text %u", n);
	ck_assert_uint_eq(e->id, n);
	ck_assert_uint_eq(e->kind, n % TRACE_KINDS);
	ck_assert_int_eq(e->at, 1000 + n);
	ck_assert_uint_eq(e->size, n * 2);
	ck_assert_uint_eq(e->delay, n * 3);
	ck_assert_uint_eq(e->next, n * 4);
	ck_assert_uint_eq(e->nrcpt, n * 5);
	ck_assert_uint_eq(e->tries, n * 6);
	ck_assert(span_equal(e->text[TRACE_SID], span_text(text)));
	ck_assert_uint_eq(e->text[TRACE_REPLY].len,
	    len < TRACE_TEXT_MAX ? len : TRACE_TEXT_MAX);
	for (size_t i = 0; i < e->text[TRACE_REPLY].len; i++)
		all_x &= e->text[TRACE_REPLY].ptr[i] == 'x';
	ck_assert(all_x);
	ck_assert_uint_eq(e->text[TRACE_HOST].len, 0);
}

START_TEST(an_empty_one_has_nothing)
{
	struct trace_entry e;
	uint64_t at = 0;

	ck_assert(!history_next(history, &at, &e));
	ck_assert_int_eq(history_since(history), 0);
	ck_assert_uint_eq(history_count(history), 0);
}
END_TEST

START_TEST(what_was_added_comes_back_in_order)
{
	struct trace_entry e;
	uint64_t at = 0;

	for (unsigned n = 1; n <= 20; n++)
		add(n);
	for (unsigned n = 1; n <= 20; n++) {
		ck_assert(history_next(history, &at, &e));
		expect(&e, n);
	}
	ck_assert(!history_next(history, &at, &e));
	ck_assert_int_eq(history_since(history), 1001);
}
END_TEST

/* However often the ring goes round: the newest are there, in one row. */
START_TEST(the_oldest_go_when_there_is_no_room)
{
	struct trace_entry e;

	for (unsigned n = 1; n <= 1000; n++) {
		uint64_t at = 0;
		unsigned seen = 0, first = 0;

		add(n);
		if (n % 7 != 0)
			continue;
		while (history_next(history, &at, &e)) {
			if (first == 0)
				first = (unsigned)e.id;
			expect(&e, first + seen);
			seen++;
		}
		ck_assert_uint_eq(seen, history_count(history));
		ck_assert_uint_eq(first + seen - 1, n);
		ck_assert_int_eq(history_since(history), 1000 + first);
		if (n > 500)
			ck_assert_uint_ge(seen, BYTES / 1000);
	}
}
END_TEST

START_TEST(a_walk_that_was_overtaken_goes_on_with_the_oldest)
{
	struct trace_entry e;
	uint64_t at = 0;

	add(1);
	add(2);
	ck_assert(history_next(history, &at, &e));
	for (unsigned n = 3; n <= 500; n++)
		add(n);
	ck_assert(history_next(history, &at, &e));
	ck_assert_int_eq(e.at, history_since(history));
	expect(&e, (unsigned)e.id);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_empty_one_has_nothing);
	tcase_add_test(tc, what_was_added_comes_back_in_order);
	tcase_add_test(tc, the_oldest_go_when_there_is_no_room);
	tcase_add_test(tc, a_walk_that_was_overtaken_goes_on_with_the_oldest);
}

SUITE_MAIN("history", fill)
