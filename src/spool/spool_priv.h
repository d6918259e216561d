/*
 * spool_priv: what an implementation of the spool provides. Each has a struct
 * of its own that begins with struct spool, and entries that begin with struct
 * spool_entry. spool.h has the contracts.
 */
#ifndef SPOOL_SPOOL_PRIV_H
#define SPOOL_SPOOL_PRIV_H

#include "io/mailbox.h"
#include "spool/spool.h"

/* Who wants to know when news is on disk. Without a `cb`: nobody. */
struct spool_wait {
	struct loop *loop; /* borrowed: where the answer goes */
	spool_done_cb cb;
	void *arg;
};

/* Room that is counted for what an open entry may bring next. */
enum { SPOOL_CHUNK = 256 * 1024 };
/* Buffers that are taken without being written. */
enum { SPOOL_TAKEN_MAX = 2 };

struct spool_ops {
	void (*close)(struct spool *s);
	enum spool_status (*room)(struct spool *s, uint64_t size);
	int (*scratch)(struct spool *s, struct err *err);
	/* Sets the id; spool.c sets the rest of the struct. */
	struct spool_entry *(*entry_open)(struct spool *s);
	void (*append_take)(struct spool_entry *e, struct buf *chunk,
	    spool_done_cb cb, void *arg);
	void (*entry_read)(struct spool_entry *e, spool_fetch_cb cb, void *arg);
	void (*commit)(struct spool_entry *e, const struct envelope *env,
	    struct content *content, spool_done_cb cb, void *arg);
	void (*drop)(struct spool_entry *e);
	/* `wait` says whom to answer; NULL: nobody asked. */
	void (*progress)(struct spool *s, uint64_t id,
	    const struct progress *rcpts, uint32_t n,
	    const struct spool_wait *wait);
	void (*set_flags)(struct spool *s, uint64_t id, uint32_t message_flags,
	    const struct spool_wait *wait);
	void (*done)(
	    struct spool *s, uint64_t id, const struct spool_wait *wait);
	struct content *(*content)(struct spool *s, uint64_t id);
	void (*rest)(struct spool *s, uint64_t id);
	void (*fetch)(struct spool *s, uint64_t id, bool to_send,
	    struct loop *loop, spool_fetch_cb cb, void *arg);
	struct reason *(*keep_reason_take)(struct spool *s, struct reason *r);
	void (*fetch_reasons)(struct spool *s, uint64_t id, struct loop *loop,
	    spool_reasons_cb cb, void *arg);
	void (*health)(struct spool *s, struct spool_health *out);
};

struct spool {
	const struct spool_ops *ops;
	_Atomic uint64_t last_id; /* of this machine's: given out, or found */
	uint8_t machine;
};

struct spool_entry {
	struct spool *spool; /* borrowed: outlives its entries */
	struct loop *loop; /* borrowed: where its answers go */
	uint64_t id;
	uint64_t file_id; /* what its file would be called */
	uint64_t appended;
	const struct progress *rows; /* borrowed until committed; NULL: fresh */
	uint32_t message_flags;
	bool replaces; /* a message of that id, which waits */
	struct spool_again again; /* then: what changes; borrowed alike */
};

void spool_init(struct spool *s, const struct spool_ops *ops, uint8_t machine);

/* Of each kind; spool_open() says what they promise. */
struct spool *journal_open(const struct spool_options *options,
    const struct spool_events *on, struct err *err);
struct spool *
mem_open(const struct spool_options *options, const struct spool_events *on);

/*
 * An id that no message of this spool ever had: above the last one, and no less
 * than the clock says, so that they also tell when.
 */
uint64_t spool_next_id(struct spool *s);
/* Ids up to this one are taken. */
void spool_id_seen(struct spool *s, uint64_t id);

/* Posts the outcome of news, if somebody waits for it. */
void spool_answer_wait(const struct spool_wait *wait, enum spool_status status);
/* Posts the outcome of a fetch; takes the content. */
void spool_answer_fetch(struct loop *loop, enum spool_status status,
    struct content *content_take, spool_fetch_cb cb, void *arg);

/* What a fetch of words brings. */
struct spool_reasons {
	struct parcel parcel;
	enum spool_status status;
	struct reason **reasons; /* owned, with a reference each */
	uint32_t n;
	spool_reasons_cb cb;
	void *arg;
};
/* Calls back, and frees it. */
void spool_reasons_end(struct spool_reasons *r);
/* The same on the loop's thread, later. */
void spool_answer_reasons(struct loop *loop, struct spool_reasons *r);

#endif
