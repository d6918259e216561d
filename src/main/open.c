/* What the road is made of, opened in the order in which it is needed. */
#include "relay_priv.h"

#include <pthread.h>
#include <stdlib.h>

#include "acceptor.h"
#include "auth/auth.h"
#include "base/clock.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "deliver/signer_io.h"
#include "desk/control.h"
#include "dispatch/dispatch.h"
#include "dispatch/queue.h"
#include "facts/fact.h"
#include "http/server.h"
#include "intake/ledger_io.h"
#include "intake/suppressor_io.h"
#include "io/countries.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "io/tls.h"
#include "io/work.h"
#include "prepare/alias_file.h"
#include "settings.h"
#include "signing.h"
#include "spool/spool.h"
#include "state/state.h"

static void
do_nothing(void *arg)
{
	(void)arg;
}

/*
 * Threads inherit their name from who asks for the first work: else the pool's
 * would bear that of a worker, at random.
 */
static void
start_pool(struct relay *r)
{
	char name[16] = "";

	(void)pthread_getname_np(pthread_self(), name, sizeof name);
	(void)pthread_setname_np(pthread_self(), "pool");
	work_run(r->loop, do_nothing, do_nothing, NULL);
	(void)pthread_setname_np(pthread_self(), name);
}

enum { LOADING_MS = 500 }; /* of a start: how long it waits for old messages */

/* A message from before the start, while new ones are taken already. */
static void
on_arrived(struct envelope *env, const struct progress *rows, uint32_t flags,
    void *arg)
{
	struct relay *r = arg;

	if (r->stopping)
		free(env); /* the spool has it */
	else
		dispatch_load(env, rows, flags, r->rooms.dispatch);
}

static void
on_lost(uint64_t id, void *arg)
{
	struct relay *r = arg;

	dispatch_lost(r->rooms.dispatch, id);
}

static void
on_loaded(int rc, const struct err *err, void *arg)
{
	struct relay *r = arg;

	r->is_loaded = true;
	if (rc == 0) {
		FACT(QUEUE_LOADED,
		    fact_number("messages",
			queue_count(dispatch_queue(r->rooms.dispatch))),
		    fact_number("ms", clock_us() / 1000 - r->opened_ms));
		return;
	}
	/* Going on would leave messages behind, and nobody would know. */
	FACT(SPOOL_REFUSED,
	    fact_string("directory", r->rooms.conf->spool_directory),
	    fact_string("reason", err->text));
	r->failed = true;
	if (r->rooms.acceptor != NULL) /* else it has not started */
		relay_stop(r);
}

/* Most spools are read in a moment, and then nobody sees them half read. */
static void
wait_a_moment(struct relay *r)
{
	uint64_t until = clock_us() / 1000 + LOADING_MS;
	struct deadline *limit = deadline_new(r->loop, do_nothing, NULL);

	deadline_set(limit, LOADING_MS);
	while (!r->is_loaded && clock_us() / 1000 < until)
		(void)uv_run(loop_uv(r->loop), UV_RUN_ONCE);
	deadline_close(limit);
}

static int
open_spool(struct relay *r, struct err *err)
{
	struct spool_options o = {
		.kind = SPOOL_JOURNAL,
		.loop = r->loop,
		.directory = r->rooms.conf->spool_directory,
		.reserve_percent = r->rooms.conf->spool_reserve,
	};
	struct spool_events on = {
		.message = on_arrived,
		.loaded = on_loaded,
		.lost = on_lost,
		.arg = r,
	};

	r->opened_ms = clock_us() / 1000;
	r->spool = spool_open(&o, &on, err);
	if (r->spool == NULL)
		return -1;
	loop_refresh(r->loop); /* it did not turn meanwhile */
	wait_a_moment(r);
	return r->failed ? err_set(err, -1, "the spool cannot be read") : 0;
}

static int
open_http(struct relay *r, struct err *err)
{
	if (r->rooms.conf->http_address == NULL)
		return 0;
	r->pages = (struct pages){ .spool = r->spool,
		.queue = dispatch_queue(r->rooms.dispatch),
		.router = dispatch_router(r->rooms.dispatch),
		.conf = &r->rooms.conf,
		.tls = &r->rooms.tls,
		.started = wall_now() };
	r->http = http_server_open(
	    r->loop, r->rooms.conf->http_address, pages_write, &r->pages, err);
	return r->http == NULL ? -1 : 0;
}

static int
listen_as_configured(struct relay *r, struct err *err)
{
	struct acceptor_next *next = acceptor_prepare(
	    r->rooms.acceptor, r->rooms.conf, r->rooms.tls, err);
	struct buf none = { 0 }; /* nothing is in the way at the start */

	if (next == NULL)
		return -1;
	acceptor_take(r->rooms.acceptor, next, &none);
	buf_clear(&none);
	return 0;
}

static int
read_aliases(struct relay *r, struct err *err)
{
	const char *path = r->rooms.conf->aliases;

	if (path == NULL)
		return 0;
	r->rooms.aliases = alias_file_read(path, err);
	return r->rooms.aliases == NULL ? -1 : 0;
}

/* Beside the spool; what it cannot do it says by itself. */
static int
open_state(struct relay *r, struct err *err)
{
	struct state_options o = { .directory =
				       r->rooms.conf->state_directory };
	char *stopped;

	r->state = state_open(&o, err);
	if (r->state == NULL)
		return -1;
	auth_keep(r->rooms.auth, r->state);
	/* In the folder of the spool: no state that is deleted takes it along. */
	stopped = mem_printf("%s/stopped", r->rooms.conf->spool_directory);
	r->ledger = ledger_new(r->state, stopped);
	free(stopped);
	r->suppressor = suppressor_new(r->state);
	r->countries = countries_new();
	ledger_set_countries(r->ledger, r->countries);
	r->country_watch = (struct country_watch){
		.loop = r->loop, .rooms = &r->rooms, .countries = r->countries
	};
	relay_wire_budgets(r);
	relay_wire_suppression(r);
	relay_open_domains(r);
	return 0;
}

void
relay_close_state(struct relay *r)
{
	if (r->state != NULL)
		state_close(r->state);
	r->state = NULL;
	ledger_end(r->ledger);
}

int
relay_open_road(struct relay *r, struct err *err)
{
	r->rooms.tls = tls_server_new(r->rooms.conf, err);
	if (r->rooms.tls == NULL)
		return -1;
	r->rooms.auth = auth_new(r->rooms.conf, err);
	if (r->rooms.auth == NULL ||
	    settings_drop_mechanisms(r->rooms.conf, r->rooms.auth, err) != 0)
		return -1;
	r->rooms.signing = signing_open(r->loop, r->rooms.conf);
	r->rooms.dispatch = dispatch_new(r->loop, r->rooms.conf, err);
	if (r->rooms.dispatch == NULL || open_state(r, err) != 0 ||
	    open_spool(r, err) != 0 || read_aliases(r, err) != 0 ||
	    relay_start_workers(r, err) != 0)
		return -1;
	r->alias_watch =
	    (struct alias_watch){ r->loop, &r->rooms, &r->crew, 0, 0, false };
	aliases_note(&r->alias_watch);
	start_pool(r);
	relay_wire_lanes(r);
	relay_wire_filters(r);
	r->control = control_open(r->loop, r->rooms.conf,
	    &(struct control_of){ .dispatch = r->rooms.dispatch,
		.spool = r->spool,
		.crew = r->crew,
		.suppressor = r->suppressor,
		.domains = r->rooms.domains,
		.keys = signer_keys(signing_signer(r->rooms.signing)),
		.aliases = &r->rooms.aliases,
		.auth = r->rooms.auth,
		.ledger = r->ledger,
		.state = r->state,
		.conf = &r->rooms.conf },
	    err);
	if (r->control == NULL)
		return -1;
	control_on_reload(r->control, relay_reload, r);
	if (open_http(r, err) != 0)
		return -1;
	r->rooms.acceptor = acceptor_new(r->loop, r->crew);
	return listen_as_configured(r, err);
}
