/* The door to the spool, on a real loop, with the spool in memory. */
#include "tests/lib/suite.h"

#include <stdlib.h>
#include <uv.h>

#include "intake/draft.h"
#include "intake/intake_io.h"
#include "io/loop.h"
#include "mail/envelope.h"
#include "spool/content.h"

static struct loop *loop;
static struct spool *spool;
static struct intake intake;
static struct draft d;
static struct intake_answer got;
static unsigned answers;

static void
on_intake(const struct intake_answer *answer, void *arg)
{
	ck_assert_ptr_eq(arg, &d);
	got = *answer;
	answers++;
}

static void
setup(void)
{
	loop = loop_new();
	spool = mem_spool_open();
	answers = 0;
	d = (struct draft){ .origin = DRAFT_SUBMITTED, .now = 1 };
	draft_set_written_sender(&d, SPAN("a@b.test"));
	draft_add_written(&d, SPAN("x@c.test"), SPAN(""));
	intake_init(&intake, spool, loop, on_intake, &d);
}

static void
teardown(void)
{
	draft_clear(&d);
	spool_close(spool);
	loop_stop(loop);
	loop_run(loop);
	loop_free(loop);
}

static void
open_it(void)
{
	struct intake_answer now;

	ck_assert_int_eq(draft_run(&d, DRAFT_BEGINS), DRAFT_OPEN);
	ck_assert(intake_do(&intake, &d, &now));
	ck_assert_ptr_null(now.refusal);
	ck_assert(d.is_open && d.id != 0);
	(void)draft_answered(&d, NULL);
}

static void
do_it(void)
{
	struct intake_answer now;

	ck_assert(!intake_do(&intake, &d, &now));
	ck_assert(intake.is_busy);
	while (answers == 0)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	ck_assert_uint_eq(answers, 1);
	ck_assert(!intake.is_busy);
	answers = 0;
}

START_TEST(a_message_is_stored)
{
	struct content *content;
	char text[16] = "";
	struct err err;

	open_it();
	(void)buf_append_text(&d.head, "one ");
	(void)buf_append_text(&d.body, "two");
	ck_assert_int_eq(draft_run(&d, DRAFT_ENDS), DRAFT_COMMIT);
	do_it();
	ck_assert_ptr_null(got.refusal);
	ck_assert_uint_eq(got.env->size, 7);
	ck_assert_uint_eq(got.env->id, d.id);
	content = spool_content(spool, d.id);
	ck_assert_ptr_nonnull(content);
	ck_assert_int_eq(content_read(content, 0, text, 16, &err), 7);
	ck_assert_str_eq(text, "one two");
	content_unref(content);
	free(got.env);
	spool_done(spool, d.id);
}
END_TEST

START_TEST(what_the_spool_cannot_is_said_in_smtp)
{
	static const struct {
		enum spool_status status;
		const char *code;
	} cases[] = { { SPOOL_FULL, "452 4.3.1 " },
		{ SPOOL_FAULT, "451 4.3.0 " } };

	open_it();
	mem_spool_fail(spool, 1, cases[_i].status);
	(void)draft_run(&d, DRAFT_ENDS);
	do_it();
	ck_assert_ptr_null(got.env);
	ck_assert_int_eq(got.status, cases[_i].status);
	ck_assert(
	    span_starts(span_text(got.refusal), span_text(cases[_i].code)));
	ck_assert_ptr_null(intake.entry);
}
END_TEST

START_TEST(what_is_given_up_leaves_nothing)
{
	struct spool_health health;

	open_it();
	intake_drop(&intake);
	intake_drop(&intake);
	spool_health(spool, &health);
	ck_assert_uint_eq(health.messages, 0);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_message_is_stored);
	tcase_add_loop_test(tc, what_the_spool_cannot_is_said_in_smtp, 0, 2);
	tcase_add_test(tc, what_is_given_up_leaves_nothing);
}

SUITE_MAIN("intake", fill)
