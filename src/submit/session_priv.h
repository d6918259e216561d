/*
 * The parts of a session, for the files that are one: session.c (states,
 * dispatch), session_mail.c (the transaction), session_data.c (the content),
 * session_auth.c (logging in), session_time.c (how long the client may take).
 */
#ifndef SUBMIT_SESSION_PRIV_H
#define SUBMIT_SESSION_PRIV_H

#include "conf/conf.h"
#include "mail/mend.h"
#include "mail/param.h"
#include "smtp/dot.h"
#include "submit/session.h"

enum state {
	STATE_NEW, /* connected; EHLO is expected */
	STATE_READY, /* greeted; no transaction */
	STATE_AUTH, /* a line of an AUTH exchange is expected */
	STATE_MAIL, /* sender known */
	STATE_RCPT, /* and a recipient */
	STATE_DATA, /* content is coming */
	STATE_STORING, /* waiting for the spool */
	STATE_CLOSED,
};

enum { HELO_MAX = 255, TEXT_MAX = 512 };

/* One mail transaction (RFC 5321 3.3); forgotten by session_forget() only. */
/* A recipient in tx->rcpts: the address, then its attributes. */
struct named {
	uint64_t hash; /* of the address, to find one named twice */
	uint32_t at;
	uint16_t address, attrs; /* bytes */
};

struct transaction {
	char *sender; /* owned; "" is the null path */
	uint32_t flags; /* enum envelope_flags, as MAIL says */
	struct buf attrs; /* of the message */
	struct buf rcpts; /* their texts: where, says `named` */
	struct named *named; /* owned */
	uint32_t nrcpt, named_cap;
	bool is_open; /* in the spool */
	uint64_t id;
	struct dot_reader dot;
	struct buf head, body;
	struct mend_scan header;
	bool header_done;
	char *message_id; /* owned; NULL: not known, or not yet */
	bool drops_input; /* refused: read on to the end, keep nothing */
	uint64_t size; /* of what was read, unstuffed */
	uint64_t stored; /* of what went to the spool in pieces */
	const char *refusal; /* the reply at the end; NULL: none so far */
};

/* What runs while the client is to do something: session_time.c. */
struct session_time {
	uint64_t now; /* of this event */
	uint64_t busy_since; /* it waits for us since then; 0: it does not */
	uint64_t login_due, command_due;
	uint64_t content_began, minute_end;
	uint64_t minute_octets; /* of content, in the minute that runs */
	bool is_crowded; /* seats are few: see session_event */
};

struct session {
	const struct conf *conf; /* borrowed: see session_options */
	const char *const *mechanisms; /* borrowed: see session_options */
	size_t nmechanisms;
	char client[64];
	enum state state;
	char helo[HELO_MAX + 1];
	bool is_esmtp;
	char tls_version[16], tls_cipher[64]; /* "" before TLS */
	bool has_tls, has_binding;
	bool is_refused; /* see session_options */
	char *login; /* owned; NULL before login */
	unsigned errors, auth_failures;
	unsigned strange_commands; /* of somebody who has not logged in */
	uint64_t tried; /* what the last failed login tried; 0: unknown */
	const char *tried_with; /* borrowed: its mechanism */
	bool skips_line; /* the rest of a line that was too long */
	size_t skipped; /* octets of it */
	bool forgives; /* this command's refusal is no error of the client */
	bool login_ended; /* see session_event */
	bool wants_close;
	struct session_time time;
	enum session_need need; /* what the handler asked for */
	enum session_store store;
	struct session_auth auth;
	struct buf auth_data;
	struct transaction tx;
	struct buf facts;
	char text[TEXT_MAX]; /* a reply with something in it */
	int64_t now;
	uint64_t random;
};

/* Handlers return the reply, without its CRLF; NULL: they wrote their own. */
typedef const char *(*verb_fn)(
    struct session *s, struct span args, struct buf *out);

void session_enter(struct session *s, enum state to);
/* Ends the transaction on every road (docs/security.md). */
void session_forget(struct session *s);
void session_say(struct buf *out, const char *reply);
/* Says the reply, a 421, and ends; `why` is for the log. */
void session_drop(
    struct session *s, const char *reply, const char *why, struct buf *out);
const char *session_textf(struct session *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The address of that recipient, as it was written. */
struct span session_rcpt(const struct transaction *tx, uint32_t i);
const char *do_mail(struct session *s, struct span args, struct buf *out);
const char *do_rcpt(struct session *s, struct span args, struct buf *out);
const char *do_data(struct session *s, struct span args, struct buf *out);
/* The spool opened the message, or could not. */
void
data_opened(struct session *s, const struct session_event *ev, struct buf *out);
/* Takes content; true when the session can go on with commands. */
void data_input(struct session *s, struct span *in, struct buf *out);
/* Farewell to who fell silent; one who thinks that content has ended hears it. */
const char *data_timeout_text(const struct session *s);
void
data_stored(struct session *s, const struct session_event *ev, struct buf *out);

const char *do_auth(struct session *s, struct span args, struct buf *out);
const char *auth_line(struct session *s, struct span line);
void auth_answered(
    struct session *s, const struct session_event *ev, struct buf *out);

/* session_time.c: at the start, with each event, when we are busy ourselves, */
void session_time_start(struct session *s, uint64_t opened);
void session_time_take(struct session *s, const struct session_event *ev);
void session_time_pause(struct session *s);
/* when a command is awaited, when content is, and as it comes. */
void session_time_command(struct session *s);
void session_time_content(struct session *s);
void session_time_octets(struct session *s, size_t octets);
/* session_due() has come: the farewell, or NULL when it may go on. */
const char *session_time_judge(struct session *s);

bool auth_offers(const struct session *s, struct span mechanism);

#endif
