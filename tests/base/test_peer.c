#include "tests/lib/suite.h"

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
	    tc, hosts_and_networks_are_told_apart, 0, ARRAY_LEN(pairs));
	tcase_add_test(tc, what_is_no_address_is_none);
}

SUITE_MAIN("peer", fill)
