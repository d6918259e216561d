/*
 * target: where the lanes of a site connect, and how: hosts with their
 * addresses in the order to try them, TLS, login. Never changes; counted by
 * reference, from any thread.
 */
#ifndef SCHED_TARGET_H
#define SCHED_TARGET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/span.h"

enum target_tls {
	TARGET_TLS_OPPORTUNISTIC, /* if offered; not verified */
	TARGET_TLS_REQUIRE, /* STARTTLS, verified, or not at all */
	TARGET_TLS_IMPLICIT, /* from the first byte, verified */
};

/*
 * A host has the addresses that were added behind it. Hosts of one group are
 * preferred alike; group 0 is the most preferred, and groups ascend.
 */
struct target_host {
	char *name; /* owned */
	uint16_t group;
	uint32_t first, naddresses; /* into the target's addresses; may be 0 */
};

struct target_address {
	const char *host; /* its name; points into the target */
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} to; /* with the port */
};

struct target {
	_Atomic int refs;
	enum target_tls tls;
	char *because; /* owned; what in the configuration says so, or NULL */
	bool chunking; /* CHUNKING (RFC 3030) is used where it is offered */
	char *login; /* owned; NULL: no login */
	struct secret password;
	char *hostname; /* owned; our EHLO name */
	uint32_t timeout; /* s, to connect */
	uint32_t idle; /* s that a lane is kept without work */
	uint32_t messages; /* on one connection */
	uint32_t nhosts, naddresses;
	struct target_host *hosts; /* owned */
	struct target_address *addresses; /* owned */
};

struct target *target_new(void);
/* Adds a host; addresses that follow belong to it. */
void target_add_host(struct target *t, struct span name, uint16_t group);
void
target_add_address(struct target *t, const struct sockaddr *sa, uint16_t port);
struct target *target_ref(struct target *t);
void target_unref(struct target *t);

/* "mx.test [192.0.2.1]:25"; "[192.0.2.1]:25" when that is its name. */
void target_host_text(const struct target_address *a, char *out, size_t size);
/*
 * Whom the certificate of that host must be for: its name, as MX or the
 * configuration has it. For "[192.0.2.1]" (RFC 5321 4.1.3), the address in it.
 */
void target_certificate_name(const char *host, char *out, size_t size);

enum { TARGET_ADDRESS_TEXT = 64 };
/* "192.0.2.1" or "2001:db8::1". */
void
target_address_text(const struct sockaddr *sa, char out[TARGET_ADDRESS_TEXT]);
/*
 * Loopback, unspecified, link-local, multicast and broadcast: where mail is
 * not sent because DNS says so.
 */
bool target_address_is_special(const struct sockaddr *sa);
/* Of these, what is no host's: the operator cannot mean it either. */
bool target_address_is_nowhere(const struct sockaddr *sa);

#endif
