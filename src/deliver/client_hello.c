/*
 * The beginning of a connection: greeting, EHLO, STARTTLS, login.
 *
 *  login: AUTH PLAIN with all of it, or, where it is too long for a line,
 *  PLAIN -> AUTH; where PLAIN is not offered, LOGIN -> PASSWORD -> AUTH
 */
#include "client_priv.h"

#include <assert.h>
#include <stdio.h>

#include "base/mem.h"
#include "smtp/base64.h"

enum { LINE_MOST = 512 }; /* of a command, with its end: RFC 5321 4.5.3.1.4 */

/* RFC 3207, and the rule that the target was made for: never in clear. */
static enum client_need
miss_tls(struct client *c, const char *how, const struct reply *r)
{
	const char *because = c->target->because;
	struct verdict v = verdict_of_us(STAGE_STARTTLS, "4.7.4", SPAN(""));
	char what[sizeof c->end.what];

	if (r != NULL)
		v.said = r->text;
	(void)snprintf(what, sizeof what,
	    "TLS is required and the host %s%s%s%s", how,
	    because == NULL ? "" : " (", because == NULL ? "" : because,
	    because == NULL ? "" : ")");
	(void)client_give_up(c, what, &v);
	c->end.blame = BLAME_CHANNEL;
	return CLIENT_CLOSE;
}

enum client_need
client_say_ehlo(struct client *c, struct buf *out)
{
	c->state = STATE_EHLO;
	/* RFC 3207 4.2: what was offered in clear says nothing now. */
	c->can_pipeline = c->can_chunk = c->can_8bit = c->can_size =
	    c->can_starttls = c->can_auth_plain = c->can_auth_login = false;
	(void)buf_printf(out, "EHLO %s\r\n", c->target->hostname);
	return CLIENT_INPUT;
}

enum client_need
client_on_greeting(struct client *c, const struct reply *r, struct buf *out)
{
	if (!reply_is_good(r))
		return client_refused(c, "greeting", r);
	return client_say_ehlo(c, out);
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

enum client_need
client_be_ready(struct client *c)
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
	struct verdict none;

	if (c->target->login == NULL)
		return client_be_ready(c);
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
	none = verdict_of_us(STAGE_AUTH, "4.7.4", SPAN(""));
	c->end.login_failed = true;
	(void)client_give_up(c,
	    "login: the relay offers neither AUTH PLAIN nor AUTH LOGIN", &none);
	c->end.blame = BLAME_CHANNEL;
	return CLIENT_CLOSE;
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

enum client_need
client_on_ehlo(struct client *c, const struct reply *r, struct buf *out)
{
	struct span text = r->text, line;
	bool first = true;

	if (reply_is_temporary(r))
		return client_refused(c, "EHLO", r);
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

enum client_need
client_on_helo(struct client *c, const struct reply *r, struct buf *out)
{
	if (!reply_is_good(r))
		return client_refused(c, "HELO", r);
	return after_ehlo(c, out);
}

enum client_need
client_on_starttls(struct client *c, const struct reply *r, struct buf *out)
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
	/* 454 and its like are the host's trouble, and pass. */
	c->end.login_failed = !reply_is_temporary(r);
	(void)client_refused(c, "login refused", r);
	c->end.blame = BLAME_CHANNEL;
	return CLIENT_CLOSE;
}

/* RFC 4954 4. What a prompt says does not matter: the order is always this. */
enum client_need
client_on_challenge(struct client *c, const struct reply *r, struct buf *out)
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

enum client_need
client_on_auth(struct client *c, const struct reply *r, struct buf *out)
{
	(void)out;
	return reply_is_good(r) ? client_be_ready(c) : refused_login(c, r);
}
