/*
 * space: what the file system has left above the reserve.
 */
#ifndef SPOOL_SPACE_PRIV_H
#define SPOOL_SPACE_PRIV_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct home;

struct space {
	const struct home *home; /* borrowed */
	pthread_mutex_t lock;
	bool known;
	uint64_t looked_at; /* monotonic ms */
	uint64_t bytes, inodes; /* above the reserve, then */
	_Atomic uint64_t taken; /* by us since */
	atomic_uint open_entries; /* each may bring more, and need a file */
};

void space_init(struct space *s, const struct home *home);
void space_clear(struct space *s);
/* Whether `size` more bytes and a file leave the reserve alone. */
bool space_has(struct space *s, uint64_t size);
/*
 * The same, of the file system as it is now: for what may as well wait and is
 * large beside what changes in a second.
 */
bool space_has_now(struct space *s, uint64_t size);
/* So much was written, beside what was allocated ahead. */
void space_took(struct space *s, uint64_t size);

#endif
