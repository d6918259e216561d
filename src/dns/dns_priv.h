/*
 * dns_priv: what the files of this folder share. packet.c reads answers,
 * resolver.c has c-ares and the loop's handles, mx.c decides what to ask next
 * and what the answers mean.
 */
#ifndef DNS_PRIV_H
#define DNS_PRIV_H

#include "base/list.h"
#include "route/lookup.h"

enum {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_MX = 15,
	DNS_AAAA = 28
};

enum packet_status {
	PACKET_DATA,
	PACKET_NONE, /* the name is there, such records are not */
	PACKET_NO_NAME, /* NXDOMAIN */
	PACKET_BAD, /* malformed, cut, a referral, another code */
};

enum { PACKET_MX_MAX = 64 };

struct packet_mx {
	uint16_t preference;
	char name[MX_NAME_MAX]; /* lower case; "" is the root */
};

struct packet {
	uint32_t ttl; /* the smallest of all records that were used */
	unsigned nmx, naddresses;
	struct packet_mx mx[PACKET_MX_MAX];
	union mx_address addresses[MX_ADDRESSES_MAX];
	const char *why; /* PACKET_BAD: what is wrong with it */
};

/*
 * What a server's answer says about records of `type` at `name`, also behind
 * CNAMEs. Nothing in the packet is trusted; what does not fit is left out.
 */
enum packet_status packet_parse(
    struct span bytes, const char *name, uint16_t type, struct packet *out);

/*
 * A name to ask for: letters, digits, hyphens, and underscores (which no host
 * should have, yet some MX records have), labels of 63, 253 in all.
 */
bool dns_name_is_valid(struct span name);

struct resolver_options {
	unsigned timeout_ms; /* a try */
	unsigned tries;
	unsigned most; /* lookups under way; the rest waits in line */
};

/* resolver_new() with other than the usual patience, for tests. */
struct resolver *resolver_open(struct loop *loop, char *const *servers,
    size_t nservers, const struct resolver_options *options, struct err *err);

struct lookup_base;

struct question {
	struct lookup_base *lookup;
	unsigned host; /* index into the lookup's hosts */
	uint16_t type;
};

/* One question; the answer comes in lookup_on_answer(). */
void resolver_ask(
    struct resolver *r, const char *name, const struct question *question);
/*
 * What the system's hosts file says of a name; returns how many addresses. A
 * small local file: reading it does not wait.
 */
unsigned resolver_hosts_file(
    struct resolver *r, const char *name, union mx_address *out, unsigned most);
/* The servers as text, for details. */
const char *resolver_servers(const struct resolver *r);

/* In resolver.c's hands while it is there; `node` is first for the lists. */
struct lookup_base {
	struct list node;
	struct resolver *resolver; /* borrowed: frees the lookups as it ends */
	unsigned pending; /* questions under way */
	bool is_active; /* counts against resolver_options.most */
};

/* Takes it up: at once, or when another one has ended. */
void resolver_add(struct resolver *r, struct lookup_base *l);
/* Has lookup_advance() called soon, from the loop. */
void resolver_ready(struct resolver *r, struct lookup_base *l);
/* It is out of all lists; another one may begin. */
void resolver_remove(struct resolver *r, struct lookup_base *l);

/* These are mx.c's, called by resolver.c. */
void lookup_on_answer(
    const struct question *q, const char *failure, struct span bytes);
/* Nothing is under way for it: what is next? It may be gone afterwards. */
void lookup_advance(struct lookup_base *l);
void lookup_free(struct lookup_base *l);

#endif
