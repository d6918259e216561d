#include "scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dispatch/message.h"
#include "io/loop.h"
#include "mail/qid.h"

/* Messages that are looked at between two looks at the clock. */
enum { LOOKS = 16 };

/* "#12": of the ids; "TIME-ID": a place in the order. */
static bool
read_place(struct scan *s, const char *text)
{
	struct span rest = span_text(text), time;
	uint64_t n;

	if (s->ids != NULL) {
		if (!span_starts(rest, SPAN("#")) ||
		    !span_to_u64(span_from(rest, 1), SIZE_MAX, &n))
			return false;
		s->nth = (size_t)n;
		return true;
	}
	time = span_cut(&rest, '-');
	s->place.id = 0; /* "0": in front of all that came in that moment */
	if (!span_to_u64(time, INT64_MAX, &n) ||
	    (!span_equal(rest, SPAN("0")) && !qid_parse(rest, &s->place.id)))
		return false;
	s->place.arrived = (int64_t)n;
	return true;
}

bool
scan_begin(struct scan *s, struct queue *q, const struct router *router,
    const json_t *request, uint64_t now, const char **wrong)
{
	const json_t *after = json_object_get(request, "after");

	*s = (struct scan){ .queue = q, .now = now };
	s->filter.router = router;
	s->place.arrived = INT64_MIN;
	s->until = loop_clock() + (uint64_t)SCAN_TURN_MS * 1000000;
	s->ids = json_object_get(request, "ids");
	if (json_array_size(s->ids) > SCAN_IDS_MOST) {
		*wrong = "too many ids in one request";
		return false;
	}
	if (json_is_string(after) && !read_place(s, json_string_value(after))) {
		*wrong = "no such place to go on from";
		return false;
	}
	return filter_read(&s->filter, request, wrong);
}

void
scan_clear(struct scan *s)
{
	free(s->only);
	s->only = NULL;
}

bool
scan_is_chosen(const struct scan *s)
{
	return s->ids != NULL || filter_chooses(&s->filter);
}

static bool
fits(struct scan *s, const struct message *m)
{
	if (s->only_cap < m->env->nrcpt) {
		free(s->only);
		s->only = mem_zalloc(m->env->nrcpt, sizeof *s->only);
		s->only_cap = m->env->nrcpt;
	}
	s->part = filter_match(&s->filter, m, s->now, s->only);
	return s->part != FILTER_NONE;
}

static bool
next_of_ids(struct scan *s, struct scan_item *out)
{
	while (s->nth < json_array_size(s->ids)) {
		uint64_t id = 0;

		if (s->until != 0 && loop_clock() > s->until)
			return false;
		out->id = json_string_value(json_array_get(s->ids, s->nth++));
		out->message = NULL;
		if (out->id != NULL && qid_parse(span_text(out->id), &id))
			out->message = queue_find(s->queue, id);
		if (out->message == NULL || fits(s, out->message))
			return true;
	}
	s->is_over = true;
	return false;
}

bool
scan_next(struct scan *s, struct scan_item *out)
{
	struct message *m;
	unsigned looks = 0;

	*out = (struct scan_item){ 0 };
	if (s->ids != NULL)
		return next_of_ids(s, out);
	for (;;) {
		if (looks++ % LOOKS == 0 && s->until != 0 &&
		    loop_clock() > s->until)
			return false;
		m = queue_after(s->queue, s->place);
		if (m == NULL)
			break;
		s->place = queue_place_of(m);
		if (fits(s, m)) {
			out->message = m;
			return true;
		}
	}
	s->is_over = true;
	return false;
}

void
scan_stay(struct scan *s)
{
	if (s->ids != NULL)
		s->nth--;
	else
		s->place.id--; /* ids begin at 1: it is in front of it */
}

void
scan_end(const struct scan *s, json_t *answer)
{
	char place[64];

	(void)json_object_set_new(answer, "more", json_boolean(!s->is_over));
	if (s->is_over)
		return;
	if (s->ids != NULL)
		(void)snprintf(place, sizeof place, "#%zu", s->nth);
	else
		(void)snprintf(place, sizeof place, "%" PRId64 "-%s",
		    s->place.arrived < 0 ? 0 : s->place.arrived,
		    qid_format(s->place.id).text);
	(void)json_object_set_new(answer, "after", json_string(place));
}
