#include "smtp/idn.h"

#include <idn2.h>
#include <string.h>

#include "smtp/address.h"

/* More than any domain has bytes: a label of 63 letters may have 252. */
enum { WRITTEN_MOST = 1024 };

struct span
idn_to_ascii(struct span domain, char out[IDN_SIZE])
{
	uint8_t text[WRITTEN_MOST + 1], *found = NULL;
	size_t len = 0;

	if (span_is_ascii(domain))
		return domain;
	if (domain.len > WRITTEN_MOST)
		return SPAN("");
	memcpy(text, domain.ptr, domain.len);
	text[domain.len] = '\0';
	/* Its own rules for ASCII would drop a letter; ours refuse the domain. */
	if (strlen((const char *)text) == domain.len &&
	    idn2_lookup_u8(
		text, &found, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK)
		len = strlen((const char *)found);
	if (domain_is_valid(span_make((const char *)found, len)))
		memcpy(out, found, len);
	else
		len = 0;
	idn2_free(found);
	return span_make(out, len);
}

bool
idn_equal(struct span a, struct span b)
{
	char x[IDN_SIZE], y[IDN_SIZE];

	if (span_is_ascii(a) && span_is_ascii(b))
		return span_equal_nocase(a, b);
	a = idn_to_ascii(a, x);
	b = idn_to_ascii(b, y);
	return !span_is_empty(a) && span_equal_nocase(a, b);
}
