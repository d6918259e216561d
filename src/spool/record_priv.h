/*
 * record: what the journal consists of, as bytes (README.md has the layout).
 * Pure: memory in, values out. A record's checksums cover the spool's salt, the
 * segment's number and the record's place in it, so that neither an earlier
 * life of a recycled segment nor content that imitates a record is taken for
 * one. The header has a checksum of its own: a damaged payload can be stepped
 * over, and still says whose it was.
 */
#ifndef SPOOL_RECORD_PRIV_H
#define SPOOL_RECORD_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "mail/progress.h"
#include "rows_priv.h"

struct envelope;

enum {
	/*
	 * 1 knew no file of another name; 1 and 2 had rows of a fixed form,
	 * with words as a text; up to 3 a content in a file was all there.
	 */
	RECORD_VERSION = 4,
	RECORD_HEADER = 40,
	RECORD_ALIGN = 8,
	/*
	 * A group begins at a page: a write never touches a page that an
	 * earlier answer depends on, and the kernel need not read one first.
	 */
	GROUP_ALIGN = 4096,
};

/* Numbers on disk: append only, never renumber. */
enum record_type {
	RECORD_MESSAGE = 1,
	RECORD_PROGRESS = 2,
	RECORD_FLAGS = 3,
	RECORD_DONE = 4,
	RECORD_CANCEL = 5, /* messages whose client was told to come back */
};

struct record_head {
	uint8_t type, version; /* written with ours, always */
	uint32_t length; /* of the payload */
	uint32_t group; /* where the first record of its group begins */
	uint32_t left; /* how many records of the group follow this one */
	uint64_t id; /* of the message; 0 for a cancel */
	uint32_t payload_crc;
};

/* Bytes of a segment, and which. Offsets below count from `bytes`. */
struct record_area {
	const uint8_t *bytes; /* borrowed */
	size_t size;
	uint64_t salt, segment;
	uint64_t base; /* where in the segment the bytes begin */
};

enum record_status {
	RECORD_OK,
	RECORD_BAD_PAYLOAD, /* the header holds: whose, which kind, how long */
	RECORD_BAD_HEADER,
	RECORD_NEWER, /* of a version or kind that we do not know */
};

struct record {
	struct record_head head;
	struct span payload; /* borrowed from the area */
	size_t offset, end; /* end: where the next one begins */
};

static inline uint64_t
round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

/* What both checksums of the record at `offset` begin with. */
uint32_t record_seed(uint64_t salt, uint64_t segment, uint64_t offset);
/* With the payload's checksum in place, fills in all and the header's own. */
void record_head_encode(
    uint8_t out[RECORD_HEADER], const struct record_head *head, uint32_t seed);
enum record_status
record_read(const struct record_area *area, size_t offset, struct record *out);
/* Where, from `offset` on, the next valid header is; the size if nowhere. */
size_t record_seek(const struct record_area *area, size_t offset);
const char *record_type_name(uint8_t type);

/* --- payloads (rows.c has what they say of recipients) --- */

/* Where a large content is, but for its head, which is in the record. */
struct stored {
	uint64_t file; /* its name in content/, as an id; 0: in no file */
	uint64_t size; /* of what the file has */
	uint32_t crc;
};

struct record_message {
	const struct envelope *env;
	const struct row *rows; /* env->nrcpt of them; NULL: all fresh */
	uint32_t flags; /* enum message_flags */
	struct stored stored; /* behind what follows in the payload; or {0} */
};

/* Appends the payload, without the content. */
void record_message_encode(const struct record_message *m, struct buf *out);

struct message_found {
	struct envelope *env; /* owned */
	struct row *rows; /* owned; NULL: all fresh */
	uint32_t flags;
	struct stored stored;
	/* Borrowed from the payload: the content, or what is in front of a file's. */
	struct span content;
};

/* False when the payload is none; then nothing is owned. */
bool record_message_decode(const struct record *rec, struct message_found *out);
void message_found_clear(struct message_found *m);

/* The same for rows alone; rows_next() reads them. */
void record_progress_encode(
    const struct progress *rcpts, uint32_t n, struct buf *out);
bool record_progress_open(const struct record *rec, struct rows_reader *out);

#endif
