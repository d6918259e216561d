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
is_same(const char *one, const char *other)
{
	return one == NULL || other == NULL ? one == other
					    : strcmp(one, other) == 0;
}

/* The keys that are read at the start alone, and differ now. */
static void
say_later(const struct conf *old, const struct conf *new, struct buf *later)
{
	const struct {
		const char *key;
		bool is_same;
	} keys[] = {
		{ "spool.directory",
		    is_same(old->spool_directory, new->spool_directory) },
		{ "state.directory",
		    is_same(old->state_directory, new->state_directory) },
		{ "workers", old->workers == new->workers },
		{ "auth.backend", old->backend == new->backend },
		{ "control.socket",
		    is_same(old->control_socket, new->control_socket) },
		{ "http.address",
		    is_same(old->http_address, new->http_address) },
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (!keys[i].is_same)
			(void)buf_printf(later, "%s%s",
			    buf_len(later) == 0 ? "" : ", ", keys[i].key);
	if (buf_len(later) > 0)
		(void)buf_append_text(
		    later, " will be so at the next start only");
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
take(
    struct prepared *p, struct rooms *r, struct buf *trouble, struct buf *later)
{
	auth_take_next(r->auth, p->auth);
	logger_take(r->logger, p->logger);
	dispatch_take(r->dispatch, p->conf, p->dispatch);
	signing_take(r->signing, p->conf);
	domains_take(r->domains, p->conf);
	acceptor_take(r->acceptor, p->acceptor, trouble);
	if (r->started == NULL)
		r->started = conf_ref(r->conf);
	say_later(r->started, p->conf, later);
	if (buf_len(later) > 0)
		FACT(RELOAD, fact_text("what", buf_span(later)));
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
try(struct rooms *r, struct buf *trouble, struct buf *later)
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
	take(&p, r, trouble, later);
	return 0;
}

int
reload(struct rooms *r, struct buf *trouble)
{
	struct buf later = { 0 };
	int rc = try(r, trouble, &later);

	if (rc != 0) {
		metric_set(METRIC_RELOAD_FAILED, 1);
		FACT(RELOAD_FAILED, fact_text("what", buf_span(trouble)),
		    fact_string("next", "the old configuration stays"));
		(void)buf_append_text(trouble, "; the old configuration stays");
	} else {
		rc = buf_len(trouble) > 0 ? -1 : 0;
		metric_set(METRIC_RELOAD_FAILED, rc != 0);
		metric_set(METRIC_RELOAD_TIME, wall_now() / 1000);
		if (rc != 0)
			FACT(RELOADED_IN_PART, fact_word("file", r->conf->file),
			    fact_text("what", buf_span(trouble)));
		else
			FACT(RELOADED, fact_word("file", r->conf->file));
	}
	if (rc == 0)
		*trouble = buf_take(&later);
	buf_clear(&later);
	return rc;
}
