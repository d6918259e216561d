/*
 * The initial response of AUTH, and the responses that follow it (RFC 4954 section 4):
 * the first byte chooses the mechanism, lines are the client's. What goes to the
 * exchange is what base64 has, to the octet; what is no base64 goes nowhere; what the
 * message says of a name and a password is a part of the message.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "smtp/base64.h"
#include "src/auth/name.h"
#include "submit/session.h"
#include "tests/fuzz/one_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const mechanisms[] = { "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256",
	"PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2", "GSSAPI" };
enum { NMECHANISMS = sizeof mechanisms / sizeof mechanisms[0] };

static const struct conf *
conf(void)
{
	return one_conf("hostname = relay.test");
}

static enum session_need
step(struct session *s, struct session_event *ev, struct span in,
    struct buf *out)
{
	enum session_need need;

	buf_reset(out);
	ev->in = &in;
	need = session_step(s, ev, out);
	assert(in.len == 0 || need != SESSION_INPUT);
	return need;
}

static bool
is_part(struct span part, struct span of)
{
	return part.len == 0 ||
	       (part.ptr >= of.ptr && part.ptr + part.len <= of.ptr + of.len);
}

/* It asks for an exchange, and the message is what `text` has in base64. */
static void
check(const struct session *s, struct span text, unsigned nth)
{
	const struct session_auth *auth = session_auth(s);
	struct span name, password;
	struct buf again = { .max = 1 << 20 };

	assert(auth->is_start == (nth == 0));
	if (nth > 0 || auth->has_initial) {
		(void)base64_encode(auth->data, &again);
		assert(span_equal(buf_span(&again), text) ||
		       (auth->data.len == 0 && span_equal(text, SPAN("="))));
	} else {
		assert(auth->data.len == 0);
	}
	buf_clear(&again);
	(void)name_find(
	    span_text(auth->mechanism), nth, auth->data, &name, &password);
	assert(is_part(name, auth->data) && is_part(password, auth->data));
}

/* One line of the client; false: the exchange, or the session, is over. */
static bool
say(struct session *s, const char *mechanism, struct span text, unsigned nth)
{
	struct buf line = { .max = 1 << 20 }, out = { .max = 1 << 20 };
	struct session_event ev = { .type = EVENT_INPUT };
	enum session_need need;

	if (nth == 0)
		(void)buf_printf(&line, "AUTH %s%s", mechanism,
		    span_is_empty(text) ? "" : " ");
	(void)buf_append_span(&line, text);
	(void)buf_append_text(&line, "\r\n");
	need = step(s, &ev, buf_span(&line), &out);
	if (need == SESSION_AUTH) {
		check(s, nth == 0 ? span_trim(text) : text, nth);
		ev = (struct session_event){ .type = EVENT_AUTH,
			.auth = nth < 4 ? AUTHED_CONTINUE : AUTHED_BAD };
		need = step(s, &ev, SPAN(""), &out);
	} else {
		assert(span_starts(buf_span(&out), SPAN("50")) ||
		       span_starts(buf_span(&out), SPAN("421")) ||
		       buf_len(&out) == 0);
	}
	buf_clear(&line);
	buf_clear(&out);
	return need == SESSION_INPUT && session_is_authenticating(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct session_options o = { .conf = conf(),
		.client = "192.0.2.9",
		.sid = "1",
		.mechanisms = mechanisms,
		.nmechanisms = NMECHANISMS };
	struct session_event ev = { .type = EVENT_OPEN,
		.has_binding = true,
		.tls_version = SPAN("TLSv1.3") };
	struct buf out = { .max = 1 << 20 };
	struct session *s;
	struct span rest;

	if (size == 0)
		return 0;
	s = session_new(&o);
	(void)step(s, &ev, SPAN(""), &out);
	ev = (struct session_event){ .type = EVENT_INPUT };
	(void)step(s, &ev, SPAN("EHLO c.test\r\n"), &out);
	rest = span_make((const char *)data + 1, size - 1);
	for (unsigned nth = 0; nth < 6; nth++) {
		struct span text = span_cut(&rest, '\n');

		/* The line's own rules are fuzz_command's. */
		if (span_find(text, '\r') < text.len ||
		    span_find(text, '\0') < text.len || text.len > 12000)
			break;
		if (!say(s, mechanisms[data[0] % NMECHANISMS], text, nth))
			break;
	}
	session_free(s);
	buf_clear(&out);
	return 0;
}
