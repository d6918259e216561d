#include "tests/lib/suite.h"

#include <stdlib.h>
#include <string.h>

#include "mail/envelope.h"
#include "mail/param.h"

static struct buf out;

static void
setup(void)
{
	out = (struct buf){ .max = 1 << 16 };
}

static void
teardown(void)
{
	buf_clear(&out);
}

START_TEST(an_extension_has_a_name)
{
	ck_assert_uint_eq(extension_of(SPAN("size")), EXTENSION_SIZE);
	ck_assert_uint_eq(extension_of(SPAN("8BitMime")), EXTENSION_8BITMIME);
	ck_assert_uint_eq(extension_of(SPAN("8BITMIM")), 0);
	ck_assert_uint_eq(extension_of(SPAN("")), 0);
}
END_TEST

START_TEST(clients_are_offered_each)
{
	struct extensions_offer offer = { 1234, 1000, true };

	extensions_write(&offer, &out);
	ck_assert(span_equal(buf_span(&out),
	    SPAN("250-SIZE 1234\r\n250-8BITMIME\r\n250-BINARYMIME\r\n"
		 "250-DSN\r\n"
		 "250-SMTPUTF8\r\n250-DELIVERBY\r\n"
		 "250-FUTURERELEASE 2592000 1970-01-31T00:00:01Z\r\n"
		 "250-MT-PRIORITY\r\n250-REQUIRETLS\r\n")));
	buf_reset(&out);
	offer.has_tls = false;
	extensions_write(&offer, &out);
	ck_assert(memmem(out.data, buf_len(&out), "REQUIRETLS", 10) == NULL);
}
END_TEST

static bool
take(struct params *p, enum param_place place, const char *keyword,
    const char *value)
{
	return params_read(p, place, span_text(keyword), span_text(value));
}

START_TEST(a_parameter_is_of_one_command)
{
	struct params p = { .max_message = 10 };

	ck_assert(!take(&p, PARAM_OF_RCPT, "SIZE", "1"));
	ck_assert_str_eq(p.wrong, "555 5.5.4 Parameter not recognized");
	ck_assert(take(&p, PARAM_OF_MAIL, "SIZE", "10"));
	ck_assert(!take(&p, PARAM_OF_MAIL, "size", "10"));
	ck_assert_str_eq(p.wrong, "501 5.5.4 SIZE stands there twice");
	params_clear(&p);
	ck_assert_uint_eq(p.max_message, 10);
	ck_assert(!take(&p, PARAM_OF_MAIL, "SIZE", "11"));
	ck_assert_str_eq(
	    p.wrong, "552 5.3.4 Message too big; at most 10 bytes are taken");
	ck_assert(take(&p, PARAM_OF_MAIL, "BODY", "7bit"));
	ck_assert_uint_eq(p.flags, 0);
	params_clear(&p);
	ck_assert(take(&p, PARAM_OF_MAIL, "BODY", "8bitmime"));
	ck_assert_uint_eq(p.flags, ENVELOPE_8BIT);
	params_clear(&p);
}
END_TEST

static const struct {
	uint32_t flags, offered;
	const char *mail;
} written[] = {
	{ 0, 0, "" },
	{ ENVELOPE_8BIT, 0, "" },
	{ 0, EXTENSION_SIZE | EXTENSION_8BITMIME, " SIZE=99" },
	{ ENVELOPE_8BIT, EXTENSION_8BITMIME, " BODY=8BITMIME" },
	{ ENVELOPE_8BIT, EXTENSION_SIZE, " SIZE=99" },
	{ ENVELOPE_8BIT, EXTENSION_SIZE | EXTENSION_8BITMIME,
	    " SIZE=99 BODY=8BITMIME" },
	{ ENVELOPE_BINARY, EXTENSION_8BITMIME, "" },
	{ ENVELOPE_BINARY, EXTENSION_BINARYMIME, " BODY=BINARYMIME" },
	{ ENVELOPE_BINARY | ENVELOPE_8BIT,
	    EXTENSION_BINARYMIME | EXTENSION_8BITMIME, " BODY=BINARYMIME" },
	{ ENVELOPE_BINARY | ENVELOPE_8BIT, EXTENSION_8BITMIME,
	    " BODY=8BITMIME" },
	{ ENVELOPE_8BIT, EXTENSION_BINARYMIME, "" },
};

START_TEST(a_host_gets_what_it_offers)
{
	struct span rcpt = SPAN("x@c.test");
	struct envelope *env = envelope_new(&(struct envelope_parts){
	    .size = 99,
	    .flags = written[_i].flags,
	    .sender = SPAN("a@b.test"),
	    .rcpt = &rcpt,
	    .nrcpt = 1,
	});

	params_write_mail(env,
	    &(struct param_sending){
		.extensions = written[_i].offered, .size = 99 },
	    &out);
	ck_assert(span_equal(buf_span(&out), span_text(written[_i].mail)));
	buf_reset(&out);
	params_write_rcpt(env, 0, written[_i].offered, &out);
	ck_assert_uint_eq(buf_len(&out), 0);
	free(env);
}
END_TEST

static const struct {
	enum param_place place;
	const char *keyword, *value;
	bool ok;
} dsn[] = {
	{ PARAM_OF_MAIL, "RET", "full", true },
	{ PARAM_OF_MAIL, "RET", "", false },
	{ PARAM_OF_MAIL, "ENVID", "x+20y", true },
	{ PARAM_OF_MAIL, "ENVID", "+", false },
	{ PARAM_OF_RCPT, "NOTIFY", "never", true },
	{ PARAM_OF_RCPT, "NOTIFY", "Success,failure,DELAY", true },
	{ PARAM_OF_RCPT, "NOTIFY", "DELAY,NEVER", false },
	{ PARAM_OF_RCPT, "NOTIFY", ",DELAY", false },
	{ PARAM_OF_RCPT, "NOTIFY", "DELAY,", false },
	{ PARAM_OF_RCPT, "NOTIFY", "DELAYED", false },
	{ PARAM_OF_RCPT, "NOTIFY", "DELAY,delay", false },
	{ PARAM_OF_RCPT, "NOTIFY", "", false },
	{ PARAM_OF_RCPT, "ORCPT", "rfc822;a@b", true },
	{ PARAM_OF_RCPT, "ORCPT", "utf-8;a", true },
	{ PARAM_OF_RCPT, "ORCPT", "rfc822;", false },
	{ PARAM_OF_RCPT, "ORCPT", ";a", false },
	{ PARAM_OF_RCPT, "ORCPT", "a@b", false },
	{ PARAM_OF_RCPT, "ORCPT", "rfc_822;a", false },
	{ PARAM_OF_RCPT, "ORCPT", "rfc822;a+", false },
};

START_TEST(wishes_for_reports_are_well_formed)
{
	struct params p = { 0 };
	struct param_text text;
	struct span attrs;

	ck_assert_int_eq(
	    take(&p, dsn[_i].place, dsn[_i].keyword, dsn[_i].value),
	    dsn[_i].ok);
	attrs = buf_span(&p.attrs);
	ck_assert_int_eq(params_next(&attrs, &text), dsn[_i].ok);
	if (dsn[_i].ok) {
		ck_assert_str_eq(text.keyword, dsn[_i].keyword);
		ck_assert(span_equal(text.value, span_text(dsn[_i].value)));
	}
	params_clear(&p);
}
END_TEST

/* RFC 6533 3: letters as they are, beside letters that are written in ASCII. */
static const struct {
	const char *said, *kept;
} letters[] = {
	{ "utf-8;\xe5\xad\x99@c", "utf-8;\\x{5B59}@c" },
	{ "UTF-8;\xe5\xad\x99\\x{2B}x@c", "utf-8;\\x{5B59}\\x{2B}x@c" },
	{ "utf-8;\xe5\xad\x99\\x{1F4a9}@c", "utf-8;\\x{5B59}\\x{1F4a9}@c" },
	/* These are none of that, and stand for themselves. */
	{ "utf-8;\xe5\xad\x99\\x{}@c", "utf-8;\\x{5B59}\\x{5C}x{}@c" },
	{ "utf-8;\xe5\xad\x99\\x{2B@c", "utf-8;\\x{5B59}\\x{5C}x{2B@c" },
	{ "utf-8;\xe5\xad\x99\\x{1234567}",
	    "utf-8;\\x{5B59}\\x{5C}x{1234567}" },
	{ "rfc822;\xe5\xad\x99\\x{2B}", "utf-8;\\x{5B59}\\x{5C}x{2B}" },
	{ "rfc822;+E5+AD+99@c", "utf-8;\\x{5B59}@c" },
};

START_TEST(letters_of_a_recipient_are_kept_in_ascii)
{
	struct params p = { .flags = ENVELOPE_UTF8 };
	struct param_text text;
	struct span attrs;

	ck_assert(take(&p, PARAM_OF_RCPT, "ORCPT", letters[_i].said));
	attrs = buf_span(&p.attrs);
	ck_assert(params_next(&attrs, &text));
	ck_assert_msg(span_equal(text.value, span_text(letters[_i].kept)),
	    "%.*s", SPAN_ARG(text.value));
	params_clear(&p);
}
END_TEST

START_TEST(xtext_has_an_end)
{
	char text[502] = "rfc822;";
	struct params p = { 0 };

	memset(text + 7, 'x', 493);
	ck_assert(take(&p, PARAM_OF_RCPT, "ORCPT", text));
	ck_assert(take(&p, PARAM_OF_RCPT, "NOTIFY", "SUCCESS,FAILURE,DELAY"));
	ck_assert_uint_le(buf_len(&p.attrs), PARAMS_RCPT_MAX);
	text[500] = 'x';
	params_clear(&p);
	ck_assert(!take(&p, PARAM_OF_RCPT, "ORCPT", text));
	text[100 + 7] = '\0';
	ck_assert(take(&p, PARAM_OF_MAIL, "ENVID", text + 7));
	params_clear(&p);
	text[6] = 'x';
	ck_assert(!take(&p, PARAM_OF_MAIL, "ENVID", text + 6));
	params_clear(&p);
}
END_TEST

static uint32_t
wants(const char *notify)
{
	struct params p = { 0 };
	uint32_t bits = 0;

	if (notify != NULL)
		ck_assert(take(&p, PARAM_OF_RCPT, "NOTIFY", notify));
	for (uint32_t bit = NOTIFY_SUCCESS; bit <= NOTIFY_DELAY; bit <<= 1)
		if (params_wants(buf_span(&p.attrs), (enum notify)bit))
			bits |= bit;
	params_clear(&p);
	return bits;
}

START_TEST(who_has_not_said_wants_failures_and_delays)
{
	ck_assert_uint_eq(wants(NULL), NOTIFY_FAILURE | NOTIFY_DELAY);
	ck_assert_uint_eq(wants("NEVER"), 0);
	ck_assert_uint_eq(wants("SUCCESS"), NOTIFY_SUCCESS);
	ck_assert_uint_eq(
	    wants("FAILURE,SUCCESS"), NOTIFY_FAILURE | NOTIFY_SUCCESS);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_extension_has_a_name);
	tcase_add_test(tc, clients_are_offered_each);
	tcase_add_test(tc, a_parameter_is_of_one_command);
	tcase_add_loop_test(
	    tc, wishes_for_reports_are_well_formed, 0, (int)ARRAY_LEN(dsn));
	tcase_add_loop_test(tc, letters_of_a_recipient_are_kept_in_ascii, 0,
	    ARRAY_LEN(letters));
	tcase_add_test(tc, xtext_has_an_end);
	tcase_add_test(tc, who_has_not_said_wants_failures_and_delays);
	tcase_add_loop_test(
	    tc, a_host_gets_what_it_offers, 0, ARRAY_LEN(written));
}

SUITE_MAIN("param", fill)
