/*
 * lookup: from a domain to the hosts that take its mail (RFC 5321 5.1, RFC 7505),
 * each with its addresses; or from a relay's name to its addresses. A pure core:
 * it is told answers and says what to ask next. Asks nobody itself.
 */
#ifndef ROUTE_LOOKUP_H
#define ROUTE_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "dns/answer.h"

enum lookup_status {
	LOOKUP_FOUND,
	LOOKUP_NULL_MX, /* the domain takes no mail; final, 5.1.10 */
	LOOKUP_NO_DOMAIN, /* NXDOMAIN, or neither MX nor address; final, 5.1.2 */
	LOOKUP_TEMPORARY, /* all else: servers down, bad answers; 4.4.3 */
};

enum {
	LOOKUP_HOSTS_MAX = 16,
	/* MX or the hosts file first, then two kinds of addresses a host. */
	LOOKUP_QUESTIONS_MAX = 1 + 2 * LOOKUP_HOSTS_MAX,
};

struct lookup_host {
	char name[DNS_NAME_MAX]; /* lower case, without a dot at the end */
	uint16_t preference;
	unsigned naddresses;
	union dns_address addresses[DNS_ADDRESSES_MAX]; /* port 0 */
};

struct lookup_answer {
	enum lookup_status status;
	uint32_t ttl; /* s that the answer may be kept */
	unsigned nhosts; /* ordered by preference, equal ones by name */
	struct lookup_host *hosts;
	char detail
	    [256]; /* what was asked and what came, when not all is well */
};

enum lookup_state {
	LOOKUP_NEW,
	LOOKUP_FILE, /* the relay's name is looked for in the hosts file */
	LOOKUP_MX, /* the domain's mail hosts are asked for */
	LOOKUP_HOSTS, /* ... and the addresses of all of them at once */
	LOOKUP_OVER,
	LOOKUP_STATES,
};

enum lookup_event_type {
	LOOKUP_BEGIN,
	LOOKUP_ANSWERED, /* `answer`, or that there is none, to `question` */
	LOOKUP_CANCEL, /* nobody wants to know it any more */
};

struct lookup_event {
	enum lookup_event_type type;
	unsigned question;
	const struct dns_answer *answer; /* borrowed */
};

enum lookup_need_type {
	LOOKUP_NOTHING, /* wait for the questions that are open, if any */
	LOOKUP_ASK, /* ask questions `first` to `end` - 1 */
	LOOKUP_DONE, /* `answer` is there */
};

struct lookup_need {
	enum lookup_need_type type;
	unsigned first, end;
	const struct lookup_answer *answer; /* lives as long as the lookup */
};

struct lookup;

struct lookup_options {
	struct span name; /* the domain, or the relay's host */
	bool is_mail; /* MX first; else that one host */
	const char *servers; /* borrowed: outlives it; for texts */
};

/*
 * A domain of the form "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 4.1.3) is
 * answered without a question. Hosts without an address are left out.
 */
struct lookup *lookup_new(const struct lookup_options *options);
void lookup_free(struct lookup *l);
struct lookup_need lookup_step(struct lookup *l, const struct lookup_event *ev);

/* What is to be asked: the type, and at which name (lives like the lookup). */
uint16_t lookup_question_type(const struct lookup *l, unsigned question);
const char *lookup_question_name(const struct lookup *l, unsigned question);
/* How many questions are open. */
unsigned lookup_open(const struct lookup *l);
enum lookup_state lookup_state(const struct lookup *l);
const char *lookup_state_name(enum lookup_state state);

#endif
