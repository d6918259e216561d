#include "smtp/mailbox_key.h"

struct span
mailbox_key(const struct address *a, char room[MAILBOX_KEY_SIZE])
{
	char domain[IDN_SIZE];
	struct address plain = *a;
	struct buf out = { .max = MAILBOX_KEY_SIZE };
	size_t len;

	plain.domain = idn_to_ascii(a->domain, domain);
	plain.is_plain = false; /* its text may be written otherwise */
	address_write(&plain, &out);
	len = buf_len(&out);
	for (size_t i = 0; i < len; i++)
		room[i] = ascii_lower(buf_span(&out).ptr[i]);
	buf_clear(&out);
	return span_make(room, len);
}
