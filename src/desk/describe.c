/*
 * A leg is looked at once for all its recipients (struct view); counts are of
 * all recipients of a message, the rest of as many as there is room for.
 */
#include "describe.h"

#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "ctl/attributes.h"
#include "dispatch/message.h"
#include "mail/attrs.h"
#include "mail/qid.h"
#include "mail/reason.h"
#include "mail/words.h"
#include "sched/site.h"

/* What a recipient takes on a page beside its texts, and to be counted. */
enum { RCPT_BYTES = 300, COUNT_BYTES = 16 };

json_t *
describe_time(int64_t wall_ms)
{
	time_t t = (time_t)(wall_ms / 1000);
	char text[32];
	struct tm tm;

	if (wall_ms == 0 || gmtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return json_null();
	return json_string(text);
}

json_t *
describe_text(struct span text)
{
	char clean[4096];
	size_t n = 0;

	while (!span_is_empty(text) && n + 4 <= sizeof clean) {
		uint32_t c = 0;
		size_t len = utf8_first(text, &c);

		if (len == 0 || utf8_is_control(c))
			clean[n++] = '?';
		else
			for (size_t i = 0; i < len; i++)
				clean[n++] = text.ptr[i];
		text = span_from(text, len == 0 ? 1 : len);
	}
	return json_stringn(clean, n);
}

static json_t *
words_text(struct reason *reason)
{
	struct reason *whole = reason_whole(reason);
	struct words w = reason_words(whole);
	struct buf text = { 0 };
	json_t *o;

	if (reason == NULL)
		return json_null();
	words_say(&text, &w);
	o = describe_text(buf_span(&text));
	buf_clear(&text);
	reason_unref(whole);
	return o;
}

/* What is true of a leg, for all its recipients. */
struct view {
	const struct leg *leg;
	struct reason
	    *why; /* borrowed: it waits in line for that; NULL: not so */
	uint64_t opens; /* its channel; 0: it is open, or there is none */
};

/* A leg in the line of what is closed waits for that, whatever was said before. */
static struct view
look_at(const struct leg *leg, uint64_t now)
{
	struct view v = { .leg = leg };
	struct span account = span_text(leg->message->env->account);

	if (leg->state != LEG_LINE)
		return v;
	if (channel_is_open(leg->channel, now)) {
		(void)site_admits(leg->channel->site, account, now, &v.why);
		return v;
	}
	v.opens = channel_opens_at(leg->channel, now);
	v.why = channel_why(leg->channel, now);
	return v;
}

enum now {
	NOW_DUE,
	NOW_NOT_YET,
	NOW_WAITING,
	NOW_HELD,
	NOW_QUARANTINED,
	NOW_UNFILTERED,
	NOW_OVER_BUDGET,
	NOW_STOPPED,
	NOW_FUTURE,
	NOW_MISTRUSTED,
	NOW_ROUTING,
	NOW_LINE,
	NOW_SHUT,
	NOW_LANE,
	NOW_LEAVING,
	NOW_DELIVERED,
	NOW_FAILED,
	NOW_EXPIRED,
	NOW_REPORTED,
	NOW_REMOVED,
	NOW_COUNT
};

/* What a recipient does, said of it, and what it is counted as in a list. */
static const struct {
	const char *text, *key;
} nows[NOW_COUNT] = {
	[NOW_DUE] = { "due now", "waiting" },
	[NOW_NOT_YET] = { "waiting for its time", "waiting" },
	[NOW_WAITING] = { "waiting for the next attempt", "waiting" },
	[NOW_HELD] = { "held by the operator", "held" },
	[NOW_QUARANTINED] = { "held by a filter, for the operator", "held" },
	[NOW_UNFILTERED] = { "held until a filter has seen it", "held" },
	[NOW_OVER_BUDGET] = { "held until its account's budget has room",
	    "held" },
	[NOW_FUTURE] = { "held until the time that its sender named", "held" },
	[NOW_STOPPED] = { "held: its account is stopped", "held" },
	[NOW_MISTRUSTED] = { "held until the records of its From's domain are "
			     "mended (postern account show)",
	    "held" },
	[NOW_ROUTING] = { "looking up where it goes", "looking_up" },
	[NOW_LINE] = { "in line for a connection", "in_line" },
	[NOW_SHUT] = { "in line until its host is tried again", "in_line" },
	[NOW_LANE] = { "being delivered", "being_delivered" },
	[NOW_LEAVING] = { "being called back from its connection",
	    "being_delivered" },
	[NOW_DELIVERED] = { "delivered", "delivered" },
	[NOW_FAILED] = { "failed", "failed" },
	[NOW_EXPIRED] = { "expired", "expired" },
	[NOW_REPORTED] = { "reported", "reported" },
	[NOW_REMOVED] = { "removed", "removed" },
};

static enum now
over_as(enum rcpt_state state)
{
	switch (state) {
	case RCPT_DELIVERED:
	case RCPT_RELAYED: return NOW_DELIVERED;
	case RCPT_FAILED: return NOW_FAILED;
	case RCPT_EXPIRED: return NOW_EXPIRED;
	case RCPT_REPORTED: return NOW_REPORTED;
	case RCPT_QUEUED:
	case RCPT_REMOVED:
	case RCPT_STATE_COUNT: break;
	}
	return NOW_REMOVED;
}

/* By what a message is held: of several, what is to be lifted first. */
static enum now
held_as(const struct message *m)
{
	if ((m->flags & MESSAGE_STOPPED) != 0)
		return NOW_STOPPED;
	if ((m->flags & MESSAGE_HELD) != 0)
		return NOW_HELD;
	if ((m->flags & MESSAGE_QUARANTINED) != 0)
		return NOW_QUARANTINED;
	if ((m->flags & MESSAGE_UNFILTERED) != 0)
		return NOW_UNFILTERED;
	if ((m->flags & MESSAGE_FUTURE) != 0)
		return NOW_FUTURE;
	return (m->flags & MESSAGE_OVER_BUDGET) != 0 ? NOW_OVER_BUDGET
						     : NOW_HELD;
}

static enum now
what_now(const struct view *v, const struct recipient *r, uint64_t now)
{
	const struct leg *leg = v->leg;

	if (r->state != RCPT_QUEUED)
		return over_as((enum rcpt_state)r->state);
	if (leg->state == LEG_LINE && v->why != NULL)
		return NOW_SHUT;
	if (leg_is_in_hand(leg) && r->due > now)
		return NOW_WAITING;
	switch ((enum leg_state)leg->state) {
	case LEG_HELD:
		return leg->is_mistrusted &&
			       (leg->message->flags & MESSAGE_HOLDS) == 0
			   ? NOW_MISTRUSTED
			   : held_as(leg->message);
	case LEG_ROUTING: return NOW_ROUTING;
	case LEG_LINE: return NOW_LINE;
	case LEG_LANE: return NOW_LANE;
	case LEG_LEAVING: return NOW_LEAVING;
	case LEG_WAITING:
	case LEG_OVER: break;
	}
	if (r->tries > 0 || r->reason != NULL)
		return NOW_WAITING;
	return r->due > now ? NOW_NOT_YET : NOW_DUE;
}

/* When something happens to it next; 0: it does not wait for a time. */
static uint64_t
next_time(const struct view *v, const struct recipient *r, uint64_t now)
{
	const struct leg *leg = v->leg;

	if (r->state != RCPT_QUEUED)
		return 0;
	if (leg->state == LEG_HELD) {
		if (held_as(leg->message) == NOW_UNFILTERED)
			return r->due > now ? r->due : 0;
		return held_as(leg->message) == NOW_FUTURE
			   ? message_release_at(leg->message)
			   : 0;
	}
	if (v->opens != 0)
		return v->opens;
	if (leg->state == LEG_WAITING || r->due > now)
		return r->due > now ? r->due : now;
	return 0;
}

static struct reason *
why_of(const struct page *p, const struct view *v, uint32_t rcpt)
{
	struct reason *reason = v->leg->message->rcpts[rcpt].reason;

	if (v->why != NULL)
		return v->why;
	if (p->whole != NULL && reason_is_cut(reason) && p->whole[rcpt] != NULL)
		return p->whole[rcpt];
	return reason;
}

static void
set_next(json_t *o, const struct page *p, uint64_t next)
{
	if (next == 0)
		return;
	(void)json_object_set_new(
	    o, "next", describe_time(p->wall + (int64_t)(next - p->now)));
	(void)json_object_set_new(o, "next_in",
	    json_integer((json_int_t)((next - p->now + 999) / 1000)));
}

static void
use_room(struct page *p, size_t bytes)
{
	p->room -= bytes < p->room ? bytes : p->room;
}

static json_t *
describe_rcpt(struct page *p, const struct view *v, uint32_t i)
{
	const struct message *m = v->leg->message;
	const struct recipient *r = &m->rcpts[i];
	struct span address = span_text(m->env->rcpts[i].address);
	struct span attrs = envelope_rcpt_attrs(m->env, i);
	json_t *o = json_object(), *reason = words_text(why_of(p, v, i));

	use_room(p,
	    RCPT_BYTES + address.len + attrs.len + json_string_length(reason));
	(void)json_object_set_new(o, "address", describe_text(address));
	attributes_show(o, attrs);
	(void)json_object_set_new(o, "state",
	    json_string(rcpt_state_name((enum rcpt_state)r->state)));
	(void)json_object_set_new(
	    o, "now", json_string(nows[what_now(v, r, p->now)].text));
	(void)json_object_set_new(o, "tries", json_integer(r->tries));
	(void)json_object_set_new(o, "last", describe_time(recipient_last(r)));
	(void)json_object_set_new(o, "reason", reason);
	if (what_now(v, r, p->now) == NOW_UNFILTERED) /* since it came in */
		(void)json_object_set_new(
		    o, "since", describe_time(m->env->arrived));
	set_next(o, p, next_time(v, r, p->now));
	if (v->leg->channel != NULL)
		(void)json_object_set_new(o, "site",
		    describe_text(span_text(v->leg->channel->site->name)));
	return o;
}

/* --- all recipients of a message in a few words --- */

struct summary {
	uint32_t counts[NOW_COUNT];
	uint64_t next; /* the earliest; 0: none waits for a time */
	struct reason *why; /* of the one with the most attempts */
	uint32_t tries; /* of that one */
	bool is_held; /* some leg of it */
	bool is_held_otherwise; /* than for its author's domain */
};

static void
sum_up(
    struct summary *s, const struct page *p, const struct view *v, uint32_t i)
{
	const struct recipient *r = &v->leg->message->rcpts[i];
	uint64_t next = next_time(v, r, p->now);
	struct reason *why = why_of(p, v, i);

	s->counts[what_now(v, r, p->now)]++;
	if (next != 0 && (s->next == 0 || next < s->next))
		s->next = next;
	if (r->state != RCPT_QUEUED || why == NULL)
		return;
	if (s->why == NULL || r->tries > s->tries) {
		s->why = why;
		s->tries = r->tries;
	}
}

static json_t *
describe_counts(const struct summary *s)
{
	json_t *o = json_object();

	for (int i = 0; i < NOW_COUNT; i++) {
		const char *key = nows[i].key;
		json_int_t before = json_integer_value(json_object_get(o, key));

		if (s->counts[i] > 0)
			(void)json_object_set_new(
			    o, key, json_integer(before + s->counts[i]));
	}
	return o;
}

static void
set_summary(json_t *o, struct page *p, const struct message *m)
{
	struct summary s = { .is_held = false };
	json_t *why;

	for (uint32_t l = 0; l < m->env->ngroups; l++) {
		struct view v = look_at(&m->legs[l], p->now);

		s.is_held |= m->legs[l].state == LEG_HELD;
		s.is_held_otherwise |= m->legs[l].state == LEG_HELD &&
				       (!m->legs[l].is_mistrusted ||
					   (m->flags & MESSAGE_HOLDS) != 0);
		for (uint32_t i = m->env->groups[l]; i != ENVELOPE_NO_MORE;
		     i = m->env->rcpts[i].next)
			sum_up(&s, p, &v, i);
	}
	why = words_text(s.why);
	use_room(p, RCPT_BYTES + (size_t)m->env->nrcpt * COUNT_BYTES +
			json_string_length(why));
	(void)json_object_set_new(o, "held", json_boolean(s.is_held));
	if (s.is_held)
		(void)json_object_set_new(o, "held_by",
		    json_string(!s.is_held_otherwise		? "domain"
				: held_as(m) == NOW_STOPPED	? "stop"
				: held_as(m) == NOW_HELD	? "operator"
				: held_as(m) == NOW_QUARANTINED ? "filter"
				: held_as(m) == NOW_UNFILTERED	? "filter"
				: held_as(m) == NOW_FUTURE	? "sender"
								: "budget"));
	if (s.is_held && held_as(m) == NOW_QUARANTINED)
		(void)json_object_set_new(o, "filter",
		    describe_text(
			attrs_get(envelope_attrs(m->env), ATTR_HELD_BY)));
	(void)json_object_set_new(o, "counts", describe_counts(&s));
	(void)json_object_set_new(o, "reason", why);
	set_next(o, p, s.next);
}

/* --- messages --- */

/* In the order of the envelope, as the sender gave them. */
static json_t *
describe_rcpts(struct page *p, const struct message *m, uint32_t *at)
{
	uint32_t *legs = envelope_groups_of(m->env);
	json_t *rcpts = json_array();
	uint32_t i = *at;

	/* One at least, so that who walks the pages comes to an end. */
	while (i < m->env->nrcpt && (p->room > 0 || i == *at)) {
		struct view v = look_at(&m->legs[legs[i]], p->now);

		(void)json_array_append_new(rcpts, describe_rcpt(p, &v, i));
		i++;
		if (p->is_brief)
			break;
	}
	*at = i;
	free(legs);
	return rcpts;
}

/* Parameters that are kept as flags, beside those that are kept as they were. */
static void
show_flags(json_t *o, uint32_t flags)
{
	json_t *all = json_object_get(o, "parameters");
	const char *body = (flags & ENVELOPE_BINARY) != 0 ? "BINARYMIME"
			   : (flags & ENVELOPE_8BIT) != 0 ? "8BITMIME"
							  : NULL;

	if (body == NULL && (flags & ENVELOPE_UTF8) == 0)
		return;
	if (all == NULL) {
		all = json_object();
		(void)json_object_set_new(o, "parameters", all);
	}
	if (body != NULL)
		(void)json_object_set_new(all, "body", json_string(body));
	if ((flags & ENVELOPE_UTF8) != 0)
		(void)json_object_set_new(all, "smtputf8", json_string("yes"));
}

json_t *
describe_message(struct page *p, const struct message *m, uint32_t *at)
{
	struct qid qid = qid_format(m->env->id);
	json_t *o = json_object();

	(void)json_object_set_new(o, "id", json_string(qid.text));
	(void)json_object_set_new(
	    o, "sender", describe_text(span_text(m->env->sender)));
	(void)json_object_set_new(
	    o, "account", describe_text(span_text(m->env->account)));
	(void)json_object_set_new(
	    o, "size", json_integer((json_int_t)m->env->size));
	(void)json_object_set_new(o, "arrived", describe_time(m->env->arrived));
	(void)json_object_set_new(o, "age",
	    json_integer((json_int_t)(message_age(m, p->now) / 1000)));
	(void)json_object_set_new(
	    o, "report", json_boolean((m->env->flags & ENVELOPE_REPORT) != 0));
	attributes_show(o, envelope_attrs(m->env));
	show_flags(o, m->env->flags);
	(void)json_object_set_new(o, "rcpts", json_integer(m->env->nrcpt));
	(void)json_object_set_new(o, "from", json_integer(*at));
	if (*at == 0)
		set_summary(o, p, m);
	(void)json_object_set_new(o, "recipients", describe_rcpts(p, m, at));
	if (p->is_brief)
		*at = m->env->nrcpt;
	return o;
}
