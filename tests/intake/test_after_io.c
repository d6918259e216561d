/*
 * Filters after acceptance, on a real loop: the spool is in memory, and the filter is a
 * thread that says what the test wants.
 */
#include "tests/lib/suite.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "intake/after_io.h"
#include "intake/draft.h"
#include "io/loop.h"
#include "mail/attrs.h"
#include "mail/envelope.h"
#include "mail/progress.h"
#include "spool/content.h"
#include "spool/spool.h"
#include "tests/milter/fake_filter.h"

#define TRACE "Received: by us\r\n\tid 7\r\n"
#define FIELDS                                                                 \
	"From: ann@b.test\r\n"                                                 \
	"Date: Mon, 2 Nov 2026 10:00:00 +0000\r\n"                             \
	"Message-ID: <1@b.test>\r\n"
#define PASS "\0\0\0\1c"

static struct loop *loop;
static struct spool *spool;
static struct after *after;
static struct conf *conf;
static struct aliases *no_aliases;
static bool open_rcpts[3] = { true, true, false };

/* What came of it. */
static struct {
	unsigned n;
	uint64_t id;
	enum after_verdict verdict;
	struct envelope *env; /* owned */
	struct progress news[3];
	size_t nnews;
	char filter[20], reply[200];
} got;

static void
on_after(const struct after_answer *a, void *arg)
{
	ck_assert_ptr_eq(arg, &got);
	got.n++;
	got.id = a->id;
	got.verdict = a->verdict;
	got.env = a->env;
	got.nnews = a->nnews;
	memcpy(got.news, a->news, a->nnews * sizeof *a->news);
	(void)snprintf(got.filter, sizeof got.filter, "%s",
	    a->filter == NULL ? "" : a->filter);
	(void)snprintf(got.reply, sizeof got.reply, "%s",
	    a->reply == NULL ? "" : a->reply);
}

static void
read_conf(const char *socket)
{
	char *text = mem_printf(
	    "hostname = relay.test\n"
	    "filter f { socket = \"unix:%s\" when = after timeout = 20s }\n",
	    socket);
	struct buf warnings = { 0 };
	struct err err;

	conf_unref(conf);
	conf =
	    conf_parse(span_text(text), "test", "relay.test", &warnings, &err);
	ck_assert_msg(conf != NULL, "%s", err.text);
	buf_clear(&warnings);
	free(text);
}

static void
setup(void)
{
	fake_filter_start();
	loop = loop_new();
	spool = mem_spool_open();
	memset(&got, 0, sizeof got);
	conf = NULL;
	read_conf(path);
	after = after_new(&(struct after_of){ .loop = loop,
	    .spool = spool,
	    .aliases = &no_aliases,
	    .cb = on_after,
	    .arg = &got });
}

static void
teardown(void)
{
	free(got.env);
	after_free(after);
	spool_close(spool);
	loop_stop(loop);
	loop_run(loop);
	loop_free(loop);
	conf_unref(conf);
	fake_filter_stop();
}

/* --- a message --- */

static void
on_status(enum spool_status status, void *arg)
{
	ck_assert_int_eq(status, SPOOL_OK);
	*(bool *)arg = true;
}

/* In the spool, to x, y and z at c.test; z has it already. */
static struct envelope *
store(const char *header, size_t body)
{
	static const struct span rcpts[] = { { "x@c.test", 8 },
		{ "y@c.test", 8 }, { "z@c.test", 8 } };
	struct spool_entry *e = spool_entry_open(spool, loop);
	struct buf head = { .max = 10000 }, rest = { .max = 1 << 20 };
	struct buf attrs = { .max = 1000 };
	struct content *content;
	struct envelope *env;
	bool is_stored = false;

	(void)buf_append_text(&head, header);
	for (size_t i = 0; i < body; i += 50)
		(void)buf_append_text(&rest,
		    "a line of the body, of which there are many; all\r\n");
	content = content_new_take(&head, &rest);
	attrs_put(&attrs, ATTR_CAME, SPAN("submissions"));
	env = envelope_new(&(struct envelope_parts){ .id = spool_entry_id(e),
	    .size = content_size(content),
	    .arrived = 5000,
	    .account = SPAN("ann@b.test"),
	    .sender = SPAN("ann@b.test"),
	    .attrs = buf_span(&attrs),
	    .rcpt = rcpts,
	    .nrcpt = 3 });
	buf_clear(&attrs);
	spool_commit(e, env, content, on_status, &is_stored);
	while (!is_stored)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	content_unref(content);
	return env;
}

static void
wait_for_it(void)
{
	while (got.n == 0)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	ck_assert_uint_eq(got.n, 1);
}

/* It is asked about, and its envelope is gone meanwhile. */
static uint64_t
ask(struct envelope *env)
{
	uint64_t id = env->id;

	after_ask(after, conf, env, open_rcpts, false);
	ck_assert_uint_eq(got.n, 0);
	memset(env, 0xff, sizeof *env);
	free(env);
	return id;
}

static void
on_content(enum spool_status status, struct content *content, void *arg)
{
	ck_assert_int_eq(status, SPOOL_OK);
	*(struct content **)arg = content;
}

/* What the spool has; the caller's to free. */
static char *
stored(uint64_t id)
{
	struct content *content = NULL;
	char *text;
	size_t size, at = 0;
	struct err err;

	spool_fetch(spool, id, loop, on_content, &content);
	while (content == NULL)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	size = (size_t)content_size(content);
	text = mem_zalloc(1, size + 1);
	while (at < size)
		at += (size_t)content_read(
		    content, at, text + at, size - at, &err);
	content_unref(content);
	return text;
}

/* --- the tests --- */

static const struct {
	struct span words;
	enum after_verdict verdict;
	const char *filter, *reply;
} cases[] = {
	{ { PASS, 5 }, AFTER_PASSED, "", "" },
	{ { "\0\0\0\1d", 5 }, AFTER_DISCARDED, "", "" },
	{ { "\0\0\0\1r", 5 }, AFTER_REFUSED, "f", "550 5.7.1 " },
	{ { "\0\0\0\1t", 5 }, AFTER_LATER, "f", "451 4.7.1 " },
	{ { "\0\0\0\x0ey554 5.7.9 no\0", 18 }, AFTER_REFUSED, "f",
	    "554 5.7.9 no" },
	{ { "\0\0\0\x0ey451 4.7.9 no\0", 18 }, AFTER_LATER, "f",
	    "451 4.7.9 no" },
	/* What is none of the protocol: it is away. */
	{ { "\0\0\0\1?", 5 }, AFTER_LATER, "f", "451 4.7.1 " },
};

START_TEST(its_last_words_are_the_verdict)
{
	uint64_t id;

	last_words = &cases[_i].words;
	id = ask(store(TRACE FIELDS "\r\n", 100));
	wait_for_it();
	ck_assert_uint_eq(got.id, id);
	ck_assert_int_eq(got.verdict, cases[_i].verdict);
	ck_assert_str_eq(got.filter, cases[_i].filter);
	ck_assert(
	    span_starts(span_text(got.reply), span_text(cases[_i].reply)));
	ck_assert_ptr_null(got.env);
	ck_assert_uint_eq(got.nnews, 0);
}
END_TEST

START_TEST(nobody_is_there)
{
	read_conf("/nonexistent/x");
	(void)ask(store(TRACE FIELDS "\r\n", 100));
	wait_for_it();
	ck_assert_int_eq(got.verdict, AFTER_LATER);
	ck_assert_str_eq(got.filter, "f");
}
END_TEST

/* A field more, x out and w in. Small; in memory or not; and large. */
START_TEST(what_it_changes_takes_the_place_of_what_was_there)
{
	static const struct span words = { "\0\0\0\x07hX-A\0v\0"
					   "\0\0\0\x0c-<x@c.test>\0"
					   "\0\0\0\x0c+<w@d.test>\0" PASS,
		11 + 16 + 16 + 5 };
	size_t size = _i == 2 ? 300000 : 100;
	struct envelope *env = store(TRACE FIELDS "\r\n", size);
	char *text;
	uint64_t id;

	last_words = &words;
	if (_i == 1)
		spool_rest(spool, env->id);
	id = ask(env);
	wait_for_it();
	ck_assert_int_eq(got.verdict, AFTER_CHANGED);
	ck_assert_uint_eq(got.env->nrcpt, 4);
	ck_assert_str_eq(got.env->rcpts[3].address, "w@d.test");
	ck_assert_str_eq(got.env->sender, "ann@b.test");
	ck_assert_uint_eq(got.nnews, 1);
	ck_assert_uint_eq(got.news[0].rcpt, 0);
	ck_assert_int_eq(got.news[0].state, RCPT_REMOVED);
	text = stored(id);
	ck_assert_uint_eq(strlen(text), got.env->size);
	ck_assert(span_starts(span_text(text), SPAN(TRACE FIELDS)));
	ck_assert_ptr_nonnull(strstr(text, "\r\nX-A: v\r\n"));
	ck_assert_uint_ge(strlen(strstr(text, "\r\n\r\n")) - 4, size);
	free(text);
}
END_TEST

START_TEST(who_has_it_already_is_not_shown)
{
	static const struct span words = { "\0\0\0\x0c-<z@c.test>\0" PASS,
		16 + 5 };

	last_words = &words;
	(void)ask(store(TRACE FIELDS "\r\n", 100));
	wait_for_it();
	ck_assert_int_eq(got.verdict, AFTER_PASSED);
}
END_TEST

/* A change that identity refuses is not committed, and is the sender's to know. */
START_TEST(a_foreign_author_goes_back)
{
	static const struct span words = {
		"\0\0\0\x16m\0\0\0\1From\0x@bank.test\0" PASS, 26 + 5
	};
	uint64_t id;
	char *text;

	last_words = &words;
	id = ask(store(TRACE FIELDS "\r\n", 100));
	wait_for_it();
	ck_assert_ptr_null(got.env);
	ck_assert_int_eq(got.verdict, AFTER_REFUSED);
	ck_assert_ptr_nonnull(strstr(got.reply, "x@bank.test"));
	text = stored(id);
	ck_assert_ptr_null(strstr(text, "bank"));
	free(text);
}
END_TEST

START_TEST(what_the_spool_cannot_replace_is_asked_about_again)
{
	static const struct span words = { "\0\0\0\x07hX-A\0v\0" PASS, 16 };
	struct envelope *env = store(TRACE FIELDS "\r\n", 100);
	char *text;
	uint64_t id;

	last_words = &words;
	mem_spool_fail(spool, 1, SPOOL_FAULT);
	id = ask(env);
	wait_for_it();
	ck_assert_int_eq(got.verdict, AFTER_LATER);
	ck_assert_ptr_null(got.env);
	ck_assert(span_starts(span_text(got.reply), SPAN("451 4.3.0 ")));
	ck_assert_str_eq(got.filter, "");
	text = stored(id);
	ck_assert_ptr_null(strstr(text, "X-A"));
	free(text);
}
END_TEST

static const char *const unsound[] = {
	"no header at all", "", /* no content */
	"Received: by us\r\n", /* no end of the header */
};

START_TEST(what_cannot_be_read_is_asked_about_again)
{
	struct envelope *env = store(unsound[_i % 3], 0);

	last_words = &cases[0].words;
	if (_i == 3)
		spool_done(spool, env->id);
	(void)ask(env);
	wait_for_it();
	ck_assert_int_eq(got.verdict, AFTER_LATER);
	ck_assert_str_eq(got.reply, "451 4.3.0 Its content cannot be read now");
	ck_assert_str_eq(got.filter, "");
}
END_TEST

/* It is gone when the filter has answered. */
START_TEST(one_that_was_removed_meanwhile_does_not_come_back)
{
	static const struct span words = { "\0\0\0\x07hX-A\0v\0" PASS, 16 };
	struct spool_health health;
	uint64_t id;

	last_words = &words;
	id = ask(store(TRACE FIELDS "\r\n", 100));
	spool_done(spool, id);
	wait_for_it();
	ck_assert_ptr_null(got.env);
	spool_health(spool, &health);
	ck_assert_uint_eq(health.messages, 0);
}
END_TEST

/* The relay ends while it is read, or while a filter that is silent has it. */
START_TEST(whoever_is_in_a_hurry_waits_for_no_filter)
{
	unsigned before = atomic_load(&taken);

	last_words = NULL;
	(void)ask(store(TRACE FIELDS "\r\n", 100));
	while (_i == 1 && atomic_load(&taken) == before)
		(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	after_hurry(after);
	wait_for_it();
	ck_assert_int_eq(got.verdict, AFTER_LATER);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, its_last_words_are_the_verdict, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, nobody_is_there);
	tcase_add_loop_test(
	    tc, what_it_changes_takes_the_place_of_what_was_there, 0, 3);
	tcase_add_test(tc, who_has_it_already_is_not_shown);
	tcase_add_test(tc, a_foreign_author_goes_back);
	tcase_add_test(tc, what_the_spool_cannot_replace_is_asked_about_again);
	tcase_add_loop_test(tc, what_cannot_be_read_is_asked_about_again, 0, 4);
	tcase_add_test(tc, one_that_was_removed_meanwhile_does_not_come_back);
	tcase_add_loop_test(
	    tc, whoever_is_in_a_hurry_waits_for_no_filter, 0, 2);
}

SUITE_MAIN("after_io", fill)
