/*
 * How long a client may take. Every time here is monotonic milliseconds, as the
 * events bring it. Three clocks run, and the first that is due ends the session:
 *
 *   login    from the connection to the login: limits.login-timeout in all
 *   command  from our reply to the end of the client's next line, whatever
 *            comes of it byte by byte: limits.timeout (RFC 5321 4.5.3.2.7)
 *   content  instead of `command` behind 354: each minute brings RATE octets a
 *            second, and all of it is there by the time that the largest
 *            message would take at that rate; a tenth of it while seats are few
 *
 * While the session waits for us (a login that is checked, a spool that
 * writes), the clocks stand still.
 */
#include "session_priv.h"

enum {
	MINUTE_MS = 60000,
	RATE = 500, /* octets a second, the least that content may come at */
	CROWDED_LEAST_MS = 300000,
	REFUSED_MS = 10000, /* for a handshake that ends in 421 */
};

void
session_time_start(struct session *s, uint64_t opened)
{
	struct session_time *t = &s->time;

	t->now = opened;
	t->login_due =
	    opened + (s->is_refused
			     ? REFUSED_MS
			     : (uint64_t)s->conf->limits.login_timeout * 1000);
	session_time_command(s);
}

void
session_time_take(struct session *s, const struct session_event *ev)
{
	struct session_time *t = &s->time;
	uint64_t ours = 0;

	if (t->busy_since != 0 && ev->tick > t->busy_since)
		ours = ev->tick - t->busy_since;
	t->busy_since = 0;
	t->now = ev->tick;
	t->is_crowded = ev->is_crowded;
	t->login_due += ours;
	t->command_due += ours;
	t->content_began += ours;
	t->minute_end += ours;
}

void
session_time_pause(struct session *s)
{
	s->time.busy_since = s->time.now;
}

void
session_time_command(struct session *s)
{
	s->time.command_due =
	    s->time.now + (uint64_t)s->conf->limits.timeout * 1000;
}

static void
begin_minute(struct session_time *t)
{
	t->minute_end = t->now + MINUTE_MS;
	t->minute_octets = 0;
}

void
session_time_content(struct session *s)
{
	/* Of several chunks the first one begins it. */
	if (s->state != STATE_CHUNK || s->tx.size == 0)
		s->time.content_began = s->time.now;
	begin_minute(&s->time);
}

void
session_time_octets(struct session *s, size_t octets)
{
	s->time.minute_octets += octets;
}

static uint64_t
content_due(const struct session *s)
{
	uint64_t all = MINUTE_MS + s->conf->max_message * 1000 / RATE;

	if (s->time.is_crowded)
		all = all / 10 > CROWDED_LEAST_MS ? all / 10 : CROWDED_LEAST_MS;
	return s->time.content_began + all;
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t
session_due(const struct session *s)
{
	const struct session_time *t = &s->time;

	uint64_t due = data_is_coming(s)
			   ? earlier(t->minute_end, content_due(s))
			   : t->command_due;

	return s->login == NULL ? earlier(due, t->login_due) : due;
}

const char *
session_time_judge(struct session *s)
{
	struct session_time *t = &s->time;

	if (s->login == NULL && t->now >= t->login_due)
		return session_textf(s, "421 4.4.2 No login within %u seconds",
		    s->conf->limits.login_timeout);
	if (data_is_coming(s)) {
		if (t->now >= content_due(s))
			return "421 4.4.2 The content takes too long";
		if (t->minute_octets < RATE * (MINUTE_MS / 1000))
			return data_timeout_text(s);
		begin_minute(t);
		return NULL;
	}
	return "421 4.4.2 Idle too long";
}
