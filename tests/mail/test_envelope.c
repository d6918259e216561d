#include "tests/lib/suite.h"

#include <string.h>

#include "mail/envelope.h"

START_TEST(an_envelope_holds_copies_of_all)
{
	char sender[] = "a@b.test", one[] = "x@c.test", two[] = "y@d.test";
	struct span rcpts[] = { span_text(one), span_text(two) };
	struct envelope_parts parts = {
		.id = 7,
		.size = 1893,
		.arrived = 1234,
		.flags = ENVELOPE_8BIT | ENVELOPE_NO_DOTS,
		.account = SPAN("ann"),
		.sender = span_text(sender),
		.rcpt = rcpts,
		.nrcpt = 2,
	};
	struct envelope *env = envelope_new(&parts);

	memset(sender, 'X', 3);
	memset(one, 'X', 3);
	memset(two, 'X', 3);
	ck_assert_uint_eq(env->id, 7);
	ck_assert_uint_eq(env->size, 1893);
	ck_assert_int_eq(env->arrived, 1234);
	ck_assert_uint_eq(env->flags, ENVELOPE_8BIT | ENVELOPE_NO_DOTS);
	ck_assert_str_eq(env->account, "ann");
	ck_assert_str_eq(env->sender, "a@b.test");
	ck_assert_uint_eq(env->nrcpt, 2);
	ck_assert_str_eq(env->rcpt[0], "x@c.test");
	ck_assert_str_eq(env->rcpt[1], "y@d.test");
	free(env);
}
END_TEST

START_TEST(a_report_has_neither_account_nor_sender)
{
	struct span rcpt = SPAN("a@b.test");
	struct envelope_parts parts = { .rcpt = &rcpt, .nrcpt = 1 };
	struct envelope *env = envelope_new(&parts);

	ck_assert_str_eq(env->account, "");
	ck_assert_str_eq(env->sender, "");
	free(env);
}
END_TEST

START_TEST(its_memory_is_counted_to_the_byte)
{
	struct span rcpts[] = { SPAN("x@c.test"), SPAN("yy@d.test") };
	struct envelope_parts parts = { .account = SPAN("ann"),
		.sender = SPAN("a@b.test"),
		.rcpt = rcpts,
		.nrcpt = 2 };
	struct envelope *env = envelope_new(&parts);
	const char *end = env->rcpt[1] + strlen(env->rcpt[1]) + 1;

	ck_assert_uint_eq(
	    envelope_memory(env), (size_t)(end - (const char *)env));
	free(env);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, an_envelope_holds_copies_of_all);
	tcase_add_test(tc, a_report_has_neither_account_nor_sender);
	tcase_add_test(tc, its_memory_is_counted_to_the_byte);
}

SUITE_MAIN("envelope", fill)
