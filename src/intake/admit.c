/* Who may send, and to how many: what is asked of an envelope while it comes. */
#include "draft_priv.h"

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
	};
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
		draft_refuse_with(d, "not its own address",
		    "553 5.7.1 Account %.*s may not send as <%s>",
		    SPAN_ARG(span_to(d->account, 100)), d->sender);
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
