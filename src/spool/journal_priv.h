/*
 * journal: the spool on disk, as its own files see it. One lock guards the
 * index, the segments' counts and the committer's queue; it is never held
 * during a call to the disk. What is marked "committer's" is touched by that
 * thread alone (and before it starts and after it ended).
 *
 * An entry's road:     entry.c -> commit.c -> write.c -> answer in commit.c
 * A segment's life:    roll.c -> (full) -> reclaim.c -> keeper.c
 * A start's steps:     journal.c -> loader.c -> recover.c -> chain.c -> replay.c
 *
 * Its parts know nothing of it: home (the disk and its folders), segments (roll.c,
 * direct.c, read.c), the content files and the space for them, the keeper, the index,
 * and reading all of that back (recover.c, chain.c, replay.c).
 */
#ifndef SPOOL_JOURNAL_PRIV_H
#define SPOOL_JOURNAL_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "content_file_priv.h"
#include "disk_priv.h"
#include "group_priv.h"
#include "home_priv.h"
#include "index_priv.h"
#include "io/mailbox.h"
#include "keeper_priv.h"
#include "segments_priv.h"
#include "space_priv.h"
#include "spool_priv.h"
#include "whole_priv.h"

/* A message whose client was told to come back, still to be cancelled. */
struct cancel {
	uint64_t id;
	struct content_file *file; /* a reference; or NULL */
};

struct recovery;

struct journal {
	struct spool base;
	atomic_uint refs; /* the owner's, and one a fetch under way */
	struct spool_options options; /* with the defaults filled in */
	struct home home;
	int lock_file; /* owned; -1: not open */
	_Atomic uint64_t
	    set_aside; /* messages and ranges, while reading back */
	struct loader *loader; /* owned while it works; else NULL */
	struct keeper keeper;
	struct content_files files;
	struct space space;
	struct segments segments; /* parts of it the committer's */

	pthread_t committer;
	bool committer_runs;
	pthread_mutex_t lock;
	pthread_cond_t wake; /* the committer; on the monotonic clock */
	/* under the lock: */
	struct list commits; /* struct journal_entry */
	struct list lazies; /* struct lazy */
	uint64_t lazy_since; /* when the first of them came, ms */
	uint64_t serial; /* of news, for rows that are not on disk yet */
	bool dozes; /* the committer wakes by itself within lazy_ms */
	bool stop;
	bool faulted; /* written by the committer only */
	enum spool_status fault_status;
	char why[256];
	struct index index;
	/* Segments of before the start are read: none of them goes. */
	bool is_loading;
	uint64_t nread, ntoread;

	/* committer's: */
	uint64_t retry_at;
	uint64_t reclaim_at; /* not before, after a failed read */
	struct group group;
	struct buf form; /* a message's record without its content; reused */
	struct cancel *cancels; /* owned */
	size_t ncancels, cancels_cap;
};

/* News without a client that waits: rides along with the next group. */
struct lazy {
	struct list node;
	uint64_t id, serial;
	struct spool_wait wait;
	struct group_place place; /* once it is in a group */
	enum record_type type;
	uint32_t length;
	uint8_t payload[];
};

struct journal_entry {
	struct spool_entry base;
	struct list node; /* in journal.commits, a round or an answer */
	struct parcel parcel; /* to the loop's thread, and on to the pool */
	const struct envelope *env; /* borrowed until the callback */
	struct content *content; /* borrowed until the callback; or NULL */
	size_t head; /* octets of it that stay in front of a file's */
	struct live *live; /* owned until it is in the index */
	/* Of one that replaces: where its rows' news were when it was prepared. */
	uint64_t *places; /* owned; NULL: it replaces none */
	uint32_t nplaces;
	bool is_done; /* and that it was done before this was written */
	struct group_place place;
	enum spool_status status;
	spool_done_cb cb;
	spool_fetch_cb read_cb;
	void *arg;
	struct buf chunks[SPOOL_TAKEN_MAX]; /* taken, not written yet */
	uint32_t nchunks;
	struct content_file *file; /* a reference; NULL: none yet */
	char *tail; /* owned; what is less than a block waits for more */
	uint32_t ntail;
	bool busy, dropped;
};

/* A waiting message on its way from the oldest segment to the newest. */
struct copy {
	uint64_t id;
	struct segment *from; /* a reference */
	uint32_t offset, length; /* of the record there */
	uint32_t flags, nrcpt;
	struct row *rows; /* owned; as of when it was chosen */
	struct cut *cut; /* owned: of these, whose words must be read */
	uint32_t ncut;
	uint8_t *bytes; /* owned; the record */
	struct group_place place;
	bool added, damaged;
	bool is_stale; /* the message is replaced by the same group */
};

/* What one group brings. */
struct round {
	struct list lazies;
	struct list commits;
	struct copy *copies; /* owned; NULL: none */
	size_t ncopies;
	struct list freed; /* struct content_file: of what is done now */
	bool resume; /* the first group after a fault: it cancels */
};

static inline struct journal *
journal_of(struct spool *s)
{
	return (struct journal *)(void *)s;
}

/* The same as journal_open(), on another disk. */
struct spool *
journal_open_on(const struct disk *disk, const struct spool_options *options,
    const struct spool_events *on, struct err *err);
void journal_ref(struct journal *j);
void journal_unref(struct journal *j);
uint64_t journal_now(void); /* monotonic ms */
/* SPOOL_FULL for a disk without room, else SPOOL_FAULT. */
enum spool_status journal_status(int rc);

/* entry.c */
struct spool_entry *journal_entry_open(struct spool *s);
void journal_append_take(
    struct spool_entry *base, struct buf *chunk, spool_done_cb cb, void *arg);
void journal_entry_read(struct spool_entry *base, spool_fetch_cb cb, void *arg);
void journal_commit(struct spool_entry *base, const struct envelope *env,
    struct content *content, spool_done_cb cb, void *arg);
void journal_drop(struct spool_entry *base);
/* Frees it. The file on disk, if it has one still, stays as it is. */
void journal_entry_free(struct journal_entry *e);
/* What of its content is in the record, in front of the file's. */
struct span journal_entry_head(const struct journal_entry *e);
/* Gives up the file. Sound: it may serve another entry. */
void journal_entry_release(struct journal_entry *e, bool is_sound);

/* news.c */
void journal_progress(struct spool *s, uint64_t id,
    const struct progress *rcpts, uint32_t n, const struct spool_wait *wait);
void journal_set_flags(struct spool *s, uint64_t id, uint32_t flags,
    const struct spool_wait *wait);
void journal_done(struct spool *s, uint64_t id, const struct spool_wait *wait);

/* Tells who waits for it, once. */
void news_answer(struct lazy *lazy, enum spool_status status);

/* fetch.c */
struct content *journal_content(struct spool *s, uint64_t id);
void journal_rest(struct spool *s, uint64_t id);
void journal_fetch(struct spool *s, uint64_t id, bool to_send,
    struct loop *loop, spool_fetch_cb cb, void *arg);

/* words.c */
struct reason *journal_keep_reason_take(struct spool *s, struct reason *r);
void journal_fetch_reasons(struct spool *s, uint64_t id, struct loop *loop,
    spool_reasons_cb cb, void *arg);

/* commit.c: the committer's thread; stops when all that waits is written. */
int committer_start(struct journal *j, struct err *err);
void committer_stop(struct journal *j);
/* Puts it in the committer's queue. */
void committer_add(struct journal *j, struct journal_entry *e);

/*
 * again.c: entries that take the place of a message that waits. Before a round is
 * written: those whose message is gone leave `r` for `gone`.
 */
void again_prepare(struct journal *j, struct round *r, struct list *gone);
/* Under the lock: the old one leaves the index. Its file, the caller's; or NULL. */
MUST_CHECK struct content_file *
again_settle(struct journal *j, struct journal_entry *e);

/* write.c: one round to disk, and into the index. */
void round_init(struct round *r);
int round_write(struct journal *j, struct round *r);
void round_settle(struct journal *j, struct round *r);

/* reclaim.c; all but reclaim_read() and reclaim_clear() under the lock */
bool reclaim_is_due(const struct journal *j);
/* 1, 0 when it has to wait, or -EBADMSG when the record is damaged. */
int reclaim_read(struct journal *j, struct copy *c, struct message_found *out);
/* The words that were cut in memory. 1, or 0 when it has to wait. */
int reclaim_read_words(struct journal *j, struct copy *c);
void reclaim_choose(struct journal *j, struct round *r);
void reclaim_settle(struct journal *j, struct round *r);
void reclaim_drop_empty(struct journal *j);
/* The copies, whether they were written or not. */
void reclaim_clear(struct round *r);

/* What reading it back works on: borrowed from it, as long as it lasts. */
void journal_recovery(struct journal *j, struct recovery *out, struct err *err);
/* A journal that is not open yet; journal_unref() frees it. */
struct journal *
journal_new(const struct disk *disk, const struct spool_options *options);
/*
 * The content that a record has in itself, or the head, and what the file has behind
 * it; NULL: damaged. Blocks.
 */
struct content *
journal_read_content(const struct journal *j, const struct segment *s,
    uint64_t id, uint32_t offset, uint32_t length, struct content_file *file);

#endif
