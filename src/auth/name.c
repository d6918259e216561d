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

enum name_found
name_find(struct span mechanism, unsigned step, struct span message,
    struct span *name, struct span *password)
{
	*name = *password = span_to(message, 0);
	if (span_equal_nocase(mechanism, SPAN("PLAIN")))
		return find_plain(message, name, password);
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
