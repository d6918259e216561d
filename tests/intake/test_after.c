/* What is stored becomes a draft again, and its changes news of what is stored. */
#include "tests/intake/drafts.h"

#include <stdlib.h>
#include <string.h>

#include "mail/attrs.h"
#include "mail/envelope.h"
#include "mail/progress.h"
#include "milter/milter.h"
#include "src/intake/draft_priv.h"

static struct envelope *env;
static bool open_rcpts[3] = { true, true, false };

static void
setup(void)
{
	read_conf("hostname = relay.test\n"
		  "filter f { socket = \"unix:/x\" when = after }");
}

static void
teardown_all(void)
{
	teardown();
	free(env);
	env = NULL;
}

/* With those attributes, to x, y and z at c.test. */
static void
make_envelope(struct span attrs)
{
	static const struct span rcpts[] = { { "x@c.test", 8 },
		{ "y@c.test", 8 }, { "z@c.test", 8 } };

	env = envelope_new(&(struct envelope_parts){ .id = 7,
	    .size = 30,
	    .arrived = 5000,
	    .flags = ENVELOPE_8BIT,
	    .account = SPAN("ann@b.test"),
	    .sender = SPAN("ann@b.test"),
	    .attrs = attrs,
	    .rcpt = rcpts,
	    .nrcpt = 3 });
}

static void
begin(struct span attrs)
{
	make_envelope(attrs);
	d = (struct draft){ .conf = conf, .now = 6000 };
	after_begin(&d, env, open_rcpts);
}

START_TEST(how_it_came_is_kept)
{
	struct buf attrs;

	d = (struct draft){ .origin = DRAFT_SUBMITTED,
		.conf = conf,
		.client = SPAN("192.0.2.7"),
		.helo = SPAN("laptop"),
		.tls_version = SPAN("TLSv1.3"),
		.tls_cipher = SPAN("AES"),
		.key = SPAN("phone"),
		.send_as = SPAN("*@b.test"),
		.rcpts.max = 1000,
		.attrs.max = ATTRS_MAX };
	draft_filtered(&d)->place = (struct draft_place){
		.listener = SPAN("submissions"),
		.address = SPAN("192.0.2.1"),
		.port = 465,
		.client_port = 40000,
		.mechanism = SPAN("PLAIN"),
	};
	draft_said(&d, SPAN("SIZE=9 X=1"));
	(void)after_note(&d);
	ck_assert_uint_eq(d.message_flags, MESSAGE_UNFILTERED);
	attrs_put(&d.attrs, ATTR_ENVID, SPAN("id"));
	attrs = buf_take(&d.attrs);
	draft_clear(&d);
	begin(buf_span(&attrs));
	buf_clear(&attrs);
	ck_assert(span_equal(d.client, SPAN("192.0.2.7")));
	ck_assert(span_equal(d.helo, SPAN("laptop")));
	ck_assert(span_equal(d.tls_version, SPAN("TLSv1.3")));
	ck_assert(span_equal(d.tls_cipher, SPAN("AES")));
	ck_assert(span_equal(d.key, SPAN("phone")));
	ck_assert(span_equal(d.send_as, SPAN("*@b.test")));
	ck_assert(!d.is_anybody);
	ck_assert(span_equal(d.filtered->place.listener, SPAN("submissions")));
	ck_assert(span_equal(d.filtered->place.address, SPAN("192.0.2.1")));
	ck_assert_uint_eq(d.filtered->place.port, 465);
	ck_assert_uint_eq(d.filtered->place.client_port, 40000);
	ck_assert(span_equal(d.filtered->place.mechanism, SPAN("PLAIN")));
	ck_assert(span_equal(draft_params(&d, DRAFT_MAIL), SPAN("SIZE=9 X=1")));
	/* The other attributes stay, and that one has done its part. */
	ck_assert(
	    span_equal(attrs_get(buf_span(&d.attrs), ATTR_ENVID), SPAN("id")));
	ck_assert(span_is_empty(attrs_get(buf_span(&d.attrs), ATTR_CAME)));
}
END_TEST

/* Those of MAIL were longer than may be kept: none is cut in its middle. */
START_TEST(of_many_parameters_the_first_are_kept)
{
	char many[1200];
	struct buf attrs;
	struct span kept;

	memset(many, 'a', sizeof many);
	many[1] = many[998] = many[1100] = ' ';
	if (_i == 1)
		many[1] = many[998] = 'b';
	d = (struct draft){
		.conf = conf, .rcpts.max = 2000, .attrs.max = ATTRS_MAX
	};
	draft_said(&d, (struct span){ many, sizeof many });
	(void)after_note(&d);
	attrs = buf_take(&d.attrs);
	draft_clear(&d);
	begin(buf_span(&attrs));
	buf_clear(&attrs);
	kept = draft_params(&d, DRAFT_MAIL);
	ck_assert_uint_eq(kept.len, _i == 0 ? 998 : 0);
}
END_TEST

/* Recipients' parameters are kept with them; who is gone has none here. */
START_TEST(parameters_of_recipients_are_told)
{
	static const struct span rcpts[] = { { "x@c.test", 8 },
		{ "y@c.test", 8 }, { "z@c.test", 8 } };
	struct buf bufs[3] = { { .max = 100 }, { .max = 100 }, { .max = 100 } };
	struct span rcpt_attrs[3];
	bool open[3] = { true, false, true };

	attrs_put(&bufs[0], ATTR_NOTIFY, SPAN("FAILURE,DELAY"));
	attrs_put(&bufs[0], ATTR_ORCPT, SPAN("rfc822;a@b.test"));
	attrs_put(&bufs[1], ATTR_NOTIFY, SPAN("NEVER"));
	for (int i = 0; i < 3; i++)
		rcpt_attrs[i] = buf_span(&bufs[i]);
	env = envelope_new(&(struct envelope_parts){ .id = 7,
	    .account = SPAN("ann@b.test"),
	    .sender = SPAN("ann@b.test"),
	    .rcpt = rcpts,
	    .rcpt_attrs = rcpt_attrs,
	    .nrcpt = 3 });
	d = (struct draft){ .conf = conf, .now = 6000 };
	after_begin(&d, env, open);
	ck_assert_uint_eq(d.nrcpt, 2);
	ck_assert(span_is_empty(draft_params(&d, DRAFT_MAIL)));
	ck_assert(span_equal(draft_params(&d, 0),
	    SPAN("NOTIFY=FAILURE,DELAY ORCPT=rfc822;a@b.test")));
	ck_assert(span_is_empty(draft_params(&d, 1)));
	for (int i = 0; i < 3; i++)
		buf_clear(&bufs[i]);
}
END_TEST

START_TEST(without_such_filters_nothing_is_noted)
{
	conf_unref(conf);
	read_conf("hostname = relay.test\n"
		  "filter f { socket = \"unix:/x\" }");
	d = (struct draft){ .conf = conf };
	(void)after_note(&d);
	ck_assert_uint_eq(d.message_flags, 0);
	ck_assert_uint_eq(buf_len(&d.attrs), 0);
}
END_TEST

/* Bytes of a spool that somebody spoiled, or that has none of it. */
START_TEST(what_is_not_there_is_empty)
{
	static const struct span came[] = { { "", 0 }, { "a", 1 },
		{ "a\0b\0"
		  "99999999999\0c",
		    16 },
		{ "\0\0\0\0\0\0\0", 7 } };
	struct buf attrs = { .max = 1000 };

	attrs_put(&attrs, ATTR_CAME, came[_i]);
	begin(buf_span(&attrs));
	buf_clear(&attrs);
	ck_assert(span_is_empty(d.send_as));
	ck_assert_uint_eq(d.nrcpt, 2);
}
END_TEST

#define TEXT "Received: by us\r\n\tid 7\r\nFrom: a@b.test\r\n\r\nbody\r\n"

static void
change(enum milter_what what, const char *address)
{
	struct milter_change c = { .what = what,
		.address = span_text(address) };
	struct milter_outcome o = { .changes = &c, .nchanges = 1 };

	ck_assert_ptr_null(changes_wrong(&d, &o));
	changes_make(&d, &o);
}

START_TEST(recipients_that_were_there_keep_their_places)
{
	struct progress news[3];
	struct envelope *after;

	begin(SPAN(""));
	ck_assert(after_take_content(&d, NULL, SPAN(TEXT), true));
	ck_assert_int_eq(draft_run(&d, DRAFT_ENDS), DRAFT_FILTER);
	ck_assert(!after_has_changes(&d));
	change(MILTER_DELETE_RCPT, "x@c.test");
	change(MILTER_ADD_RCPT, "w@d.test");
	change(MILTER_ADD_RCPT, "y@C.test"); /* there already */
	change(MILTER_ADD_RCPT, "z@c.test"); /* it had its end: a new one */
	ck_assert(after_has_changes(&d));
	ck_assert_uint_eq(after_news(&d, news), 1);
	ck_assert_uint_eq(news[0].rcpt, 0);
	ck_assert_int_eq(news[0].state, RCPT_REMOVED);
	after = draft_envelope(&d, draft_size(&d));
	ck_assert_uint_eq(after->id, 7);
	ck_assert_int_eq(after->arrived, 5000);
	ck_assert_uint_eq(after->nrcpt, 5);
	ck_assert_str_eq(after->rcpts[0].address, "x@c.test");
	ck_assert_str_eq(after->rcpts[2].address, "z@c.test");
	ck_assert_str_eq(after->rcpts[3].address, "w@d.test");
	ck_assert_str_eq(after->rcpts[4].address, "z@c.test");
	ck_assert_uint_eq(after->size, sizeof TEXT - 1);
	free(after);
}
END_TEST

START_TEST(what_is_not_changed_is_not_stored_again)
{
	begin(SPAN(""));
	ck_assert(after_take_content(&d, NULL, SPAN(TEXT), true));
	ck_assert_int_eq(draft_run(&d, DRAFT_ENDS), DRAFT_FILTER);
	ck_assert(span_equal(
	    buf_span(&d.filtered->fields), SPAN("From: a@b.test\r\n")));
	ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_NOTHING);
	ck_assert(!draft_is_refused(&d));
}
END_TEST

START_TEST(content_without_an_end_of_its_header_is_none_of_ours)
{
	static const char *const texts[] = { "", "Received: x\r\n",
		"no field\r\n\r\n", "\r\nbody" };

	begin(SPAN(""));
	ck_assert(!after_take_content(&d, NULL, span_text(texts[_i]), true));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown_all);
	tcase_add_test(tc, how_it_came_is_kept);
	tcase_add_loop_test(tc, of_many_parameters_the_first_are_kept, 0, 2);
	tcase_add_test(tc, parameters_of_recipients_are_told);
	tcase_add_test(tc, without_such_filters_nothing_is_noted);
	tcase_add_loop_test(tc, what_is_not_there_is_empty, 0, 4);
	tcase_add_test(tc, recipients_that_were_there_keep_their_places);
	tcase_add_test(tc, what_is_not_changed_is_not_stored_again);
	tcase_add_loop_test(
	    tc, content_without_an_end_of_its_header_is_none_of_ours, 0, 4);
}

SUITE_MAIN("after", fill)
