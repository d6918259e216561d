/*
 * MAIL and RCPT: the envelope (RFC 5321 3.3). Their parameters are
 * mail/param.h's.
 */
#include "session_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "mail/envelope.h"
#include "policy/identity.h"
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
	if (status == ADDRESS_UTF8)
		code = "553 5.6.7"; /* RFC 6531 3.5 */
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
	while ((got = command_next_param(&rest, &p)) > 0)
		if (!params_read(params, place, p.keyword, p.value))
			return session_textf(s, "%s", params->wrong);
	return got < 0 ? "501 5.5.4 Parameters are not well formed" : NULL;
}

static const char *
refuse_sender(struct session *s)
{
	(void)buf_printf(&s->facts,
	    "warn refused user=%s from=%s reason=\"not its own address\"\n",
	    log_quote_text(s->login), log_quote_text(s->tx.sender));
	(void)session_textf(s, "553 5.7.1 Account %.100s may not send as <%s>",
	    s->login, s->tx.sender);
	session_forget(s);
	return s->text;
}

const char *
do_mail(struct session *s, struct span args, struct buf *out)
{
	enum address_status status;
	struct params params = { 0 };
	struct buf written = { 0 };
	struct address from;
	const char *wrong;

	(void)out;
	if (!take_keyword(&args, SPAN("FROM")))
		return "501 5.5.4 Write MAIL FROM:<address>";
	status = address_parse_path(&args, &from);
	if (status == ADDRESS_OK && from.domain.len == 0 && from.text.len > 0)
		status = ADDRESS_NO_DOMAIN;
	if (status != ADDRESS_OK)
		return bad_address(s, "501 5.1.7", "sender", status);
	wrong = take_params(s, args, PARAM_OF_MAIL, &params);
	s->tx.flags = params.flags;
	s->tx.attrs = params.attrs;
	if (wrong != NULL) {
		session_forget(s);
		return wrong;
	}
	address_write(&from, &written);
	(void)buf_append_char(&written, '\0');
	s->tx.sender = buf_take(&written).data;
	if (!identity_may_send(conf_account(s->conf, span_text(s->login)),
		span_text(s->login), span_text(s->conf->hostname), &from))
		return refuse_sender(s);
	session_enter(s, STATE_MAIL);
	return "250 2.1.0 Sender ok";
}

/* Domains are alike in any case; what is before the @ is the next host's. */
static uint64_t
address_hash(struct span rcpt)
{
	static const uint64_t key[2] = { 0x506f737465726e31, 0x52435054 };
	char low[ADDRESS_WRITTEN_MAX];
	size_t at = span_find_last(rcpt, '@');

	for (size_t i = 0; i < rcpt.len; i++)
		low[i] = i < at ? rcpt.ptr[i] : ascii_lower(rcpt.ptr[i]);
	return siphash24(key, low, rcpt.len);
}

struct span
session_rcpt(const struct transaction *tx, uint32_t i)
{
	const struct named *n = &tx->named[i];

	return span_to(span_from(buf_span(&tx->rcpts), n->at), n->address);
}

static struct span
rcpt_attrs(const struct transaction *tx, uint32_t i)
{
	const struct named *n = &tx->named[i];

	return span_to(
	    span_from(buf_span(&tx->rcpts), n->at + n->address), n->attrs);
}

/* Named twice is answered twice and sent once. */
static bool
is_named_already(const struct transaction *tx, uint64_t hash, struct span rcpt)
{
	for (uint32_t i = 0; i < tx->nrcpt; i++)
		if (tx->named[i].hash == hash &&
		    span_equal_nocase(session_rcpt(tx, i), rcpt))
			return true;
	return false;
}

/* As it leaves: then two ways to write a mailbox are one recipient. */
static void
add_rcpt(struct transaction *tx, const struct address *to, struct span attrs)
{
	size_t at = buf_len(&tx->rcpts);
	struct span rcpt;
	uint64_t hash;

	address_write(to, &tx->rcpts);
	rcpt = span_from(buf_span(&tx->rcpts), at);
	hash = address_hash(rcpt);
	if (is_named_already(tx, hash, rcpt)) {
		buf_truncate(&tx->rcpts, at);
		return;
	}
	if (tx->nrcpt == tx->named_cap) {
		tx->named_cap = tx->named_cap == 0 ? 4 : tx->named_cap * 2;
		tx->named =
		    mem_realloc(tx->named, tx->named_cap * sizeof *tx->named);
	}
	tx->named[tx->nrcpt++] = (struct named){ hash, (uint32_t)at,
		(uint16_t)rcpt.len, (uint16_t)attrs.len };
	(void)buf_append_span(&tx->rcpts, attrs);
}

const char *
do_rcpt(struct session *s, struct span args, struct buf *out)
{
	enum address_status status;
	struct params params = { 0 };
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
	if (wrong == NULL && s->tx.nrcpt >= s->conf->limits.recipients)
		wrong = session_textf(s,
		    "452 4.5.3 Too many recipients; at most %u a message",
		    s->conf->limits.recipients);
	if (wrong == NULL) {
		add_rcpt(&s->tx, &to, buf_span(&params.attrs));
		session_enter(s, STATE_RCPT);
	}
	params_clear(&params);
	return wrong == NULL ? "250 2.1.5 Recipient ok" : wrong;
}

struct span
session_message_id(const struct session *s)
{
	return span_text(s->tx.message_id);
}

struct envelope *
session_envelope(const struct session *s)
{
	const struct transaction *tx = &s->tx;
	struct span *rcpts = mem_zalloc(2 * (size_t)tx->nrcpt, sizeof *rcpts);
	struct envelope_parts parts = {
		.id = tx->id,
		.size = tx->stored + buf_len(&tx->head) + buf_len(&tx->body),
		.arrived = s->now,
		.flags = tx->flags,
		.account = span_text(s->login),
		.sender = span_text(tx->sender),
		.attrs = buf_span(&tx->attrs),
		.rcpt = rcpts,
		.rcpt_attrs = rcpts + tx->nrcpt,
		.nrcpt = tx->nrcpt,
	};
	struct envelope *env;

	for (uint32_t i = 0; i < tx->nrcpt; i++) {
		rcpts[i] = session_rcpt(tx, i);
		rcpts[tx->nrcpt + i] = rcpt_attrs(tx, i);
	}
	if (tx->dot.has_8bit)
		parts.flags |= ENVELOPE_8BIT;
	if (!tx->dot.has_dots)
		parts.flags |= ENVELOPE_NO_DOTS;
	env = envelope_new(&parts);
	free(rcpts);
	return env;
}
