#include "base/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/mem.h"
#include "tests/lib/suite.h"

static const struct {
	const char *network, *address;
	bool contains;
} cases[] = {
	{ "192.0.2.0/24", "192.0.2.255", true },
	{ "192.0.2.0/24", "192.0.3.0", false },
	{ "192.0.2.7/24", "192.0.2.1", true },
	{ "192.0.2.128/25", "192.0.2.127", false },
	{ "192.0.2.128/25", "192.0.2.129", true },
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "192.0.2.1/32", "192.0.2.0", false },
	{ "0.0.0.0/0", "203.0.113.9", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "10.0.0.0/8", "::ffff:10.1.2.3", true },
	{ "2001:db8::/32", "2001:db8:ffff::1", true },
	{ "2001:db8::/32", "2001:db9::", false },
	{ "2001:db8::/33", "2001:db8:8000::", false },
	{ "2001:db8::1", "2001:db8::1", true },
	{ "::/0", "192.0.2.1", true },
};

START_TEST(a_network_contains_its_addresses)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	const char *text = cases[_i].address;
	const struct sockaddr *sa = (struct sockaddr *)&in;
	struct network n;

	if (inet_pton(AF_INET, text, &in.sin_addr) != 1) {
		ck_assert_int_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
		sa = (struct sockaddr *)&in6;
	}
	ck_assert(network_parse(span_text(cases[_i].network), &n));
	ck_assert_msg(network_contains(&n, sa) == cases[_i].contains, "%s %s",
	    cases[_i].network, text);
}
END_TEST

static const struct {
	const char *network;
	bool is_wide;
} wide[] = {
	{ "0.0.0.0/0", true },
	{ "128.0.0.0/1", true },
	{ "192.0.0.0/7", true },
	{ "192.0.0.0/8", false },
	{ "192.0.2.0/24", false },
	{ "::/0", true },
	{ "2000::/3", true },
	{ "2001::/15", true },
	{ "2001::/16", false },
	{ "fc00::/7", false },
	{ "10.0.0.0/7", true },
	{ "10.0.0.0/8", false },
};

START_TEST(what_nobody_has_is_wide)
{
	struct network n;

	ck_assert(network_parse(span_text(wide[_i].network), &n));
	ck_assert_msg(
	    network_is_wide(&n) == wide[_i].is_wide, "%s", wide[_i].network);
}
END_TEST

static const char *const bad[] = { "", "/", "/8", "192.0.2.0/33", "2001::/129",
	"192.0.2.0/", "192.0.2.0/x", "192.0.2.0/-1", "192.0.2/24", "host",
	"2001:db8::/32/1", "192.0.2.0 /24",
	"2001:db8:0000:0000:0000:0000:0000:0000:0000:0000:0001/8" };

START_TEST(what_is_no_network_is_refused)
{
	struct network n;

	ck_assert_msg(!network_parse(span_text(bad[_i]), &n), "%s", bad[_i]);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(
	    tc, a_network_contains_its_addresses, 0, (int)ARRAY_LEN(cases));
	tcase_add_loop_test(tc, what_nobody_has_is_wide, 0, ARRAY_LEN(wide));
	tcase_add_loop_test(
	    tc, what_is_no_network_is_refused, 0, (int)ARRAY_LEN(bad));
}

SUITE_MAIN("network", fill)
