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

START_TEST(a_status_has_the_class_of_its_outcome)
{
	for (int stage = STAGE_GREETING; stage <= STAGE_CONTENT; stage++) {
		ck_assert(outcome_status(stage, OUTCOME_DELIVERED)[0] == '2');
		ck_assert(outcome_status(stage, OUTCOME_DEFERRED)[0] == '4');
		ck_assert(outcome_status(stage, OUTCOME_FAILED)[0] == '5');
	}
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(
	    tc, a_reply_means_something_at_its_stage, 0, (int)ARRAY_LEN(cases));
	tcase_add_test(tc, a_status_has_the_class_of_its_outcome);
}

SUITE_MAIN("outcome", fill)
