/*
 * MAIL and RCPT: the envelope (RFC 5321 3.3). Their parameters are
 * mail/param.h's.
 */
#include "session_priv.h"

#include "mail/envelope.h"
#include "mail/progress.h"
#include "mail/wishes.h"
#include "smtp/address.h"
#include "smtp/command.h"

static void
skip_blanks(struct span *s)
{
	while (s->len > 0 && s->ptr[0] == ' ')
		*s = span_from(*s, 1);
}

/* "FROM:" or "TO:", then the path; blanks between are common and harmless. */
static bool
take_keyword(struct span *args, struct span keyword)
{
	if (!span_starts_nocase(*args, keyword))
		return false;
	*args = span_from(*args, keyword.len);
	skip_blanks(args);
	if (args->len == 0 || args->ptr[0] != ':')
		return false;
	*args = span_from(*args, 1);
	skip_blanks(args);
	return true;
}

/* `code`: what it is for a wrong one of that kind. */
static const char *
bad_address(struct session *s, const char *code, const char *which,
    enum address_status status)
{
	return session_textf(
	    s, "%s Bad %s: %s", code, which, address_status_text(status));
}

/* NULL, or the reply to what is wrong. */
static const char *
take_params(struct session *s, struct span rest, enum param_place place,
    struct params *params)
{
	struct command_param p;
	int got;

	params->max_message = s->conf->max_message;
	params->now = s->now;
	params->in_clear = !s->has_tls;
	while ((got = command_next_param(&rest, &p)) > 0)
		if (!params_read(params, place, p.keyword, p.value))
			return session_textf(s, "%s", params->wrong);
	return got < 0 ? "501 5.5.4 Parameters are not well formed" : NULL;
}

/* RFC 6531 3.4, 3.5; NULL: it may have the letters that it has. */
static const char *
bad_letters(const struct session *s, const struct address *a)
{
	if (!a->is_utf8 || (s->tx.draft.flags & ENVELOPE_UTF8) != 0)
		return NULL;
	return "553 5.6.7 An address beyond ASCII wants MAIL FROM:<...> "
	       "SMTPUTF8";
}

static void
tell_refused(struct session *s)
{
	const struct draft *d = &s->tx.draft;

	FACT(REFUSED, session_sid(s), session_client(s),
	    fact_string("user", s->login), fact_any("key", span_text(s->key)),
	    fact_address("from", span_text(d->sender)),
	    fact_string("reason", d->why));
}

/* One more recipient than is kept is written, to see whether it is there. */
static void
begin_draft(struct session *s)
{
	size_t most = (size_t)s->conf->limits.recipients + 1;

	s->tx.draft = (struct draft){
		.origin = DRAFT_SUBMITTED,
		.conf = s->conf,
		.account = span_text(s->login),
		.is_anybody = s->is_anybody,
		.key = span_text(s->key),
		.send_as = span_text(s->send_as),
		.helo = span_text(s->helo),
		.client = span_text(s->client),
		.tls_version = span_text(s->tls_version),
		.tls_cipher = span_text(s->tls_cipher),
		.rcpts.max = most * (ADDRESS_WRITTEN_MAX + PARAMS_RCPT_MAX),
	};
	session_date_draft(s);
}

/* RFC 6710 section 4.1. */
static const char *
lowered(struct session *s)
{
	return session_textf(s, "250 2.3.6 Sender ok; MT-PRIORITY is %d",
	    wishes_priority(buf_span(&s->tx.draft.attrs)));
}

/* The stage is over. */
const char *
mail_reply(struct session *s)
{
	struct draft *d = &s->tx.draft;

	if (!draft_is_refused(d)) {
		session_enter(s, STATE_MAIL);
		return s->tx.is_lowered ? lowered(s) : "250 2.1.0 Sender ok";
	}
	if (d->why != NULL) /* else it was told by who refused it */
		tell_refused(s);
	(void)session_textf(s, "%s", d->refusal);
	session_forget(s);
	return s->text;
}

const char *
do_mail(struct session *s, struct span args, struct buf *out)
{
	enum address_status status;
	struct draft *d = &s->tx.draft;
	struct params params = { 0 };
	struct address from;
	struct span said;
	const char *wrong;

	(void)out;
	if (!take_keyword(&args, SPAN("FROM")))
		return "501 5.5.4 Write MAIL FROM:<address>";
	status = address_parse_path(&args, &from);
	if (status == ADDRESS_OK && from.domain.len == 0 && from.text.len > 0)
		status = ADDRESS_NO_DOMAIN;
	if (status != ADDRESS_OK)
		return bad_address(s, "501 5.1.7", "sender", status);
	said = args;
	wrong = take_params(s, args, PARAM_OF_MAIL, &params);
	begin_draft(s);
	s->tx.is_lowered = params_cap_priority(
	    &params, conf_account(s->conf, span_text(s->login))->priority);
	d->flags = params.flags;
	d->attrs = params.attrs;
	buf_clear(&params.kept);
	if (wishes_release(buf_span(&d->attrs)) > s->now)
		d->message_flags |= MESSAGE_FUTURE;
	if (wrong == NULL)
		wrong = bad_letters(s, &from);
	if (wrong != NULL) {
		session_forget(s);
		return wrong;
	}
	draft_set_sender(d, &from);
	draft_said(d, said);
	session_want(s, draft_run(d, DRAFT_SENDER));
	return s->need == SESSION_INPUT ? mail_reply(s) : NULL;
}

/* The same; the transaction stays as it was before one that is refused. */
const char *
rcpt_reply(struct session *s)
{
	struct draft *d = &s->tx.draft;

	if (!draft_is_refused(d)) {
		session_enter(s, STATE_RCPT);
		return "250 2.1.5 Recipient ok";
	}
	(void)session_textf(s, "%s", d->refusal);
	draft_drop_rcpt(d);
	draft_forgive(d);
	return s->text;
}

const char *
do_rcpt(struct session *s, struct span args, struct buf *out)
{
	enum address_status status;
	struct params params = { .flags = s->tx.draft.flags };
	struct address to;
	const char *wrong;

	(void)out;
	if (!take_keyword(&args, SPAN("TO")))
		return "501 5.5.4 Write RCPT TO:<address>";
	status = address_parse_path(&args, &to);
	if (status == ADDRESS_OK && to.domain.len == 0)
		status = ADDRESS_NO_DOMAIN;
	if (status != ADDRESS_OK)
		return bad_address(s, "501 5.1.3", "recipient", status);
	wrong = take_params(s, args, PARAM_OF_RCPT, &params);
	if (wrong == NULL)
		wrong = bad_letters(s, &to);
	if (wrong == NULL &&
	    draft_add_rcpt(&s->tx.draft, &to, buf_span(&params.attrs))) {
		draft_said(&s->tx.draft, args);
		session_want(s, draft_run(&s->tx.draft, DRAFT_RCPT));
	}
	params_clear(&params);
	if (wrong != NULL)
		return wrong;
	return s->need == SESSION_INPUT ? rcpt_reply(s) : NULL;
}
