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
} states[] = {
	[STATE_GREETING] = { client_on_greeting, 300 },
	[STATE_EHLO] = { client_on_ehlo, 300 },
	[STATE_HELO] = { client_on_helo, 300 },
	[STATE_STARTTLS] = { client_on_starttls, 300 },
	[STATE_HANDS] = { on_unasked, 60 },
	[STATE_PLAIN] = { client_on_challenge, 300 },
	[STATE_LOGIN] = { client_on_challenge, 300 },
	[STATE_PASSWORD] = { client_on_challenge, 300 },
	[STATE_AUTH] = { client_on_auth, 300 },
	[STATE_IDLE] = { on_unasked, 300 },
	[STATE_RSET] = { client_on_rset, 300 },
	[STATE_MAIL] = { client_on_mail, 300 },
	[STATE_RCPT] = { client_on_rcpt, 300 },
	[STATE_DATA] = { client_on_data, 120 },
	[STATE_SENDING] = { client_on_early, 180 },
	[STATE_FINAL] = { client_on_final, 600 },
	[STATE_QUIT] = { on_quit, 30 },
	[STATE_CLOSED] = { on_unasked, 30 },
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

enum client_need
client_give_up(struct client *c, const char *what, const struct verdict *v)
{
	c->state = STATE_CLOSED;
	c->end.by_host = true;
	memcpy(c->end.status, v->status, sizeof c->end.status);
	c->end.status[0] = '4'; /* a connection fails no message for good */
	(void)snprintf(c->end.what, sizeof c->end.what, "%s", what);
	free(c->end.said);
	c->end.said = span_is_empty(v->said) ? NULL : words_keep(v->said);
	return CLIENT_CLOSE;
}

/* The host's reply is the reason. */
enum client_need
client_refused(
    struct client *c, const char *what, enum stage stage, const struct reply *r)
{
	/* 3xx is neither good here nor bad. */
	struct verdict v =
	    r->code < 400 ? verdict_put_off(r) : verdict_of_reply(stage, r);

	return client_give_up(c, what, &v);
}

/* There is no reply to blame, or the bytes are none. */
enum client_need
client_give_up_on(
    struct client *c, const char *status, const char *what, struct span bytes)
{
	struct verdict v = verdict_of_us(status, SPAN(""));

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
	struct verdict v = verdict_put_off(r);

	(void)out;
	return client_give_up(c, "host spoke out of turn", &v);
}

/* --- one step --- */

/* 421 may answer anything and means that the host closes (RFC 5321 3.8). */
static enum client_need
shut_out(struct client *c, const struct reply *r, const char *what)
{
	struct verdict v = verdict_put_off(r);

	if (c->attempt != NULL) {
		c->attempt->said_anything = true;
		attempt_set_rest(c->attempt, &v);
	}
	return client_give_up(c, what, &v);
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
		return shut_out(c, r, "host closes");
	if (is_out_of_step(c, r))
		return shut_out(c, r, "host answered out of step");
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

void
client_silent(struct client *c)
{
	if (c->attempt != NULL && c->along)
		c->attempt->said_anything = true;
}

/* What the client said of itself stays; else it is what the caller saw. */
static struct verdict
verdict_of_end(struct client *c, struct span why)
{
	struct verdict v = verdict_of_us("4.4.2", why);

	if (c->end.what[0] == '\0') {
		(void)snprintf(c->end.what, sizeof c->end.what, "%.*s",
		    SPAN_ARG(span_to(why, sizeof c->end.what - 1)));
		(void)snprintf(c->end.status, sizeof c->end.status, "4.4.2");
	}
	if (!span_is_empty(why))
		return v;
	v = verdict_of_us(c->end.status, span_text(c->end.what));
	v.said = span_text(c->end.said);
	return v;
}

bool
client_lost(struct client *c, struct span why)
{
	enum state at = c->state;
	struct attempt *a = c->attempt;
	struct verdict v = verdict_of_end(c, why);

	c->attempt = NULL;
	c->state = STATE_CLOSED;
	if (at == STATE_HANDS && c->target->tls == TARGET_TLS_OPPORTUNISTIC)
		c->end.without_tls_may_do = true;
	if (at < STATE_IDLE)
		c->end.by_host = true;
	if (a == NULL || (!a->said_anything && at <= STATE_MAIL))
		return false;
	attempt_set_rest(a, &v);
	return true;
}
