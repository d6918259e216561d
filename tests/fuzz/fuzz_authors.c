/*
 * A header: its authors are the account's only if the one address that is the
 * account's stands in it, and what is told of others can be shown.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "mail/header.h"
#include "policy/authors.h"
#include "policy/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
has_field(struct span header, struct span name)
{
	struct header_field f;

	while (header_next(&header, &f))
		if (span_equal_nocase(f.name, name))
			return true;
	return false;
}

/* Without regard to case. */
static bool
contains(struct span s, struct span what)
{
	for (; s.len >= what.len; s = span_from(s, 1))
		if (span_starts_nocase(s, what))
			return true;
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span header = span_make((const char *)data, size);
	char own[] = "$login", *send_as[] = { own };
	struct conf_account account = { .send_as = send_as, .nsend_as = 1 };
	struct identity who = { .account = &account,
		.login = SPAN("a@b.test") };
	struct authors got;

	authors_review(header, &who, &got);
	if (got.verdict == AUTHORS_OWN && has_field(header, SPAN("from")))
		assert(contains(header, SPAN("b.test")));
	for (const char *p = got.address; *p != '\0'; p++)
		assert(*p > ' ' && *p < 0x7f);
	if (got.verdict == AUTHORS_UNCLEAR)
		assert(got.why != NULL);
	assert(got.name.len <= size);
	return 0;
}
