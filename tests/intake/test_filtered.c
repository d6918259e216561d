/* What a draft notes of its content is of what filters left. */
#include "tests/intake/drafts.h"

#include <string.h>

#include "conf/conf.h"
#include "mail/attrs.h"
#include "milter/milter.h"
#include "sign/body.h"
#include "smtp/address.h"
#include "src/intake/draft_priv.h"

#define HEADER "Date: x\r\nMessage-ID: <x@y>\r\nFrom: a@news.test\r\n"

static void
setup(void)
{
	read_conf("hostname = relay.test\n"
		  "account default { from = any }\n"
		  "filter f { socket = \"unix:/x\" }");
	d = (struct draft){ .origin = DRAFT_SUBMITTED,
		.conf = conf,
		.account = SPAN("ann@b.test"),
		.wants_hash = true,
		.now = 1000,
		.random = 1 };
	draft_set_written_sender(&d, SPAN("ann@b.test"));
	draft_add_written(&d, SPAN("x@c.test"), SPAN(""));
}

/* Until filters are asked; the last piece comes with the end. */
static void
bring(const char *body)
{
	d.is_open = true;
	ck_assert_int_eq(draft_run(&d, DRAFT_BEGINS), DRAFT_NOTHING);
	draft_reserve(&d);
	ck_assert(buf_append_text(&d.body, HEADER "\r\n"));
	ck_assert_int_eq(draft_look(&d, false), DRAFT_NOTHING);
	ck_assert_int_eq(draft_run(&d, DRAFT_PIECE), DRAFT_NOTHING);
	ck_assert(buf_append_text(&d.body, body));
	ck_assert_int_eq(draft_run(&d, DRAFT_ENDS), DRAFT_FILTER);
	ck_assert(span_equal(buf_span(&d.filtered->fields), SPAN(HEADER)));
}

static void
set(struct buf *b, const char *text)
{
	buf_clear(b);
	(void)buf_append_text(b, text);
	d.filtered->is_changed = true;
}

static void
expect_hash(const char *body)
{
	struct body_hash *h = body_hash_new();
	unsigned char want[BODY_HASH_SIZE];
	struct span got = attrs_get(buf_span(&d.attrs), ATTR_BODY_HASH);

	body_hash_add(h, span_text(body));
	ck_assert(body_hash_end(h, want));
	body_hash_free(h);
	ck_assert(span_equal(got, span_make((const char *)want, sizeof want)));
}

START_TEST(nothing_is_changed)
{
	bring("body\r\n");
	ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_COMMIT);
	expect_hash("body\r\n");
	ck_assert(span_equal(
	    attrs_get(buf_span(&d.attrs), ATTR_AUTHOR), SPAN("news.test")));
	ck_assert(span_is_empty(attrs_get(buf_span(&d.attrs), ATTR_HELD_BY)));
}
END_TEST

START_TEST(a_new_header_leaves_the_body_s_hash)
{
	bring("body\r\n");
	set(&d.filtered->fields,
	    "From: c@other.test\r\nX: a longer one than before it "
	    "was, by far\r\n");
	ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_COMMIT);
	expect_hash("body\r\n");
	ck_assert(span_equal(
	    attrs_get(buf_span(&d.attrs), ATTR_AUTHOR), SPAN("other.test")));
}
END_TEST

START_TEST(an_author_of_the_sender_s_domain_is_not_noted)
{
	bring("body\r\n");
	set(&d.filtered->fields, "From: c@b.test\r\n");
	ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_COMMIT);
	ck_assert(span_is_empty(attrs_get(buf_span(&d.attrs), ATTR_AUTHOR)));
	expect_hash("body\r\n");
}
END_TEST

/* It is taken when the message leaves. */
START_TEST(a_new_body_has_no_hash_yet)
{
	bring("body\r\n");
	set(&d.filtered->new_body, "another\r\n");
	d.filtered->is_body_changed = true;
	ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_COMMIT);
	ck_assert(span_is_empty(attrs_get(buf_span(&d.attrs), ATTR_BODY_HASH)));
	ck_assert(span_starts(buf_span(&d.body), SPAN(HEADER "\r\nanother")));
}
END_TEST

START_TEST(who_holds_it_is_kept)
{
	bring("body\r\n");
	(void)buf_append_text(&d.filtered->held_by, "f: why");
	ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_COMMIT);
	ck_assert(span_equal(
	    attrs_get(buf_span(&d.attrs), ATTR_HELD_BY), SPAN("f: why")));
}
END_TEST

/* Recipients that filters add and take out, and what was said of each. */
START_TEST(recipients_move_up)
{
	struct address a;

	draft_clear(&d);
	d = (struct draft){
		.origin = DRAFT_SUBMITTED, .conf = conf, .rcpts.max = 10000
	};
	draft_set_written_sender(&d, SPAN("ann@b.test"));
	draft_said(&d, SPAN("SIZE=1"));
	for (int i = 0; i < 3; i++) {
		char text[] = "0@c.test";

		text[0] = (char)('a' + i);
		ck_assert_int_eq(
		    address_parse(span_text(text), &a), ADDRESS_OK);
		ck_assert(draft_add_rcpt(&d, &a, SPAN("")));
		text[1] = '\0';
		draft_said(&d, span_text(text));
	}
	/* Of one that was refused nothing is kept. */
	ck_assert_int_eq(address_parse(SPAN("y@c.test"), &a), ADDRESS_OK);
	for (int i = 0; i < 3; i++) {
		ck_assert(draft_add_rcpt(&d, &a, SPAN("")));
		draft_said(&d, SPAN("NOTIFY=NEVER"));
		draft_drop_rcpt(&d);
	}
	ck_assert_uint_eq(buf_len(&d.filtered->said), sizeof "SIZE=1" + 3 * 2);
	draft_remove_rcpt(&d, 1);
	ck_assert_int_eq(address_parse(SPAN("z@d.test"), &a), ADDRESS_OK);
	ck_assert(draft_add_rcpt(&d, &a, SPAN("")));
	ck_assert_uint_eq(d.nrcpt, 3);
	ck_assert(span_equal(draft_rcpt(&d, 0), SPAN("a@c.test")));
	ck_assert(span_equal(draft_rcpt(&d, 1), SPAN("c@c.test")));
	ck_assert(span_equal(draft_rcpt(&d, 2), SPAN("z@d.test")));
	ck_assert(span_equal(draft_params(&d, DRAFT_MAIL), SPAN("SIZE=1")));
	ck_assert(span_equal(draft_params(&d, 0), SPAN("a")));
	ck_assert(span_equal(draft_params(&d, 1), SPAN("c")));
	ck_assert(span_is_empty(draft_params(&d, 2)));
}
END_TEST

static void
add_as_filter(const char *text)
{
	struct milter_change c = { .what = MILTER_ADD_RCPT,
		.address = span_text(text) };
	struct milter_outcome o = { .changes = &c, .nchanges = 1 };

	d.rcpts.max = 10000;
	ck_assert_ptr_null(changes_wrong(&d, &o));
	changes_make(&d, &o);
}

static void
begin_with_suppression(void)
{
	struct conf *before = conf;

	read_conf("hostname = relay.test\n"
		  "account default { from = any suppress = on }\n"
		  "filter f { socket = \"unix:/x\" }");
	conf_unref(before);
	d.conf = conf;
	bring("body\r\n");
}

/* Whoever adds a recipient: the account's list and its budgets are asked. */
START_TEST(added_recipients_are_asked_about)
{
	begin_with_suppression();
	add_as_filter("y@c.test");
	add_as_filter("z@c.test");
	ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_SUPPRESSED);
	ck_assert(span_equal(draft_rcpt(&d, d.asked), SPAN("y@c.test")));
	/* It is left out; the message goes to the others. */
	ck_assert_int_eq(draft_answered(&d, "550 5.1.1 no"), DRAFT_SUPPRESSED);
	ck_assert(span_equal(draft_rcpt(&d, d.asked), SPAN("z@c.test")));
	ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_RESERVE);
	ck_assert(span_equal(draft_rcpt(&d, d.asked), SPAN("z@c.test")));
	ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_COMMIT);
	ck_assert_uint_eq(d.nrcpt, 2);
	ck_assert(!draft_is_refused(&d));
}
END_TEST

START_TEST(an_added_recipient_without_room_refuses_the_message)
{
	begin_with_suppression();
	add_as_filter("y@c.test");
	ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_SUPPRESSED);
	ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_RESERVE);
	ck_assert_int_eq(
	    draft_answered(&d, "452 4.7.1 no room"), DRAFT_NOTHING);
	ck_assert_str_eq(d.refusal, "452 4.7.1 no room");
}
END_TEST

START_TEST(when_nobody_is_left_it_is_refused)
{
	begin_with_suppression();
	draft_remove_rcpt(&d, 0);
	add_as_filter("y@c.test");
	ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_SUPPRESSED);
	ck_assert_int_eq(draft_answered(&d, "550 5.1.1 no"), DRAFT_NOTHING);
	ck_assert_str_eq(d.refusal, "550 5.1.1 no");
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_is_changed);
	tcase_add_test(tc, a_new_header_leaves_the_body_s_hash);
	tcase_add_test(tc, an_author_of_the_sender_s_domain_is_not_noted);
	tcase_add_test(tc, a_new_body_has_no_hash_yet);
	tcase_add_test(tc, who_holds_it_is_kept);
	tcase_add_test(tc, recipients_move_up);
	tcase_add_test(tc, added_recipients_are_asked_about);
	tcase_add_test(tc, an_added_recipient_without_room_refuses_the_message);
	tcase_add_test(tc, when_nobody_is_left_it_is_refused);
}

SUITE_MAIN("filtered", fill)
