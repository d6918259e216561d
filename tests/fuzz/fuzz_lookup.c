/*
 * A lookup, driven by bytes: which question is answered next, and how. Whatever is
 * said, it asks no more than it may, asks nothing twice, and ends.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "route/lookup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
};

static uint8_t
take(struct input *in)
{
	if (in->size == 0)
		return 0;
	in->size--;
	return *in->data++;
}

static void
fill(struct input *in, struct dns_answer *a)
{
	*a = (struct dns_answer){ .status = take(in) % 4,
		.ttl = (uint32_t)take(in) << (take(in) % 24),
		.why = "bad" };
	if (a->status != DNS_DATA)
		return;
	a->nmx = take(in) % (DNS_MX_MAX + 1);
	for (unsigned i = 0; i < a->nmx; i++) {
		a->mx[i].preference = take(in);
		(void)snprintf(a->mx[i].name, sizeof a->mx[i].name, "%c%u",
		    take(in), take(in));
	}
	a->naddresses = take(in) % (DNS_ADDRESSES_MAX + 1);
	for (unsigned i = 0; i < a->naddresses; i++)
		a->addresses[i].sa.sa_family = AF_INET;
}

/* One of the questions that are open. */
static unsigned
choose(struct input *in, bool *open, unsigned asked)
{
	unsigned n = take(in) % asked;

	while (!open[n])
		n = (n + 1) % asked;
	open[n] = false;
	return n;
}

static void
run(struct input *in, struct lookup *l, struct dns_answer *a)
{
	bool open[LOOKUP_QUESTIONS_MAX] = { false };
	struct lookup_event ev = { .type = LOOKUP_BEGIN };
	struct lookup_need need = lookup_step(l, &ev);
	unsigned asked = 0;

	while (need.type != LOOKUP_DONE) {
		if (need.type == LOOKUP_ASK) {
			assert(need.first == asked && need.end > asked &&
			       need.end <= LOOKUP_QUESTIONS_MAX);
			for (; asked < need.end; asked++)
				open[asked] =
				    lookup_question_name(l, asked)[0] != '\0';
		}
		assert(lookup_open(l) > 0);
		if (take(in) == 255)
			return;
		fill(in, a);
		ev = (struct lookup_event){ LOOKUP_ANSWERED,
			choose(in, open, asked), a };
		need = lookup_step(l, &ev);
	}
	assert(lookup_open(l) == 0 && need.answer->ttl >= 10 &&
	       need.answer->ttl <= 3600);
	assert(
	    (need.answer->nhosts > 0) == (need.answer->status == LOOKUP_FOUND));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	size_t len = take(&in) % 32;
	struct lookup_options options = { .is_mail = take(&in) % 2 == 0,
		.servers = "" };
	struct lookup_event cancel = { .type = LOOKUP_CANCEL };
	struct dns_answer *a = MEM_NEW(struct dns_answer);
	struct lookup *l;

	len = len < in.size ? len : in.size;
	options.name = span_make((const char *)in.data, len);
	in.data += len;
	in.size -= len;
	l = lookup_new(&options);
	run(&in, l, a);
	(void)lookup_step(l, &cancel);
	lookup_free(l);
	free(a);
	return 0;
}
