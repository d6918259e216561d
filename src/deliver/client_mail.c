/*
 * Transactions. With PIPELINING (RFC 2920) the commands of one leave together and
 * the states count through the replies; without it each waits for the last. With
 * CHUNKING (RFC 3030) BDAT stands for DATA and its go-ahead: content that is at
 * hand leaves in one group with the commands, and a message takes one round trip;
 * other content, and what stands behind a RSET, waits for a recipient that is
 * taken.
 */
#include "client_priv.h"

#include <assert.h>

#include "mail/envelope.h"

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
	    out, "RCPT TO:<%s>\r\n", a->env->rcpts[a->rcpts[i].index].address);
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

enum client_need
client_begin(struct client *c, const struct client_event *ev, struct buf *out)
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
	c->answered++;
	return client_be_ready(c);
}

enum client_need
client_on_rset(struct client *c, const struct reply *r, struct buf *out)
{
	if (!reply_is_good(r))
		return client_refused(c, "RSET", r);
	c->needs_reset = false;
	c->state = STATE_MAIL;
	if (!c->can_pipeline)
		put_mail(c, out);
	return CLIENT_INPUT;
}

enum client_need
client_on_mail(struct client *c, const struct reply *r, struct buf *out)
{
	struct outcome_at at = client_at(c, STAGE_MAIL);
	struct verdict v = verdict_of_reply(&at, r);

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

enum client_need
client_on_rcpt(struct client *c, const struct reply *r, struct buf *out)
{
	struct attempt_rcpt *rcpt = &c->attempt->rcpts[c->next_rcpt++];
	struct outcome_at at = client_at(c, STAGE_RCPT);
	struct verdict v = verdict_of_reply(&at, r);

	/* After a refused MAIL these only say "MAIL first". */
	if (rcpt->outcome == OUTCOME_NONE && v.outcome != OUTCOME_NONE)
		attempt_set(c->attempt, rcpt, &v);
	else if (rcpt->outcome == OUTCOME_NONE)
		c->taken++;
	if (c->next_rcpt == c->attempt->nrcpt)
		return after_rcpts(c, out);
	if (!c->can_pipeline)
		put_rcpt(c, c->next_rcpt, out);
	return CLIENT_INPUT;
}

enum client_need
client_on_data(struct client *c, const struct reply *r, struct buf *out)
{
	struct outcome_at at = client_at(c, STAGE_DATA);
	struct verdict v = verdict_of_reply(&at, r);

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
enum client_need
client_on_early(struct client *c, const struct reply *r, struct buf *out)
{
	struct outcome_at at = client_at(c, STAGE_CONTENT);
	struct verdict v = verdict_of_reply(&at, r);

	(void)out;
	if (c->can_chunk && r->code >= 400)
		attempt_set_rest(c->attempt, &v);
	return client_give_up(c, "host broke off the content", &v);
}

enum client_need
client_on_final(struct client *c, const struct reply *r, struct buf *out)
{
	struct outcome_at at = client_at(c, STAGE_CONTENT);
	struct verdict v = verdict_of_reply(&at, r);

	(void)out;
	/* RFC 5321 4.1.1.4: either way it is over; a BDAT only if it is good. */
	c->needs_reset = c->can_chunk && !reply_is_good(r);
	attempt_set_rest(c->attempt, &v);
	return finish(c);
}
