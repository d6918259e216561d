/*
 * MAIL and RCPT: the envelope (RFC 5321 3.3), with the parameters of SIZE
 * (RFC 1870), 8BITMIME (RFC 6152) and AUTH (RFC 4954 section 5).
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

/* "FROM:" or "TO:", then the path; blanks between are common and harmless. */
static bool
take_keyword(struct span *args, struct span keyword)
{
	if (!span_starts_nocase(*args, keyword))
		return false;
	*args = span_from(*args, keyword.len);
	while (args->len > 0 && args->ptr[0] == ' ')
		*args = span_from(*args, 1);
	return true;
}

static const char *
mail_param(struct session *s, const struct command_param *p)
{
	uint64_t size;

	if (span_equal_nocase(p->keyword, SPAN("SIZE"))) {
		if (!span_to_u64(p->value, UINT64_MAX, &size))
			return "501 5.5.4 SIZE wants a number";
		if (size > s->conf->max_message)
			return session_textf(s,
			    "552 5.3.4 Message too big; at most %llu bytes "
			    "are taken",
			    (unsigned long long)s->conf->max_message);
		return NULL;
	}
	if (span_equal_nocase(p->keyword, SPAN("BODY"))) {
		s->tx.is_8bit = span_equal_nocase(p->value, SPAN("8BITMIME"));
		if (s->tx.is_8bit || span_equal_nocase(p->value, SPAN("7BIT")))
			return NULL;
		return "501 5.5.4 BODY is 7BIT or 8BITMIME";
	}
	/* We do not pass identities on, so it says nothing to us. */
	if (span_equal_nocase(p->keyword, SPAN("AUTH")) && p->has_value)
		return NULL;
	return "555 5.5.4 Parameter not recognized";
}

static const char *
take_params(struct session *s, struct span rest,
    const char *(*take)(struct session *s, const struct command_param *p))
{
	struct command_param p;
	const char *wrong = NULL;
	int got;

	while (wrong == NULL && (got = command_next_param(&rest, &p)) != 0)
		wrong = got < 0 ? "501 5.5.4 Parameters are not well formed"
				: take(s, &p);
	return wrong;
}

const char *
do_mail(struct session *s, struct span args, struct buf *out)
{
	enum address_status status;
	struct address from;
	const char *wrong;

	(void)out;
	if (!take_keyword(&args, SPAN("FROM:")))
		return "501 5.5.4 Write MAIL FROM:<address>";
	status = address_parse_path(&args, &from);
	if (status != ADDRESS_OK || (from.domain.len == 0 && from.text.len > 0))
		return session_textf(s, "501 5.1.7 Bad sender: %s",
		    address_status_text(
			status == ADDRESS_OK ? ADDRESS_NO_DOMAIN : status));
	wrong = take_params(s, args, mail_param);
	if (wrong != NULL) {
		session_forget(s);
		return wrong;
	}
	if (!identity_may_send(conf_account(s->conf, span_text(s->login)),
		span_text(s->login), span_text(s->conf->hostname), &from)) {
		(void)buf_printf(&s->facts,
		    "warn refused user=%s from=%s reason=\"not its own "
		    "address\"\n",
		    log_quote_text(s->login), log_quote(from.text));
		session_forget(s);
		return session_textf(s,
		    "553 5.7.1 Account %.100s may not send as <%.*s>", s->login,
		    SPAN_ARG(from.text));
	}
	s->tx.sender = span_dup(from.text);
	session_enter(s, STATE_MAIL);
	return "250 2.1.0 Sender ok";
}

static const char *
rcpt_param(struct session *s, const struct command_param *p)
{
	(void)s;
	(void)p;
	return "555 5.5.4 Parameter not recognized";
}

/* Domains are alike in any case; what is before the @ is the next host's. */
static uint64_t
address_hash(struct span rcpt)
{
	static const uint64_t key[2] = { 0x506f737465726e31, 0x52435054 };
	char low[ADDRESS_MAX + 1];
	size_t at = span_find_last(rcpt, '@');

	for (size_t i = 0; i < rcpt.len; i++)
		low[i] = i < at ? rcpt.ptr[i] : ascii_lower(rcpt.ptr[i]);
	return siphash24(key, low, rcpt.len);
}

/* Named twice is answered twice and sent once. */
static bool
is_named_already(const struct transaction *tx, uint64_t hash, struct span rcpt)
{
	struct span all = buf_span(&tx->rcpts);

	for (uint32_t i = 0; i < tx->nrcpt; i++) {
		struct span one = span_cut(&all, '\0');

		if (tx->hashes[i] == hash && span_equal_nocase(one, rcpt))
			return true;
	}
	return false;
}

static void
add_rcpt(struct transaction *tx, struct span rcpt)
{
	uint64_t hash = address_hash(rcpt);

	if (is_named_already(tx, hash, rcpt))
		return;
	if (tx->nrcpt == tx->hash_cap) {
		tx->hash_cap = tx->hash_cap == 0 ? 4 : tx->hash_cap * 2;
		tx->hashes =
		    mem_realloc(tx->hashes, tx->hash_cap * sizeof *tx->hashes);
	}
	tx->hashes[tx->nrcpt++] = hash;
	(void)buf_append_span(&tx->rcpts, rcpt);
	(void)buf_append_char(&tx->rcpts, '\0');
}

const char *
do_rcpt(struct session *s, struct span args, struct buf *out)
{
	enum address_status status;
	struct address to;
	const char *wrong;

	(void)out;
	if (!take_keyword(&args, SPAN("TO:")))
		return "501 5.5.4 Write RCPT TO:<address>";
	status = address_parse_path(&args, &to);
	if (status == ADDRESS_OK && to.domain.len == 0)
		status = ADDRESS_NO_DOMAIN;
	if (status != ADDRESS_OK)
		return session_textf(s, "501 5.1.3 Bad recipient: %s",
		    address_status_text(status));
	wrong = take_params(s, args, rcpt_param);
	if (wrong != NULL)
		return wrong;
	if (s->tx.nrcpt >= s->conf->limits.recipients)
		return session_textf(s,
		    "452 4.5.3 Too many recipients; at most %u a message",
		    s->conf->limits.recipients);
	add_rcpt(&s->tx, to.text);
	session_enter(s, STATE_RCPT);
	return "250 2.1.5 Recipient ok";
}

struct envelope *
session_envelope(const struct session *s)
{
	const struct transaction *tx = &s->tx;
	struct span all = buf_span(&tx->rcpts);
	struct span *rcpts = mem_zalloc(tx->nrcpt, sizeof *rcpts);
	struct envelope_parts parts = {
		.id = tx->id,
		.size = tx->stored + buf_len(&tx->head) + buf_len(&tx->body),
		.arrived = s->now,
		.account = span_text(s->login),
		.sender = span_text(tx->sender),
		.rcpt = rcpts,
		.nrcpt = tx->nrcpt,
	};
	struct envelope *env;

	for (uint32_t i = 0; i < tx->nrcpt; i++)
		rcpts[i] = span_cut(&all, '\0');
	if (tx->is_8bit || tx->dot.has_8bit)
		parts.flags |= ENVELOPE_8BIT;
	if (!tx->dot.has_dots)
		parts.flags |= ENVELOPE_NO_DOTS;
	env = envelope_new(&parts);
	free(rcpts);
	return env;
}
