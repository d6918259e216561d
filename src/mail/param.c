#include "mail/param.h"

#include <stdio.h>

#include "base/stamp.h"
#include "base/utf8.h"
#include "mail/attrs.h"
#include "mail/envelope.h"
#include "mail/wishes.h"
#include "mail/xtext.h"

enum { ENVID_MAX = 100, ORCPT_MAX = 500 }; /* RFC 3461 4.4, 4.2 */

/* --- extensions --- */

static void
offer_size(const struct extensions_offer *o, struct buf *out)
{
	(void)buf_printf(out, " %llu", (unsigned long long)o->max_message);
}

/* RFC 4865 section 3: the longest interval, and the latest time. */
static void
offer_release(const struct extensions_offer *o, struct buf *out)
{
	(void)buf_printf(out, " %d ", WISHES_HOLD_MOST);
	stamp_write(o->now + WISHES_HOLD_MOST * INT64_C(1000), out);
}

static const struct {
	const char *name;
	uint32_t extension;
	bool needs_tls;
	/* What its line says beside the name; NULL: nothing. */
	void (*offer)(const struct extensions_offer *o, struct buf *out);
} extensions[] = {
	{ "SIZE", EXTENSION_SIZE, false, offer_size },
	{ "8BITMIME", EXTENSION_8BITMIME, false, NULL },
	{ "BINARYMIME", EXTENSION_BINARYMIME, false, NULL },
	{ "DSN", EXTENSION_DSN, false, NULL },
	{ "SMTPUTF8", EXTENSION_SMTPUTF8, false, NULL },
	{ "DELIVERBY", EXTENSION_DELIVERBY, false, NULL },
	{ "FUTURERELEASE", EXTENSION_FUTURERELEASE, false, offer_release },
	{ "MT-PRIORITY", EXTENSION_MT_PRIORITY, false, NULL },
	{ "REQUIRETLS", EXTENSION_REQUIRETLS, true, NULL },
};

uint32_t
extension_of(struct span word)
{
	for (size_t i = 0; i < ARRAY_LEN(extensions); i++)
		if (span_equal_nocase(word, span_text(extensions[i].name)))
			return extensions[i].extension;
	return 0;
}

void
extensions_write(const struct extensions_offer *offer, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(extensions); i++) {
		if (extensions[i].needs_tls && !offer->has_tls)
			continue;
		(void)buf_printf(out, "250-%s", extensions[i].name);
		if (extensions[i].offer != NULL)
			extensions[i].offer(offer, out);
		(void)buf_append_text(out, "\r\n");
	}
}

static bool
needs_tls(uint32_t extension)
{
	for (size_t i = 0; i < ARRAY_LEN(extensions); i++)
		if (extensions[i].extension == extension)
			return extensions[i].needs_tls;
	return false;
}

/* --- what is wanted --- */

/* The bits of a list of words, each once; 0: it is none. */
static uint32_t
notify_of(struct span value)
{
	static const char *const words[] = { "SUCCESS", "FAILURE", "DELAY" };
	uint32_t bits = 0, bit;

	if (span_equal_nocase(value, SPAN("NEVER")))
		return NOTIFY_NEVER;
	do {
		struct span word = span_to(value, span_find(value, ','));

		bit = 0;
		for (size_t i = 0; i < ARRAY_LEN(words); i++)
			if (span_equal_nocase(word, span_text(words[i])))
				bit = 1u << i;
		if (bit == 0 || (bits & bit) != 0 || word.len + 1 == value.len)
			return 0;
		bits |= bit;
		value = span_from(
		    value, word.len == value.len ? word.len : word.len + 1);
	} while (!span_is_empty(value));
	return bits;
}

uint32_t
params_notify(struct span rcpt_attrs)
{
	struct span value = attrs_get(rcpt_attrs, ATTR_NOTIFY);

	return span_is_empty(value) ? 0 : notify_of(value);
}

bool
params_wants(struct span rcpt_attrs, enum notify what)
{
	uint32_t said = params_notify(rcpt_attrs);

	return said == 0 ? what != NOTIFY_SUCCESS : (said & what) != 0;
}

bool
params_wants_relayed(struct span mail_attrs, struct span rcpt_attrs,
    bool lacks_dsn, bool lacks_by)
{
	struct deliver_by by = wishes_by(mail_attrs);

	if (lacks_dsn && params_wants(rcpt_attrs, NOTIFY_SUCCESS))
		return true;
	return by.is_asked && params_notify(rcpt_attrs) != NOTIFY_NEVER &&
	       (by.traces || (!by.returns && lacks_by));
}

bool
params_wants_full(struct span mail_attrs)
{
	return span_equal_nocase(attrs_get(mail_attrs, ATTR_RET), SPAN("FULL"));
}

/* --- reading --- */

static bool
refuse(struct params *p, const char *reply)
{
	(void)snprintf(p->wrong, sizeof p->wrong, "%s", reply);
	return false;
}

/* RFC 1870 section 4: up to 20 digits, which may be more than any number here. */
static bool
is_size(struct span value)
{
	for (size_t i = 0; i < value.len; i++)
		if (!ascii_is_digit(value.ptr[i]))
			return false;
	return value.len > 0 && value.len <= 20;
}

static bool
read_size(struct params *p, struct span value)
{
	uint64_t size;

	if (!is_size(value))
		return refuse(p, "501 5.5.4 SIZE wants a number");
	if (span_to_u64(value, UINT64_MAX, &size) && size <= p->max_message)
		return true;
	(void)snprintf(p->wrong, sizeof p->wrong,
	    "552 5.3.4 Message too big; at most %llu bytes are taken",
	    (unsigned long long)p->max_message);
	return false;
}

static bool
read_body(struct params *p, struct span value)
{
	if (span_equal_nocase(value, SPAN("8BITMIME")))
		p->flags |= ENVELOPE_8BIT;
	else if (span_equal_nocase(value, SPAN("BINARYMIME")))
		p->flags |= ENVELOPE_BINARY;
	else if (!span_equal_nocase(value, SPAN("7BIT")))
		return refuse(
		    p, "501 5.5.4 BODY is 7BIT, 8BITMIME or BINARYMIME");
	return true;
}

/* RFC 6531 3.4. */
static bool
read_utf8(struct params *p, struct span value)
{
	if (!span_is_empty(value))
		return refuse(p, "501 5.5.4 SMTPUTF8 takes no value");
	p->flags |= ENVELOPE_UTF8;
	return true;
}

/* RFC 4954 section 5. We do not pass identities on, so it says nothing to us. */
static bool
read_auth(struct params *p, struct span value)
{
	if (span_is_empty(value))
		return refuse(p, "501 5.5.4 AUTH wants an address or <>");
	return true;
}

/* RFC 3461 4.3. */
static bool
read_ret(struct params *p, struct span value)
{
	if (span_equal_nocase(value, SPAN("FULL")) ||
	    span_equal_nocase(value, SPAN("HDRS")))
		return true;
	return refuse(p, "501 5.5.4 RET is FULL or HDRS");
}

/* RFC 3461 4.4. */
static bool
read_envid(struct params *p, struct span value)
{
	if (value.len <= ENVID_MAX && xtext_is_valid(value))
		return true;
	return refuse(p,
	    "501 5.5.4 ENVID wants at most 100 characters of xtext "
	    "(RFC 3461 4.4)");
}

static bool
read_notify(struct params *p, struct span value)
{
	if (notify_of(value) != 0)
		return true;
	return refuse(
	    p, "501 5.5.4 NOTIFY is NEVER, or some of SUCCESS,FAILURE,DELAY");
}

/* RFC 6533 3, EmbeddedUnicodeChar: the length of "\\x{5B59}" at the front, or 0. */
static size_t
embedded_length(struct span s)
{
	size_t n = 3;

	if (!span_starts(s, SPAN("\\x{")))
		return 0;
	while (n < s.len && n < 9 && ascii_hex(s.ptr[n]) >= 0)
		n++;
	return n > 4 && n < s.len && s.ptr[n] == '}' ? n + 1 : 0;
}

/*
 * Appends it as "\\x{...}" where it is more than ASCII; `has_embedded`: some of it may
 * be written so. False: it is no text.
 */
static bool
keep_letters(struct params *p, struct span address, bool has_embedded)
{
	uint32_t c = 0;

	(void)buf_append_text(&p->kept, "utf-8;");
	while (!span_is_empty(address)) {
		size_t len = has_embedded ? embedded_length(address) : 0;

		if (len > 0) {
			(void)buf_append_span(&p->kept, span_to(address, len));
			address = span_from(address, len);
			continue;
		}
		len = utf8_first(address, &c);
		if (len == 0 || utf8_is_control(c) || c == ' ')
			return false;
		if (len > 1 || c == '+' || c == '=' || c == '\\')
			(void)buf_printf(&p->kept, "\\x{%X}", (unsigned)c);
		else
			(void)buf_append_char(&p->kept, (char)c);
		address = span_from(address, len);
	}
	return buf_len(&p->kept) <= ORCPT_MAX;
}

/*
 * RFC 6533 3: letters beyond ASCII are kept in a form that every host and every
 * report may have. They come as they are, and from Postfix as xtext and under
 * "rfc822".
 */
static bool
keep_address(struct params *p, struct span type, struct span address)
{
	struct buf text = { .max = ORCPT_MAX };
	bool is_raw = !span_is_ascii(address), ok;

	if (xtext_is_valid(address))
		return true;
	if ((!span_equal_nocase(type, SPAN("utf-8")) &&
		!span_equal_nocase(type, SPAN("rfc822"))) ||
	    (p->flags & ENVELOPE_UTF8) == 0)
		return false;
	if (is_raw)
		(void)buf_append_span(&text, address);
	else
		xtext_decode(address, &text);
	ok = !span_is_ascii(buf_span(&text)) &&
	     keep_letters(p, buf_span(&text),
		 is_raw && span_equal_nocase(type, SPAN("utf-8")));
	buf_clear(&text);
	return ok;
}

/* An address of another kind of mail is one, too: "x400;...". RFC 3461 4.2. */
static bool
read_orcpt(struct params *p, struct span value)
{
	size_t type = span_find(value, ';');
	bool ok =
	    value.len <= ORCPT_MAX && type > 0 && type < value.len &&
	    keep_address(p, span_to(value, type), span_from(value, type + 1));

	for (size_t i = 0; ok && i < type; i++)
		ok = ascii_is_alnum(value.ptr[i]) || value.ptr[i] == '-';
	if (ok)
		return true;
	return refuse(p,
	    "501 5.5.4 ORCPT wants a type of address, a semicolon, and at "
	    "most 500 characters of xtext (RFC 3461 4.2)");
}

static bool
read_by(struct params *p, struct span value)
{
	struct deliver_by by;

	if (deliver_by_parse(value, &by))
		return true;
	return refuse(p,
	    "501 5.5.4 BY wants seconds, a semicolon and R or N (RFC 2852); "
	    "with R more than 0");
}

static bool
read_priority(struct params *p, struct span value)
{
	int n;

	/* RFC 6710 section 6 has no "-0"; what was kept once is read. */
	if (wishes_parse_priority(value, &n) &&
	    (n != 0 || value.len == 1 || p->now == 0))
		return true;
	return refuse(p, "501 5.5.4 MT-PRIORITY is a number from -9 to 9");
}

/* HOLDFOR and HOLDUNTIL are one wish, and kept as one. */
static bool
hold_until(struct params *p, int64_t until)
{
	if (p->holds)
		return refuse(
		    p, "501 5.5.4 HOLDFOR or HOLDUNTIL, and only once");
	p->holds = true;
	if (p->now != 0 &&
	    until >= p->now + (WISHES_HOLD_MOST + 1) * INT64_C(1000))
		return refuse(p,
		    "501 5.5.4 Too late: at most 30 days are waited "
		    "(FUTURERELEASE in the reply to EHLO)");
	stamp_write(until, &p->kept);
	return true;
}

static bool
read_hold_for(struct params *p, struct span value)
{
	uint64_t seconds;

	if (value.len == 0 || value.len > 9 ||
	    !span_to_u64(value, 999999999, &seconds) || seconds == 0)
		return refuse(
		    p, "501 5.5.4 HOLDFOR wants seconds, 1 to 2592000");
	/* To the second, and never before. */
	return hold_until(p, p->now + 999 + (int64_t)seconds * 1000);
}

static bool
read_hold_until(struct params *p, struct span value)
{
	int64_t until;

	if (!stamp_parse(value, &until))
		return refuse(p, "501 5.5.4 HOLDUNTIL wants a time such as "
				 "2027-01-31T08:00:00Z (RFC 3339)");
	return hold_until(p, until);
}

/* RFC 8689 section 2. */
static bool
read_require_tls(struct params *p, struct span value)
{
	/* In a file it has one, as all that is kept. */
	if (!span_is_empty(value) && p->now != 0)
		return refuse(p, "501 5.5.4 REQUIRETLS takes no value");
	(void)buf_append_text(&p->kept, "yes");
	return true;
}

/* --- writing --- */

/* A transaction's. */
struct writing {
	const struct envelope *env;
	struct param_sending sending;
};

static void
write_by(const struct writing *w, struct buf *out)
{
	struct deliver_by by = wishes_by(envelope_attrs(w->env));

	if (by.is_asked)
		deliver_by_write(&by, w->sending.age, out);
}

/* It was waited for here. */
static void
write_nothing(const struct writing *w, struct buf *out)
{
	(void)w;
	(void)out;
}

static void
write_require_tls(const struct writing *w, struct buf *out)
{
	if (wishes_tls(envelope_attrs(w->env)))
		(void)buf_append_text(out, " REQUIRETLS");
}

static void
write_size(const struct writing *w, struct buf *out)
{
	(void)buf_printf(
	    out, " SIZE=%llu", (unsigned long long)w->sending.size);
}

/* What is binary, and goes to a host that has no word for it, was encoded. */
static void
write_body(const struct writing *w, struct buf *out)
{
	uint32_t flags = w->env->flags, offered = w->sending.extensions;

	if ((flags & ENVELOPE_BINARY) != 0 &&
	    (offered & EXTENSION_BINARYMIME) != 0)
		(void)buf_append_text(out, " BODY=BINARYMIME");
	else if ((flags & ENVELOPE_8BIT) != 0 &&
		 (offered & EXTENSION_8BITMIME) != 0)
		(void)buf_append_text(out, " BODY=8BITMIME");
}

/* Said to a host only where the transaction needs it (deliver/client_mail.c). */
static void
write_utf8(const struct writing *w, struct buf *out)
{
	(void)w;
	(void)buf_append_text(out, " SMTPUTF8");
}

/* --- the table --- */

static const struct row {
	const char *keyword;
	enum param_place place;
	uint32_t extension; /* who offers it gets it; 0: nobody does */
	uint16_t tag; /* what it is kept as; 0: it is not, or as a flag */
	bool (*read)(struct params *p, struct span value);
	/* NULL: what is kept, as it is. */
	void (*write)(const struct writing *w, struct buf *out);
} table[] = {
	{ "SIZE", PARAM_OF_MAIL, EXTENSION_SIZE, 0, read_size, write_size },
	{ "BODY", PARAM_OF_MAIL, EXTENSION_8BITMIME | EXTENSION_BINARYMIME, 0,
	    read_body, write_body },
	{ "SMTPUTF8", PARAM_OF_MAIL, EXTENSION_SMTPUTF8, 0, read_utf8,
	    write_utf8 },
	{ "AUTH", PARAM_OF_MAIL, 0, 0, read_auth, NULL },
	{ "RET", PARAM_OF_MAIL, EXTENSION_DSN, ATTR_RET, read_ret, NULL },
	{ "ENVID", PARAM_OF_MAIL, EXTENSION_DSN, ATTR_ENVID, read_envid, NULL },
	{ "BY", PARAM_OF_MAIL, EXTENSION_DELIVERBY, ATTR_BY, read_by,
	    write_by },
	{ "HOLDUNTIL", PARAM_OF_MAIL, EXTENSION_FUTURERELEASE, ATTR_HOLDUNTIL,
	    read_hold_until, write_nothing },
	/* Kept, and shown, as the one above. */
	{ "HOLDFOR", PARAM_OF_MAIL, EXTENSION_FUTURERELEASE, ATTR_HOLDUNTIL,
	    read_hold_for, write_nothing },
	{ "MT-PRIORITY", PARAM_OF_MAIL, EXTENSION_MT_PRIORITY, ATTR_PRIORITY,
	    read_priority, NULL },
	{ "REQUIRETLS", PARAM_OF_MAIL, EXTENSION_REQUIRETLS, ATTR_REQUIRETLS,
	    read_require_tls, write_require_tls },
	{ "NOTIFY", PARAM_OF_RCPT, EXTENSION_DSN, ATTR_NOTIFY, read_notify,
	    NULL },
	{ "ORCPT", PARAM_OF_RCPT, EXTENSION_DSN, ATTR_ORCPT, read_orcpt, NULL },
};

static const struct row *
find(enum param_place place, struct span keyword)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].place == place &&
		    span_equal_nocase(keyword, span_text(table[i].keyword)))
			return &table[i];
	return NULL;
}

void
params_clear(struct params *p)
{
	buf_clear(&p->attrs);
	buf_clear(&p->kept);
	*p = (struct params){ .max_message = p->max_message,
		.now = p->now,
		.in_clear = p->in_clear };
}

bool
params_cap_priority(struct params *p, int most)
{
	struct span rest = buf_span(&p->attrs), at = rest;
	struct buf capped = { 0 };
	char text[16];
	struct attr a;

	if (wishes_priority(rest) <= most)
		return false;
	while (attrs_next(&at, &a))
		if (a.tag != ATTR_PRIORITY)
			attrs_put(&capped, a.tag, a.value);
	(void)snprintf(text, sizeof text, "%d", most);
	attrs_put(&capped, ATTR_PRIORITY, span_text(text));
	buf_clear(&p->attrs);
	p->attrs = capped;
	return true;
}

bool
params_read(struct params *p, enum param_place place, struct span keyword,
    struct span value)
{
	const struct row *row = find(place, keyword);
	uint32_t bit;

	if (row == NULL)
		return refuse(p, "555 5.5.4 Parameter not recognized");
	if (p->in_clear && needs_tls(row->extension)) {
		(void)snprintf(p->wrong, sizeof p->wrong,
		    "555 5.5.4 %s is for sessions with TLS; it was not offered",
		    row->keyword);
		return false;
	}
	bit = 1u << (row - table);
	if ((p->seen & bit) != 0) {
		(void)snprintf(p->wrong, sizeof p->wrong,
		    "501 5.5.4 %s stands there twice", row->keyword);
		return false;
	}
	p->seen |= bit;
	buf_reset(&p->kept);
	if (!row->read(p, value))
		return false;
	if (row->tag != 0)
		attrs_put(&p->attrs, row->tag,
		    buf_len(&p->kept) > 0 ? buf_span(&p->kept) : value);
	return true;
}

static void
write_kept(const struct row *row, struct span attrs, struct buf *out)
{
	struct span value = attrs_get(attrs, row->tag);

	if (span_is_empty(value))
		return;
	(void)buf_printf(out, " %s=", row->keyword);
	(void)buf_append_span(out, value);
}

static void
write_all(const struct writing *w, enum param_place place, struct span attrs,
    struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct row *row = &table[i];

		if (row->place != place ||
		    (row->extension & w->sending.extensions) == 0)
			continue;
		if (row->write != NULL)
			row->write(w, out);
		else
			write_kept(row, attrs, out);
	}
}

void
params_write_mail(const struct envelope *env,
    const struct param_sending *sending, struct buf *out)
{
	struct writing w = { env, *sending };

	write_all(&w, PARAM_OF_MAIL, envelope_attrs(env), out);
}

void
params_write_rcpt(const struct envelope *env, uint32_t rcpt, uint32_t offered,
    struct buf *out)
{
	struct writing w = { env, { .extensions = offered } };

	write_all(&w, PARAM_OF_RCPT, envelope_rcpt_attrs(env, rcpt), out);
}

bool
params_next(struct span *attrs, struct param_text *out)
{
	struct span before = *attrs;
	struct attr a;

	if (!attrs_next(attrs, &a))
		return false;
	*out = (struct param_text){
		.value = a.value,
		.whole = span_to(before, before.len - attrs->len),
	};
	for (size_t i = 0; i < ARRAY_LEN(table) && out->keyword == NULL; i++)
		if (table[i].tag == a.tag)
			out->keyword = table[i].keyword;
	return true;
}
