/*
 * zone: answers to questions from a table of records. A row's value without text
 * (NULL) is a name whose servers do not answer; MX hosts are parted by blanks.
 */
#ifndef TESTS_SENDING_ZONE_H
#define TESTS_SENDING_ZONE_H

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "dns/answer.h"

struct zone_row {
	const char *name;
	enum dns_type type;
	const char *value;
};

static inline void
zone_put(struct dns_answer *a, const struct zone_row *row)
{
	struct span value = span_text(row->value);
	union dns_address *address = &a->addresses[a->naddresses];
	uint16_t at = 0;

	if (row->type == DNS_TXT) {
		if (a->ntxt > 0)
			at = (uint16_t)(a->txt[a->ntxt - 1].at +
					a->txt[a->ntxt - 1].len);
		memcpy(a->text + at, value.ptr, value.len);
		a->txt[a->ntxt++] = (struct dns_txt){ at, (uint16_t)value.len };
	} else if (row->type == DNS_MX) {
		while (value.len > 0) {
			struct span host = span_cut(&value, ' ');

			(void)snprintf(a->mx[a->nmx++].name, DNS_NAME_MAX,
			    "%.*s", SPAN_ARG(host));
		}
	} else if (row->type == DNS_A) {
		address->in.sin_family = AF_INET;
		a->naddresses += (unsigned)inet_pton(
		    AF_INET, row->value, &address->in.sin_addr);
	} else {
		address->in6.sin6_family = AF_INET6;
		a->naddresses += (unsigned)inet_pton(
		    AF_INET6, row->value, &address->in6.sin6_addr);
	}
}

static inline void
zone_answer(const struct zone_row *rows, size_t n, const char *name,
    enum dns_type type, struct dns_answer *a)
{
	memset(a, 0, sizeof *a);
	a->status = DNS_NO_NAME;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		if (rows[i].value == NULL) {
			a->status = DNS_FAILED;
			a->why = "timed out";
			return;
		}
		if (a->status == DNS_NO_NAME)
			a->status = DNS_NONE;
		if (rows[i].type != type)
			continue;
		a->status = DNS_DATA;
		zone_put(a, &rows[i]);
	}
}

#endif
