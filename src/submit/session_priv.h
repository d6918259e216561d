/*
 * The parts of a session, for the files that are one: session.c (states,
 * dispatch), session_mail.c (the transaction), session_data.c (the content),
 * session_auth.c (logging in).
 */
#ifndef SUBMIT_SESSION_PRIV_H
#define SUBMIT_SESSION_PRIV_H

#include "conf/conf.h"
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
struct transaction {
	char *sender; /* owned; "" is the null path */
	struct buf rcpts; /* each ended by a NUL */
	uint64_t *hashes; /* owned; of each, to find one named twice */
	uint32_t nrcpt, hash_cap;
	bool is_8bit;
	bool is_open; /* in the spool */
	uint64_t id;
	struct dot_reader dot;
	struct buf head, body;
	size_t header_scanned;
	bool header_done;
	bool drops_input; /* refused: read on to the end, keep nothing */
	uint64_t size; /* of what was read, unstuffed */
	uint64_t stored; /* of what went to the spool in pieces */
	const char *refusal; /* the reply at the end; NULL: none so far */
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
	char *login; /* owned; NULL before login */
	unsigned errors, auth_failures;
	bool skips_line; /* the rest of a line that was too long */
	bool wants_close;
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
/* Ends the transaction on every road (DESIGN.md section 4). */
void session_forget(struct session *s);
void session_say(struct buf *out, const char *reply);
const char *session_textf(struct session *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

const char *do_mail(struct session *s, struct span args, struct buf *out);
const char *do_rcpt(struct session *s, struct span args, struct buf *out);
const char *do_data(struct session *s, struct span args, struct buf *out);
/* The spool opened the message, or could not. */
void
data_opened(struct session *s, const struct session_event *ev, struct buf *out);
/* Takes content; true when the session can go on with commands. */
void data_input(struct session *s, struct span *in, struct buf *out);
void
data_stored(struct session *s, const struct session_event *ev, struct buf *out);

const char *do_auth(struct session *s, struct span args, struct buf *out);
const char *auth_line(struct session *s, struct span line);
void auth_answered(
    struct session *s, const struct session_event *ev, struct buf *out);
bool auth_offers(const struct session *s, struct span mechanism);

#endif
