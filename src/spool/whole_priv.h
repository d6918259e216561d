/*
 * whole: where the words of a row are on disk, and how those that were cut in
 * memory are read back. A row's words are in the record of its last news, or in
 * the message's own, if that was written (copied) later; each is in the
 * segment of the message or in a later one, so it is there as long as the
 * message.
 */
#ifndef SPOOL_WHOLE_PRIV_H
#define SPOOL_WHOLE_PRIV_H

#include <stdint.h>

#include "segment_priv.h"

struct live;
struct reason;
struct segments;

/* A record's place in one number: of the segment, and in it. */
static inline uint64_t
place_of(const struct segment *s, uint32_t offset)
{
	return s->number << 32 | offset;
}

/* What stands for the place of news that are not on disk yet; no place. */
static inline uint64_t
place_pending(uint64_t serial)
{
	return UINT64_C(1) << 63 | serial;
}

/* A row whose words were cut. */
struct cut {
	uint32_t rcpt, offset;
	struct segment *segment; /* a reference */
	struct reason *whole; /* a reference, once it was read */
};

/* All of a message, in *out, the caller's. Under the journal's lock. */
uint32_t
cut_find(const struct segments *all, const struct live *live, struct cut **out);
/*
 * Reads them. 0; -EBADMSG when some are damaged; -errno when the disk did not
 * answer. Blocks.
 */
int
cut_read(const struct segments *all, uint64_t id, struct cut *cut, uint32_t n);
void cut_free(struct cut *cut, uint32_t n);

#endif
