#include "tests/lib/suite.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/span.h"

/* RFC 3720 B.4, and the usual check value. */
START_TEST(known_vectors_come_out)
{
	unsigned char bytes[32];

	ck_assert_uint_eq(crc32c(0, "123456789", 9), 0xe3069283);
	ck_assert_uint_eq(crc32c(0, "", 0), 0);
	memset(bytes, 0, sizeof bytes);
	ck_assert_uint_eq(crc32c(0, bytes, sizeof bytes), 0x8a9136aa);
	memset(bytes, 0xff, sizeof bytes);
	ck_assert_uint_eq(crc32c(0, bytes, sizeof bytes), 0x62a8ab43);
	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)i;
	ck_assert_uint_eq(crc32c(0, bytes, sizeof bytes), 0x46dd794e);
}
END_TEST

/* One bit at a time, as the polynomial says; `crc` is not turned round. */
static uint32_t
one_byte(uint32_t crc, unsigned char byte)
{
	crc ^= byte;
	for (int k = 0; k < 8; k++)
		crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
	return crc;
}

static uint32_t
slowly(const unsigned char *p, size_t len)
{
	uint32_t crc = 0xffffffff;

	while (len-- > 0)
		crc = one_byte(crc, *p++);
	return ~crc;
}

START_TEST(pieces_give_what_the_whole_gives)
{
	unsigned char bytes[80];

	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i * 73 + 5);
	for (size_t len = 0; len <= 40; len++)
		for (size_t from = 0; from < 9; from++) {
			uint32_t want = slowly(bytes + from, len);

			ck_assert_uint_eq(crc32c(0, bytes + from, len), want);
			for (size_t cut = 0; cut <= len; cut++)
				ck_assert_uint_eq(
				    crc32c(crc32c(0, bytes + from, cut),
					bytes + from + cut, len - cut),
				    want);
		}
}
END_TEST

enum { MOST = 20000, OFFSETS = 64 };
static unsigned char many[MOST + OFFSETS];

/* From 0 to n - 1: the same numbers in each run. */
static size_t
any(size_t n)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(state >> 33) % n;
}

static void
fill_many(void)
{
	for (size_t i = 0; i < sizeof many; i++)
		many[i] = (unsigned char)any(256);
}

/* _i: where it begins, of eight alignments. */
START_TEST(every_length_is_right)
{
	uint32_t crc = 0xffffffff;

	fill_many();
	for (size_t len = 0; len < 7000; len++) {
		ck_assert_msg(crc32c(0, many + _i, len) == ~crc, "%zu", len);
		crc = one_byte(crc, many[(size_t)_i + len]);
	}
}
END_TEST

START_TEST(long_pieces_give_what_the_whole_gives)
{
	fill_many();
	for (int i = 0; i < 300; i++) {
		size_t len = any(MOST + 1), cut = any(len + 1), at = 0;
		const unsigned char *p = many + any(OFFSETS);
		uint32_t want = slowly(p, len), got = 0;

		ck_assert_uint_eq(crc32c(0, p, len), want);
		ck_assert_msg(
		    crc32c(crc32c(0, p, cut), p + cut, len - cut) == want,
		    "%zu of %zu", cut, len);
		while (at < len) {
			cut = any(len - at) + 1;
			got = crc32c(got, p + at, cut);
			at += cut;
		}
		ck_assert_uint_eq(got, want);
	}
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, known_vectors_come_out);
	tcase_add_test(tc, pieces_give_what_the_whole_gives);
	tcase_add_loop_test(tc, every_length_is_right, 0, 8);
	tcase_add_test(tc, long_pieces_give_what_the_whole_gives);
}

SUITE_MAIN("crc32c", fill)
