/*
 * Who is told that an account has used four fifths of a budget: the account, if its
 * name is an address, and whom the configuration names. The log says so in any case.
 */
#include "relay_priv.h"

#include <stdlib.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "dispatch/dispatch.h"
#include "intake/ledger_io.h"
#include "io/loop.h"
#include "smtp/address.h"

static void
write_text(struct buf *out, const struct ledger_warning *w,
    const struct conf_account *conf, const char *hostname)
{
	const struct budget_state *s = &w->state;

	(void)buf_printf(out,
	    "The account %s at the mail relay %s has used %u of its budget of\n"
	    "%u %s in ",
	    w->account, hostname, s->used, s->rate.most,
	    conf_budget_name(s->counter));
	budget_say_time(s->rate.seconds, out);
	(void)buf_printf(out, ", as of ");
	budget_say_moment(wall_now(), out);
	(void)buf_append_text(out, ".\n\n");
	(void)buf_append_text(out,
	    conf->over == OVER_HOLD
		? "What it sends beyond that is accepted, held by the relay, "
		  "and "
		  "goes by itself\nas there is room again.\n"
		: "What it sends beyond that is refused with a temporary error "
		  "until there is room\nagain; most programs try again by "
		  "themselves.\n");
	(void)buf_append_text(out,
	    "\nIf nobody meant to send so much, somebody else may have the "
	    "account's password:\nchange it.\n\n"
	    "This is told once in the budget's time. The operator sees how it "
	    "stands with\n\n");
	(void)buf_printf(out, "    postern account show %s\n", w->account);
}

void
relay_send_to(
    struct relay *r, const char *to, struct span subject, struct span text)
{
	struct buf written = { 0 };
	struct address a;

	if (to == NULL || address_parse(span_text(to), &a) != ADDRESS_OK ||
	    a.domain.len == 0)
		return;
	address_write(&a, &written);
	dispatch_notify(r->rooms.dispatch, buf_span(&written), subject, text);
	buf_clear(&written);
}

/* The mail about a brake that fell, while what waits is being held. */
struct alarm {
	struct relay *relay; /* borrowed */
	struct ledger_warning what;
};

static void
write_braked(struct buf *out, const struct ledger_warning *w,
    const struct dispatch_braked *braked, const char *hostname)
{
	const char *name = braked->account;

	(void)buf_printf(
	    out, "The account %s at the mail relay %s had\n\n", name, hostname);
	for (unsigned i = 0; i < BRAKE_SIGNS; i++)
		if (w->brake.now[i] > 0)
			(void)buf_printf(out, "    %u %s (it may be %u)\n",
			    w->brake.now[i],
			    brake_sign_text((enum brake_sign)i),
			    w->brake.limit[i]);
	(void)buf_printf(out,
	    "\nwhich it has never done: somebody may have its password. All "
	    "that waits of it is\nheld, and so is what it still sends: %u "
	    "messages now",
	    braked->waiting);
	if (braked->waiting > 0)
		(void)buf_append_text(out, ", these among them:\n\n");
	else
		(void)buf_append_text(out, ".\n");
	(void)buf_append_span(out, braked->sample);
	(void)buf_printf(out,
	    "\nSee more of them, what is in one, and whom it has reached "
	    "already:\n\n"
	    "    postern account purge %s\n"
	    "    postern queue cat ID\n"
	    "    postern account purge %s --reached\n\n"
	    "Then let it go, if all is well, or keep the account out:\n\n"
	    "    postern account undo %s\n"
	    "    postern account stop %s\n",
	    name, name, name, name);
}

static void
on_braked(const struct dispatch_braked *braked, void *arg)
{
	struct alarm *alarm = arg;
	const struct conf *conf = alarm->relay->rooms.conf;
	struct buf subject = { 0 }, text = { 0 };

	if (braked != NULL && conf->notify != NULL) {
		(void)buf_printf(&subject,
		    "%s is braked: it departs from its habit", braked->account);
		write_braked(&text, &alarm->what, braked, conf->hostname);
		relay_send_to(alarm->relay, conf->notify, buf_span(&subject),
		    buf_span(&text));
	}
	buf_clear(&subject);
	buf_clear(&text);
	free(alarm);
}

static void
tell_braked(struct relay *r, const struct ledger_warning *w)
{
	struct alarm *alarm = MEM_NEW(struct alarm);

	*alarm = (struct alarm){ r, *w };
	alarm->what.account = NULL; /* it does not outlive this */
	dispatch_brake(r->rooms.dispatch, w->account, on_braked, alarm);
}

void
relay_warn(const struct ledger_warning *w, void *arg)
{
	struct relay *r = arg;
	const struct conf *conf = r->rooms.conf;
	struct buf subject = { 0 }, text = { 0 };

	if (r->stopping)
		return; /* it is in the log */
	if (w->is_braked) {
		tell_braked(r, w);
		return;
	}
	(void)buf_printf(&subject, "%s has used %u of %u %s in ", w->account,
	    w->state.used, w->state.rate.most,
	    conf_budget_name(w->state.counter));
	budget_say_time(w->state.rate.seconds, &subject);
	write_text(&text, w, conf_account(conf, span_text(w->account)),
	    conf->hostname);
	relay_send_to(r, w->account, buf_span(&subject), buf_span(&text));
	if (conf->notify != NULL &&
	    !span_equal_nocase(span_text(conf->notify), span_text(w->account)))
		relay_send_to(
		    r, conf->notify, buf_span(&subject), buf_span(&text));
	buf_clear(&subject);
	buf_clear(&text);
}
