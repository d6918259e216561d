/* What a filter wants to be the envelope. */
#include "draft_priv.h"

#include "conf/conf.h"
#include "milter/milter.h"
#include "smtp/address.h"

static bool
parse(const struct milter_change *c, struct address *out)
{
	return address_parse(c->address, out) == ADDRESS_OK &&
	       out->domain.len > 0;
}

const char *
changes_wrong(const struct draft *d, const struct milter_outcome *o)
{
	size_t room = d->rcpts.max - buf_len(&d->rcpts);
	uint32_t n = d->nrcpt, added = 0;

	for (size_t i = 0; i < o->nchanges; i++) {
		const struct milter_change *c = &o->changes[i];
		struct address a;

		if (c->what == MILTER_SENDER && span_is_empty(c->address))
			continue;
		if (!parse(c, &a))
			return "an address that it names is none";
		if (c->what != MILTER_ADD_RCPT)
			continue;
		/* The texts of those that were taken out are there still. */
		if (++n > d->conf->limits.recipients ||
		    ++added > room / ADDRESS_WRITTEN_MAX)
			return "it adds too many recipients";
	}
	return NULL;
}

/* One that is not there is gone already. */
static void
delete_rcpt(struct draft *d, const struct address *a)
{
	struct buf written = { 0 };

	address_write(a, &written);
	for (uint32_t i = d->nrcpt; i-- > 0;)
		if (span_equal_nocase(draft_rcpt(d, i), buf_span(&written)))
			draft_remove_rcpt(d, i);
	buf_clear(&written);
}

void
changes_make(struct draft *d, const struct milter_outcome *o)
{
	for (size_t i = 0; i < o->nchanges; i++) {
		const struct milter_change *c = &o->changes[i];
		struct address a;
		bool is_one = parse(c, &a);

		switch (c->what) {
		case MILTER_ADD_RCPT:
			if (draft_add_rcpt(d, &a, SPAN("")))
				d->named[d->nrcpt - 1].unasked =
				    SUPPRESSION_UNASKED;
			break;
		case MILTER_DELETE_RCPT: delete_rcpt(d, &a); break;
		case MILTER_SENDER:
			if (is_one)
				draft_set_sender(d, &a);
			else
				draft_set_written_sender(d, SPAN(""));
			d->filtered->is_changed = true;
			break;
		}
	}
	d->filtered->is_discarded |= d->nrcpt == 0;
}
