#include "listing.h"

#include <string.h>

#include "describe.h"
#include "dispatch/message.h"
#include "mail/qid.h"
#include "mail/reason.h"
#include "scan.h"

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

/* Of the message that the page before ended in; 0 for any other. */
static uint32_t
goes_on_at(const struct message *m, const json_t *request)
{
	const char *id = json_string_value(json_object_get(request, "at_id"));

	if (id == NULL || strcmp(id, qid_format(m->env->id).text) != 0)
		return 0;
	return wanted_at(m, request);
}

json_t *
listing_page(struct scan *s, const json_t *request, uint64_t now, int64_t wall)
{
	struct page p = begin(request, now, wall);
	json_t *rows = json_array(), *missing = json_array(), *o;
	struct scan_item item;
	uint32_t at = 0;

	o = json_pack("{s:o, s:o}", "messages", rows, "missing", missing);
	while (p.room > 0 && scan_next(s, &item)) {
		const struct message *m = item.message;

		if (m == NULL) {
			(void)json_array_append_new(
			    missing, describe_text(span_text(item.id)));
			continue;
		}
		at = json_array_size(rows) == 0 ? goes_on_at(m, request) : 0;
		(void)json_array_append_new(rows, describe_message(&p, m, &at));
		if (at == m->env->nrcpt)
			continue;
		scan_stay(s);
		(void)json_object_set_new(o, "at", json_integer(at));
		(void)json_object_set_new(
		    o, "at_id", json_string(qid_format(m->env->id).text));
		break;
	}
	scan_end(s, o);
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
