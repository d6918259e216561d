/*
 * recover: the parts of reading a spool back. chain.c finds out which segments
 * count and how far; replay.c reads the records of one; recover.c does both for
 * all, and looks after the content files.
 */
#ifndef SPOOL_RECOVER_PRIV_H
#define SPOOL_RECOVER_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/err.h"
#include "base/map.h"
#include "segment_priv.h"
#include "spool_priv.h"

struct home;
struct index;
struct keeper;
struct live;
struct segments;

struct link {
	uint64_t number, size;
	int fd; /* owned, until a segment takes it; -1 */
	enum header_status status;
	struct segment_header header;
	bool counts;
	struct segment *segment; /* borrowed, once taken: the journal's */
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
	/* Whose spool is read back, and what becomes of it: borrowed, all of them. */
	const struct home *home;
	struct segments *segments;
	struct keeper *keeper;
	struct index *index;
	pthread_mutex_t *lock; /* of the index and the segments */
	struct spool
	    *ids; /* hears of those that were given (spool_id_seen()) */
	_Atomic uint64_t *set_aside; /* counts what is damaged */
	struct err *err;

	struct chain chain;
	struct map wounds; /* struct wound by id */
	struct map files; /* struct live by the name of its content file */
	uint8_t *bytes; /* owned; of the segment that is being read */
	size_t cap;
	uint64_t
	    last_id; /* of what was there before; what is above came since */
	size_t next; /* link that is to be read */
	size_t nread, nsegments; /* of those that count */
	bool is_probe; /* only the tail is looked for: nothing counts */
};

/*
 * recover.c, in this order. Begin: which segments count; they are the journal's
 * then. Tail: where the newest one ends, which is all that a journal must know
 * before it goes on. Read: the next segment, 1, or 0 when all are read. End: what
 * is damaged, and content files. From the tail on others may use the journal.
 */
int recover_begin(struct recovery *r);
int recover_tail(struct recovery *r);
int recover_read(struct recovery *r);
int recover_end(struct recovery *r);
/* Of all that was read, in the order of ids; the caller frees the array. */
struct live **recover_order(struct recovery *r, size_t *n);
/* Hands it to `load`, and forgets its envelope. */
struct rows_room {
	struct progress *rows; /* owned; reused */
	uint32_t cap;
};
void recover_hand(struct recovery *r, struct live *live, struct rows_room *room,
    spool_load_cb load, void *arg);
/* None of it is wanted: before the first is handed over. */
void recover_drop(struct recovery *r);
void recover_clear(struct recovery *r);
/* All of that at once, and the end. 0, or negative when it cannot be used. */
int recover(struct recovery *r, spool_load_cb load, void *arg);

/* Lists the segments, reads their headers, finds out which count. */
int chain_read(struct recovery *r);
/* Takes over spares. */
int chain_find_spares(struct recovery *r);
/* Removes what counts for nothing. Only when all has been read. */
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
