/*
 * race_io: connects to one of a host's addresses (RFC 8305). What is silent for
 * 250 ms gets company by the next address, so that a family without a way out costs
 * no more than that; two run at a time. The one that connects first wins; the
 * loser has not failed, and may be tried later.
 */
#ifndef DELIVER_RACE_IO_H
#define DELIVER_RACE_IO_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct peers;
struct race;
struct stream;
struct target;

enum { RACE_HEAD_START_MS = 250 };

/* Never inside of a call to the race. `address`: into the target's. */
struct race_events {
	/* The stream is the callee's; the race stands still. */
	void (*won)(struct stream *s, uint32_t address, void *arg);
	/* It goes on with the others. */
	void (*failed)(uint32_t address, const char *why, void *arg);
	/* No address is left, or none can be tried for want of a descriptor. */
	void (*lost)(bool no_descriptor, void *arg);
	void *arg;
};

/* Borrows loop, target and peers, which live longer. What failed is tried last. */
struct race *race_new(struct loop *loop, const struct target *target,
    uint32_t host, struct peers *peers, const struct race_events *events);
/* Among the addresses that have neither failed nor won. */
void race_go(struct race *r);
/* Alone first that address, which had won before. */
void race_go_again(struct race *r, uint32_t address);
/* Whether there is an address left. */
bool race_may_go(const struct race *r);
/* No event comes any more, until it goes again. */
void race_stop(struct race *r);
void race_free(struct race *r);

#endif
