/*
 * index: where each waiting message lies, how far its recipients have come, and
 * what of its content is still in memory. The index is ahead of the disk: it
 * has the news that still waits for its group. Its owner's lock guards it.
 */
#ifndef SPOOL_INDEX_PRIV_H
#define SPOOL_INDEX_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/idmap.h"
#include "base/span.h"
#include "mail/progress.h"
#include "rows_priv.h"

struct content;
struct content_budget;
struct content_file;
struct envelope;
struct reasons;
struct segment;

struct live {
	struct list node; /* in segment.live, unless done */
	uint64_t id;
	struct segment *segment; /* borrowed: counts it; NULL: damaged */
	union {
		struct content *held; /* owned; NULL: not in memory */
		struct envelope *env; /* owned; only while reading back */
	};
	struct content_file *file; /* a reference; NULL: not in a file */
	uint32_t offset, length; /* of the record */
	uint32_t nrcpt;
	uint8_t flags; /* enum message_flags */
	bool done; /* only the record of it waits */
	bool seen; /* the content file, while reading back */
	struct row rows[]; /* nrcpt */
};

/* So many content files that came last keep their descriptor. */
enum { WARM_MOST = 64 };

struct index {
	struct idmap map;
	uint64_t waiting; /* messages that are not done */
	uint64_t live_bytes; /* of their records, done ones too */
	uint64_t file_bytes; /* of content files, done ones too */
	struct content_budget *budget; /* a reference: of what is in memory */
	uint64_t held_max; /* of it */
	/* Whose content is held, oldest first; some let go of it already. */
	uint64_t *held;
	size_t held_first, held_count, held_cap;
	struct reasons *reasons; /* owned: the words of all rows */
	uint64_t warm[WARM_MOST]; /* whose files are open, a ring */
	size_t warm_next;
};

void index_init(struct index *ix, uint64_t held_max, uint64_t words_max);
void index_clear(struct index *ix);
/*
 * One that is in no index yet. Takes over the rows, if there are some: all are
 * fresh otherwise.
 */
struct live *live_new_take(uint64_t id, uint32_t nrcpt, struct row *rows);
/* One that is in no index any more. NULL is allowed. */
void live_free(struct live *live);
/* Also a message that is done but not yet recorded so. */
struct live *index_get(const struct index *ix, uint64_t id);
/* Takes it in: it lies in `live->segment`. */
void index_add_take(struct index *ix, struct live *live);
/* Its record is elsewhere now. */
void index_move(struct index *ix, struct live *live, struct segment *to,
    uint32_t offset, uint32_t length);
/* Its record turned out to be damaged: it lies nowhere. */
void index_detach(struct index *ix, struct live *live);
/* Nothing but the record waits; the content is let go of. */
void index_mark_done(struct index *ix, struct live *live);
/* Forgets and frees it. Returns the content file, now the caller's, or NULL. */
MUST_CHECK struct content_file *
index_remove(struct index *ix, struct live *live);
/* Its content file stays open, for which the oldest such may have to close. */
void index_keep_warm(struct index *ix, const struct live *live);
/*
 * Holds the content in memory, for which the oldest held may have to go; not
 * when there is no room even so. Takes a reference of its own.
 */
void index_hold(struct index *ix, struct live *live, struct content *content);
/* The same for what somebody has in memory, if it is not held. */
void index_count(struct index *ix, struct content *content);
void index_let_go(struct live *live);

/*
 * Rows that name no recipient of it are ignored. `place`: of the record that
 * has them, or what stands for it until that is written (whole_priv.h).
 */
void live_apply(struct live *live, const struct progress *rcpts, uint32_t n,
    uint64_t place);
/*
 * What is known of its recipients is on disk: rows with the place `from` are at
 * `to` from now on, and their words are kept as far as there is room.
 */
void index_settle_rows(
    struct index *ix, struct live *live, uint64_t from, uint64_t to);

#endif
