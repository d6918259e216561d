#include "tests/lib/suite.h"

#include "base/buf.h"
#include "sign/body.h"
#include "smtp/base64.h"

static const struct {
	const char *body, *want;
} cases[] = {
	/* RFC 6376 3.4.4: of nothing */
	{ "", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
	{ "\r\n\r\n", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
	/* RFC 8463 A.3 */
	{ "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n",
	    "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=" },
};

START_TEST(a_body_has_the_hash_of_the_examples)
{
	struct body_hash *h = body_hash_new();
	unsigned char hash[BODY_HASH_SIZE];
	struct buf text = { 0 };

	body_hash_add(h, span_text(cases[_i].body));
	ck_assert(body_hash_end(h, hash));
	body_hash_free(h);
	ck_assert(base64_encode(span_make((char *)hash, sizeof hash), &text));
	ck_assert_msg(span_equal(buf_span(&text), span_text(cases[_i].want)),
	    "%.*s", SPAN_ARG(buf_span(&text)));
	buf_clear(&text);
}
END_TEST

START_TEST(one_may_be_given_up)
{
	struct body_hash *h = body_hash_new();

	body_hash_add(h, SPAN("a"));
	body_hash_free(h);
	body_hash_free(NULL);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(
	    tc, a_body_has_the_hash_of_the_examples, 0, (int)ARRAY_LEN(cases));
	tcase_add_test(tc, one_may_be_given_up);
}

SUITE_MAIN("body", fill)
