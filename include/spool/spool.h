/*
 * spool: messages on stable storage. A message exists once the callback of
 * spool_commit() said SPOOL_OK, and until spool_done(); a crash at any point
 * leaves it whole or absent. Knows nothing of SMTP or of schedules. An
 * interface: a journal on disk, and memory for tests; who has opened it does not
 * know which.
 *
 * All calls are safe from every thread. Callbacks come on the thread of the
 * loop that was given, once, never before the starting call returned.
 */
#ifndef SPOOL_SPOOL_H
#define SPOOL_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "mail/envelope.h"
#include "mail/progress.h"

struct content;
struct loop;
struct spool;
struct spool_entry;

enum spool_status {
	SPOOL_OK,
	SPOOL_FULL, /* less space or inodes than the reserve: 452 4.3.1 */
	SPOOL_FAULT, /* a write or sync failed; the entry is gone: 451 4.3.0 */
	SPOOL_ABSENT, /* no such message waits */
	SPOOL_DAMAGED, /* spool_fetch: its bytes are not what was stored */
};

/*
 * Ids have the number of the machine that took the message in their upper bits, so
 * that machines that share a spool never give the same twice. Below it they are the
 * time, and count.
 */
enum { SPOOL_MACHINE_SHIFT = 56, SPOOL_MACHINES = 256 };

enum spool_kind { SPOOL_JOURNAL, SPOOL_MEMORY };

struct spool_options {
	enum spool_kind kind;
	uint8_t machine; /* whose ids are given; 0 where there is one */
	/* Where spool_events come; NULL: all messages arrive before it is open. */
	struct loop *loop;
	/* SPOOL_JOURNAL: */
	const char *directory; /* made with mode 0700 when absent */
	double reserve_percent; /* of the file system's blocks and inodes */
	uint64_t segment_size; /* 0: 16 MiB; smaller in tests */
	uint64_t inline_max; /* larger content is a file; 0: 64 KiB */
	uint64_t held_max; /* content in memory; 0: 64 MiB */
	uint64_t words_max; /* whole words in memory; 0: 32 MiB */
	unsigned lazy_ms; /* how long done and progress may wait; 0: 10 */
};

/*
 * A message arrives: once for each that waits, in the order of ids, in turns, while
 * new ones are taken already. `env` is the callee's from then on (free()). `rcpts`
 * has env->nrcpt rows in order, and is borrowed, as are the reasons.
 */
typedef void (*spool_load_cb)(struct envelope *env,
    const struct progress *rcpts, uint32_t message_flags, void *arg);

/* What the spool says unasked, on the loop's thread. */
struct spool_events {
	spool_load_cb message;
	/* All have arrived; or, with a negative rc, what is there cannot be read. */
	void (*loaded)(int rc, const struct err *err, void *arg); /* or NULL */
	/*
	 * The message is another machine's now, which goes on with it: this one
	 * does nothing more about it, and what it says of it is ignored. A journal
	 * is one machine's, and never says that.
	 */
	void (*lost)(uint64_t id, void *arg); /* or NULL */
	void *arg;
};
typedef void (*spool_done_cb)(enum spool_status status, void *arg);
/* `content` is the callee's to unref; NULL unless status is SPOOL_OK. */
typedef void (*spool_fetch_cb)(
    enum spool_status status, struct content *content, void *arg);

/*
 * A journal locks its directory (one daemon a spool), reads it back and starts a
 * thread. NULL and `err` when it cannot be used.
 */
struct spool *spool_open(const struct spool_options *options,
    const struct spool_events *on, struct err *err);
/* SPOOL_MEMORY, without events. Commits succeed unless told to fail. */
struct spool *mem_spool_open(void);
/* SPOOL_MEMORY only: the next `n` commits end with `status`. */
void mem_spool_fail(struct spool *s, unsigned n, enum spool_status status);
/* The same: the message goes to another machine. */
void mem_spool_lose(struct spool *s, uint64_t id);
/*
 * Writes and syncs all that was asked for, stops the committer and frees. No
 * entry may be open any more.
 */
void spool_close(struct spool *s);

/* Whether a message of `size` bytes would be taken now (SPOOL_FULL if not). */
enum spool_status spool_room(struct spool *s, uint64_t size);

/* --- a message comes in --- */

/* Begins a message: gives it its id. Touches no disk. */
struct spool_entry *spool_entry_open(struct spool *s, struct loop *loop);
uint64_t spool_entry_id(const struct spool_entry *e);
/*
 * Large content goes to the message's file while it arrives: takes the buffer's
 * memory and writes it in the pool. One at a time; an error ends the entry's
 * hopes, but not the entry. Without a callback the buffer (one, or two before
 * the commit) is only taken, and written together with the next or by the
 * commit. The spool counts on buffers of at most spool_piece() octets.
 */
size_t spool_piece(void);
void spool_entry_append_take(
    struct spool_entry *e, struct buf *chunk, spool_done_cb cb, void *arg);
/* How many bytes have been appended so far. */
uint64_t spool_entry_appended(const struct spool_entry *e);
/*
 * What was appended so far, to be read before the entry is committed or dropped:
 * to be unref'd by then. Not while an append is answered yet, and none may come
 * until the callback has. SPOOL_FAULT or SPOOL_FULL: the entry failed before.
 */
void spool_entry_read(struct spool_entry *e, spool_fetch_cb cb, void *arg);
/*
 * Another entry for the same message, in the place of this one: one of them is
 * committed, the others are dropped.
 */
struct spool_entry *spool_entry_again(const struct spool_entry *e);
/*
 * Makes the message durable and ends the entry. Its content is `content` and, behind
 * it, what was appended: where anything was, `content` is a head alone, or NULL. The
 * head of large content is stored with the envelope, so that all of ours may be known
 * when the rest has gone to disk long ago. env->id is the entry's id; env->size is of
 * all. Both are borrowed until the callback.
 */
void spool_commit(struct spool_entry *e, const struct envelope *env,
    struct content *content, spool_done_cb cb, void *arg);
/*
 * The same for a message that has a past, as one that is imported: what is known
 * of its recipients (env->nrcpt rows, borrowed until the callback) and its flags
 * are in the one record, so that a crash never leaves it without them.
 */
void spool_commit_past(struct spool_entry *e, const struct envelope *env,
    struct content *content, const struct progress *rows,
    uint32_t message_flags, spool_done_cb cb, void *arg);
/*
 * An entry for a message that waits, to take its place: committed by
 * spool_commit_again() or dropped, and the message is what it was or what it is to be,
 * whole, also after a crash. It keeps its id.
 */
struct spool_entry *
spool_entry_replace(struct spool *s, struct loop *loop, uint64_t id);
/*
 * `env` has the recipients that were there, in their order, and new ones behind them.
 * What is known of those stays as it is by then, but for the `n` rows of `news`
 * (borrowed until the callback); of the message's flags those in `clear` go and those
 * in `set` come. SPOOL_ABSENT: the message is gone meanwhile. On an error it stays as
 * it was.
 */
struct spool_again {
	const struct progress *news;
	uint32_t n;
	uint32_t clear, set;
};
void spool_commit_again(struct spool_entry *e, const struct envelope *env,
    struct content *content, const struct spool_again *what, spool_done_cb cb,
    void *arg);
/* Ends an entry that is not wanted any more. Nothing of it stays. */
void spool_entry_drop(struct spool_entry *e);

/*
 * A file without a name, beside the messages, for what one of them is made into on
 * its way out: closed, it is gone. The descriptor is the caller's, for reading and
 * writing; negative and `err`: there is none. Blocks.
 */
int spool_scratch(struct spool *s, struct err *err);

/* --- its life --- */

/*
 * Records that ride along with the next group; there is no answer. `rcpts` is
 * copied. An unknown id is ignored (it was removed meanwhile).
 */
void spool_progress(
    struct spool *s, uint64_t id, const struct progress *rcpts, uint32_t n);
void spool_set_flags(struct spool *s, uint64_t id, uint32_t message_flags);
/*
 * The same for who must know: `cb` comes once the record is on stable storage
 * (SPOOL_OK), or when it could not be written (SPOOL_FULL, SPOOL_FAULT: the
 * spool has it in memory and goes on trying) or is about no waiting message
 * (SPOOL_ABSENT).
 */
void spool_progress_synced(struct spool *s, uint64_t id,
    const struct progress *rcpts, uint32_t n, struct loop *loop,
    spool_done_cb cb, void *arg);
void spool_set_flags_synced(struct spool *s, uint64_t id,
    uint32_t message_flags, struct loop *loop, spool_done_cb cb, void *arg);
/* The message is forgotten; its space comes back. */
void spool_done(struct spool *s, uint64_t id);
void spool_done_synced(struct spool *s, uint64_t id, struct loop *loop,
    spool_done_cb cb, void *arg);

/*
 * The content, if it is in memory: at once, and one reference. NULL: fetch it.
 * The spool is the one holder of content, and `held_max` the one budget for
 * what it holds and for what others still have references of.
 */
struct content *spool_content(struct spool *s, uint64_t id);
/*
 * Nobody will ask for the content for a while (no part of the message is in
 * line, or on its way to a host): it may be let go of.
 */
void spool_rest(struct spool *s, uint64_t id);
/*
 * The words that the spool keeps for these, for who keeps them too: takes the
 * reference and gives one of equal ones, which all who got the same share; or
 * of their first REASON_CUT octets, when all words in memory are beyond
 * `words_max`. Asked for after spool_progress(), which has to have all.
 */
struct reason *spool_keep_reason_take(struct spool *s, struct reason *r);
/*
 * All words of the message as they are on disk, whole: for who finds one that
 * reason_is_cut(). `reasons` has one for each of the `n` recipients, in order
 * (NULL: no words), borrowed for the call. With SPOOL_DAMAGED some are cut
 * still, for they cannot be read; with SPOOL_ABSENT `n` is 0.
 */
typedef void (*spool_reasons_cb)(enum spool_status status,
    struct reason *const *reasons, uint32_t n, void *arg);
void spool_fetch_reasons(struct spool *s, uint64_t id, struct loop *loop,
    spool_reasons_cb cb, void *arg);
/* Reads the content back, in the pool, and checks all of it. */
void spool_fetch(struct spool *s, uint64_t id, struct loop *loop,
    spool_fetch_cb cb, void *arg);
/*
 * The same for who reads to the end with content_next(), which checks: a file
 * is not read twice.
 */
void spool_fetch_to_send(struct spool *s, uint64_t id, struct loop *loop,
    spool_fetch_cb cb, void *arg);

/*
 * Whether bytes from outside may be a row's `other` (mail/progress.h): whole
 * tagged values that this version does not know.
 */
bool spool_tags_fit(struct span tags);

/* --- its state, for people --- */

struct spool_health {
	bool accepting; /* false: new mail is refused, see `why` */
	bool recording; /* false: done cannot be recorded; do not deliver */
	uint64_t messages; /* waiting */
	uint64_t live_bytes, used_bytes; /* in segments and content files */
	uint64_t segments;
	uint64_t set_aside; /* damaged, found at the start */
	/* Messages of before the start arrive yet; of how many segments. */
	bool is_loading;
	uint64_t nread, ntoread;
	char why[256];
};

void spool_health(struct spool *s, struct spool_health *out);

#endif
