/*
 * client: the sending side of one connection (RFC 5321, 2920, 3030, 3207, 4954)
 * as a machine without a socket: an event goes in, commands come out, and it
 * says the one thing it needs next. Many messages go through one connection.
 */
#ifndef DELIVER_CLIENT_H
#define DELIVER_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "deliver/lane_end.h"
#include "mail/words.h"

struct attempt;
struct client;
struct envelope;
struct target;

enum client_need {
	CLIENT_INPUT, /* bytes from the host */
	CLIENT_TLS, /* write `out`, then shake hands */
	CLIENT_CONTENT, /* send the content, stuffed, with its final dot */
	CLIENT_CHUNK, /* send the content as it is, and nothing behind it */
	CLIENT_READY, /* the attempt (if any) is answered; give the next */
	CLIENT_CLOSE, /* write `out`, then close; see client_end() */
};

enum client_event_type {
	CLIENT_CONNECTED, /* TCP, and TLS when it is implicit */
	CLIENT_GOT, /* `in` has more */
	CLIENT_SECURED, /* the handshake after STARTTLS is done */
	CLIENT_GIVEN, /* `attempt`: the next message */
	CLIENT_SENT, /* the content has left */
	CLIENT_QUIT, /* say goodbye */
};

/* What content has to be for a host that lacks 8BITMIME, BINARYMIME or SMTPUTF8. */
enum client_form {
	FORM_AS_IT_IS,
	FORM_8BIT, /* lines, which may have octets above 127 */
	FORM_ASCII_HEADERS, /* the same, but for headers */
	FORM_7BIT,
};

struct client_event {
	enum client_event_type type;
	struct span *in; /* all events: the input buffer, taken from */
	/* CLIENT_GIVEN: */
	struct attempt *attempt; /* borrowed until READY/CLOSE */
	uint64_t size; /* of its content, octets */
	bool at_hand; /* it is small and in memory: it may leave at once */
};

/* Why a client wants to close. */
struct client_end {
	enum blame blame;
	bool without_tls_may_do; /* STARTTLS went wrong, TLS is optional */
	bool login_failed; /* for the operator to mend */
	enum stage stage;
	char status[WORDS_STATUS_MAX]; /* RFC 3463 */
	char what[300]; /* in our words */
	char *said; /* owned by the client; the host's lines, or NULL */
};

/* What is known of CHUNKING at a host (client_mail.c). */
enum chunking {
	CHUNKING_UNKNOWN,
	CHUNKING_LACKS, /* it is offered, and BDAT is not known */
	CHUNKING_WORKS, /* BDAT is known, but not without content */
};

/* What was learned of the host before. */
struct client_options {
	bool without_tls; /* only where the target's rule allows it */
	enum chunking chunking;
};
struct client *
client_new(const struct target *target, const struct client_options *options);
void client_free(struct client *c);
enum client_need
client_step(struct client *c, const struct client_event *ev, struct buf *out);
/* Seconds that the host has for its next reply (RFC 5321 4.5.3.2). */
uint32_t client_timeout(const struct client *c);
/*
 * Seconds that all replies of the attempt under way, and its content, may take
 * together; without one, all replies before the first.
 */
uint64_t client_limit(const struct client *c);
bool client_has_attempt(const struct client *c);
/*
 * In which form the host takes that message, and is given it. Of a client that is
 * ready.
 */
enum client_form
client_form(const struct client *c, const struct envelope *env);
/* What this connection showed, that others need not find out again. */
enum chunking client_chunking(const struct client *c);
/* Messages on one connection (LIMITS MAILMAX, RFC 9422); 0: it did not say. */
uint32_t client_mails_most(const struct client *c);
const struct client_end *client_end(const struct client *c);
/*
 * The connection is gone: why; empty when the client itself wanted to close.
 * Gives the attempt under way, if there is one, the outcome that follows.
 */
void client_lost(struct client *c, struct span why);
/* The attempt under way is taken back, as if it had never been given. */
void client_forget(struct client *c);

#endif
