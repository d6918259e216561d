#include "tests/lib/suite.h"

#include <string.h>

#include "smtp/proxy.h"

#define LINE(text)                                                             \
	{                                                                      \
		text, sizeof(text) - 1                                         \
	}
#define V2 "\r\n\r\n\0\r\nQUIT\n"

static const struct {
	struct span in;
	enum proxy_status status;
	const char *client;
} headers[] = {
	{ LINE("PROXY TCP4 192.0.2.7 198.51.100.1 56324 465\r\n"), PROXY_CLIENT,
	    "192.0.2.7" },
	{ LINE("PROXY TCP6 2001:DB8:0::7 2001:db8::1 1 465\r\n"), PROXY_CLIENT,
	    "2001:db8::7" },
	{ LINE("PROXY TCP4 192.0.2.7 198.51.100.1 56324 465\r\nEHLO x\r\n"),
	    PROXY_CLIENT, "192.0.2.7" },
	/* A client of IPv4 at a balancer's socket for both. */
	{ LINE("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 1 465\r\n"),
	    PROXY_CLIENT, "192.0.2.7" },
	{ LINE("PROXY TCP4 192.0.2.7 198.51.100.1 0 65535\r\n"), PROXY_CLIENT,
	    "192.0.2.7" },
	{ LINE("PROXY TCP4 192.0.2.7 198.51.100.1 01 465\r\n"), PROXY_BAD,
	    NULL },
	{ LINE("PROXY TCP4 192.0.2.7 198.51.100.1 1 0465\r\n"), PROXY_BAD,
	    NULL },
	{ LINE("PROXY UNKNOWN\r\n"), PROXY_LOCAL, NULL },
	{ LINE("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), PROXY_LOCAL, NULL },
	{ LINE("PROXY TCP4 192.0.2.7 198.51.100.1 56324 465"), PROXY_MORE,
	    NULL },
	{ LINE("PROXY TCP4 192.0.2.7 198.51.100.1 56324 465\n"), PROXY_BAD,
	    NULL },
	{ LINE("PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n"), PROXY_BAD,
	    NULL },
	{ LINE("PROXY TCP4 192.0.2.7 198.51.100.1 70000 465\r\n"), PROXY_BAD,
	    NULL },
	{ LINE("PROXY TCP4 192.0.2.7 198.51.100.1 1 465 6\r\n"), PROXY_BAD,
	    NULL },
	{ LINE("PROXY TCP4 ::1 198.51.100.1 1 465\r\n"), PROXY_BAD, NULL },
	{ LINE("PROXY TCP6 192.0.2.7 198.51.100.1 1 465\r\n"), PROXY_BAD,
	    NULL },
	{ LINE("PROXY TCP4 192.0.2.7x 198.51.100.1 1 465\r\n"), PROXY_BAD,
	    NULL },
	{ LINE("PROXY TCP5 192.0.2.7 198.51.100.1 1 465\r\n"), PROXY_BAD,
	    NULL },
	{ LINE("PROXY TCP4\r\n...."), PROXY_BAD, NULL },
	{ LINE("EHLO client.test\r\n"), PROXY_BAD, NULL },
	{ LINE("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03...."), PROXY_BAD,
	    NULL },
	{ LINE("proxy TCP4 192.0.2.7 198.51.100.1 1 465\r\n"), PROXY_BAD,
	    NULL },
	{ LINE(V2 "\x21\x11\0\x0c\xc0\0\2\7\xc6\x33\x64\1\xdc\4\1\xd1"),
	    PROXY_CLIENT, "192.0.2.7" },
	{ LINE(V2 "\x21\x11\0\x0f\xc0\0\2\7\xc6\x33\x64\1\xdc\4\1\xd1\4\0\0"
		  "EHLO"),
	    PROXY_CLIENT, "192.0.2.7" },
	{ LINE(V2 "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7"
		  "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\1\1\xd1"),
	    PROXY_CLIENT, "2001:db8::7" },
	{ LINE(V2 "\x21\x21\0\x24\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\7"
		  "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x33\x64\1\0\1\1\xd1"),
	    PROXY_CLIENT, "192.0.2.7" },
	{ LINE(V2 "\x20\x00\0\0"), PROXY_LOCAL, NULL },
	{ LINE(V2 "\x20\x11\0\x0c\xc0\0\2\7\xc6\x33\x64\1\xdc\4\1\xd1"),
	    PROXY_LOCAL, NULL },
	{ LINE(V2 "\x21\x00\0\0"), PROXY_LOCAL, NULL },
	{ LINE(V2 "\x21\x11\0\x0c\xc0\0\2\7"), PROXY_MORE, NULL },
	{ LINE(V2 "\x21\x11\0\x0b\xc0\0\2\7\xc6\x33\x64\1\xdc\4\1"), PROXY_BAD,
	    NULL },
	{ LINE(V2 "\x11\x11\0\x0c\xc0\0\2\7\xc6\x33\x64\1\xdc\4\1\xd1"),
	    PROXY_BAD, NULL },
	{ LINE(V2 "\x22\x11\0\x0c\xc0\0\2\7\xc6\x33\x64\1\xdc\4\1\xd1"),
	    PROXY_BAD, NULL },
	{ LINE(V2 "\x21\x11\xff\xff"), PROXY_BAD, NULL },
};

START_TEST(who_the_client_is)
{
	struct span in = headers[_i].in;
	struct proxy p;

	ck_assert_int_eq(proxy_parse(in, &p), headers[_i].status);
	if (headers[_i].client != NULL)
		ck_assert_str_eq(p.client, headers[_i].client);
	if (headers[_i].status == PROXY_MORE)
		ck_assert_uint_gt(p.length, in.len);
	if (headers[_i].status != PROXY_CLIENT)
		return;
	/* Cut anywhere it is not whole, and asks for no more than it has. */
	for (size_t n = 0; n < p.length; n++) {
		struct proxy cut;

		ck_assert_int_eq(proxy_parse(span_to(in, n), &cut), PROXY_MORE);
		ck_assert_uint_gt(cut.length, n);
		ck_assert_uint_le(cut.length, p.length);
	}
}
END_TEST

START_TEST(a_line_has_an_end)
{
	char line[200];
	struct proxy p;

	memset(line, ' ', sizeof line);
	memcpy(line, "PROXY UNKNOWN", 13);
	ck_assert_int_eq(
	    proxy_parse(span_make(line, PROXY_V1_MOST - 1), &p), PROXY_MORE);
	ck_assert_int_eq(
	    proxy_parse(span_make(line, PROXY_V1_MOST), &p), PROXY_BAD);
	memcpy(line + PROXY_V1_MOST - 2, "\r\n", 2);
	ck_assert_int_eq(
	    proxy_parse(span_make(line, sizeof line), &p), PROXY_LOCAL);
	ck_assert_uint_eq(p.length, PROXY_V1_MOST);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(
	    tc, who_the_client_is, 0, (int)(sizeof headers / sizeof *headers));
	tcase_add_test(tc, a_line_has_an_end);
}

SUITE_MAIN("proxy", fill)
