/*
 * The spool's payloads, and the walk over a segment. The first byte chooses.
 * For the walk the input's checksums are made good where a header seems to
 * begin, or nothing would ever get past them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "mail/reason.h"
#include "src/spool/le_priv.h"
#include "src/spool/record_priv.h"
#include "src/spool/segment_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
message(struct span payload)
{
	struct message_found found;

	if (record_message_decode(payload, 1, &found))
		message_found_clear(&found);
}

static void
progress(struct span payload)
{
	struct progress row;

	while (record_progress_next(&payload, &row))
		reason_unref(row.reason);
}

static void
mend(uint8_t *p, size_t size)
{
	for (size_t at = 0; at + RECORD_HEADER <= size; at += RECORD_ALIGN) {
		uint32_t seed = record_seed(1, 2, at);
		size_t len = le_get32(p + at + 8);

		if (memcmp(p + at, "PoRc", 4) != 0)
			continue;
		if (len <= size - at - RECORD_HEADER)
			le_put32(p + at + 32,
			    crc32c(seed, p + at + RECORD_HEADER, len));
		le_put32(p + at + 36, crc32c(seed, p + at, 36));
	}
}

static void
walk(const uint8_t *data, size_t size)
{
	uint8_t *copy = mem_dup(data, size);
	struct record_area area = { copy, size, 1, 2, 0 };
	size_t at = 0;

	mend(copy, size);
	while (at < size) {
		struct record rec;
		enum record_status status = record_read(&area, at, &rec);

		if (status == RECORD_OK && rec.head.type == RECORD_MESSAGE)
			message(rec.payload);
		if (status == RECORD_OK && rec.head.type == RECORD_PROGRESS)
			progress(rec.payload);
		at = status == RECORD_OK || status == RECORD_BAD_PAYLOAD
			 ? rec.end
			 : record_seek(&area, at + RECORD_ALIGN);
	}
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct segment_header header;
	struct span payload;

	if (size < 2)
		return 0;
	payload = span_make((const char *)data + 1, size - 1);
	switch (data[0] % 4) {
	case 0: message(payload); break;
	case 1: progress(payload); break;
	case 2: walk(data + 1, size - 1); break;
	default: (void)segment_header_decode(data + 1, size - 1, 1, &header);
	}
	return 0;
}
