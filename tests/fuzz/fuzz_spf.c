/*
 * An SPF evaluation whose answers are bytes: it asks for names within bounds, no
 * more of them than it may, ends, and says why in letters that print. A DMARC record
 * is read.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sending/dmarc.h"
#include "sending/spf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ten lookups, each with up to ten addresses, and the record. */
enum { QUESTIONS_MOST = 1 + 10 * 11 };

/* Up to the next newline is a record; its first letter says which kind. */
static void
fill(struct span *in, struct dns_answer *a)
{
	struct span line = span_cut(in, '\n');
	size_t n;

	memset(a, 0, sizeof *a);
	a->status = DNS_DATA;
	a->ntxt = a->nmx = 0;
	if (line.len == 0) {
		a->status = DNS_NO_NAME;
	} else if (line.ptr[0] == '!') {
		a->status = DNS_FAILED;
	} else if (line.ptr[0] == '4') {
		a->naddresses = 1;
		a->addresses[0].in.sin_family = AF_INET;
		a->addresses[0].in.sin_addr.s_addr = (uint32_t)line.len;
	} else if (line.ptr[0] == '@') {
		a->nmx = (unsigned)(line.len % 13);
		for (unsigned i = 0; i < a->nmx; i++)
			(void)snprintf(
			    a->mx[i].name, DNS_NAME_MAX, "m%u.test", i);
	} else {
		n = line.len < DNS_TXT_LENGTH ? line.len : DNS_TXT_LENGTH;
		a->ntxt = 1;
		a->txt[0].len = (uint16_t)n;
		memcpy(a->text, line.ptr, n);
	}
}

static void
run(struct span in, struct spf *s, struct dns_answer *a)
{
	struct spf_question q;
	unsigned asked = 0;
	bool more = spf_step(s, NULL, &q);

	while (more) {
		size_t len = strlen(q.name);

		assert(len > 0 && len < DNS_NAME_MAX);
		assert(++asked <= QUESTIONS_MOST);
		fill(&in, a);
		more = spf_step(s, a, &q);
	}
	assert(spf_lookups(s) <= SPF_LOOKUPS_MOST);
	for (const char *p = spf_why(s); *p != '\0'; p++)
		assert(*p >= ' ' && *p <= '~');
	for (const char *p = spf_record(s); *p != '\0'; p++)
		assert(*p >= ' ' && *p <= '~');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size);
	union dns_address four = { .sa = { .sa_family = AF_INET } };
	struct dns_answer *a = MEM_NEW(struct dns_answer);
	char why[DMARC_WHY_SIZE];
	struct dmarc d;
	struct spf *s;

	if (dmarc_read(in, &d, why))
		assert((int)d.policy < DMARC_POLICIES &&
		       (int)d.sub_policy < DMARC_POLICIES);
	s = spf_new(
	    &(struct spf_of){ SPAN("a.test"), &four, SPAN("relay.test") });
	run(in, s, a);
	spf_free(s);
	free(a);
	return 0;
}
