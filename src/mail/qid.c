#include "mail/qid.h"

#include <string.h>

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

struct qid
qid_format(uint64_t id)
{
	char back[QID_SIZE];
	struct qid qid;
	size_t n = 0;

	do {
		back[n++] = digits[id & 31];
		id >>= 5;
	} while (id != 0);
	for (size_t i = 0; i < n; i++)
		qid.text[i] = back[n - 1 - i];
	qid.text[n] = '\0';
	return qid;
}

bool
qid_parse(struct span text, uint64_t *id)
{
	uint64_t n = 0;

	if (text.len == 0 || text.len >= QID_SIZE)
		return false;
	if (text.ptr[0] == '0' && text.len > 1)
		return false; /* qid_format() writes no leading zero */
	for (size_t i = 0; i < text.len; i++) {
		const char *at;
		char c = ascii_lower(text.ptr[i]);

		at = c == '\0' ? NULL : strchr(digits, c);
		if (at == NULL || n >> 59 != 0)
			return false;
		n = n << 5 | (uint64_t)(at - digits);
	}
	*id = n;
	return true;
}
