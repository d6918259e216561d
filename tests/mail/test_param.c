#include "tests/lib/suite.h"

#include <stdlib.h>

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
	extensions_offer(1234, &out);
	ck_assert(span_starts(
	    buf_span(&out), SPAN("250-SIZE 1234\r\n250-8BITMIME\r\n")));
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

	params_write_mail(env, written[_i].offered, &out);
	ck_assert(span_equal(buf_span(&out), span_text(written[_i].mail)));
	buf_reset(&out);
	params_write_rcpt(env, 0, written[_i].offered, &out);
	ck_assert_uint_eq(buf_len(&out), 0);
	free(env);
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
	    tc, a_host_gets_what_it_offers, 0, ARRAY_LEN(written));
}

SUITE_MAIN("param", fill)
