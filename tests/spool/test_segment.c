#include <string.h>

#include "src/spool/segment_priv.h"
#include "tests/lib/suite.h"

static const struct segment_header header = { .number = 9,
	.before = { 7, 4096, 8192 },
	.salt = 11,
	.last_id = 12,
	.made = -13 };

START_TEST(a_header_comes_back_as_it_went)
{
	uint8_t page[SEGMENT_FIRST];
	struct segment_header got;

	segment_header_encode(page, &header);
	ck_assert_int_eq(
	    segment_header_decode(page, sizeof page, 9, &got), HEADER_OK);
	ck_assert_uint_eq(got.number, 9);
	ck_assert_uint_eq(got.before.number, 7);
	ck_assert_uint_eq(got.before.sure, 4096);
	ck_assert_uint_eq(got.before.end, 8192);
	ck_assert_uint_eq(got.salt, 11);
	ck_assert_uint_eq(got.last_id, 12);
	ck_assert_int_eq(got.made, -13);
}
END_TEST

START_TEST(a_header_of_another_number_is_none)
{
	uint8_t page[SEGMENT_FIRST];
	struct segment_header got;

	segment_header_encode(page, &header);
	ck_assert_int_eq(
	    segment_header_decode(page, sizeof page, 8, &got), HEADER_BAD);
}
END_TEST

START_TEST(every_flipped_bit_makes_the_copy_count)
{
	uint8_t page[SEGMENT_FIRST];
	struct segment_header got;

	segment_header_encode(page, &header);
	for (size_t bit = 0; bit < SEGMENT_HEADER * 8; bit++) {
		page[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_int_eq(
		    segment_header_decode(page, sizeof page, 9, &got),
		    HEADER_OK);
		ck_assert_int_eq(
		    segment_header_decode(page, SEGMENT_HEADER, 9, &got),
		    HEADER_BAD);
		page[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}
END_TEST

static const struct {
	const char *name;
	bool ok;
	uint64_t number;
} names[] = {
	{ "00000001", true, 1 },
	{ "99999999", true, 99999999 },
	{ "123456789", true, 123456789 },
	{ "0123456789", false, 0 },
	{ "00000000", false, 0 },
	{ "0000001", false, 0 },
	{ "spare-1", false, 0 },
	{ "0000000x", false, 0 },
	{ "", false, 0 },
};

START_TEST(only_its_own_name_is_a_segments_name)
{
	uint64_t number;
	char again[SEGMENT_NAME];

	ck_assert(segment_name_parse(span_text(names[_i].name), &number) ==
		  names[_i].ok);
	if (!names[_i].ok)
		return;
	ck_assert_uint_eq(number, names[_i].number);
	segment_name(number, again);
	ck_assert_str_eq(again, names[_i].name);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, a_header_comes_back_as_it_went);
	tcase_add_test(tc, a_header_of_another_number_is_none);
	tcase_add_test(tc, every_flipped_bit_makes_the_copy_count);
	tcase_add_loop_test(
	    tc, only_its_own_name_is_a_segments_name, 0, ARRAY_LEN(names));
}

SUITE_MAIN("segment", fill)
