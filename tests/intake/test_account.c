/* What an account's transactions do to its budgets and its brake, by the rules. */
#include "tests/lib/suite.h"

#include <stdio.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "src/intake/ledger_priv.h"

enum { STRANGERS = 10000, A_DAY = 24 * 3600 * 1000 };

static struct ledger_account *a;
static struct conf_account conf;

static void
setup(void)
{
	struct buf warnings = { 0 };
	struct err err;
	struct conf *c =
	    conf_parse(SPAN(""), "x", "relay.test", &warnings, &err);

	ck_assert_ptr_nonnull(c);
	conf = *conf_account(c, SPAN("ann@example.com"));
	conf_unref(c);
	buf_clear(&warnings);
	a = MEM_NEW(struct ledger_account);
	a->name = mem_strdup("ann@example.com");
}

static void
teardown(void)
{
	account_free(a);
}

/* How many of `n` recipients one message reached. */
static uint32_t
send_to(uint32_t first, uint32_t n, int64_t now)
{
	struct reservation r = { .account = a, .conf = &conf };
	struct ledger_why why = { 0 };
	char to[64];
	uint32_t taken = 0;

	/* What comes of a braked one is held. */
	if (a->has_fallen || !account_begin(&r, now, &why))
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		(void)snprintf(to, sizeof to, "%u@strangers.test", first + i);
		if (!account_add(&r, span_text(to), now, &why))
			break;
		taken++;
	}
	if (taken > 0)
		(void)account_take(&r, now);
	else
		account_release(&r);
	return taken;
}

/* A thief who sends to `at_once` strangers every `pause` ms, for a day. */
static uint32_t
reached_in_a_day(uint32_t at_once, int64_t pause)
{
	uint32_t n = 0;

	for (int64_t now = 0; now < A_DAY && n < STRANGERS; now += pause)
		n += send_to(n, at_once, now);
	return n;
}

START_TEST(a_thief_reaches_200_strangers_in_a_day)
{
	static const struct {
		uint32_t at_once;
		int64_t pause;
	} thieves[] = {
		{ 1000, 1000 },
		{ 100, 60000 },
		{ 50, 1 },
		{ 1, 10 },
		{ 1, 36000 },
		{ 1, 60000 },
		{ 7, 700000 },
	};

	ck_assert_uint_le(
	    reached_in_a_day(thieves[_i].at_once, thieves[_i].pause), 200);
}
END_TEST

/* From a country where its owner never was, the brake falls at the hundredth. */
START_TEST(a_thief_from_afar_is_braked)
{
	(void)account_come(a, (struct place){ 1, 'C' }, 0);
	(void)send_to(0, 10, 0);
	ck_assert(account_come(a, (struct place){ 2, 'D' }, A_DAY));
	ck_assert(!account_come(a, (struct place){ 2, 'D' }, A_DAY));
	ck_assert_uint_eq(send_to(20, 99, A_DAY), 99);
	ck_assert(!a->has_fallen);
	ck_assert_uint_eq(send_to(1000, 5, A_DAY), 1);
	ck_assert(a->has_fallen);
}
END_TEST

/* Its first place is home; and who switched the brake off has none. */
START_TEST(nobody_is_braked_at_home)
{
	(void)account_come(a, (struct place){ 1, 'C' }, 0);
	for (uint32_t i = 0; i < 100; i++)
		ck_assert_uint_eq(send_to(i, 1, (int64_t)i), 1);
	ck_assert(!a->has_fallen);
	conf.brake = false;
	(void)account_come(a, (struct place){ 2, 'D' }, A_DAY);
	ck_assert_uint_eq(send_to(5000, 100, A_DAY), 100);
	ck_assert(!a->has_fallen);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	/* A day in steps; a sanitizer makes it long. */
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, a_thief_reaches_200_strangers_in_a_day, 0, 7);
	tcase_add_test(tc, a_thief_from_afar_is_braked);
	tcase_add_test(tc, nobody_is_braked_at_home);
}

SUITE_MAIN("account", fill)
