/*
 * segments: the files of the journal, oldest first, and the one that the committer
 * writes into. What is marked "committer's" is touched by that thread alone (and
 * before it starts and after it ended); the rest is under the journal's lock.
 */
#ifndef SPOOL_SEGMENTS_PRIV_H
#define SPOOL_SEGMENTS_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/list.h"
#include "record_priv.h"
#include "segment_priv.h"

struct home;
struct keeper;

/* Writing past the page cache; the committer's. */
struct direct {
	char *bytes; /* owned; aligned, reused */
	size_t cap;
	bool refused; /* the file system does not do it */
};

struct segments {
	const struct home *home; /* borrowed, as the keeper */
	struct keeper *keeper;
	uint64_t salt;
	struct list all; /* struct segment, oldest first */
	uint64_t count, used_bytes;
	/* committer's: */
	struct segment *current; /* where the next group goes; NULL: none */
	struct tail before; /* for the next segment's header */
	uint64_t next_number;
	struct direct direct;
	uint8_t front[SEGMENT_FIRST];
};

/* Borrows both. */
void segments_init(
    struct segments *all, const struct home *home, struct keeper *keeper);
/* Who reads one keeps it. */
void segments_clear(struct segments *all);

/* --- direct.c --- */

/* The segment's second descriptor, if the file system has such a thing. */
void direct_open(struct segments *all, struct segment *s, const char *name);
/* Writes and syncs a group of the current segment. 0 or -errno. */
int
direct_write(struct segments *all, struct iovec *pieces, size_t n, uint64_t at);
void direct_clear(struct direct *d);

/* --- roll.c --- */

/*
 * A new current segment with room for a group of that size; no id above `last_id`
 * was given out. 0 or -errno.
 */
int roll(struct segments *all, uint64_t need, uint64_t last_id);
/* Ends the current segment, of which only whole groups count. */
void roll_seal(struct segments *all);

/* --- read.c --- */

/*
 * Reads one record and checks it. On RECORD_OK *bytes is the caller's; on
 * anything else it is NULL, and *rc is negative if the disk did not answer. Blocks.
 */
enum record_status segments_read(const struct segments *all,
    const struct segment *s, uint32_t offset, uint32_t length, uint8_t **bytes,
    struct record *out, int *rc);

#endif
