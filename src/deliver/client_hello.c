/*
 * The beginning of a connection: greeting, EHLO, STARTTLS, login.
 *
 *  login: AUTH PLAIN with all of it, or, where it is too long for a line,
 *  PLAIN -> AUTH; where PLAIN is not offered, LOGIN -> PASSWORD -> AUTH
 */
#include "client_priv.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "mail/param.h"
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

void
client_forget_offers(struct client *c)
{
	c->extensions = 0;
	c->can_pipeline = c->can_chunk = c->can_starttls = c->can_auth_plain =
	    c->can_auth_login = false;
	c->rcpts_most = c->mails_most = c->domains_most = 0;
}

/* --- EHLO --- */

void
hello_say_ehlo(struct client *c, struct buf *out)
{
	(void)buf_printf(out, "EHLO %s\r\n", c->target->hostname);
}

void
hello_say_helo(struct client *c, struct buf *out)
{
	(void)buf_printf(out, "HELO %s\r\n", c->target->hostname);
}

enum client_need
hello_on_greeting(struct client *c, const struct reply *r, struct buf *out)
{
	(void)r;
	return client_ask(c, STATE_EHLO, out);
}

enum client_need
hello_no_greeting(struct client *c, const struct reply *r, struct buf *out)
{
	(void)out;
	return client_refused(c, "greeting", r);
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

/* RFC 9422: "RCPTMAX=100 MAILMAX=20". A limit that makes no sense is none. */
static void
take_limits(struct client *c, struct span limits)
{
	while (!span_is_empty(limits)) {
		struct span limit = span_cut(&limits, ' ');
		struct span name = span_cut(&limit, '=');
		uint64_t n;

		if (!span_to_u64(limit, 999999, &n) || n == 0)
			continue;
		if (span_equal_nocase(name, SPAN("RCPTMAX")))
			c->rcpts_most = (uint32_t)n;
		else if (span_equal_nocase(name, SPAN("MAILMAX")))
			c->mails_most = (uint32_t)n;
		else if (span_equal_nocase(name, SPAN("RCPTDOMAINMAX")))
			c->domains_most = (uint32_t)n;
	}
}

static void
take_extension(struct client *c, struct span line)
{
	struct span word = span_cut(&line, ' ');

	c->extensions |= extension_of(word);
	if (span_equal_nocase(word, SPAN("PIPELINING")))
		c->can_pipeline = true;
	else if (span_equal_nocase(word, SPAN("CHUNKING")))
		c->can_chunk = c->target->chunking &&
			       c->options.chunking != CHUNKING_LACKS;
	else if (span_equal_nocase(word, SPAN("STARTTLS")))
		c->can_starttls = true;
	else if (span_equal_nocase(word, SPAN("LIMITS")))
		take_limits(c, line);
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
	client_enter(c, STATE_IDLE);
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
give_plain(struct client *c, struct buf *out)
{
	struct buf raw = { 0 };

	make_plain(c->target, &raw);
	put_base64(buf_span(&raw), out);
	mem_wipe(raw.data, raw.cap);
	buf_clear(&raw);
}

/* RFC 4954 4: what is too long for a line waits to be asked for. */
static bool
fits_line(const struct target *t)
{
	static const char verb[] = "AUTH PLAIN ";
	size_t raw = 2 + strlen(t->login) + t->password.len;

	return sizeof verb - 1 + BASE64_ENCODED_LEN(raw) + 2 <= LINE_MOST;
}

void
hello_say_auth_plain(struct client *c, struct buf *out)
{
	(void)c;
	(void)buf_append_text(out, "AUTH PLAIN\r\n");
}

void
hello_say_auth_login(struct client *c, struct buf *out)
{
	(void)c;
	(void)buf_append_text(out, "AUTH LOGIN\r\n");
}

void
hello_say_name(struct client *c, struct buf *out)
{
	put_base64(span_text(c->target->login), out);
}

static enum client_need
start_plain(struct client *c, struct buf *out)
{
	if (!fits_line(c->target))
		return client_ask(c, STATE_PLAIN, out);
	(void)buf_append_text(out, "AUTH PLAIN ");
	give_plain(c, out);
	return client_ask(c, STATE_AUTH, out);
}

static enum client_need
log_in(struct client *c, struct buf *out)
{
	struct verdict none;

	if (c->target->login == NULL)
		return client_be_ready(c);
	/* Only targets with verified TLS have a login (conf checks it). */
	assert(c->has_tls && c->target->tls != TARGET_TLS_OPPORTUNISTIC);
	if (c->can_auth_plain)
		return start_plain(c, out);
	if (c->can_auth_login)
		return client_ask(c, STATE_LOGIN, out);
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
	if (c->has_tls || c->options.without_tls)
		return log_in(c, out);
	if (c->can_starttls)
		return client_ask(c, STATE_STARTTLS, out);
	if (c->target->tls == TARGET_TLS_REQUIRE)
		return miss_tls(c, "offers none", NULL);
	return log_in(c, out);
}

enum client_need
hello_on_ehlo(struct client *c, const struct reply *r, struct buf *out)
{
	struct span text = r->text, line;
	bool first = true;

	while (reply_next_line(&text, &line)) {
		if (!first)
			take_extension(c, line);
		first = false;
	}
	return after_ehlo(c, out);
}

/* RFC 5321 3.2: a host that knows no EHLO may know HELO. */
enum client_need
hello_no_ehlo(struct client *c, const struct reply *r, struct buf *out)
{
	if (reply_is_temporary(r))
		return client_refused(c, "EHLO", r);
	return client_ask(c, STATE_HELO, out);
}

enum client_need
hello_on_helo(struct client *c, const struct reply *r, struct buf *out)
{
	(void)r;
	return after_ehlo(c, out);
}

enum client_need
hello_no_helo(struct client *c, const struct reply *r, struct buf *out)
{
	(void)out;
	return client_refused(c, "HELO", r);
}

/* --- STARTTLS --- */

void
hello_say_starttls(struct client *c, struct buf *out)
{
	(void)c;
	(void)buf_append_text(out, "STARTTLS\r\n");
}

enum client_need
hello_on_starttls(struct client *c, const struct reply *r, struct buf *out)
{
	(void)r;
	(void)out;
	client_enter(c, STATE_HANDS);
	return CLIENT_TLS;
}

enum client_need
hello_no_starttls(struct client *c, const struct reply *r, struct buf *out)
{
	if (c->target->tls == TARGET_TLS_REQUIRE)
		return miss_tls(c, "refuses STARTTLS", r);
	return log_in(c, out);
}

/*
 * --- the answers to AUTH (RFC 4954 4) ---
 *
 * What a prompt says does not matter: the order is always this.
 */

enum client_need
hello_give_plain(struct client *c, const struct reply *r, struct buf *out)
{
	(void)r;
	give_plain(c, out);
	return client_ask(c, STATE_AUTH, out);
}

enum client_need
hello_give_name(struct client *c, const struct reply *r, struct buf *out)
{
	(void)r;
	return client_ask(c, STATE_PASSWORD, out);
}

enum client_need
hello_give_password(struct client *c, const struct reply *r, struct buf *out)
{
	const struct secret *password = &c->target->password;

	(void)r;
	put_base64(span_make(password->data, password->len), out);
	return client_ask(c, STATE_AUTH, out);
}

enum client_need
hello_on_auth(struct client *c, const struct reply *r, struct buf *out)
{
	(void)r;
	(void)out;
	return client_be_ready(c);
}

enum client_need
hello_no_auth(struct client *c, const struct reply *r, struct buf *out)
{
	(void)out;
	/* 454 and its like are the host's trouble, and pass. */
	c->end.login_failed = !reply_is_temporary(r);
	(void)client_refused(c, "login refused", r);
	c->end.blame = BLAME_CHANNEL;
	return CLIENT_CLOSE;
}
