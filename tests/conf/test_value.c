#include "tests/lib/suite.h"

#include <stdio.h>
#include <string.h>

#include "conf/conf.h"

static const struct {
	const char *text;
	bool ok;
	uint32_t want;
} durations[] = {
	{ "90", true, 90 },
	{ "0", true, 0 },
	{ "30s", true, 30 },
	{ "1min", true, 60 },
	{ "2h", true, 7200 },
	{ "5d", true, 432000 },
	{ "5D", true, 432000 },
	{ "4294967295s", true, UINT32_MAX },
	{ "49710d", true, 4294944000U },
	{ "49711d", false, 0 },
	{ "4294967296", false, 0 },
	{ "99999999999999999999d", false, 0 },
	{ "", false, 0 },
	{ "s", false, 0 },
	{ "5 min", false, 0 },
	{ "5m", false, 0 },
	{ "-5s", false, 0 },
	{ "1.5h", false, 0 },
	{ "5mins", false, 0 },
};

START_TEST(durations_are_seconds)
{
	uint32_t got = 1;
	bool ok = conf_parse_duration(span_text(durations[_i].text), &got);

	ck_assert_msg(ok == durations[_i].ok, "%s", durations[_i].text);
	if (ok)
		ck_assert_uint_eq(got, durations[_i].want);
}
END_TEST

static const struct {
	const char *text;
	bool ok;
	uint64_t want;
} sizes[] = {
	{ "1000", true, 1000 },
	{ "64kb", true, 65536 },
	{ "50mb", true, 52428800 },
	{ "50MB", true, 52428800 },
	{ "1gb", true, 1073741824 },
	{ "17179869183gb", true, 18446744072635809792ULL },
	{ "17179869184gb", false, 0 },
	{ "18446744073709551615", true, UINT64_MAX },
	{ "18446744073709551616", false, 0 },
	{ "1tb", false, 0 },
	{ "mb", false, 0 },
	{ "", false, 0 },
	{ "5%", false, 0 },
};

START_TEST(sizes_are_bytes)
{
	uint64_t got = 1;
	bool ok = conf_parse_size(span_text(sizes[_i].text), &got);

	ck_assert_msg(ok == sizes[_i].ok, "%s", sizes[_i].text);
	if (ok)
		ck_assert_uint_eq(got, sizes[_i].want);
}
END_TEST

static const struct {
	const char *text, *host; /* NULL: refused */
	uint16_t port;
} addresses[] = {
	{ "192.0.2.1:25", "192.0.2.1", 25 },
	{ "[2001:db8::1]:25", "2001:db8::1", 25 },
	{ "[::]:587", "::", 587 },
	{ ":465", "", 465 },
	{ "*:465", "", 465 },
	{ "127.0.0.1:0", "127.0.0.1", 0 },
	{ "127.0.0.1:65535", "127.0.0.1", 65535 },
	{ "127.0.0.1:65536", NULL, 0 },
	{ "127.0.0.1:", NULL, 0 },
	{ "127.0.0.1", NULL, 0 },
	{ "465", NULL, 0 },
	{ "", NULL, 0 },
	{ "2001:db8::1:25", NULL, 0 },
	{ "[2001:db8::1]", NULL, 0 },
	{ "[192.0.2.1]:25", NULL, 0 },
	{ "[]:25", NULL, 0 },
	{ "[*]:25", NULL, 0 },
	{ "localhost:25", NULL, 0 },
	{ "192.0.2.256:25", NULL, 0 },
	{ "192.0.2.1:+25", NULL, 0 },
	{ "[fe80:0000:0000:0000:0000:0000:0000:0000:0000:0001]:25", NULL, 0 },
};

START_TEST(addresses_are_numeric)
{
	char host[64] = "x";
	uint16_t port = 1;
	bool ok = conf_parse_address(
	    span_text(addresses[_i].text), host, sizeof host, &port);

	ck_assert_msg(
	    ok == (addresses[_i].host != NULL), "%s", addresses[_i].text);
	if (ok) {
		ck_assert_str_eq(host, addresses[_i].host);
		ck_assert_uint_eq(port, addresses[_i].port);
	}
}
END_TEST

START_TEST(an_address_that_does_not_fit_is_refused)
{
	char host[9];
	uint16_t port;

	ck_assert(!conf_parse_address(
	    SPAN("192.0.2.1:25"), host, sizeof host, &port));
	ck_assert(
	    conf_parse_address(SPAN("10.0.0.1:25"), host, sizeof host, &port));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, durations_are_seconds, 0, ARRAY_LEN(durations));
	tcase_add_loop_test(tc, sizes_are_bytes, 0, ARRAY_LEN(sizes));
	tcase_add_loop_test(tc, addresses_are_numeric, 0, ARRAY_LEN(addresses));
	tcase_add_test(tc, an_address_that_does_not_fit_is_refused);
}

SUITE_MAIN("value", fill)
