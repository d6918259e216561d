/*
 * content_file: a file that holds one large content, and what becomes of it
 * when that is not needed any more: it is kept, with its blocks and its open
 * descriptor, for the next large content. Writing over blocks that are there
 * moves data only; a new file costs its blocks, a sync of its folder and, at
 * the end, its removal. README.md says why a name tells nothing of the owner.
 *
 * Of a message that waits the file is warm while its descriptor is open, and
 * cold when it would have to be opened by name; one whose writes and syncs all
 * went well is sound.
 */
#ifndef SPOOL_CONTENT_FILE_PRIV_H
#define SPOOL_CONTENT_FILE_PRIV_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "record_priv.h"

struct content;
struct home;
struct keeper;
struct space;

/* A file is as long as a multiple of this, so that no write reads first. */
enum { FILE_BLOCK = 4096 };

struct content_file {
	struct list node; /* while it is kept, or to be removed */
	/* The message's, one for each content that reads it, a fetch's. */
	atomic_uint refs;
	struct stored stored; /* of the content that it has now */
	struct buf head; /* owned: what stands in front, while it is warm */
	uint64_t room; /* how long the file is */
	int fd; /* owned; for writing; -1: not open */
	bool is_named; /* its name is on stable storage */
	bool is_found; /* a start found it: nobody here wrote what it has */
};

/* Files without a content, the one used last in front. */
struct content_files {
	const struct home *home; /* borrowed, as the next two */
	struct space *space;
	struct keeper *keeper;
	pthread_mutex_t lock;
	struct list spares; /* struct content_file */
	size_t count;
	uint64_t bytes;
	bool closed; /* none is kept any more */
};

void content_files_init(struct content_files *all, const struct home *home,
    struct space *space, struct keeper *keeper);
/* None may be kept any more: content_files_drop() came before. */
void content_files_clear(struct content_files *all);
/* How much room those that are kept take. */
uint64_t content_files_bytes(struct content_files *all);
/* Those that are kept go: their room is needed, or (`for_good`) it is the end.
 */
void content_files_drop(struct content_files *all, bool for_good);

/*
 * For the content of message `id`: one that was kept, or a new one of that
 * name. One reference. 0 or -errno. Blocks.
 */
int content_file_open(
    struct content_files *all, uint64_t id, struct content_file **out);
/* One that a record names; not open. */
struct content_file *content_file_found(const struct stored *stored);
struct content_file *content_file_ref(struct content_file *f);
/* NULL is allowed. Leaves the file on disk alone. */
void content_file_unref(struct content_file *f);
/*
 * To read it, at once, with its head: NULL when it is not open. Under the lock that
 * guards the descriptor (the journal's).
 */
struct content *content_file_reader(struct content_file *f);
/* The same for one that is not open, or not any more; the head is copied. Blocks. */
struct content *content_file_open_reader(
    const struct home *home, struct content_file *f, struct span head);
/* Closes the descriptor, and forgets the head; who reads has their own. */
void content_file_cool(struct content_file *f);
/* Copies what stands in front of its content, for who reads it while it is warm. */
void content_file_keep_head(struct content_file *f, struct span head);
/*
 * No record needs it any more, for which that has to be on stable storage. It
 * is kept for the next content if `is_sound`, nobody reads it and there is
 * room; or removed. Takes a reference.
 */
void content_file_release_take(
    struct content_files *all, struct content_file *f, bool is_sound);

#endif
