/*
 * trace: what is known of a message, by its id or its Message-ID: what happened to
 * it lately, from memory, and if it waits still, what it waits for.
 *
 *   {"since": TIME, "entries": [...], "waiting": [ID, ...]}
 *
 * Entries are values with fields, the oldest first; more than fit are cut in front,
 * and "cut" says so.
 */
#include "control_priv.h"
#include "describe.h"
#include "dispatch/dispatch.h"
#include "dispatch/history.h"
#include "dispatch/queue.h"
#include "mail/qid.h"

/* More than one message has the same Message-ID when it was sent twice. */
enum { IDS_MOST = 16, ENTRIES_MOST = 500 };

struct wanted {
	uint64_t ids[IDS_MOST];
	size_t n;
};

static bool
is_wanted(const struct wanted *w, uint64_t id)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->ids[i] == id)
			return true;
	return false;
}

/* With or without its <>. */
static struct span
bare(struct span id)
{
	if (id.len >= 2 && id.ptr[0] == '<' && id.ptr[id.len - 1] == '>')
		return span_to(span_from(id, 1), id.len - 2);
	return id;
}

static void
find_by_message_id(
    struct wanted *w, const struct history *h, struct span message_id)
{
	struct trace_entry e;
	uint64_t at = 0;

	/* Messages without one (a report that has not left yet) are not meant. */
	if (span_is_empty(bare(message_id)))
		return;
	while (w->n < IDS_MOST && history_next(h, &at, &e))
		if (e.kind == TRACE_ACCEPTED &&
		    span_equal(
			bare(e.text[TRACE_MESSAGE_ID]), bare(message_id)))
			w->ids[w->n++] = e.id;
}

static json_t *
entry_json(const struct trace_entry *e)
{
	json_t *o =
	    json_pack("{s:s, s:s, s:o}", "event", trace_kind_name(e->kind),
		"id", qid_format(e->id).text, "at", describe_time(e->at));

	for (int i = 0; i < TRACE_TEXTS; i++)
		if (!span_is_empty(e->text[i]))
			(void)json_object_set_new(o,
			    trace_text_name((enum trace_text)i),
			    describe_text(e->text[i]));
	if (e->kind == TRACE_ACCEPTED) {
		(void)json_object_set_new(
		    o, "size", json_integer((json_int_t)e->size));
		(void)json_object_set_new(
		    o, "recipients", json_integer(e->nrcpt));
	} else if (e->kind != TRACE_OPERATOR && e->kind != TRACE_REMOVED) {
		(void)json_object_set_new(o, "tries", json_integer(e->tries));
	}
	if (e->kind == TRACE_DELIVERED)
		(void)json_object_set_new(
		    o, "delay_ms", json_integer((json_int_t)e->delay));
	if (e->kind == TRACE_DEFERRED)
		(void)json_object_set_new(o, "next_in",
		    json_integer((json_int_t)(e->next + 999) / 1000));
	return o;
}

/* The newest of them, when there are too many. */
static json_t *
entries_json(const struct wanted *w, const struct history *h, bool *cut)
{
	json_t *all = json_array();
	struct trace_entry e;
	uint64_t at = 0;
	size_t n = 0;

	while (history_next(h, &at, &e))
		n += is_wanted(w, e.id);
	*cut = n > ENTRIES_MOST;
	at = 0;
	while (history_next(h, &at, &e))
		if (is_wanted(w, e.id) && n-- <= ENTRIES_MOST)
			(void)json_array_append_new(all, entry_json(&e));
	return all;
}

static json_t *
waiting_json(const struct wanted *w, const struct queue *q)
{
	json_t *all = json_array();

	for (size_t i = 0; i < w->n; i++)
		if (queue_has(q, w->ids[i]))
			(void)json_array_append_new(
			    all, json_string(qid_format(w->ids[i]).text));
	return all;
}

json_t *
do_trace(const struct ask *ask)
{
	struct dispatch *d = ask->control->dispatch;
	const struct history *h = dispatch_history(d);
	struct span what =
	    span_text(json_string_value(json_object_get(ask->request, "what")));
	struct wanted w = { .n = 0 };
	json_t *entries, *waiting;
	bool cut;

	if (qid_parse(what, &w.ids[0]))
		w.n = 1;
	else
		find_by_message_id(&w, h, what);
	entries = entries_json(&w, h, &cut);
	waiting = waiting_json(&w, dispatch_queue(d));
	if (json_array_size(entries) == 0 && json_array_size(waiting) == 0) {
		json_decref(entries);
		json_decref(waiting);
		return error_answer("nothing is known of it: it does not wait, "
				    "and what happened lately (postern status "
				    "says since when) is not about it");
	}
	return json_pack("{s:o, s:b, s:o, s:o}", "since",
	    describe_time(history_since(h)), "cut", cut, "entries", entries,
	    "waiting", waiting);
}
