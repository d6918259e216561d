#include "segment_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "le_priv.h"

enum {
	CRC_AT = SEGMENT_HEADER - 4,
	NAME_DIGITS = 8,
};

static const char magic[8] = { 'P', 'o', 's', 't', 'e', 'r', 'n', 'J' };

/* Every version keeps the magic, the version and the checksum in place. */
static void
encode_block(uint8_t *p, const struct segment_header *h)
{
	memcpy(p, magic, sizeof magic);
	le_put32(p + 8, SEGMENT_VERSION);
	le_put32(p + 12, SEGMENT_FIRST);
	le_put64(p + 16, h->number);
	le_put64(p + 24, h->before.number);
	le_put64(p + 32, h->before.sure);
	le_put64(p + 40, h->before.end);
	le_put64(p + 48, h->salt);
	le_put64(p + 56, h->last_id);
	le_put64(p + 64, (uint64_t)h->made);
	le_put32(p + CRC_AT, crc32c(0, p, CRC_AT));
}

void
segment_header_encode(
    uint8_t page[SEGMENT_FIRST], const struct segment_header *h)
{
	memset(page, 0, SEGMENT_FIRST);
	encode_block(page, h);
	encode_block(page + SEGMENT_COPY_AT, h);
}

static enum header_status
decode_block(const uint8_t *p, uint64_t number, struct segment_header *h)
{
	if (memcmp(p, magic, sizeof magic) != 0 ||
	    le_get32(p + CRC_AT) != crc32c(0, p, CRC_AT))
		return HEADER_BAD;
	if (le_get32(p + 8) > SEGMENT_VERSION)
		return HEADER_NEWER;
	*h = (struct segment_header){
		.number = le_get64(p + 16),
		.before = { le_get64(p + 24), le_get64(p + 32),
		    le_get64(p + 40) },
		.salt = le_get64(p + 48),
		.last_id = le_get64(p + 56),
		.made = (int64_t)le_get64(p + 64),
	};
	return h->number == number && h->before.number < number ? HEADER_OK
								: HEADER_BAD;
}

enum header_status
segment_header_decode(const uint8_t *page, size_t len, uint64_t number,
    struct segment_header *out)
{
	static const size_t places[] = { 0, SEGMENT_COPY_AT };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		enum header_status got;

		if (len < places[i] + SEGMENT_HEADER)
			continue;
		got = decode_block(page + places[i], number, out);
		if (got != HEADER_BAD)
			return got;
	}
	return HEADER_BAD;
}

void
segment_name(uint64_t number, char out[SEGMENT_NAME])
{
	(void)snprintf(out, SEGMENT_NAME, "%08llu", (unsigned long long)number);
}

bool
segment_name_parse(struct span name, uint64_t *number)
{
	char again[SEGMENT_NAME];

	if (name.len < NAME_DIGITS ||
	    !span_to_u64(name, UINT64_MAX - 1, number) || *number == 0)
		return false;
	/* One name a number: a second spelling would be read twice. */
	segment_name(*number, again);
	return span_equal(name, span_text(again));
}

struct segment *
segment_new(int fd, uint64_t number, uint64_t size)
{
	struct segment *s = MEM_NEW(struct segment);

	list_init(&s->node);
	list_init(&s->live);
	atomic_init(&s->refs, 1);
	s->fd = fd;
	s->direct = -1;
	s->number = number;
	s->size = size;
	s->end = SEGMENT_FIRST;
	return s;
}

struct segment *
segment_ref(struct segment *s)
{
	(void)atomic_fetch_add(&s->refs, 1);
	return s;
}

void
segment_close_direct(struct segment *s)
{
	if (s->direct != -1)
		(void)close(s->direct); /* each group was synced, or failed */
	s->direct = -1;
}

void
segment_unref(struct segment *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	(void)close(s->fd); /* synced long ago, or given up */
	segment_close_direct(s);
	free(s);
}
