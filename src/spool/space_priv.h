/*
 * space: what the file system has left above the reserve.
 */
#ifndef SPOOL_SPACE_PRIV_H
#define SPOOL_SPACE_PRIV_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct journal;

struct space {
	pthread_mutex_t lock;
	bool known;
	uint64_t looked_at; /* monotonic ms */
	uint64_t bytes, inodes; /* above the reserve, then */
	_Atomic uint64_t taken; /* by us since */
};

void space_init(struct space *s);
void space_clear(struct space *s);
/* Whether `size` more bytes and a file leave the reserve alone. */
bool space_has(struct journal *j, uint64_t size);
/*
 * The same, of the file system as it is now: for what may as well wait and is
 * large beside what changes in a second.
 */
bool space_has_now(struct journal *j, uint64_t size);
/* So much was written, beside what was allocated ahead. */
void space_took(struct journal *j, uint64_t size);

#endif
