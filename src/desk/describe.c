#include "describe.h"

#include <stdio.h>
#include <time.h>

#include "mail/qid.h"
#include "mail/reason.h"
#include "mail/words.h"
#include "sched/queue.h"
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

/* Peers' text may be any bytes; JSON is UTF-8. */
static json_t *
any_text(const char *text)
{
	char clean[REASON_TEXT_MAX];
	size_t n = 0;

	if (text == NULL)
		return json_null();
	for (; *text != '\0' && n + 1 < sizeof clean; text++)
		clean[n++] = *text >= ' ' && *text <= '~' ? *text : '?';
	return json_stringn(clean, n);
}

static json_t *
reason_of(const struct queued_rcpt *r)
{
	struct words w = reason_words(r->reason);
	struct buf text = { 0 };
	json_t *o;

	if (r->reason == NULL)
		return json_null();
	words_say(&text, &w);
	(void)buf_append_char(&text, '\0');
	o = any_text(buf_span(&text).ptr);
	buf_clear(&text);
	return o;
}

static const char *
what_now(const struct queued *m, const struct queued_rcpt *r, uint64_t now)
{
	if (r->state != RCPT_QUEUED)
		return rcpt_state_name(r->state);
	switch ((enum rcpt_phase)r->phase) {
	case PHASE_ROUTING: return "looking up where it goes";
	case PHASE_IN_LINE: return "in line for a connection";
	case PHASE_LANE: return "being delivered";
	case PHASE_WAITING: break;
	}
	if ((m->flags & MESSAGE_HELD) != 0)
		return "held by the operator";
	if (r->tries == 0 && r->reason == NULL)
		return r->due > now ? "waiting for its time" : "due now";
	return "waiting for the next attempt";
}

static json_t *
describe_rcpt(const struct queued *m, uint32_t i, uint64_t now, int64_t wall)
{
	const struct queued_rcpt *r = &m->rcpts[i];
	json_t *o = json_object();
	bool waits = r->state == RCPT_QUEUED && r->phase == PHASE_WAITING &&
		     (m->flags & MESSAGE_HELD) == 0;
	uint64_t wait = r->due > now ? r->due - now : 0;

	(void)json_object_set_new(
	    o, "address", any_text(m->env->rcpts[i].address));
	(void)json_object_set_new(
	    o, "state", json_string(rcpt_state_name(r->state)));
	(void)json_object_set_new(o, "now", json_string(what_now(m, r, now)));
	(void)json_object_set_new(o, "tries", json_integer(r->tries));
	(void)json_object_set_new(o, "last", describe_time(queued_last(r)));
	(void)json_object_set_new(o, "reason", reason_of(r));
	if (waits) {
		(void)json_object_set_new(
		    o, "next", describe_time(wall + (int64_t)wait));
		(void)json_object_set_new(o, "next_in",
		    json_integer((json_int_t)((wait + 999) / 1000)));
	}
	if (r->site != NULL)
		(void)json_object_set_new(o, "site", any_text(r->site->name));
	return o;
}

json_t *
describe_message(const struct queued *m, uint64_t now, int64_t wall)
{
	struct qid qid = qid_format(m->env->id);
	json_t *o = json_object(), *rcpts = json_array();

	(void)json_object_set_new(o, "id", json_string(qid.text));
	(void)json_object_set_new(o, "sender", any_text(m->env->sender));
	(void)json_object_set_new(o, "account", any_text(m->env->account));
	(void)json_object_set_new(
	    o, "size", json_integer((json_int_t)m->env->size));
	(void)json_object_set_new(o, "arrived", describe_time(m->env->arrived));
	(void)json_object_set_new(
	    o, "age", json_integer((json_int_t)(queued_age(m, now) / 1000)));
	(void)json_object_set_new(
	    o, "held", json_boolean((m->flags & MESSAGE_HELD) != 0));
	(void)json_object_set_new(
	    o, "report", json_boolean((m->env->flags & ENVELOPE_REPORT) != 0));
	for (uint32_t i = 0; i < m->env->nrcpt; i++)
		(void)json_array_append_new(
		    rcpts, describe_rcpt(m, i, now, wall));
	(void)json_object_set_new(o, "recipients", rcpts);
	return o;
}
