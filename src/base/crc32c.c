/*
 * One byte a step with a table, or with the processor's instruction: eight
 * bytes in three cycles, as each step waits for the one before. One could begin
 * in each cycle, so long pieces are cut into three parts whose checksums run
 * side by side. They can be joined since a CRC is linear over GF(2): that of
 * two parts is that of the second, begun at 0, XORed with that of the first
 * carried on over as many zero bytes as the second has. To carry on over a
 * fixed number of zeros is a linear map of 32 bits, which four tables hold, one
 * for each byte of the checksum.
 */
#include "base/crc32c.h"

#include <pthread.h>
#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

enum { POLYNOMIAL_REVERSED = 0x82f63b78 };

static uint32_t table[256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void
make_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ (uint32_t)POLYNOMIAL_REVERSED
				  : c >> 1;
		table[i] = c;
	}
}

static uint32_t
by_table(uint32_t crc, const unsigned char *p, size_t len)
{
	(void)pthread_once(&table_once, make_table);
	while (len-- > 0)
		crc = table[(crc ^ *p++) & 0xff] ^ crc >> 8;
	return crc;
}

#if defined(__x86_64__)

/* Bytes in each of three parts, multiples of 8. */
enum { LONG = 1024, SHORT = 128 };

/* What each byte of a checksum becomes, `part` zero bytes on. */
static struct leap {
	size_t part;
	uint32_t to[4][256];
} leaps[] = { { .part = LONG }, { .part = SHORT } };
static pthread_once_t leaps_once = PTHREAD_ONCE_INIT;

__attribute__((target("sse4.2"))) static uint32_t
by_processor(uint32_t crc, const unsigned char *p, size_t len)
{
	uint64_t c = crc, word;

	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&word, p, 8);
		c = _mm_crc32_u64(c, word);
	}
	crc = (uint32_t)c;
	while (len-- > 0)
		crc = _mm_crc32_u8(crc, *p++);
	return crc;
}

/* Where each single bit goes is counted; the rest are sums of those. */
static void
make_leap(struct leap *leap)
{
	static const unsigned char zeros[LONG];

	for (uint32_t k = 0; k < 4; k++) {
		uint32_t *to = leap->to[k];

		for (uint32_t i = 1; i < 256; i <<= 1)
			to[i] = by_processor(i << 8 * k, zeros, leap->part);
		for (uint32_t i = 1; i < 256; i++)
			to[i] = to[i & -i] ^ to[i & (i - 1)];
	}
}

static void
make_leaps(void)
{
	make_leap(&leaps[0]);
	make_leap(&leaps[1]);
}

static uint32_t
carry(const struct leap *leap, uint64_t crc)
{
	return leap->to[0][crc & 0xff] ^ leap->to[1][crc >> 8 & 0xff] ^
	       leap->to[2][crc >> 16 & 0xff] ^ leap->to[3][crc >> 24];
}

__attribute__((target("sse4.2"))) static uint32_t
three_parts(uint32_t crc, const unsigned char *p, const struct leap *leap)
{
	const unsigned char *end = p + leap->part;
	uint64_t a = crc, b = 0, c = 0, word[3];

	for (; p < end; p += 8) {
		memcpy(&word[0], p, 8);
		memcpy(&word[1], p + leap->part, 8);
		memcpy(&word[2], p + 2 * leap->part, 8);
		a = _mm_crc32_u64(a, word[0]);
		b = _mm_crc32_u64(b, word[1]);
		c = _mm_crc32_u64(c, word[2]);
	}
	return carry(leap, carry(leap, a) ^ b) ^ (uint32_t)c;
}

static uint32_t
in_parts(uint32_t crc, const unsigned char *p, size_t len)
{
	if (len < (size_t)3 * SHORT)
		return by_processor(crc, p, len);
	(void)pthread_once(&leaps_once, make_leaps);
	for (size_t i = 0; i < 2; i++) {
		size_t three = 3 * leaps[i].part;

		for (; len >= three; len -= three, p += three)
			crc = three_parts(crc, p, &leaps[i]);
	}
	return by_processor(crc, p, len);
}

#endif

uint32_t
crc32c(uint32_t crc, const void *data, size_t len)
{
	crc = ~crc;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return ~in_parts(crc, data, len);
#endif
	return ~by_table(crc, data, len);
}
