#include "tests/lib/suite.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "sign/fields.h"
#include "sign/key.h"
#include "sign/signature.h"
#include "smtp/base64.h"
#include "src/sign/relaxed.h"

static struct err err;

static struct key *
example_key(void)
{
	static const char text[] =
	    "Postern DKIM key\ndomain: football.example.com\n"
	    "selector: brisbane\nstate: active\nmade: 1\nsince: 2\n"
	    "-----BEGIN PRIVATE KEY-----\n"
	    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
	    "-----END PRIVATE KEY-----\n";
	struct key *k = key_parse(span_text(text), &err);

	ck_assert_ptr_nonnull(k);
	return k;
}

/* RFC 8463 A.3: the canonical form and Ed25519 give the signature there. */
START_TEST(the_example_is_signed_as_it_is)
{
	static const char *const fields[] = {
		"From: Joe SixPack <joe@football.example.com>\r\n",
		"To: Suzie Q <suzie@shopping.example.net>\r\n",
		"Subject: Is dinner ready?\r\n",
		"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n",
		"Message-ID: <20030712040037.46341.5F8J@football.example.com>"
		"\r\n",
		"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
		" d=football.example.com; i=@football.example.com;\r\n"
		" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
		" subject : date : message-id : from : subject : date;\r\n"
		" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=",
	};
	unsigned char hash[32], bytes[KEY_SIGNATURE_MAX];
	struct key *k = example_key();
	struct buf text = { 0 }, got = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (i > 0)
			(void)buf_append_text(&text, "\r\n");
		relaxed_field(span_text(fields[i]), &text);
	}
	ck_assert_int_eq(EVP_Digest(buf_span(&text).ptr, buf_len(&text), hash,
			     NULL, EVP_sha256(), NULL),
	    1);
	ck_assert_uint_eq(key_sign(k, hash, bytes), 64);
	(void)base64_encode(span_make((char *)bytes, 64), &got);
	ck_assert_msg(
	    span_equal(buf_span(&got),
		SPAN("/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus"
		     "Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==")),
	    "%.*s", SPAN_ARG(buf_span(&got)));
	buf_clear(&text);
	buf_clear(&got);
	key_unref(k);
}
END_TEST

static struct signature *
make(struct key *one, struct key *two, struct fields *f)
{
	static const unsigned char hash[BODY_HASH_SIZE] = { 1 };
	struct signature_request r = {
		.keys = { one, two },
		.nkeys = two == NULL ? 1 : 2,
		.fields = f,
		.body_hash = hash,
		.now = 1795816800,
		.expires = 1796421600,
	};
	struct signature *s = signature_make(&r, &err);

	ck_assert_msg(s != NULL, "%s", err.text);
	return s;
}

START_TEST(a_field_is_folded_and_whole)
{
	struct key *one =
	    key_make(KEY_RSA, SPAN("football.example.com"), SPAN("r"), 1, &err);
	struct key *two = example_key();
	struct span text, line;
	struct signature *s;
	struct fields f;

	ck_assert(fields_read(SPAN("From: a@football.example.com\r\n"
				   "Subject: x\r\n\r\n"),
	    &f));
	s = make(one, two, &f);
	ck_assert_str_eq(signature_selectors(s), "r brisbane");
	ck_assert_str_eq(signature_domain(s), "football.example.com");
	ck_assert_uint_eq(key_uses(one), 1);
	text = signature_text(s);
	ck_assert(span_starts(text,
	    SPAN("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
		 " d=football.example.com; s=r;\r\n"
		 " t=1795816800; x=1796421600;\r\n"
		 " h=subject:from:from:to:cc:subject:reply-to;\r\n"
		 " bh=AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=;\r\n"
		 " b=")));
	ck_assert(span_ends_nocase(text, SPAN("\r\n")));
	while (text.len > 0) {
		line = span_cut(&text, '\n');
		ck_assert_uint_le(line.len, 78);
		ck_assert(line.ptr[line.len - 1] == '\r');
		ck_assert(line.ptr[0] == ' ' ||
			  span_starts(line, SPAN("DKIM-Signature: v=1; a=")));
	}
	ck_assert_ptr_eq(signature_ref(s), s);
	signature_unref(s);
	ck_assert_uint_eq(key_uses(one), 1);
	signature_unref(s);
	ck_assert_uint_eq(key_uses(one), 0);
	ck_assert_uint_eq(signature_text(NULL).len, 0);
	fields_clear(&f);
	key_unref(one);
	key_unref(two);
}
END_TEST

START_TEST(a_header_of_many_fields_makes_short_lines)
{
	struct key *k = example_key();
	struct buf header = { 0 };
	struct signature *s;
	struct span text;
	struct fields f;

	for (int i = 0; i < 900; i++)
		(void)buf_append_text(&header, "From: a@b.test\r\n");
	ck_assert(fields_read(buf_span(&header), &f));
	s = make(k, NULL, &f);
	text = signature_text(s);
	while (text.len > 0)
		ck_assert_uint_le(span_cut(&text, '\n').len, 78);
	signature_unref(s);
	fields_clear(&f);
	buf_clear(&header);
	key_unref(k);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, the_example_is_signed_as_it_is);
	tcase_add_test(tc, a_field_is_folded_and_whole);
	tcase_add_test(tc, a_header_of_many_fields_makes_short_lines);
}

SUITE_MAIN("signature", fill)
