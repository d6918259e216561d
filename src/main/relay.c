/*
 * The one file that knows the whole road.
 *
 * Start: configuration -> log -> certificates -> accounts -> queue ->
 * spool (which fills the queue) -> workers -> control socket -> listeners.
 * A failure on the way closes what is open, in the opposite order.
 *
 * Stop: listeners close, sessions are told, lanes finish what they have; when
 * the last of them is gone (or STOP_MS have passed: they are broken off) the
 * workers end, the spool is closed and the loop runs out.
 */
#include "relay.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "acceptor.h"
#include "auth/auth.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "conf/conf.h"
#include "desk/control.h"
#include "crew/crew.h"
#include "dispatch/dispatch.h"
#include "http/server.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "io/tls.h"
#include "io/trim.h"
#include "io/work.h"
#include "logger.h"
#include "reload.h"
#include "settings.h"
#include "desk/pages.h"
#include "dispatch/queue.h"
#include "sched/target.h"
#include "spool/spool.h"
#include "crew/worker.h"

enum { STOP_MS = 20000, REFRESH_MS = 1000 };

static const int signals[] = { SIGTERM, SIGINT, SIGHUP };

struct relay {
	struct loop *loop; /* owned, as all of these */
	struct rooms rooms; /* those that take a new configuration */
	struct spool *spool;
	struct crew *crew;
	struct control *control;
	struct http_server *http; /* NULL: none is configured */
	struct pages pages;
	struct deadline *stop_limit, *refresh;
	struct trim trim;
	uv_signal_t signals[3];
	bool stopping, stopped;
};

static int on_reload(struct buf *trouble, void *arg);
static void on_signal(uv_signal_t *handle, int number);
static void on_stop_limit(void *arg);
static void on_refresh(void *arg);

/* --- events of workers, on the queue thread --- */

static void finish_if_idle(struct relay *r);

static void
on_accepted(struct envelope *env, void *arg)
{
	struct relay *r = arg;

	dispatch_add(r->rooms.dispatch, env);
}

static void
on_logged_in(void *token, void *arg)
{
	struct relay *r = arg;

	acceptor_logged_in(r->rooms.acceptor, token);
}

static void
on_closed(struct worker *w, void *token, void *arg)
{
	struct relay *r = arg;

	(void)w;
	acceptor_closed(r->rooms.acceptor, token);
	finish_if_idle(r);
}

static void
on_answered(struct lane *lane, struct attempt *a, bool more, void *arg)
{
	struct relay *r = arg;

	dispatch_answered(r->rooms.dispatch, lane, a, more);
}

static void
on_too_late(struct lane *lane, void *arg)
{
	struct relay *r = arg;

	dispatch_too_late(r->rooms.dispatch, lane);
}

static void
on_ended(
    struct lane *lane, struct attempt *a, const struct lane_end *end, void *arg)
{
	struct relay *r = arg;

	dispatch_ended(r->rooms.dispatch, lane, a, end);
	finish_if_idle(r);
}

/* --- what dispatch asks of workers --- */

static void
open_lane(struct lane *lane, struct target *target, uint32_t host,
    struct attempt *a, void *arg)
{
	struct relay *r = arg;

	worker_open_lane(crew_pick(r->crew, loop_now(r->loop)), lane,
	    target_ref(target), host, a);
}

static void
give_lane(struct lane *lane, struct attempt *a, void *arg)
{
	(void)arg;
	worker_give(lane, a);
}

static void
withdraw_lane(struct lane *lane, void *arg)
{
	(void)arg;
	worker_withdraw(lane);
}

static void
quit_lane(struct lane *lane, void *arg)
{
	(void)arg;
	worker_quit_lane(lane);
}

static void
wire_lanes(struct relay *r)
{
	struct dispatch_lanes lanes = {
		.open = open_lane,
		.give = give_lane,
		.withdraw = withdraw_lane,
		.quit = quit_lane,
		.arg = r,
	};

	dispatch_set_road(r->rooms.dispatch, r->spool, &lanes);
}

/* --- start --- */

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

static int
open_spool(struct relay *r, struct err *err)
{
	struct spool_options o = {
		.directory = r->rooms.conf->spool_directory,
		.reserve_percent = r->rooms.conf->spool_reserve,
	};
	uint64_t before = uv_hrtime();

	r->spool = journal_open(&o, dispatch_load, r->rooms.dispatch, err);
	if (r->spool == NULL)
		return err_wrap(
		    err, -1, "spool %s", r->rooms.conf->spool_directory);
	loop_refresh(r->loop); /* it did not turn while the spool was read */
	log_info("queue_loaded messages=%zu ms=%" PRIu64,
	    queue_count(dispatch_queue(r->rooms.dispatch)),
	    (uv_hrtime() - before) / 1000000);
	return 0;
}

static int
start_workers(struct relay *r, struct err *err)
{
	struct worker_events events = {
		.accepted = on_accepted,
		.logged_in = on_logged_in,
		.closed = on_closed,
		.answered = on_answered,
		.too_late = on_too_late,
		.ended = on_ended,
		.arg = r,
	};

	r->crew = crew_start(r->rooms.conf->workers, r->loop, r->spool,
	    r->rooms.auth, &events, err);
	return r->crew == NULL ? -1 : 0;
}

static int
open_http(struct relay *r, struct err *err)
{
	if (r->rooms.conf->http_address == NULL)
		return 0;
	r->pages =
	    (struct pages){ r->spool, dispatch_queue(r->rooms.dispatch) };
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
open_road(struct relay *r, struct err *err)
{
	r->rooms.tls = tls_server_new(r->rooms.conf, err);
	if (r->rooms.tls == NULL)
		return -1;
	r->rooms.auth = auth_new(r->rooms.conf, err);
	if (r->rooms.auth == NULL ||
	    settings_drop_mechanisms(r->rooms.conf, r->rooms.auth, err) != 0)
		return -1;
	r->rooms.dispatch = dispatch_new(r->loop, r->rooms.conf, err);
	if (r->rooms.dispatch == NULL || open_spool(r, err) != 0 ||
	    start_workers(r, err) != 0)
		return -1;
	start_pool(r);
	wire_lanes(r);
	r->control = control_open(
	    r->loop, r->rooms.conf, r->rooms.dispatch, r->spool, err);
	if (r->control == NULL)
		return -1;
	control_on_reload(r->control, on_reload, r);
	if (open_http(r, err) != 0)
		return -1;
	r->rooms.acceptor = acceptor_new(r->loop, r->crew);
	return listen_as_configured(r, err);
}

static void
watch_signals(struct relay *r)
{
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		(void)uv_signal_init(loop_uv(r->loop), &r->signals[i]);
		r->signals[i].data = r;
		(void)uv_signal_start(&r->signals[i], on_signal, signals[i]);
		uv_unref((uv_handle_t *)&r->signals[i]);
	}
}

struct relay *
relay_new(const char *conf_file, struct err *err)
{
	struct relay *r = MEM_NEW(struct relay);
	struct buf warnings = { 0 };

	r->rooms.conf = settings_read(conf_file, &warnings, err);
	if (r->rooms.conf == NULL)
		goto fail;
	r->rooms.logger = logger_open(r->rooms.conf, err);
	if (r->rooms.logger == NULL)
		goto fail;
	settings_log_warnings(&warnings);
	r->loop = loop_new();
	if (open_road(r, err) != 0)
		goto fail;
	r->stop_limit = deadline_new(r->loop, on_stop_limit, r);
	r->refresh = deadline_new(r->loop, on_refresh, r);
	deadline_set(r->refresh, REFRESH_MS);
	watch_signals(r);
	dispatch_start(r->rooms.dispatch);
	buf_clear(&warnings);
	log_info("started hostname=%s workers=%u pid=%ld",
	    r->rooms.conf->hostname, crew_count(r->crew), (long)getpid());
	return r;
fail:
	buf_clear(&warnings);
	relay_free(r);
	return NULL;
}

void
relay_run(struct relay *r)
{
	loop_run(r->loop);
	log_info("stopped pid=%ld", (long)getpid());
}

/* --- while it runs --- */

/* Whom the control socket asks. */
static int
on_reload(struct buf *trouble, void *arg)
{
	struct relay *r = arg;

	if (!r->stopping)
		return reload(&r->rooms, trouble);
	(void)buf_append_text(trouble, "the relay stops");
	return -1;
}

/*
 * Bytes, about: what a session and a waiting message take (docs/scale.md), and
 * content in memory.
 */
static uint64_t
in_use(const struct relay *r)
{
	return acceptor_sessions(r->rooms.acceptor) * (uint64_t)(16 * 1024) +
	       queue_count(dispatch_queue(r->rooms.dispatch)) * (uint64_t)512 +
	       (uint64_t)metric_get(METRIC_CONTENT_HELD);
}

static void
on_refresh(void *arg)
{
	struct relay *r = arg;

	auth_refresh(r->rooms.auth, loop_now(r->loop));
	trim_look(&r->trim, r->loop, in_use(r));
	deadline_set(r->refresh, REFRESH_MS);
}

/* --- stop --- */

static void
close_loop(struct relay *r)
{
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (uv_handle_get_type((uv_handle_t *)&r->signals[i]) ==
		    UV_SIGNAL)
			uv_close((uv_handle_t *)&r->signals[i], NULL);
	deadline_close(r->stop_limit);
	deadline_close(r->refresh);
	r->stop_limit = r->refresh = NULL;
	loop_stop(r->loop);
}

static void
finish_if_idle(struct relay *r)
{
	if (!r->stopping || r->stopped ||
	    acceptor_sessions(r->rooms.acceptor) > 0 ||
	    !dispatch_is_idle(r->rooms.dispatch))
		return;
	r->stopped = true;
	crew_join(r->crew);
	r->crew = NULL;
	spool_close(r->spool);
	r->spool = NULL;
	dispatch_free(r->rooms.dispatch);
	r->rooms.dispatch = NULL;
	control_close(r->control);
	r->control = NULL;
	http_server_close(r->http);
	r->http = NULL;
	close_loop(r);
}

static void
on_idle(void *arg)
{
	finish_if_idle(arg);
}

static void
on_stop_limit(void *arg)
{
	struct relay *r = arg;

	if (r->stopped)
		return;
	crew_abort(r->crew);
	deadline_set(r->stop_limit, 1000);
	finish_if_idle(r);
}

static void
stop(struct relay *r, int number)
{
	if (r->stopping) {
		on_stop_limit(r); /* asked twice: now */
		return;
	}
	log_info("stopping signal=%d sessions=%u", number,
	    acceptor_sessions(r->rooms.acceptor));
	r->stopping = true;
	acceptor_stop(r->rooms.acceptor);
	dispatch_stop(r->rooms.dispatch);
	dispatch_on_idle(r->rooms.dispatch, on_idle, r);
	crew_quit(r->crew);
	deadline_set(r->stop_limit, STOP_MS);
	finish_if_idle(r);
}

static void
on_signal(uv_signal_t *handle, int number)
{
	struct relay *r = handle->data;
	struct buf trouble = { 0 };

	if (number != SIGHUP) {
		stop(r, number);
		return;
	}
	(void)on_reload(&trouble, r); /* it is logged */
	buf_clear(&trouble);
}

void
relay_free(struct relay *r)
{
	if (r == NULL)
		return;
	if (r->loop != NULL && !r->stopped) {
		/* The start was cut short: no session, no lane exists. */
		if (r->rooms.acceptor != NULL)
			acceptor_stop(r->rooms.acceptor);
		crew_join(r->crew);
		if (r->spool != NULL)
			spool_close(r->spool);
		dispatch_free(r->rooms.dispatch);
		control_close(r->control);
		http_server_close(r->http);
		close_loop(r);
		loop_run(r->loop);
	}
	acceptor_free(r->rooms.acceptor);
	auth_free(r->rooms.auth);
	tls_server_unref(r->rooms.tls);
	conf_unref(r->rooms.conf);
	if (r->loop != NULL)
		loop_free(r->loop);
	logger_close(r->rooms.logger);
	free(r);
}
