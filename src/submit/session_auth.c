/*
 * AUTH (RFC 4954): lines in base64, decoded strictly here; what they mean is
 * the exchange's business, elsewhere.
 */
#include "session_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "smtp/base64.h"
#include "smtp/command.h"

const char session_external[] = "EXTERNAL";

bool
auth_offers(const struct session *s, struct span mechanism)
{
	return s->has_binding || !span_ends_nocase(mechanism, SPAN("-PLUS"));
}

static const char *
find_mechanism(const struct session *s, struct span name)
{
	if (s->vouched != NULL &&
	    span_equal_nocase(name, span_text(session_external)))
		return session_external;
	for (size_t i = 0; i < s->nmechanisms; i++)
		if (span_equal_nocase(name, span_text(s->mechanisms[i])) &&
		    auth_offers(s, name))
			return s->mechanisms[i];
	return NULL;
}

/* Decodes into s->auth_data; false when it is not base64. */
static bool
decode(struct session *s, struct span text)
{
	mem_wipe(s->auth_data.data, s->auth_data.cap);
	buf_clear(&s->auth_data);
	s->auth_data.max = COMMAND_LINE_MAX;
	if (!base64_decode(text, &s->auth_data))
		return false;
	s->auth.data = buf_span(&s->auth_data);
	return true;
}

static void
ask(struct session *s)
{
	s->need = SESSION_AUTH;
	session_enter(s, STATE_AUTH);
}

const char *
do_auth(struct session *s, struct span args, struct buf *out)
{
	struct span name = span_cut(&args, ' ');

	(void)out;
	args = span_trim(args);
	if (s->login != NULL)
		return "503 5.5.1 Logged in already";
	if (!s->is_esmtp)
		return "503 5.5.1 EHLO first";
	if (span_is_empty(name))
		return "501 5.5.4 Say AUTH with a mechanism";
	s->auth = (struct session_auth){ .is_start = true };
	s->auth.mechanism = find_mechanism(s, name);
	if (s->auth.mechanism == NULL)
		return "504 5.5.4 Mechanism not offered here";
	s->auth.has_initial = !span_is_empty(args);
	/* RFC 4954 section 4: "=" is an initial response of no bytes. */
	if (span_equal(args, SPAN("=")))
		args = span_to(args, 0);
	if (!decode(s, args))
		return "501 5.5.2 Initial response is not base64";
	ask(s);
	return NULL;
}

const char *
auth_line(struct session *s, struct span line)
{
	s->auth.is_start = false;
	if (span_equal(line, SPAN("*"))) {
		session_enter(s, STATE_READY);
		return "501 5.7.0 Authentication cancelled";
	}
	if (!decode(s, line)) {
		session_enter(s, STATE_READY);
		return "501 5.5.2 Response is not base64";
	}
	ask(s);
	return NULL;
}

static void
say_challenge(struct span data, struct buf *out)
{
	(void)buf_append_text(out, "334 ");
	(void)base64_encode(data, out);
	(void)buf_append_text(out, "\r\n");
}

/*
 * A client that offers the same password by another mechanism makes the same
 * mistake, so that it counts once. By the same mechanism, or a third time, it
 * is a new one.
 */
static void
login_failed(
    struct session *s, const char *reply, uint64_t tried, struct buf *out)
{
	bool again = tried != 0 && tried == s->tried &&
		     s->auth.mechanism != s->tried_with;

	session_say(out, reply);
	s->tried = again ? 0 : tried;
	s->tried_with = s->auth.mechanism;
	if (again || ++s->auth_failures < s->conf->limits.auth_failures)
		return;
	session_drop(s, "421 4.7.0 Too many failed logins",
	    "too many failed logins", out);
}

void
auth_answered(
    struct session *s, const struct session_event *ev, struct buf *out)
{
	mem_wipe(s->auth_data.data, s->auth_data.cap);
	buf_clear(&s->auth_data);
	/* RFC 4954 section 4: last data with success needs a round of its own,
	   which the exchange asks for as one more challenge. */
	if (ev->auth == AUTHED_CONTINUE) {
		say_challenge(ev->data, out);
		return;
	}
	session_enter(s, STATE_READY);
	switch (ev->auth) {
	case AUTHED_CONTINUE: break;
	case AUTHED_OK:
		s->login = span_dup(ev->login);
		if (!span_is_empty(ev->key))
			s->key = span_dup(ev->key);
		if (!span_is_empty(ev->send_as))
			s->send_as = span_dup(ev->send_as);
		s->errors = 0;
		session_say(out, "235 2.7.0 Logged in");
		break;
	case AUTHED_BAD:
		login_failed(s, "535 5.7.8 Authentication credentials invalid",
		    ev->tried, out);
		break;
	case AUTHED_MALFORMED:
		login_failed(
		    s, "501 5.5.2 Not a message of this mechanism", 0, out);
		break;
	case AUTHED_TEMPORARY:
		session_say(out, "454 4.7.0 Temporary authentication failure");
		break;
	}
}

const struct session_auth *
session_auth(const struct session *s)
{
	return &s->auth;
}

bool
session_is_authenticating(const struct session *s)
{
	return s->state == STATE_AUTH;
}
