/* The ledger over a state that is real, and waits for nobody's disk. */
#include "tests/lib/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "conf/conf.h"
#include "intake/ledger_io.h"
#include "io/loop.h"
#include "state/state.h"

static char folder[64], stopped[96];
static struct loop *loop;
static struct state *state;
static struct ledger *ledger;
static struct conf_account conf;
static struct ledger_why why;
static bool is_ready;
static unsigned warned;
static struct budget_state warning;

static void
begin(void)
{
	struct err err;

	state = state_open(&(struct state_options){ folder, 1, 1, 0 }, &err);
	ck_assert_ptr_nonnull(state);
	ledger = ledger_new(state, stopped);
}

static void
end(void)
{
	state_close(state);
	ledger_end(ledger);
	ledger_free(ledger);
}

static void
setup(void)
{
	(void)strcpy(folder, "/tmp/postern-ledger-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(stopped, sizeof stopped, "%s/stopped", folder);
	loop = loop_new();
	conf = (struct conf_account){ .held_messages = 2,
		.budgets = {
		    [CONF_MESSAGES] = { .list = { { 3, 60 } }, .n = 1 },
		    [CONF_RECIPIENTS] = { .list = { { 4, 60 } }, .n = 1 },
		    [CONF_NEW_RECIPIENTS] = { .list = { { 2, 60 } }, .n = 1 },
		} };
	begin();
	warned = 0;
}

static void
teardown(void)
{
	char command[128];

	end();
	loop_stop(loop);
	loop_run(loop);
	loop_free(loop);
	(void)snprintf(command, sizeof command, "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static void
on_ready(struct ledger_waiter *w)
{
	(void)w;
	is_ready = true;
}

static void
turn_until(const bool *done)
{
	while (!*done)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
}

/* Waits for the account, if need be. */
static bool
mail(struct reservation *r, int64_t now)
{
	struct ledger_waiter waiter = { .loop = loop, .ready = on_ready };
	enum ledger_answer answer;

	for (;;) {
		*r = (struct reservation){ 0 };
		is_ready = false;
		answer = ledger_begin(
		    ledger, r, SPAN("Ann"), &conf, now, &waiter, &why);
		if (answer != LEDGER_LATER)
			return answer == LEDGER_OK;
		turn_until(&is_ready);
	}
}

static bool
rcpt(struct reservation *r, const char *to, int64_t now)
{
	return ledger_add(ledger, r, span_text(to), now, &why) == LEDGER_OK;
}

static bool
send_one(const char *to, int64_t now)
{
	struct reservation r;

	if (!mail(&r, now))
		return false;
	if (!rcpt(&r, to, now)) {
		ledger_release(ledger, &r);
		return false;
	}
	ledger_take(ledger, &r, now);
	return true;
}

static uint32_t
used(enum conf_budget budget, int64_t now)
{
	struct ledger_view view;

	ck_assert_int_eq(
	    ledger_look(ledger, SPAN("ann"), &conf, now, NULL, &view),
	    LEDGER_OK);
	for (size_t i = 0; i < view.n; i++)
		if (view.states[i].counter == budget)
			return view.states[i].used;
	return UINT32_MAX;
}

START_TEST(an_account_s_first_message_waits_for_what_is_known_of_it)
{
	struct ledger_waiter waiter = { .loop = loop, .ready = on_ready };
	struct reservation r = { 0 };
	int64_t now = (int64_t)loop_now(loop);

	is_ready = false;
	ck_assert_int_eq(
	    ledger_begin(ledger, &r, SPAN("ann"), &conf, now, &waiter, &why),
	    LEDGER_LATER);
	ck_assert_ptr_null(r.account);
	turn_until(&is_ready);
	ck_assert(send_one("a@b.test", now));
	ck_assert_uint_eq(used(CONF_MESSAGES, now), 1);
	ck_assert_uint_eq(used(CONF_RECIPIENTS, now), 1);
	ck_assert_uint_eq(used(CONF_NEW_RECIPIENTS, now), 1);
	end();
	begin();
	/* It is one account, whatever the case of its name. */
	ck_assert(send_one("A@b.test", now));
	ck_assert_uint_eq(used(CONF_MESSAGES, now), 2);
	ck_assert_uint_eq(used(CONF_NEW_RECIPIENTS, now), 1);
}
END_TEST

START_TEST(what_is_refused_or_given_up_costs_nothing)
{
	struct reservation r, other;
	int64_t now = (int64_t)loop_now(loop);

	ck_assert(mail(&r, now));
	ck_assert(rcpt(&r, "a@b.test", now));
	ck_assert(rcpt(&r, "b@b.test", now));
	ck_assert(!rcpt(&r, "c@b.test", now));
	ck_assert_int_eq(why.state.counter, CONF_NEW_RECIPIENTS);
	ck_assert_uint_eq(used(CONF_RECIPIENTS, now), 2); /* is reserved */
	/* Two transactions have the same new recipient in hand. */
	ck_assert(mail(&other, now));
	ck_assert(!rcpt(&other, "a@b.test", now));
	ledger_release(ledger, &r);
	ck_assert_uint_eq(used(CONF_MESSAGES, now), 1);
	ck_assert_uint_eq(used(CONF_RECIPIENTS, now), 0);
	ck_assert_uint_eq(used(CONF_NEW_RECIPIENTS, now), 0);
	ck_assert(mail(&r, now));
	ck_assert(rcpt(&r, "a@b.test", now));
	ck_assert(rcpt(&other, "a@b.test", now));
	ledger_take(ledger, &r, now);
	ledger_take(ledger, &other, now);
	/* ... and it is new once. */
	ck_assert_uint_eq(used(CONF_RECIPIENTS, now), 2);
	ck_assert_uint_eq(used(CONF_NEW_RECIPIENTS, now), 1);
	ck_assert_ptr_null(r.account);
	ledger_release(ledger, &r); /* is over */
}
END_TEST

START_TEST(who_has_no_budget_is_not_asked)
{
	struct reservation r;
	struct conf_account none = { .name = NULL };

	conf = none;
	ck_assert(mail(&r, 0));
	ck_assert_ptr_null(r.account);
	ck_assert(rcpt(&r, "a@b.test", 0));
	ledger_take(ledger, &r, 0);
}
END_TEST

/* --- holding --- */

static struct span
one_rcpt(size_t i, const void *arg)
{
	(void)i;
	return span_text(arg);
}

static enum ledger_answer
let_go(const char *to, int64_t now)
{
	struct ledger_message m = { SPAN("ann"), &conf, 1, one_rcpt, to };

	return ledger_let_go(ledger, &m, now, &why);
}

/* It needs three, and two of four are left: others have used two, not four. */
START_TEST(what_a_held_one_would_take_itself_is_not_told_as_used)
{
	struct reservation r;
	int64_t now = (int64_t)loop_now(loop);
	struct ledger_message m = { SPAN("ann"), &conf, 3, one_rcpt,
		"a@b.test" };

	conf.over = OVER_HOLD;
	ck_assert(mail(&r, now));
	ck_assert(rcpt(&r, "a@b.test", now));
	ck_assert(rcpt(&r, "b@b.test", now));
	ledger_take(ledger, &r, now);
	ck_assert_int_eq(ledger_let_go(ledger, &m, now, &why), LEDGER_OVER);
	ck_assert_int_eq(why.state.counter, CONF_RECIPIENTS);
	ck_assert_uint_eq(why.state.used, 2);
	ck_assert_uint_eq(used(CONF_RECIPIENTS, now), 2);
	ck_assert_int_eq(
	    ledger_let_go(ledger, &m, now + 60000, &why), LEDGER_OK);
}
END_TEST

START_TEST(what_is_over_is_held_up_to_a_number_and_let_go_in_its_turn)
{
	struct reservation r, other;
	int64_t now = (int64_t)loop_now(loop);
	struct ledger_message gone = { SPAN("ann"), &conf, 0, NULL, NULL };

	conf.over = OVER_HOLD;
	for (int i = 0; i < 3; i++)
		ck_assert(send_one("a@b.test", now));
	ck_assert(mail(&r, now));
	ck_assert(r.is_over);
	ck_assert(rcpt(&r, "a@b.test", now));
	ck_assert(mail(&other, now));
	ck_assert(other.is_over);
	/* Two places are taken; a third is not to be had. */
	{
		struct reservation third;

		ck_assert(!mail(&third, now));
		ck_assert(why.is_full);
		ck_assert_uint_eq(why.held, 2);
	}
	ledger_release(ledger, &other);
	ledger_take(ledger, &r, now);
	ck_assert_uint_eq(used(CONF_MESSAGES, now), 3);
	ck_assert_int_eq(let_go("a@b.test", now + 59999), LEDGER_OVER);
	ck_assert_int_eq(why.state.frees, 1);
	/* There is room; but one waits for it. */
	ck_assert(mail(&r, now + 60000));
	ck_assert(r.is_over);
	ledger_release(ledger, &r);
	ck_assert_int_eq(let_go("a@b.test", now + 60000), LEDGER_OK);
	ck_assert_uint_eq(used(CONF_MESSAGES, now + 60000), 1);
	ck_assert(mail(&r, now + 60000));
	ck_assert(!r.is_over);
	ledger_release(ledger, &r);
	/* One that was removed, and one from before the start. */
	ledger_held(ledger, SPAN("ANN"));
	ledger_held(ledger, SPAN("ann"));
	ledger_unheld(ledger, &gone, now + 60000);
	ck_assert(mail(&r, now + 60000));
	ck_assert(r.is_over);
	ledger_release(ledger, &r);
	gone = (struct ledger_message){ SPAN("ann"), &conf, 1, one_rcpt,
		"z@b.test" };
	ledger_unheld(ledger, &gone, now + 60000); /* by the operator: counts */
	ck_assert_uint_eq(used(CONF_MESSAGES, now + 60000), 2);
	ck_assert_uint_eq(used(CONF_NEW_RECIPIENTS, now + 60000), 1);
}
END_TEST

START_TEST(one_that_outgrows_its_budget_is_held_as_a_whole)
{
	struct reservation r;
	int64_t now = (int64_t)loop_now(loop);

	conf.over = OVER_HOLD;
	conf.budgets[CONF_NEW_RECIPIENTS].n = 0;
	ck_assert(send_one("a@b.test", now));
	ck_assert(mail(&r, now));
	for (const char *c = "abc"; *c != '\0'; c++) {
		char to[] = "x@b.test";

		to[0] = *c;
		ck_assert(rcpt(&r, to, now));
		ck_assert(!r.is_over);
	}
	ck_assert(rcpt(&r, "d@b.test", now));
	ck_assert(r.is_over);
	ck_assert_uint_eq(used(CONF_RECIPIENTS, now), 1);
	ck_assert_uint_eq(used(CONF_MESSAGES, now), 1);
	/* More than four at once have never room. */
	ck_assert(!rcpt(&r, "e@b.test", now));
	ck_assert_int_eq(why.state.frees, -1);
	ledger_take(ledger, &r, now);
	ck_assert_uint_eq(used(CONF_MESSAGES, now), 1);
}
END_TEST

/* --- warnings --- */

static void
on_warning(const struct ledger_warning *w, void *arg)
{
	bool *done = arg;

	ck_assert_str_eq(w->account, "ann");
	warning = w->state;
	warned++;
	*done = true;
}

START_TEST(four_fifths_are_told_once)
{
	int64_t now = (int64_t)loop_now(loop);
	bool done = false;

	conf.budgets[CONF_NEW_RECIPIENTS].n = 0;
	conf.budgets[CONF_RECIPIENTS].n = 0;
	ledger_on_warning(ledger, loop, on_warning, &done);
	ck_assert(send_one("a@b.test", now));
	ck_assert(send_one("a@b.test", now));
	ck_assert(!done);
	ck_assert(send_one("a@b.test", now));
	turn_until(&done);
	ck_assert_int_eq(warning.counter, CONF_MESSAGES);
	ck_assert_uint_eq(warning.used, 3);
	/* Nor again after a restart. */
	end();
	begin();
	ledger_on_warning(ledger, loop, on_warning, &done);
	conf.budgets[CONF_MESSAGES].list[0].most = 4;
	ck_assert(send_one("a@b.test", now));
	end();
	begin();
	(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	ck_assert_uint_eq(warned, 1);
}
END_TEST

static void
run(const char *before, const char *after)
{
	char command[256];

	(void)snprintf(
	    command, sizeof command, "%s %s/%s", before, folder, after);
	ck_assert_int_eq(system(command), 0);
}

/* What the operator ordered does not hang on a database that may be deleted. */
START_TEST(who_is_stopped_stays_so_without_the_state)
{
	struct reservation r;

	ledger_stop(ledger, SPAN("Ann"), true);
	end();
	run("rm", "state.db*");
	begin();
	ck_assert_int_eq(ledger_standing(ledger, SPAN("ann")), LEDGER_STOPPED);
	ck_assert_int_eq(ledger_standing(ledger, SPAN("bob")), LEDGER_IN_ORDER);
	/* When its counters are read, too. */
	ck_assert(!mail(&r, 1000));
	ck_assert(why.is_stopped);
	/* Without the file the state knows, */
	end();
	run("rm", "stopped");
	begin();
	ck_assert(!mail(&r, 1000));
	ck_assert_int_eq(ledger_standing(ledger, SPAN("ann")), LEDGER_STOPPED);
	/* and where both do, the file is newer. */
	end();
	run("printf 'postern stopped 1\\nend 0\\n' >", "stopped");
	begin();
	ck_assert(mail(&r, 1000));
	ledger_release(ledger, &r);
	ck_assert_int_eq(ledger_standing(ledger, SPAN("ann")), LEDGER_IN_ORDER);
}
END_TEST

START_TEST(it_works_without_a_state)
{
	end();
	ledger = ledger_new(NULL, NULL);
	for (int i = 0; i < 3; i++)
		ck_assert(send_one("a@b.test", 0));
	ck_assert(!send_one("a@b.test", 0));
	ledger_free(ledger);
	begin();
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(
	    tc, an_account_s_first_message_waits_for_what_is_known_of_it);
	tcase_add_test(tc, what_is_refused_or_given_up_costs_nothing);
	tcase_add_test(tc, who_has_no_budget_is_not_asked);
	tcase_add_test(
	    tc, what_a_held_one_would_take_itself_is_not_told_as_used);
	tcase_add_test(
	    tc, what_is_over_is_held_up_to_a_number_and_let_go_in_its_turn);
	tcase_add_test(tc, one_that_outgrows_its_budget_is_held_as_a_whole);
	tcase_add_test(tc, four_fifths_are_told_once);
	tcase_add_test(tc, who_is_stopped_stays_so_without_the_state);
	tcase_add_test(tc, it_works_without_a_state);
}

SUITE_MAIN("ledger_io", fill)
