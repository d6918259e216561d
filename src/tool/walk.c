#include "walk.h"

#include "base/span.h"
#include "ctl/client.h"

/* A row is made whole again: of its parts, what only the pages need goes. */
static void
add_part(json_t *whole, json_t *part)
{
	(void)json_array_extend(json_object_get(whole, "recipients"),
	    json_object_get(part, "recipients"));
}

static bool
is_first_part(const json_t *row)
{
	return json_integer_value(json_object_get(row, "from")) == 0;
}

static bool
is_whole(const json_t *row)
{
	return json_array_size(json_object_get(row, "recipients")) ==
	       (size_t)json_integer_value(json_object_get(row, "rcpts"));
}

static void
end_row(struct walk *w)
{
	if (w->open == NULL)
		return;
	if (w->is_brief || is_whole(w->open)) {
		(void)json_object_del(w->open, "from");
		w->each(w->open, w->arg);
	}
	json_decref(w->open);
	w->open = NULL;
}

static void
take_page(const json_t *page, void *arg)
{
	struct walk *w = arg;
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(page, "messages"), i, row)
	{
		if (!is_first_part(row) && w->open != NULL) {
			add_part(w->open, row);
			continue;
		}
		end_row(w);
		if (is_first_part(row))
			w->open = json_incref(row);
	}
	json_array_foreach(
	    json_object_get(page, "missing"), i, row) if (w->missing != NULL)
	    w->missing(json_string_value(row), w->arg);
}

int
walk_all(struct call *c, struct walk *w, struct err *err)
{
	json_t *request = json_copy(c->request);
	int rc;

	(void)json_object_set_new(
	    request, "do", json_string(verbs[VERB_QUEUE_LIST].name));
	(void)json_object_set_new(request, "brief", json_boolean(w->is_brief));
	rc = call_pages(c, request, take_page, w, err);
	if (rc == 0)
		end_row(w);
	json_decref(w->open);
	w->open = NULL;
	json_decref(request);
	return rc;
}

json_t *
walk_one(struct call *c, const char *id, struct err *err)
{
	json_t *whole = NULL;
	bool more = true;

	while (more) {
		size_t at =
		    json_array_size(json_object_get(whole, "recipients"));
		json_t *request = call_request_for(c, id), *part;

		(void)json_object_set_new(
		    request, "at", json_integer((json_int_t)at));
		part = ctl_client_ask(c->client, request, err);
		if (part == NULL) {
			json_decref(whole);
			return NULL;
		}
		more = json_is_true(json_object_get(part, "more"));
		if (whole == NULL) {
			whole = part;
			continue;
		}
		add_part(whole, part);
		json_decref(part);
	}
	(void)json_object_del(whole, "from");
	(void)json_object_del(whole, "more");
	return whole;
}
