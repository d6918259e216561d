/*
 * Transactions. With PIPELINING (RFC 2920) the commands of one leave together and
 * the states count through the replies; without it each waits for the last.
 *
 * With CHUNKING (RFC 3030) BDAT stands for DATA and its go-ahead. Some hosts, and
 * boxes in front of hosts, let it be offered and do not know it: they would take
 * the content for commands. So the first transaction of a connection asks with
 * `BDAT 0`, which takes nothing in and costs the time that DATA costs. A refusal
 * shows whether the command is known; it is remembered of the host (peers.h).
 *
 * Once BDAT is known to work, content that is at hand leaves in one group with the
 * commands, and a message takes one round trip; other content, and what stands
 * behind a RSET, waits for a recipient that is taken.
 *
 * A transaction asks for the recipients that have no outcome yet, as many as the
 * host takes at a time.
 */
#include "client_priv.h"

#include <assert.h>

#include "mail/envelope.h"
#include "mail/param.h"
#include "mail/wishes.h"
#include "smtp/idn.h"

enum { RCPTS_MOST = 100 }; /* of who says nothing: RFC 5321 4.5.3.1.8 */

/* --- what is said --- */

void
mail_say_rset(struct client *c, struct buf *out)
{
	(void)c;
	(void)buf_append_text(out, "RSET\r\n");
}

static bool
knows_utf8(const struct client *c)
{
	return (c->extensions & EXTENSION_SMTPUTF8) != 0;
}

/* A host without SMTPUTF8 knows a domain by its A-labels. */
static void
put_address(const struct client *c, const char *address, struct buf *out)
{
	struct span all = span_text(address);
	size_t domain = span_find_last(all, '@') + 1;
	char text[IDN_SIZE];

	if (!c->is_utf8 || knows_utf8(c) || domain > all.len) {
		(void)buf_append_span(out, all);
		return;
	}
	(void)buf_append_span(out, span_to(all, domain));
	(void)buf_append_span(out, idn_to_ascii(span_from(all, domain), text));
}

void
mail_say_mail(struct client *c, struct buf *out)
{
	const struct envelope *env = c->attempt->env;

	(void)buf_append_text(out, "MAIL FROM:<");
	put_address(c, env->sender, out);
	(void)buf_append_char(out, '>');
	params_write_mail(env,
	    &(struct param_sending){ .extensions = c->offered,
		.age = c->attempt->age,
		.size = c->size },
	    out);
	(void)buf_append_text(out, "\r\n");
}

static void
put_rcpt(struct client *c, uint32_t i, struct buf *out)
{
	const struct envelope *env = c->attempt->env;
	uint32_t rcpt = c->attempt->rcpts[i].index;

	(void)buf_append_text(out, "RCPT TO:<");
	put_address(c, env->rcpts[rcpt].address, out);
	(void)buf_append_char(out, '>');
	params_write_rcpt(env, rcpt, c->offered, out);
	(void)buf_append_text(out, "\r\n");
}

void
mail_say_rcpt(struct client *c, struct buf *out)
{
	put_rcpt(c, c->next_rcpt, out);
}

void
mail_say_data(struct client *c, struct buf *out)
{
	(void)c;
	(void)buf_append_text(out, "DATA\r\n");
}

/* Never with LAST: an old host would store an empty message. */
void
mail_say_probe(struct client *c, struct buf *out)
{
	(void)c;
	(void)buf_append_text(out, "BDAT 0\r\n");
}

/* Content that is stuffed stands behind DATA, and nothing more is said. */
void
mail_say_chunk(struct client *c, struct buf *out)
{
	if (c->way != BY_DATA)
		(void)buf_printf(
		    out, "BDAT %llu LAST\r\n", (unsigned long long)c->size);
}

/* --- the beginning --- */

/* As many as the host takes at a time. Those of one domain stand together. */
static void
choose_recipients(struct client *c)
{
	struct attempt *a = c->attempt;
	uint32_t most = c->rcpts_most == 0 ? RCPTS_MOST : c->rcpts_most;
	struct span domain = SPAN(""), next;
	uint32_t domains = 0;

	c->asked = 0;
	for (uint32_t i = 0; i < a->nrcpt; i++) {
		struct attempt_rcpt *r = &a->rcpts[i];

		r->is_asked = false;
		if (r->outcome != OUTCOME_NONE || c->asked == most)
			continue;
		next = envelope_domain(a->env, r->index);
		if (domains == 0 || !span_equal_nocase(domain, next))
			domains++;
		domain = next;
		if (c->domains_most > 0 && domains > c->domains_most) {
			most = c->asked;
			continue;
		}
		r->is_asked = true;
		if (c->asked++ == 0)
			c->next_rcpt = i;
	}
	assert(c->asked > 0);
}

/* False: there is none behind that one. */
static bool
next_recipient(struct client *c)
{
	const struct attempt *a = c->attempt;

	for (uint32_t i = c->next_rcpt + 1; i < a->nrcpt; i++)
		if (a->rcpts[i].is_asked) {
			c->next_rcpt = i;
			return true;
		}
	return false;
}

static enum content_way
choose_way(const struct client *c, bool at_hand)
{
	if (!c->can_chunk)
		return BY_DATA;
	if (!c->chunks_work)
		return BY_PROBE;
	/* Behind a RSET that is refused it would go to the recipients before. */
	return c->can_pipeline && at_hand && !c->needs_reset ? ALONG : BY_CHUNK;
}

/* All that need not wait for an answer. */
static enum client_need
say_group(struct client *c, struct buf *out)
{
	if (c->needs_reset)
		client_say(c, STATE_RSET, out);
	client_say(c, STATE_MAIL, out);
	for (uint32_t i = 0; i < c->attempt->nrcpt; i++)
		if (c->attempt->rcpts[i].is_asked)
			put_rcpt(c, i, out);
	switch (c->way) {
	case BY_DATA: client_say(c, STATE_DATA, out); break;
	case BY_PROBE: client_say(c, STATE_PROBE, out); break;
	case BY_CHUNK: break;
	case ALONG: client_say(c, STATE_SENDING, out); return CLIENT_CHUNK;
	}
	return CLIENT_INPUT;
}

static enum client_need
start_transaction(struct client *c, struct buf *out)
{
	enum state first = c->needs_reset ? STATE_RSET : STATE_MAIL;

	c->taken = 0;
	choose_recipients(c);
	c->is_group = c->can_pipeline;
	if (!c->is_group)
		return client_ask(c, first, out);
	client_enter(c, first);
	return say_group(c, out);
}

/* --- SMTPUTF8 (RFC 6531) --- */

/* What no A-label can say: the letters in front of the domain. */
static bool
has_utf8_local(const char *address)
{
	struct span all = span_text(address);

	return !span_is_ascii(span_to(all, span_find_last(all, '@')));
}

/* Whether this transaction is more than ASCII. */
static bool
needs_utf8(const struct attempt *a)
{
	const struct envelope *env = a->env;

	if ((env->flags & ENVELOPE_UTF8) == 0)
		return false;
	if ((env->flags & ENVELOPE_UTF8_HEADER) != 0 ||
	    !span_is_ascii(span_text(env->sender)))
		return true;
	for (uint32_t i = 0; i < a->nrcpt; i++)
		if (!span_is_ascii(
			span_text(env->rcpts[a->rcpts[i].index].address)))
			return true;
	return false;
}

/*
 * Which recipients a host without SMTPUTF8 can be asked for: those that can be
 * named in ASCII, from a sender who can. The header is client_form()'s.
 * False: none is left.
 */
static bool
leave_out_utf8(struct client *c)
{
	const struct envelope *env = c->attempt->env;
	struct verdict v = verdict_of_us(STAGE_MAIL, "5.6.7",
	    SPAN("the host does not take addresses beyond ASCII (SMTPUTF8)"));
	bool is_left = false;

	v.outcome = OUTCOME_ELSEWHERE;
	for (uint32_t i = 0; i < c->attempt->nrcpt; i++) {
		struct attempt_rcpt *r = &c->attempt->rcpts[i];

		if (has_utf8_local(env->sender) ||
		    has_utf8_local(env->rcpts[r->index].address))
			attempt_set(c->attempt, r, &v);
		is_left |= r->outcome == OUTCOME_NONE;
	}
	return is_left;
}

/* --- 8BITMIME, BINARYMIME, and headers (RFC 6152, RFC 3030, RFC 6532) --- */

enum client_form
client_form(const struct client *c, const struct envelope *env)
{
	bool takes_binary =
	    c->can_chunk && (c->extensions & EXTENSION_BINARYMIME) != 0;
	bool takes_8bit = (c->extensions & EXTENSION_8BITMIME) != 0;

	if ((env->flags & ENVELOPE_UTF8_HEADER) != 0 && !knows_utf8(c))
		return takes_8bit ? FORM_ASCII_HEADERS : FORM_7BIT;
	if ((env->flags & ENVELOPE_BINARY) != 0 && takes_binary)
		return FORM_AS_IT_IS;
	if ((env->flags & (ENVELOPE_8BIT | ENVELOPE_BINARY)) == 0)
		return FORM_AS_IT_IS;
	if (!takes_8bit)
		return FORM_7BIT;
	return (env->flags & ENVELOPE_BINARY) != 0 ? FORM_8BIT : FORM_AS_IT_IS;
}

/* --- REQUIRETLS (RFC 8689 section 4.2.1) --- */

/* The host's certificate was verified, and it promises the same of its own hosts. */
static bool
may_have(const struct client *c)
{
	return !wishes_tls(envelope_attrs(c->attempt->env)) ||
	       (c->has_tls && c->target->tls != TARGET_TLS_OPPORTUNISTIC &&
		   (c->extensions & EXTENSION_REQUIRETLS) != 0);
}

static void
leave_out_all(struct client *c)
{
	struct verdict v = verdict_of_us(STAGE_MAIL, "5.7.30",
	    SPAN("the message wants verified TLS up to its recipient, and the "
		 "host does not offer that (REQUIRETLS)"));

	v.outcome = OUTCOME_ELSEWHERE;
	attempt_set_rest(c->attempt, &v);
}

enum client_need
client_begin(struct client *c, const struct client_event *ev, struct buf *out)
{
	assert(c->state == STATE_IDLE);
	assert(c->has_tls || c->target->tls == TARGET_TLS_OPPORTUNISTIC);
	c->attempt = ev->attempt;
	c->attempt->rcpts_most = c->rcpts_most;
	c->attempt->has_dsn = (c->extensions & EXTENSION_DSN) != 0;
	c->attempt->has_by = (c->extensions & EXTENSION_DELIVERBY) != 0;
	c->size = ev->size;
	c->is_utf8 = needs_utf8(c->attempt);
	c->offered = c->extensions;
	if (!c->is_utf8)
		c->offered &= ~(uint32_t)EXTENSION_SMTPUTF8;
	c->is_binary = (c->attempt->env->flags & ENVELOPE_BINARY) != 0 &&
		       client_form(c, c->attempt->env) == FORM_AS_IT_IS;
	assert(!c->is_binary || c->can_chunk);
	if (!c->is_binary)
		c->offered &= ~(uint32_t)EXTENSION_BINARYMIME;
	if (!may_have(c)) {
		leave_out_all(c);
		c->attempt = NULL;
		return client_be_ready(c);
	}
	if (c->is_utf8 && !knows_utf8(c) && !leave_out_utf8(c)) {
		c->attempt = NULL;
		return client_be_ready(c);
	}
	c->way = choose_way(c, ev->at_hand);
	return start_transaction(c, out);
}

/* In a group it was said before. */
static enum client_need
go_on(struct client *c, enum state to, struct buf *out)
{
	if (!c->is_group)
		return client_ask(c, to, out);
	client_enter(c, to);
	return CLIENT_INPUT;
}

/* --- the end --- */

/* The attempt is answered; the connection may be used again. */
static enum client_need
finish(struct client *c)
{
	struct attempt *a = c->attempt;

	for (uint32_t i = 0; i < a->nrcpt; i++)
		if (!a->rcpts[i].is_asked &&
		    a->rcpts[i].outcome == OUTCOME_NONE)
			a->rcpts[i].outcome = OUTCOME_NEXT_TRANSACTION;
	c->attempt = NULL;
	c->answered++;
	return client_be_ready(c);
}

/* --- the replies --- */

enum client_need
mail_on_rset(struct client *c, const struct reply *r, struct buf *out)
{
	(void)r;
	c->needs_reset = false;
	return go_on(c, STATE_MAIL, out);
}

enum client_need
mail_no_rset(struct client *c, const struct reply *r, struct buf *out)
{
	(void)out;
	return client_refused(c, "RSET", r);
}

enum client_need
mail_on_mail(struct client *c, const struct reply *r, struct buf *out)
{
	struct outcome_at at = client_at(c);
	struct verdict v = verdict_of_reply(&at, r);

	if (v.outcome == OUTCOME_NONE) {
		c->needs_reset = true;
	} else {
		/* Those that another transaction would ask for, too. */
		attempt_set_rest(c->attempt, &v);
		if (!c->is_group)
			return finish(c);
	}
	return go_on(c, STATE_RCPT, out);
}

static enum client_need
send_chunk(struct client *c, struct buf *out)
{
	(void)client_ask(c, STATE_SENDING, out);
	return CLIENT_CHUNK;
}

static enum client_need
after_rcpts(struct client *c, struct buf *out)
{
	bool is_asked_already =
	    c->is_group && (c->way == BY_DATA || c->way == BY_PROBE);

	if (c->way == ALONG) {
		client_enter(c, STATE_FINAL);
		return CLIENT_INPUT;
	}
	if (c->taken == 0 && !is_asked_already)
		return finish(c);
	if (c->way == BY_CHUNK)
		return send_chunk(c, out);
	return go_on(c, c->way == BY_DATA ? STATE_DATA : STATE_PROBE, out);
}

enum client_need
mail_on_rcpt(struct client *c, const struct reply *r, struct buf *out)
{
	struct attempt_rcpt *rcpt = &c->attempt->rcpts[c->next_rcpt];
	struct outcome_at at = client_at(c);
	struct verdict v = verdict_of_reply(&at, r);

	/* After a refused MAIL these only say "MAIL first". */
	if (rcpt->outcome == OUTCOME_NONE && v.outcome != OUTCOME_NONE)
		attempt_set(c->attempt, rcpt, &v);
	else if (rcpt->outcome == OUTCOME_NONE)
		c->taken++;
	if (!next_recipient(c))
		return after_rcpts(c, out);
	return go_on(c, STATE_RCPT, out);
}

enum client_need
mail_on_data(struct client *c, const struct reply *r, struct buf *out)
{
	(void)r;
	assert(!c->is_binary);
	if (c->taken > 0) {
		(void)client_ask(c, STATE_SENDING, out);
		return CLIENT_CONTENT;
	}
	/* RFC 2920 3.1: it wants content for nobody; it gets none. */
	(void)buf_append_text(out, ".\r\n");
	client_enter(c, STATE_FINAL);
	return CLIENT_INPUT;
}

/* Of the transaction as a whole. */
static enum client_need
end_with(struct client *c, const struct reply *r)
{
	struct outcome_at at = client_at(c);
	struct verdict v = verdict_of_reply(&at, r);

	attempt_set_asked(c->attempt, &v);
	return finish(c);
}

enum client_need
mail_no_data(struct client *c, const struct reply *r, struct buf *out)
{
	(void)out;
	return end_with(c, r);
}

enum client_need
mail_on_probe(struct client *c, const struct reply *r, struct buf *out)
{
	(void)r;
	c->chunks_work = true;
	if (c->taken == 0)
		return finish(c);
	c->way = BY_CHUNK;
	return send_chunk(c, out);
}

/*
 * Of the refusals, 500 and 502 say that the command is not known; so does 503, "bad
 * sequence of commands", of who has taken recipients. 501 and 504 are about the
 * parameter, so the command is known: Exim refuses a chunk without content with
 * 504, and Postfix with 551. The rest is about the message.
 */
static enum chunking
what_probe_shows(const struct client *c, int code)
{
	switch (code) {
	case 500:
	case 502: return CHUNKING_LACKS;
	case 503: return c->taken > 0 ? CHUNKING_LACKS : CHUNKING_UNKNOWN;
	case 501:
	case 504:
	case 551: return CHUNKING_WORKS;
	default: return CHUNKING_UNKNOWN;
	}
}

/* BDAT is not what the host said it is: the message comes again, converted. */
static enum client_need
give_back_binary(struct client *c)
{
	for (uint32_t i = 0; i < c->attempt->nrcpt; i++)
		c->attempt->rcpts[i].is_asked = false;
	return finish(c);
}

enum client_need
mail_no_probe(struct client *c, const struct reply *r, struct buf *out)
{
	enum chunking shows = what_probe_shows(c, r->code);

	/* RFC 3030 4.2: what it leaves is known to be over only by RSET. */
	c->needs_reset = true;
	if (shows == CHUNKING_UNKNOWN)
		return end_with(c, r);
	c->learned = shows;
	c->can_chunk = c->chunks_work = shows == CHUNKING_WORKS;
	if (c->taken == 0)
		return finish(c);
	if (c->is_binary && !c->chunks_work)
		return give_back_binary(c);
	c->way = c->chunks_work ? BY_CHUNK : BY_DATA;
	return start_transaction(c, out);
}

/* A refused BDAT is refused, but what is left of it cannot be called back. */
enum client_need
mail_on_early(struct client *c, const struct reply *r, struct buf *out)
{
	struct outcome_at at = client_at(c);
	struct verdict v = verdict_of_reply(&at, r);

	(void)out;
	if (c->way != BY_DATA && r->code >= 400)
		attempt_set_asked(c->attempt, &v);
	return client_give_up(c, "host broke off the content", &v);
}

enum client_need
mail_on_final(struct client *c, const struct reply *r, struct buf *out)
{
	(void)out;
	/* RFC 5321 4.1.1.4: either way it is over; a BDAT only if it is good. */
	c->needs_reset = c->way != BY_DATA && !reply_is_good(r);
	return end_with(c, r);
}
