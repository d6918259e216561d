/*
 * tape: a disk that works and writes down everything that is done to it, so
 * that every state can be made that a loss of power could have left: any
 * prefix of the calls; of the writes not yet synced any subset, and any part of
 * each; of the names not yet synced any prefix, as file systems keep the order
 * of those.
 */
#ifndef TESTS_SPOOL_TAPE_H
#define TESTS_SPOOL_TAPE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/spool/disk_priv.h"

enum tape_kind {
	TAPE_WRITE,
	TAPE_SIZE, /* allocate */
	TAPE_CUT, /* truncate */
	TAPE_SYNC,
	TAPE_MAKE,
	TAPE_RENAME,
	TAPE_UNLINK,
	TAPE_SYNC_FOLDER,
	TAPE_MARK, /* what the workload knows: mark, id */
};

struct tape_op {
	enum tape_kind kind;
	int file; /* which: an index into tape.files */
	int folder; /* enum tape_folder */
	char name[32], to[32];
	uint64_t at, len;
	uint8_t *data; /* owned */
	int mark;
	uint64_t id, value;
};

enum tape_folder { TAPE_JOURNAL, TAPE_CONTENT, TAPE_FOLDERS };

struct tape {
	struct disk disk;
	pthread_mutex_t lock;
	struct tape_op *ops; /* owned */
	size_t n, cap;
	uint64_t *inodes; /* of files, by index; owned */
	int nfiles;
	uint64_t folders[TAPE_FOLDERS]; /* inodes; 0: not seen yet */
	pthread_cond_t turn;
	pthread_t held; /* whose writes stop at the gate */
	bool is_shut, somebody_waits, may_pass;
	const char *directory; /* borrowed */
};

void tape_init(struct tape *t, const char *directory);
void tape_clear(struct tape *t);
void tape_mark(struct tape *t, int mark, uint64_t id, uint64_t value);

/*
 * From here on that thread stops at its next write, so that what it is to write
 * afterwards can be laid ready. Another thread shuts, waits and opens.
 */
void tape_shut(struct tape *t, pthread_t thread);
void tape_wait_for_somebody(struct tape *t);
/* It makes the write that it stopped at, and stops at the next one. */
void tape_let_one_pass(struct tape *t);
void tape_open_gate(struct tape *t);

/* How a state is chosen: deterministic for a seed. */
struct tape_choice {
	size_t prefix; /* so many ops were begun */
	uint64_t seed; /* 0: everything unsynced is lost; 1: nothing is */
};

/*
 * Makes the state in a fresh folder. Returns how many unsynced calls there were
 * to choose from.
 */
size_t tape_restore(
    const struct tape *t, const struct tape_choice *c, const char *directory);

#endif
