/* A draft takes the hash of its body while it comes. */
#include "tests/lib/suite.h"

#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "intake/draft.h"
#include "mail/attrs.h"
#include "mail/envelope.h"
#include "sign/body.h"
#include "smtp/address.h"

static struct conf *conf;
static struct draft d;

static void
setup(void)
{
	struct buf warnings = { 0 };
	struct err err;

	conf = conf_parse(
	    SPAN("hostname = relay.test\naccount default { from = any }"),
	    "test", "relay.test", &warnings, &err);
	ck_assert_ptr_nonnull(conf);
	buf_clear(&warnings);
	d = (struct draft){ .origin = DRAFT_SUBMITTED,
		.conf = conf,
		.account = SPAN("ann@b.test"),
		.wants_hash = true };
}

static void
teardown(void)
{
	draft_clear(&d);
	conf_unref(conf);
}

static void
open_it(void)
{
	struct address a;

	ck_assert(address_parse(SPAN("ann@b.test"), &a) == ADDRESS_OK);
	draft_set_sender(&d, &a);
	draft_add_rcpt(&d, &a, SPAN(""));
	ck_assert_int_eq(draft_run(&d, DRAFT_BEGINS), DRAFT_OPEN);
	d.is_open = true;
	ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_NOTHING);
}

/* As the session does: a piece, and what goes to disk is gone. */
static void
add(struct span piece, bool is_all)
{
	draft_reserve(&d);
	ck_assert(buf_append_span(&d.body, piece));
	ck_assert_int_eq(draft_look(&d, is_all), DRAFT_NOTHING);
	if (draft_run(&d, DRAFT_PIECE) == DRAFT_NOTHING)
		return;
	buf_clear(&d.head);
	buf_clear(&d.body);
	ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_NOTHING);
}

static void
expect_hash_of(struct span body)
{
	unsigned char want[BODY_HASH_SIZE];
	struct body_hash *h = body_hash_new();
	struct span got;

	ck_assert_int_eq(draft_run(&d, DRAFT_ENDS), DRAFT_COMMIT);
	body_hash_add(h, body);
	ck_assert(body_hash_end(h, want));
	body_hash_free(h);
	got = attrs_get(buf_span(&d.attrs), ATTR_BODY_HASH);
	ck_assert_uint_eq(got.len, sizeof want);
	ck_assert_mem_eq(got.ptr, want, sizeof want);
}

static const struct {
	const char *header, *body;
} cases[] = {
	{ "From: a@b.test\r\nSubject: x\r\n\r\n", "hi  there\r\n\r\n" },
	/* What goes out of the header is none of the body's. */
	{ "Bcc: x@y.test\r\nReturn-Path: <z>\r\nFrom: a@b.test\r\n\r\n", "hi" },
	{ "From a@b.test\r\nFrom: a@b.test\r\n\r\n", "mended\r\n" },
	{ "From: a@b.test\r\n\r\n", "" },
	{ "From: a@b.test\r\n", "no blank line in front\r\n" },
	{ "\r\n", "no header\r\n" },
};

START_TEST(it_is_the_body_s_however_it_comes)
{
	struct buf all = { 0 };
	struct span left;
	size_t piece = (size_t)(_i % 20) + 1;
	size_t n = (size_t)_i / 20;

	open_it();
	(void)buf_append_text(&all, cases[n].header);
	(void)buf_append_text(&all, cases[n].body);
	for (left = buf_span(&all); left.len > 0;
	     left = span_from(left, piece < left.len ? piece : left.len))
		add(span_to(left, piece), left.len <= piece);
	expect_hash_of(span_text(cases[n].body));
	buf_clear(&all);
}
END_TEST

START_TEST(what_went_to_disk_counts)
{
	static char line[16385];
	struct buf body = { .max = 1 << 24 };

	memset(line, 'x', sizeof line - 1);
	(void)memcpy(line + 16381, " \r\n", 3);
	open_it();
	add(SPAN("From: a@b.test\r\n\r\n"), false);
	for (int i = 0; i < 60; i++) {
		add(span_make(line, 16384), i == 59);
		(void)buf_append(&body, line, 16384);
	}
	ck_assert_uint_gt(d.passed, 0);
	expect_hash_of(buf_span(&body));
	buf_clear(&body);
}
END_TEST

START_TEST(nobody_pays_for_what_is_not_wanted)
{
	d.wants_hash = false;
	open_it();
	add(SPAN("From: a@b.test\r\n\r\nhi\r\n"), true);
	ck_assert_int_eq(draft_run(&d, DRAFT_ENDS), DRAFT_COMMIT);
	ck_assert_ptr_null(d.hash);
	ck_assert_uint_eq(buf_len(&d.attrs), 0);
}
END_TEST

START_TEST(a_report_has_one)
{
	d.origin = DRAFT_REPORT;
	open_it();
	(void)buf_append_text(&d.body, "From: x@y.test\r\n\r\nsorry\r\n");
	expect_hash_of(SPAN("sorry\r\n"));
}
END_TEST

/* It is given up with the draft. */
START_TEST(a_refused_one_leaves_nothing)
{
	open_it();
	add(SPAN("From: a@b.test\r\n\r\nhi\r\n"), false);
	draft_refuse(&d, "550 no");
	ck_assert_int_eq(draft_run(&d, DRAFT_ENDS), DRAFT_NOTHING);
	ck_assert_uint_eq(buf_len(&d.attrs), 0);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, it_is_the_body_s_however_it_comes, 0,
	    20 * (int)ARRAY_LEN(cases));
	tcase_add_test(tc, what_went_to_disk_counts);
	tcase_add_test(tc, nobody_pays_for_what_is_not_wanted);
	tcase_add_test(tc, a_report_has_one);
	tcase_add_test(tc, a_refused_one_leaves_nothing);
}

SUITE_MAIN("hash", fill)
