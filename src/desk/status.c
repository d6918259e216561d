#include "status.h"

#include <unistd.h>

#include "base/build.h"
#include "base/metrics.h"
#include "describe.h"
#include "dispatch/history.h"
#include "dispatch/queue.h"
#include "mail/reason.h"
#include "route/router.h"
#include "sched/site.h"
#include "spool/spool.h"
#include "state/state.h"

enum { SITES_MOST = 500 };

json_t *
status_channel(const struct channel *c, uint64_t now)
{
	struct reason *why = channel_why(c, now);
	struct words w = reason_words(why);
	uint64_t closed = channel_opens_at(c, now) - now;
	struct buf text = { 0 }, name = { 0 };
	json_t *o;

	w.status = SPAN("");
	channel_name(c, &name);
	words_say(&text, &w);
	o = json_pack("{s:o, s:i, s:i, s:i, s:I, s:o}", "site",
	    describe_text(buf_span(&name)), "waiting", (int)c->line.waiting,
	    "connections", (int)c->lanes, "connections_max",
	    (int)c->site->lanes_max, "closed_for",
	    (json_int_t)(closed + 999) / 1000, "reason",
	    describe_text(buf_span(&text)));
	buf_clear(&text);
	buf_clear(&name);
	return o;
}

/* Open ones without work would only fill the page. */
static bool
is_told(const struct channel *c, uint64_t now)
{
	return c->line.waiting > 0 || c->lanes > 0 || !channel_is_open(c, now);
}

/* SITES_MOST of them; how many more there are is the result. */
static uint32_t
add_sites(json_t *all, struct router *router, uint64_t now)
{
	uint32_t more = 0;
	struct site *s;
	size_t at = 0;

	while ((s = router_next_site(router, &at)) != NULL)
		LIST_FOREACH (node, &s->channels) {
			const struct channel *c =
			    LIST_ENTRY(node, struct channel, node);

			if (!is_told(c, now))
				continue;
			if (json_array_size(all) == SITES_MOST)
				more++;
			else
				(void)json_array_append_new(
				    all, status_channel(c, now));
		}
	return more;
}

static json_t *
describe_metrics(void)
{
	json_t *o = json_object();

	for (int i = 0; i < METRIC_COUNT; i++)
		(void)json_object_set_new(o, metric_info((enum metric)i)->name,
		    json_integer(metric_get((enum metric)i)));
	return o;
}

static json_t *
describe_spool(struct spool *spool)
{
	struct spool_health h;

	spool_health(spool, &h);
	return json_pack("{s:b, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:s}",
	    "loading", h.is_loading, "accepting", h.accepting, "recording",
	    h.recording, "messages", (json_int_t)h.messages, "live_bytes",
	    (json_int_t)h.live_bytes, "used_bytes", (json_int_t)h.used_bytes,
	    "segments", (json_int_t)h.segments, "segments_read",
	    (json_int_t)h.nread, "segments_to_read", (json_int_t)h.ntoread,
	    "why", h.why);
}

/* Mail goes on without it; what accounts have used is not kept then. */
static json_t *
describe_state(struct state *state)
{
	char why[256];
	bool works = state_works(state, why, sizeof why);

	return json_pack(
	    "{s:b, s:o}", "works", works, "why", describe_text(span_text(why)));
}

static json_t *
describe_resolver(const struct router *router)
{
	struct router_load load = router_load(router);

	return json_pack("{s:I, s:I, s:I}", "questions",
	    (json_int_t)load.questions, "waiting", (json_int_t)load.waiting,
	    "domains", (json_int_t)load.domains);
}

json_t *
status_make(const struct status_of *of)
{
	json_t *sites = json_array();
	uint32_t more = add_sites(sites, of->router, of->now);
	json_t *o = json_pack("{s:s, s:s, s:i, s:I, s:I}", "version",
	    build_version(), "commit", build_commit(), "pid", (int)getpid(),
	    "uptime", (json_int_t)((of->now - of->started) / 1000), "waiting",
	    (json_int_t)queue_count(of->queue));

	(void)json_object_set_new(o, "spool", describe_spool(of->spool));
	(void)json_object_set_new(o, "state", describe_state(of->state));
	(void)json_object_set_new(o, "resolver", describe_resolver(of->router));
	(void)json_object_set_new(o, "trace",
	    json_pack("{s:I, s:o}", "entries",
		(json_int_t)history_count(of->history), "since",
		describe_time(history_since(of->history))));
	(void)json_object_set_new(o, "sites", sites);
	(void)json_object_set_new(o, "sites_more", json_integer(more));
	(void)json_object_set_new(o, "counters", describe_metrics());
	return o;
}
