/*
 * Spools that older versions wrote (tests/spool/older): bytes of theirs, not of
 * ours. Each has, in this order: two messages whose record is a copy with rows,
 * four with large content or none of it, of which one has news behind it.
 */
#include "fixture.h"

static struct box box;

static int version;

static void
open_older(int which)
{
	const char *top = getenv("top_srcdir");
	char *copy;

	box_init(&box);
	box.options.segment_size = 16 * 1024;
	box.options.inline_max = 2000;
	version = which;
	copy = mem_printf("cp -R '%s/tests/spool/older/version-%d/.' '%s' && "
			  "chmod -R u+w '%s'",
	    top == NULL ? "." : top, which, box.directory, box.directory);
	ck_assert_int_eq(system(copy), 0);
	free(copy);
	ck_assert_msg(box_open(&box), "%s", box.err.text);
}

static void
expect_words(const struct progress *row, const char *status, const char *host,
    const char *what, const char *said)
{
	struct words w = reason_words(row->reason);

	ck_assert_msg(span_equal(w.status, span_text(status)), "%.*s",
	    SPAN_ARG(w.status));
	ck_assert_msg(
	    span_equal(w.host, span_text(host)), "%.*s", SPAN_ARG(w.host));
	ck_assert_msg(
	    span_equal(w.what, span_text(what)), "%.*s", SPAN_ARG(w.what));
	ck_assert_msg(
	    span_equal(w.said, span_text(said)), "%.*s", SPAN_ARG(w.said));
	ck_assert_int_eq(w.stage, STAGE_NONE);
}

/* Fields where there were fields, else the line as it was. */
static void
expect_words_of_first(const struct progress *row)
{
	if (version == 1)
		expect_words(row, "4.7.1", "",
		    "mx.test [192.0.2.1]:25 said: 450 later, evil.test said: "
		    "no",
		    "");
	else
		expect_words(row, "4.7.1", "mx.test [192.0.2.1]:25", "greeting",
		    "450-slow\n450 later");
}

static void
expect_first(const struct loaded *l)
{
	ck_assert_str_eq(l->env->sender, "ann+list@example.test");
	ck_assert_str_eq(l->env->rcpts[1].address, "other@example.test");
	ck_assert_uint_eq(l->flags, MESSAGE_HELD);
	ck_assert_uint_eq(l->rows[1].tries, 3);
	ck_assert_uint_eq(l->rows[1].step, 3);
	ck_assert_int_eq(l->rows[1].last, 1000);
	ck_assert_int_eq(l->rows[1].due, 3000);
	ck_assert(!l->rows[1].held);
	ck_assert_uint_eq(l->rows[0].tries, 0);
	ck_assert_ptr_null(l->rows[0].reason);
	expect_words_of_first(&l->rows[1]);
	box_expect(&box, l->env->id, "first\r\n");
}

static void
expect_all(void)
{
	static char large[20001];
	const struct loaded *l = box.loaded;

	ck_assert_uint_eq(box.nloaded, 5);
	expect_first(&l[0]);
	ck_assert_int_eq(l[1].rows[0].state, RCPT_FAILED);
	expect_words(&l[1].rows[0], "5.1.1", "",
	    "mx.test [192.0.2.1]:25 said: 550 no such user", "");
	box_expect(&box, l[1].env->id, "second\r\n");
	memset(large, 'd', sizeof large - 1);
	box_expect(&box, l[2].env->id, large);
	ck_assert_uint_eq(l[2].rows[0].tries, 7);
	ck_assert_uint_eq(l[2].rows[0].step, 7);
	expect_words_of_first(&l[2].rows[0]);
	box_expect(&box, l[3].env->id, "sync");
	memset(large, 'e', sizeof large - 1);
	box_expect(&box, l[4].env->id, large);
}

START_TEST(what_an_older_version_wrote_is_there)
{
	open_older(_i);
	expect_all();
	box_reopen(&box);
	expect_all();
	box_clear(&box);
}
END_TEST

static bool
are_all_copied(uint64_t from)
{
	for (size_t i = 0; i < box.nloaded; i++)
		if (index_get(
			&journal_of(box.spool)->index, box.loaded[i].env->id)
			->segment->number < from)
			return false;
	return true;
}

START_TEST(reclaiming_writes_it_again_in_our_form)
{
	char body[1500];
	uint64_t from;

	open_older(_i);
	from = journal_of(box.spool)->segments.next_number;
	memset(body, 'x', sizeof body - 1);
	body[sizeof body - 1] = '\0';
	while (!are_all_copied(from))
		for (int i = 0; i < 20; i++)
			spool_done(box.spool, box_store(&box, body));
	box_reopen(&box);
	expect_all();
	box_clear(&box);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, what_an_older_version_wrote_is_there, 1, 4);
	tcase_add_loop_test(tc, reclaiming_writes_it_again_in_our_form, 1, 4);
}

SUITE_MAIN("older", fill)
