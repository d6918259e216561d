/*
 *  GREETING -> EHLO -> [STARTTLS -> (hands) -> EHLO] -> [login] -> IDLE
 *
 *  login: AUTH PLAIN with all of it, or, where it is too long for a line,
 *  PLAIN -> AUTH; where PLAIN is not offered, LOGIN -> PASSWORD -> AUTH
 *
 *  IDLE -> [RSET] -> MAIL -> RCPT (each) -> DATA -> SENDING -> FINAL -> IDLE
 *
 * With PIPELINING (RFC 2920) the commands of a transaction leave together and
 * the states count through the replies; without it each waits for the last.
 * With CHUNKING (RFC 3030) BDAT stands for DATA and its go-ahead: content that
 * is at hand leaves in one group with the commands, and a message takes one
 * round trip; other content, and what stands behind a RSET, waits for a
 * recipient that is taken. One table says what each state sends and what a good
 * reply leads to; what a bad one means is outcome.c's to say.
 */
#include "deliver/client.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deliver/attempt.h"
#include "deliver/target.h"
#include "mail/envelope.h"
#include "smtp/base64.h"
#include "smtp/reply.h"

enum { LINE_MOST = 512 }; /* of a command, with its end: RFC 5321 4.5.3.1.4 */

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
	struct client_end end;
};

typedef enum client_need (*reply_fn)(
    struct client *c, const struct reply *r, struct buf *out);

static enum client_need
on_greeting(struct client *c, const struct reply *r, struct buf *out);
static enum client_need
on_ehlo(struct client *c, const struct reply *r, struct buf *out);
static enum client_need
on_helo(struct client *c, const struct reply *r, struct buf *out);
static enum client_need
on_starttls(struct client *c, const struct reply *r, struct buf *out);
static enum client_need
on_challenge(struct client *c, const struct reply *r, struct buf *out);
static enum client_need
on_auth(struct client *c, const struct reply *r, struct buf *out);
static enum client_need
on_unasked(struct client *c, const struct reply *r, struct buf *out);
static enum client_need
on_rset(struct client *c, const struct reply *r, struct buf *out);
static enum client_need
on_mail(struct client *c, const struct reply *r, struct buf *out);
static enum client_need
on_rcpt(struct client *c, const struct reply *r, struct buf *out);
static enum client_need
on_data(struct client *c, const struct reply *r, struct buf *out);
static enum client_need
on_early(struct client *c, const struct reply *r, struct buf *out);
static enum client_need
on_final(struct client *c, const struct reply *r, struct buf *out);
static enum client_need
on_quit(struct client *c, const struct reply *r, struct buf *out);

static const struct {
	reply_fn on_reply;
	uint32_t timeout; /* s; RFC 5321 4.5.3.2 */
} states[] = {
	[STATE_GREETING] = { on_greeting, 300 },
	[STATE_EHLO] = { on_ehlo, 300 },
	[STATE_HELO] = { on_helo, 300 },
	[STATE_STARTTLS] = { on_starttls, 300 },
	[STATE_HANDS] = { on_unasked, 60 },
	[STATE_PLAIN] = { on_challenge, 300 },
	[STATE_LOGIN] = { on_challenge, 300 },
	[STATE_PASSWORD] = { on_challenge, 300 },
	[STATE_AUTH] = { on_auth, 300 },
	[STATE_IDLE] = { on_unasked, 300 },
	[STATE_RSET] = { on_rset, 300 },
	[STATE_MAIL] = { on_mail, 300 },
	[STATE_RCPT] = { on_rcpt, 300 },
	[STATE_DATA] = { on_data, 120 },
	[STATE_SENDING] = { on_early, 180 },
	[STATE_FINAL] = { on_final, 600 },
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

static enum client_need
give_up(struct client *c, const char *what, const struct verdict *v)
{
	c->state = STATE_CLOSED;
	c->end.by_host = true;
	(void)snprintf(c->end.status, sizeof c->end.status, "%s", v->status);
	(void)snprintf(c->end.what, sizeof c->end.what, "%s", what);
	free(c->end.said);
	c->end.said = span_is_empty(v->said) ? NULL : words_keep(v->said);
	return CLIENT_CLOSE;
}

/* The host's reply is the reason. */
static enum client_need
refused(
    struct client *c, const char *what, enum stage stage, const struct reply *r)
{
	struct verdict v = verdict_of_reply(stage, r);

	return give_up(c, what, &v);
}

/* There is no reply to blame, or the bytes are none. */
static enum client_need
give_up_on(
    struct client *c, const char *status, const char *what, struct span bytes)
{
	struct verdict v = verdict_of_us(status, SPAN(""));

	v.said = bytes;
	return give_up(c, what, &v);
}

/* RFC 3207, and the rule that the target was made for: never in clear. */
static enum client_need
miss_tls(struct client *c, const char *how, const struct reply *r)
{
	const char *because = c->target->because;
	struct verdict v = verdict_of_us("4.7.4", SPAN(""));
	char what[sizeof c->end.what];

	if (r != NULL)
		v.said = r->text;
	(void)snprintf(what, sizeof what,
	    "TLS is required and the host %s%s%s%s", how,
	    because == NULL ? "" : " (", because == NULL ? "" : because,
	    because == NULL ? "" : ")");
	return give_up(c, what, &v);
}

/* --- the beginning of a connection --- */

static enum client_need
say_ehlo(struct client *c, struct buf *out)
{
	c->state = STATE_EHLO;
	/* RFC 3207 4.2: what was offered in clear says nothing now. */
	c->can_pipeline = c->can_chunk = c->can_8bit = c->can_size =
	    c->can_starttls = c->can_auth_plain = c->can_auth_login = false;
	(void)buf_printf(out, "EHLO %s\r\n", c->target->hostname);
	return CLIENT_INPUT;
}

static enum client_need
on_greeting(struct client *c, const struct reply *r, struct buf *out)
{
	if (!reply_is_good(r))
		return refused(c, "greeting", STAGE_GREETING, r);
	return say_ehlo(c, out);
}

static void
take_mechanisms(struct client *c, struct span names)
{
	while (!span_is_empty(names)) {
		struct span name = span_cut(&names, ' ');

		if (span_equal_nocase(name, SPAN("PLAIN")))
			c->can_auth_plain = true;
		else if (span_equal_nocase(name, SPAN("LOGIN")))
			c->can_auth_login = true;
	}
}

static void
take_extension(struct client *c, struct span line)
{
	struct span word = span_cut(&line, ' ');

	if (span_equal_nocase(word, SPAN("PIPELINING")))
		c->can_pipeline = true;
	else if (span_equal_nocase(word, SPAN("CHUNKING")))
		c->can_chunk = c->target->chunking;
	else if (span_equal_nocase(word, SPAN("8BITMIME")))
		c->can_8bit = true;
	else if (span_equal_nocase(word, SPAN("SIZE")))
		c->can_size = true;
	else if (span_equal_nocase(word, SPAN("STARTTLS")))
		c->can_starttls = true;
	else if (span_equal_nocase(word, SPAN("AUTH")))
		take_mechanisms(c, line);
	else if (span_starts_nocase(word, SPAN("AUTH="))) {
		/* From before RFC 2554; some hosts write it still. */
		take_mechanisms(c, span_from(word, 5));
		take_mechanisms(c, line);
	}
}

static enum client_need
be_ready(struct client *c)
{
	assert(c->has_tls || c->target->tls == TARGET_TLS_OPPORTUNISTIC);
	c->state = STATE_IDLE;
	return CLIENT_READY;
}

static void
put_base64(struct span text, struct buf *out)
{
	(void)base64_encode(text, out);
	(void)buf_append_text(out, "\r\n");
}

/* RFC 4616: authorization identity (none), name, password. */
static void
make_plain(const struct target *t, struct buf *raw)
{
	(void)buf_append(raw, "\0", 1);
	(void)buf_append_text(raw, t->login);
	(void)buf_append(raw, "\0", 1);
	(void)buf_append(raw, t->password.data, t->password.len);
}

static void
start_plain(struct client *c, struct buf *out)
{
	static const struct span verb = { "AUTH PLAIN", 10 };
	struct buf raw = { 0 };

	make_plain(c->target, &raw);
	(void)buf_append_span(out, verb);
	/* RFC 4954 4: what is too long for a line waits to be asked for. */
	if (verb.len + 1 + BASE64_ENCODED_LEN(buf_len(&raw)) + 2 > LINE_MOST) {
		c->state = STATE_PLAIN;
		(void)buf_append_text(out, "\r\n");
	} else {
		c->state = STATE_AUTH;
		(void)buf_append_char(out, ' ');
		put_base64(buf_span(&raw), out);
	}
	mem_wipe(raw.data, raw.cap);
	buf_clear(&raw);
}

static enum client_need
log_in(struct client *c, struct buf *out)
{
	if (c->target->login == NULL)
		return be_ready(c);
	/* Only targets with verified TLS have a login (conf checks it). */
	assert(c->has_tls && c->target->tls != TARGET_TLS_OPPORTUNISTIC);
	if (c->can_auth_plain) {
		start_plain(c, out);
		return CLIENT_INPUT;
	}
	if (c->can_auth_login) {
		(void)buf_append_text(out, "AUTH LOGIN\r\n");
		c->state = STATE_LOGIN;
		return CLIENT_INPUT;
	}
	c->end.login_failed = true;
	return give_up_on(c, "4.7.4",
	    "login: the relay offers neither AUTH PLAIN nor AUTH LOGIN",
	    SPAN(""));
}

static enum client_need
after_ehlo(struct client *c, struct buf *out)
{
	if (c->has_tls || !c->use_tls)
		return log_in(c, out);
	if (c->can_starttls) {
		(void)buf_append_text(out, "STARTTLS\r\n");
		c->state = STATE_STARTTLS;
		return CLIENT_INPUT;
	}
	if (c->target->tls == TARGET_TLS_REQUIRE)
		return miss_tls(c, "offers none", NULL);
	return log_in(c, out);
}

static enum client_need
on_ehlo(struct client *c, const struct reply *r, struct buf *out)
{
	struct span text = r->text, line;
	bool first = true;

	if (reply_is_temporary(r))
		return refused(c, "EHLO", STAGE_EHLO, r);
	if (!reply_is_good(r)) {
		/* RFC 5321 3.2: a host that knows no EHLO may know HELO. */
		(void)buf_printf(out, "HELO %s\r\n", c->target->hostname);
		c->state = STATE_HELO;
		return CLIENT_INPUT;
	}
	while (reply_next_line(&text, &line)) {
		if (!first)
			take_extension(c, line);
		first = false;
	}
	return after_ehlo(c, out);
}

static enum client_need
on_helo(struct client *c, const struct reply *r, struct buf *out)
{
	if (!reply_is_good(r))
		return refused(c, "HELO", STAGE_EHLO, r);
	return after_ehlo(c, out);
}

static enum client_need
on_starttls(struct client *c, const struct reply *r, struct buf *out)
{
	if (reply_is_good(r)) {
		c->state = STATE_HANDS;
		return CLIENT_TLS;
	}
	if (c->target->tls == TARGET_TLS_REQUIRE)
		return miss_tls(c, "refuses STARTTLS", r);
	return log_in(c, out);
}

static enum client_need
refused_login(struct client *c, const struct reply *r)
{
	struct verdict v = verdict_of_reply(STAGE_AUTH, r);

	/* 454 and its like are the host's trouble, and pass. */
	c->end.login_failed = !reply_is_temporary(r);
	if (r->code < 400)
		v = verdict_put_off(r);
	return give_up(c, "login refused", &v);
}

/* RFC 4954 4. What a prompt says does not matter: the order is always this. */
static enum client_need
on_challenge(struct client *c, const struct reply *r, struct buf *out)
{
	const struct target *t = c->target;
	struct buf raw = { 0 };

	if (r->code != 334)
		return refused_login(c, r);
	if (c->state == STATE_LOGIN) {
		put_base64(span_text(t->login), out);
		c->state = STATE_PASSWORD;
		return CLIENT_INPUT;
	}
	if (c->state == STATE_PLAIN)
		make_plain(t, &raw);
	else
		(void)buf_append(&raw, t->password.data, t->password.len);
	put_base64(buf_span(&raw), out);
	mem_wipe(raw.data, raw.cap);
	buf_clear(&raw);
	c->state = STATE_AUTH;
	return CLIENT_INPUT;
}

static enum client_need
on_auth(struct client *c, const struct reply *r, struct buf *out)
{
	(void)out;
	return reply_is_good(r) ? be_ready(c) : refused_login(c, r);
}

/* --- a transaction --- */

static void
put_mail(struct client *c, struct buf *out)
{
	const struct envelope *env = c->attempt->env;

	(void)buf_printf(out, "MAIL FROM:<%s>", env->sender);
	if (c->can_size)
		(void)buf_printf(
		    out, " SIZE=%llu", (unsigned long long)env->size);
	if (c->can_8bit && (env->flags & ENVELOPE_8BIT) != 0)
		(void)buf_append_text(out, " BODY=8BITMIME");
	(void)buf_append_text(out, "\r\n");
}

static void
put_rcpt(struct client *c, uint32_t i, struct buf *out)
{
	const struct attempt *a = c->attempt;

	(void)buf_printf(
	    out, "RCPT TO:<%s>\r\n", a->env->rcpt[a->rcpts[i].index]);
}

static void
put_bdat(const struct client *c, struct buf *out)
{
	(void)buf_printf(
	    out, "BDAT %llu LAST\r\n", (unsigned long long)c->size);
}

/* What follows MAIL without waiting for its answer. */
static enum client_need
put_group(struct client *c, struct buf *out)
{
	for (uint32_t i = 0; i < c->attempt->nrcpt; i++)
		put_rcpt(c, i, out);
	if (c->along) {
		put_bdat(c, out);
		return CLIENT_CHUNK;
	}
	if (!c->can_chunk)
		(void)buf_append_text(out, "DATA\r\n");
	return CLIENT_INPUT;
}

static enum client_need
begin(struct client *c, const struct client_event *ev, struct buf *out)
{
	assert(c->state == STATE_IDLE);
	assert(c->has_tls || c->target->tls == TARGET_TLS_OPPORTUNISTIC);
	c->attempt = ev->attempt;
	c->size = ev->size;
	/* Behind a RSET that is refused it would go to the recipients before. */
	c->along =
	    c->can_chunk && c->can_pipeline && ev->at_hand && !c->needs_reset;
	c->next_rcpt = 0;
	c->taken = 0;
	c->state = STATE_MAIL;
	if (c->needs_reset) {
		(void)buf_append_text(out, "RSET\r\n");
		c->state = STATE_RSET;
		if (!c->can_pipeline)
			return CLIENT_INPUT;
	}
	put_mail(c, out);
	return c->can_pipeline ? put_group(c, out) : CLIENT_INPUT;
}

/* The attempt is answered; the connection may be used again. */
static enum client_need
finish(struct client *c)
{
	c->attempt = NULL;
	return be_ready(c);
}

static enum client_need
on_rset(struct client *c, const struct reply *r, struct buf *out)
{
	if (!reply_is_good(r))
		return refused(c, "RSET", STAGE_EHLO, r);
	c->needs_reset = false;
	c->state = STATE_MAIL;
	if (!c->can_pipeline)
		put_mail(c, out);
	return CLIENT_INPUT;
}

static enum client_need
on_mail(struct client *c, const struct reply *r, struct buf *out)
{
	struct verdict v = verdict_of_reply(STAGE_MAIL, r);

	c->attempt->said_anything = true;
	if (v.outcome != OUTCOME_NONE) {
		attempt_set_rest(c->attempt, &v);
		if (!c->can_pipeline)
			return finish(c);
	} else {
		c->needs_reset = true;
	}
	c->state = STATE_RCPT;
	if (!c->can_pipeline)
		put_rcpt(c, 0, out);
	return CLIENT_INPUT;
}

static enum client_need
after_rcpts(struct client *c, struct buf *out)
{
	if (c->along) {
		c->state = STATE_FINAL;
		return CLIENT_INPUT;
	}
	c->state = STATE_DATA;
	if (c->can_pipeline && !c->can_chunk)
		return CLIENT_INPUT;
	if (c->taken == 0)
		return finish(c);
	if (c->can_chunk) {
		put_bdat(c, out);
		c->state = STATE_SENDING;
		return CLIENT_CHUNK;
	}
	(void)buf_append_text(out, "DATA\r\n");
	return CLIENT_INPUT;
}

static enum client_need
on_rcpt(struct client *c, const struct reply *r, struct buf *out)
{
	struct attempt_rcpt *rcpt = &c->attempt->rcpts[c->next_rcpt++];
	struct verdict v = verdict_of_reply(STAGE_RCPT, r);

	/* After a refused MAIL these only say "MAIL first". */
	if (rcpt->outcome == OUTCOME_NONE && v.outcome != OUTCOME_NONE)
		attempt_set(rcpt, &v);
	else if (rcpt->outcome == OUTCOME_NONE)
		c->taken++;
	if (c->next_rcpt == c->attempt->nrcpt)
		return after_rcpts(c, out);
	if (!c->can_pipeline)
		put_rcpt(c, c->next_rcpt, out);
	return CLIENT_INPUT;
}

static enum client_need
on_data(struct client *c, const struct reply *r, struct buf *out)
{
	struct verdict v = verdict_of_reply(STAGE_DATA, r);

	if (v.outcome == OUTCOME_NONE && c->taken > 0) {
		c->state = STATE_SENDING;
		return CLIENT_CONTENT;
	}
	if (v.outcome == OUTCOME_NONE) {
		/* RFC 2920 3.1: it wants content for nobody; it gets none. */
		(void)buf_append_text(out, ".\r\n");
		c->state = STATE_FINAL;
		return CLIENT_INPUT;
	}
	attempt_set_rest(c->attempt, &v);
	return finish(c);
}

/* A refused BDAT is refused, but what is left of it cannot be called back. */
static enum client_need
on_early(struct client *c, const struct reply *r, struct buf *out)
{
	struct verdict v = verdict_of_reply(STAGE_CONTENT, r);

	(void)out;
	if (c->can_chunk && r->code >= 400)
		attempt_set_rest(c->attempt, &v);
	return give_up(c, "host broke off the content", &v);
}

static enum client_need
on_final(struct client *c, const struct reply *r, struct buf *out)
{
	struct verdict v = verdict_of_reply(STAGE_CONTENT, r);

	(void)out;
	/* RFC 5321 4.1.1.4: either way it is over; a BDAT only if it is good. */
	c->needs_reset = c->can_chunk && !reply_is_good(r);
	attempt_set_rest(c->attempt, &v);
	return finish(c);
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
	return give_up(c, "host spoke out of turn", &v);
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
	return give_up(c, what, &v);
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
			return give_up_on(c, "4.5.0",
			    "host does not speak SMTP", span_to(*in, 100));
		}
		need = take_reply(c, &r, out);
	}
	/* RFC 3207 6: replies from before TLS must not be read after it. */
	if (need == CLIENT_TLS && !span_is_empty(*in))
		return give_up_on(
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
	case CLIENT_SECURED: c->has_tls = true; return say_ehlo(c, out);
	case CLIENT_GIVEN:
		/* What came unasked must not be read as an answer to this. */
		if (!span_is_empty(*ev->in))
			return give_up_on(c, "4.5.0", "host spoke out of turn",
			    span_to(*ev->in, 300));
		return begin(c, ev, out);
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
