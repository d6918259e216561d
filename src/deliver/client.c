/*
 *  GREETING -> EHLO -> [STARTTLS -> (hands) -> EHLO] -> [AUTH] -> IDLE
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

enum state {
	STATE_GREETING,
	STATE_EHLO,
	STATE_HELO,
	STATE_STARTTLS,
	STATE_HANDS, /* shaking them */
	STATE_AUTH,
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
	    can_auth_plain;
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

	c->target = target;
	c->use_tls = use_tls;
	c->has_tls = target->tls == TARGET_TLS_IMPLICIT;
	return c;
}

void
client_free(struct client *c)
{
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

static struct span
whole_text(const struct reply *r)
{
	return r->text;
}

static enum client_need
give_up(struct client *c, const char *what, struct span why)
{
	char *p;

	c->state = STATE_CLOSED;
	c->end.by_host = true;
	(void)snprintf(c->end.why, sizeof c->end.why, "%s%s%.*s", what,
	    why.len > 0 ? ": " : "", SPAN_ARG(span_to(why, 300)));
	for (p = c->end.why; *p != '\0'; p++)
		if (*p == '\r' || *p == '\n')
			*p = ' ';
	while (p > c->end.why && p[-1] == ' ')
		*--p = '\0';
	return CLIENT_CLOSE;
}

/* --- the beginning of a connection --- */

static enum client_need
say_ehlo(struct client *c, struct buf *out)
{
	c->state = STATE_EHLO;
	/* RFC 3207 4.2: what was offered in clear says nothing now. */
	c->can_pipeline = c->can_chunk = c->can_8bit = c->can_size =
	    c->can_starttls = c->can_auth_plain = false;
	(void)buf_printf(out, "EHLO %s\r\n", c->target->hostname);
	return CLIENT_INPUT;
}

static enum client_need
on_greeting(struct client *c, const struct reply *r, struct buf *out)
{
	if (!reply_is_good(r))
		return give_up(c, "greeting", whole_text(r));
	return say_ehlo(c, out);
}

static bool
offers_plain(struct span args)
{
	while (!span_is_empty(args))
		if (span_equal_nocase(span_cut(&args, ' '), SPAN("PLAIN")))
			return true;
	return false;
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
		c->can_auth_plain = offers_plain(line);
}

static enum client_need
be_ready(struct client *c)
{
	c->state = STATE_IDLE;
	return CLIENT_READY;
}

static enum client_need
log_in(struct client *c, struct buf *out)
{
	struct buf raw = { 0 };

	if (c->target->login == NULL)
		return be_ready(c);
	/* Only targets with verified TLS have a login (conf checks it). */
	assert(c->has_tls && c->target->tls != TARGET_TLS_OPPORTUNISTIC);
	if (!c->can_auth_plain)
		return give_up(
		    c, "login: the relay offers no AUTH PLAIN", SPAN(""));
	/* RFC 4616: authorization identity (none), login, password. */
	(void)buf_append(&raw, "\0", 1);
	(void)buf_append_text(&raw, c->target->login);
	(void)buf_append(&raw, "\0", 1);
	(void)buf_append(
	    &raw, c->target->password.data, c->target->password.len);
	(void)buf_append_text(out, "AUTH PLAIN ");
	(void)base64_encode(buf_span(&raw), out);
	(void)buf_append_text(out, "\r\n");
	mem_wipe(raw.data, raw.cap);
	buf_clear(&raw);
	c->state = STATE_AUTH;
	return CLIENT_INPUT;
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
		return give_up(
		    c, "TLS is required and the host offers none", SPAN(""));
	return log_in(c, out);
}

static enum client_need
on_ehlo(struct client *c, const struct reply *r, struct buf *out)
{
	struct span text = r->text, line;
	bool first = true;

	if (reply_is_temporary(r))
		return give_up(c, "EHLO", whole_text(r));
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
		return give_up(c, "HELO", whole_text(r));
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
		return give_up(c, "STARTTLS", whole_text(r));
	return log_in(c, out);
}

static enum client_need
on_auth(struct client *c, const struct reply *r, struct buf *out)
{
	(void)out;
	if (!reply_is_good(r))
		return give_up(c, "login refused", whole_text(r));
	return be_ready(c);
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
		return give_up(c, "RSET", whole_text(r));
	c->needs_reset = false;
	c->state = STATE_MAIL;
	if (!c->can_pipeline)
		put_mail(c, out);
	return CLIENT_INPUT;
}

static enum client_need
on_mail(struct client *c, const struct reply *r, struct buf *out)
{
	enum outcome o = outcome_of_reply(STAGE_MAIL, r);

	c->attempt->said_anything = true;
	if (o != OUTCOME_NONE) {
		attempt_set_rest(
		    c->attempt, STAGE_MAIL, o, r->enhanced, whole_text(r));
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
	enum outcome o = outcome_of_reply(STAGE_RCPT, r);

	/* After a refused MAIL these only say "MAIL first". */
	if (rcpt->outcome == OUTCOME_NONE && o != OUTCOME_NONE)
		attempt_set(rcpt, STAGE_RCPT, o, r->enhanced, whole_text(r));
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
	enum outcome o = outcome_of_reply(STAGE_DATA, r);

	if (o == OUTCOME_NONE && c->taken > 0) {
		c->state = STATE_SENDING;
		return CLIENT_CONTENT;
	}
	if (o == OUTCOME_NONE) {
		/* RFC 2920 3.1: it wants content for nobody; it gets none. */
		(void)buf_append_text(out, ".\r\n");
		c->state = STATE_FINAL;
		return CLIENT_INPUT;
	}
	attempt_set_rest(c->attempt, STAGE_DATA, o, r->enhanced, whole_text(r));
	return finish(c);
}

/* A refused BDAT is refused, but what is left of it cannot be called back. */
static enum client_need
on_early(struct client *c, const struct reply *r, struct buf *out)
{
	(void)out;
	if (c->can_chunk && r->code >= 400)
		attempt_set_rest(c->attempt, STAGE_CONTENT,
		    outcome_of_reply(STAGE_CONTENT, r), r->enhanced,
		    whole_text(r));
	return give_up(c, "host broke off the content", whole_text(r));
}

static enum client_need
on_final(struct client *c, const struct reply *r, struct buf *out)
{
	(void)out;
	/* RFC 5321 4.1.1.4: either way it is over; a BDAT only if it is good. */
	c->needs_reset = c->can_chunk && !reply_is_good(r);
	attempt_set_rest(c->attempt, STAGE_CONTENT,
	    outcome_of_reply(STAGE_CONTENT, r), r->enhanced, whole_text(r));
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
	(void)out;
	return give_up(c, "host spoke out of turn", whole_text(r));
}

/* --- one step --- */

/* 421 may answer anything and means that the host closes (RFC 5321 3.8). */
static enum client_need
shut_out(struct client *c, const struct reply *r, const char *what)
{
	if (c->attempt != NULL) {
		c->attempt->said_anything = true;
		attempt_set_rest(c->attempt, STAGE_MAIL, OUTCOME_DEFERRED,
		    r->enhanced, whole_text(r));
	}
	return give_up(c, what, whole_text(r));
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
			return give_up(
			    c, "host does not speak SMTP", span_to(*in, 100));
		}
		need = take_reply(c, &r, out);
	}
	/* RFC 3207 6: replies from before TLS must not be read after it. */
	if (need == CLIENT_TLS && !span_is_empty(*in))
		return give_up(c, "host spoke on after STARTTLS", SPAN(""));
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
			return give_up(
			    c, "host spoke out of turn", span_to(*ev->in, 300));
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

bool
client_lost(struct client *c, struct span why)
{
	enum state at = c->state;
	struct attempt *a = c->attempt;

	c->attempt = NULL;
	c->state = STATE_CLOSED;
	if (c->end.why[0] == '\0')
		(void)snprintf(c->end.why, sizeof c->end.why, "%.*s",
		    SPAN_ARG(span_to(why, 300)));
	if (at == STATE_HANDS && c->target->tls == TARGET_TLS_OPPORTUNISTIC)
		c->end.without_tls_may_do = true;
	if (at < STATE_IDLE)
		c->end.by_host = true;
	if (a == NULL || (!a->said_anything && at <= STATE_MAIL))
		return false;
	attempt_set_rest(a, STAGE_MAIL, OUTCOME_DEFERRED, SPAN("4.4.2"), why);
	return true;
}
