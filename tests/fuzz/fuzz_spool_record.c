/*
 * The spool's payloads, and the walk over a segment. The first byte chooses.
 * For the walk the input's checksums are made good where a header seems to
 * begin, or nothing would ever get past them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/buf.h"
#include "mail/reason.h"
#include "src/spool/le_priv.h"
#include "src/spool/record_priv.h"
#include "src/spool/segment_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
message(const struct record *rec)
{
	struct message_found found;
	struct record_message m;
	struct buf again = { 0 };

	if (!record_message_decode(rec, &found))
		return;
	m = (struct record_message){ .env = found.env,
		.rows = found.rows,
		.flags = found.flags,
		.stored = found.stored };
	record_message_encode(&m, &again); /* reads all of it */
	buf_clear(&again);
	message_found_clear(&found);
}

static void
progress(const struct record *rec)
{
	struct rows_reader rows;
	struct row row = { 0 };
	struct progress p;
	bool ok = record_progress_open(rec, &rows);

	while (ok && rows_next(&rows, &p, NULL))
		row_set(&row, &p);
	rows_close(&rows);
	reason_unref(row.reason);
	free(row.other);
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
			message(&rec);
		if (status == RECORD_OK && rec.head.type == RECORD_PROGRESS)
			progress(&rec);
		at = status == RECORD_OK || status == RECORD_BAD_PAYLOAD
			 ? rec.end
			 : record_seek(&area, at + RECORD_ALIGN);
	}
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record rec = { .head = { .type = RECORD_MESSAGE, .id = 1 } };
	struct segment_header header;

	if (size < 2)
		return 0;
	rec.head.version = data[0] & 4 ? RECORD_VERSION : 2;
	rec.payload = span_make((const char *)data + 1, size - 1);
	switch (data[0] % 4) {
	case 0: message(&rec); break;
	case 1: progress(&rec); break;
	case 2: walk(data + 1, size - 1); break;
	default: (void)segment_header_decode(data + 1, size - 1, 1, &header);
	}
	return 0;
}
