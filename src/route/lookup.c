/*
 * Which questions lead to the hosts, and what the answers mean:
 *
 *   NEW -> MX -> HOSTS -> OVER
 *    |      \-> OVER     (null MX, no such domain, trouble)
 *    |-> FILE -> HOSTS   (a relay's host)
 *    |      \-> OVER     (the hosts file knows it)
 *    \-> OVER            (a literal, a name that is none)
 *
 * What is asked is two tables: a kind of question has a row in `kinds` (its type,
 * what is done with its answer, how its failure is told), a state names the kinds
 * that are asked in it, and what follows once all of them are answered.
 */
#include "route/lookup.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "facts/fact.h"

enum { TTL_LEAST = 10, TTL_MOST = 3600, TTL_PARTIAL = 60 };

enum kind { KIND_FILE, KIND_MX, KIND_A, KIND_AAAA, KINDS };

/* The addresses of a host while they come in. */
struct found {
	unsigned n4, n6;
	union dns_address v4[DNS_ADDRESSES_MAX], v6[DNS_ADDRESSES_MAX];
};

struct question {
	uint8_t kind; /* enum kind */
	uint8_t host; /* index into the lookup's hosts */
	bool is_open;
};

struct lookup {
	enum lookup_state state;
	bool is_mail; /* MX first; else the one host */
	bool has_failed; /* one question or more, temporarily */
	enum dns_status mx; /* what came */
	bool is_null; /* the null MX came */
	const char *servers; /* borrowed: its owner's resolver has it */
	char name[DNS_NAME_MAX];
	unsigned nquestions, open;
	struct question questions[LOOKUP_QUESTIONS_MAX];
	unsigned nhosts;
	struct lookup_host *hosts; /* owned, nhosts of them */
	struct found *found; /* owned, for each host that is asked for */
	struct lookup_answer answer; /* hosts: borrowed from above */
};

struct kind_row {
	uint16_t type;
	const char *what; /* "... NAME could not be looked up: ..." */
	void (*take)(struct lookup *l, const struct question *q,
	    const struct dns_answer *answer);
};
static const struct kind_row kinds[KINDS];

struct state_row {
	const char *name;
	uint8_t asks; /* kinds, a bit each */
	bool of_hosts; /* ... of each host; else of the name */
	struct lookup_need (*next)(struct lookup *l);
};
static const struct state_row states[LOOKUP_STATES];

static const char *
question_name(const struct lookup *l, const struct question *q)
{
	return states[l->state].of_hosts ? l->hosts[q->host].name : l->name;
}

/*
 * A name to ask for: letters, digits, hyphens, and underscores (which no host
 * should have, yet some MX records have), labels of 63, 253 in all.
 */
static bool
is_name(struct span name)
{
	if (name.len == 0 || name.len > 253 || name.ptr[name.len - 1] == '.')
		return false;
	while (name.len > 0) {
		struct span label = span_cut(&name, '.');

		if (label.len == 0 || label.len > 63 || label.ptr[0] == '-' ||
		    label.ptr[label.len - 1] == '-')
			return false;
		for (size_t i = 0; i < label.len; i++)
			if (!ascii_is_alnum(label.ptr[i]) &&
			    label.ptr[i] != '-' && label.ptr[i] != '_')
				return false;
	}
	return true;
}

/* --- states --- */

static unsigned
add_questions(struct lookup *l, unsigned host)
{
	unsigned n = 0;

	for (unsigned kind = 0; kind < KINDS; kind++) {
		if (!(states[l->state].asks & 1u << kind))
			continue;
		assert(l->nquestions < LOOKUP_QUESTIONS_MAX);
		l->questions[l->nquestions++] = (struct question){
			.kind = (uint8_t)kind,
			.host = (uint8_t)host,
			.is_open = true,
		};
		n++;
	}
	return n;
}

/* The one place where a lookup's state changes; what is asked in it goes out. */
static struct lookup_need
enter(struct lookup *l, enum lookup_state to)
{
	struct lookup_need need = { .first = l->nquestions };

	FACT(LOOKUP, fact_string("name", l->name),
	    fact_word("from", lookup_state_name(l->state)),
	    fact_word("to", lookup_state_name(to)));
	l->state = to;
	for (unsigned i = 0; i < (states[to].of_hosts ? l->nhosts : 1); i++)
		l->open += add_questions(l, i);
	need.end = l->nquestions;
	need.type = need.end > need.first ? LOOKUP_ASK : LOOKUP_NOTHING;
	return need;
}

static struct lookup_need
finish(struct lookup *l, enum lookup_status status)
{
	struct lookup_answer *a = &l->answer;
	struct lookup_need need = enter(l, LOOKUP_OVER);

	a->status = status;
	a->hosts = l->hosts;
	a->nhosts = status == LOOKUP_FOUND ? l->nhosts : 0;
	if (l->has_failed && a->ttl > TTL_PARTIAL)
		a->ttl = TTL_PARTIAL; /* it may be better soon */
	if (a->ttl > TTL_MOST)
		a->ttl = TTL_MOST;
	if (a->ttl < TTL_LEAST)
		a->ttl = TTL_LEAST;
	need.type = LOOKUP_DONE;
	need.answer = a;
	return need;
}

static void explain(struct lookup *l, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
explain(struct lookup *l, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(l->answer.detail, sizeof l->answer.detail, format, ap);
	va_end(ap);
}

/*
 * The first trouble is the one to tell; in a sentence, as all details are, since
 * they come into reports.
 */
static void
note_failure(struct lookup *l, const struct question *q, const char *why)
{
	if (!l->has_failed)
		explain(l, "%s %.90s could not be looked up: %s (asked %.60s)",
		    kinds[q->kind].what, question_name(l, q), why, l->servers);
	l->has_failed = true;
}

/* --- answers --- */

/* A host to ask for; what is no name, or is there already, is left out. */
static void
add_host(struct lookup *l, const char *name, uint16_t preference)
{
	struct lookup_host *h;

	if (l->nhosts == LOOKUP_HOSTS_MAX || !is_name(span_text(name)))
		return;
	for (unsigned i = 0; i < l->nhosts; i++)
		if (strcmp(l->hosts[i].name, name) == 0)
			return;
	l->hosts = mem_realloc(l->hosts, (l->nhosts + 1) * sizeof *l->hosts);
	h = &l->hosts[l->nhosts++];
	memset(h, 0, sizeof *h);
	(void)snprintf(h->name, sizeof h->name, "%s", name);
	h->preference = preference;
}

static int
compare_mx(const void *a, const void *b)
{
	const struct dns_mx *x = *(const struct dns_mx *const *)a,
			    *y = *(const struct dns_mx *const *)b;

	if (x->preference != y->preference)
		return x->preference < y->preference ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* RFC 5321 5.1: by preference. The lot among equal ones is cast by a lane. */
static void
add_mx_hosts(struct lookup *l, const struct dns_answer *p)
{
	const struct dns_mx *order[DNS_MX_MAX];

	for (unsigned i = 0; i < p->nmx; i++)
		order[i] = &p->mx[i];
	qsort(order, p->nmx, sizeof order[0], compare_mx);
	for (unsigned i = 0; i < p->nmx; i++)
		add_host(l, order[i]->name, order[i]->preference);
}

/* RFC 7505 3: the root as only host. */
static bool
is_null_mx(const struct dns_answer *p)
{
	for (unsigned i = 0; i < p->nmx; i++)
		if (p->mx[i].name[0] != '\0')
			return false;
	return p->nmx > 0;
}

static void
take_mx(
    struct lookup *l, const struct question *q, const struct dns_answer *answer)
{
	(void)q;
	l->mx = answer->status;
	if (answer->status != DNS_DATA)
		return;
	l->is_null = is_null_mx(answer);
	if (!l->is_null)
		add_mx_hosts(l, answer);
}

static void
take_addresses(
    struct lookup *l, const struct question *q, const struct dns_answer *answer)
{
	struct found *f = &l->found[q->host];

	if (answer->status != DNS_DATA)
		return;
	if (q->kind == KIND_A) {
		memcpy(f->v4, answer->addresses, sizeof f->v4);
		f->n4 = answer->naddresses;
	} else {
		memcpy(f->v6, answer->addresses, sizeof f->v6);
		f->n6 = answer->naddresses;
	}
}

/* A configured relay may be named in the hosts file; mail domains are not. */
static void
take_file(
    struct lookup *l, const struct question *q, const struct dns_answer *answer)
{
	struct lookup_host *h = &l->hosts[0];

	(void)q;
	if (answer->status != DNS_DATA)
		return;
	memcpy(h->addresses, answer->addresses, sizeof h->addresses);
	h->naddresses = answer->naddresses;
}

static const struct kind_row kinds[KINDS] = {
	[KIND_FILE] = { DNS_HOSTS_FILE, "The address (hosts file) of the host",
	    take_file },
	[KIND_MX] = { DNS_MX, "The mail hosts (MX) of the domain", take_mx },
	[KIND_A] = { DNS_A, "The address (A) of the host", take_addresses },
	[KIND_AAAA] = { DNS_AAAA, "The address (AAAA) of the host",
	    take_addresses },
};

static void
take(struct lookup *l, unsigned n, const struct dns_answer *answer)
{
	struct question *q = &l->questions[n];

	assert(n < l->nquestions && q->is_open);
	q->is_open = false;
	l->open--;
	if (answer->status == DNS_FAILED)
		note_failure(l, q, answer->why);
	else if (answer->ttl < l->answer.ttl)
		l->answer.ttl = answer->ttl;
	kinds[q->kind].take(l, q, answer);
}

/* --- what follows --- */

/* RFC 5321 5.1: the addresses of all hosts are asked for at once. */
static struct lookup_need
ask_hosts(struct lookup *l)
{
	assert(l->nhosts > 0);
	l->found = mem_zalloc(l->nhosts, sizeof *l->found);
	return enter(l, LOOKUP_HOSTS);
}

static struct lookup_need
after_mx(struct lookup *l)
{
	if (l->mx == DNS_FAILED) {
		return finish(l, LOOKUP_TEMPORARY);
	} else if (l->mx == DNS_NO_NAME) {
		explain(
		    l, "The domain %.200s does not exist (NXDOMAIN)", l->name);
		return finish(l, LOOKUP_NO_DOMAIN);
	} else if (l->is_null) {
		explain(l,
		    "The domain %.190s takes no mail (null MX, RFC 7505)",
		    l->name);
		return finish(l, LOOKUP_NULL_MX);
	} else if (l->mx == DNS_DATA && l->nhosts == 0) {
		explain(l,
		    "The domain %.190s names no usable host for its mail (MX)",
		    l->name);
		return finish(l, LOOKUP_NO_DOMAIN);
	} else {
		/* RFC 5321 5.1: without MX records the domain is the host. */
		if (l->mx == DNS_NONE)
			add_host(l, l->name, 0);
		return ask_hosts(l);
	}
}

/* Both kinds in turn, so that a bound on attempts leaves out neither. */
static void
merge_addresses(struct lookup_host *h, const struct found *f)
{
	for (unsigned i = 0; i < DNS_ADDRESSES_MAX; i++) {
		if (i < f->n6 && h->naddresses < DNS_ADDRESSES_MAX)
			h->addresses[h->naddresses++] = f->v6[i];
		if (i < f->n4 && h->naddresses < DNS_ADDRESSES_MAX)
			h->addresses[h->naddresses++] = f->v4[i];
	}
}

static void
explain_no_address(struct lookup *l)
{
	if (!l->is_mail)
		explain(l, "The host %.200s has no address", l->name);
	else if (l->mx == DNS_DATA)
		explain(l,
		    "No mail host (MX) of the domain %.190s has an "
		    "address",
		    l->name);
	else
		explain(l,
		    "The domain %.180s has neither a mail host (MX) nor "
		    "an address",
		    l->name);
}

static struct lookup_need
after_hosts(struct lookup *l)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < l->nhosts; i++) {
		merge_addresses(&l->hosts[i], &l->found[i]);
		if (l->hosts[i].naddresses > 0)
			l->hosts[kept++] = l->hosts[i];
	}
	l->nhosts = kept;
	if (kept > 0) {
		return finish(l, LOOKUP_FOUND);
	} else if (l->has_failed) {
		return finish(l, LOOKUP_TEMPORARY);
	} else {
		explain_no_address(l);
		return finish(l, LOOKUP_NO_DOMAIN);
	}
}

static struct lookup_need
after_file(struct lookup *l)
{
	if (l->hosts[0].naddresses > 0)
		return finish(l, LOOKUP_FOUND);
	return ask_hosts(l);
}

/* RFC 5321 4.1.3, and a bare address as a configured relay may be one. */
static bool
take_literal(struct lookup *l)
{
	struct span text = span_text(l->name);
	union dns_address a = { 0 };
	char copy[INET6_ADDRSTRLEN];
	bool is_v6;

	if (text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
		text = span_make(text.ptr + 1, text.len - 2);
	else if (l->is_mail)
		return false;
	is_v6 = span_starts_nocase(text, SPAN("IPv6:"));
	if (is_v6)
		text = span_from(text, 5);
	if (text.len >= sizeof copy)
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	if (!is_v6 && inet_pton(AF_INET, copy, &a.in.sin_addr) == 1)
		a.in.sin_family = AF_INET;
	else if ((is_v6 || !l->is_mail) &&
		 inet_pton(AF_INET6, copy, &a.in6.sin6_addr) == 1)
		a.in6.sin6_family = AF_INET6;
	else
		return false;
	l->hosts = mem_zalloc(1, sizeof *l->hosts);
	(void)snprintf(
	    l->hosts[0].name, sizeof l->hosts[0].name, "%s", l->name);
	l->hosts[0].addresses[0] = a;
	l->hosts[0].naddresses = 1;
	l->nhosts = 1;
	return true;
}

static struct lookup_need
begin(struct lookup *l)
{
	if (take_literal(l))
		return finish(l, LOOKUP_FOUND);
	if (!is_name(span_text(l->name))) {
		explain(l, "\"%.200s\" is not a domain name", l->name);
		return finish(l, LOOKUP_NO_DOMAIN);
	}
	if (l->is_mail)
		return enter(l, LOOKUP_MX);
	add_host(l, l->name, 0);
	return enter(l, LOOKUP_FILE);
}

static const struct state_row states[LOOKUP_STATES] = {
	[LOOKUP_NEW] = { "new", 0, false, begin },
	[LOOKUP_FILE] = { "file", 1u << KIND_FILE, false, after_file },
	[LOOKUP_MX] = { "mx", 1u << KIND_MX, false, after_mx },
	[LOOKUP_HOSTS] = { "hosts", 1u << KIND_A | 1u << KIND_AAAA, true,
	    after_hosts },
	[LOOKUP_OVER] = { "over", 0, false, NULL },
};

struct lookup_need
lookup_step(struct lookup *l, const struct lookup_event *ev)
{
	switch (ev->type) {
	case LOOKUP_BEGIN: assert(l->state == LOOKUP_NEW); break;
	case LOOKUP_ANSWERED: take(l, ev->question, ev->answer); break;
	case LOOKUP_CANCEL:
		for (unsigned i = 0; i < l->nquestions; i++)
			l->questions[i].is_open = false;
		l->open = 0;
		return enter(l, LOOKUP_OVER);
	}
	if (l->open > 0)
		return (struct lookup_need){ .type = LOOKUP_NOTHING };
	return states[l->state].next(l);
}

/* --- the outside --- */

struct lookup *
lookup_new(const struct lookup_options *options)
{
	struct lookup *l = MEM_NEW(struct lookup);
	/* A longer one is no name; cut, it still is none for a message. */
	struct span name = span_to(options->name, sizeof l->name - 1);

	l->is_mail = options->is_mail;
	l->servers = options->servers;
	l->answer.ttl = UINT32_MAX;
	for (size_t i = 0; i < name.len; i++)
		l->name[i] =
		    name.ptr[i] == '\0' ? ' ' : ascii_lower(name.ptr[i]);
	return l;
}

void
lookup_free(struct lookup *l)
{
	if (l == NULL)
		return;
	free(l->hosts);
	free(l->found);
	free(l);
}

uint16_t
lookup_question_type(const struct lookup *l, unsigned question)
{
	return kinds[l->questions[question].kind].type;
}

const char *
lookup_question_name(const struct lookup *l, unsigned question)
{
	assert(l->questions[question].is_open);
	return question_name(l, &l->questions[question]);
}

unsigned
lookup_open(const struct lookup *l)
{
	return l->open;
}

enum lookup_state
lookup_state(const struct lookup *l)
{
	return l->state;
}

const char *
lookup_state_name(enum lookup_state state)
{
	return states[state].name;
}
