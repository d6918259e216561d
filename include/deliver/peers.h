/*
 * peers: what is remembered of the addresses that lanes connected to, so that the
 * next connection, of whichever worker, need not find it out again. Bounded: who was
 * told of longest ago is forgotten first. Counted by reference, and used from any
 * thread; times are monotonic milliseconds.
 */
#ifndef DELIVER_PEERS_H
#define DELIVER_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deliver/client.h"

struct peers;

enum {
	PEERS_CHUNKING_MS = 86400000, /* a day */
	PEERS_FAILED_MS = 600000, /* ten minutes */
};

struct peers *peers_new(size_t most, const uint64_t seed[2]);
struct peers *peers_ref(struct peers *p);
void peers_unref(struct peers *p);
size_t peers_count(struct peers *p);

/* `address`: "192.0.2.1:25". CHUNKING_UNKNOWN teaches nothing. */
void peers_learn_chunking(
    struct peers *p, const char *address, enum chunking what, uint64_t now);
enum chunking
peers_chunking(struct peers *p, const char *address, uint64_t now);
/* No connection, or none that came to anything, or it died; or one that did. */
void peers_set_failed(
    struct peers *p, const char *address, bool failed, uint64_t now);
bool peers_has_failed(struct peers *p, const char *address, uint64_t now);

#endif
