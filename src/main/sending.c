/*
 * Domains of From: what dispatch hears of hosts that do not believe one reaches the
 * table (sending/domains_io.h), and what the table says reaches dispatch and whom the
 * configuration names.
 */
#include "relay_priv.h"

#include "conf/conf.h"
#include "deliver/signer_io.h"
#include "dispatch/dispatch.h"
#include "mail/envelope.h"
#include "mail/origin.h"
#include "mail/words.h"
#include "sending/domains_io.h"
#include "signing.h"

/* --- from dispatch --- */

static void
on_mistrusted(
    struct span domain, const char *site, const struct words *words, void *arg)
{
	struct relay *r = arg;

	domains_hold(r->rooms.domains, domain, site, words);
}

static void
on_held_before(struct span domain, void *arg)
{
	struct relay *r = arg;

	domains_held_before(r->rooms.domains, domain);
}

void
relay_note_domain(struct relay *r, const struct envelope *env)
{
	char room[IDN_SIZE], sender[IDN_SIZE];

	domains_used(r->rooms.domains, span_text(env->account),
	    origin_domain(env, room),
	    origin_of_sender(span_text(env->sender), sender));
}

/* --- from the table --- */

static void
on_held(
    struct span domain, const char *site, const struct words *words, void *arg)
{
	struct relay *r = arg;

	dispatch_hold_domain(r->rooms.dispatch, domain, site, words);
}

static void
on_let_go(struct span domain, void *arg)
{
	struct relay *r = arg;

	dispatch_trust_domain(r->rooms.dispatch, domain);
}

static void
write_found(const struct sending *s, struct buf *out)
{
	struct buf advice = { 0 };
	struct span rest, line;

	(void)buf_printf(out,
	    "What the name servers say now:\n\n"
	    "    SPF    %s\n    DKIM   %s\n    DMARC  %s%s%s\n\n",
	    s->spf.is_known ? spf_result_name(s->spf.result) : "not known",
	    dkim_status_name(s->dkim.status),
	    dmarc_status_name(s->dmarc.status),
	    s->dmarc.status == DMARC_FOUND ? ", p=" : "",
	    s->dmarc.status == DMARC_FOUND ? dmarc_policy_name(s->dmarc.policy)
					   : "");
	sending_advise(s, &advice);
	rest = buf_span(&advice);
	(void)buf_append_text(out,
	    rest.len > 0
		? "What to do:\n\n"
		: "All of these are in order; receivers may have old records "
		  "yet. It is tried again\nin an hour.\n\n");
	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		(void)buf_printf(out, "    %.*s\n", SPAN_ARG(line));
	}
	buf_clear(&advice);
}

static void
on_alert(const struct sending *s, const char *site, const struct words *words,
    void *arg)
{
	struct relay *r = arg;
	struct buf subject = { 0 }, text = { 0 };

	if (r->rooms.conf->notify == NULL || r->stopping)
		return; /* it is in the log */
	(void)buf_printf(
	    &subject, "mail from %s is held: it is not believed", s->domain);
	(void)buf_printf(&text,
	    "A host that takes mail for %s does not believe that mail from\n"
	    "%s comes from there. %.*s said to the mail relay %s:\n\n"
	    "    %.*s\n\n"
	    "So mail of that domain to that site (and to others that say so) "
	    "is "
	    "held, and goes\nby itself once the domain's records are in order. "
	    "Other mail goes on.\n\n",
	    site, s->domain, SPAN_ARG(words->host), r->rooms.conf->hostname,
	    SPAN_ARG(words->said));
	write_found(s, &text);
	(void)buf_printf(&text,
	    "\nThe relay looks again every five minutes. To look at once, and "
	    "to let the mail go\nwhatever is found:\n\n"
	    "    postern domain look %s\n"
	    "    postern domain release %s\n",
	    s->domain, s->domain);
	relay_send_to(
	    r, r->rooms.conf->notify, buf_span(&subject), buf_span(&text));
	buf_clear(&subject);
	buf_clear(&text);
}

void
relay_open_domains(struct relay *r)
{
	struct domains_events events = { .alert = on_alert,
		.held = on_held,
		.let_go = on_let_go,
		.arg = r };

	r->rooms.domains = domains_open(r->loop, r->rooms.conf,
	    signer_keys(signing_signer(r->rooms.signing)), r->state, &events);
	dispatch_on_mistrusted(
	    r->rooms.dispatch, on_mistrusted, on_held_before, r);
}
