#include "sign/author.h"

#include <string.h>

#include "mail/mailboxes.h"
#include "smtp/address.h"

static size_t
add_domain(struct span domain, struct author_domain out[AUTHORS_MAX], size_t n)
{
	struct author_domain *to = &out[n];
	char room[IDN_SIZE];

	domain = idn_to_ascii(domain, room);
	if (domain.len >= IDN_SIZE || !domain_is_valid(domain))
		return n;
	for (size_t i = 0; i < domain.len; i++)
		to->text[i] = ascii_lower(domain.ptr[i]);
	to->text[domain.len] = '\0';
	for (size_t i = 0; i < n; i++)
		if (strcmp(out[i].text, to->text) == 0)
			return n;
	return n + 1;
}

size_t
authors_read(struct span value, struct author_domain out[AUTHORS_MAX])
{
	struct mailboxes all = mailboxes_of(value);
	struct mailbox m;
	size_t n = 0;

	while (n < AUTHORS_MAX && mailboxes_next(&all, &m)) {
		size_t at = span_find_last(m.address, '@');

		if (at > 0 && at < m.address.len)
			n = add_domain(span_from(m.address, at + 1), out, n);
	}
	return all.unclear == NULL ? n : 0;
}
