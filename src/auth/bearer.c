#include "bearer.h"

#include <string.h>

/* RFC 7628 3.1: what is between is key=value, each ended by this. */
#define END '\x01'

/* saslname (RFC 5801 4): "=2C" is a comma, "=3D" an equals sign. */
static bool
decode_name(struct span text, char out[BEARER_NAME_MAX])
{
	size_t n = 0;

	while (text.len > 0 && n + 1 < BEARER_NAME_MAX) {
		char c = text.ptr[0];

		if (c == '\0')
			return false;
		text = span_from(text, 1);
		if (c == '=' && span_starts(text, SPAN("2C")))
			c = ',';
		else if (c == '=' && !span_starts(text, SPAN("3D")))
			return false;
		if (c == ',' || c == '=')
			text = span_from(text, 2);
		out[n++] = c;
	}
	out[n] = '\0';
	return text.len == 0;
}

static bool
copy_name(struct span text, char out[BEARER_NAME_MAX])
{
	if (text.len >= BEARER_NAME_MAX || span_find(text, '\0') < text.len)
		return false;
	memcpy(out, text.ptr, text.len);
	out[text.len] = '\0';
	return true;
}

/* RFC 6750 2.1, without the blank: token68 of RFC 7235. */
static bool
is_token(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_alnum(s.ptr[i]) &&
		    (s.ptr[i] == '\0' || strchr("-._~+/=", s.ptr[i]) == NULL))
			return false;
	return s.len > 0 && s.len <= BEARER_TOKEN_MAX;
}

/* "n,a=user@b.test," or "n,,"; no channel is bound ("p") without a mechanism for it. */
static bool
take_header(struct span *message, struct bearer *out)
{
	struct span flag = span_cut(message, ',');
	struct span name = span_cut(message, ',');

	if (!span_equal(flag, SPAN("n")) && !span_equal(flag, SPAN("y")))
		return false;
	if (!span_is_empty(name) &&
	    (!span_starts(name, SPAN("a=")) ||
		!decode_name(span_from(name, 2), out->account)))
		return false;
	return span_is_empty(span_cut(message, END));
}

static bool
take_pair(struct span pair, enum bearer_kind kind, struct bearer *out)
{
	static const struct span scheme = { "Bearer ", 7 };

	if (kind == BEARER_X && span_starts(pair, SPAN("user=")))
		return copy_name(span_from(pair, 5), out->account);
	if (!span_starts(pair, SPAN("auth=")))
		return true; /* host, port, and what is yet to come */
	pair = span_from(pair, 5);
	if (!span_starts_nocase(pair, scheme) || out->token.len > 0)
		return false;
	out->token = span_trim(span_from(pair, scheme.len));
	return is_token(out->token);
}

bool
bearer_parse(enum bearer_kind kind, struct span message, struct bearer *out)
{
	struct span pair;

	*out = (struct bearer){ .token = { "", 0 } };
	if (message.len < 2 || message.ptr[message.len - 1] != END)
		return false;
	if (kind == BEARER_OAUTH && !take_header(&message, out))
		return false;
	while (message.len > 1) {
		pair = span_cut(&message, END);
		if (!take_pair(pair, kind, out))
			return false;
	}
	/* The last one is followed by one more END. */
	return span_equal(message, SPAN("\x01")) && out->token.len > 0;
}
