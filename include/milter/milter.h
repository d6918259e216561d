/*
 * milter: one message at one filter, as the mail server's side of the milter
 * protocol (version 6), without a socket: an event goes in, bytes come out, and it
 * says the one thing that it needs next. The filter is told of the connection, the
 * envelope, the header, the body, and answers; what it wants changed is gathered
 * here, and counts only when its last word has come: a filter that fails in the
 * middle has changed nothing. Pure.
 */
#ifndef MILTER_MILTER_H
#define MILTER_MILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

struct milter;

struct milter_rcpt {
	struct span address; /* without <> */
	struct span params; /* as the client said them */
};

/* What the filter is told; all borrowed, and longer-lived. */
struct milter_message {
	struct span hostname; /* of this relay */
	struct span version; /* "Postern 1.2" */
	struct span daemon_name, daemon_address; /* where the client came in */
	uint16_t daemon_port;
	struct span client; /* numeric address */
	uint16_t client_port;
	struct span helo;
	struct span tls_version, tls_cipher; /* empty: no TLS */
	struct span mechanism; /* by which it logged in; empty: it did not */
	struct span account;
	struct span qid;
	struct span sender; /* without <>; empty: the null path */
	struct span sender_params; /* as the client said them */
	const struct milter_rcpt *rcpts;
	uint32_t nrcpts;
	struct span header; /* fields with their line ends */
};

struct milter_limits {
	size_t header; /* octets that it may grow to */
	size_t line; /* octets of a line of a field, or of the body */
	uint64_t body; /* octets of a new one */
	uint32_t rcpts; /* that may be added or taken out */
};

enum milter_need {
	MILTER_INPUT, /* write `out`, then more from the filter */
	MILTER_BODY, /* write `out`, then the next piece of the body */
	MILTER_ROOM, /* write `out`, and come again when it has left */
	/* A piece of the new body is in milter_new_body(): take it. */
	MILTER_TAKE,
	MILTER_OVER, /* write `out`, then close; see milter_outcome() */
};

enum milter_event_type {
	MILTER_OPENED, /* connected */
	MILTER_HEARD, /* `in` has more */
	MILTER_PIECE, /* `piece` of the body; empty: it is at its end */
	MILTER_WRITTEN, /* what was to be written has left */
	MILTER_TAKEN, /* what milter_new_body() had is taken */
	MILTER_SILENT, /* the time is over */
	MILTER_LOST, /* the connection is; `why` */
};

struct milter_event {
	enum milter_event_type type;
	struct span *in; /* taken from; all of it, unless it is over */
	struct span piece; /* at most PACKET_BODY_MOST */
	const char *why;
};

/* How long the filter may be silent. */
enum milter_patience { MILTER_FOR_COMMAND, MILTER_FOR_CONTENT, MILTER_FOR_END };

enum milter_verdict {
	MILTER_PASSED, /* it goes on, with its changes */
	MILTER_REFUSED, /* `reply` */
	MILTER_DISCARDED, /* it is taken, and thrown away */
	MILTER_FAILED, /* the filter could not be asked: `why` */
};

enum milter_what {
	MILTER_ADD_RCPT,
	MILTER_DELETE_RCPT,
	MILTER_SENDER,
};

/* A change of the envelope, in the order in which it was asked for. */
struct milter_change {
	enum milter_what what;
	struct span address; /* as the filter wrote it, without <> */
	struct span params; /* the same */
};

struct milter_outcome {
	enum milter_verdict verdict;
	/* The reply to the client: code, status and text, clean; or NULL. */
	const char *reply;
	const char *why;
	bool is_header_changed;
	bool is_body_changed; /* what was taken is the new one */
	bool body_has_8bit; /* the new one */
	const char *quarantine; /* why it is to be held; NULL: it is not */
	const struct milter_change *changes;
	size_t nchanges;
};

struct milter *
milter_new(const struct milter_message *m, const struct milter_limits *limits);
void milter_free(struct milter *m);
/* The one step. What the filter is to be sent is appended to `out`. */
enum milter_need
milter_step(struct milter *m, const struct milter_event *ev, struct buf *out);
enum milter_patience milter_patience(const struct milter *m);
/* After MILTER_TAKE: lines ended by CRLF. The callee may take the memory. */
struct buf *milter_new_body(struct milter *m);
/* After MILTER_OVER; what it points to lives as long as the milter. */
const struct milter_outcome *milter_outcome(const struct milter *m);
/* When the header is changed: the whole of it; the callee may take the memory. */
struct buf *milter_new_header(struct milter *m);
/* The name of its state, for people. */
const char *milter_state_name(const struct milter *m);

#endif
