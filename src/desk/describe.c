#include "describe.h"

#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "dispatch/message.h"
#include "mail/qid.h"
#include "mail/reason.h"
#include "mail/words.h"
#include "sched/site.h"

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

	for (; n < text.len && n < sizeof clean; n++)
		clean[n] = text.ptr[n] >= ' ' && text.ptr[n] <= '~'
			       ? text.ptr[n]
			       : '?';
	return json_stringn(clean, n);
}

static json_t *
words_text(const struct reason *reason)
{
	struct words w = reason_words(reason);
	struct buf text = { 0 };
	json_t *o;

	if (reason == NULL)
		return json_null();
	words_say(&text, &w);
	o = describe_text(buf_span(&text));
	buf_clear(&text);
	return o;
}

/* A leg in the line of what is closed waits for that, whatever was said before. */
static struct reason *
why_in_line(const struct leg *leg, uint64_t now)
{
	struct reason *why = NULL;
	struct span account = span_text(leg->message->env->account);

	if (leg->state != LEG_LINE)
		return NULL;
	if (!channel_is_open(leg->channel, now))
		return channel_why(leg->channel, now);
	(void)site_admits(leg->channel->site, account, now, &why);
	return why;
}

static const char *
what_now(const struct leg *leg, const struct recipient *r, uint64_t now)
{
	static const char *const states[LEG_STATES] = {
		[LEG_WAITING] = "waiting for the next attempt",
		[LEG_HELD] = "held by the operator",
		[LEG_ROUTING] = "looking up where it goes",
		[LEG_LINE] = "in line for a connection",
		[LEG_LANE] = "being delivered",
		[LEG_LEAVING] = "being called back from its connection",
		[LEG_OVER] = "",
	};

	if (r->state != RCPT_QUEUED)
		return rcpt_state_name((enum rcpt_state)r->state);
	if (leg->state == LEG_LINE && why_in_line(leg, now) != NULL)
		return "in line until its host is tried again";
	if (leg_is_in_hand(leg) && r->due > now)
		return states[LEG_WAITING];
	if (leg->state == LEG_WAITING && r->tries == 0 && r->reason == NULL)
		return r->due > now ? "waiting for its time" : "due now";
	return states[leg->state];
}

/* When something happens to it next; 0: it does not wait for a time. */
static uint64_t
next_time(const struct leg *leg, const struct recipient *r, uint64_t now)
{
	if (r->state != RCPT_QUEUED || leg->state == LEG_HELD)
		return 0;
	if (leg->state == LEG_LINE && !channel_is_open(leg->channel, now))
		return channel_opens_at(leg->channel, now);
	if (leg->state == LEG_WAITING || r->due > now)
		return r->due > now ? r->due : now;
	return 0;
}

static json_t *
describe_rcpt(const struct leg *leg, uint32_t i, uint64_t now, int64_t wall)
{
	const struct message *m = leg->message;
	const struct recipient *r = &m->rcpts[i];
	json_t *o = json_object();
	struct reason *why = why_in_line(leg, now);
	uint64_t next = next_time(leg, r, now);

	(void)json_object_set_new(
	    o, "address", describe_text(span_text(m->env->rcpts[i].address)));
	(void)json_object_set_new(o, "state",
	    json_string(rcpt_state_name((enum rcpt_state)r->state)));
	(void)json_object_set_new(o, "now", json_string(what_now(leg, r, now)));
	(void)json_object_set_new(o, "tries", json_integer(r->tries));
	(void)json_object_set_new(o, "last", describe_time(recipient_last(r)));
	(void)json_object_set_new(
	    o, "reason", words_text(why != NULL ? why : r->reason));
	if (next != 0) {
		(void)json_object_set_new(
		    o, "next", describe_time(wall + (int64_t)(next - now)));
		(void)json_object_set_new(o, "next_in",
		    json_integer((json_int_t)((next - now + 999) / 1000)));
	}
	if (leg->channel != NULL)
		(void)json_object_set_new(o, "site",
		    describe_text(span_text(leg->channel->site->name)));
	return o;
}

static bool
is_held(const struct message *m)
{
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		if (m->legs[i].state == LEG_HELD)
			return true;
	return false;
}

/* In the order of the envelope, as the sender gave them. */
static json_t *
describe_rcpts(const struct message *m, uint64_t now, int64_t wall)
{
	json_t **each = mem_zalloc(m->env->nrcpt, sizeof *each);
	json_t *rcpts = json_array();

	for (uint32_t l = 0; l < m->env->ngroups; l++)
		for (uint32_t i = m->env->groups[l]; i != ENVELOPE_NO_MORE;
		     i = m->env->rcpts[i].next)
			each[i] = describe_rcpt(&m->legs[l], i, now, wall);
	for (uint32_t i = 0; i < m->env->nrcpt; i++)
		(void)json_array_append_new(rcpts, each[i]);
	free(each);
	return rcpts;
}

json_t *
describe_message(const struct message *m, uint64_t now, int64_t wall)
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
	(void)json_object_set_new(
	    o, "age", json_integer((json_int_t)(message_age(m, now) / 1000)));
	(void)json_object_set_new(o, "held", json_boolean(is_held(m)));
	(void)json_object_set_new(
	    o, "report", json_boolean((m->env->flags & ENVELOPE_REPORT) != 0));
	(void)json_object_set_new(
	    o, "recipients", describe_rcpts(m, now, wall));
	return o;
}
