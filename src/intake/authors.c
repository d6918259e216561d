/*
 * Who the header says that the message is from (policy/authors.h), and what the
 * account's section (`from`) does about somebody else: refuse it, put the account in
 * his place, or name the account as Sender.
 */
#include "draft_priv.h"

#include "conf/conf.h"
#include "mail/header.h"
#include "mail/trace.h"
#include "policy/authors.h"
#include "smtp/address.h"

static void
refuse(struct draft *d, const struct authors *a)
{
	char who[DRAFT_WHO_SIZE];
	struct span field = span_to(a->field, 20);

	draft_say_who(d, who);
	d->is_forged = true;
	if (a->told == AUTHORS_UNCLEAR)
		draft_refuse_with(d, "its authors are not clear",
		    "550 5.7.1 %.*s is not clear%s%.100s%s: %s; write each "
		    "address of %s once and plainly",
		    SPAN_ARG(field), a->address[0] != '\0' ? " at <" : "",
		    a->address, a->address[0] != '\0' ? ">" : "", a->why, who);
	else
		draft_refuse_with(d, "its author is somebody else",
		    "550 5.7.1 %.*s names <%.200s>%s%s%s, which is no address "
		    "of %s; send as its own, or have it added to "
		    "send-as",
		    SPAN_ARG(field), a->address, a->why != NULL ? " (" : "",
		    a->why != NULL ? a->why : "", a->why != NULL ? ")" : "",
		    who);
}

static void
take_out(struct draft *d, enum author_field field)
{
	char *data = d->body.data + d->body.head;

	buf_truncate(&d->body,
	    header_remove(data, buf_len(&d->body), author_field_name(field)));
}

/* The first field of that name; its value is empty when there is none. */
static struct span
value_of(const struct draft *d, struct span name)
{
	struct span rest = buf_span(&d->body);
	struct header_field f;

	while (header_next(&rest, &f))
		if (span_equal_nocase(f.name, name))
			return f.value;
	return SPAN("");
}

/*
 * "Name: value", folds and all. What is in front of a bracket ends without
 * blanks; only what came as one line's rest goes in here.
 */
static void
write_field(struct draft *d, struct span name, struct span front,
    struct span value, bool in_brackets)
{
	(void)buf_append_span(&d->head, name);
	(void)buf_append_text(&d->head, ": ");
	(void)buf_append_span(&d->head, front);
	if (!span_is_empty(front) && front.ptr[front.len - 1] != ' ')
		(void)buf_append_char(&d->head, ' ');
	if (in_brackets)
		(void)buf_append_char(&d->head, '<');
	(void)buf_append_span(&d->head, value);
	(void)buf_append_text(&d->head, in_brackets ? ">\r\n" : "\r\n");
}

/* From becomes the account's; whom to answer stays whom it was. */
static void
rewrite(struct draft *d, const struct authors *a, struct span own)
{
	struct span old = value_of(d, author_field_name(AUTHOR_FROM));

	if (a->of[AUTHOR_FROM] != AUTHORS_OWN) {
		write_field(
		    d, author_field_name(AUTHOR_FROM), a->name, own, true);
		if (a->of[AUTHOR_FROM] == AUTHORS_FOREIGN &&
		    span_is_empty(value_of(d, SPAN("reply-to"))))
			write_field(d, SPAN("Reply-To"), SPAN(""), old, false);
		take_out(d, AUTHOR_FROM);
	}
	for (int i = AUTHOR_SENDER; i < AUTHOR_FIELDS; i++)
		if (a->of[i] != AUTHORS_OWN)
			take_out(d, (enum author_field)i);
}

/* Who sends for somebody else says so (RFC 5322 3.6.2). */
static void
name_sender(struct draft *d, const struct authors *a, struct span own)
{
	if (a->of[AUTHOR_RESENT_SENDER] != AUTHORS_OWN)
		take_out(d, AUTHOR_RESENT_SENDER);
	if (a->of[AUTHOR_SENDER] != AUTHORS_OWN)
		take_out(d, AUTHOR_SENDER);
	else if (!span_is_empty(value_of(d, author_field_name(AUTHOR_SENDER))))
		return;
	if (a->of[AUTHOR_FROM] == AUTHORS_OWN &&
	    a->of[AUTHOR_RESENT_FROM] == AUTHORS_OWN)
		return;
	write_field(d, author_field_name(AUTHOR_SENDER), SPAN(""), own, true);
}

enum draft_need
fixup_authors(struct draft *d)
{
	const struct identity who = draft_identity(d);
	struct buf own = { 0 };
	struct authors a;

	/* A key that is narrowed is so in From, too, whatever its account may. */
	if (who.is_anybody ||
	    (who.account->from == FROM_ANY && span_is_empty(who.narrowed)))
		return DRAFT_NOTHING;
	authors_review(buf_span(&d->body), &who, &a);
	if (a.verdict == AUTHORS_OWN)
		return DRAFT_NOTHING;
	if (who.account->from == FROM_REJECT || who.account->from == FROM_ANY ||
	    !draft_write_own(d, &own))
		refuse(d, &a);
	else if (who.account->from == FROM_REWRITE)
		rewrite(d, &a, buf_span(&own));
	else
		name_sender(d, &a, buf_span(&own));
	draft_note_letters(d, buf_span(&own));
	buf_clear(&own);
	return DRAFT_NOTHING;
}
