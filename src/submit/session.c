/*
 * States and what leads from one to the other:
 *
 *            EHLO            MAIL          RCPT          DATA, 354
 *   NEW ----------> READY ---------> MAIL ------> RCPT ----------> DATA
 *    ^               ^  | AUTH         (RSET, EHLO: READY)           |
 *    | STARTTLS      |  v                                     end of data
 *    +---------------+ AUTH            STORING <---------------------+
 *                    ^                    |
 *                    +--------------------+ 250, 4xx or 5xx
 *
 * session_step() is the one way in. It handles the event, then goes on taking
 * lines (or content) from the input until something other than input is
 * needed. One table says which verb is allowed where; nobody else asks.
 *
 * Who has not logged in has a minute, some dozens of commands and lines of a
 * bounded length, and speaks no HTTP: session_drop() is the way out.
 */
#include "session_priv.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "mail/param.h"
#include "smtp/address.h"
#include "smtp/command.h"

#define IN(state) (1u << STATE_##state)
#define COMMAND (IN(NEW) | IN(READY) | IN(MAIL) | IN(RCPT) | IN(CHUNKS))

enum {
	OPEN_TO_ALL = 0,
	NEEDS_TLS = 1,
	NEEDS_LOGIN = 2,
	/* The account is looked at again: it may be gone since the login. */
	NEEDS_ACCOUNT = 4,
	/* A list with dead addresses is no mistake of a client. */
	FORGIVEN = 8,

	/* A client needs four; monitors and testers some more. */
	STRANGE_COMMANDS = 50,
	/* What is read of a line that is too long. */
	SKIPPED_MOST = COMMAND_LINE_MAX + 64 * 1024,
};

static const char *
do_ehlo(struct session *s, struct span args, struct buf *out);
static const char *
do_helo(struct session *s, struct span args, struct buf *out);
static const char *
do_starttls(struct session *s, struct span args, struct buf *out);
static const char *
do_rset(struct session *s, struct span args, struct buf *out);
static const char *
do_noop(struct session *s, struct span args, struct buf *out);
static const char *
do_help(struct session *s, struct span args, struct buf *out);
static const char *
do_vrfy(struct session *s, struct span args, struct buf *out);
static const char *
do_quit(struct session *s, struct span args, struct buf *out);
static const char *
do_refused(struct session *s, struct span args, struct buf *out);

static const struct verb {
	struct span name;
	unsigned allowed; /* states */
	unsigned needs;
	verb_fn run;
} verbs[] = {
	{ { "EHLO", 4 }, COMMAND, OPEN_TO_ALL, do_ehlo },
	{ { "HELO", 4 }, COMMAND, OPEN_TO_ALL, do_helo },
	/* Before EHLO it is out of order, and harmless: some do so. */
	{ { "STARTTLS", 8 }, IN(NEW) | IN(READY), OPEN_TO_ALL, do_starttls },
	{ { "AUTH", 4 }, IN(READY), NEEDS_TLS, do_auth },
	{ { "MAIL", 4 }, IN(READY), NEEDS_TLS | NEEDS_LOGIN | NEEDS_ACCOUNT,
	    do_mail },
	{ { "RCPT", 4 }, IN(MAIL) | IN(RCPT),
	    NEEDS_TLS | NEEDS_LOGIN | FORGIVEN, do_rcpt },
	{ { "DATA", 4 }, IN(RCPT), NEEDS_TLS | NEEDS_LOGIN, do_data },
	{ { "BDAT", 4 }, IN(RCPT) | IN(CHUNKS), NEEDS_TLS | NEEDS_LOGIN,
	    do_bdat },
	{ { "RSET", 4 }, COMMAND, OPEN_TO_ALL, do_rset },
	{ { "NOOP", 4 }, COMMAND, OPEN_TO_ALL, do_noop },
	{ { "HELP", 4 }, COMMAND, OPEN_TO_ALL, do_help },
	{ { "VRFY", 4 }, COMMAND, NEEDS_TLS | NEEDS_LOGIN, do_vrfy },
	{ { "EXPN", 4 }, COMMAND, NEEDS_TLS | NEEDS_LOGIN, do_refused },
	{ { "TURN", 4 }, COMMAND, NEEDS_TLS | NEEDS_LOGIN, do_refused },
	{ { "ETRN", 4 }, COMMAND, NEEDS_TLS | NEEDS_LOGIN, do_refused },
	{ { "QUIT", 4 }, COMMAND, OPEN_TO_ALL, do_quit },
};

/* --- making and ending --- */

struct session *
session_new(const struct session_options *o)
{
	struct session *s = MEM_NEW(struct session);

	s->conf = o->conf;
	s->is_refused = o->is_refused;
	s->is_device = o->account != NULL;
	s->is_local = o->is_local;
	s->is_anybody = o->is_anybody;
	if (s->is_device)
		s->login = mem_strdup(o->account);
	s->mechanisms = o->mechanisms;
	s->nmechanisms = o->nmechanisms;
	(void)snprintf(s->client, sizeof s->client, "%s", o->client);
	(void)snprintf(s->sid, sizeof s->sid, "%s", o->sid);
	session_time_start(s, o->opened);
	return s;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	session_forget(s);
	buf_clear(&s->auth_data);
	free(s->login);
	free(s->key);
	free(s->send_as);
	free(s->vouched);
	free(s);
}

struct fact_field
session_sid(const struct session *s)
{
	return fact_word("sid", s->sid);
}

struct fact_field
session_client(const struct session *s)
{
	return fact_word("client", s->client);
}

static const char *const names[] = { "new", "ready", "auth", "mail", "rcpt",
	"data", "chunk", "chunks", "storing", "closed" };

void
session_enter(struct session *s, enum state to)
{
	FACT(SESSION, session_sid(s), session_client(s),
	    fact_word("from", names[s->state]), fact_word("to", names[to]));
	s->state = to;
}

void
session_forget(struct session *s)
{
	draft_clear(&s->tx.draft);
	s->tx = (struct transaction){ 0 };
}

void
session_want(struct session *s, enum draft_need need)
{
	if (need != DRAFT_NOTHING)
		s->need = SESSION_INTAKE;
}

void
session_date_draft(struct session *s)
{
	s->tx.draft.now = s->now;
	s->tx.draft.random = s->random;
	s->tx.draft.aliases = s->aliases;
}

/* RFC 3207 4.2: what was learnt before the handshake does not count. */
static void
forget_client(struct session *s)
{
	session_forget(s);
	free(s->login);
	free(s->key);
	free(s->send_as);
	s->login = s->key = s->send_as = NULL;
	s->swallow = 0;
	s->helo[0] = '\0';
	s->is_esmtp = false;
}

void
session_say(struct buf *out, const char *reply)
{
	if (reply[0] == '4' || reply[0] == '5')
		family_add(FAMILY_REFUSALS,
		    family_label(FAMILY_REFUSALS, span_make(reply, 3)), 1);
	(void)buf_append_text(out, reply);
	(void)buf_append(out, "\r\n", 2);
}

const char *
session_textf(struct session *s, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(s->text, sizeof s->text, format, ap);
	va_end(ap);
	return s->text;
}

void
session_drop(
    struct session *s, const char *reply, const char *why, struct buf *out)
{
	session_say(out, reply);
	FACT(DROPPED, session_sid(s), session_client(s),
	    fact_string("reason", why));
	s->wants_close = true;
}

/* --- verbs that are no part of a transaction --- */

static bool
take_helo(struct session *s, struct span args)
{
	if (span_is_empty(args) || args.len > HELO_MAX)
		return false;
	/* Two words or letters of UTF-8 do no harm: Received is written clean. */
	for (size_t i = 0; i < args.len; i++)
		if ((unsigned char)args.ptr[i] < ' ' || args.ptr[i] == 0x7f)
			return false;
	memcpy(s->helo, args.ptr, args.len);
	s->helo[args.len] = '\0';
	session_forget(s); /* RFC 5321 4.1.4 */
	session_enter(s, STATE_READY);
	return true;
}

static const char bad_helo[] =
    "501 5.5.4 Say EHLO with your name: EHLO client.example";

static const char *
do_helo(struct session *s, struct span args, struct buf *out)
{
	(void)out;
	if (!take_helo(s, args))
		return bad_helo;
	s->is_esmtp = false;
	return session_textf(s, "250 %s", s->conf->hostname);
}

static void
say_mechanisms(const struct session *s, struct buf *out)
{
	bool any = s->vouched != NULL;

	if (any)
		(void)buf_printf(out, "250-AUTH %s", session_external);
	for (size_t i = 0; i < s->nmechanisms; i++) {
		if (!auth_offers(s, span_text(s->mechanisms[i])))
			continue;
		(void)buf_printf(
		    out, "%s%s", any ? " " : "250-AUTH ", s->mechanisms[i]);
		any = true;
	}
	if (any)
		(void)buf_append_text(out, "\r\n");
}

static const char *
do_ehlo(struct session *s, struct span args, struct buf *out)
{
	struct extensions_offer offer = {
		.max_message = s->conf->max_message,
		.now = s->now,
		.has_tls = s->has_tls,
	};

	if (!take_helo(s, args))
		return bad_helo;
	s->is_esmtp = true;
	(void)buf_printf(out, "250-%s\r\n250-PIPELINING\r\n250-CHUNKING\r\n",
	    s->conf->hostname);
	extensions_write(&offer, out);
	(void)buf_printf(
	    out, "250-LIMITS RCPTMAX=%u\r\n", s->conf->limits.recipients);
	if (s->is_local)
		/* For postern-sendmail: whose addresses it may use. */
		(void)buf_printf(out, "250-XACCOUNT %s%s\r\n", s->login,
		    s->is_anybody ? " ANY" : "");
	if (!s->has_tls && !s->is_device)
		(void)buf_append_text(out, "250-STARTTLS\r\n");
	else if (s->login == NULL)
		say_mechanisms(s, out);
	return "250 ENHANCEDSTATUSCODES";
}

static const char *
do_starttls(struct session *s, struct span args, struct buf *out)
{
	(void)out;
	if (!span_is_empty(args))
		return "501 5.5.4 STARTTLS takes no argument";
	if (s->is_device)
		return "502 5.5.1 There is no TLS on this port";
	if (s->has_tls)
		return "503 5.5.1 TLS is on already";
	s->need = SESSION_TLS;
	return "220 2.0.0 Ready to start TLS";
}

static const char *
do_rset(struct session *s, struct span args, struct buf *out)
{
	(void)out;
	if (!span_is_empty(args))
		return "501 5.5.4 RSET takes no argument";
	session_forget(s);
	if (s->state != STATE_NEW)
		session_enter(s, STATE_READY);
	return "250 2.0.0 Reset";
}

static const char *
do_noop(struct session *s, struct span args, struct buf *out)
{
	(void)s;
	(void)args;
	(void)out;
	return "250 2.0.0 Ok";
}

static const char *
do_help(struct session *s, struct span args, struct buf *out)
{
	(void)s;
	(void)args;
	(void)out;
	return "214 2.0.0 EHLO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP "
	       "VRFY "
	       "QUIT; see RFC 6409";
}

static const char *
do_vrfy(struct session *s, struct span args, struct buf *out)
{
	(void)s;
	(void)out;
	if (span_is_empty(args))
		return "501 5.5.4 VRFY wants an address";
	return "252 2.1.5 Cannot tell; send the message and it will be tried";
}

static const char *
do_refused(struct session *s, struct span args, struct buf *out)
{
	(void)s;
	(void)args;
	(void)out;
	return "502 5.5.1 Command not implemented";
}

static const char *
do_quit(struct session *s, struct span args, struct buf *out)
{
	(void)args;
	(void)out;
	s->wants_close = true;
	return "221 2.0.0 Bye";
}

/* --- dispatch --- */

static const char *
order_text(const struct session *s, const struct verb *v)
{
	if (s->state == STATE_NEW)
		return "503 5.5.1 EHLO first";
	if (s->state == STATE_CHUNKS)
		return "503 5.5.1 BDAT has begun; go on with it, or RSET";
	if (v->run == do_rcpt)
		return "503 5.5.1 MAIL first";
	if (v->run == do_data || v->run == do_bdat)
		return s->state == STATE_MAIL ? "554 5.5.1 No valid recipients"
					      : "503 5.5.1 MAIL first";
	return "503 5.5.1 Not during a mail transaction";
}

static const struct verb *
find_verb(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (span_equal_nocase(name, verbs[i].name))
			return &verbs[i];
	return NULL;
}

void
session_end_account(struct session *s, struct buf *out)
{
	session_forget(s);
	session_drop(s,
	    s->is_device ? "421 4.7.0 The account is stopped or suspended"
			 : "421 4.7.0 The account has changed; log in again",
	    "the account has changed", out);
}

/* NULL: it may run. */
static const char *
why_not_now(const struct session *s, const struct verb *v)
{
	if ((v->needs & NEEDS_TLS) && !s->has_tls && !s->is_device)
		return "530 5.7.0 Must issue a STARTTLS command first";
	if ((v->needs & NEEDS_LOGIN) && s->login == NULL)
		return "530 5.7.0 Authentication required";
	return (v->allowed & 1u << s->state) ? NULL : order_text(s, v);
}

static const char *
dispatch(struct session *s, struct span line, struct buf *out)
{
	const struct verb *v;
	const char *wrong;
	struct command c;

	command_parse(line, &c);
	v = find_verb(c.verb);
	if (v == NULL)
		return "500 5.5.2 Command not recognized";
	s->forgives = (v->needs & FORGIVEN) && s->login != NULL;
	wrong = why_not_now(s, v);
	if (wrong != NULL)
		return v->run == do_bdat ? chunk_refuse(s, c.args, wrong, out)
					 : wrong;
	if ((v->needs & NEEDS_ACCOUNT) && s->login_ended) {
		session_end_account(s, out);
		return NULL;
	}
	return v->run(s, c.args, out);
}

/* A client that only makes mistakes is a program gone wrong, or worse. */
void
session_reply(struct session *s, const char *reply, struct buf *out)
{
	session_say(out, reply);
	if (reply[0] != '5' || s->forgives ||
	    ++s->errors < s->conf->limits.errors || s->wants_close)
		return;
	session_say(out, "421 4.7.0 Too many errors");
	FACT(DROPPED, session_sid(s), session_client(s),
	    fact_word("reason", "errors"), fact_number("count", s->errors));
	s->wants_close = true;
}

/*
 * A browser can be made to send a request to any port, with lines of its
 * attacker's choice behind it. No client of ours begins like this.
 */
static bool
is_http(struct span line)
{
	static const struct span methods[] = { { "GET", 3 }, { "POST", 4 },
		{ "PUT", 3 }, { "HEAD", 4 }, { "OPTIONS", 7 }, { "CONNECT", 7 },
		{ "DELETE", 6 }, { "PATCH", 5 }, { "TRACE", 5 } };
	struct command c;

	command_parse(line, &c);
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (span_equal_nocase(c.verb, methods[i]))
			return true;
	return memmem(line.ptr, line.len, " HTTP/", 6) != NULL;
}

/* Of somebody who has not logged in: whether the line may be heard at all. */
static bool
bears(struct session *s, struct span line, struct buf *out)
{
	if (s->login != NULL)
		return true;
	if (s->state == STATE_NEW && is_http(line))
		session_drop(s, "421 4.7.0 This is SMTP, not HTTP",
		    "it speaks HTTP", out);
	else if (++s->strange_commands > STRANGE_COMMANDS)
		session_drop(s, "421 4.7.0 Too many commands without a login",
		    "too many commands without a login", out);
	return !s->wants_close;
}

static void
run_line(struct session *s, struct span line, struct buf *out)
{
	const char *reply;

	s->forgives = false;
	if (!bears(s, line, out))
		return;
	reply = s->state == STATE_AUTH ? auth_line(s, line)
				       : dispatch(s, line, out);
	session_time_command(s);
	if (reply != NULL)
		session_reply(s, reply, out);
}

/* Counts as an error; a login that was under way is over. */
static void
refuse_line(
    struct session *s, struct span line, const char *reply, struct buf *out)
{
	if (!bears(s, line, out))
		return;
	if (chunk_is_meant(line)) {
		chunk_misread(s, out);
		return;
	}
	s->forgives = false;
	if (s->state == STATE_AUTH)
		session_enter(s, STATE_READY);
	session_reply(s, reply, out);
}

/* False: its end has not come yet. */
static bool
skip_line(struct session *s, struct span *in, struct buf *out)
{
	size_t end = span_find(*in, '\n');

	s->skips_line = end == in->len;
	s->skipped += end;
	*in = span_from(*in, end + 1);
	if (s->skips_line && s->skipped > SKIPPED_MOST)
		session_drop(s, "421 4.7.0 A line without an end",
		    "a line without an end", out);
	else if (!s->skips_line)
		session_time_command(s);
	return !s->skips_line;
}

/* Takes lines as long as nothing else is needed. False: input is short. */
static bool
take_line(struct session *s, struct span *in, struct buf *out)
{
	struct span line;

	if (s->skips_line)
		return skip_line(s, in, out);
	switch (command_take_line(in, &line)) {
	case COMMAND_LINE_OK: run_line(s, line, out); return true;
	case COMMAND_LINE_MORE: return false;
	case COMMAND_LINE_TOO_LONG:
		s->skips_line = true;
		s->skipped = 0;
		refuse_line(s, span_to(*in, COMMAND_LINE_MAX),
		    "500 5.5.2 Line too long", out);
		return true;
	case COMMAND_LINE_BARE:
		refuse_line(s, line, "500 5.5.2 Lines must end in CRLF", out);
		return true;
	}
	return false;
}

static void
take_content(struct session *s, struct span *in, struct buf *out)
{
	size_t before = in->len;

	data_input(s, in, out);
	session_time_octets(s, before - in->len);
}

static enum session_need
go_on(struct session *s, struct span *in, struct buf *out)
{
	while (s->need == SESSION_INPUT && !s->wants_close &&
	       !span_is_empty(*in)) {
		if (s->swallow > 0)
			chunk_swallow(s, in, out);
		else if (data_is_coming(s))
			take_content(s, in, out);
		else if (!take_line(s, in, out))
			break;
	}
	/*
	 * What stands behind STARTTLS came in clear, perhaps from somebody
	 * else (RFC 3207 section 6): such a connection is not worth going on.
	 */
	if (s->need == SESSION_TLS && !span_is_empty(*in)) {
		buf_reset(out);
		session_say(out, "554 5.5.0 Input behind STARTTLS");
		FACT(DROPPED_WARN, session_sid(s), session_client(s),
		    fact_string("reason", "input behind STARTTLS"));
		s->wants_close = true;
	}
	if (s->wants_close) {
		session_enter(s, STATE_CLOSED);
		return SESSION_CLOSE;
	}
	if (s->need == SESSION_AUTH || s->need == SESSION_INTAKE)
		session_time_pause(s);
	return s->need;
}

/* --- events --- */

static void
take_tls(struct session *s, const struct session_event *ev)
{
	if (span_is_empty(ev->tls_version))
		return;
	s->has_tls = true;
	s->has_binding = ev->has_binding;
	free(s->vouched);
	s->vouched = span_is_empty(ev->vouched) ? NULL : span_dup(ev->vouched);
	(void)snprintf(s->tls_version, sizeof s->tls_version, "%.*s",
	    SPAN_ARG(ev->tls_version));
	(void)snprintf(s->tls_cipher, sizeof s->tls_cipher, "%.*s",
	    SPAN_ARG(ev->tls_cipher));
}

static void
greet(struct session *s, const struct session_event *ev, struct buf *out)
{
	take_tls(s, ev);
	session_time_command(s);
	if (s->is_refused)
		session_drop(s, "421 4.7.0 Too many connections",
		    "too many connections", out);
	else
		session_say(out, session_textf(s, "220 %s ESMTP Postern",
				     s->conf->hostname));
}

static void
time_is_up(struct session *s, struct buf *out)
{
	const char *farewell = session_time_judge(s);

	if (farewell != NULL)
		session_drop(s, farewell, span_text(farewell).ptr + 10, out);
}

enum session_need
session_step(struct session *s, const struct session_event *ev, struct buf *out)
{
	assert(s->state != STATE_CLOSED);
	s->need = SESSION_INPUT;
	s->now = ev->now;
	s->random = ev->random;
	s->aliases = ev->aliases;
	s->login_ended = s->login != NULL && ev->login_ended;
	session_date_draft(s);
	session_time_take(s, ev);
	switch (ev->type) {
	case EVENT_OPEN: greet(s, ev, out); break;
	case EVENT_INPUT: break;
	case EVENT_TLS:
		forget_client(s);
		take_tls(s, ev);
		session_enter(s, STATE_NEW);
		session_time_command(s);
		break;
	case EVENT_AUTH:
		auth_answered(s, ev, out);
		session_time_command(s);
		break;
	case EVENT_INTAKE:
		session_time_command(s);
		intake_answered(s, ev, out);
		break;
	case EVENT_TIMEOUT: time_is_up(s, out); break;
	case EVENT_SHUTDOWN:
		if (ev->is_dismissed)
			session_drop(s, "421 4.3.2 Ended by the operator",
			    "ended by the operator", out);
		else
			session_drop(
			    s, "421 4.3.2 Shutting down", "shutting down", out);
		break;
	case EVENT_LOOK:
		/* By now it may hold again. */
		if (s->login_ended && session_awaits_command(s))
			session_end_account(s, out);
		break;
	case EVENT_END: s->wants_close = true; break;
	}
	return go_on(s, ev->in, out);
}

struct span
session_login(const struct session *s)
{
	return span_text(s->login);
}

struct span
session_key(const struct session *s)
{
	return span_text(s->key);
}

struct span
session_vouched(const struct session *s)
{
	return span_text(s->vouched);
}

const char *
session_state_name(const struct session *s)
{
	return names[s->state];
}

struct span
session_tls(const struct session *s)
{
	return span_text(s->tls_version);
}

bool
session_awaits_command(const struct session *s)
{
	return (COMMAND & 1u << s->state) != 0 && s->swallow == 0;
}

bool
session_has_helo(const struct session *s)
{
	return s->helo[0] != '\0';
}
