#include "tests/lib/suite.h"

#include <arpa/inet.h>

#include "base/peer.h"
#include "base/span.h"

static const struct {
	const char *name, *a, *b;
	bool same_host, same_network;
} pairs[] = {
	{ "an_address_is_itself", "192.0.2.1", "192.0.2.1", true, true },
	{ "neighbours_share_a_network", "192.0.2.1", "192.0.2.200", false,
	    true },
	{ "beyond_24_bits_nothing_is_shared", "192.0.2.1", "192.0.3.1", false,
	    false },
	{ "mapped_is_the_same_address", "::ffff:192.0.2.1", "192.0.2.1", true,
	    true },
	{ "a_64_is_one_host", "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true,
	    true },
	{ "a_48_is_one_network", "2001:db8:1:2::1", "2001:db8:1:3::1", false,
	    true },
	{ "beyond_48_bits_nothing_is_shared", "2001:db8:1::1", "2001:db8:2::1",
	    false, false },
	{ "loopback_of_both_kinds_differs", "127.0.0.1", "::1", false, false },
	{ "four_and_six_differ", "0.0.0.1", "::1", false, false },
};

START_TEST(hosts_and_networks_are_told_apart)
{
	struct peer a = peer_of(pairs[_i].a), b = peer_of(pairs[_i].b);

	ck_assert_msg((a.host == b.host) == pairs[_i].same_host &&
			  (a.network == b.network) == pairs[_i].same_network,
	    "%s", pairs[_i].name);
	ck_assert_msg(a.host != 0 && a.network != 0 && a.host != a.network,
	    "%s", pairs[_i].name);
}
END_TEST

static const struct {
	const char *in, *want;
} written[] = {
	{ "192.0.2.1", "192.0.2.1" }, { "::ffff:192.0.2.1", "192.0.2.1" },
	{ "2001:DB8:0::1", "2001:db8::1" }, { "::1", "::1" },
	{ "", "" }, /* of another family */
};

START_TEST(an_address_is_written_in_one_way)
{
	struct sockaddr_storage at = { 0 };
	struct sockaddr_in *v4 = (void *)&at;
	struct sockaddr_in6 *v6 = (void *)&at;
	char out[INET6_ADDRSTRLEN];

	at.ss_family = AF_UNIX;
	if (inet_pton(AF_INET, written[_i].in, &v4->sin_addr) == 1)
		at.ss_family = AF_INET;
	else if (inet_pton(AF_INET6, written[_i].in, &v6->sin6_addr) == 1)
		at.ss_family = AF_INET6;
	peer_text(&at, out);
	ck_assert_str_eq(out, written[_i].want);
}
END_TEST

START_TEST(what_is_no_address_is_none)
{
	static const char *const texts[] = { "", "x", "192.0.2", "192.0.2.1:25",
		"1.2.3.4.5", "2001:db8::g", "[::1]" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct peer p = peer_of(texts[i]);

		ck_assert_uint_eq(p.host, 0);
		ck_assert_uint_eq(p.network, 0);
	}
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(
	    tc, an_address_is_written_in_one_way, 0, ARRAY_LEN(written));
	tcase_add_loop_test(
	    tc, hosts_and_networks_are_told_apart, 0, ARRAY_LEN(pairs));
	tcase_add_test(tc, what_is_no_address_is_none);
}

SUITE_MAIN("peer", fill)
