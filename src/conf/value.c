#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/mem.h"
#include "base/network.h"
#include "conf_priv.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* Digits and a unit; the product may be `most` at the most. */
static bool
parse_number(struct span text, const struct unit *units, size_t nunits,
    uint64_t most, uint64_t *out)
{
	size_t digits = 0;
	struct span unit;

	while (digits < text.len && ascii_is_digit(text.ptr[digits]))
		digits++;
	unit = span_from(text, digits);
	for (size_t i = 0; i < nunits; i++) {
		uint64_t n;

		if (!span_equal_nocase(unit, span_text(units[i].name)))
			continue;
		if (!span_to_u64(
			span_to(text, digits), most / units[i].factor, &n))
			return false;
		*out = n * units[i].factor;
		return true;
	}
	return false;
}

bool
conf_parse_duration(struct span text, uint32_t *seconds)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "s", 1 },
		{ "min", 60 },
		{ "h", 3600 },
		{ "d", 86400 },
	};
	uint64_t n;

	if (!parse_number(text, units, ARRAY_LEN(units), UINT32_MAX, &n))
		return false;
	*seconds = (uint32_t)n;
	return true;
}

bool
conf_parse_size(struct span text, uint64_t *bytes)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "kb", 1 << 10 },
		{ "mb", 1 << 20 },
		{ "gb", 1 << 30 },
	};

	return parse_number(text, units, ARRAY_LEN(units), UINT64_MAX, bytes);
}

static bool
is_numeric(int family, const char *host)
{
	struct in6_addr any;

	return inet_pton(family, host, &any) == 1;
}

bool
conf_parse_address(
    struct span text, char *host, size_t host_size, uint16_t *port)
{
	size_t colon = span_find_last(text, ':');
	struct span name = span_to(text, colon);
	char copy[INET6_ADDRSTRLEN + 1];
	bool v6 = false;
	uint64_t n;

	if (colon == text.len ||
	    !span_to_u64(span_from(text, colon + 1), UINT16_MAX, &n))
		return false;
	if (name.len >= 2 && name.ptr[0] == '[' &&
	    name.ptr[name.len - 1] == ']') {
		v6 = true;
		name = span_make(name.ptr + 1, name.len - 2);
	} else if (span_equal(name, SPAN("*"))) {
		name.len = 0;
	}
	if (name.len >= sizeof copy || name.len >= host_size)
		return false;
	if (name.len > 0)
		memcpy(copy, name.ptr, name.len);
	copy[name.len] = '\0';
	if ((v6 || name.len > 0) && !is_numeric(v6 ? AF_INET6 : AF_INET, copy))
		return false;
	memcpy(host, copy, name.len + 1);
	*port = (uint16_t)n;
	return true;
}

/* 0.0.0.0, which an IPv4 socket alone has, or ::, which one of IPv6 has. */
static bool
is_any(const struct network *n, bool is_v6)
{
	struct network any;

	return network_parse(is_v6 ? SPAN("::") : SPAN("0.0.0.0"), &any) &&
	       network_has(&any, n);
}

bool
conf_addresses_meet(const char *one, const char *other)
{
	bool is_v6 = strchr(one, ':') != NULL;
	struct network a, b;

	if (one[0] == '\0' || other[0] == '\0')
		return true;
	if (is_v6 != (strchr(other, ':') != NULL) ||
	    !network_parse(span_text(one), &a) ||
	    !network_parse(span_text(other), &b))
		return false;
	return network_has(&a, &b) || is_any(&a, is_v6) || is_any(&b, is_v6);
}

static bool
label_is_valid(struct span label)
{
	if (label.len == 0 || label.len > 63 || label.ptr[0] == '-' ||
	    label.ptr[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++)
		if (!ascii_is_alnum(label.ptr[i]) && label.ptr[i] != '-')
			return false;
	return true;
}

bool
conf_domain_is_valid(struct span name)
{
	struct span label = { 0 };

	if (name.len == 0 || name.len > 253 || name.ptr[name.len - 1] == '.')
		return false;
	while (name.len > 0) {
		label = span_cut(&name, '.');
		if (!label_is_valid(label))
			return false;
	}
	/* RFC 3696 2: a last label of digits is an address, not a name. */
	for (size_t i = 0; i < label.len; i++)
		if (!ascii_is_digit(label.ptr[i]))
			return true;
	return false;
}

bool
conf_is_default(const char *title)
{
	return span_equal_nocase(span_text(title), SPAN("default"));
}

char *
conf_lower(struct span text)
{
	char *copy = span_dup(text);

	for (size_t i = 0; i < text.len; i++)
		copy[i] = ascii_lower(copy[i]);
	return copy;
}

int
conf_compare(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;

	if (a.ptr == NULL || b.ptr == NULL)
		return (a.ptr == NULL) - (b.ptr == NULL);
	for (size_t i = 0; i < n; i++) {
		unsigned char x = (unsigned char)ascii_lower(a.ptr[i]);
		unsigned char y = (unsigned char)ascii_lower(b.ptr[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return (a.len > b.len) - (a.len < b.len);
}
