/*
 *   SPF (for each address of ours) -> DKIM (the record of each key) -> DMARC, at the
 *   domain, and at the organisational one -> the verdict
 */
#include "sending/look.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sign/key.h"
#include "sign/keyring.h"
#include "sign/record.h"

enum stage { AT_SPF, AT_DKIM, AT_DMARC, AT_ORGANISATION, AT_END };

struct look {
	enum stage stage;
	char hostname[SENDING_NAME_SIZE];
	union dns_address addresses[LOOK_ADDRESSES_MOST];
	struct key *keys[LOOK_KEYS_MOST]; /* owned references */
	unsigned naddresses, nkeys, at; /* at: of the stage */
	struct spf *spf; /* owned; the one under way */
	char name[SENDING_NAME_SIZE + 8]; /* that is asked for */
	struct dmarc dmarc;
	struct sending out;
};

static void
copy(struct span from, char *to, size_t size)
{
	from = span_to(from, size - 1);
	memcpy(to, from.ptr, from.len);
	to[from.len] = '\0';
}

struct look *
look_new(const struct look_of *of)
{
	struct look *l = MEM_NEW(struct look);

	copy(of->domain, l->out.domain, sizeof l->out.domain);
	copy(of->mail_from, l->out.mail_from, sizeof l->out.mail_from);
	copy(of->hostname, l->hostname, sizeof l->hostname);
	l->naddresses = of->naddresses < LOOK_ADDRESSES_MOST
			    ? of->naddresses
			    : LOOK_ADDRESSES_MOST;
	for (unsigned i = 0; i < l->naddresses; i++)
		l->addresses[i] = of->addresses[i];
	for (; l->nkeys < of->nkeys && l->nkeys < LOOK_KEYS_MOST; l->nkeys++)
		l->keys[l->nkeys] = key_ref(of->keys[l->nkeys]);
	return l;
}

void
look_free(struct look *l)
{
	if (l == NULL)
		return;
	spf_free(l->spf);
	for (unsigned i = 0; i < l->nkeys; i++)
		key_unref(l->keys[i]);
	free(l);
}

const struct sending *
look_verdict(const struct look *l)
{
	return &l->out;
}

static void
go_to(struct look *l, enum stage stage)
{
	l->stage = stage;
	l->at = 0;
}

/* --- SPF --- */

/* How bad it is, when addresses differ. */
static unsigned
badness(enum spf_result r)
{
	static const unsigned char order[SPF_RESULTS] = { [SPF_PASS] = 0,
		[SPF_NEUTRAL] = 2,
		[SPF_NONE] = 3,
		[SPF_SOFTFAIL] = 4,
		[SPF_FAIL] = 5,
		[SPF_PERMERROR] = 6,
		[SPF_TEMPERROR] = 1 };

	return order[r];
}

static void
take_spf(struct look *l)
{
	struct sending *s = &l->out;
	char address[INET6_ADDRSTRLEN] = "";
	const union dns_address *a = &l->addresses[l->at];

	if (l->at == 0 ||
	    badness(spf_result(l->spf)) > badness(s->spf.result)) {
		(void)inet_ntop(a->sa.sa_family,
		    a->sa.sa_family == AF_INET
			? (const void *)&a->in.sin_addr
			: (const void *)&a->in6.sin6_addr,
		    address, sizeof address);
		s->spf.result = spf_result(l->spf);
		(void)snprintf(s->spf.why, sizeof s->spf.why, "%s: %s", address,
		    spf_why(l->spf));
	}
	if (spf_lookups(l->spf) > s->spf.lookups)
		s->spf.lookups = spf_lookups(l->spf);
	(void)snprintf(
	    s->spf.record, sizeof s->spf.record, "%s", spf_record(l->spf));
	s->spf.is_known = true;
	spf_free(l->spf);
	l->spf = NULL;
}

static bool
step_spf(
    struct look *l, const struct dns_answer *answer, struct spf_question *next)
{
	for (; l->at < l->naddresses; l->at++, answer = NULL) {
		if (l->spf == NULL)
			l->spf = spf_new(
			    &(struct spf_of){ span_text(l->out.mail_from),
				&l->addresses[l->at], span_text(l->hostname) });
		if (spf_step(l->spf, answer, next))
			return true;
		take_spf(l);
	}
	if (l->naddresses == 0)
		(void)snprintf(l->out.spf.why, sizeof l->out.spf.why,
		    "it is not known from which address mail goes out (the "
		    "relay's own is private, or there is none): set "
		    "public-address");
	return false;
}

/* --- DKIM --- */

static void
take_record(struct look *l, const struct dns_answer *answer)
{
	static const enum dkim_status statuses[RECORD_VERDICTS] = {
		[RECORD_RIGHT] = DKIM_RIGHT,
		[RECORD_MISSING] = DKIM_WRONG,
		[RECORD_DIFFERENT] = DKIM_WRONG,
		[RECORD_UNANSWERED] = DKIM_UNANSWERED,
	};
	const struct key *k = l->keys[l->at];
	struct sending *s = &l->out;
	char why[RECORD_WHY_MAX];
	enum dkim_status status = statuses[record_judge_answer(k, answer, why)];

	/* One good signature is enough. */
	if (s->dkim.status == DKIM_RIGHT)
		return;
	s->dkim.status = status;
	(void)snprintf(
	    s->dkim.domain, sizeof s->dkim.domain, "%s", key_domain(k));
	(void)snprintf(s->dkim.why, sizeof s->dkim.why, "%.100s: %s",
	    key_name(k), status == DKIM_RIGHT ? "its record is right" : why);
}

static bool
step_dkim(
    struct look *l, const struct dns_answer *answer, struct spf_question *next)
{
	if (answer != NULL)
		take_record(l, answer);
	l->at += answer != NULL;
	if (l->at < l->nkeys) {
		*next =
		    (struct spf_question){ key_name(l->keys[l->at]), DNS_TXT };
		return true;
	}
	if (l->nkeys == 0)
		(void)snprintf(l->out.dkim.why, sizeof l->out.dkim.why,
		    "no active key of %.200s or a domain above it",
		    l->out.domain);
	return false;
}

/* --- DMARC --- */

static bool
ask_dmarc(struct look *l, const char *domain, struct spf_question *next)
{
	(void)snprintf(l->name, sizeof l->name, "_dmarc.%s", domain);
	(void)snprintf(
	    l->out.dmarc.domain, sizeof l->out.dmarc.domain, "%s", domain);
	*next = (struct spf_question){ l->name, DNS_TXT };
	return true;
}

static bool
step_dmarc(
    struct look *l, const struct dns_answer *answer, struct spf_question *next)
{
	const char *owner = organisational_domain(l->out.domain);
	struct sending *s = &l->out;
	char why[DMARC_WHY_SIZE];

	if (answer == NULL)
		return ask_dmarc(l, s->domain, next);
	s->dmarc.status = dmarc_find(answer, &l->dmarc, why);
	(void)snprintf(s->dmarc.why, sizeof s->dmarc.why, "%s", why);
	s->dmarc.policy =
	    l->stage == AT_DMARC ? l->dmarc.policy : l->dmarc.sub_policy;
	if (l->stage == AT_ORGANISATION || s->dmarc.status != DMARC_MISSING ||
	    strcmp(owner, s->domain) == 0)
		return false;
	go_to(l, AT_ORGANISATION);
	return ask_dmarc(l, owner, next);
}

bool
look_step(
    struct look *l, const struct dns_answer *answer, struct spf_question *next)
{
	if (l->stage == AT_SPF) {
		if (step_spf(l, answer, next))
			return true;
		go_to(l, AT_DKIM);
		answer = NULL;
	}
	if (l->stage == AT_DKIM) {
		if (step_dkim(l, answer, next))
			return true;
		go_to(l, AT_DMARC);
		answer = NULL;
	}
	if (l->stage != AT_END && step_dmarc(l, answer, next))
		return true;
	if (l->stage != AT_END)
		sending_judge(&l->out, &l->dmarc);
	go_to(l, AT_END);
	return false;
}
