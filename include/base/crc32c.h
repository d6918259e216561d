/*
 * crc32c: the Castagnoli checksum (RFC 3720 B.4), with the processor's own
 * instruction where it has one.
 */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Start with 0; the result of one piece goes in for the next. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

#endif
