/*
 * What the relay tells somebody by mail. One that cannot be stored is not tried
 * again: what it was about is in the log.
 */
#include "dispatch_priv.h"

#include <stdlib.h>

#include "base/mem.h"
#include "bounce/notice.h"
#include "facts/fact.h"
#include "io/loop.h"
#include "mail/qid.h"

static void
on_stored(struct envelope *env, const char *message_id, void *arg)
{
	struct dispatch_origin ours = { "", message_id, false };
	struct dispatch *d = arg;

	d->reports--;
	if (env != NULL) {
		FACT(ACCEPTED, fact_id("qid", env->id),
		    fact_word("for", "notice"), fact_address("from", SPAN("")),
		    fact_address("to", span_text(env->rcpts[0].address)),
		    fact_number("nrcpt", 1), fact_number("size", env->size),
		    fact_string("message_id", message_id));
		dispatch_add(d, env, &ours);
	} else {
		FACT(REPORT_NOT_STORED, fact_word("what", "notice"));
	}
	dispatch_end_turn(d);
	if (!d->running && d->idle_cb != NULL)
		d->idle_cb(d->idle_arg);
}

void
dispatch_notify(
    struct dispatch *d, struct span to, struct span subject, struct span text)
{
	struct notice n = {
		.spool = d->spool,
		.loop = d->loop,
		.hostname = d->conf->hostname,
		.to = to,
		.subject = subject,
		.text = text,
		.now = wall_now(),
		.random = random_u64(),
	};

	d->reports++;
	notice_start(&n, on_stored, d);
}
