/*
 *  GREETING -> EHLO -> [STARTTLS -> (hands) -> EHLO] -> [login] -> IDLE
 *
 *  IDLE -> [RSET] -> MAIL -> RCPT (each) -> DATA -> SENDING -> FINAL -> IDLE
 *
 * Up to IDLE it is client_hello.c, from there on client_mail.c; here is what
 * holds in every state. One table says what each state sends and what a good
 * reply leads to; what a bad one means is outcome.c's to say.
 */
#include "client_priv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

typedef enum client_need (*reply_fn)(
    struct client *c, const struct reply *r, struct buf *out);

static enum client_need
on_unasked(struct client *c, const struct reply *r, struct buf *out);
static enum client_need
on_quit(struct client *c, const struct reply *r, struct buf *out);

static const struct {
	reply_fn on_reply;
	uint32_t timeout; /* s; RFC 5321 4.5.3.2 */
	enum stage stage;
} states[] = {
	[STATE_GREETING] = { client_on_greeting, 300, STAGE_GREETING },
	[STATE_EHLO] = { client_on_ehlo, 300, STAGE_EHLO },
	[STATE_HELO] = { client_on_helo, 300, STAGE_EHLO },
	[STATE_STARTTLS] = { client_on_starttls, 300, STAGE_STARTTLS },
	[STATE_HANDS] = { on_unasked, 60, STAGE_STARTTLS },
	[STATE_PLAIN] = { client_on_challenge, 300, STAGE_AUTH },
	[STATE_LOGIN] = { client_on_challenge, 300, STAGE_AUTH },
	[STATE_PASSWORD] = { client_on_challenge, 300, STAGE_AUTH },
	[STATE_AUTH] = { client_on_auth, 300, STAGE_AUTH },
	[STATE_IDLE] = { on_unasked, 300, STAGE_EHLO },
	[STATE_RSET] = { client_on_rset, 300, STAGE_MAIL },
	[STATE_MAIL] = { client_on_mail, 300, STAGE_MAIL },
	[STATE_RCPT] = { client_on_rcpt, 300, STAGE_RCPT },
	[STATE_DATA] = { client_on_data, 120, STAGE_DATA },
	[STATE_SENDING] = { client_on_early, 180, STAGE_CONTENT },
	[STATE_FINAL] = { client_on_final, 600, STAGE_CONTENT },
	[STATE_QUIT] = { on_quit, 30, STAGE_NONE },
	[STATE_CLOSED] = { on_unasked, 30, STAGE_NONE },
};

struct client *
client_new(const struct target *target, bool use_tls)
{
	struct client *c = MEM_NEW(struct client);

	assert(use_tls || target->tls == TARGET_TLS_OPPORTUNISTIC);
	c->target = target;
	c->use_tls = use_tls;
	c->has_tls = target->tls == TARGET_TLS_IMPLICIT;
	return c;
}

void
client_free(struct client *c)
{
	if (c != NULL)
		free(c->end.said);
	free(c);
}

uint32_t
client_timeout(const struct client *c)
{
	/* A host may answer the whole group at its end. */
	if (c->along && c->state > STATE_IDLE && c->state < STATE_FINAL)
		return states[STATE_FINAL].timeout;
	return states[c->state].timeout;
}

const struct client_end *
client_end(const struct client *c)
{
	return &c->end;
}

enum stage
client_stage(const struct client *c)
{
	return states[c->state].stage;
}

struct outcome_at
client_at(const struct client *c, enum stage stage)
{
	const struct attempt *a = c->attempt;

	return (struct outcome_at){
		.stage = stage,
		.took_some = c->taken > 0,
		.carried = c->answered > 0,
		.may_have_it = a != NULL && a->content_ended,
	};
}

/*
 * A connection that had carried a message may end at any time before the next
 * one has left: that is its end, and no failure.
 */
static enum blame
blame_now(const struct client *c)
{
	if (c->state >= STATE_QUIT)
		return BLAME_NONE;
	if (c->state < STATE_IDLE)
		return BLAME_HOST;
	if (c->answered > 0 && !client_at(c, STAGE_NONE).may_have_it)
		return BLAME_NONE;
	return c->state == STATE_IDLE ? BLAME_HOST : BLAME_MESSAGE;
}

enum client_need
client_give_up(struct client *c, const char *what, const struct verdict *v)
{
	c->end.blame = blame_now(c);
	c->end.stage = v->stage;
	memcpy(c->end.status, v->status, sizeof c->end.status);
	c->end.status[0] = '4'; /* a connection fails no message for good */
	(void)snprintf(c->end.what, sizeof c->end.what, "%s", what);
	free(c->end.said);
	c->end.said = span_is_empty(v->said) ? NULL : words_keep(v->said);
	c->state = STATE_CLOSED;
	return CLIENT_CLOSE;
}

/* The host's reply is the reason. */
enum client_need
client_refused(struct client *c, const char *what, const struct reply *r)
{
	struct outcome_at at = client_at(c, client_stage(c));
	/* 3xx is neither good here nor bad. */
	struct verdict v = r->code < 400 ? verdict_of_nonsense(&at, r)
					 : verdict_of_reply(&at, r);

	return client_give_up(c, what, &v);
}

/* There is no reply to blame, or the bytes are none. */
enum client_need
client_give_up_on(
    struct client *c, const char *status, const char *what, struct span bytes)
{
	struct verdict v = verdict_of_us(client_stage(c), status, SPAN(""));

	v.said = bytes;
	return client_give_up(c, what, &v);
}

static enum client_need
on_quit(struct client *c, const struct reply *r, struct buf *out)
{
	(void)r;
	(void)out;
	c->state = STATE_CLOSED;
	return CLIENT_CLOSE;
}

/* An idle host that speaks says 421, or has lost the thread. */
static enum client_need
on_unasked(struct client *c, const struct reply *r, struct buf *out)
{
	(void)out;
	return client_refused(c, "host spoke out of turn", r);
}

/* --- one step --- */

/* 421 may answer anything and means that the host closes (RFC 5321 3.8). */
static enum client_need
shut_out(struct client *c, const struct reply *r)
{
	struct outcome_at at = client_at(c, client_stage(c));
	struct verdict v = verdict_of_reply(&at, r);

	if (c->attempt != NULL)
		attempt_set_rest(c->attempt, &v);
	return client_give_up(c, "host closes", &v);
}

static enum client_need
out_of_step(struct client *c, const struct reply *r)
{
	struct outcome_at at = client_at(c, client_stage(c));
	struct verdict v = verdict_of_nonsense(&at, r);

	attempt_set_rest(c->attempt, &v);
	return client_give_up(c, "host answered out of step", &v);
}

/*
 * 2xx where only 354 makes sense, or the other way round: replies and commands
 * do not belong together any more. Content would be read as commands, and a
 * go-ahead be taken for a receipt.
 */
static bool
is_out_of_step(const struct client *c, const struct reply *r)
{
	if (c->state < STATE_MAIL || c->state > STATE_FINAL || r->code >= 400)
		return false;
	return (r->code >= 300) != (c->state == STATE_DATA);
}

static enum client_need
take_reply(struct client *c, const struct reply *r, struct buf *out)
{
	if (r->code == 421 && c->state != STATE_QUIT)
		return shut_out(c, r);
	if (is_out_of_step(c, r))
		return out_of_step(c, r);
	return states[c->state].on_reply(c, r, out);
}

static enum client_need
take_replies(struct client *c, struct span *in, struct buf *out)
{
	enum client_need need = CLIENT_INPUT;
	struct reply r;

	while (need == CLIENT_INPUT && !span_is_empty(*in)) {
		switch (reply_parse(in, &r)) {
		case REPLY_OK: break;
		case REPLY_MORE: return CLIENT_INPUT;
		case REPLY_BAD_CODE:
		case REPLY_MIXED_CODES:
		case REPLY_TOO_LONG:
			return client_give_up_on(c, "4.5.0",
			    "host does not speak SMTP", span_to(*in, 100));
		}
		need = take_reply(c, &r, out);
	}
	/* RFC 3207 6: replies from before TLS must not be read after it. */
	if (need == CLIENT_TLS && !span_is_empty(*in))
		return client_give_up_on(
		    c, "4.5.0", "host spoke on after STARTTLS", SPAN(""));
	return need;
}

enum client_need
client_step(struct client *c, const struct client_event *ev, struct buf *out)
{
	assert(c->state != STATE_CLOSED);
	switch (ev->type) {
	case CLIENT_CONNECTED:
	case CLIENT_GOT: break;
	case CLIENT_SECURED: c->has_tls = true; return client_say_ehlo(c, out);
	case CLIENT_GIVEN:
		/* What came unasked must not be read as an answer to this. */
		if (!span_is_empty(*ev->in))
			return client_give_up_on(c, "4.5.0",
			    "host spoke out of turn", span_to(*ev->in, 300));
		return client_begin(c, ev, out);
	case CLIENT_SENT:
		c->attempt->content_ended = true;
		if (c->state == STATE_SENDING)
			c->state = STATE_FINAL;
		break;
	case CLIENT_QUIT:
		(void)buf_append_text(out, "QUIT\r\n");
		c->state = STATE_QUIT;
		return CLIENT_INPUT;
	}
	return take_replies(c, ev->in, out);
}

/* What the client said of itself stays; else it is what the caller saw. */
static void
note_loss(struct client *c, struct span why)
{
	if (c->end.what[0] != '\0')
		return;
	(void)snprintf(c->end.what, sizeof c->end.what, "%.*s",
	    SPAN_ARG(span_to(why, sizeof c->end.what - 1)));
	(void)snprintf(c->end.status, sizeof c->end.status, "4.4.2");
	c->end.blame = blame_now(c);
	c->end.stage = client_stage(c);
}

void
client_lost(struct client *c, struct span why)
{
	struct outcome_at at;
	struct verdict v;

	note_loss(c, why);
	if (c->state == STATE_HANDS) {
		c->end.without_tls_may_do =
		    c->target->tls == TARGET_TLS_OPPORTUNISTIC;
		if (!c->end.without_tls_may_do)
			c->end.blame = BLAME_CHANNEL;
	}
	if (c->attempt != NULL) {
		at = client_at(c, c->end.stage);
		v = verdict_of_loss(&at, c->end.status, span_text(c->end.what));
		v.said = span_text(c->end.said);
		attempt_set_rest(c->attempt, &v);
	}
	c->attempt = NULL;
	c->state = STATE_CLOSED;
}

void
client_forget(struct client *c)
{
	c->attempt = NULL;
}
