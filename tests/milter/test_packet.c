/* Packets are read whole or not at all, and what is in them within bounds. */
#include "tests/lib/suite.h"

#include <string.h>

#include "milter/packet.h"

START_TEST(one_is_read_when_it_is_whole)
{
	static const char bytes[] = "\0\0\0\5mabcd\0\0\0\1c";

	for (size_t n = 0; n < sizeof bytes - 1; n++) {
		struct span in = span_make(bytes, n);
		struct packet p;

		if (n < 9) {
			ck_assert_int_eq(packet_read(&in, &p), PACKET_MORE);
			ck_assert_uint_eq(in.len, n);
			continue;
		}
		ck_assert_int_eq(packet_read(&in, &p), PACKET_OK);
		ck_assert_int_eq(p.letter, 'm');
		ck_assert(span_equal(p.data, SPAN("abcd")));
		ck_assert_uint_eq(in.len, n - 9);
	}
}
END_TEST

static const struct {
	const char *name;
	struct span bytes;
	enum packet_status want;
} lengths[] = {
	{ "none", { "\0\0\0\0c", 5 }, PACKET_EMPTY },
	{ "the longest", { "\0\4\0\0b", 5 }, PACKET_MORE },
	{ "one more", { "\0\4\0\1b", 5 }, PACKET_TOO_LONG },
	{ "all there is", { "\xff\xff\xff\xff", 4 }, PACKET_TOO_LONG },
};

START_TEST(a_length_has_a_bound)
{
	struct span in = lengths[_i].bytes;
	struct packet p;

	ck_assert_msg(
	    packet_read(&in, &p) == lengths[_i].want, "%s", lengths[_i].name);
	ck_assert_uint_eq(in.len, lengths[_i].bytes.len);
}
END_TEST

START_TEST(what_is_in_it_ends_where_it_says)
{
	struct span data = { "\0\0\1\2ab\0c", 8 }, text;
	uint32_t n;

	ck_assert(packet_take_number(&data, &n));
	ck_assert_uint_eq(n, 258);
	ck_assert(packet_take_text(&data, &text));
	ck_assert(span_equal(text, SPAN("ab")));
	ck_assert(!packet_take_text(&data, &text));
	ck_assert(!packet_take_number(&data, &n));
	ck_assert_uint_eq(data.len, 1);
}
END_TEST

START_TEST(what_is_written_is_read)
{
	struct buf out = { 0 };
	struct span in, text;
	struct packet p;
	uint32_t n;
	size_t at;

	packet_write(&out, PACKET_BODY, SPAN("x\0y"));
	at = packet_begin(&out, PACKET_HEADER);
	packet_put_number(&out, 0x01020304);
	packet_put_text(&out, SPAN("cut\0off"));
	packet_end(&out, at);
	in = buf_span(&out);
	ck_assert_int_eq(packet_read(&in, &p), PACKET_OK);
	ck_assert(p.letter == 'B' && span_equal(p.data, SPAN("x\0y")));
	ck_assert_int_eq(packet_read(&in, &p), PACKET_OK);
	ck_assert_int_eq(p.letter, 'L');
	ck_assert(packet_take_number(&p.data, &n) && n == 0x01020304);
	ck_assert(packet_take_text(&p.data, &text));
	ck_assert(span_equal(text, SPAN("cut")));
	ck_assert(span_is_empty(p.data) && span_is_empty(in));
	buf_clear(&out);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, one_is_read_when_it_is_whole);
	tcase_add_loop_test(tc, a_length_has_a_bound, 0, ARRAY_LEN(lengths));
	tcase_add_test(tc, what_is_in_it_ends_where_it_says);
	tcase_add_test(tc, what_is_written_is_read);
}

SUITE_MAIN("packet", fill)
