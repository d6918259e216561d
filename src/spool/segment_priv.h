/*
 * segment: one numbered file of the journal. Its first page holds the header,
 * twice; groups of records follow. Counted by reference, because a reader may
 * still be in a segment that the journal has dropped.
 */
#ifndef SPOOL_SEGMENT_PRIV_H
#define SPOOL_SEGMENT_PRIV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/span.h"

enum {
	SEGMENT_VERSION = 1,
	SEGMENT_HEADER = 512,
	SEGMENT_COPY_AT = 2048, /* the same header again */
	SEGMENT_FIRST = 4096, /* where the first group begins */
	SEGMENT_NAME = 24,
};

/*
 * What a segment's header says about the one before: all up to `sure` was
 * answered for, so that what cannot be read there is damage. From there to
 * `end` a crash cut a group short: what is whole counts, what is not is
 * nobody's loss. Behind `end` nothing counts.
 */
struct tail {
	uint64_t number; /* 0: there was none */
	uint64_t sure, end;
};

struct segment_header {
	uint64_t number;
	struct tail before;
	uint64_t salt; /* the spool's; in every record's checksums */
	uint64_t last_id; /* no id up to this one is given out again */
	int64_t made; /* wall clock, ms */
};

enum header_status { HEADER_OK, HEADER_BAD, HEADER_NEWER };

/* Fills the whole first page. */
void segment_header_encode(
    uint8_t page[SEGMENT_FIRST], const struct segment_header *h);
/* HEADER_BAD also when it is valid for another number. */
enum header_status segment_header_decode(const uint8_t *page, size_t len,
    uint64_t number, struct segment_header *out);

void segment_name(uint64_t number, char out[SEGMENT_NAME]);
/* False for what no segment is called. */
bool segment_name_parse(struct span name, uint64_t *number);

struct segment {
	struct list node; /* in journal.segments, oldest first */
	atomic_uint refs; /* the journal's, and one a reader */
	int fd; /* owned */
	int direct; /* owned; for writing past the page cache, or -1 */
	uint64_t number;
	uint64_t size; /* of the file */
	uint64_t end; /* where the next group goes */
	bool started; /* the header and one group are synced */
	/* under the journal's lock: */
	uint64_t count; /* messages whose record lies here */
	struct list live; /* struct live; those of them that are not done */
};

struct segment *segment_new(int fd, uint64_t number, uint64_t size);
struct segment *segment_ref(struct segment *s);
/* No more groups go into it. */
void segment_close_direct(struct segment *s);
/* Closes the file with the last reference. NULL is allowed. */
void segment_unref(struct segment *s);

#endif
