/*
 * client_priv: what the three files of the client share: its state, the ways to
 * give up, and what takes the reply in each state.
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
	STATE_SENDING, /* content */
	STATE_FINAL, /* its answer */
	STATE_QUIT,
	STATE_CLOSED,
};

struct client {
	const struct target *target; /* borrowed: the lane holds a reference */
	bool use_tls;
	enum state state;
	bool has_tls, can_pipeline, can_chunk, can_8bit, can_size, can_starttls,
	    can_auth_plain, can_auth_login;
	bool needs_reset; /* the host may still hold an open transaction */
	bool along; /* BDAT and the content leave with the group */
	uint64_t size; /* of the content */
	struct attempt *attempt; /* borrowed: see client.h */
	uint32_t next_rcpt; /* whose reply comes next */
	uint32_t taken; /* recipients answered with 2xx */
	uint32_t answered; /* attempts, on this connection */
	struct client_end end;
};

/* Where the transaction is, for outcome.c. */
struct outcome_at client_at(const struct client *c, enum stage stage);
/* What was asked for last. */
enum stage client_stage(const struct client *c);

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

enum client_need client_say_ehlo(struct client *c, struct buf *out);
/* It may have the next message, if it is as safe as the target says. */
enum client_need client_be_ready(struct client *c);

/* --- client_mail.c --- */

enum client_need
client_begin(struct client *c, const struct client_event *ev, struct buf *out);

/* --- the replies of each state --- */

enum client_need
client_on_greeting(struct client *c, const struct reply *r, struct buf *out);
enum client_need
client_on_ehlo(struct client *c, const struct reply *r, struct buf *out);
enum client_need
client_on_helo(struct client *c, const struct reply *r, struct buf *out);
enum client_need
client_on_starttls(struct client *c, const struct reply *r, struct buf *out);
enum client_need
client_on_challenge(struct client *c, const struct reply *r, struct buf *out);
enum client_need
client_on_auth(struct client *c, const struct reply *r, struct buf *out);
enum client_need
client_on_rset(struct client *c, const struct reply *r, struct buf *out);
enum client_need
client_on_mail(struct client *c, const struct reply *r, struct buf *out);
enum client_need
client_on_rcpt(struct client *c, const struct reply *r, struct buf *out);
enum client_need
client_on_data(struct client *c, const struct reply *r, struct buf *out);
enum client_need
client_on_early(struct client *c, const struct reply *r, struct buf *out);
enum client_need
client_on_final(struct client *c, const struct reply *r, struct buf *out);

#endif
