/*
 * client_priv: what the three files of the client share: its state, the ways to
 * give up, and what the table of states (client.c) refers to.
 */
#ifndef DELIVER_CLIENT_PRIV_H
#define DELIVER_CLIENT_PRIV_H

#include "deliver/attempt.h"
#include "deliver/client.h"
#include "sched/target.h"
#include "smtp/reply.h"

enum state {
	STATE_GREETING,
	STATE_EHLO,
	STATE_HELO,
	STATE_STARTTLS,
	STATE_HANDS, /* shaking them */
	STATE_PLAIN, /* the host may ask for name and password */
	STATE_LOGIN, /* the host may ask for the name */
	STATE_PASSWORD, /* the host may ask for the password */
	STATE_AUTH, /* it has all */
	STATE_IDLE,
	STATE_RSET,
	STATE_MAIL,
	STATE_RCPT,
	STATE_DATA,
	STATE_PROBE, /* whether BDAT is what the host says it is */
	STATE_SENDING, /* content */
	STATE_FINAL, /* its answer */
	STATE_QUIT,
	STATE_CLOSED,
};

/* How the content of a transaction leaves. */
enum content_way {
	BY_DATA,
	BY_PROBE, /* BDAT with nothing first, and BDAT when that is answered */
	BY_CHUNK, /* BDAT, when a recipient is taken */
	ALONG, /* BDAT, in one group with MAIL and RCPT */
};

struct client {
	const struct target *target; /* borrowed: the lane holds a reference */
	struct client_options options;
	enum state state;
	uint32_t extensions; /* enum extension, those with parameters */
	uint32_t
	    offered; /* the same, without what this message does not need */
	bool has_tls, can_pipeline, can_chunk, can_starttls, can_auth_plain,
	    can_auth_login;
	bool chunks_work; /* a BDAT was answered as it should be */
	enum chunking learned; /* for other connections */
	bool needs_reset; /* the host may still hold an open transaction */
	enum content_way way;
	bool is_utf8; /* the transaction is more than ASCII (RFC 6531) */
	bool is_binary; /* its content may leave by BDAT only (RFC 3030) */
	bool is_group; /* the transaction's commands have left together */
	uint64_t size; /* of the content */
	/* RFC 9422; 0: the host did not say. Domains: of one transaction. */
	uint32_t rcpts_most, mails_most, domains_most;
	struct attempt *attempt; /* borrowed: see client.h */
	uint32_t asked; /* recipients of this transaction */
	uint32_t next_rcpt; /* whose reply comes next */
	uint32_t taken; /* recipients answered with 2xx */
	uint32_t answered; /* attempts, on this connection */
	struct client_end end;
};

typedef void (*say_fn)(struct client *c, struct buf *out);
typedef enum client_need (*reply_fn)(
    struct client *c, const struct reply *r, struct buf *out);

/* --- client.c --- */

/* Nobody else assigns the state. */
void client_enter(struct client *c, enum state to);
/* The same, and says what the state says. Needs CLIENT_INPUT. */
enum client_need client_ask(struct client *c, enum state to, struct buf *out);
/* Says it without entering: it is part of a group. */
void client_say(struct client *c, enum state what, struct buf *out);

/* Where the transaction is, for outcome.c. */
struct outcome_at client_at(const struct client *c);

/*
 * The connection is of no use any more; `v` says why, and `what` in our words.
 * Whom to blame follows from the state.
 */
enum client_need
client_give_up(struct client *c, const char *what, const struct verdict *v);
/* The host's reply is the reason. */
enum client_need
client_refused(struct client *c, const char *what, const struct reply *r);
/* There is no reply to blame, or the bytes are none. */
enum client_need client_give_up_on(
    struct client *c, const char *status, const char *what, struct span bytes);

/* --- client_hello.c --- */

/* It may have the next message, if it is as safe as the target says. */
enum client_need client_be_ready(struct client *c);
/* RFC 3207 4.2: what was offered in clear says nothing now. */
void client_forget_offers(struct client *c);

void hello_say_ehlo(struct client *c, struct buf *out);
void hello_say_helo(struct client *c, struct buf *out);
void hello_say_starttls(struct client *c, struct buf *out);
void hello_say_auth_plain(struct client *c, struct buf *out);
void hello_say_auth_login(struct client *c, struct buf *out);
void hello_say_name(struct client *c, struct buf *out);

enum client_need
hello_on_greeting(struct client *c, const struct reply *r, struct buf *out);
enum client_need
hello_no_greeting(struct client *c, const struct reply *r, struct buf *out);
enum client_need
hello_on_ehlo(struct client *c, const struct reply *r, struct buf *out);
enum client_need
hello_no_ehlo(struct client *c, const struct reply *r, struct buf *out);
enum client_need
hello_on_helo(struct client *c, const struct reply *r, struct buf *out);
enum client_need
hello_no_helo(struct client *c, const struct reply *r, struct buf *out);
enum client_need
hello_on_starttls(struct client *c, const struct reply *r, struct buf *out);
enum client_need
hello_no_starttls(struct client *c, const struct reply *r, struct buf *out);
enum client_need
hello_give_plain(struct client *c, const struct reply *r, struct buf *out);
enum client_need
hello_give_name(struct client *c, const struct reply *r, struct buf *out);
enum client_need
hello_give_password(struct client *c, const struct reply *r, struct buf *out);
enum client_need
hello_on_auth(struct client *c, const struct reply *r, struct buf *out);
enum client_need
hello_no_auth(struct client *c, const struct reply *r, struct buf *out);

/* --- client_mail.c --- */

enum client_need
client_begin(struct client *c, const struct client_event *ev, struct buf *out);

void mail_say_rset(struct client *c, struct buf *out);
void mail_say_mail(struct client *c, struct buf *out);
void mail_say_rcpt(struct client *c, struct buf *out);
void mail_say_data(struct client *c, struct buf *out);
void mail_say_probe(struct client *c, struct buf *out);
void mail_say_chunk(struct client *c, struct buf *out);

enum client_need
mail_on_rset(struct client *c, const struct reply *r, struct buf *out);
enum client_need
mail_no_rset(struct client *c, const struct reply *r, struct buf *out);
enum client_need
mail_on_mail(struct client *c, const struct reply *r, struct buf *out);
enum client_need
mail_on_rcpt(struct client *c, const struct reply *r, struct buf *out);
enum client_need
mail_on_data(struct client *c, const struct reply *r, struct buf *out);
enum client_need
mail_no_data(struct client *c, const struct reply *r, struct buf *out);
enum client_need
mail_on_probe(struct client *c, const struct reply *r, struct buf *out);
enum client_need
mail_no_probe(struct client *c, const struct reply *r, struct buf *out);
enum client_need
mail_on_early(struct client *c, const struct reply *r, struct buf *out);
enum client_need
mail_on_final(struct client *c, const struct reply *r, struct buf *out);

#endif
