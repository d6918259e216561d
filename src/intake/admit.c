/* Who may send, and to how many: what is asked of an envelope while it comes. */
#include "draft_priv.h"

#include <stdio.h>

#include "conf/conf.h"
#include "policy/identity.h"
#include "smtp/address.h"

struct identity
draft_identity(const struct draft *d)
{
	return (struct identity){
		.account = conf_account(d->conf, d->account),
		.aliases = d->aliases,
		.login = d->account,
		.hostname = span_text(d->conf->hostname),
		.is_anybody = d->is_anybody,
		.narrowed = d->send_as,
	};
}

void
draft_say_who(const struct draft *d, char out[DRAFT_WHO_SIZE])
{
	struct span account = span_to(d->account, 100);

	if (span_is_empty(d->key))
		(void)snprintf(
		    out, DRAFT_WHO_SIZE, "account %.*s", SPAN_ARG(account));
	else
		(void)snprintf(out, DRAFT_WHO_SIZE, "key %.*s of account %.*s",
		    SPAN_ARG(d->key), SPAN_ARG(account));
}

static void
refuse_sender(struct draft *d)
{
	char who[DRAFT_WHO_SIZE];

	draft_say_who(d, who);
	who[0] = (char)(who[0] - 'a' + 'A');
	draft_refuse_with(d, "not its own address",
	    "553 5.7.1 %s may not send as <%s>", who, d->sender);
}

enum draft_need
admit_sender(struct draft *d)
{
	const struct identity who = draft_identity(d);
	struct address from;

	/* The null path is nobody's, and everybody's (policy/identity.h). */
	if (d->sender[0] == '\0')
		return DRAFT_NOTHING;
	if (address_parse(span_text(d->sender), &from) != ADDRESS_OK ||
	    !identity_owns(&who, &from))
		refuse_sender(d);
	return DRAFT_NOTHING;
}

enum draft_need
admit_rcpt(struct draft *d)
{
	uint32_t most = d->conf->limits.recipients;

	if (d->nrcpt > most)
		draft_refuse_with(d, "too many recipients",
		    "452 4.5.3 Too many recipients; at most %u a message",
		    most);
	return DRAFT_NOTHING;
}

enum draft_need
admit_suppressed(struct draft *d)
{
	return conf_account(d->conf, d->account)->suppress ? DRAFT_SUPPRESSED
							   : DRAFT_NOTHING;
}

enum draft_need
admit_added(struct draft *d)
{
	bool is_discarded = d->filtered != NULL && d->filtered->is_discarded;

	for (uint32_t i = 0; i < d->nrcpt && !is_discarded; i++) {
		struct draft_rcpt *rcpt = &d->named[i];

		d->asked = i;
		while (rcpt->unasked != ALL_ASKED)
			if (rcpt->unasked-- == BUDGET_UNASKED)
				return DRAFT_RESERVE;
			else if (admit_suppressed(d) != DRAFT_NOTHING)
				return DRAFT_SUPPRESSED;
	}
	return DRAFT_NOTHING;
}

void
admit_leave_out(struct draft *d, const char *refusal)
{
	draft_remove_rcpt(d, d->asked);
	if (d->nrcpt == 0)
		draft_refuse_with(d, "suppressed", "%s", refusal);
}
