/*
 * seats: who may connect. Counts the receiving sessions, in all and for each
 * host (struct peer's idea of one), and those of them that have not logged in.
 * A host from which somebody logged in within the last hour is a guest: some
 * seats are kept for guests, and their sessions are not limited before the
 * login. No clock of its own: `now` is monotonic, ms.
 */
#ifndef POLICY_SEATS_H
#define POLICY_SEATS_H

#include <stdbool.h>
#include <stdint.h>

struct conf_limits;
struct seat;
struct seats;

enum {
	SEATS_KEPT_PART = 8, /* of limits.sessions, for guests */
	SEATS_SCARCE_PART = 5, /* of limits.strangers-per-address, when more */
	/* than half of all seats are taken */
	SEATS_GUEST_MS = 3600000,
	SEATS_GUESTS_MOST = 65536, /* hosts that are remembered */
	SEATS_REFUSALS_MOST = 64, /* connections that are told so, at once */
};

struct seats *seats_new(const uint64_t seed[2]);
/* After the last seat was left. */
void seats_free(struct seats *s);

/*
 * A seat for a connection from `host`; *why is NULL. Or one in which it is told
 * that it may not stay: *why is the key of the configuration that says so. NULL:
 * there is not even that. What is returned is given to seats_leave().
 */
struct seat *seats_take(struct seats *s, const struct conf_limits *limits,
    uint64_t host, uint64_t now, const char **why);
/* Its client has logged in. */
void seats_log_in(struct seats *s, struct seat *seat, uint64_t now);
void seats_leave(struct seats *s, struct seat *seat, uint64_t now);

/* Sessions, those that are only refused among them. */
uint32_t seats_taken(const struct seats *s);
/* More than half of the seats are taken. */
bool seats_are_scarce(const struct seats *s, const struct conf_limits *limits);
/*
 * How many connections of the host were refused since this last said so; 0: it
 * was said within the last minute. For a log that no flood fills.
 */
uint32_t seats_refusals(struct seats *s, uint64_t host, uint64_t now);

#endif
