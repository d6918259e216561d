#include "tests/lib/suite.h"

#include <string.h>

#include "base/buf.h"

static void
expect(const struct buf *b, const char *want)
{
	ck_assert_uint_eq(buf_len(b), strlen(want));
	ck_assert(span_equal(buf_span(b), span_text(want)));
}

START_TEST(zero_is_an_empty_buffer)
{
	struct buf b = { 0 };

	ck_assert_uint_eq(buf_len(&b), 0);
	ck_assert_ptr_nonnull(buf_span(&b).ptr);
	ck_assert(buf_append_text(&b, "one"));
	expect(&b, "one");
	buf_clear(&b);
	buf_clear(&b);
	ck_assert_uint_eq(buf_len(&b), 0);
}
END_TEST

START_TEST(what_does_not_fit_adds_nothing_and_leaves_a_mark)
{
	struct buf b = { .max = 4 };

	ck_assert(buf_append_text(&b, "abc"));
	ck_assert(!buf_append_text(&b, "de"));
	ck_assert(buf_is_over(&b));
	expect(&b, "abc");
	ck_assert(buf_append_char(&b, 'd'));
	ck_assert(buf_is_over(&b));
	expect(&b, "abcd");
	ck_assert(!buf_append_char(&b, 'e'));
	ck_assert(!buf_printf(&b, "%d", 1));
	expect(&b, "abcd");
	buf_reset(&b);
	ck_assert(!buf_is_over(&b));
	ck_assert_uint_eq(b.max, 4);
	buf_clear(&b);
}
END_TEST

START_TEST(room_comes_back_when_the_front_is_consumed)
{
	struct buf b = { .max = 4 };

	ck_assert(buf_append_text(&b, "abcd"));
	buf_consume(&b, 2);
	expect(&b, "cd");
	ck_assert(buf_append_text(&b, "ef"));
	expect(&b, "cdef");
	ck_assert(!buf_append_char(&b, 'g'));
	buf_consume(&b, 1000);
	expect(&b, "");
	buf_clear(&b);
}
END_TEST

START_TEST(nothing_is_always_appended)
{
	struct buf b = { .max = 1 };

	ck_assert(buf_append_char(&b, 'x'));
	ck_assert(buf_append(&b, NULL, 0));
	ck_assert(buf_append_span(&b, span_make(NULL, 0)));
	ck_assert(buf_printf(&b, "%s", ""));
	ck_assert(!buf_is_over(&b));
	buf_clear(&b);
}
END_TEST

START_TEST(a_reserved_room_is_counted_when_it_was_filled)
{
	struct buf b = { .max = 600 };
	char *room;

	ck_assert(buf_append_text(&b, "head "));
	room = buf_reserve(&b, 500);
	ck_assert_ptr_nonnull(room);
	memset(room, 'x', 500);
	expect(&b, "head ");
	buf_added(&b, 3);
	expect(&b, "head xxx");
	ck_assert_ptr_null(buf_reserve(&b, 593));
	ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX));
	ck_assert(buf_is_over(&b));
	ck_assert_ptr_nonnull(buf_reserve(&b, 592));
	buf_clear(&b);
}
END_TEST

START_TEST(taking_moves_the_content_and_keeps_the_maximum)
{
	struct buf b = { .max = 100 }, taken;

	ck_assert(buf_append_text(&b, "mine"));
	taken = buf_take(&b);
	expect(&taken, "mine");
	expect(&b, "");
	ck_assert_uint_eq(b.max, 100);
	ck_assert_ptr_null(b.data);
	ck_assert(buf_append_text(&b, "new"));
	expect(&b, "new");
	buf_clear(&taken);
	buf_clear(&b);
}
END_TEST

START_TEST(cutting_never_makes_it_longer)
{
	struct buf b = { 0 };

	ck_assert(buf_append_text(&b, "abcdef"));
	buf_consume(&b, 2);
	buf_truncate(&b, 10);
	expect(&b, "cdef");
	buf_truncate(&b, 1);
	expect(&b, "c");
	buf_clear(&b);
}
END_TEST

static const size_t lengths[] = { 0, 1, 254, 255, 256, 257, 1000, 4096 };

START_TEST(printed_text_of_any_length_is_whole)
{
	char text[5000];
	struct buf b = { .max = lengths[_i] + 1 };

	memset(text, 'a', lengths[_i]);
	text[lengths[_i]] = '\0';
	ck_assert(buf_append_char(&b, '<'));
	ck_assert(buf_printf(&b, "%s", text));
	ck_assert_uint_eq(buf_len(&b), lengths[_i] + 1);
	ck_assert(span_equal(span_from(buf_span(&b), 1), span_text(text)));
	ck_assert(!buf_printf(&b, "%c", '>'));
	ck_assert_uint_eq(buf_len(&b), lengths[_i] + 1);
	buf_clear(&b);
}
END_TEST

/* A queue of bytes: what goes in comes out, whatever the steps. */
START_TEST(bytes_come_out_in_the_order_they_went_in)
{
	struct buf b = { .max = 3000 };
	unsigned char in = 0, out = 0;
	uint32_t random = 1;

	for (int round = 0; round < 20000; round++) {
		unsigned char piece[97];
		size_t n;

		random = random * 1664525 + 1013904223;
		n = random >> 16 & 63;
		if (random >> 30 & 1 && buf_len(&b) + n <= 3000) {
			for (size_t i = 0; i < n; i++)
				piece[i] = in++;
			ck_assert(buf_append(&b, piece, n));
		}
		n = random >> 8 & 31;
		n = n < buf_len(&b) ? n : buf_len(&b);
		for (size_t i = 0; i < n; i++)
			ck_assert_uint_eq(
			    (unsigned char)buf_span(&b).ptr[i], out++);
		buf_consume(&b, n);
	}
	ck_assert_uint_eq((unsigned char)(out + buf_len(&b)), in);
	buf_clear(&b);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, zero_is_an_empty_buffer);
	tcase_add_test(tc, what_does_not_fit_adds_nothing_and_leaves_a_mark);
	tcase_add_test(tc, room_comes_back_when_the_front_is_consumed);
	tcase_add_test(tc, nothing_is_always_appended);
	tcase_add_test(tc, a_reserved_room_is_counted_when_it_was_filled);
	tcase_add_test(tc, taking_moves_the_content_and_keeps_the_maximum);
	tcase_add_test(tc, cutting_never_makes_it_longer);
	tcase_add_loop_test(tc, printed_text_of_any_length_is_whole, 0,
	    (int)ARRAY_LEN(lengths));
	tcase_add_test(tc, bytes_come_out_in_the_order_they_went_in);
}

SUITE_MAIN("buf", fill)
