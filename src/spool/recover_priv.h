/*
 * recover: the parts of reading a spool back. chain.c finds out which segments
 * count and how far; replay.c reads the records of one; recover.c does both for
 * all, and looks after the content files.
 */
#ifndef SPOOL_RECOVER_PRIV_H
#define SPOOL_RECOVER_PRIV_H

#include "base/map.h"
#include "journal_priv.h"

struct link {
	uint64_t number, size;
	int fd; /* owned, until a segment takes it; -1 */
	enum header_status status;
	struct segment_header header;
	bool counts;
	bool limited; /* `limit` is known: the next one's header says it */
	struct tail limit;
};

struct chain {
	struct link *links; /* owned; ascending */
	size_t n, cap;
};

/* A message that could not be read. Forgotten when its "done" is found. */
struct wound {
	uint64_t id;
	struct segment *segment; /* borrowed: the journal's */
	uint64_t from, to;
};

struct recovery {
	struct journal *j;
	struct chain chain;
	struct map wounds; /* struct wound by id */
	struct map files; /* struct live by the name of its content file */
	uint8_t *bytes; /* owned; of the segment that is being read */
	size_t cap;
	struct err *err;
};

/* Lists the segments, reads their headers, finds out which count. */
int chain_read(struct recovery *r);
/*
 * Takes over spares, removes what counts for nothing. Only when all has been
 * read: a spool that is refused stays as it is.
 */
int chain_clean(struct recovery *r);
void chain_clear(struct chain *c);

/*
 * Reads a segment's records into the index. *end says where they end, for the
 * next header.
 */
int replay(struct recovery *r, struct segment *s, const struct link *link,
    struct tail *end);
/* Loads the file up to `size` into r->bytes; what cannot be read is zero. */
void replay_load(struct recovery *r, int fd, uint64_t number, uint64_t size);

#endif
