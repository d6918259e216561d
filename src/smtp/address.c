/*
 * A path is cut at its brackets first (a quoted local part may hold '>' and
 * '@'), then a source route is dropped, then local part and domain are checked.
 * Letters beyond ASCII (RFC 6531) may stand wherever letters may; as a whole they
 * are looked at first (check_chars).
 */
#include "smtp/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/utf8.h"
#include "smtp/idn.h"

static inline bool
is_atext(char c)
{
	return ascii_is_alnum(c) || (unsigned char)c > 127 ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool
is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

/* Length of the quoted string at the front, quotes included; 0: not one. */
static size_t
quoted_length(struct span s)
{
	if (s.len == 0 || s.ptr[0] != '"')
		return 0;
	for (size_t i = 1; i < s.len; i++) {
		if (!is_printable(s.ptr[i]) && (unsigned char)s.ptr[i] < 128)
			return 0;
		if (s.ptr[i] == '\\')
			i++;
		else if (s.ptr[i] == '"')
			return i + 1;
	}
	return 0;
}

/*
 * Length of the letters and dots at the front. RFC 5321 wants the dots between
 * letters (then it is plain), but mailboxes such as "mei..shop" and ".mei" are
 * real: they leave in quotes.
 */
static size_t
dotted_length(struct span s, bool *plain)
{
	char before = '.';
	size_t n;

	*plain = true;
	for (n = 0; n < s.len && (is_atext(s.ptr[n]) || s.ptr[n] == '.'); n++) {
		*plain &= s.ptr[n] != '.' || before != '.';
		before = s.ptr[n];
	}
	*plain &= before != '.';
	return n;
}

/* --- what a local part means --- */

/* The letters of a local part, one by one: quotes and backslashes are none. */
struct letters {
	struct span rest;
	bool quoted;
};

static bool
may_be_quoted(struct span local)
{
	return local.len > 0 && local.ptr[0] == '"';
}

static struct letters
letters_of(struct span local)
{
	struct letters l = { .rest = local };

	l.quoted = quoted_length(local) == local.len && local.len >= 2;
	if (l.quoted)
		l.rest = span_make(local.ptr + 1, local.len - 2);
	return l;
}

static bool
next_letter(struct letters *l, char *c)
{
	if (l->quoted && l->rest.len > 1 && l->rest.ptr[0] == '\\')
		l->rest = span_from(l->rest, 1);
	if (span_is_empty(l->rest))
		return false;
	*c = l->rest.ptr[0];
	l->rest = span_from(l->rest, 1);
	return true;
}

/* RFC 5321 4.1.2 Dot-string: what may leave without quotes. */
static bool
is_dot_string(struct letters l)
{
	char before = '.', c;

	while (next_letter(&l, &c)) {
		if (c == '.' ? before == '.' : !is_atext(c))
			return false;
		before = c;
	}
	return before != '.';
}

void
address_write(const struct address *a, struct buf *out)
{
	struct letters l;
	bool quoted;
	char c;

	if (address_is_null(a))
		return;
	if (a->is_plain) {
		(void)buf_append_span(out, a->text);
		return;
	}
	l = letters_of(a->local);
	quoted = !is_dot_string(l);
	if (quoted)
		(void)buf_append_char(out, '"');
	while (next_letter(&l, &c)) {
		if (c == '"' || c == '\\')
			(void)buf_append_char(out, '\\');
		(void)buf_append_char(out, c);
	}
	if (quoted)
		(void)buf_append_char(out, '"');
	if (span_is_empty(a->domain))
		return;
	(void)buf_append_char(out, '@');
	(void)buf_append_span(out, a->domain);
}

bool
address_local_equal_nocase(struct span a, struct span b)
{
	struct letters la, lb;
	char ca, cb;

	if (!may_be_quoted(a) && !may_be_quoted(b))
		return span_equal_nocase(a, b);
	la = letters_of(a);
	lb = letters_of(b);
	while (next_letter(&la, &ca))
		if (!next_letter(&lb, &cb) ||
		    ascii_lower(ca) != ascii_lower(cb))
			return false;
	return !next_letter(&lb, &cb);
}

/* --- domains --- */

bool
domain_is_valid(struct span domain)
{
	size_t label = 0;

	if (domain.len == 0 || domain.len > ADDRESS_DOMAIN_MAX)
		return false;
	for (size_t i = 0; i < domain.len; i++) {
		char c = domain.ptr[i];

		if (c == '.') {
			if (label == 0 || domain.ptr[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!ascii_is_alnum(c) && c != '_' && (c != '-' || label == 0))
			return false;
		if (++label > 63)
			return false;
	}
	return label > 0 && domain.ptr[domain.len - 1] != '-';
}

bool
domain_is_literal(struct span domain)
{
	static const struct span v6 = { "IPv6:", 5 };
	char text[INET6_ADDRSTRLEN];
	unsigned char addr[16];
	struct span inner;
	int family = AF_INET;

	if (domain.len < 3 || domain.ptr[0] != '[' ||
	    domain.ptr[domain.len - 1] != ']')
		return false;
	inner = span_make(domain.ptr + 1, domain.len - 2);
	if (span_starts_nocase(inner, v6)) {
		inner = span_from(inner, v6.len);
		family = AF_INET6;
	}
	if (inner.len >= sizeof text)
		return false;
	memcpy(text, inner.ptr, inner.len);
	text[inner.len] = '\0';
	return inet_pton(family, text, addr) == 1;
}

/* --- mailboxes and paths --- */

/* Printable ASCII, or letters of UTF-8 that show what they are. */
static bool
check_chars(struct span s, bool *is_utf8)
{
	*is_utf8 = false;
	while (!span_is_empty(s)) {
		uint32_t c = 0;
		size_t len;

		if (is_printable(s.ptr[0])) { /* nearly always */
			s = span_from(s, 1);
			continue;
		}
		len = utf8_first(s, &c);

		if (len == 0 || utf8_is_control(c))
			return false;
		*is_utf8 |= len > 1;
		s = span_from(s, len);
	}
	return true;
}

/* U-labels are checked as what they are for the name servers. */
static bool
is_domain(struct span domain)
{
	char text[IDN_SIZE];

	return domain_is_literal(domain) ||
	       domain_is_valid(idn_to_ascii(domain, text));
}

enum address_status
address_parse(struct span in, struct address *out)
{
	size_t n;

	*out = (struct address){ .text = in };
	if (!check_chars(in, &out->is_utf8))
		return ADDRESS_BAD_CHAR;
	n = quoted_length(in);
	if (n == 0)
		n = dotted_length(in, &out->is_plain);
	if (n == 0)
		return ADDRESS_BAD_LOCAL;
	if (in.len > ADDRESS_MAX)
		return ADDRESS_TOO_LONG;
	out->local = span_to(in, n);
	if (n == in.len)
		return ADDRESS_NO_DOMAIN;
	if (in.ptr[n] != '@')
		return ADDRESS_BAD_LOCAL;
	out->domain = span_from(in, n + 1);
	/* The root's dot, which a resolver knows and SMTP does not. */
	if (out->domain.len > 1 &&
	    out->domain.ptr[out->domain.len - 1] == '.') {
		out->domain.len--;
		out->is_plain = false;
	}
	if (!is_domain(out->domain))
		return ADDRESS_BAD_DOMAIN;
	return ADDRESS_OK;
}

/* The index of the bracket that closes the path, or s.len. */
static size_t
closing_bracket(struct span s)
{
	bool quoted = false;

	for (size_t i = 1; i < s.len; i++) {
		if (quoted && s.ptr[i] == '\\')
			i++;
		else if (s.ptr[i] == '"')
			quoted = !quoted;
		else if (s.ptr[i] == '>' && !quoted)
			return i;
	}
	return s.len;
}

/*
 * RFC 5321 4.1.2 A-d-l: "@one,@two:" in front is accepted and ignored. What is no
 * such list stays there, and is no local part.
 */
static struct span
without_route(struct span s)
{
	struct span rest = s, hops = span_cut(&rest, ':'), hop;

	if (rest.len == 0)
		return s;
	do {
		hop = span_trim(span_cut(&hops, ','));
		if (!span_starts(hop, SPAN("@")) ||
		    !is_domain(span_from(hop, 1)))
			return s;
	} while (hops.len > 0);
	return rest;
}

/* Without brackets: what stands before the first blank that is not quoted. */
static enum address_status
parse_bare(struct span *in, struct address *out)
{
	size_t quoted = quoted_length(*in);
	struct span rest = span_from(*in, quoted);
	struct span all = span_to(*in, quoted + span_find(rest, ' '));

	if (span_find(all, '@') == all.len || all.ptr[all.len - 1] == '>')
		return ADDRESS_NO_BRACKETS;
	*in = span_from(*in, all.len);
	return address_parse(without_route(all), out);
}

enum address_status
address_parse_path(struct span *in, struct address *out)
{
	enum address_status status;
	size_t end;
	struct span inner;

	*out = (struct address){ 0 };
	if (in->len == 0 || in->ptr[0] != '<')
		return parse_bare(in, out);
	end = closing_bracket(*in);
	if (end == in->len)
		return ADDRESS_NO_BRACKETS;
	inner = span_trim(span_make(in->ptr + 1, end - 1));
	*in = span_from(*in, end + 1);
	if (span_is_empty(inner)) {
		out->text = inner;
		return ADDRESS_OK;
	}
	status = address_parse(without_route(inner), out);
	if (status == ADDRESS_NO_DOMAIN &&
	    span_equal_nocase(out->local, SPAN("postmaster")))
		return ADDRESS_OK;
	return status;
}

bool
address_is_null(const struct address *a)
{
	return span_is_empty(a->text);
}

const char *
address_status_text(enum address_status s)
{
	switch (s) {
	case ADDRESS_OK: return "fine";
	case ADDRESS_NO_BRACKETS: return "write it as <name@domain>";
	case ADDRESS_NO_DOMAIN: return "the address has no domain";
	case ADDRESS_BAD_LOCAL: return "the part before the @ is not valid";
	case ADDRESS_BAD_DOMAIN: return "the domain is not valid";
	case ADDRESS_BAD_CHAR:
		return "the address has a character that is "
		       "not allowed";
	case ADDRESS_TOO_LONG: return "the address is too long";
	}
	return "";
}
