/*
 * The macros of Postfix's names, at the stages where it sends them. A filter may
 * have named those that it wants of a stage; it gets these, as far as there are
 * such.
 */
#include "milter_priv.h"

#include <string.h>

#include "smtp/address.h"

enum macro {
	MACRO_J,
	MACRO_V,
	MACRO_UNDERSCORE,
	MACRO_I,
	MACRO_DAEMON_NAME,
	MACRO_DAEMON_ADDR,
	MACRO_DAEMON_PORT,
	MACRO_CLIENT_ADDR,
	MACRO_CLIENT_NAME,
	MACRO_CLIENT_PTR,
	MACRO_CLIENT_PORT,
	MACRO_TLS_VERSION,
	MACRO_CIPHER,
	MACRO_CIPHER_BITS,
	MACRO_AUTH_TYPE,
	MACRO_AUTH_AUTHEN,
	MACRO_AUTH_SSF,
	MACRO_MAIL_ADDR,
	MACRO_MAIL_HOST,
	MACRO_MAIL_MAILER,
	MACRO_RCPT_ADDR,
	MACRO_RCPT_HOST,
	MACRO_RCPT_MAILER,
};

#define AT(stage) (1u << MACROS_##stage)
#define BEHIND_MAIL (AT(MAIL) | AT(RCPT) | AT(DATA) | AT(HEADER_END) | AT(END))

/* clang-format off: a table is read by its columns */
static const struct {
	const char *name;
	enum macro macro;
	unsigned
	    stages; /* that it is sent at, unless the filter names others */
	unsigned from; /* the first state in which it has a value */
} macros[] = {
	{ "j", MACRO_J, AT(CONNECT), STATE_CONNECT },
	{ "{daemon_name}", MACRO_DAEMON_NAME, AT(CONNECT), STATE_CONNECT },
	{ "{daemon_addr}", MACRO_DAEMON_ADDR, AT(CONNECT), STATE_CONNECT },
	{ "{daemon_port}", MACRO_DAEMON_PORT, AT(CONNECT), STATE_CONNECT },
	{ "v", MACRO_V, AT(CONNECT), STATE_CONNECT },
	{ "_", MACRO_UNDERSCORE, AT(CONNECT), STATE_CONNECT },
	{ "{client_addr}", MACRO_CLIENT_ADDR, AT(CONNECT), STATE_CONNECT },
	{ "{client_name}", MACRO_CLIENT_NAME, AT(CONNECT), STATE_CONNECT },
	{ "{client_port}", MACRO_CLIENT_PORT, AT(CONNECT), STATE_CONNECT },
	{ "{client_ptr}", MACRO_CLIENT_PTR, AT(CONNECT), STATE_CONNECT },
	{ "{tls_version}", MACRO_TLS_VERSION, AT(HELO), STATE_HELO },
	{ "{cipher}", MACRO_CIPHER, AT(HELO), STATE_HELO },
	{ "{cipher_bits}", MACRO_CIPHER_BITS, AT(HELO), STATE_HELO },
	{ "i", MACRO_I, BEHIND_MAIL, STATE_MAIL },
	{ "{auth_type}", MACRO_AUTH_TYPE, AT(MAIL), STATE_MAIL },
	{ "{auth_authen}", MACRO_AUTH_AUTHEN, AT(MAIL), STATE_MAIL },
	{ "{auth_ssf}", MACRO_AUTH_SSF, AT(MAIL), STATE_MAIL },
	{ "{mail_addr}", MACRO_MAIL_ADDR, AT(MAIL), STATE_MAIL },
	{ "{mail_host}", MACRO_MAIL_HOST, AT(MAIL), STATE_MAIL },
	{ "{mail_mailer}", MACRO_MAIL_MAILER, AT(MAIL), STATE_MAIL },
	{ "{rcpt_addr}", MACRO_RCPT_ADDR, AT(RCPT), STATE_RCPT },
	{ "{rcpt_host}", MACRO_RCPT_HOST, AT(RCPT), STATE_RCPT },
	{ "{rcpt_mailer}", MACRO_RCPT_MAILER, AT(RCPT), STATE_RCPT },
};
/* clang-format on */

static struct span
domain_of(struct span address)
{
	size_t at = span_find_last(address, '@');

	return at == address.len ? SPAN("") : span_from(address, at + 1);
}

/* Octets of the key, which the names of all suites that are taken tell. */
static const char *
cipher_bits(struct span cipher)
{
	if (span_is_empty(cipher))
		return "";
	return memmem(cipher.ptr, cipher.len, "128", 3) != NULL ? "128" : "256";
}

static void
put_port(struct buf *out, uint16_t port)
{
	if (port != 0)
		(void)buf_printf(out, "%u", port);
}

static void
write_value(const struct milter *m, enum macro macro, struct buf *out)
{
	const struct milter_message *t = m->message;
	struct span rcpt =
	    m->rcpt > 0 ? t->rcpts[m->rcpt - 1].address : SPAN("");

	switch (macro) {
	case MACRO_J: (void)buf_append_span(out, t->hostname); break;
	case MACRO_V: (void)buf_append_span(out, t->version); break;
	case MACRO_UNDERSCORE:
		(void)buf_printf(out, "unknown [%.*s]", SPAN_ARG(t->client));
		break;
	case MACRO_I: (void)buf_append_span(out, t->qid); break;
	case MACRO_DAEMON_NAME:
		(void)buf_append_span(out, t->daemon_name);
		break;
	case MACRO_DAEMON_ADDR:
		(void)buf_append_span(out, t->daemon_address);
		break;
	case MACRO_DAEMON_PORT: put_port(out, t->daemon_port); break;
	case MACRO_CLIENT_ADDR: (void)buf_append_span(out, t->client); break;
	case MACRO_CLIENT_NAME:
	case MACRO_CLIENT_PTR: (void)buf_append_text(out, "unknown"); break;
	case MACRO_CLIENT_PORT: put_port(out, t->client_port); break;
	case MACRO_TLS_VERSION:
		(void)buf_append_span(out, t->tls_version);
		break;
	case MACRO_CIPHER: (void)buf_append_span(out, t->tls_cipher); break;
	case MACRO_CIPHER_BITS:
		(void)buf_append_text(out, cipher_bits(t->tls_cipher));
		break;
	case MACRO_AUTH_TYPE: (void)buf_append_span(out, t->mechanism); break;
	case MACRO_AUTH_AUTHEN: (void)buf_append_span(out, t->account); break;
	case MACRO_AUTH_SSF: /* no mechanism of ours makes a layer of its own */
		if (!span_is_empty(t->mechanism))
			(void)buf_append_text(out, "0");
		break;
	case MACRO_MAIL_ADDR: (void)buf_append_span(out, t->sender); break;
	case MACRO_MAIL_HOST:
		(void)buf_append_span(out, domain_of(t->sender));
		break;
	case MACRO_MAIL_MAILER:
	case MACRO_RCPT_MAILER: (void)buf_append_text(out, "smtp"); break;
	case MACRO_RCPT_ADDR: (void)buf_append_span(out, rcpt); break;
	case MACRO_RCPT_HOST:
		(void)buf_append_span(out, domain_of(rcpt));
		break;
	}
}

/* Filters write "{rcpt_addr}" and "rcpt_addr" alike, parted by blanks. */
static bool
is_listed(const char *list, struct span name)
{
	struct span rest = span_text(list);
	struct span bare = name.len > 2 && name.ptr[0] == '{'
			       ? span_make(name.ptr + 1, name.len - 2)
			       : name;

	while (!span_is_empty(rest)) {
		struct span word = span_cut(&rest, ' ');

		while (!span_is_empty(word) && word.ptr[word.len - 1] == ',')
			word.len--;
		if (span_equal(word, name) || span_equal(word, bare))
			return true;
	}
	return false;
}

static bool
is_wanted(const struct milter *m, enum macro_stage stage, size_t i)
{
	if (m->state < macros[i].from)
		return false;
	if (m->has_list[stage])
		return is_listed(m->lists[stage], span_text(macros[i].name));
	return (macros[i].stages & 1u << stage) != 0;
}

void
macros_write(const struct milter *m, enum macro_stage stage, char letter,
    struct buf *out)
{
	size_t at = packet_begin(out, PACKET_MACROS);

	(void)buf_append_char(out, letter);
	for (size_t i = 0; i < ARRAY_LEN(macros); i++) {
		struct buf value = { 0 };

		if (!is_wanted(m, stage, i))
			continue;
		write_value(m, macros[i].macro, &value);
		if (buf_len(&value) > 0) {
			packet_put_text(out, span_text(macros[i].name));
			packet_put_text(out, buf_span(&value));
		}
		buf_clear(&value);
	}
	packet_end(out, at);
}
