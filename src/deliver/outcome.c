#include "deliver/outcome.h"

#include <stdio.h>
#include <string.h>

/* RFC 2034 4: a code of another class than the reply's is not believed. */
static bool
has_status(const struct reply *r)
{
	return r->enhanced.len > 0 && r->enhanced.len < WORDS_STATUS_MAX &&
	       r->enhanced.ptr[0] == '0' + r->code / 100;
}

/*
 * RFC 5321 4.5.3.1.10: 552 to RCPT is an old 452, "too many recipients". Only
 * so when nothing says otherwise: 552 5.2.2 is a mailbox that is full.
 */
static bool
is_old_452(const struct reply *r)
{
	return r->code == 552 &&
	       (!has_status(r) || span_equal(r->enhanced, SPAN("5.5.3")));
}

enum outcome
outcome_of_reply(enum stage stage, const struct reply *reply)
{
	if (reply->code >= 200 && reply->code < 400)
		return stage == STAGE_CONTENT ? OUTCOME_DELIVERED
					      : OUTCOME_NONE;
	if (reply_is_temporary(reply))
		return OUTCOME_DEFERRED;
	switch (stage) {
	/*
	 * What is said before there is a message is about us or the host, not
	 * about the message: another host, or another day, may take it. A
	 * login that fails is the operator's to mend, not the sender's.
	 */
	case STAGE_NONE:
	case STAGE_ROUTE:
	case STAGE_CONNECT:
	case STAGE_GREETING:
	case STAGE_EHLO:
	case STAGE_STARTTLS:
	case STAGE_AUTH: return OUTCOME_DEFERRED;
	case STAGE_RCPT:
		if (is_old_452(reply))
			return OUTCOME_DEFERRED;
		return OUTCOME_FAILED;
	case STAGE_MAIL:
		/* RFC 4954: 530, 535 and the like want a login: as above. */
		if (reply->code == 530 || reply->code == 535 ||
		    reply->code == 538)
			return OUTCOME_DEFERRED;
		return OUTCOME_FAILED;
	case STAGE_DATA:
	case STAGE_CONTENT: return OUTCOME_FAILED;
	}
	return OUTCOME_DEFERRED;
}

static char
class_of(enum outcome o)
{
	switch (o) {
	case OUTCOME_NONE:
	case OUTCOME_DELIVERED: return '2';
	case OUTCOME_DEFERRED: return '4';
	case OUTCOME_FAILED: break;
	}
	return '5';
}

/*
 * The host's own code, in the class of what we make of it (a 5.5.3 that is tried
 * again is a 4.5.3); else X.0.0, for we know no more than it said.
 */
static void
take_status(struct verdict *v, const struct reply *r)
{
	char class = class_of(v->outcome);
	struct span status = SPAN("x.0.0");

	if (has_status(r) && (r->code < 300) == (class == '2'))
		status = r->enhanced;
	memcpy(v->status, status.ptr, status.len); /* the rest is zero */
	v->status[0] = class;
}

struct verdict
verdict_of_reply(enum stage stage, const struct reply *reply)
{
	struct verdict v = { .outcome = outcome_of_reply(stage, reply),
		.said = reply->text };

	if (v.outcome == OUTCOME_NONE)
		return v;
	take_status(&v, reply);
	/* Of whatever kind a refused login is: it was the credentials. */
	if (stage == STAGE_AUTH && reply->code >= 500)
		(void)snprintf(v.status, sizeof v.status, "4.7.8");
	return v;
}

struct verdict
verdict_put_off(const struct reply *reply)
{
	struct verdict v = { .outcome = OUTCOME_DEFERRED, .said = reply->text };

	take_status(&v, reply);
	return v;
}

struct verdict
verdict_of_us(const char *status, struct span what)
{
	struct verdict v = { .outcome = OUTCOME_DEFERRED, .what = what };

	(void)snprintf(v.status, sizeof v.status, "%s", status);
	return v;
}
