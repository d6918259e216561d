/*
 * A temporary answer leads to one of four:
 *
 *   next transaction   the host has enough recipients for this one
 *   next connection    the host has enough messages on this one
 *   next host          this host does not take it now; another one may
 *   later              it is about the recipient, or about us: all hosts would
 *                      say so
 *
 * The first rule that fits decides (temporary()). No host and no connection is
 * next while the host that was lost may have the message.
 */
#include "deliver/outcome.h"

#include <stdio.h>
#include <string.h>

const char *
outcome_name(enum outcome o)
{
	static const char *const names[] = {
		[OUTCOME_NONE] = "none",
		[OUTCOME_DELIVERED] = "delivered",
		[OUTCOME_NEXT_TRANSACTION] = "next transaction",
		[OUTCOME_NEXT_CONNECTION] = "next connection",
		[OUTCOME_NEXT_HOST] = "next host",
		[OUTCOME_ELSEWHERE] = "elsewhere",
		[OUTCOME_LATER] = "later",
		[OUTCOME_MISTRUSTED] = "mistrusted",
		[OUTCOME_FAILED] = "failed",
	};

	return names[o];
}

/* --- what the reply says --- */

/* RFC 2034 4: a code of another class than the reply's is not believed. */
static bool
has_status(const struct reply *r)
{
	return r->enhanced.len > 0 && r->enhanced.len < WORDS_STATUS_MAX &&
	       r->enhanced.ptr[0] == '0' + r->code / 100;
}

/* RFC 3463 3: 2 is the mailbox, 4 the network, 5 the protocol, 7 policy. */
static bool
has_subject(const struct reply *r, char subject)
{
	return has_status(r) && r->enhanced.ptr[2] == subject &&
	       r->enhanced.ptr[3] == '.';
}

/* RFC 3463 3.6: X.5.3, too many recipients. */
static bool
has_too_many(const struct reply *r)
{
	return has_status(r) &&
	       span_equal(span_from(r->enhanced, 1), SPAN(".5.3"));
}

/*
 * RFC 5321 4.5.3.1.10: 552 to RCPT is an old 452, "too many recipients". Only
 * so when nothing says otherwise: 552 5.2.2 is a mailbox that is full.
 */
static bool
is_old_452(const struct reply *r)
{
	return r->code == 552 && (!has_status(r) || has_too_many(r));
}

/*
 * To RCPT: "enough recipients". A bare 452 is that, too, and one that speaks of
 * the host (4.3.1); the mailbox (4.2.2) or a rate (4.7.1) is something else.
 */
static bool
is_enough(const struct reply *r)
{
	return has_too_many(r) || is_old_452(r) ||
	       (r->code == 452 && !has_subject(r, '2') && !has_subject(r, '7'));
}

/*
 * What large providers say of mail whose author's domain does not vouch for it: X.7.26
 * (RFC 7372: SPF and DKIM both fail), X.7.27 (SPF; by RFC 7505 a null MX), X.7.30
 * (DKIM), X.7.32 (DMARC: nothing aligns), X.7.515 (all of these). No recipient and no
 * sender can help it; who publishes the domain's records can. To a message that asks
 * for REQUIRETLS, X.7.30 says that the host cannot do that (RFC 8689 section 5).
 */
static bool
is_mistrust(const struct outcome_at *at, const struct reply *r)
{
	static const struct span details[] = { { ".7.26", 5 }, { ".7.27", 5 },
		{ ".7.30", 5 }, { ".7.32", 5 }, { ".7.515", 6 } };

	if (!at->has_origin || at->stage < STAGE_MAIL || !has_status(r))
		return false;
	if (at->asks_tls &&
	    span_equal(span_from(r->enhanced, 1), SPAN(".7.30")))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(details); i++)
		if (span_equal(span_from(r->enhanced, 1), details[i]))
			return true;
	return false;
}

/* --- deciding --- */

static enum outcome
temporary(const struct outcome_at *at, const struct reply *r)
{
	if (at->stage < STAGE_MAIL)
		return OUTCOME_LATER;
	if (at->carried &&
	    (r->code == 421 || (at->stage == STAGE_MAIL && r->code == 452 &&
				   has_subject(r, '4'))))
		return OUTCOME_NEXT_CONNECTION;
	if (at->stage == STAGE_RCPT && at->took_some && is_enough(r))
		return OUTCOME_NEXT_TRANSACTION;
	if (has_subject(r, '2') || has_subject(r, '7'))
		return OUTCOME_LATER;
	if (at->stage != STAGE_RCPT || r->code == 421)
		return OUTCOME_NEXT_HOST;
	/* Of a recipient a host knows more when it gives a status. */
	return (r->code == 450 || r->code == 451) && !has_status(r)
		   ? OUTCOME_NEXT_HOST
		   : OUTCOME_LATER;
}

static enum outcome
permanent(const struct outcome_at *at, const struct reply *r)
{
	switch (at->stage) {
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
	case STAGE_AUTH: return OUTCOME_LATER;
	case STAGE_RCPT:
		return is_old_452(r) ? temporary(at, r) : OUTCOME_FAILED;
	case STAGE_MAIL:
		/* RFC 4954: 530, 535 and the like want a login: as above. */
		if (r->code == 530 || r->code == 535 || r->code == 538)
			return OUTCOME_LATER;
		return OUTCOME_FAILED;
	case STAGE_DATA:
	case STAGE_CONTENT: return OUTCOME_FAILED;
	}
	return OUTCOME_LATER;
}

enum outcome
outcome_of_reply(const struct outcome_at *at, const struct reply *r)
{
	if (r->code < 400)
		return at->stage == STAGE_CONTENT ? OUTCOME_DELIVERED
						  : OUTCOME_NONE;
	if (is_mistrust(at, r))
		return OUTCOME_MISTRUSTED;
	return reply_is_temporary(r) ? temporary(at, r) : permanent(at, r);
}

enum outcome
outcome_of_loss(const struct outcome_at *at)
{
	if (at->stage < STAGE_MAIL || at->may_have_it)
		return OUTCOME_LATER;
	return at->carried ? OUTCOME_NEXT_CONNECTION : OUTCOME_NEXT_HOST;
}

/* --- and why --- */

static char
class_of(enum outcome o)
{
	switch (o) {
	case OUTCOME_NONE:
	case OUTCOME_DELIVERED: return '2';
	case OUTCOME_NEXT_TRANSACTION:
	case OUTCOME_NEXT_CONNECTION:
	case OUTCOME_NEXT_HOST:
	case OUTCOME_LATER:
	case OUTCOME_MISTRUSTED: return '4';
	case OUTCOME_ELSEWHERE:
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
verdict_of_reply(const struct outcome_at *at, const struct reply *reply)
{
	struct verdict v = { .outcome = outcome_of_reply(at, reply),
		.stage = at->stage,
		.said = reply->text };

	if (v.outcome == OUTCOME_NONE)
		return v;
	take_status(&v, reply);
	/* Of whatever kind a refused login is: it was the credentials. */
	if (at->stage == STAGE_AUTH && reply->code >= 500)
		(void)snprintf(v.status, sizeof v.status, "4.7.8");
	return v;
}

struct verdict
verdict_of_nonsense(const struct outcome_at *at, const struct reply *reply)
{
	struct verdict v = { .outcome = outcome_of_loss(at),
		.stage = at->stage,
		.said = reply->text };

	take_status(&v, reply);
	return v;
}

struct verdict
verdict_of_loss(
    const struct outcome_at *at, const char *status, struct span what)
{
	struct verdict v = verdict_of_us(at->stage, status, what);

	v.outcome = outcome_of_loss(at);
	return v;
}

struct verdict
verdict_of_us(enum stage stage, const char *status, struct span what)
{
	struct verdict v = {
		.outcome = OUTCOME_LATER, .stage = stage, .what = what
	};

	(void)snprintf(v.status, sizeof v.status, "%s", status);
	return v;
}
