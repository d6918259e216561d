/*
 *  GREETING -> EHLO -> [STARTTLS -> (hands) -> EHLO] -> [login] -> IDLE
 *
 *  IDLE -> [RSET] -> MAIL -> RCPT (each) -> DATA | PROBE -> SENDING -> FINAL -> IDLE
 *
 * Up to IDLE it is client_hello.c, from there on client_mail.c; here is what
 * holds in every state. One table has for each state what is said in it, what a
 * good reply to that is and leads to, and what follows from another reply; what
 * a bad one means for a recipient is outcome.c's to say.
 */
#include "client_priv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "facts/fact.h"
#include "mail/envelope.h"
#include "mail/origin.h"
#include "mail/wishes.h"

/* What a good reply is: of that class, or that one (RFC 5321 4.2.1, 4954 4). */
enum { OK = 2, GO_ON = 3, CHALLENGE = 334 };

/* Patience for each further recipient, and for what of the content, s. */
enum { RCPT_MORE = 60, OCTETS_A_SECOND = 500 };

static void say_nothing(struct client *c, struct buf *out);
static void say_quit(struct client *c, struct buf *out);
static enum client_need
on_unasked(struct client *c, const struct reply *r, struct buf *out);
static enum client_need
on_quit(struct client *c, const struct reply *r, struct buf *out);

static const struct rule {
	const char *name;
	enum stage stage;
	uint32_t timeout; /* s; RFC 5321 4.5.3.2 */
	int good;
	say_fn say;
	reply_fn on_good, on_other;
} rules[] = {
	/* clang-format off: a table is read by its columns */
	/* state              name         stage            s   good
	   says                   leads to             else */
	[STATE_GREETING] = { "greeting", STAGE_GREETING, 300, OK, say_nothing,
	    hello_on_greeting, hello_no_greeting },
	[STATE_EHLO] = { "ehlo", STAGE_EHLO, 300, OK, hello_say_ehlo,
	    hello_on_ehlo, hello_no_ehlo },
	[STATE_HELO] = { "helo", STAGE_EHLO, 300, OK, hello_say_helo,
	    hello_on_helo, hello_no_helo },
	[STATE_STARTTLS] = { "starttls", STAGE_STARTTLS, 300, OK,
	    hello_say_starttls, hello_on_starttls, hello_no_starttls },
	[STATE_HANDS] = { "hands", STAGE_STARTTLS, 60, OK, say_nothing,
	    on_unasked, on_unasked },
	[STATE_PLAIN] = { "plain", STAGE_AUTH, 300, CHALLENGE,
	    hello_say_auth_plain, hello_give_plain, hello_no_auth },
	[STATE_LOGIN] = { "login", STAGE_AUTH, 300, CHALLENGE,
	    hello_say_auth_login, hello_give_name, hello_no_auth },
	[STATE_PASSWORD] = { "password", STAGE_AUTH, 300, CHALLENGE,
	    hello_say_name, hello_give_password, hello_no_auth },
	[STATE_AUTH] = { "auth", STAGE_AUTH, 300, OK, say_nothing,
	    hello_on_auth, hello_no_auth },
	[STATE_IDLE] = { "idle", STAGE_EHLO, 300, OK, say_nothing, on_unasked,
	    on_unasked },
	[STATE_RSET] = { "rset", STAGE_MAIL, 300, OK, mail_say_rset,
	    mail_on_rset, mail_no_rset },
	[STATE_MAIL] = { "mail", STAGE_MAIL, 300, OK, mail_say_mail,
	    mail_on_mail, mail_on_mail },
	[STATE_RCPT] = { "rcpt", STAGE_RCPT, 300, OK, mail_say_rcpt,
	    mail_on_rcpt, mail_on_rcpt },
	[STATE_DATA] = { "data", STAGE_DATA, 120, GO_ON, mail_say_data,
	    mail_on_data, mail_no_data },
	[STATE_PROBE] = { "probe", STAGE_DATA, 120, OK, mail_say_probe,
	    mail_on_probe, mail_no_probe },
	[STATE_SENDING] = { "sending", STAGE_CONTENT, 180, OK, mail_say_chunk,
	    mail_on_early, mail_on_early },
	[STATE_FINAL] = { "final", STAGE_CONTENT, 600, OK, say_nothing,
	    mail_on_final, mail_on_final },
	[STATE_QUIT] = { "quit", STAGE_NONE, 30, OK, say_quit, on_quit,
	    on_quit },
	[STATE_CLOSED] = { "closed", STAGE_NONE, 30, OK, say_nothing,
	    on_unasked, on_unasked },
	/* clang-format on */
};

void
client_enter(struct client *c, enum state to)
{
	FACT(CLIENT,
	    fact_string("host", c->attempt == NULL ? "-" : c->attempt->host),
	    fact_word("from", rules[c->state].name),
	    fact_word("to", rules[to].name));
	c->state = to;
}

void
client_say(struct client *c, enum state what, struct buf *out)
{
	rules[what].say(c, out);
}

enum client_need
client_ask(struct client *c, enum state to, struct buf *out)
{
	client_say(c, to, out);
	client_enter(c, to);
	return CLIENT_INPUT;
}

static void
say_nothing(struct client *c, struct buf *out)
{
	(void)c;
	(void)out;
}

static void
say_quit(struct client *c, struct buf *out)
{
	(void)c;
	(void)buf_append_text(out, "QUIT\r\n");
}

struct client *
client_new(const struct target *target, const struct client_options *options)
{
	struct client *c = MEM_NEW(struct client);

	assert(
	    !options->without_tls || target->tls == TARGET_TLS_OPPORTUNISTIC);
	c->target = target;
	c->options = *options;
	c->has_tls = target->tls == TARGET_TLS_IMPLICIT;
	c->chunks_work = options->chunking == CHUNKING_WORKS;
	return c;
}

void
client_free(struct client *c)
{
	if (c != NULL)
		free(c->end.said);
	free(c);
}

/* --- time, and what was learned of the host --- */

uint32_t
client_timeout(const struct client *c)
{
	/* A host may answer the whole group at its end. */
	if (c->way == ALONG && c->state > STATE_IDLE && c->state < STATE_FINAL)
		return rules[STATE_FINAL].timeout;
	return rules[c->state].timeout;
}

uint64_t
client_limit(const struct client *c)
{
	uint64_t limit = 0;
	uint32_t n = c->asked == 0 ? 0 : c->asked - 1;

	if (c->attempt == NULL) {
		/* EHLO comes twice. */
		limit = rules[STATE_EHLO].timeout;
		for (enum state s = STATE_GREETING; s < STATE_IDLE; s++)
			limit += rules[s].timeout;
		return limit;
	}
	for (enum state s = STATE_RSET; s <= STATE_FINAL; s++)
		limit += rules[s].timeout;
	return limit + (uint64_t)n * RCPT_MORE + c->size / OCTETS_A_SECOND;
}

bool
client_has_attempt(const struct client *c)
{
	return c->attempt != NULL;
}

enum chunking
client_chunking(const struct client *c)
{
	return c->learned;
}

uint32_t
client_mails_most(const struct client *c)
{
	return c->mails_most;
}

const struct client_end *
client_end(const struct client *c)
{
	return &c->end;
}

/* --- giving up --- */

struct outcome_at
client_at(const struct client *c)
{
	const struct attempt *a = c->attempt;

	return (struct outcome_at){
		.stage = rules[c->state].stage,
		.took_some = c->taken > 0,
		.carried = c->answered > 0,
		.may_have_it = a != NULL && a->content_ended,
		.has_origin = a != NULL && origin_is_known(a->env),
		.asks_tls = a != NULL && wishes_tls(envelope_attrs(a->env)),
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
	if (c->answered > 0 && !client_at(c).may_have_it)
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
	client_enter(c, STATE_CLOSED);
	return CLIENT_CLOSE;
}

/* The host's reply is the reason. */
enum client_need
client_refused(struct client *c, const char *what, const struct reply *r)
{
	struct outcome_at at = client_at(c);
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
	struct verdict v =
	    verdict_of_us(rules[c->state].stage, status, SPAN(""));

	v.said = bytes;
	return client_give_up(c, what, &v);
}

static enum client_need
on_quit(struct client *c, const struct reply *r, struct buf *out)
{
	(void)r;
	(void)out;
	client_enter(c, STATE_CLOSED);
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
	struct outcome_at at = client_at(c);
	struct verdict v = verdict_of_reply(&at, r);

	if (c->attempt != NULL)
		attempt_set_rest(c->attempt, &v);
	return client_give_up(c, "host closes", &v);
}

/*
 * A good reply of the wrong kind, 2xx where only 354 makes sense, or the other
 * way round: replies and commands do not belong together any more. Content would
 * be read as commands, and a go-ahead be taken for a receipt.
 */
static enum client_need
out_of_step(struct client *c, const struct reply *r)
{
	struct outcome_at at = client_at(c);
	struct verdict v = verdict_of_nonsense(&at, r);

	attempt_set_rest(c->attempt, &v);
	return client_give_up(c, "host answered out of step", &v);
}

static bool
is_good(const struct rule *rule, const struct reply *r)
{
	return r->code == rule->good || r->code / 100 == rule->good;
}

static enum client_need
take_reply(struct client *c, const struct reply *r, struct buf *out)
{
	const struct rule *rule = &rules[c->state];

	if (r->code == 421 && c->state != STATE_QUIT)
		return shut_out(c, r);
	if (is_good(rule, r))
		return rule->on_good(c, r, out);
	if (r->code < 400 && c->state >= STATE_MAIL && c->state <= STATE_FINAL)
		return out_of_step(c, r);
	return rule->on_other(c, r, out);
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
	case CLIENT_SECURED:
		c->has_tls = true;
		client_forget_offers(c);
		return client_ask(c, STATE_EHLO, out);
	case CLIENT_GIVEN:
		/* What came unasked must not be read as an answer to this. */
		if (!span_is_empty(*ev->in))
			return client_give_up_on(c, "4.5.0",
			    "host spoke out of turn", span_to(*ev->in, 300));
		return client_begin(c, ev, out);
	case CLIENT_SENT:
		c->attempt->content_ended = true;
		if (c->state == STATE_SENDING)
			client_enter(c, STATE_FINAL);
		break;
	case CLIENT_QUIT: return client_ask(c, STATE_QUIT, out);
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
	c->end.stage = rules[c->state].stage;
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
		at = client_at(c);
		at.stage = c->end.stage;
		v = verdict_of_loss(&at, c->end.status, span_text(c->end.what));
		v.said = span_text(c->end.said);
		attempt_set_rest(c->attempt, &v);
	}
	c->attempt = NULL;
	client_enter(c, STATE_CLOSED);
}

void
client_forget(struct client *c)
{
	c->attempt = NULL;
}
