#include "draft_priv.h"

#include "mail/attrs.h"
#include "mail/header.h"
#include "mail/origin.h"
#include "sign/author.h"

/* The first From of a header; false: it has none. */
static bool
find_from(struct span header, struct span *value)
{
	struct header_field f;

	while (header_next(&header, &f))
		if (span_equal_nocase(f.name, SPAN("from"))) {
			*value = f.value;
			return true;
		}
	return false;
}

/*
 * The first author's domain is kept with the message where it is not the sender's:
 * so most messages keep nothing. Who names several, or names them unclearly, is told
 * apart by receivers in their own ways; then it is the sender's that counts.
 */
enum draft_need
note_author(struct draft *d)
{
	struct author_domain authors[AUTHORS_MAX];
	char room[IDN_SIZE];
	struct span from, domain;

	/* One that the relay wrote stands in the head. */
	if (!find_from(buf_span(&d->head), &from) &&
	    !find_from(buf_span(&d->body), &from))
		return DRAFT_NOTHING;
	if (authors_read(from, authors) == 0)
		return DRAFT_NOTHING;
	domain = span_text(authors[0].text);
	if (!span_equal(domain, origin_of_sender(span_text(d->sender), room)))
		attrs_put(&d->attrs, ATTR_AUTHOR, domain);
	return DRAFT_NOTHING;
}
