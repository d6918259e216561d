/*
 * resolver: one question to the name servers, one answer. c-ares asks; libuv
 * waits. Knows nothing of what the answers are for, and asks at once, however
 * many questions are under way: who asks has the bound.
 */
#ifndef DNS_RESOLVER_H
#define DNS_RESOLVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct dns_answer;
struct loop;
struct question;
struct resolver;

/* `answer` is borrowed for the call. */
typedef void (*resolver_cb)(const struct dns_answer *answer, void *arg);

/* `servers`: "192.0.2.1:53", "[2001:db8::53]:53"; none: the system's. */
struct resolver *resolver_new(
    struct loop *loop, char *const *servers, size_t nservers, struct err *err);
/*
 * Questions under way end without a callback, and are no more. The memory goes
 * later, on the loop. NULL is allowed.
 */
void resolver_close(struct resolver *r);

/*
 * Asks for the records of that type (enum dns_type) at `name`, which is a name as
 * RFC 1035 has it. The answer comes once, later, on the loop.
 */
struct question *resolver_ask(struct resolver *r, const char *name,
    uint16_t type, resolver_cb cb, void *arg);
/*
 * No callback comes any more. c-ares takes back no question: an answer to it is
 * thrown away.
 */
void resolver_forget(struct question *q);
/* The servers as text, for people. */
const char *resolver_servers(const struct resolver *r);

#endif
