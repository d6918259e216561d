/* What the road is made of, opened in the order in which it is needed. */
#include "relay_priv.h"

#include <inttypes.h>
#include <pthread.h>

#include "acceptor.h"
#include "auth/auth.h"
#include "base/log.h"
#include "conf/conf.h"
#include "desk/control.h"
#include "dispatch/dispatch.h"
#include "dispatch/queue.h"
#include "http/server.h"
#include "io/loop.h"
#include "io/tls.h"
#include "io/work.h"
#include "settings.h"
#include "spool/spool.h"

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
		return -1;
	loop_refresh(r->loop); /* it did not turn while the spool was read */
	log_info("queue_loaded messages=%zu ms=%" PRIu64,
	    queue_count(dispatch_queue(r->rooms.dispatch)),
	    (uv_hrtime() - before) / 1000000);
	return 0;
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
	r->rooms.dispatch = dispatch_new(r->loop, r->rooms.conf, err);
	if (r->rooms.dispatch == NULL || open_spool(r, err) != 0 ||
	    relay_start_workers(r, err) != 0)
		return -1;
	start_pool(r);
	relay_wire_lanes(r);
	r->control = control_open(
	    r->loop, r->rooms.conf, r->rooms.dispatch, r->spool, err);
	if (r->control == NULL)
		return -1;
	control_on_reload(r->control, relay_reload, r);
	if (open_http(r, err) != 0)
		return -1;
	r->rooms.acceptor = acceptor_new(r->loop, r->crew);
	return listen_as_configured(r, err);
}
