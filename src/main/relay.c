/*
 * The one that knows the whole road, with open.c and wiring.c. Start: configuration ->
 * a look at all of it (prepare) -> log -> certificates -> accounts -> queue -> spool
 * (which fills the queue) -> workers -> control socket -> listeners. A failure on the
 * way closes what is open, in the opposite order.
 *
 * Stop: listeners close, sessions are told, lanes finish what they have; when
 * the last of them is gone (or STOP_MS have passed: they are broken off) the
 * workers end, the spool is closed and the loop runs out.
 */
#include "relay.h"

#include "relay_priv.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "acceptor.h"
#include "auth/auth.h"
#include "base/findings.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "conf/conf.h"
#include "crew/crew.h"
#include "desk/control.h"
#include "dispatch/dispatch.h"
#include "facts/count.h"
#include "facts/fact.h"
#include "http/server.h"
#include "intake/after_io.h"
#include "intake/ledger_io.h"
#include "intake/suppressor_io.h"
#include "io/countries.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "io/tls.h"
#include "logger.h"
#include "notify.h"
#include "policy/aliases.h"
#include "prepare/prepare.h"
#include "sending/domains_io.h"
#include "settings.h"
#include "signing.h"
#include "spool/spool.h"

enum { STOP_MS = 20000, REFRESH_MS = 1000 };

static const int signals[] = { SIGTERM, SIGINT, SIGHUP };

static void on_signal(uv_signal_t *handle, int number);
static void on_stop_limit(void *arg);
static void on_refresh(void *arg);

/* --- start --- */

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

/*
 * All is looked at before anything is taken, so that every fault is told at once.
 * In a log that is a file they are told, too, if it can be had.
 */
static int
look(struct relay *r, const char *conf_file, struct findings *f)
{
	struct err err;
	bool fine;

	r->rooms.conf = prepare_read(conf_file, f);
	if (r->rooms.conf == NULL)
		return -1;
	prepare_look(r->rooms.conf, 0, f);
	fine = findings_count(f, FINDING_ERROR) == 0;
	if (!fine && strcmp(r->rooms.conf->log_target, "stderr") == 0)
		return -1; /* who started us is told there */
	r->rooms.logger = logger_open(r->rooms.conf, &err);
	if (r->rooms.logger != NULL)
		settings_log(f);
	else if (fine)
		findings_add(f, FINDING_ERROR, "%s", err.text);
	return fine && r->rooms.logger != NULL ? 0 : -1;
}

struct relay *
relay_new(const char *conf_file, struct findings *f)
{
	struct relay *r = MEM_NEW(struct relay);
	struct err err;

	if (look(r, conf_file, f) != 0)
		goto fail;
	facts_count();
	r->loop = loop_new();
	if (relay_open_road(r, &err) != 0) {
		findings_add(f, FINDING_ERROR, "%s", err.text);
		goto fail;
	}
	r->stop_limit = deadline_new(r->loop, on_stop_limit, r);
	r->refresh = deadline_new(r->loop, on_refresh, r);
	deadline_set(r->refresh, REFRESH_MS);
	watch_signals(r);
	dispatch_start(r->rooms.dispatch);
	metric_set(METRIC_RELOAD_TIME, wall_now() / 1000);
	FACT(STARTED, fact_word("hostname", r->rooms.conf->hostname),
	    fact_number("workers", crew_count(r->crew)),
	    fact_number("pid", (uint64_t)getpid()));
	certificates_note(&r->certificates, &r->rooms);
	notify_ready();
	return r;
fail:
	relay_free(r);
	return NULL;
}

bool
relay_run(struct relay *r)
{
	loop_run(r->loop);
	FACT(STOPPED, fact_number("pid", (uint64_t)getpid()));
	return !r->failed;
}

/* --- while it runs --- */

/* Whom the control socket asks. */
int
relay_reload(struct buf *trouble, void *arg)
{
	struct relay *r = arg;

	const struct tls_server *before = r->rooms.tls;
	int rc = -1;

	if (r->stopping) {
		(void)buf_append_text(trouble, "the relay stops");
		return rc;
	}
	notify_reloading();
	rc = reload(&r->rooms, trouble);
	if (r->rooms.tls != before)
		certificates_note(&r->certificates, &r->rooms);
	aliases_note(&r->alias_watch);
	countries_note(&r->country_watch);
	notify_ready();
	return rc;
}

static void
on_refresh(void *arg)
{
	struct relay *r = arg;

	relay_upkeep(r);
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
	/* Who asks again now gets what was asked for, not another ending. */
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		(void)signal(signals[i], SIG_IGN);
	signing_close(r->rooms.signing);
	domains_close(r->rooms.domains);
	deadline_close(r->stop_limit);
	deadline_close(r->refresh);
	r->stop_limit = r->refresh = NULL;
	loop_stop(r->loop);
}

void
relay_finish_if_idle(struct relay *r)
{
	if (!r->stopping || r->stopped ||
	    acceptor_sessions(r->rooms.acceptor) > 0 ||
	    !dispatch_is_idle(r->rooms.dispatch))
		return;
	r->stopped = true;
	crew_join(r->crew);
	r->crew = NULL;
	after_free(r->after);
	r->after = NULL;
	spool_close(r->spool);
	r->spool = NULL;
	relay_close_state(r);
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
	relay_finish_if_idle(arg);
}

static void
on_stop_limit(void *arg)
{
	struct relay *r = arg;

	if (r->stopped)
		return;
	crew_abort(r->crew);
	deadline_set(r->stop_limit, 1000);
	relay_finish_if_idle(r);
}

void
relay_stop(struct relay *r)
{
	if (r->stopping) {
		on_stop_limit(r); /* asked twice: now */
		return;
	}
	r->stopping = true;
	notify_stopping();
	acceptor_stop(r->rooms.acceptor);
	dispatch_stop(r->rooms.dispatch);
	after_hurry(r->after);
	dispatch_on_idle(r->rooms.dispatch, on_idle, r);
	crew_quit(r->crew);
	deadline_set(r->stop_limit, STOP_MS);
	relay_finish_if_idle(r);
}

static void
on_signal(uv_signal_t *handle, int number)
{
	struct relay *r = handle->data;
	struct buf trouble = { 0 };

	if (number != SIGHUP) {
		FACT(STOPPING, fact_number("signal", (uint64_t)number),
		    fact_number(
			"sessions", acceptor_sessions(r->rooms.acceptor)));
		relay_stop(r);
		return;
	}
	(void)relay_reload(&trouble, r); /* it is logged */
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
		after_free(r->after);
		if (r->spool != NULL)
			spool_close(r->spool);
		relay_close_state(r);
		dispatch_free(r->rooms.dispatch);
		control_close(r->control);
		http_server_close(r->http);
		close_loop(r);
		loop_run(r->loop);
	}
	ledger_free(r->ledger);
	suppressor_free(r->suppressor);
	countries_free(r->countries);
	acceptor_free(r->rooms.acceptor);
	auth_free(r->rooms.auth);
	aliases_unref(r->rooms.aliases);
	signing_free(r->rooms.signing);
	tls_server_unref(r->rooms.tls);
	conf_unref(r->rooms.conf);
	conf_unref(r->rooms.started);
	loop_free(r->loop);
	domains_free(r->rooms.domains); /* rows may come with the loop's end */
	logger_close(r->rooms.logger);
	free(r);
}
