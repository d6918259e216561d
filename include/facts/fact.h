/*
 * fact: something that happened, as a value: its kind and fields that have types.
 * A fact is made once, where it happened:
 *
 *	FACT(DONE, fact_id("qid", id), fact_ms("delay", age));
 *
 * and given to the sinks (the log as text or JSON, others), none of which has to
 * read what another one wrote. Kinds are counted, and have their name and level,
 * in one table (fact.c). Safe from every thread; pure but for its sinks, which
 * main sets before there is a second thread.
 */
#ifndef FACTS_FACT_H
#define FACTS_FACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/span.h"

/* A suffix tells apart what has one name and not one level. */
enum fact_kind {
	/* a client's connection: sid, client */
	FACT_CONNECTED,
	FACT_PROBED, /* it came and went without a word */
	FACT_CLOSED,
	FACT_SESSION, /* from one state to another */
	FACT_DROPPED, /* we end it; or a report that nobody gets */
	FACT_DROPPED_WARN,
	FACT_TLS_FAILED,
	FACT_LOGIN,
	FACT_LOGIN_FAILED,
	FACT_LOGIN_FAILED_ERROR, /* not by the client's fault */
	FACT_LOGIN_CANCELLED,
	FACT_REFUSED, /* a connection, a sender, a message */
	FACT_REFUSED_INFO,
	FACT_ACCEPT_FAILED,
	/* a message: qid */
	FACT_ACCEPTED,
	FACT_DONE,
	FACT_LEG,
	FACT_MESSAGE,
	FACT_BOUNCED,
	FACT_WARNED,
	FACT_CONFIRMED,
	FACT_FILTERED, /* what a filter did with it: filter, did, reason */
	FACT_FILTER_AWAY, /* it could not be asked: filter, reason, message */
	FACT_REPORT_NOT_STORED,
	FACT_REPORT_WITHOUT_HEADER,
	FACT_CONTENT_UNREADABLE,
	/* and one of its recipients: to */
	FACT_DELIVERED,
	FACT_DEFERRED,
	FACT_FAILED,
	FACT_EXPIRED,
	FACT_REMOVED,
	/* an account's budget: user, budget, window, used, most */
	FACT_BUDGET_REFUSED,
	FACT_BUDGET_HELD,
	FACT_BUDGET_LET_GO,
	FACT_BUDGET_WARNING,
	FACT_BRAKED, /* an account: user, and the signs */
	/* the way out */
	FACT_LANE,
	FACT_CLIENT,
	FACT_LOOKUP,
	FACT_LANE_FAILED,
	FACT_SITE_CLOSED,
	FACT_RELAY_LOGIN_FAILED,
	FACT_ROUTE_UNUSABLE,
	FACT_DELIVERY_PAUSED,
	FACT_DELIVERY_RESUMED,
	/* domains of From: domain */
	FACT_SENDING_DOMAIN, /* it was looked at: what is news of it */
	FACT_SENDING_DOMAIN_WARN, /* receivers will refuse it */
	FACT_DOMAIN_HELD, /* a host does not believe it */
	FACT_DOMAIN_HELD_TOO, /* and another one */
	FACT_DOMAIN_LET_GO,
	FACT_MISTRUSTED, /* a message of one that is held: qid, domain, to */
	/* DKIM */
	FACT_SUPPRESSED,
	FACT_RECIPIENT_SUPPRESSED,
	FACT_CONVERTED, /* for a host that lacks 8BITMIME or BINARYMIME */
	FACT_SIGNED,
	FACT_NOT_SIGNED, /* though there is a key, or may be */
	FACT_DKIM_KEYS, /* read anew */
	FACT_DKIM_KEY, /* a file that is of no use */
	FACT_DKIM_KEY_OPEN, /* others can read it */
	FACT_DKIM_KEY_GONE,
	FACT_DKIM_KEY_OLD,
	FACT_DKIM_STATE, /* a key has another one */
	FACT_DKIM_RECORD, /* what the DNS says of a key that waits */
	FACT_DKIM_RECORD_WRONG, /* and of one that signs */
	/* accounts */
	FACT_PROXY_BAD, /* a balancer does not say who its client is */
	FACT_LOST, /* to another machine */
	FACT_RELEASED, /* its sender wanted it to wait until now */
	FACT_COUNTRIES_READ,
	FACT_COUNTRIES_UNREADABLE,
	FACT_ALIASES_READ,
	FACT_ALIASES_UNREADABLE,
	FACT_USERS_READ,
	FACT_OAUTH_KEYS, /* could not be had */
	FACT_USERS_UNREADABLE,
	FACT_KEY_RENEWED,
	FACT_KEY_RENEWAL_FAILED,
	FACT_LOGIN_KEY_NOT_KEPT,
	FACT_SASL,
	FACT_SASL_DEBUG,
	/* the spool */
	FACT_SPOOL_OPEN,
	FACT_SPOOL_REFUSED,
	FACT_SPOOL_STOPPED,
	FACT_SPOOL_RESUMED,
	FACT_SPOOL_FAULT,
	FACT_SPOOL_UNRECORDED,
	FACT_SPOOL_DAMAGED,
	FACT_SPOOL_UNREADABLE,
	FACT_SPOOL_TORN,
	FACT_SPOOL_UNUSED,
	FACT_SPOOL_ORPHAN,
	FACT_SPOOL_FOREIGN_FILE,
	FACT_SPOOL_SET_ASIDE_FAILED,
	FACT_SPOOL_CONTENT_FAILED,
	FACT_SPOOL_READ_FAILED,
	FACT_SPOOL_WORDS_DAMAGED,
	FACT_SPOOL_REMOVE_FAILED,
	FACT_SPOOL_DROP_FAILED,
	FACT_SPOOL_SPARE_FAILED,
	/* what is kept beside it */
	FACT_STATE_OPEN,
	FACT_STATE_FAULT,
	FACT_STATE_DAMAGED,
	FACT_STATE_GONE,
	FACT_STOPS_DAMAGED,
	FACT_STOPS_NOT_KEPT,
	/* the relay itself */
	FACT_STARTED,
	FACT_STOPPING,
	FACT_STOPPED,
	FACT_QUEUE_LOADED,
	FACT_CONFIGURATION,
	FACT_CONFIGURATION_ERROR,
	FACT_CERTIFICATE_TAKEN,
	FACT_CERTIFICATE_REFUSED,
	FACT_CERTIFICATE_ENDS,
	FACT_RELOADED,
	FACT_RELOADED_IN_PART,
	FACT_RELOAD_FAILED,
	FACT_RELOAD,
	FACT_LOG_DROPPED,
	FACT_OPERATOR,
};
enum { FACT_KINDS = FACT_OPERATOR + 1 };

enum fact_type {
	FACT_TEXT, /* anybody's: any bytes */
	FACT_WORDS, /* the same, and long: a reply of many lines */
	FACT_WORD, /* ours: letters, digits, and what does no harm */
	FACT_ADDRESS, /* a mailbox, which is shown in <>; empty: the null path */
	FACT_NUMBER,
	FACT_MS, /* numbers with a unit */
	FACT_S,
};

struct fact_field {
	/* Of letters, digits, '_' and '-'. NULL: there is nothing to tell. */
	const char *name;
	enum fact_type type;
	struct span text; /* borrowed for the call */
	uint64_t number;
	char id[24]; /* of fact_id(): what `text` would be */
};

struct fact {
	enum fact_kind kind;
	const struct fact_field
	    *fields; /* borrowed, as the sink's call lasts */
	size_t nfields;
};

const char *fact_name(enum fact_kind kind);
enum log_level fact_level(enum fact_kind kind);
/* The field of that name; NULL: it has none. */
const struct fact_field *fact_find(const struct fact *fact, const char *name);

/* --- fields --- */

struct fact_field fact_text(const char *name, struct span text);
struct fact_field fact_words(const char *name, struct span text);
/* Of a terminated string; NULL is empty. */
struct fact_field fact_string(const char *name, const char *text);
struct fact_field fact_word(const char *name, const char *word);
struct fact_field fact_span(const char *name, struct span word);
/* The same, but without one it is left out of what is written. */
struct fact_field fact_any(const char *name, struct span word);
struct fact_field fact_address(const char *name, struct span address);
struct fact_field fact_number(const char *name, uint64_t n);
struct fact_field fact_ms(const char *name, uint64_t n);
struct fact_field fact_s(const char *name, uint64_t n);
/* A message's id, as everybody calls it. */
struct fact_field fact_id(const char *name, uint64_t id);

/* --- telling --- */

typedef void (*fact_sink)(const struct fact *fact, void *arg);
enum { FACT_SINKS = 4 };
/* Who hears of each fact that the log's level lets through. NULL sets none. */
void facts_set_log(fact_sink sink, void *arg);
/* Who hears of those kinds, whatever the level; until facts_forget_sinks(). */
void facts_add_sink(
    fact_sink sink, void *arg, const enum fact_kind *kinds, size_t nkinds);
void facts_forget_sinks(void);
/* Counts it; whether anybody wants to hear more. */
bool fact_count(enum fact_kind kind);
void
fact_tell(enum fact_kind kind, const struct fact_field *fields, size_t nfields);

/* Fields are made only when somebody wants to hear of them. */
#define FACT_FIELDS(...) ((const struct fact_field[]){ __VA_ARGS__ })
#define FACT(kind_, ...)                                                       \
	do {                                                                   \
		if (fact_count(FACT_##kind_))                                  \
			fact_tell(FACT_##kind_, FACT_FIELDS(__VA_ARGS__),      \
			    sizeof FACT_FIELDS(__VA_ARGS__) /                  \
				sizeof(struct fact_field));                    \
	} while (0)

#endif
