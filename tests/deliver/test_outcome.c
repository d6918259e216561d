#include "tests/lib/suite.h"

#include <string.h>

#include "base/span.h"
#include "deliver/outcome.h"

/* Which of the facts of struct outcome_at hold. */
enum { TOOK = 1, CARRIED = 2, LEFT = 4, ORIGIN = 8, ASKS_TLS = 16 };

static struct outcome_at
at(enum stage stage, unsigned facts)
{
	return (struct outcome_at){ .stage = stage,
		.took_some = (facts & TOOK) != 0,
		.carried = (facts & CARRIED) != 0,
		.may_have_it = (facts & LEFT) != 0,
		.has_origin = (facts & ORIGIN) != 0,
		.asks_tls = (facts & ASKS_TLS) != 0 };
}

static const struct {
	enum stage stage;
	unsigned facts;
	int code;
	const char *said;
	enum outcome want;
	const char *status;
} cases[] = {
	/* good ones */
	{ STAGE_GREETING, 0, 220, "", OUTCOME_NONE, "" },
	{ STAGE_MAIL, 0, 250, "", OUTCOME_NONE, "" },
	{ STAGE_RCPT, 0, 250, "", OUTCOME_NONE, "" },
	{ STAGE_RCPT, 0, 251, "", OUTCOME_NONE, "" },
	{ STAGE_DATA, 0, 354, "", OUTCOME_NONE, "" },
	{ STAGE_CONTENT, 0, 250, "", OUTCOME_DELIVERED, "2.0.0" },
	{ STAGE_CONTENT, LEFT, 250, "2.6.0", OUTCOME_DELIVERED, "2.6.0" },
	{ STAGE_CONTENT, 0, 299, "", OUTCOME_DELIVERED, "2.0.0" },
	{ STAGE_CONTENT, 0, 250, "5.0.0", OUTCOME_DELIVERED, "2.0.0" },
	/* before there is a message nothing is final */
	{ STAGE_GREETING, 0, 421, "", OUTCOME_LATER, "4.0.0" },
	{ STAGE_GREETING, 0, 554, "5.7.1", OUTCOME_LATER, "4.7.1" },
	{ STAGE_GREETING, 0, 554, "", OUTCOME_LATER, "4.0.0" },
	{ STAGE_EHLO, 0, 502, "", OUTCOME_LATER, "4.0.0" },
	{ STAGE_STARTTLS, 0, 554, "", OUTCOME_LATER, "4.0.0" },
	{ STAGE_AUTH, 0, 535, "", OUTCOME_LATER, "4.7.8" },
	{ STAGE_AUTH, 0, 535, "5.7.8", OUTCOME_LATER, "4.7.8" },
	{ STAGE_AUTH, 0, 535, "5.7.3", OUTCOME_LATER, "4.7.8" },
	{ STAGE_AUTH, 0, 454, "4.7.0", OUTCOME_LATER, "4.7.0" },
	/* a login that is wanted is ours to mend */
	{ STAGE_MAIL, 0, 530, "5.7.0", OUTCOME_LATER, "4.7.0" },
	{ STAGE_MAIL, 0, 530, "", OUTCOME_LATER, "4.0.0" },
	{ STAGE_MAIL, 0, 535, "", OUTCOME_LATER, "4.0.0" },
	{ STAGE_MAIL, 0, 538, "", OUTCOME_LATER, "4.0.0" },
	/* for good */
	{ STAGE_MAIL, CARRIED, 550, "", OUTCOME_FAILED, "5.0.0" },
	{ STAGE_MAIL, 0, 552, "", OUTCOME_FAILED, "5.0.0" },
	{ STAGE_RCPT, TOOK, 550, "", OUTCOME_FAILED, "5.0.0" },
	{ STAGE_RCPT, 0, 550, "5.1.1", OUTCOME_FAILED, "5.1.1" },
	{ STAGE_RCPT, 0, 550, "4.1.1", OUTCOME_FAILED, "5.0.0" },
	{ STAGE_RCPT, 0, 550, "2.1.5", OUTCOME_FAILED, "5.0.0" },
	{ STAGE_RCPT, TOOK, 550, "5.5.3", OUTCOME_FAILED, "5.5.3" },
	{ STAGE_RCPT, TOOK, 552, "5.2.2", OUTCOME_FAILED, "5.2.2" },
	{ STAGE_RCPT, 0, 552, "5.3.4", OUTCOME_FAILED, "5.3.4" },
	{ STAGE_RCPT, 0, 552, "5.5.30", OUTCOME_FAILED, "5.5.30" },
	{ STAGE_DATA, 0, 554, "", OUTCOME_FAILED, "5.0.0" },
	{ STAGE_CONTENT, 0, 550, "", OUTCOME_FAILED, "5.0.0" },
	{ STAGE_CONTENT, 0, 552, "5.5.3", OUTCOME_FAILED, "5.5.3" },
	{ STAGE_CONTENT, LEFT, 554, "4.7.1", OUTCOME_FAILED, "5.0.0" },
	/* the author's domain is not believed: ours to mend */
	{ STAGE_CONTENT, ORIGIN | LEFT, 550, "5.7.26", OUTCOME_MISTRUSTED,
	    "4.7.26" },
	{ STAGE_CONTENT, ORIGIN, 550, "5.7.27", OUTCOME_MISTRUSTED, "4.7.27" },
	{ STAGE_CONTENT, ORIGIN, 550, "5.7.30", OUTCOME_MISTRUSTED, "4.7.30" },
	/* RFC 8689: the host cannot do what the message asks for. */
	{ STAGE_CONTENT, ORIGIN | ASKS_TLS, 550, "5.7.30", OUTCOME_FAILED,
	    "5.7.30" },
	{ STAGE_CONTENT, ORIGIN | ASKS_TLS, 550, "5.7.26", OUTCOME_MISTRUSTED,
	    "4.7.26" },
	{ STAGE_CONTENT, ORIGIN, 550, "5.7.32", OUTCOME_MISTRUSTED, "4.7.32" },
	{ STAGE_CONTENT, ORIGIN, 550, "5.7.515", OUTCOME_MISTRUSTED,
	    "4.7.515" },
	{ STAGE_CONTENT, ORIGIN | CARRIED, 421, "4.7.26", OUTCOME_MISTRUSTED,
	    "4.7.26" },
	{ STAGE_CONTENT, ORIGIN, 451, "4.7.32", OUTCOME_MISTRUSTED, "4.7.32" },
	{ STAGE_MAIL, ORIGIN, 550, "5.7.27", OUTCOME_MISTRUSTED, "4.7.27" },
	{ STAGE_RCPT, ORIGIN, 550, "5.7.26", OUTCOME_MISTRUSTED, "4.7.26" },
	{ STAGE_DATA, ORIGIN, 550, "5.7.26", OUTCOME_MISTRUSTED, "4.7.26" },
	{ STAGE_GREETING, ORIGIN, 554, "5.7.26", OUTCOME_LATER, "4.7.26" },
	{ STAGE_CONTENT, 0, 550, "5.7.26", OUTCOME_FAILED, "5.7.26" },
	{ STAGE_CONTENT, 0, 451, "4.7.26", OUTCOME_LATER, "4.7.26" },
	{ STAGE_CONTENT, ORIGIN, 550, "4.7.26", OUTCOME_FAILED, "5.0.0" },
	{ STAGE_CONTENT, ORIGIN, 550, "5.7.1", OUTCOME_FAILED, "5.7.1" },
	{ STAGE_CONTENT, ORIGIN, 550, "5.7.25", OUTCOME_FAILED, "5.7.25" },
	{ STAGE_CONTENT, ORIGIN, 550, "5.7.2", OUTCOME_FAILED, "5.7.2" },
	{ STAGE_CONTENT, ORIGIN, 550, "5.7.260", OUTCOME_FAILED, "5.7.260" },
	{ STAGE_CONTENT, ORIGIN, 550, "", OUTCOME_FAILED, "5.0.0" },
	{ STAGE_CONTENT, ORIGIN, 250, "2.7.26", OUTCOME_DELIVERED, "2.7.26" },
	/* enough recipients: RFC 5321 4.5.3.1.10 */
	{ STAGE_RCPT, TOOK, 452, "", OUTCOME_NEXT_TRANSACTION, "4.0.0" },
	{ STAGE_RCPT, TOOK, 452, "4.5.3", OUTCOME_NEXT_TRANSACTION, "4.5.3" },
	{ STAGE_RCPT, TOOK, 452, "4.3.1", OUTCOME_NEXT_TRANSACTION, "4.3.1" },
	{ STAGE_RCPT, TOOK, 450, "4.5.3", OUTCOME_NEXT_TRANSACTION, "4.5.3" },
	{ STAGE_RCPT, TOOK, 451, "4.5.3", OUTCOME_NEXT_TRANSACTION, "4.5.3" },
	{ STAGE_RCPT, TOOK, 552, "", OUTCOME_NEXT_TRANSACTION, "4.0.0" },
	{ STAGE_RCPT, TOOK, 552, "5.5.3", OUTCOME_NEXT_TRANSACTION, "4.5.3" },
	{ STAGE_RCPT, TOOK, 552, "4.2.2", OUTCOME_NEXT_TRANSACTION, "4.0.0" },
	{ STAGE_RCPT, TOOK, 452, "4.2.2", OUTCOME_LATER, "4.2.2" },
	{ STAGE_RCPT, TOOK, 452, "4.7.1", OUTCOME_LATER, "4.7.1" },
	{ STAGE_RCPT, 0, 452, "", OUTCOME_LATER, "4.0.0" },
	{ STAGE_RCPT, 0, 452, "4.5.3", OUTCOME_LATER, "4.5.3" },
	{ STAGE_RCPT, 0, 552, "", OUTCOME_LATER, "4.0.0" },
	{ STAGE_RCPT, 0, 552, "5.5.3", OUTCOME_LATER, "4.5.3" },
	{ STAGE_RCPT, 0, 552, "2.5.3", OUTCOME_LATER, "4.0.0" },
	{ STAGE_CONTENT, TOOK, 452, "4.5.3", OUTCOME_NEXT_HOST, "4.5.3" },
	/* enough messages */
	{ STAGE_MAIL, CARRIED, 421, "", OUTCOME_NEXT_CONNECTION, "4.0.0" },
	{ STAGE_MAIL, CARRIED, 421, "4.7.0", OUTCOME_NEXT_CONNECTION, "4.7.0" },
	{ STAGE_RCPT, CARRIED | TOOK, 421, "", OUTCOME_NEXT_CONNECTION,
	    "4.0.0" },
	{ STAGE_CONTENT, CARRIED | LEFT, 421, "", OUTCOME_NEXT_CONNECTION,
	    "4.0.0" },
	{ STAGE_MAIL, CARRIED, 452, "4.4.5", OUTCOME_NEXT_CONNECTION, "4.4.5" },
	{ STAGE_MAIL, 0, 452, "4.4.5", OUTCOME_NEXT_HOST, "4.4.5" },
	{ STAGE_MAIL, CARRIED, 452, "4.3.1", OUTCOME_NEXT_HOST, "4.3.1" },
	{ STAGE_MAIL, CARRIED, 452, "", OUTCOME_NEXT_HOST, "4.0.0" },
	{ STAGE_MAIL, CARRIED, 450, "4.4.5", OUTCOME_NEXT_HOST, "4.4.5" },
	{ STAGE_RCPT, CARRIED, 452, "4.4.5", OUTCOME_LATER, "4.4.5" },
	/* another host may take it: RFC 5321 5.1 */
	{ STAGE_MAIL, 0, 421, "4.3.2", OUTCOME_NEXT_HOST, "4.3.2" },
	{ STAGE_RCPT, TOOK, 421, "4.3.2", OUTCOME_NEXT_HOST, "4.3.2" },
	{ STAGE_MAIL, 0, 451, "", OUTCOME_NEXT_HOST, "4.0.0" },
	{ STAGE_MAIL, CARRIED, 451, "4.3.0", OUTCOME_NEXT_HOST, "4.3.0" },
	{ STAGE_RCPT, TOOK, 450, "", OUTCOME_NEXT_HOST, "4.0.0" },
	{ STAGE_RCPT, 0, 451, "", OUTCOME_NEXT_HOST, "4.0.0" },
	{ STAGE_RCPT, 0, 450, "5.1.1", OUTCOME_NEXT_HOST, "4.0.0" },
	{ STAGE_DATA, 0, 451, "", OUTCOME_NEXT_HOST, "4.0.0" },
	{ STAGE_CONTENT, LEFT, 452, "", OUTCOME_NEXT_HOST, "4.0.0" },
	{ STAGE_CONTENT, LEFT, 451, "4.3.0", OUTCOME_NEXT_HOST, "4.3.0" },
	/* all hosts would say so */
	{ STAGE_RCPT, 0, 450, "4.2.0", OUTCOME_LATER, "4.2.0" },
	{ STAGE_RCPT, 0, 451, "4.7.1", OUTCOME_LATER, "4.7.1" },
	{ STAGE_RCPT, 0, 451, "4.3.0", OUTCOME_LATER, "4.3.0" },
	{ STAGE_RCPT, 0, 454, "", OUTCOME_LATER, "4.0.0" },
	{ STAGE_RCPT, 0, 421, "4.7.28", OUTCOME_LATER, "4.7.28" },
	{ STAGE_MAIL, 0, 421, "4.7.0", OUTCOME_LATER, "4.7.0" },
	{ STAGE_MAIL, 0, 451, "4.7.1", OUTCOME_LATER, "4.7.1" },
	{ STAGE_DATA, 0, 451, "4.7.1", OUTCOME_LATER, "4.7.1" },
	{ STAGE_CONTENT, 0, 452, "4.2.2", OUTCOME_LATER, "4.2.2" },
	{ STAGE_CONTENT, 0, 451, "4.20.1", OUTCOME_NEXT_HOST, "4.20.1" },
	{ STAGE_CONTENT, 0, 451, "4.70.1", OUTCOME_NEXT_HOST, "4.70.1" },
};

START_TEST(a_reply_means_something_at_its_stage)
{
	struct outcome_at where = at(cases[_i].stage, cases[_i].facts);
	struct reply r = { .code = cases[_i].code,
		.enhanced = span_text(cases[_i].said),
		.text = SPAN("550 no\r\n") };
	struct verdict v = verdict_of_reply(&where, &r);

	ck_assert_msg(v.outcome == cases[_i].want, "%s: %d %s is %s",
	    stage_name(cases[_i].stage), r.code, cases[_i].said,
	    outcome_name(v.outcome));
	ck_assert_msg(strcmp(v.status, cases[_i].status) == 0,
	    "%s: %d %s is %s", stage_name(cases[_i].stage), r.code,
	    cases[_i].said, v.status);
	ck_assert(span_equal(v.said, r.text));
	ck_assert_int_eq(v.stage, cases[_i].stage);
}
END_TEST

/* After a loss behind the end of the content the host may have the message. */
static const struct {
	enum stage stage;
	unsigned facts;
	enum outcome want;
} losses[] = {
	{ STAGE_CONNECT, 0, OUTCOME_LATER },
	{ STAGE_AUTH, CARRIED, OUTCOME_LATER },
	{ STAGE_MAIL, 0, OUTCOME_NEXT_HOST },
	{ STAGE_RCPT, TOOK, OUTCOME_NEXT_HOST },
	{ STAGE_CONTENT, 0, OUTCOME_NEXT_HOST },
	{ STAGE_MAIL, CARRIED, OUTCOME_NEXT_CONNECTION },
	{ STAGE_CONTENT, CARRIED, OUTCOME_NEXT_CONNECTION },
	{ STAGE_MAIL, LEFT, OUTCOME_LATER },
	{ STAGE_CONTENT, CARRIED | LEFT, OUTCOME_LATER },
};

START_TEST(a_loss_leads_on_only_while_the_host_cannot_have_the_message)
{
	struct outcome_at where = at(losses[_i].stage, losses[_i].facts);
	struct verdict v = verdict_of_loss(&where, "4.4.2", SPAN("gone"));

	ck_assert_int_eq(v.outcome, losses[_i].want);
	ck_assert_int_eq(v.stage, losses[_i].stage);
	ck_assert_str_eq(v.status, "4.4.2");
	ck_assert(span_equal(v.what, SPAN("gone")));
}
END_TEST

/* A good reply to another question is none. */
START_TEST(nonsense_is_a_loss_with_words)
{
	static const struct {
		int code;
		const char *said, *want;
	} replies[] = { { 421, "4.3.2", "4.3.2" }, { 250, "2.0.0", "4.0.0" },
		{ 354, "", "4.0.0" }, { 550, "5.1.1", "4.1.1" } };

	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		struct outcome_at where = at(STAGE_DATA, 0),
				  left = at(STAGE_MAIL, LEFT);
		struct reply r = { .code = replies[i].code,
			.enhanced = span_text(replies[i].said),
			.text = SPAN("250 ?") };
		struct verdict v = verdict_of_nonsense(&where, &r);

		ck_assert_int_eq(v.outcome, OUTCOME_NEXT_HOST);
		ck_assert_str_eq(v.status, replies[i].want);
		ck_assert(span_equal(v.said, r.text));
		v = verdict_of_nonsense(&left, &r);
		ck_assert_int_eq(v.outcome, OUTCOME_LATER);
	}
}
END_TEST

START_TEST(a_reason_of_ours_blames_no_host)
{
	struct verdict v =
	    verdict_of_us(STAGE_CONTENT, "4.3.0", SPAN("damaged"));

	ck_assert_int_eq(v.outcome, OUTCOME_LATER);
	ck_assert_int_eq(v.stage, STAGE_CONTENT);
	ck_assert_str_eq(v.status, "4.3.0");
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(
	    tc, a_reply_means_something_at_its_stage, 0, (int)ARRAY_LEN(cases));
	tcase_add_loop_test(tc,
	    a_loss_leads_on_only_while_the_host_cannot_have_the_message, 0,
	    (int)ARRAY_LEN(losses));
	tcase_add_test(tc, nonsense_is_a_loss_with_words);
	tcase_add_test(tc, a_reason_of_ours_blames_no_host);
}

SUITE_MAIN("outcome", fill)
