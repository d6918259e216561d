/*
 * Two halves: every room prepares, which may fail and changes nothing; then all
 * take, which cannot fail.
 */
#include "reload.h"

#include <string.h>
#include <unistd.h>

#include "acceptor.h"
#include "auth/auth.h"
#include "base/findings.h"
#include "base/metrics.h"
#include "conf/conf.h"
#include "dispatch/dispatch.h"
#include "facts/fact.h"
#include "io/loop.h"
#include "io/tls.h"
#include "logger.h"
#include "policy/aliases.h"
#include "prepare/alias_file.h"
#include "prepare/prepare.h"
#include "sending/domains_io.h"
#include "settings.h"
#include "signing.h"

/* What the rooms have ready. */
struct prepared {
	struct conf *conf;
	struct tls_server *tls;
	struct acceptor_next *acceptor;
	struct auth_next *auth;
	struct aliases *aliases;
	struct logger_next *logger;
	struct router_next *dispatch;
};

static bool
needs_restart(const struct conf *old, const struct conf *new)
{
	return strcmp(old->spool_directory, new->spool_directory) != 0 ||
	       old->workers != new->workers || old->backend != new->backend ||
	       strcmp(old->control_socket, new->control_socket) != 0 ||
	       (old->http_address == NULL) != (new->http_address == NULL) ||
	       (old->http_address != NULL &&
		   strcmp(old->http_address, new->http_address) != 0);
}

static int
prepare(struct prepared *p, const struct rooms *r, struct err *err)
{
	if (settings_drop_mechanisms(p->conf, r->auth, err) != 0)
		return -1;
	p->tls = tls_server_new(p->conf, err);
	if (p->tls == NULL)
		return -1;
	p->auth = auth_prepare(r->auth, p->conf, err);
	if (p->auth == NULL)
		return -1;
	if (p->conf->aliases != NULL) {
		p->aliases = alias_file_read(p->conf->aliases, err);
		if (p->aliases == NULL)
			return -1;
	}
	p->logger = logger_prepare(p->conf, err);
	if (p->logger == NULL)
		return -1;
	p->dispatch = dispatch_prepare(r->dispatch, p->conf, err);
	if (p->dispatch == NULL)
		return -1;
	p->acceptor = acceptor_prepare(r->acceptor, p->conf, p->tls, err);
	return p->acceptor == NULL ? -1 : 0;
}

static void
discard(struct prepared *p)
{
	acceptor_discard(p->acceptor);
	dispatch_discard(p->dispatch);
	logger_discard(p->logger);
	aliases_unref(p->aliases);
	auth_discard(p->auth);
	tls_server_unref(p->tls);
	conf_unref(p->conf);
}

static void
take(struct prepared *p, struct rooms *r, struct buf *trouble)
{
	auth_take_next(r->auth, p->auth);
	logger_take(r->logger, p->logger);
	dispatch_take(r->dispatch, p->conf, p->dispatch);
	signing_take(r->signing, p->conf);
	domains_take(r->domains, p->conf);
	acceptor_take(r->acceptor, p->acceptor, trouble);
	if (needs_restart(r->conf, p->conf))
		FACT(RELOAD, fact_string("what",
				 "spool.directory, workers, auth.backend, "
				 "control.socket and http.address change at "
				 "the next start only"));
	tls_server_unref(r->tls);
	conf_unref(r->conf);
	aliases_unref(r->aliases);
	r->tls = p->tls;
	r->aliases = p->aliases;
	r->conf = p->conf;
}

/* As at the start; what is ours already is no fault. NULL, and why, for one. */
static struct conf *
look(const char *file, struct buf *trouble)
{
	struct findings f = { 0 };
	struct conf *conf = prepare_read(file, &f);

	if (conf != NULL)
		prepare_look(conf, (long)getpid(), &f);
	settings_log(&f);
	findings_join(&f, FINDING_ERROR, trouble);
	if (findings_count(&f, FINDING_ERROR) > 0) {
		conf_unref(conf);
		conf = NULL;
	}
	findings_clear(&f);
	return conf;
}

static int
try(struct rooms *r, struct buf *trouble)
{
	struct prepared p = { .conf = look(r->conf->file, trouble) };
	struct err err;

	if (p.conf == NULL)
		return -1;
	if (prepare(&p, r, &err) != 0) {
		(void)buf_append_text(trouble, err.text);
		discard(&p);
		return -1;
	}
	take(&p, r, trouble);
	return 0;
}

int
reload(struct rooms *r, struct buf *trouble)
{
	if (try(r, trouble) != 0) {
		metric_set(METRIC_RELOAD_FAILED, 1);
		FACT(RELOAD_FAILED, fact_text("what", buf_span(trouble)),
		    fact_string("next", "the old configuration stays"));
		(void)buf_append_text(trouble, "; the old configuration stays");
		return -1;
	}
	metric_set(METRIC_RELOAD_FAILED, buf_len(trouble) > 0);
	metric_set(METRIC_RELOAD_TIME, wall_now() / 1000);
	if (buf_len(trouble) > 0)
		FACT(RELOADED_IN_PART, fact_word("file", r->conf->file),
		    fact_text("what", buf_span(trouble)));
	else
		FACT(RELOADED, fact_word("file", r->conf->file));
	return buf_len(trouble) > 0 ? -1 : 0;
}
