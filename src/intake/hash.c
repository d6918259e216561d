#include "draft_priv.h"

#include "mail/attrs.h"
#include "mail/header.h"
#include "sign/body.h"

/* All of the body that is here and was not hashed yet. */
static void
add(struct draft *d)
{
	body_hash_add(d->hash, span_from(buf_span(&d->body), d->hashed));
	d->hashed = buf_len(&d->body);
}

enum draft_need
hash_begin(struct draft *d)
{
	if (!d->wants_hash)
		return DRAFT_NOTHING;
	/* Steps before this one changed the header, and nothing behind it. */
	d->hashed = buf_len(&d->body) - d->behind_header;
	d->hash = body_hash_new();
	add(d);
	return DRAFT_NOTHING;
}

enum draft_need
hash_piece(struct draft *d)
{
	if (d->hash != NULL)
		add(d);
	return DRAFT_NOTHING;
}

/* A report is whole when it comes: its header had no steps. */
static void
begin_whole(struct draft *d)
{
	size_t scanned = 0, end = 0;

	if (!d->wants_hash || d->given != NULL ||
	    header_find_end(buf_span(&d->body), &scanned, &end) != HEADER_BLANK)
		return;
	d->hashed = end;
	d->hash = body_hash_new();
}

enum draft_need
hash_end(struct draft *d)
{
	unsigned char hash[BODY_HASH_SIZE];

	if (d->hash == NULL && d->origin == DRAFT_REPORT)
		begin_whole(d);
	if (d->hash == NULL)
		return DRAFT_NOTHING;
	add(d);
	/* Without one it is taken when the message leaves. */
	if (body_hash_end(d->hash, hash))
		attrs_put(&d->attrs, ATTR_BODY_HASH,
		    span_make((const char *)hash, sizeof hash));
	body_hash_free(d->hash);
	d->hash = NULL;
	return DRAFT_NOTHING;
}
