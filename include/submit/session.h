/*
 * session: the receiving side of one connection (RFC 5321, 6409, 4954, 3207)
 * as a machine without a socket: an event goes in, replies come out, and the
 * session says the one thing it needs next. It never waits and calls nobody.
 */
#ifndef SUBMIT_SESSION_H
#define SUBMIT_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

struct aliases;
struct conf;
struct draft;
struct session;

enum session_need {
	SESSION_INPUT, /* more bytes from the client */
	SESSION_TLS, /* write `out`, then shake hands */
	SESSION_AUTH, /* do session_auth() */
	SESSION_INTAKE, /* do what session_draft() needs */
	SESSION_CLOSE, /* write `out`, then close */
};

enum session_event_type {
	EVENT_OPEN, /* connected (implicit TLS: hands shaken): greet */
	EVENT_INPUT, /* `in` has more */
	EVENT_TLS, /* the handshake after STARTTLS is done */
	EVENT_AUTH, /* the exchange answered: `auth`, `data`, `login` */
	EVENT_INTAKE, /* what the draft needed is done, or `refusal` says why not */
	EVENT_TIMEOUT, /* session_due() has come */
	EVENT_SHUTDOWN, /* the relay stops: say so and close */
	EVENT_LOOK, /* `login_ended`, if it awaits a command: say so and close */
	EVENT_END, /* the client is gone */
};

/* What became of an authentication step. */
enum session_authed {
	AUTHED_CONTINUE,
	AUTHED_OK,
	AUTHED_BAD,
	AUTHED_MALFORMED,
	AUTHED_TEMPORARY,
};

struct session_event {
	enum session_event_type type;
	struct span *in; /* all events: the input buffer, taken from */
	int64_t now; /* wall clock, ms */
	uint64_t tick; /* monotonic clock, ms */
	bool is_crowded; /* more than half of the relay's seats are taken */
	/* The account is gone, suspended, or has another password by now. */
	bool login_ended;
	bool
	    is_dismissed; /* EVENT_SHUTDOWN: the operator ends this one alone */
	uint64_t random; /* for a Message-ID */
	/* Further addresses of accounts; borrowed for the step; or NULL. */
	const struct aliases *aliases;
	const char *refusal; /* EVENT_INTAKE: the reply; NULL: it is done */
	enum session_authed auth;
	struct span data; /* EVENT_AUTH: the challenge, raw */
	struct span login; /* EVENT_AUTH, AUTHED_OK */
	/* The same: the key of the account that it was; empty: its password. */
	struct span key;
	struct span send_as; /* what that narrows it to (policy/identity.h) */
	/* EVENT_AUTH, AUTHED_BAD: name and password as a number; 0: unknown */
	uint64_t tried;
	struct span tls_version, tls_cipher; /* EVENT_OPEN, EVENT_TLS */
	bool has_binding; /* with TLS: channel binding can be had */
	/* With TLS: the account that the client's certificate is of; or empty. */
	struct span vouched;
};

struct session_auth {
	bool is_start; /* a new exchange; else a response to the last */
	const char *mechanism;
	bool has_initial;
	struct span data; /* initial response or response, decoded */
};

struct session_options {
	const struct conf *conf; /* borrowed: the owner holds a reference */
	/* Mechanisms that can work here, as conf orders them; borrowed. */
	const char *const *mechanisms;
	size_t nmechanisms;
	const char *client; /* numeric address; copied */
	const char *sid; /* the connection's name in all facts; copied */
	uint64_t opened; /* monotonic clock, ms: the connection's begin */
	/* There is no seat: 421 instead of a greeting. */
	bool is_refused;
	/* Of a device, or a user of this machine: it is that account without TLS
	   and login; or NULL. */
	const char *account; /* copied */
	bool
	    is_local; /* the user of this machine, who hears the account's name */
	bool is_anybody; /* root: any address may be its own */
};

struct session *session_new(const struct session_options *options);
void session_free(struct session *s);

/* The one step. Replies are appended to `out`. */
enum session_need session_step(
    struct session *s, const struct session_event *ev, struct buf *out);
/*
 * Until when the client must have done what it is to do (monotonic ms). Holds
 * until the next step; of no meaning while the need is SESSION_AUTH or
 * SESSION_INTAKE, which are ours to do.
 */
uint64_t session_due(const struct session *s);

/* After SESSION_AUTH. Valid until the next step. */
const struct session_auth *session_auth(const struct session *s);
/* Whether an exchange is still wanted; if not, close it. */
bool session_is_authenticating(const struct session *s);
/*
 * The message under way. After SESSION_INTAKE its owner does what it needs; while
 * is_open is set, it has an entry in the spool, to be given up if the session ends.
 */
struct draft *session_draft(struct session *s);
/*
 * Whether content was refused since the last call because its header names somebody
 * else.
 */
bool session_take_forged(struct session *s);
/*
 * Nothing of the client's is under way that a 421 would cut off. Content that is coming
 * is read to its end, and refused there: so nobody takes the 421 for an answer to
 * something else, or goes on writing to who does not read.
 */
bool session_awaits_command(const struct session *s);
/* The client has said EHLO or HELO since TLS began, or since it came. */
bool session_has_helo(const struct session *s);
/* The account that may log in by its certificate; empty: none. */
struct span session_vouched(const struct session *s);
/* The name of its state, for people. */
const char *session_state_name(const struct session *s);
/* The version of TLS; empty before. */
struct span session_tls(const struct session *s);
/* Who logged in; empty before. */
struct span session_login(const struct session *s);
/* The label of the key that it logged in by; empty: by none. */
struct span session_key(const struct session *s);

#endif
