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

/* One bit at a time, as the polynomial says. */
static uint32_t
slowly(const unsigned char *p, size_t len)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int k = 0; k < 8; k++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
	}
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

static void
fill(TCase *tc)
{
	tcase_add_test(tc, known_vectors_come_out);
	tcase_add_test(tc, pieces_give_what_the_whole_gives);
}

SUITE_MAIN("crc32c", fill)
