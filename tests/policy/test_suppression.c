#include "tests/lib/suite.h"

#include <stdio.h>
#include <string.h>

#include "mail/words.h"
#include "policy/suppression.h"

static const struct {
	const char *status, *host, *said;
	enum stage stage;
	bool is_cause;
} causes[] = {
	{ "5.1.1", "mx.test", "550 5.1.1 no such user", STAGE_RCPT, true },
	{ "5.1.2", "mx.test", "550 5.1.2 x", STAGE_RCPT, true },
	{ "5.1.3", "mx.test", "550 5.1.3 x", STAGE_RCPT, true },
	{ "5.1.6", "mx.test", "550 5.1.6 moved", STAGE_RCPT, true },
	{ "5.1.10", "mx.test", "556 5.1.10 null MX", STAGE_RCPT, true },
	{ "5.2.1", "mx.test", "550 5.2.1 disabled", STAGE_RCPT, true },
	/* A full mailbox, a policy, a block list, nothing in particular. */
	{ "5.2.2", "mx.test", "552 5.2.2 full", STAGE_RCPT, false },
	{ "5.7.1", "mx.test", "550 5.7.1 blocked", STAGE_RCPT, false },
	{ "5.0.0", "mx.test", "550 no", STAGE_RCPT, false },
	{ "5.1.10", "mx.test", "", STAGE_RCPT, false },
	{ "5.1.0", "mx.test", "550 5.1.0 x", STAGE_RCPT, false },
	{ "4.1.1", "mx.test", "450 4.1.1 x", STAGE_RCPT, false },
	/* What we found ourselves. */
	{ "5.1.2", "", "", STAGE_ROUTE, false },
	{ "5.1.1", "", "550 5.1.1 x", STAGE_RCPT, false },
	/* Said of the message, not of the address. */
	{ "5.1.1", "mx.test", "550 5.1.1 x", STAGE_CONTENT, false },
	{ "5.1.1", "mx.test", "550 5.1.1 x", STAGE_MAIL, false },
};

START_TEST(only_a_host_s_word_about_the_address_counts)
{
	struct words w = { .status = span_text(causes[_i].status),
		.host = span_text(causes[_i].host),
		.said = span_text(causes[_i].said),
		.stage = causes[_i].stage };

	ck_assert(suppression_is_cause(&w) == causes[_i].is_cause);
}
END_TEST

static struct suppressed
one(const char *account, const char *address, int64_t until)
{
	return (struct suppressed){ .account = span_text(account),
		.address = span_text(address),
		.since = 1,
		.until = until,
		.status = SPAN("5.1.1"),
		.reply = SPAN("550 gone") };
}

static bool
has(const struct suppression *s, const char *account, const char *address,
    int64_t now)
{
	return suppression_find(
		   s, span_text(account), span_text(address), now) != NULL;
}

START_TEST(each_account_has_its_own)
{
	struct suppression *s = suppression_new();
	struct suppressed a = one("ann", "x@b.test", 100);
	const struct suppressed *got;

	ck_assert(suppression_put(s, &a));
	ck_assert(has(s, "ann", "x@b.test", 99));
	ck_assert(!has(s, "ann", "x@b.test", 100));
	ck_assert(!has(s, "bob", "x@b.test", 0));
	ck_assert(!has(s, "ann", "x@b.tes", 0));
	ck_assert(!has(s, "an", "nx@b.test", 0));
	got = suppression_find(s, SPAN("ann"), SPAN("x@b.test"), 0);
	ck_assert(span_equal(got->reply, SPAN("550 gone")));
	ck_assert(span_equal(got->status, SPAN("5.1.1")));
	/* Again: it takes the place. */
	a.until = 200;
	a.reply = SPAN("");
	ck_assert(suppression_put(s, &a));
	ck_assert_uint_eq(suppression_count(s), 1);
	ck_assert(has(s, "ann", "x@b.test", 199));
	ck_assert(suppression_remove(s, SPAN("ann"), SPAN("x@b.test")));
	ck_assert(!suppression_remove(s, SPAN("ann"), SPAN("x@b.test")));
	ck_assert_uint_eq(suppression_count(s), 0);
	suppression_free(s);
	suppression_free(NULL);
}
END_TEST

START_TEST(they_are_walked_in_order)
{
	struct suppression *s = suppression_new();
	struct span account = SPAN(""), address = SPAN("");
	const struct suppressed *got;
	char text[32], before[64] = "";
	int n = 0;

	for (int i = 0; i < 300; i++) {
		struct suppressed a;

		(void)snprintf(text, sizeof text, "%d@b.test", i * 7919 % 300);
		a = one(i % 2 ? "ann" : "bob", text, 100);
		ck_assert(suppression_put(s, &a));
	}
	while ((got = suppression_next(s, account, address)) != NULL) {
		char now[64];

		(void)snprintf(now, sizeof now, "%.*s %.*s",
		    SPAN_ARG(got->account), SPAN_ARG(got->address));
		ck_assert_int_lt(strcmp(before, now), 0);
		(void)memcpy(before, now, sizeof now);
		account = got->account;
		address = got->address;
		n++;
	}
	ck_assert_int_eq(n, 300);
	/* From one on that is not there. */
	got = suppression_next(s, SPAN("ann"), SPAN("~"));
	ck_assert(span_equal(got->account, SPAN("bob")));
	ck_assert_ptr_null(suppression_next(s, SPAN("bob"), SPAN("~")));
	suppression_free(s);
}
END_TEST

START_TEST(a_long_reply_is_cut)
{
	struct suppression *s = suppression_new();
	char reply[1000];
	struct suppressed a = one("ann", "x@b.test", 100);

	memset(reply, 'x', sizeof reply);
	a.reply = span_make(reply, sizeof reply);
	ck_assert(suppression_put(s, &a));
	ck_assert_uint_eq(
	    suppression_find(s, SPAN("ann"), SPAN("x@b.test"), 0)->reply.len,
	    SUPPRESSION_REPLY_MAX);
	suppression_free(s);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, only_a_host_s_word_about_the_address_counts, 0,
	    ARRAY_LEN(causes));
	tcase_add_test(tc, each_account_has_its_own);
	tcase_add_test(tc, they_are_walked_in_order);
	tcase_add_test(tc, a_long_reply_is_cut);
}

SUITE_MAIN("suppression", fill)
