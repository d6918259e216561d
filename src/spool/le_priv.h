/*
 * le: numbers as they lie on disk, little endian, at any address.
 */
#ifndef SPOOL_LE_PRIV_H
#define SPOOL_LE_PRIV_H

#include <stdint.h>

static inline void
le_put32(uint8_t *p, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(n >> 8 * i);
}

static inline void
le_put64(uint8_t *p, uint64_t n)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(n >> 8 * i);
}

static inline uint32_t
le_get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static inline uint64_t
le_get64(const uint8_t *p)
{
	return (uint64_t)le_get32(p) | (uint64_t)le_get32(p + 4) << 32;
}

#endif
