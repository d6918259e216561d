#include "tests/lib/suite.h"

#include "base/span.h"
#include "deliver/outcome.h"

static const struct {
	enum stage stage;
	int code;
	enum outcome want;
} cases[] = {
	{ STAGE_GREETING, 220, OUTCOME_NONE },
	{ STAGE_GREETING, 421, OUTCOME_DEFERRED },
	{ STAGE_GREETING, 554, OUTCOME_DEFERRED },
	{ STAGE_EHLO, 502, OUTCOME_DEFERRED },
	{ STAGE_STARTTLS, 554, OUTCOME_DEFERRED },
	{ STAGE_AUTH, 535, OUTCOME_DEFERRED },
	{ STAGE_MAIL, 250, OUTCOME_NONE },
	{ STAGE_MAIL, 451, OUTCOME_DEFERRED },
	{ STAGE_MAIL, 530, OUTCOME_DEFERRED },
	{ STAGE_MAIL, 535, OUTCOME_DEFERRED },
	{ STAGE_MAIL, 550, OUTCOME_FAILED },
	{ STAGE_MAIL, 552, OUTCOME_FAILED },
	{ STAGE_RCPT, 250, OUTCOME_NONE },
	{ STAGE_RCPT, 251, OUTCOME_NONE },
	{ STAGE_RCPT, 450, OUTCOME_DEFERRED },
	{ STAGE_RCPT, 550, OUTCOME_FAILED },
	{ STAGE_RCPT, 552, OUTCOME_DEFERRED }, /* RFC 5321 4.5.3.1.10 */
	{ STAGE_DATA, 354, OUTCOME_NONE },
	{ STAGE_DATA, 451, OUTCOME_DEFERRED },
	{ STAGE_DATA, 554, OUTCOME_FAILED },
	{ STAGE_CONTENT, 250, OUTCOME_DELIVERED },
	{ STAGE_CONTENT, 299, OUTCOME_DELIVERED },
	{ STAGE_CONTENT, 452, OUTCOME_DEFERRED },
	{ STAGE_CONTENT, 550, OUTCOME_FAILED },
	{ STAGE_CONTENT, 552, OUTCOME_FAILED },
};

START_TEST(a_reply_means_something_at_its_stage)
{
	struct reply r = { .code = cases[_i].code };

	ck_assert_msg(outcome_of_reply(cases[_i].stage, &r) == cases[_i].want,
	    "stage %d, %d", (int)cases[_i].stage, cases[_i].code);
}
END_TEST

/* 552 to RCPT, and any status: by what the host says, and no more. */
static const struct {
	enum stage stage;
	int code;
	const char *said;
	enum outcome want;
	const char *status;
} statuses[] = {
	{ STAGE_RCPT, 552, "", OUTCOME_DEFERRED, "4.0.0" },
	{ STAGE_RCPT, 552, "5.5.3", OUTCOME_DEFERRED, "4.5.3" },
	{ STAGE_RCPT, 552, "5.2.2", OUTCOME_FAILED, "5.2.2" },
	{ STAGE_RCPT, 552, "5.3.4", OUTCOME_FAILED, "5.3.4" },
	{ STAGE_RCPT, 552, "5.5.30", OUTCOME_FAILED, "5.5.30" },
	{ STAGE_RCPT, 552, "4.2.2", OUTCOME_DEFERRED, "4.0.0" },
	{ STAGE_RCPT, 552, "2.5.3", OUTCOME_DEFERRED, "4.0.0" },
	{ STAGE_RCPT, 452, "4.5.3", OUTCOME_DEFERRED, "4.5.3" },
	{ STAGE_RCPT, 452, "4.2.2", OUTCOME_DEFERRED, "4.2.2" },
	{ STAGE_CONTENT, 552, "5.5.3", OUTCOME_FAILED, "5.5.3" },
	{ STAGE_RCPT, 550, "", OUTCOME_FAILED, "5.0.0" },
	{ STAGE_RCPT, 550, "5.1.1", OUTCOME_FAILED, "5.1.1" },
	{ STAGE_RCPT, 550, "4.1.1", OUTCOME_FAILED, "5.0.0" },
	{ STAGE_RCPT, 550, "2.1.5", OUTCOME_FAILED, "5.0.0" },
	{ STAGE_RCPT, 450, "", OUTCOME_DEFERRED, "4.0.0" },
	{ STAGE_RCPT, 450, "5.1.1", OUTCOME_DEFERRED, "4.0.0" },
	{ STAGE_RCPT, 450, "4.2.0", OUTCOME_DEFERRED, "4.2.0" },
	{ STAGE_MAIL, 550, "", OUTCOME_FAILED, "5.0.0" },
	{ STAGE_MAIL, 530, "5.7.0", OUTCOME_DEFERRED, "4.7.0" },
	{ STAGE_MAIL, 530, "", OUTCOME_DEFERRED, "4.0.0" },
	{ STAGE_DATA, 554, "", OUTCOME_FAILED, "5.0.0" },
	{ STAGE_CONTENT, 554, "4.7.1", OUTCOME_FAILED, "5.0.0" },
	{ STAGE_CONTENT, 250, "2.6.0", OUTCOME_DELIVERED, "2.6.0" },
	{ STAGE_CONTENT, 250, "", OUTCOME_DELIVERED, "2.0.0" },
	{ STAGE_CONTENT, 250, "5.0.0", OUTCOME_DELIVERED, "2.0.0" },
	{ STAGE_GREETING, 554, "5.7.1", OUTCOME_DEFERRED, "4.7.1" },
	{ STAGE_GREETING, 554, "", OUTCOME_DEFERRED, "4.0.0" },
	{ STAGE_AUTH, 535, "", OUTCOME_DEFERRED, "4.7.8" },
	{ STAGE_AUTH, 535, "5.7.8", OUTCOME_DEFERRED, "4.7.8" },
	{ STAGE_AUTH, 535, "5.7.3", OUTCOME_DEFERRED, "4.7.8" },
	{ STAGE_AUTH, 454, "4.7.0", OUTCOME_DEFERRED, "4.7.0" },
};

START_TEST(a_status_is_what_the_host_said)
{
	struct reply r = { .code = statuses[_i].code,
		.enhanced = span_text(statuses[_i].said),
		.text = SPAN("550 no\r\n") };
	struct verdict v = verdict_of_reply(statuses[_i].stage, &r);

	ck_assert_msg(
	    v.outcome == statuses[_i].want, "%d %s", r.code, statuses[_i].said);
	ck_assert_str_eq(v.status, statuses[_i].status);
	ck_assert(span_equal(v.said, r.text));
}
END_TEST

START_TEST(what_is_put_off_has_a_status_of_that_class)
{
	static const struct {
		int code;
		const char *said, *want;
	} replies[] = { { 421, "4.3.2", "4.3.2" }, { 421, "", "4.0.0" },
		{ 250, "2.0.0", "4.0.0" }, { 354, "", "4.0.0" },
		{ 550, "5.1.1", "4.1.1" } };

	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		struct reply r = { .code = replies[i].code,
			.enhanced = span_text(replies[i].said) };
		struct verdict v = verdict_put_off(&r);

		ck_assert_int_eq(v.outcome, OUTCOME_DEFERRED);
		ck_assert_str_eq(v.status, replies[i].want);
	}
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(
	    tc, a_reply_means_something_at_its_stage, 0, (int)ARRAY_LEN(cases));
	tcase_add_loop_test(
	    tc, a_status_is_what_the_host_said, 0, (int)ARRAY_LEN(statuses));
	tcase_add_test(tc, what_is_put_off_has_a_status_of_that_class);
}

SUITE_MAIN("outcome", fill)
