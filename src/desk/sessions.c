/*
 * Sessions live on workers, so a request goes to them and the answer comes later. A
 * list is asked for worker by worker, some sessions a page: "after" is "WORKER-SID".
 * Who is to end may be on any of them: all are asked at once.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control_priv.h"
#include "crew/crew.h"
#include "crew/worker.h"
#include "ctl/server.h"
#include "describe.h"
#include "facts/fact.h"
#include "filter.h"
#include "io/loop.h"

enum { ROWS = 200 };

struct listing {
	struct ctl_later *later; /* borrowed: answered once */
	struct loop *loop; /* borrowed: the queue thread's */
	char *account; /* owned: a pattern; NULL: any */
	uint32_t worker, workers;
};

/* A sid as the log has it; false: it is none. */
static bool
read_sid(struct span text, uint64_t *number)
{
	uint64_t n = 0;

	if (span_is_empty(text) || text.len > 16)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		int digit = ascii_hex(text.ptr[i]);

		if (digit < 0)
			return false;
		n = n << 4 | (uint64_t)digit;
	}
	*number = n;
	return true;
}

static json_t *
row_json(const struct session_row *row, uint64_t now, int64_t wall)
{
	uint64_t age = now > row->since ? now - row->since : 0;
	char sid[20];

	(void)snprintf(sid, sizeof sid, "%" PRIx64, row->number);
	return json_pack("{s:s, s:o, s:o, s:s, s:s, s:o, s:I, s:I, s:o}", "sid",
	    sid, "client", describe_text(span_text(row->client)), "account",
	    describe_text(span_text(row->account)), "key", row->key, "state",
	    row->state, "since", describe_time(wall - (int64_t)age), "age",
	    (json_int_t)(age / 1000), "messages", (json_int_t)row->messages,
	    "tls", describe_text(span_text(row->tls)));
}

static void
set_next(json_t *o, const struct listing *l, const struct session_ask *ask)
{
	bool is_full = ask->n == ask->most;
	uint32_t worker = l->worker + (is_full ? 0 : 1);
	char place[48];

	(void)json_object_set_new(o, "more", json_boolean(worker < l->workers));
	(void)snprintf(place, sizeof place, "%" PRIu32 "-%" PRIx64, worker,
	    is_full ? ask->rows[ask->n - 1].number : 0);
	if (worker < l->workers)
		(void)json_object_set_new(o, "after", json_string(place));
}

static void
on_listed(struct session_ask *ask)
{
	struct listing *l = ask->arg;
	json_t *rows = json_array(), *o = json_pack("{s:o}", "sessions", rows);
	struct span pattern = span_text(l->account);

	for (size_t i = 0; i < ask->n; i++)
		if (l->account == NULL || filter_matches_text(pattern,
					      span_text(ask->rows[i].account)))
			(void)json_array_append_new(
			    rows, row_json(&ask->rows[i], loop_now(l->loop),
				      wall_now()));
	set_next(o, l, ask);
	answer_later(l->later, o);
	free(l->account);
	free(l);
	session_ask_free(ask);
}

static char *
account_of(const struct ask *ask)
{
	const char *text =
	    json_string_value(json_object_get(ask->request, "account"));

	return text == NULL ? NULL : mem_strdup(text);
}

/* Where to go on: the first worker, if it is not said. */
static bool
read_place(const struct ask *ask, uint32_t *worker, uint64_t *after)
{
	const char *text =
	    json_string_value(json_object_get(ask->request, "after"));
	struct span rest = span_text(text);
	uint64_t n;

	*worker = 0;
	*after = 0;
	if (text == NULL)
		return true;
	if (!span_to_u64(
		span_cut(&rest, '-'), crew_count(ask->control->crew) - 1, &n) ||
	    !read_sid(rest, after))
		return false;
	*worker = (uint32_t)n;
	return true;
}

json_t *
do_sessions(const struct ask *ask)
{
	struct control *c = ask->control;
	struct session_ask *to;
	struct listing *l;
	uint32_t worker;
	uint64_t after;

	if (!read_place(ask, &worker, &after))
		return error_answer("no such place to go on from");
	l = MEM_NEW(struct listing);
	to = MEM_NEW(struct session_ask);
	l->later = ask->later;
	l->loop = c->loop;
	l->account = account_of(ask);
	l->worker = worker;
	l->workers = crew_count(c->crew);
	to->after = after;
	to->most = ROWS;
	to->rows = mem_zalloc(ROWS, sizeof *to->rows);
	to->done = on_listed;
	to->arg = l;
	worker_ask_sessions(crew_worker(c->crew, worker), to);
	return NULL;
}

/* --- end --- */

struct ending {
	struct ctl_later *later; /* borrowed: answered once */
	uint32_t waiting; /* workers that have not answered */
	size_t ended;
};

static void
on_ended(struct session_ask *ask)
{
	struct ending *e = ask->arg;
	char sid[20];

	e->ended += ask->n;
	e->waiting--;
	if (e->waiting == 0) {
		(void)snprintf(sid, sizeof sid, "%" PRIx64, ask->number);
		FACT(OPERATOR, fact_string("user", ctl_user(e->later)),
		    fact_number("uid", (uint64_t)ctl_uid(e->later)),
		    fact_string("did", "sessions end"), fact_word("sid", sid),
		    fact_string(
			"account", ask->account == NULL ? "" : ask->account),
		    fact_number("done", (uint64_t)e->ended));
		answer_later(e->later,
		    json_pack("{s:I}", "ended", (json_int_t)e->ended));
		free(e);
	}
	session_ask_free(ask);
}

json_t *
do_sessions_end(const struct ask *ask)
{
	struct crew *crew = ask->control->crew;
	const char *what =
	    json_string_value(json_object_get(ask->request, "what"));
	uint64_t number = 0;
	struct ending *e;

	if (what != NULL && !read_sid(span_text(what), &number))
		return error_answer(
		    "no such session: a sid is what the log and "
		    "postern sessions have");
	if ((what != NULL) ==
	    json_is_string(json_object_get(ask->request, "account")))
		return error_answer("which one? A sid, or --account NAME");
	e = MEM_NEW(struct ending);
	e->later = ask->later;
	e->waiting = crew_count(crew);
	for (uint32_t i = 0; i < crew_count(crew); i++) {
		struct session_ask *to = MEM_NEW(struct session_ask);

		to->number = number;
		to->account = account_of(ask);
		to->done = on_ended;
		to->arg = e;
		worker_ask_sessions(crew_worker(crew, i), to);
	}
	return NULL;
}
