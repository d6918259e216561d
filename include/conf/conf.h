/*
 * conf: the configuration as checked values. conf_read() turns libConfuse's
 * text into one; everything is checked there, with file and line in the
 * message. A snapshot never changes; a reload makes a new one. Counted by
 * reference, from every thread.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/network.h"
#include "base/span.h"

struct findings;

enum conf_listen_tls {
	LISTEN_STARTTLS,
	LISTEN_IMPLICIT,
	LISTEN_NONE, /* for devices: neither TLS nor a login */
	LISTEN_LOCAL, /* a socket of this machine: its users are who they are */
};
/*
 * Logins by tokens of an authorization server (RFC 7628): of its issuer and for
 * this audience, with keys from a file or a URL (RFC 7517), or looked at by the
 * server itself (RFC 7662).
 */
struct conf_oauth {
	char *issuer, *audience; /* NULL: any, with introspection alone */
	char *jwks_file, *jwks_url, *introspection_url; /* one of them */
	char *client_id, *client_secret_file; /* of ours, for introspection */
	char *account_claim; /* which says whose account it is */
	int line;
};

enum conf_auth_backend { AUTH_BACKEND_USERS, AUTH_BACKEND_CYRUS };
enum conf_log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
enum conf_line_endings {
	LINE_ENDINGS_MEND, /* a bare LF in content is made CRLF */
	LINE_ENDINGS_REFUSE,
};
/* What becomes of a header whose authors are not the account's. */
enum conf_from {
	FROM_REJECT, /* 550 */
	FROM_REWRITE, /* From becomes the account's */
	FROM_SENDER, /* From stays, Sender becomes the account's */
	FROM_ANY, /* it is not looked at */
};
enum conf_relay_tls {
	RELAY_TLS_OPPORTUNISTIC, /* if offered, not verified */
	RELAY_TLS_REQUIRE, /* STARTTLS, verified, or not at all */
	RELAY_TLS_IMPLICIT, /* submissions://: TLS at once, verified */
};

enum { CONF_NETWORKS_MOST = 32 };

struct conf_listen {
	char *name; /* the section's title */
	char *address; /* numeric, without the port; "" for every address */
	uint16_t port;
	/* LISTEN_LOCAL: its path, where address is "" and port 0; else NULL. */
	char *socket;
	enum conf_listen_tls tls;
	/* Of balancers, which say who the client is (smtp/proxy.h). */
	struct network proxies[CONF_NETWORKS_MOST];
	size_t nproxies;
	/* LISTEN_NONE: from where, and whose account that is. */
	struct network networks[CONF_NETWORKS_MOST];
	size_t nnetworks;
	char *account; /* owned; NULL: none */
	int line; /* 0: not from the file */
};

struct conf_certificate {
	char *name; /* lower case, for whom (SNI); NULL: the default one */
	char *certificate, *key; /* PEM files */
	/* Of the default one: whose certificates log in; NULL: nobody's. */
	char *client_ca;
	int line; /* 0: not from the file */
};

/* What an account may do in a while. */
enum conf_budget { CONF_MESSAGES, CONF_RECIPIENTS, CONF_NEW_RECIPIENTS };
enum { CONF_BUDGETS = CONF_NEW_RECIPIENTS + 1, CONF_RATES_MOST = 8 };
/* As the configuration calls it. */
const char *conf_budget_name(enum conf_budget budget);

struct conf_rate {
	uint32_t most, seconds; /* so many within any such time */
};

struct conf_rates {
	struct conf_rate list[CONF_RATES_MOST];
	size_t n; /* 0: no bound */
	bool is_none; /* which was said in so many words */
};

/* What becomes of what a budget has no room for. */
enum conf_over {
	OVER_REFUSE, /* 4xx */
	OVER_HOLD, /* accepted, and let go when there is room */
};

/* SHA-256 of a client's certificate. */
struct conf_fingerprint {
	unsigned char sha256[32];
};
enum { CONF_FINGERPRINTS_MOST = 8 };

struct conf_account {
	char *name; /* NULL: default */
	char **
	    send_as; /* patterns: "$login", "$login+*", "a@b.test", "*@b.test" */
	size_t nsend_as;
	enum conf_from from;
	bool bulk; /* it writes to many who did not write first */
	struct conf_rates budgets[CONF_BUDGETS];
	enum conf_over over;
	bool brake; /* it is held when it departs from its habit */
	uint32_t held_messages; /* OVER_HOLD: so many at once */
	bool suppress; /* what a host refused for good is refused */
	/* Owned: of certificates that log in to it. */
	struct conf_fingerprint *fingerprints;
	size_t nfingerprints;
	int priority; /* MT-PRIORITY: no more than that */
	bool has_uid; /* a user of this machine is this account: */
	uint32_t uid;
	bool has_suppress; /* while it is read: it was said */
	int line;
};

struct conf_route {
	char *domain; /* lower case; NULL: default */
	char *host; /* of the relay; NULL: by MX */
	uint16_t port;
	enum conf_relay_tls tls; /* at the relay, or at the MX hosts */
	char *login; /* NULL: no login */
	char *password_file; /* set exactly when login is */
	int line;
};

/* What becomes of a message that a filter cannot be asked about. */
enum conf_away {
	AWAY_TEMPFAIL, /* 451 */
	AWAY_ACCEPT, /* it goes on without */
	AWAY_HOLD, /* it is taken, and held for the operator */
};
/* When a filter is asked. */
enum conf_when {
	WHEN_BEFORE, /* before the client hears 250 */
	WHEN_AFTER, /* after it, and before any of the message leaves */
};
enum { CONF_FILTERS_MOST = 16 };

/* A filter that speaks the milter protocol. */
struct conf_filter {
	char *name; /* the section's title */
	char *socket; /* as it was written */
	char *path; /* of a Unix socket; NULL: there is an address */
	char host[64]; /* numeric */
	uint16_t port;
	enum conf_away away;
	enum conf_when when;
	uint32_t timeout; /* s, for an answer */
	uint32_t connections; /* at once, of all workers */
	int line;
};

enum { CONF_ADDRESSES_MOST = 16 };

struct conf_limits {
	uint32_t sessions; /* receiving connections at once */
	uint32_t sessions_per_address;
	uint32_t strangers_per_address; /* sessions that have not logged in */
	uint32_t recipients; /* a message */
	uint32_t errors; /* bad commands before 421 */
	uint32_t auth_failures; /* a connection */
	uint32_t received; /* Received lines: a loop beyond it */
	uint64_t header; /* bytes of a message's header */
	uint32_t line; /* octets of a line of content, without CRLF */
	uint32_t login_timeout; /* s, from the connection to the login */
	uint32_t timeout; /* s, for a command; 300 */
};

struct conf {
	char *file; /* where it came from */
	int *lines; /* of each option outside of titled sections; 0: default */
	char *hostname;
	enum conf_line_endings line_endings;
	/* File: which country an address is in; NULL: the usual one, if any. */
	char *countries;
	char *notify; /* whom the relay writes to; NULL: nobody */
	char **public_addresses; /* that mail goes out from; none: learnt */
	size_t npublic_addresses;
	bool received_client; /* Received shows the client's name and address */

	struct conf_listen *listens;
	size_t nlistens;
	struct conf_certificate *certificates; /* first: the default one */
	size_t ncertificates;

	char **mechanisms; /* in upper case, strongest first as written */
	size_t nmechanisms;
	char *users; /* file */
	char *aliases; /* file: further addresses of accounts; NULL: none */
	enum conf_auth_backend backend;
	uint32_t auth_remember; /* s that a checked password is remembered */
	bool auth_delay; /* guessing is slowed; off for tests */
	struct conf_oauth *oauth; /* owned; NULL: no tokens are taken */
	uint32_t auth_iterations; /* of PBKDF2, in new keys */

	struct conf_account *accounts; /* by name, the default one last */
	size_t naccounts;

	char *spool_directory;
	char *state_directory; /* what is kept beside it */
	char *dkim_directory; /* keys */
	double spool_reserve; /* percent */
	uint64_t max_message; /* bytes */

	uint32_t *retry; /* s; the last one repeats */
	size_t nretry;
	uint32_t expire, delay_warning; /* s; 0: no warning */

	char **resolvers; /* "127.0.0.1:53"; none: the system's */
	size_t nresolvers;

	uint16_t deliver_port;
	bool allow_loopback;
	struct network *refuse; /* where nothing is delivered to by MX */
	size_t nrefuse;
	uint32_t deliver_connections; /* to all hosts, at once */
	uint32_t max_lanes; /* connections to one site */
	uint32_t lane_idle; /* s that an idle one is kept */
	uint32_t lane_messages; /* on one connection */
	bool chunking; /* BDAT where it is offered */
	uint32_t deliver_timeout; /* s, to connect; others follow RFC 5321 */

	struct conf_route *routes; /* by domain, the default one last */
	size_t nroutes;

	struct conf_filter *filters; /* in the order of the file */
	size_t nfilters;

	uint32_t workers; /* 0: one a processor */
	char *control_socket;
	char *http_address; /* NULL: off */

	char *log_target; /* "stderr" or a file */
	enum conf_log_format log_format;
	int log_level; /* enum log_level */

	struct conf_limits limits;
};

/*
 * Reads and checks. NULL and `err` ("FILE:LINE: what") when anything is wrong.
 * Does not open the files that it names (postern check and the start do).
 * `warnings` gets one line for each thing that is accepted and does nothing; it
 * is empty after an error.
 * `hostname` is used when the file has none (the caller asked the system).
 */
struct conf *conf_read(const char *file, const char *hostname,
    struct buf *warnings, struct err *err);
/* The same of a text; `file` is for messages. */
struct conf *conf_parse(struct span text, const char *file,
    const char *hostname, struct buf *warnings, struct err *err);
/*
 * Both, told in full: every wrong value is a finding, and the first error of
 * form, and each thing that is accepted and hardly meant. NULL when there is an
 * error.
 */
struct conf *
conf_read_all(const char *file, const char *hostname, struct findings *f);
struct conf *conf_parse_all(struct span text, const char *file,
    const char *hostname, struct findings *f);
/* Where "spool.directory" and the like are written; 0: nowhere, the default. */
int conf_line(const struct conf *conf, const char *key);
struct conf *conf_ref(const struct conf *conf);
void conf_unref(const struct conf *conf);

/* Whether a filter is asked then. */
bool conf_has_filter(const struct conf *conf, enum conf_when when);
/* The account's entry, or the default one; never NULL. */
const struct conf_account *
conf_account(const struct conf *conf, struct span login);
/* The account that a certificate with that SHA-256 logs in to; NULL: there is none. */
const struct conf_account *
conf_account_of(const struct conf *conf, const unsigned char sha256[32]);
/* That which is a user of this machine's; NULL: no section says so. */
const struct conf_account *
conf_account_of_uid(const struct conf *conf, uint32_t uid);
/*
 * Whether somebody may be that account without a login: a device's, one that a user
 * of this machine has, or that user by name (LOGIN@hostname) where there is a socket
 * for them.
 */
bool conf_needs_no_login(const struct conf *conf, struct span name);
/* "by MX, TLS required and verified": what a route means, for people. */
void conf_route_say(const struct conf_route *r, struct buf *out);
/* The route of a domain (case does not matter), the default, or NULL: MX. */
const struct conf_route *
conf_route(const struct conf *conf, struct span domain);

/* "$login", "$login+*", "a@b.test", "*@b.test": what send-as may have. */
bool conf_pattern_is_valid(struct span text);
/* "1min", "2h", "5d", "30s", "90": seconds. */
bool conf_parse_duration(struct span text, uint32_t *seconds);
/* "50mb", "64kb", "1gb", "1000": bytes, powers of 1024. */
bool conf_parse_size(struct span text, uint64_t *bytes);
/* "192.0.2.1:25", "[2001:db8::1]:25", ":465", "*:465". */
bool conf_parse_address(
    struct span text, char *host, size_t host_size, uint16_t *port);
/*
 * Whether one of two such hosts is in the way of the other at the same port: the
 * same address however it is written, or one that stands for all of its family;
 * "" stands for all of both.
 */
bool conf_addresses_meet(const char *one, const char *other);

#endif
