/*
 * A path is cut at its brackets first (a quoted local part may hold '>' and
 * '@'), then a source route is dropped, then local part and domain are checked
 * against RFC 5321 4.1.2. Addresses of RFC 6531 (UTF-8) are not taken.
 */
#include "smtp/address.h"

#include <arpa/inet.h>
#include <string.h>

static bool
is_atext(char c)
{
	return ascii_is_alnum(c) ||
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
		if (!is_printable(s.ptr[i]))
			return 0;
		if (s.ptr[i] == '\\')
			i++;
		else if (s.ptr[i] == '"')
			return i + 1;
	}
	return 0;
}

/* Length of the dot-string at the front; 0: not one. */
static size_t
dot_string_length(struct span s)
{
	size_t n = 0;

	while (n < s.len && (is_atext(s.ptr[n]) || s.ptr[n] == '.')) {
		if (s.ptr[n] == '.' && (n == 0 || s.ptr[n - 1] == '.'))
			return 0;
		n++;
	}
	return n > 0 && s.ptr[n - 1] == '.' ? 0 : n;
}

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

static enum address_status
check_chars(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_printable(s.ptr[i]))
			return ADDRESS_BAD_CHAR;
	return ADDRESS_OK;
}

enum address_status
address_parse(struct span in, struct address *out)
{
	size_t n;

	*out = (struct address){ .text = in };
	if (check_chars(in) != ADDRESS_OK)
		return ADDRESS_BAD_CHAR;
	n = quoted_length(in);
	if (n == 0)
		n = dot_string_length(in);
	if (n == 0)
		return ADDRESS_BAD_LOCAL;
	if (n > ADDRESS_LOCAL_MAX || in.len > ADDRESS_MAX)
		return ADDRESS_TOO_LONG;
	out->local = span_to(in, n);
	if (n == in.len)
		return ADDRESS_NO_DOMAIN;
	if (in.ptr[n] != '@')
		return ADDRESS_BAD_LOCAL;
	out->domain = span_from(in, n + 1);
	if (!domain_is_valid(out->domain) && !domain_is_literal(out->domain))
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

/* RFC 5321 4.1.2 A-d-l: "@one,@two:" in front is accepted and ignored. */
static struct span
without_route(struct span s)
{
	size_t colon;

	if (s.len == 0 || s.ptr[0] != '@')
		return s;
	colon = span_find(s, ':');
	return colon == s.len ? s : span_from(s, colon + 1);
}

enum address_status
address_parse_path(struct span *in, struct address *out)
{
	enum address_status status;
	size_t end;
	struct span inner;

	*out = (struct address){ 0 };
	if (in->len < 2 || in->ptr[0] != '<')
		return ADDRESS_NO_BRACKETS;
	end = closing_bracket(*in);
	if (end == in->len)
		return ADDRESS_NO_BRACKETS;
	inner = span_make(in->ptr + 1, end - 1);
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
