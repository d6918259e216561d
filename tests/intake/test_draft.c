/* A draft goes through its steps; whoever brings it. */
#include "tests/intake/drafts.h"

#include <stdlib.h>
#include <string.h>

#include "mail/envelope.h"
#include "smtp/address.h"

static void
setup(void)
{
	read_conf("hostname = relay.test\nlimits { header = 1kb "
		  "received = 2 recipients = 2 }");
	d = (struct draft){ .origin = DRAFT_SUBMITTED,
		.conf = conf,
		.account = SPAN("ann@b.test"),
		.helo = SPAN("client.test"),
		.client = SPAN("192.0.2.1"),
		.now = 1000,
		.random = 1 };
}

static struct address
address(const char *text)
{
	struct address a;

	ck_assert(address_parse(span_text(text), &a) == ADDRESS_OK);
	return a;
}

static void
set_envelope(const char *from, const char *to)
{
	struct address a = address(from), b = address(to);

	draft_set_sender(&d, &a);
	draft_add_rcpt(&d, &b, SPAN(""));
}

static void
open_it(void)
{
	ck_assert_int_eq(draft_run(&d, DRAFT_BEGINS), DRAFT_OPEN);
	d.id = 7;
	d.is_open = true;
	ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_NOTHING);
}

static enum draft_need
add(const char *text, bool is_all)
{
	draft_reserve(&d);
	ck_assert(buf_append_text(&d.body, text));
	return draft_look(&d, is_all);
}

static bool
has(const struct buf *b, const char *text)
{
	struct span s = buf_span(b);

	return memmem(s.ptr, s.len, text, strlen(text)) != NULL;
}

START_TEST(a_small_one_is_looked_over_and_committed)
{
	struct envelope *env;

	set_envelope("ann@b.test", "x@c.test");
	open_it();
	ck_assert_int_eq(add("Bcc: y@c.test\r\nSub", false), DRAFT_NOTHING);
	ck_assert(!d.header_done);
	ck_assert_int_eq(add("ject: z\r\n\r\nhi\r\n", true), DRAFT_NOTHING);
	ck_assert(d.header_done);
	ck_assert(has(&d.body, "Subject: z\r\n\r\nhi\r\n"));
	ck_assert(!has(&d.body, "Bcc"));
	ck_assert(has(&d.head, "Received: by "));
	ck_assert(has(&d.head, "for <x@c.test>"));
	ck_assert(has(&d.head, "Date: "));
	ck_assert(has(&d.head, "Message-ID: <"));
	ck_assert(has(&d.head, "From: <ann@b.test>\r\n"));
	ck_assert_int_eq(draft_run(&d, DRAFT_PIECE), DRAFT_NOTHING);
	ck_assert_int_eq(draft_run(&d, DRAFT_ENDS), DRAFT_COMMIT);
	env = draft_envelope(&d, draft_size(&d));
	ck_assert_uint_eq(env->id, 7);
	ck_assert_uint_eq(env->size, buf_len(&d.head) + buf_len(&d.body));
	ck_assert_int_eq(env->arrived, 1000);
	ck_assert_str_eq(env->account, "ann@b.test");
	free(env);
	ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_NOTHING);
	ck_assert(!draft_is_refused(&d));
}
END_TEST

START_TEST(a_large_one_passes_in_pieces)
{
	static char line[1001];
	size_t passed = 0;

	memset(line, 'a', sizeof line - 3);
	memcpy(line + sizeof line - 3, "\r\n", 3);
	set_envelope("ann@b.test", "x@c.test");
	open_it();
	ck_assert_int_eq(add("Subject: z\r\n\r\n", false), DRAFT_NOTHING);
	for (unsigned i = 0; i < 1000; i++) {
		ck_assert_int_eq(add(line, false), DRAFT_NOTHING);
		if (draft_run(&d, DRAFT_PIECE) == DRAFT_NOTHING)
			continue;
		ck_assert_int_eq(d.need, DRAFT_PASS);
		ck_assert_uint_gt(
		    buf_len(&d.body), passed == 0 ? 90000 : 200000);
		passed += buf_len(&d.body);
		buf_clear(&d.body);
		ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_NOTHING);
		ck_assert_uint_eq(d.passed, passed);
	}
	ck_assert_uint_gt(passed, 700000);
	/* The head stays: it goes with the envelope. */
	ck_assert_uint_gt(buf_len(&d.head), 0);
	ck_assert_uint_eq(
	    draft_size(&d), buf_len(&d.head) + passed + buf_len(&d.body));
	/* What cannot be stored is heard of at the end. */
	ck_assert_int_eq(draft_run(&d, DRAFT_ENDS), DRAFT_COMMIT);
	ck_assert_int_eq(draft_answered(&d, "451 no"), DRAFT_NOTHING);
	ck_assert_str_eq(d.refusal, "451 no");
}
END_TEST

START_TEST(the_first_refusal_counts_and_ends_the_stage)
{
	set_envelope("ann@b.test", "x@c.test");
	open_it();
	ck_assert_int_eq(
	    add("Received: a\r\nReceived: b\r\nReceived: c\r\n\r\n", false),
	    DRAFT_NOTHING);
	ck_assert(draft_is_refused(&d));
	ck_assert(span_starts(span_text(d.refusal), SPAN("554 5.4.6 ")));
	ck_assert_uint_eq(buf_len(&d.head) + buf_len(&d.body), 0);
	draft_refuse(&d, "550 later");
	ck_assert(span_starts(span_text(d.refusal), SPAN("554 5.4.6 ")));
	ck_assert_int_eq(draft_run(&d, DRAFT_PIECE), DRAFT_NOTHING);
	ck_assert_int_eq(draft_run(&d, DRAFT_ENDS), DRAFT_NOTHING);
}
END_TEST

START_TEST(an_entry_that_is_not_to_be_had)
{
	set_envelope("ann@b.test", "x@c.test");
	ck_assert_int_eq(draft_run(&d, DRAFT_BEGINS), DRAFT_OPEN);
	ck_assert_int_eq(draft_answered(&d, "452 full"), DRAFT_NOTHING);
	ck_assert_str_eq(d.refusal, "452 full");
	ck_assert(!d.is_open);
}
END_TEST

START_TEST(a_recipient_is_named_once)
{
	struct address again = address("\"x\"@C.test"),
		       other = address("X@c.test");

	set_envelope("ann@b.test", "x@c.test");
	draft_add_rcpt(&d, &again, SPAN(""));
	ck_assert_uint_eq(d.nrcpt, 1);
	draft_add_rcpt(&d, &other, SPAN(""));
	ck_assert_uint_eq(d.nrcpt, 2);
	ck_assert(span_equal(draft_rcpt(&d, 1), SPAN("X@c.test")));
	/* What was written before has rows: one for each. */
	draft_add_written(&d, SPAN("x@c.test"), SPAN(""));
	ck_assert_uint_eq(d.nrcpt, 3);
}
END_TEST

START_TEST(whom_an_account_may_not_send_as_is_refused_at_once)
{
	struct address other = address("bob@b.test");

	draft_set_sender(&d, &other);
	ck_assert_int_eq(draft_run(&d, DRAFT_SENDER), DRAFT_NOTHING);
	ck_assert_str_eq(d.refusal,
	    "553 5.7.1 Account ann@b.test may not send as <bob@b.test>");
	ck_assert_str_eq(d.why, "not its own address");
	draft_forgive(&d);
	draft_set_written_sender(&d, SPAN(""));
	ck_assert_int_eq(draft_run(&d, DRAFT_SENDER), DRAFT_RESERVE);
	ck_assert_int_eq(draft_answered(&d, "451 no room"), DRAFT_NOTHING);
	ck_assert_str_eq(d.refusal, "451 no room");
	draft_forgive(&d);
	ck_assert_int_eq(draft_run(&d, DRAFT_SENDER), DRAFT_RESERVE);
	ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_NOTHING);
	ck_assert(!draft_is_refused(&d));
}
END_TEST

START_TEST(a_recipient_that_is_not_taken_leaves_no_trace)
{
	struct address many = address("x@d.test");
	struct address utf8 = address("\xc3\xbc@c.test");

	set_envelope("ann@b.test", "x@c.test");
	ck_assert_int_eq(draft_run(&d, DRAFT_RCPT), DRAFT_RESERVE);
	ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_NOTHING);
	ck_assert(!draft_is_refused(&d));
	ck_assert(draft_add_rcpt(&d, &many, SPAN("at")));
	ck_assert(draft_add_rcpt(&d, &utf8, SPAN("")));
	ck_assert(d.needs_utf8);
	ck_assert_int_eq(draft_run(&d, DRAFT_RCPT), DRAFT_NOTHING);
	ck_assert(span_starts(span_text(d.refusal), SPAN("452 4.5.3 ")));
	draft_drop_rcpt(&d);
	draft_forgive(&d);
	ck_assert(!d.needs_utf8);
	ck_assert_uint_eq(d.nrcpt, 2);
	ck_assert(!draft_add_rcpt(&d, &many, SPAN("")));
	ck_assert_int_eq(draft_run(&d, DRAFT_RCPT), DRAFT_RESERVE);
	ck_assert_int_eq(draft_answered(&d, NULL), DRAFT_NOTHING);
	ck_assert(!draft_is_refused(&d));
	ck_assert(draft_add_rcpt(&d, &utf8, SPAN("")));
	ck_assert_uint_eq(d.nrcpt, 3);
}
END_TEST

START_TEST(what_has_a_past_stays_as_it_was)
{
	struct envelope *env;

	d.origin = DRAFT_IMPORTED;
	d.arrived = 5;
	draft_set_written_sender(&d, SPAN(""));
	draft_add_written(&d, SPAN("x@c.test"), SPAN(""));
	open_it();
	(void)buf_append_text(&d.body, "Bcc: y\r\n\r\n");
	ck_assert_int_eq(draft_run(&d, DRAFT_HEADER), DRAFT_NOTHING);
	ck_assert(has(&d.body, "Bcc: y"));
	ck_assert_uint_eq(buf_len(&d.head), 0);
	ck_assert_int_eq(draft_run(&d, DRAFT_ENDS), DRAFT_COMMIT);
	env = draft_envelope(&d, draft_size(&d));
	ck_assert_int_eq(env->arrived, 5);
	ck_assert_str_eq(env->sender, "");
	free(env);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_small_one_is_looked_over_and_committed);
	tcase_add_test(tc, a_large_one_passes_in_pieces);
	tcase_add_test(tc, the_first_refusal_counts_and_ends_the_stage);
	tcase_add_test(tc, an_entry_that_is_not_to_be_had);
	tcase_add_test(tc, a_recipient_is_named_once);
	tcase_add_test(tc, whom_an_account_may_not_send_as_is_refused_at_once);
	tcase_add_test(tc, a_recipient_that_is_not_taken_leaves_no_trace);
	tcase_add_test(tc, what_has_a_past_stays_as_it_was);
}

SUITE_MAIN("draft", fill)
