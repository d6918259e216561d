/*
 * The parts of a session, for the files that are one: session.c (states,
 * dispatch), session_mail.c (the transaction), session_data.c (the content),
 * session_auth.c (logging in), session_time.c (how long the client may take).
 */
#ifndef SUBMIT_SESSION_PRIV_H
#define SUBMIT_SESSION_PRIV_H

#include "conf/conf.h"
#include "facts/fact.h"
#include "intake/draft.h"
#include "mail/param.h"
#include "smtp/dot.h"
#include "smtp/line_meter.h"
#include "submit/session.h"

enum state {
	STATE_NEW, /* connected; EHLO is expected */
	STATE_READY, /* greeted; no transaction */
	STATE_AUTH, /* a line of an AUTH exchange is expected */
	STATE_MAIL, /* sender known */
	STATE_RCPT, /* and a recipient */
	STATE_DATA, /* content is coming */
	STATE_CHUNK, /* a chunk of it is, by BDAT */
	STATE_CHUNKS, /* the next chunk is expected */
	STATE_STORING, /* waiting for the spool */
	STATE_CLOSED,
};

enum {
	HELO_MAX = 255,
	TEXT_MAX = 512,
	CONTENT_ENDLESS =
	    2, /* times the largest message: it is read no further */
};

/* One mail transaction (RFC 5321 3.3); forgotten by session_forget() only. */
struct transaction {
	struct draft draft;
	struct dot_reader dot;
	struct line_meter line;
	bool has_long_line;
	uint64_t size; /* of what was read, unstuffed */
	uint64_t chunk,
	    chunk_size; /* octets of BDAT's: to come, and of all of it */
	bool is_chunked, is_last_chunk;
	bool lacks_chunk; /* one was refused that was not the last */
	bool is_lowered; /* its priority, to what its account may have */
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
	char sid[20];
	enum state state;
	char helo[HELO_MAX + 1];
	bool is_esmtp;
	char tls_version[16], tls_cipher[64]; /* "" before TLS */
	bool has_tls, has_binding;
	bool is_refused; /* see session_options */
	bool is_device; /* it has no TLS and no login, and needs none */
	bool is_local; /* of these: a user of this machine */
	bool is_anybody; /* of these: root */
	char *login; /* owned; NULL before login */
	char *key, *send_as; /* owned: of the key it logged in by; or NULL */
	char *vouched; /* owned: see session_event; NULL: nobody */
	unsigned errors, auth_failures;
	unsigned strange_commands; /* of somebody who has not logged in */
	uint64_t tried; /* what the last failed login tried; 0: unknown */
	const char *tried_with; /* borrowed: its mechanism */
	bool skips_line; /* the rest of a line that was too long */
	size_t skipped; /* octets of it */
	uint64_t swallow; /* octets to come of a chunk that is refused */
	const char *swallow_reply; /* behind them; borrowed, or `text` */
	bool forgives; /* this command's refusal is no error of the client */
	bool login_ended; /* see session_event */
	bool wants_close;
	bool has_forged; /* see session_take_forged() */
	struct session_time time;
	enum session_need need; /* what the handler asked for */
	struct session_auth auth;
	struct buf auth_data;
	struct transaction tx;
	char text[TEXT_MAX]; /* a reply with something in it */
	int64_t now; /* of this event, as the next ones */
	uint64_t random;
	const struct aliases *aliases; /* borrowed */
};

/* Handlers return the reply, without its CRLF; NULL: they wrote their own. */
typedef const char *(*verb_fn)(
    struct session *s, struct span args, struct buf *out);

/* Whose fact it is. */
struct fact_field session_sid(const struct session *s);
struct fact_field session_client(const struct session *s);
void session_enter(struct session *s, enum state to);
/* Ends the transaction on every road (docs/security.md). */
void session_forget(struct session *s);
void session_say(struct buf *out, const char *reply);
/* The same of a command's answer, which may be the client's error. */
void session_reply(struct session *s, const char *reply, struct buf *out);
/* The draft's need is the session's. */
void session_want(struct session *s, enum draft_need need);
/* Says the reply, a 421, and ends; `why` is for the log. */
void session_drop(
    struct session *s, const char *reply, const char *why, struct buf *out);
const char *session_textf(struct session *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The time and the dice of this step, for what is written into the message. */
void session_date_draft(struct session *s);
/* The account is gone, or is another one, by now. */
void session_end_account(struct session *s, struct buf *out);
const char *do_mail(struct session *s, struct span args, struct buf *out);
const char *do_rcpt(struct session *s, struct span args, struct buf *out);
const char *do_data(struct session *s, struct span args, struct buf *out);
/* Takes content. */
void data_input(struct session *s, struct span *in, struct buf *out);
/* The header's steps, when it is whole; then what is there goes on. */
void data_look(struct session *s, struct buf *out);
/* Whether content, or what is read over, is coming. */
bool data_is_coming(const struct session *s);

/* session_chunk.c */
/* What BDAT and DATA are answered once a chunk was lost (chunk_lose()). */
extern const char chunk_is_lacking[];
/* One that was not the last is refused: the transaction comes to nothing. */
void chunk_lose(struct session *s);
const char *do_bdat(struct session *s, struct span args, struct buf *out);
/* BDAT is answered with that, behind its octets; returns what to say at once. */
const char *chunk_refuse(
    struct session *s, struct span args, const char *reply, struct buf *out);
/*
 * A line that is no command, and begins like that one: its octets may follow all the
 * same. Then nobody can tell what is what, and the connection ends.
 */
bool chunk_is_meant(struct span line);
void chunk_misread(struct session *s, struct buf *out);
/* Takes octets of a chunk that is refused. */
void chunk_swallow(struct session *s, struct span *in, struct buf *out);
/* The spool is ready for its octets. */
void chunk_begins(struct session *s, struct buf *out);
void chunk_ends(struct session *s, struct buf *out);

/* Farewell to who fell silent; one who thinks that content has ended hears it. */
const char *data_timeout_text(const struct session *s);
/* When the draft has no need any more: what MAIL and RCPT are answered with. */
const char *mail_reply(struct session *s);
const char *rcpt_reply(struct session *s);
/* What the draft needed is done, or was not to be had. */
void intake_answered(
    struct session *s, const struct session_event *ev, struct buf *out);

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

/* RFC 4422 appendix A: who has a certificate of an account. */
extern const char session_external[];
bool auth_offers(const struct session *s, struct span mechanism);

#endif
