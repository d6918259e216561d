#include "listing.h"

#include "describe.h"
#include "dispatch/message.h"
#include "dispatch/queue.h"
#include "mail/qid.h"
#include "mail/reason.h"

uint64_t
listing_id(const json_t *request, const char *key)
{
	const char *text = json_string_value(json_object_get(request, key));
	uint64_t id = 0;

	if (text == NULL || !qid_parse(span_text(text), &id))
		return 0;
	return id;
}

/* The recipient to go on with; past the last one: the last one again. */
static uint32_t
wanted_at(const struct message *m, const json_t *request)
{
	json_int_t at = json_integer_value(json_object_get(request, "at"));

	if (at <= 0)
		return 0;
	return at < m->env->nrcpt ? (uint32_t)at : m->env->nrcpt - 1;
}

static struct page
begin(const json_t *request, uint64_t now, int64_t wall)
{
	return (struct page){
		.now = now,
		.wall = wall,
		.room = LISTING_PAGE,
		.is_brief = json_is_true(json_object_get(request, "brief")),
	};
}

json_t *
listing_page(
    const struct queue *q, const json_t *request, uint64_t now, int64_t wall)
{
	struct page p = begin(request, now, wall);
	uint64_t after = listing_id(request, "after");
	struct message *m = NULL;
	json_t *rows = json_array(), *o;
	uint32_t at = 0;

	if (json_object_get(request, "at") != NULL)
		m = queue_find(q, after);
	if (m != NULL)
		at = wanted_at(m, request);
	else
		m = queue_after(q, after);
	while (m != NULL && p.room > 0) {
		(void)json_array_append_new(rows, describe_message(&p, m, &at));
		after = m->env->id;
		if (at < m->env->nrcpt)
			break;
		at = 0;
		m = queue_next(q, m);
	}
	o = json_pack("{s:o, s:b, s:s}", "messages", rows, "more", m != NULL,
	    "after", qid_format(after).text);
	if (at > 0)
		(void)json_object_set_new(o, "at", json_integer(at));
	return o;
}

bool
listing_is_cut(const struct message *m)
{
	for (uint32_t i = 0; i < m->env->nrcpt; i++)
		if (reason_is_cut(m->rcpts[i].reason))
			return true;
	return false;
}

json_t *
listing_one(const struct message *m, const json_t *request,
    struct reason *const *whole, uint64_t now, int64_t wall)
{
	struct page p = begin(request, now, wall);
	uint32_t at = wanted_at(m, request);
	json_t *o;

	p.whole = whole;
	o = describe_message(&p, m, &at);
	(void)json_object_set_new(o, "more", json_boolean(at < m->env->nrcpt));
	return o;
}
