/* Reports are made on a real loop, with the spool in memory. */
#include "tests/lib/suite.h"

#include <string.h>
#include <uv.h>

#include "base/mem.h"
#include "bounce/report.h"
#include "io/loop.h"
#include "mail/envelope.h"
#include "mail/qid.h"
#include "spool/content.h"
#include "spool/spool.h"

static struct loop *loop;
static struct spool *spool;
static struct envelope *original;
static struct content *content; /* of the original */
static bool is_stored, has_answered;
static struct envelope *report_env;
static char text[200000]; /* of the report */

static void
turn_until(const bool *done)
{
	while (!*done)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
}

static void
on_stored(enum spool_status status, void *arg)
{
	(void)arg;
	ck_assert(status == SPOOL_OK);
	is_stored = true;
}

static void
store_original(const char *header)
{
	struct spool_entry *e = spool_entry_open(spool, loop);
	struct span rcpts[] = { SPAN("x@c.test"), SPAN("y@d.test") };
	struct envelope_parts parts = {
		.id = spool_entry_id(e),
		.arrived = 1000000000000,
		.account = SPAN("ann"),
		.sender = SPAN("ann@b.test"),
		.rcpt = rcpts,
		.nrcpt = 2,
	};
	struct buf head = { 0 }, body = { 0 };

	(void)buf_append_text(&head, "Received: by us\r\n");
	(void)buf_append_text(&body, header);
	(void)buf_append_text(&body, "\r\nthe secret body\r\n");
	parts.size = buf_len(&head) + buf_len(&body);
	original = envelope_new(&parts);
	content = content_new_take(&head, &body);
	spool_commit(e, original, content, on_stored, NULL);
	turn_until(&is_stored);
}

static void
setup(void)
{
	loop = loop_new();
	spool = mem_spool_open();
	store_original("Subject: hi\r\nTo: <x@c.test>\r\n");
}

static void
teardown(void)
{
	free(report_env);
	free(original);
	content_unref(content);
	loop_stop(loop);
	loop_run(loop);
	spool_close(spool);
	loop_free(loop);
}

static void
on_report(struct envelope *env, const char *message_id, void *arg)
{
	struct content *c;
	struct err err;
	int64_t n;

	ck_assert_ptr_eq(arg, &has_answered);
	ck_assert(!has_answered);
	has_answered = true;
	report_env = env;
	if (env == NULL)
		return;
	c = spool_content(spool, env->id);
	ck_assert_ptr_nonnull(c);
	n = content_read(c, 0, text, sizeof text - 1, &err);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	/* The log tells of it by the same id. */
	ck_assert_int_gt(strlen(message_id), 10);
	ck_assert_ptr_nonnull(strstr(text, "\r\nMessage-ID: <"));
	ck_assert_ptr_nonnull(strstr(text, message_id));
	ck_assert_uint_eq((uint64_t)n, env->size);
	content_unref(c);
}

/* Asks for a report and waits for it; what was given is gone by then. */
static void
report(enum dsn_action action, bool at_hand)
{
	char reply[] = "550 5.1.1 no such user", host[] = "mx.c.test";
	char what[] = "while sending";
	struct dsn_rcpt r = {
		.address = SPAN("x@c.test"),
		.words = { .status = SPAN("5.1.1"),
		    .what = span_text(what),
		    .said = span_text(reply),
		    .host = span_text(host) },
	};
	struct report_request q = {
		.spool = spool,
		.loop = loop,
		.original = original,
		.hostname = "relay.test",
		.action = action,
		.now = 1000000100000,
		.retry_for = 7200,
		.random = 0xabc,
		.rcpts = &r,
		.nrcpts = 1,
	};

	if (!at_hand)
		spool_rest(spool, original->id);
	report_start(&q, on_report, &has_answered);
	ck_assert(!has_answered);
	memset(reply, 'X', sizeof reply - 1);
	memset(host, 'X', sizeof host - 1);
	memset(what, 'X', sizeof what - 1);
	memset(&r, 0, sizeof r);
	turn_until(&has_answered);
}

static void
expect(const char *part)
{
	ck_assert_msg(
	    strstr(text, part) != NULL, "%s is not in:\n%s", part, text);
}

static void
expect_not(const char *part)
{
	ck_assert_msg(strstr(text, part) == NULL, "%s is in:\n%s", part, text);
}

/* _i: 0 the content is at hand, 1 it is fetched. */
START_TEST(a_report_is_stored_for_the_sender)
{
	struct spool_health health;

	report(DSN_FAILED, _i == 0);
	ck_assert_ptr_nonnull(report_env);
	ck_assert_str_eq(report_env->sender, "");
	ck_assert_str_eq(report_env->account, "");
	ck_assert_uint_eq(report_env->nrcpt, 1);
	ck_assert_str_eq(report_env->rcpts[0].address, "ann@b.test");
	ck_assert_uint_eq(report_env->flags, ENVELOPE_REPORT);
	ck_assert_int_eq(report_env->arrived, 1000000100000);
	ck_assert_uint_ne(report_env->id, original->id);
	spool_health(spool, &health);
	ck_assert_uint_eq(health.messages, 2);
	expect("To: <ann@b.test>\r\n");
	expect("550 5.1.1 no such user");
	expect("mx.c.test: while sending:");
	expect("    Subject: hi\r\n");
	expect("Action: failed\r\n");
	expect(qid_format(original->id).text);
	expect("Received: by us\r\nSubject: hi\r\nTo: <x@c.test>\r\n");
	expect_not("secret body");
}
END_TEST

START_TEST(a_warning_is_one_too)
{
	report(DSN_DELAYED, true);
	expect("Action: delayed\r\n");
	expect("Will-Retry-Until: ");
}
END_TEST

/* The sender must hear of it though the original is lost. */
START_TEST(an_original_that_cannot_be_read_is_reported_without_its_header)
{
	spool_done(spool, original->id);
	report(DSN_FAILED, false);
	ck_assert_ptr_nonnull(report_env);
	expect("550 5.1.1 no such user");
	expect("Content-Type: text/rfc822-headers\r\n\r\n");
	expect_not("Subject: hi");
}
END_TEST

START_TEST(one_that_cannot_be_stored_comes_back_as_nothing)
{
	mem_spool_fail(spool, 1, _i == 0 ? SPOOL_FULL : SPOOL_FAULT);
	report(DSN_FAILED, true);
	ck_assert_ptr_null(report_env);
	has_answered = false;
	report(DSN_FAILED, true); /* the next try works */
	ck_assert_ptr_nonnull(report_env);
}
END_TEST

START_TEST(a_huge_header_is_shown_in_part)
{
	struct buf header = { 0 };

	for (int i = 0; i < 3000; i++)
		(void)buf_printf(
		    &header, "X-%04d: 3456789012345678901234\r\n", i);
	(void)buf_append_char(&header, '\0');
	free(original);
	content_unref(content);
	is_stored = false;
	store_original(buf_span(&header).ptr);
	buf_clear(&header);
	report(DSN_FAILED, false);
	expect("X-0000: 34");
	expect_not("X-2999: 34");
	expect("\r\n\r\n--postern-0000000000000abc--\r\n");
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_report_is_stored_for_the_sender, 0, 2);
	tcase_add_test(tc, a_warning_is_one_too);
	tcase_add_test(
	    tc, an_original_that_cannot_be_read_is_reported_without_its_header);
	tcase_add_loop_test(
	    tc, one_that_cannot_be_stored_comes_back_as_nothing, 0, 2);
	tcase_add_test(tc, a_huge_header_is_shown_in_part);
}

SUITE_MAIN("report", fill)
