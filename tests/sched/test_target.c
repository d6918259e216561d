#include "tests/lib/suite.h"

#include <arpa/inet.h>
#include <string.h>

#include "sched/target.h"

static void
address(const char *text, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof *out);
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1)
		out->ss_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1)
		out->ss_family = AF_INET6;
	else
		ck_abort_msg("%s", text);
}

static const struct {
	const char *text;
	bool special;
} cases[] = {
	{ "192.0.2.1", false },
	{ "10.0.0.1", false },
	{ "126.255.255.255", false },
	{ "127.0.0.1", true },
	{ "127.255.255.255", true },
	{ "128.0.0.1", false },
	{ "0.0.0.0", true },
	{ "0.1.2.3", true },
	{ "169.254.0.1", true },
	{ "169.253.0.1", false },
	{ "224.0.0.1", true },
	{ "223.255.255.255", false },
	{ "239.255.255.255", true },
	{ "255.255.255.255", true },
	{ "2001:db8::1", false },
	{ "fd00::1", false },
	{ "::", true },
	{ "::1", true },
	{ "fe80::1", true },
	{ "ff02::1", true },
	{ "::ffff:127.0.0.1", true },
	{ "::ffff:192.0.2.1", false },
	{ "::ffff:0.0.0.0", true },
	{ "::ffff:169.254.1.1", true },
	{ "::127.0.0.1", true },
	{ "::192.0.2.1", false },
	{ "64:ff9b::7f00:1", true },
	{ "64:ff9b::c000:201", false },
	{ "64:ff9b::a9fe:a9fe", true },
	{ "64:ff9b::1:0:7f00:1", false },
	{ "64:ff9b:1::7f00:1", true },
	{ "64:ff9b:1:fffe::7f00:1", true },
	{ "64:ff9b:1::c000:201", false },
	{ "64:ff9b:1:7f00:0:100::", true },
	{ "64:ff9b:1:c000:2:100::", false },
	{ "64:ff9b:2::7f00:1", false },
	{ "::ffff:0:7f00:1", true },
	{ "::ffff:0:c000:201", false },
	{ "2002:7f00:1::", true },
	{ "2002:a9fe:a9fe::1", true },
	{ "2002:c000:201::1", false },
};

START_TEST(some_addresses_are_never_delivered_to)
{
	struct sockaddr_storage a;
	char text[TARGET_ADDRESS_TEXT];

	address(cases[_i].text, &a);
	ck_assert_msg(target_address_is_special((struct sockaddr *)&a) ==
			  cases[_i].special,
	    "%s", cases[_i].text);
	target_address_text((struct sockaddr *)&a, text);
	ck_assert_str_eq(text, cases[_i].text);
}
END_TEST

/* What the operator may write: all that is a host's, loopback too. */
START_TEST(some_addresses_are_no_hosts)
{
	static const struct {
		const char *text;
		bool nowhere;
	} all[] = {
		{ "127.0.0.1", false },
		{ "::1", false },
		{ "::ffff:127.0.0.1", false },
		{ "169.254.0.1", false },
		{ "fe80::1", false },
		{ "192.0.2.1", false },
		{ "2001:db8::1", false },
		{ "0.0.0.0", true },
		{ "0.1.2.3", true },
		{ "::", true },
		{ "::ffff:0.0.0.0", true },
		{ "224.0.0.1", true },
		{ "255.255.255.255", true },
		{ "ff02::1", true },
	};
	struct sockaddr_storage a;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		address(all[i].text, &a);
		ck_assert_msg(target_address_is_nowhere(
				  (struct sockaddr *)&a) == all[i].nowhere,
		    "%s", all[i].text);
	}
}
END_TEST

START_TEST(a_certificate_is_for_a_name_or_for_the_address_of_a_literal)
{
	static const char *const all[][2] = {
		{ "mx.test", "mx.test" },
		{ "192.0.2.1", "192.0.2.1" },
		{ "[192.0.2.1]", "192.0.2.1" },
		{ "[ipv6:2001:db8::1]", "2001:db8::1" },
		{ "2001:db8::1", "2001:db8::1" },
	};
	char name[64];

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		target_certificate_name(all[i][0], name, sizeof name);
		ck_assert_str_eq(name, all[i][1]);
	}
}
END_TEST

START_TEST(addresses_belong_to_the_host_before_them)
{
	struct target *t = target_new();
	struct sockaddr_storage a;

	target_add_host(t, SPAN("mx1.test"), 0);
	address("192.0.2.1", &a);
	target_add_address(t, (struct sockaddr *)&a, 25);
	address("2001:db8::1", &a);
	target_add_address(t, (struct sockaddr *)&a, 2525);
	target_add_host(t, SPAN("mx2.test"), 3);
	address("192.0.2.2", &a);
	target_add_address(t, (struct sockaddr *)&a, 25);
	ck_assert_uint_eq(t->naddresses, 3);
	ck_assert_str_eq(t->addresses[0].host, "mx1.test");
	ck_assert_str_eq(t->addresses[1].host, "mx1.test");
	ck_assert_str_eq(t->addresses[2].host, "mx2.test");
	ck_assert_uint_eq(ntohs(t->addresses[0].to.in.sin_port), 25);
	ck_assert_uint_eq(ntohs(t->addresses[1].to.in6.sin6_port), 2525);
	ck_assert_ptr_eq(target_ref(t), t);
	target_unref(t);
	ck_assert_uint_eq(t->nhosts, 2);
	ck_assert_uint_eq(t->hosts[0].first, 0);
	ck_assert_uint_eq(t->hosts[0].naddresses, 2);
	ck_assert_uint_eq(t->hosts[0].group, 0);
	ck_assert_uint_eq(t->hosts[1].first, 2);
	ck_assert_uint_eq(t->hosts[1].naddresses, 1);
	ck_assert_uint_eq(t->hosts[1].group, 3);
	target_unref(t);
	target_unref(NULL);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, some_addresses_are_never_delivered_to, 0,
	    (int)ARRAY_LEN(cases));
	tcase_add_test(tc, some_addresses_are_no_hosts);
	tcase_add_test(
	    tc, a_certificate_is_for_a_name_or_for_the_address_of_a_literal);
	tcase_add_test(tc, addresses_belong_to_the_host_before_them);
}

SUITE_MAIN("target", fill)
