/*
 *   record = "v=spf1" *( 1*SP ( [qualifier] mechanism / name "=" value ) )
 *
 * Each term is read by the row of its name in a table. A record with one wrong term
 * is wrong as a whole (RFC 7208 4.6).
 */
#include "spf_priv.h"

static const struct span version = { "v=spf1", 6 };

/* What may and must stand behind a mechanism's name. */
enum { MAY_DOMAIN = 1, NEEDS_DOMAIN = 2, MAY_BITS = 4, NEEDS_NETWORK = 8 };

static const struct {
	const char *name;
	enum spf_kind kind;
	unsigned rest;
} mechanisms[] = {
	{ "all", SPF_ALL, 0 },
	{ "include", SPF_INCLUDE, NEEDS_DOMAIN },
	{ "a", SPF_A, MAY_DOMAIN | MAY_BITS },
	{ "mx", SPF_MX, MAY_DOMAIN | MAY_BITS },
	{ "ptr", SPF_PTR, MAY_DOMAIN },
	{ "ip4", SPF_IP4, NEEDS_NETWORK },
	{ "ip6", SPF_IP6, NEEDS_NETWORK },
	{ "exists", SPF_EXISTS, NEEDS_DOMAIN },
};

bool
spf_is_record(struct span text)
{
	return span_starts_nocase(text, version) &&
	       (text.len == version.len || text.ptr[version.len] == ' ');
}

/* --- the parts of a term --- */

static bool
take_qualifier(struct span *s, enum spf_result *out)
{
	*out = SPF_PASS;
	if (s->len == 0)
		return false;
	switch (s->ptr[0]) {
	case '+': break;
	case '-': *out = SPF_FAIL; break;
	case '~': *out = SPF_SOFTFAIL; break;
	case '?': *out = SPF_NEUTRAL; break;
	default: return true;
	}
	*s = span_from(*s, 1);
	return true;
}

/* RFC 7208 5.6: no leading zero; false for what is no length. */
static bool
read_bits(struct span s, uint8_t most, uint8_t *out)
{
	uint64_t n;

	if (!span_to_u64(s, most, &n) || (s.len > 1 && s.ptr[0] == '0'))
		return false;
	*out = (uint8_t)n;
	return true;
}

/* The first slash that stands in no macro: they have slashes as delimiters. */
static size_t
find_slash(struct span s)
{
	bool is_macro = false;
	size_t i = 0;

	for (; i < s.len && (is_macro || s.ptr[i] != '/'); i++) {
		if (s.ptr[i] == '{')
			is_macro = true;
		else if (s.ptr[i] == '}')
			is_macro = false;
	}
	return i;
}

/* "/24", "/24//64", "//64", or nothing. */
static bool
read_dual_bits(struct span s, struct spf_term *out)
{
	struct span four, six;

	out->bits4 = 32;
	out->bits6 = 128;
	if (s.len == 0)
		return true;
	if (!span_starts(s, SPAN("//"))) {
		four = span_from(s, 1);
		six = four;
		four = span_cut(&six, '/');
		if (!read_bits(four, 32, &out->bits4))
			return false;
		if (four.len + 1 == s.len)
			return true;
		s = span_from(s, four.len + 1);
	}
	return span_starts(s, SPAN("//")) &&
	       read_bits(span_from(s, 2), 128, &out->bits6);
}

static bool
read_network(struct span s, struct spf_term *out)
{
	struct span rest = s, address = span_cut(&rest, '/');
	bool is_v6 = span_find(address, ':') < address.len;
	uint8_t bits;

	return is_v6 == (out->kind == SPF_IP6) &&
	       (address.len == s.len ||
		   read_bits(rest, is_v6 ? 128 : 32, &bits)) &&
	       network_parse(s, &out->network);
}

/* --- terms --- */

/* `s`: behind the mechanism's name. */
static bool
read_rest(struct span s, unsigned may, struct spf_term *out)
{
	bool has_colon = s.len > 0 && s.ptr[0] == ':';
	size_t slash;

	if ((may & NEEDS_NETWORK) != 0)
		return has_colon && read_network(span_from(s, 1), out);
	slash = (may & MAY_BITS) != 0 ? find_slash(s) : s.len;
	if (!read_dual_bits(span_from(s, slash), out))
		return false;
	s = span_to(s, slash);
	if (!has_colon)
		return s.len == 0 && (may & NEEDS_DOMAIN) == 0;
	out->domain = span_from(s, 1);
	return (may & (MAY_DOMAIN | NEEDS_DOMAIN)) != 0 &&
	       spf_is_domain_spec(out->domain);
}

static bool
read_mechanism(struct span s, struct spf_term *out)
{
	size_t end = 0;

	if (!take_qualifier(&s, &out->qualifier))
		return false;
	while (end < s.len && s.ptr[end] != ':' && s.ptr[end] != '/')
		end++;
	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
		if (span_equal_nocase(
			span_to(s, end), span_text(mechanisms[i].name))) {
			out->kind = mechanisms[i].kind;
			return read_rest(
			    span_from(s, end), mechanisms[i].rest, out);
		}
	return false;
}

static bool
is_name_letter(char c)
{
	return ascii_is_alnum(c) || c == '-' || c == '_' || c == '.';
}

/* How long the name of a modifier is; 0: it is none. */
static size_t
modifier_name(struct span s)
{
	size_t i = 0;

	while (i < s.len && is_name_letter(s.ptr[i]))
		i++;
	return i < s.len && s.ptr[i] == '=' && ascii_is_alpha(s.ptr[0]) ? i : 0;
}

static bool
read_modifier(struct span s, size_t name, struct spf_term *out)
{
	bool is_redirect =
	    span_equal_nocase(span_to(s, name), SPAN("redirect"));
	bool is_exp = span_equal_nocase(span_to(s, name), SPAN("exp"));

	out->kind = is_redirect ? SPF_REDIRECT : SPF_EXP;
	out->domain = span_from(s, name + 1);
	return (!is_redirect && !is_exp) || spf_is_domain_spec(out->domain);
}

enum spf_next
spf_term_next(struct span *rest, struct spf_term *out)
{
	size_t name;

	while (rest->len > 0 && rest->ptr[0] == ' ')
		*rest = span_from(*rest, 1);
	*out = (struct spf_term){ .domain = SPAN("") };
	if (rest->len == 0)
		return SPF_END;
	out->whole = span_cut(rest, ' ');
	for (size_t i = 0; i < out->whole.len; i++)
		if (out->whole.ptr[i] < 0x21 || out->whole.ptr[i] > 0x7e)
			return SPF_WRONG;
	name = modifier_name(out->whole);
	if (name > 0 ? read_modifier(out->whole, name, out)
		     : read_mechanism(out->whole, out))
		return SPF_TERM;
	return SPF_WRONG;
}

/* RFC 7208 6: those that are known stand there once. */
static bool
is_second(const struct spf_term *t, bool *has_redirect, bool *has_exp)
{
	bool *has = t->kind == SPF_REDIRECT			 ? has_redirect
		    : span_starts_nocase(t->whole, SPAN("exp=")) ? has_exp
								 : NULL;
	bool had;

	if (has == NULL)
		return false;
	had = *has;
	*has = true;
	return had;
}

bool
spf_is_sound(struct span terms, struct span *bad)
{
	bool has_redirect = false, has_exp = false;
	enum spf_next next;
	struct spf_term t;

	do {
		next = spf_term_next(&terms, &t);
		if (next == SPF_WRONG ||
		    (next == SPF_TERM &&
			is_second(&t, &has_redirect, &has_exp))) {
			*bad = t.whole;
			return false;
		}
	} while (next != SPF_END);
	return true;
}
