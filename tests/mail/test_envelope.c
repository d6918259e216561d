#include "tests/lib/suite.h"

#include <string.h>

#include "base/mem.h"
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
	ck_assert_str_eq(env->rcpts[0].address, "x@c.test");
	ck_assert_str_eq(env->rcpts[1].address, "y@d.test");
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
	struct span attrs[] = { SPAN("of one"), SPAN("of two, more") };
	struct envelope_parts parts = { .account = SPAN("ann"),
		.sender = SPAN("a@b.test"),
		.attrs = SPAN("of all"),
		.rcpt = rcpts,
		.rcpt_attrs = attrs,
		.nrcpt = 2 };
	struct envelope *env = envelope_new(&parts);
	const char *end = env->rcpts[1].address +
			  strlen(env->rcpts[1].address) + 1 + attrs[1].len;

	ck_assert_uint_eq(
	    envelope_memory(env), (size_t)(end - (const char *)env));
	free(env);
}
END_TEST

START_TEST(attributes_stand_beside_what_they_are_of)
{
	struct span rcpts[] = { SPAN("x@c.test"), SPAN("y@d.test") };
	struct span attrs[] = { SPAN("one\0more"), SPAN("") };
	struct envelope_parts parts = { .account = SPAN("ann"),
		.attrs = SPAN("all"),
		.rcpt = rcpts,
		.rcpt_attrs = attrs,
		.nrcpt = 2 };
	struct envelope *env = envelope_new(&parts);

	ck_assert(span_equal(envelope_attrs(env), SPAN("all")));
	ck_assert(span_equal(envelope_rcpt_attrs(env, 0), attrs[0]));
	ck_assert(span_is_empty(envelope_rcpt_attrs(env, 1)));
	ck_assert_str_eq(env->rcpts[1].address, "y@d.test");
	free(env);
	parts.rcpt_attrs = NULL;
	parts.attrs = SPAN("");
	env = envelope_new(&parts);
	ck_assert(span_is_empty(envelope_attrs(env)));
	ck_assert(span_is_empty(envelope_rcpt_attrs(env, 0)));
	free(env);
}
END_TEST

static const struct {
	const char *rcpts[6];
	uint32_t groups[6], ngroups;
	uint32_t next[6]; /* one more than it is; 0: none */
} grouped[] = {
	{ { "a@x.test" }, { 0 }, 1, { 0 } },
	{ { "a@x.test", "b@y.test" }, { 0, 1 }, 2, { 0, 0 } },
	{ { "a@x.test", "b@y.test", "c@X.Test", "d@y.test", "e@x.test" },
	    { 0, 1 }, 2, { 3, 4, 5, 0, 0 } },
	{ { "a@zz.test", "b@y.test", "c@x.test" }, { 0, 1, 2 }, 3, { 0 } },
	{ { "\"a@x.test\"@y.test", "b@x.test" }, { 0, 1 }, 2, { 0 } },
	{ { "a@[192.0.2.1]", "b@[192.0.2.1]" }, { 0 }, 1, { 2 } },
	{ { "postmaster", "a@x.test", "ann" }, { 0, 1 }, 2, { 3, 0, 0 } },
};

START_TEST(recipients_of_one_domain_are_a_group)
{
	struct span rcpt[6];
	struct envelope_parts parts = { .rcpt = rcpt };
	struct envelope *env;

	while (parts.nrcpt < 6 && grouped[_i].rcpts[parts.nrcpt] != NULL) {
		rcpt[parts.nrcpt] = span_text(grouped[_i].rcpts[parts.nrcpt]);
		parts.nrcpt++;
	}
	env = envelope_new(&parts);
	ck_assert_uint_eq(env->ngroups, grouped[_i].ngroups);
	for (uint32_t i = 0; i < env->ngroups; i++)
		ck_assert_uint_eq(env->groups[i], grouped[_i].groups[i]);
	for (uint32_t i = 0; i < env->nrcpt; i++)
		ck_assert_uint_eq(env->rcpts[i].next + 1, grouped[_i].next[i]);
	free(env);
}
END_TEST

START_TEST(a_recipient_knows_its_domain)
{
	struct span rcpts[] = { SPAN("\"a@b\"@c.Test"), SPAN("postmaster") };
	struct envelope_parts parts = { .rcpt = rcpts, .nrcpt = 2 };
	struct envelope *env = envelope_new(&parts);

	ck_assert(span_equal(envelope_domain(env, 0), SPAN("c.Test")));
	ck_assert(span_is_empty(envelope_domain(env, 1)));
	free(env);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, an_envelope_holds_copies_of_all);
	tcase_add_test(tc, a_report_has_neither_account_nor_sender);
	tcase_add_loop_test(tc, recipients_of_one_domain_are_a_group, 0,
	    (int)ARRAY_LEN(grouped));
	tcase_add_test(tc, a_recipient_knows_its_domain);
	tcase_add_test(tc, its_memory_is_counted_to_the_byte);
	tcase_add_test(tc, attributes_stand_beside_what_they_are_of);
}

SUITE_MAIN("envelope", fill)
