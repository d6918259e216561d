#include "way.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "deliver/attempt.h"
#include "io/password_file.h"
#include "probe.h"
#include "question.h"
#include "sched/target.h"

static struct target *
make_target(const struct conf *conf, const struct conf_route *route)
{
	static const enum target_tls tls[] = {
		[RELAY_TLS_OPPORTUNISTIC] = TARGET_TLS_OPPORTUNISTIC,
		[RELAY_TLS_REQUIRE] = TARGET_TLS_REQUIRE,
		[RELAY_TLS_IMPLICIT] = TARGET_TLS_IMPLICIT,
	};
	struct target *t = target_new();

	t->hostname = mem_strdup(conf->hostname);
	t->timeout = conf->deliver_timeout;
	t->tls = route == NULL ? TARGET_TLS_OPPORTUNISTIC : tls[route->tls];
	return t;
}

static int
add_host(struct way *w, const struct conf *conf, const char *name,
    uint16_t port, struct err *err)
{
	struct dns_answer *a = MEM_NEW(struct dns_answer);
	int rc = ask_addresses(conf, name, a, err);

	target_add_host(w->target, span_text(name), 0);
	for (unsigned i = 0; rc == 0 && i < a->naddresses; i++)
		target_add_address(w->target, &a->addresses[i].sa, port);
	free(a);
	return rc;
}

int
way_to_relay(struct way *w, const struct conf *conf,
    const struct conf_route *route, struct err *err)
{
	int rc = 0;

	w->target = make_target(conf, route);
	if (route->login != NULL) {
		w->target->login = mem_strdup(route->login);
		rc = password_file_read(
		    route->password_file, &w->target->password, err);
	}
	if (rc == 0)
		rc = add_host(w, conf, route->host, route->port, err);
	return rc;
}

int
way_to_host(struct way *w, const struct conf *conf, const char *name,
    const struct conf_route *route, struct err *err)
{
	w->target = make_target(conf, route);
	return add_host(w, conf, name, conf->deliver_port, err);
}

void
way_clear(struct way *w)
{
	if (w->target != NULL)
		target_unref(w->target);
	*w = (struct way){ 0 };
}

/* The host was lost behind the end of the content: another would get a second. */
static bool
may_have(const struct probe_message *message)
{
	return message != NULL && message->attempt->content_ended;
}

int
way_try(struct way *w, const struct probe_message *message, struct err *err)
{
	int rc = err_set(err, -1, "it has no address");

	for (uint32_t i = 0;
	     i < w->target->naddresses && rc != 0 && !may_have(message); i++) {
		const struct target_address *a = &w->target->addresses[i];

		target_host_text(a, w->host, sizeof w->host);
		rc = probe_host(w->target, a, message, &w->local, err);
	}
	return rc;
}

const struct dns_mx *
way_first_mx(const struct dns_answer *a)
{
	const struct dns_mx *best = NULL;

	for (unsigned i = 0; i < a->nmx; i++)
		if (best == NULL || a->mx[i].preference < best->preference)
			best = &a->mx[i];
	return best;
}
