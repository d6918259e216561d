/* What the relay looks at again and again while it runs. */
#include "relay_priv.h"

#include "acceptor.h"
#include "auth/auth.h"
#include "base/metrics.h"
#include "crew/crew.h"
#include "dispatch/dispatch.h"
#include "dispatch/queue.h"
#include "io/loop.h"
#include "notify.h"
#include "sending/domains_io.h"
#include "signing.h"

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

void
relay_upkeep(struct relay *r)
{
	uint64_t now = loop_now(r->loop);

	auth_refresh(r->rooms.auth, now);
	if (!r->stopping && auth_has_news(r->rooms.auth))
		crew_look_at_logins(r->crew);
	if (!r->stopping)
		certificates_look(&r->certificates, &r->rooms, now);
	aliases_look(&r->alias_watch, now);
	countries_look(&r->country_watch, now);
	signing_sweep(r->rooms.signing, now);
	if (!r->stopping)
		domains_sweep(r->rooms.domains);
	notify_alive();
	trim_look(&r->trim, r->loop, in_use(r));
}
