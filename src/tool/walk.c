#include "walk.h"

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

struct walk {
	bool is_brief;
	void (*each)(json_t *m, void *arg);
	void *arg;
	json_t *open; /* owned: parts of it may follow; NULL: none */
};

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
take_rows(struct walk *w, json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (!is_first_part(row) && w->open != NULL) {
			add_part(w->open, row);
			continue;
		}
		end_row(w);
		if (is_first_part(row))
			w->open = json_incref(row);
	}
}

static json_t *
next_request(const struct walk *w, const json_t *page)
{
	json_t *request = json_pack("{s:s, s:b, s:O?}", "do", "list", "brief",
	    w->is_brief, "after", json_object_get(page, "after"));
	json_t *at = json_object_get(page, "at");

	if (at != NULL)
		(void)json_object_set(request, "at", at);
	return request;
}

int
walk_all(struct ctl_client *c, bool is_brief,
    void (*each)(json_t *m, void *arg), void *arg, struct err *err)
{
	struct walk w = { .is_brief = is_brief, .each = each, .arg = arg };
	json_t *page = NULL;
	bool more = true;

	while (more) {
		json_t *request = next_request(&w, page);

		json_decref(page);
		page = ctl_client_ask(c, request, err);
		if (page == NULL) {
			json_decref(w.open);
			return -1;
		}
		take_rows(&w, json_object_get(page, "messages"));
		more = json_is_true(json_object_get(page, "more"));
	}
	json_decref(page);
	end_row(&w);
	return 0;
}

json_t *
walk_one(struct ctl_client *c, const char *id, struct err *err)
{
	json_t *whole = NULL;
	bool more = true;

	while (more) {
		size_t at =
		    json_array_size(json_object_get(whole, "recipients"));
		json_t *part = ctl_client_ask(c,
		    json_pack("{s:s, s:s, s:I}", "do", "show", "id", id, "at",
			(json_int_t)at),
		    err);

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
