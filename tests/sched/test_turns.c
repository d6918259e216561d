#include "tests/lib/suite.h"

#include <string.h>

#include "base/span.h"
#include "sched/turns.h"

enum { MANY = 200 };

/* Who waits, with a letter, so that an order is a text. */
struct one {
	struct turn turn;
	char letter;
	bool is_unfit;
};

static struct turns t;
static struct one ones[MANY];
static const struct turns_place any;

static void
setup(void)
{
	turns_init(&t);
	memset(ones, 0, sizeof ones);
}

static void
teardown(void)
{
	for (int i = 0; i < MANY; i++)
		if (turn_is_waiting(&ones[i].turn))
			turns_leave(&t, &ones[i].turn);
	turns_clear(&t);
}

static struct one *
one_of(const struct turn *turn)
{
	return LIST_ENTRY(turn, struct one, turn);
}

/* A letter each: 'a' in the line of "a". */
static void
join(const char *letters, enum turn_rank rank, struct span account)
{
	static int next;

	for (; *letters != '\0'; letters++) {
		struct one *one = &ones[next++ % MANY];

		ck_assert(!turn_is_waiting(&one->turn));
		*one = (struct one){ .letter = *letters };
		turns_join(&t, &one->turn, account, rank);
		ck_assert(turn_is_waiting(&one->turn));
	}
}

static char
take(const struct turns_place *place)
{
	const struct turn *peeked = turns_peek(&t, place);
	struct turn *turn = turns_take(&t, place);

	ck_assert_ptr_eq(turn, peeked);
	if (turn == NULL)
		return '-';
	ck_assert(!turn_is_waiting(turn));
	return one_of(turn)->letter;
}

static void
expect(const char *order)
{
	char got[MANY + 1] = "";
	size_t n = strlen(order);

	for (size_t i = 0; i < n; i++)
		got[i] = take(&any);
	ck_assert_str_eq(got, order);
}

START_TEST(nobody_waits)
{
	ck_assert_int_eq(take(&any), '-');
	ck_assert_uint_eq(t.waiting, 0);
}
END_TEST

START_TEST(a_line_goes_in_its_order)
{
	join("abcd", TURN_FIRST, SPAN("ann"));
	ck_assert_uint_eq(t.waiting, 4);
	ck_assert_uint_eq(turns_waiting(&t, SPAN("ann")), 4);
	ck_assert_uint_eq(turns_waiting(&t, SPAN("bob")), 0);
	expect("abcd-");
	ck_assert_uint_eq(t.waiting, 0);
	ck_assert_uint_eq(turns_waiting(&t, SPAN("ann")), 0);
}
END_TEST

/* The second one to come is the second one served, whatever ann has in line. */
START_TEST(a_bulk_run_and_a_single_message_take_turns)
{
	join("aaaaaaaaaa", TURN_FIRST, SPAN("ann"));
	join("b", TURN_FIRST, SPAN("bob"));
	expect("abaaa");
	join("cc", TURN_FIRST, SPAN("cid"));
	expect("acacaaaa-");
}
END_TEST

START_TEST(an_account_that_comes_again_stands_behind_the_others)
{
	join("aa", TURN_FIRST, SPAN("ann"));
	join("bb", TURN_FIRST, SPAN("bob"));
	expect("a");
	join("cc", TURN_FIRST, SPAN("cid"));
	expect("bacbc-");
}
END_TEST

START_TEST(first_attempts_stand_before_retries)
{
	join("rs", TURN_RETRY, SPAN("ann"));
	join("ab", TURN_FIRST, SPAN("ann"));
	expect("abrs-");
}
END_TEST

START_TEST(what_is_urgent_stands_before_the_rest)
{
	join("z", TURN_RETRY_LOW, SPAN("ann"));
	join("yx", TURN_FIRST_LOW, SPAN("ann"));
	join("a", TURN_FIRST, SPAN("ann"));
	join("r", TURN_RETRY, SPAN("ann"));
	join("hi", TURN_FIRST_HIGH, SPAN("ann"));
	join("s", TURN_RETRY_HIGH, SPAN("ann"));
	join("o", TURN_FIRST, SPAN("bob"));
	/* bob does not notice; the fourth is a retry. */
	expect("hoisaryxz-");
}
END_TEST

START_TEST(every_fourth_place_goes_to_a_retry)
{
	join("rst", TURN_RETRY, SPAN("ann"));
	join("abcdefghij", TURN_FIRST, SPAN("ann"));
	expect("abcrdefsghitj-");
}
END_TEST

/* Where none waits the place is not kept; the next one to come has it at once. */
START_TEST(a_retry_that_comes_late_is_overdue)
{
	join("abcdefghij", TURN_FIRST, SPAN("ann"));
	expect("abcdef");
	join("rs", TURN_RETRY, SPAN("ann"));
	expect("rghisj-");
}
END_TEST

START_TEST(who_had_a_turn_already_goes_in_front)
{
	join("ab", TURN_FIRST, SPAN("ann"));
	join("r", TURN_RETRY, SPAN("ann"));
	join("x", TURN_FRONT, SPAN("ann"));
	join("y", TURN_FRONT, SPAN("ann")); /* the last one in front of all */
	expect("yxabr-");
}
END_TEST

START_TEST(in_front_is_no_first_attempt)
{
	join("rs", TURN_RETRY, SPAN("ann"));
	join("abcd", TURN_FIRST, SPAN("ann"));
	join("xyz", TURN_FRONT, SPAN("ann"));
	expect("zyxabcrds-");
}
END_TEST

START_TEST(who_leaves_is_passed_over)
{
	join("abc", TURN_FIRST, SPAN("ann"));
	for (int i = 0; i < MANY; i++)
		if (ones[i].letter == 'b' || ones[i].letter == 'a')
			turns_leave(&t, &ones[i].turn);
	ck_assert_uint_eq(t.waiting, 1);
	ck_assert_uint_eq(turns_waiting(&t, SPAN("ann")), 1);
	expect("c-");
	join("d", TURN_FIRST, SPAN("bob"));
	for (int i = 0; i < MANY; i++)
		if (ones[i].letter == 'd')
			turns_leave(&t, &ones[i].turn);
	ck_assert_uint_eq(t.accounts.count, 0); /* nobody of bob's is left */
}
END_TEST

START_TEST(an_account_is_known_by_its_name)
{
	struct turn *turn;

	join("a", TURN_FIRST, SPAN("ann"));
	join("b", TURN_FIRST, SPAN(""));
	turn = (struct turn *)turns_peek(&t, &any);
	ck_assert(span_equal(turn_account(turn), SPAN("ann")));
	expect("a");
	turn = (struct turn *)turns_peek(&t, &any);
	ck_assert(span_equal(turn_account(turn), SPAN("")));
	expect("b-");
}
END_TEST

/* --- places --- */

START_TEST(places_are_counted)
{
	turns_hold(&t, SPAN("ann"));
	turns_hold(&t, SPAN("ann"));
	turns_hold(&t, SPAN("bob"));
	ck_assert_uint_eq(t.held, 3);
	ck_assert_uint_eq(turns_held(&t, SPAN("ann")), 2);
	ck_assert_uint_eq(turns_held(&t, SPAN("bob")), 1);
	turns_give_back(&t, SPAN("ann"));
	turns_give_back(&t, SPAN("bob"));
	ck_assert_uint_eq(turns_held(&t, SPAN("ann")), 1);
	ck_assert_uint_eq(turns_held(&t, SPAN("bob")), 0);
	ck_assert_uint_eq(turns_held(&t, SPAN("cid")), 0);
	ck_assert_uint_eq(t.held, 1);
	turns_give_back(&t, SPAN("ann"));
	ck_assert_uint_eq(t.accounts.count, 0);
}
END_TEST

START_TEST(who_holds_more_than_are_free_gets_no_further_place)
{
	struct turns_place two = { .held_most = 2 };

	join("aa", TURN_FIRST, SPAN("ann"));
	join("b", TURN_FIRST, SPAN("bob"));
	for (int i = 0; i < 2; i++)
		turns_hold(&t, SPAN("ann"));
	ck_assert_int_eq(take(&two), 'a'); /* it holds two, and two are free */
	turns_hold(&t, SPAN("ann"));
	ck_assert_int_eq(take(&two), 'b');
	ck_assert_int_eq(take(&two), '-');
	turns_give_back(&t, SPAN("ann"));
	ck_assert_int_eq(take(&two), 'a');
	for (int i = 0; i < 2; i++)
		turns_give_back(&t, SPAN("ann"));
}
END_TEST

START_TEST(who_holds_too_many_is_passed_over)
{
	struct turns_place two = { .held_most = 2 };

	join("a", TURN_FIRST, SPAN("ann"));
	join("b", TURN_FIRST, SPAN("bob"));
	for (int i = 0; i < 3; i++)
		turns_hold(&t, SPAN("ann"));
	ck_assert_int_eq(take(&two), 'b');
	for (int i = 0; i < 3; i++)
		turns_give_back(&t, SPAN("ann"));
}
END_TEST

/* Zero: there is no end of places. */
START_TEST(without_a_bound_one_may_hold_any_number)
{
	join("a", TURN_FIRST, SPAN("ann"));
	for (int i = 0; i < 50; i++)
		turns_hold(&t, SPAN("ann"));
	ck_assert_int_eq(take(&any), 'a');
	for (int i = 0; i < 50; i++)
		turns_give_back(&t, SPAN("ann"));
}
END_TEST

static bool
is_fit(const struct turn *turn, void *arg)
{
	unsigned *asked = arg;

	++*asked;
	return !one_of(turn)->is_unfit;
}

static void
make_unfit(const char *letters)
{
	for (int i = 0; i < MANY; i++)
		ones[i].is_unfit = ones[i].letter != '\0' &&
				   strchr(letters, ones[i].letter) != NULL;
}

START_TEST(who_does_not_fit_keeps_the_turn)
{
	unsigned asked = 0;
	struct turns_place p = { .fits = is_fit, .arg = &asked };

	join("ab", TURN_FIRST, SPAN("ann"));
	join("r", TURN_RETRY, SPAN("ann"));
	join("c", TURN_FIRST, SPAN("bob"));
	make_unfit("ab");
	ck_assert_int_eq(take(&p), 'r'); /* of the same account */
	make_unfit("abc");
	ck_assert_int_eq(take(&p), '-');
	expect("cab-");
}
END_TEST

START_TEST(an_account_that_was_passed_over_is_next_still)
{
	unsigned asked = 0;
	struct turns_place p = { .fits = is_fit, .arg = &asked };

	join("aa", TURN_FIRST, SPAN("ann"));
	join("bb", TURN_FIRST, SPAN("bob"));
	join("cc", TURN_FIRST, SPAN("cid"));
	make_unfit("a");
	ck_assert_int_eq(take(&p), 'b');
	make_unfit("");
	expect("acbac-");
}
END_TEST

START_TEST(a_long_line_is_not_looked_through)
{
	unsigned asked = 0;
	struct turns_place p = { .fits = is_fit, .arg = &asked };

	for (int i = 0; i < TURNS_LOOKED_AT - 1; i++)
		join("a", TURN_FIRST, SPAN("ann"));
	join("bc", TURN_FIRST, SPAN("ann"));
	make_unfit("a");
	ck_assert_int_eq(take(&p), 'b'); /* the last one that is asked */
	make_unfit("a");
	ck_assert_int_eq(take(&p), 'c');
	join("ad", TURN_FIRST, SPAN("ann"));
	make_unfit("a");
	asked = 0;
	ck_assert_ptr_null(turns_peek(&t, &p));
	ck_assert_uint_eq(asked, TURNS_LOOKED_AT);
}
END_TEST

static bool
is_not_ann(struct span account, void *arg)
{
	(void)arg;
	return !span_equal(account, SPAN("ann"));
}

START_TEST(an_account_that_is_not_admitted_waits)
{
	struct turns_place p = { .admits = is_not_ann };

	join("aa", TURN_FIRST, SPAN("ann"));
	join("b", TURN_FIRST, SPAN("bob"));
	ck_assert_int_eq(take(&p), 'b');
	ck_assert_int_eq(take(&p), '-');
	expect("aa-");
}
END_TEST

START_TEST(accounts_are_forgotten_when_nobody_waits)
{
	join("a", TURN_FIRST, SPAN("ann"));
	ck_assert_uint_eq(t.accounts.count, 1);
	expect("a");
	ck_assert_uint_eq(t.accounts.count, 0);
	turns_hold(&t, SPAN("ann"));
	join("a", TURN_FIRST, SPAN("ann"));
	expect("a");
	ck_assert_uint_eq(t.accounts.count, 1); /* it holds a place */
	turns_clear(&t);
	ck_assert_uint_eq(t.accounts.count, 0);
	ck_assert_uint_eq(t.held, 0);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nobody_waits);
	tcase_add_test(tc, a_line_goes_in_its_order);
	tcase_add_test(tc, a_bulk_run_and_a_single_message_take_turns);
	tcase_add_test(
	    tc, an_account_that_comes_again_stands_behind_the_others);
	tcase_add_test(tc, first_attempts_stand_before_retries);
	tcase_add_test(tc, what_is_urgent_stands_before_the_rest);
	tcase_add_test(tc, every_fourth_place_goes_to_a_retry);
	tcase_add_test(tc, a_retry_that_comes_late_is_overdue);
	tcase_add_test(tc, who_had_a_turn_already_goes_in_front);
	tcase_add_test(tc, in_front_is_no_first_attempt);
	tcase_add_test(tc, who_leaves_is_passed_over);
	tcase_add_test(tc, an_account_is_known_by_its_name);
	tcase_add_test(tc, places_are_counted);
	tcase_add_test(tc, who_holds_more_than_are_free_gets_no_further_place);
	tcase_add_test(tc, who_holds_too_many_is_passed_over);
	tcase_add_test(tc, without_a_bound_one_may_hold_any_number);
	tcase_add_test(tc, who_does_not_fit_keeps_the_turn);
	tcase_add_test(tc, an_account_that_was_passed_over_is_next_still);
	tcase_add_test(tc, a_long_line_is_not_looked_through);
	tcase_add_test(tc, an_account_that_is_not_admitted_waits);
	tcase_add_test(tc, accounts_are_forgotten_when_nobody_waits);
}

SUITE_MAIN("turns", fill)
