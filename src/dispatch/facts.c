/* What is told of recipients. */
#include "dispatch_priv.h"

#include "base/buf.h"
#include "facts/fact.h"
#include "mail/reason.h"

static struct fact_field
host_of(const struct words *w)
{
	return fact_text("host", span_is_empty(w->host) ? SPAN("-") : w->host);
}

static void
tell(const struct leg_fact *fact, const struct leg_fact_more *words,
    uint64_t now, const struct words *w, struct span said)
{
	const struct message *m = fact->leg->message;
	const struct recipient *r = &m->rcpts[fact->rcpt];
	struct fact_field qid = fact_id("qid", m->env->id);
	struct fact_field to =
	    fact_address("to", span_text(m->env->rcpts[fact->rcpt].address));
	struct fact_field tries = fact_number("tries", r->tries);
	struct fact_field reply = fact_words("reply", said);
	const char *tls =
	    words == NULL || words->tls == NULL || words->tls[0] == '\0'
		? "none"
		: words->tls;

	switch (fact->type) {
	case LEG_FACT_DELIVERED:
		FACT(DELIVERED, qid, to, host_of(w), fact_word("tls", tls),
		    reply, tries, fact_ms("delay", message_age(m, now)));
		break;
	case LEG_FACT_DEFERRED:
		FACT(DEFERRED, qid, to, host_of(w),
		    fact_span("status", w->status), reply, tries,
		    fact_s("next",
			r->due > now ? (r->due - now + 999) / 1000 : 0));
		break;
	case LEG_FACT_FAILED:
		FACT(FAILED, qid, to, host_of(w),
		    fact_span("status", w->status), reply, tries);
		break;
	case LEG_FACT_EXPIRED: FACT(EXPIRED, qid, to, tries, reply); break;
	case LEG_FACT_REMOVED: FACT(REMOVED, qid, to); break;
	case LEG_FACT_HELD: break; /* only to be recorded */
	}
}

void
facts_log(const struct leg_fact *fact, const struct leg_fact_more *words,
    uint64_t now)
{
	const struct recipient *r = &fact->leg->message->rcpts[fact->rcpt];
	struct reason *whole = reason_whole(r->reason);
	struct words w = reason_words(whole);
	struct buf line = { 0 };

	if (fact->type == LEG_FACT_EXPIRED)
		words_say(&line, &w);
	else
		words_join(&line, &w);
	tell(fact, words, now, &w, buf_span(&line));
	buf_clear(&line);
	reason_unref(whole);
}

void
facts_tell_failed(const struct dispatch *d, const struct leg_fact *fact)
{
	const struct message *m = fact->leg->message;
	struct reason *whole;
	struct words w;

	if (fact->type != LEG_FACT_FAILED || d->failed == NULL)
		return;
	whole = reason_whole(m->rcpts[fact->rcpt].reason);
	w = reason_words(whole);
	d->failed(m->env, span_text(m->env->rcpts[fact->rcpt].address), &w,
	    d->failed_arg);
	reason_unref(whole);
}

void
facts_log_in_line(const struct leg *leg, uint64_t now)
{
	const struct channel *c = leg->channel;
	const struct message *m = leg->message;
	struct words w = reason_words(channel_why(c, now));
	uint64_t next = (channel_opens_at(c, now) - now + 999) / 1000;
	struct buf line = { 0 };

	(void)buf_printf(
	    &line, "waiting for %.50s to open again: ", c->site->name);
	words_join(&line, &w);
	for (uint32_t i = leg->first; i != ENVELOPE_NO_MORE;
	     i = m->env->rcpts[i].next)
		if (leg_wants(leg, i, now))
			FACT(DEFERRED, fact_id("qid", m->env->id),
			    fact_address(
				"to", span_text(m->env->rcpts[i].address)),
			    host_of(&w), fact_span("status", w.status),
			    fact_words("reply", buf_span(&line)),
			    fact_number("tries", m->rcpts[i].tries),
			    fact_s("next", next));
	buf_clear(&line);
}

struct fact_field
facts_reason(const struct reason *reason, struct buf *room)
{
	struct words w = reason_words(reason);

	words_join(room, &w);
	return fact_text("reason", buf_span(room));
}

/* --- the same as values --- */

static const struct {
	enum leg_fact_type fact;
	enum trace_kind kind;
} traced[] = {
	{ LEG_FACT_DELIVERED, TRACE_DELIVERED },
	{ LEG_FACT_DEFERRED, TRACE_DEFERRED },
	{ LEG_FACT_FAILED, TRACE_FAILED },
	{ LEG_FACT_EXPIRED, TRACE_EXPIRED },
	{ LEG_FACT_REMOVED, TRACE_REMOVED },
};

static void
keep(struct history *h, struct trace_entry *e, const struct recipient *r,
    enum leg_fact_type type)
{
	struct reason *whole = reason_whole(r->reason);
	struct words w = reason_words(whole);
	struct buf reply = { 0 };

	if (type != LEG_FACT_REMOVED) {
		words_join(&reply, &w);
		e->text[TRACE_HOST] = w.host;
		e->text[TRACE_STATUS] = w.status;
		e->text[TRACE_REPLY] = buf_span(&reply);
	}
	history_add(h, e);
	buf_clear(&reply);
	reason_unref(whole);
}

void
facts_keep(struct history *h, const struct leg_fact *fact,
    const struct leg_fact_more *words, uint64_t now, int64_t wall)
{
	const struct message *m = fact->leg->message;
	const struct recipient *r = &m->rcpts[fact->rcpt];
	struct trace_entry e = {
		.id = m->env->id, .at = wall, .tries = r->tries
	};

	for (size_t i = 0; i < ARRAY_LEN(traced); i++) {
		if (traced[i].fact != fact->type)
			continue;
		e.kind = traced[i].kind;
		if (e.kind == TRACE_DELIVERED) {
			e.delay = message_age(m, now);
			/* Whose it was, when its acceptance is long forgotten. */
			e.text[TRACE_ACCOUNT] = span_text(m->env->account);
		}
		if (e.kind == TRACE_DEFERRED && r->due > now)
			e.next = r->due - now;
		if (words != NULL)
			e.text[TRACE_TLS] = span_text(words->tls);
		e.text[TRACE_RCPT] =
		    span_text(m->env->rcpts[fact->rcpt].address);
		keep(h, &e, r, fact->type);
	}
}

void
facts_keep_accepted(struct history *h, const struct envelope *env,
    const struct dispatch_origin *from)
{
	struct trace_entry e = { .kind = TRACE_ACCEPTED,
		.id = env->id,
		.at = env->arrived,
		.size = env->size,
		.nrcpt = env->nrcpt };

	e.text[TRACE_SID] = span_text(from->sid);
	e.text[TRACE_MESSAGE_ID] = span_text(from->message_id);
	e.text[TRACE_ACCOUNT] = span_text(env->account);
	e.text[TRACE_SENDER] = span_text(env->sender);
	e.text[TRACE_RCPT] = span_text(env->rcpts[0].address);
	history_add(h, &e);
}
