#include "name.h"

/* authzid NUL authcid NUL password */
static enum name_found
find_plain(struct span message, struct span *name, struct span *password)
{
	(void)span_cut(&message, '\0');
	*name = span_cut(&message, '\0');
	*password = message;
	return NAME_FOUND;
}

/* "n,," "y,," or "p=...,a=...,", then "n=NAME,r=..." */
static enum name_found
find_scram(struct span message, struct span *name)
{
	(void)span_cut(&message, ',');
	(void)span_cut(&message, ',');
	*name = span_cut(&message, ',');
	if (!span_starts(*name, SPAN("n=")))
		return NAME_UNKNOWN;
	*name = span_from(*name, 2);
	return NAME_FOUND;
}

/* The value behind `key`, up to `end`; empty: it is not there. */
static struct span
value_of(struct span message, struct span key, char end)
{
	for (size_t i = 0; i < message.len; i++)
		if (span_starts(span_from(message, i), key)) {
			message = span_from(message, i + key.len);
			return span_cut(&message, end);
		}
	return span_to(message, 0);
}

/* The token is what a password is; whose it is need not be said (bearer.h). */
static enum name_found
find_bearer(
    bool is_x, struct span message, struct span *name, struct span *password)
{
	*name = is_x ? value_of(message, SPAN("user="), '\x01')
		     : value_of(message, SPAN(",a="), ',');
	*password = value_of(message,
	    SPAN("\x01"
		 "auth="),
	    '\x01');
	return span_is_empty(*name) ? NAME_UNKNOWN : NAME_FOUND;
}

enum name_found
name_find(struct span mechanism, unsigned step, struct span message,
    struct span *name, struct span *password)
{
	*name = *password = span_to(message, 0);
	if (span_equal_nocase(mechanism, SPAN("PLAIN")))
		return find_plain(message, name, password);
	if (span_equal_nocase(mechanism, SPAN("OAUTHBEARER")) ||
	    span_equal_nocase(mechanism, SPAN("XOAUTH2")))
		return step > 0 ? NAME_NONE
				: find_bearer(
				      span_starts_nocase(mechanism, SPAN("X")),
				      message, name, password);
	if (span_starts_nocase(mechanism, SPAN("SCRAM-")))
		return step == 0 ? find_scram(message, name) : NAME_NONE;
	if (!span_equal_nocase(mechanism, SPAN("LOGIN")))
		return NAME_UNKNOWN;
	if (step == 0) {
		*name = message;
		return NAME_FOUND;
	}
	*password = message;
	return NAME_NONE;
}
