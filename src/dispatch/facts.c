/* What the log is told of recipients; the counters go on without a reader. */
#include "dispatch_priv.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/metrics.h"
#include "mail/qid.h"
#include "mail/reason.h"

/* Bytes; log_quote() makes at most four of one, and cuts at 400. */
enum { REPLY_LOGGED = 900, QUOTED_AT_ONCE = 96 };

/*
 * Longer than log_quote() takes, for the URL that explains a reply stands at its
 * end: piece by piece, and cut so that the line has room for all its keys.
 */
static void
quote_reply(struct span text, struct buf *out)
{
	(void)buf_append_char(out, '"');
	while (!span_is_empty(text) && buf_len(out) < REPLY_LOGGED) {
		struct span piece = span_to(text, QUOTED_AT_ONCE);
		struct span quoted = span_text(log_quote(piece));

		(void)buf_append(out, quoted.ptr + 1, quoted.len - 2);
		text = span_from(text, piece.len);
	}
	(void)buf_append_text(out, span_is_empty(text) ? "\"" : "...\"");
	(void)buf_append_char(out, '\0');
}

/* The words as the value of a log line's `reply`. */
static const char *
reply_text(const struct leg_fact *fact, const struct words *w, struct buf *out)
{
	struct buf line = { 0 };

	if (fact->type == FACT_EXPIRED)
		words_say(&line, w);
	else
		words_join(&line, w);
	quote_reply(buf_span(&line), out);
	buf_clear(&line);
	return buf_span(out).ptr;
}

static const struct {
	const char *event; /* NULL: not told */
	enum metric metric;
	bool is_counted;
} kinds[] = {
	[FACT_DELIVERED] = { "delivered", METRIC_DELIVERED, true },
	[FACT_DEFERRED] = { "deferred", METRIC_DEFERRED, true },
	[FACT_FAILED] = { "failed", METRIC_FAILED, true },
	[FACT_EXPIRED] = { "expired", METRIC_FAILED, true },
	[FACT_REMOVED] = { "removed", METRIC_FAILED, false },
	[FACT_HELD] = { NULL, METRIC_FAILED, false },
};

static void
write_line(const struct leg_fact *fact, const struct fact_words *words,
    uint64_t now, const struct words *w, const char *reply)
{
	const struct message *m = fact->leg->message;
	const struct recipient *r = &m->rcpts[fact->rcpt];
	struct qid qid = qid_format(m->env->id);
	const char *to =
	    log_address(span_text(m->env->rcpts[fact->rcpt].address));
	const char *host =
	    log_quote(span_is_empty(w->host) ? SPAN("-") : w->host);
	const char *tls =
	    words == NULL || words->tls == NULL || words->tls[0] == '\0'
		? "none"
		: words->tls;

	switch (fact->type) {
	case FACT_DELIVERED:
		log_info("delivered qid=%s to=%s host=%s tls=%s reply=%s "
			 "tries=%u delay=%llums",
		    qid.text, to, host, tls, reply, r->tries,
		    (unsigned long long)message_age(m, now));
		break;
	case FACT_DEFERRED:
		log_info("deferred qid=%s to=%s host=%s status=%.*s reply=%s "
			 "tries=%u next=%llus",
		    qid.text, to, host, SPAN_ARG(w->status), reply, r->tries,
		    (unsigned long long)(r->due > now
					     ? (r->due - now + 999) / 1000
					     : 0));
		break;
	case FACT_FAILED:
		log_info("failed qid=%s to=%s host=%s status=%.*s reply=%s "
			 "tries=%u",
		    qid.text, to, host, SPAN_ARG(w->status), reply, r->tries);
		break;
	case FACT_EXPIRED:
		log_info("expired qid=%s to=%s tries=%u reply=%s", qid.text, to,
		    r->tries, reply);
		break;
	case FACT_REMOVED:
		log_info("removed qid=%s to=%s", qid.text, to);
		break;
	case FACT_HELD: break;
	}
}

const char *
facts_quote(const struct reason *reason)
{
	struct words w = reason_words(reason);
	struct buf line = { 0 };
	const char *quoted;

	words_join(&line, &w);
	quoted = log_quote(buf_span(&line));
	buf_clear(&line);
	return quoted;
}

void
facts_log(
    const struct leg_fact *fact, const struct fact_words *words, uint64_t now)
{
	const struct recipient *r = &fact->leg->message->rcpts[fact->rcpt];
	struct reason *whole;
	struct words w;
	struct buf reply = { 0 };

	if (kinds[fact->type].is_counted)
		metric_add(kinds[fact->type].metric, 1);
	if (kinds[fact->type].event == NULL || !log_is_on(LOG_INFO))
		return;
	whole = reason_whole(r->reason);
	w = reason_words(whole);
	write_line(fact, words, now, &w, reply_text(fact, &w, &reply));
	buf_clear(&reply);
	reason_unref(whole);
}

void
facts_log_in_line(const struct leg *leg, uint64_t now)
{
	const struct channel *c = leg->channel;
	const struct message *m = leg->message;
	struct words w = reason_words(channel_why(c, now));
	struct qid qid = qid_format(m->env->id);
	struct buf line = { 0 }, reply = { 0 };

	metric_add(METRIC_DEFERRED, 1);
	if (!log_is_on(LOG_INFO))
		return;
	(void)buf_printf(
	    &line, "waiting for %.50s to open again: ", c->site->name);
	words_join(&line, &w);
	quote_reply(buf_span(&line), &reply);
	for (uint32_t i = leg->first; i != ENVELOPE_NO_MORE;
	     i = m->env->rcpts[i].next)
		if (leg_wants(leg, i, now))
			log_info("deferred qid=%s to=%s host=%s status=%.*s "
				 "reply=%s tries=%u next=%llus",
			    qid.text,
			    log_address(span_text(m->env->rcpts[i].address)),
			    log_quote(
				span_is_empty(w.host) ? SPAN("-") : w.host),
			    SPAN_ARG(w.status), buf_span(&reply).ptr,
			    m->rcpts[i].tries,
			    (unsigned long long)(channel_opens_at(c, now) -
						 now + 999) /
				1000);
	buf_clear(&line);
	buf_clear(&reply);
}

/* --- the same as values --- */

static const struct {
	enum leg_fact_type fact;
	enum trace_kind kind;
} traced[] = {
	{ FACT_DELIVERED, TRACE_DELIVERED },
	{ FACT_DEFERRED, TRACE_DEFERRED },
	{ FACT_FAILED, TRACE_FAILED },
	{ FACT_EXPIRED, TRACE_EXPIRED },
	{ FACT_REMOVED, TRACE_REMOVED },
};

static void
keep(struct history *h, struct trace_entry *e, const struct recipient *r,
    enum leg_fact_type type)
{
	struct reason *whole = reason_whole(r->reason);
	struct words w = reason_words(whole);
	struct buf reply = { 0 };

	if (type != FACT_REMOVED) {
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
    const struct fact_words *words, uint64_t now, int64_t wall)
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
		if (e.kind == TRACE_DELIVERED)
			e.delay = message_age(m, now);
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
