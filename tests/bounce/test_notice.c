/* A notice is stored as a message from nobody, and says what it is. */
#include "tests/lib/suite.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "bounce/notice.h"
#include "io/loop.h"
#include "mail/envelope.h"
#include "spool/content.h"
#include "spool/spool.h"

static struct loop *loop;
static struct spool *spool;
static struct envelope *env;
static bool has_answered;
static char text[70000];

static void
setup(void)
{
	loop = loop_new();
	spool = mem_spool_open();
	has_answered = false;
}

static void
teardown(void)
{
	free(env);
	env = NULL;
	loop_stop(loop);
	loop_run(loop);
	spool_close(spool);
	loop_free(loop);
}

static void
on_stored(struct envelope *stored, const char *message_id, void *arg)
{
	ck_assert_int_gt(strlen(message_id), 10);
	(void)arg;
	env = stored;
	has_answered = true;
}

static void
on_content(enum spool_status status, struct content *content, void *arg)
{
	bool *done = arg;
	struct err err;
	int64_t n;

	ck_assert_int_eq(status, SPOOL_OK);
	n = content_read(content, 0, text, sizeof text - 1, &err);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	content_unref(content);
	*done = true;
}

static void
tell(struct span to, struct span subject, struct span words)
{
	struct notice n = { .spool = spool,
		.loop = loop,
		.hostname = "relay.test",
		.to = to,
		.subject = subject,
		.text = words,
		.now = 1000000000000,
		.random = 0xabc };
	bool done = false;

	notice_start(&n, on_stored, NULL);
	while (!has_answered)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	if (env == NULL)
		return;
	spool_fetch(spool, env->id, loop, on_content, &done);
	while (!done)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
}

START_TEST(it_is_from_nobody_and_wants_no_answer)
{
	tell(SPAN("ann@b.test"), SPAN("One\nBcc: x@y.test"), SPAN("a\n.\nb\n"));
	ck_assert_ptr_nonnull(env);
	ck_assert_str_eq(env->sender, "");
	ck_assert_str_eq(env->account, "");
	ck_assert_uint_eq(env->nrcpt, 1);
	ck_assert_str_eq(env->rcpts[0].address, "ann@b.test");
	ck_assert_uint_eq(env->flags, ENVELOPE_REPORT);
	ck_assert(strstr(text, "From: Postern <MAILER-DAEMON@relay.test>\r\n"
			       "To: <ann@b.test>\r\n"
			       "Subject: One Bcc: x@y.test\r\n"
			       "Date: Sun, 09 Sep 2001 01:46:40 +0000\r\n"
			       "Message-ID: <") == text);
	ck_assert_ptr_nonnull(
	    strstr(text, "Auto-Submitted: auto-generated\r\n"));
	ck_assert_ptr_nonnull(strstr(text, "\r\n\r\na\r\n.\r\nb\r\n"));
	ck_assert_uint_eq(env->size, strlen(text));
}
END_TEST

START_TEST(more_letters_are_announced)
{
	tell(SPAN("ann@b.test"), SPAN("x"), SPAN("\xc3\xbc\n"));
	ck_assert_uint_eq(env->flags, ENVELOPE_REPORT | ENVELOPE_8BIT);
	free(env);
	has_answered = false;
	tell(SPAN("\xc3\xbc@b.test"), SPAN("x"), SPAN("y\n"));
	ck_assert_uint_eq(env->flags, ENVELOPE_REPORT | ENVELOPE_8BIT |
					  ENVELOPE_UTF8 | ENVELOPE_UTF8_HEADER);
}
END_TEST

START_TEST(one_that_cannot_be_stored_is_nobody_s)
{
	mem_spool_fail(spool, 1, SPOOL_FAULT);
	tell(SPAN("ann@b.test"), SPAN("x"), SPAN("y\n"));
	ck_assert_ptr_null(env);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, it_is_from_nobody_and_wants_no_answer);
	tcase_add_test(tc, more_letters_are_announced);
	tcase_add_test(tc, one_that_cannot_be_stored_is_nobody_s);
}

SUITE_MAIN("notice", fill)
