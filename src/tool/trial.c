#include "trial.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "deliver/attempt.h"
#include "io/loop.h"
#include "mail/envelope.h"
#include "mail/qid.h"
#include "mail/reason.h"
#include "mail/trace.h"
#include "probe.h"
#include "question.h"
#include "smtp/address.h"
#include "way.h"

/* So many hosts are tried that do not answer. */
enum { HOSTS_MOST = 5 };

struct trial {
	const struct conf *conf; /* borrowed */
	const char *to; /* borrowed */
	struct findings *findings; /* borrowed */
	struct envelope *env; /* owned */
	struct attempt *attempt; /* owned */
	struct buf content;
};

int
trial_address(const char *address, struct err *err)
{
	struct address a;
	enum address_status status = address_parse(span_text(address), &a);

	if (status != ADDRESS_OK)
		return err_set(
		    err, -1, "%s: %s", address, address_status_text(status));
	if (!a.is_plain || a.is_utf8 || domain_is_literal(a.domain))
		return err_set(err, -1,
		    "%s: name an address of plain ASCII in a domain", address);
	return 0;
}

/* --- the message --- */

static void
write_content(struct trial *t)
{
	struct span hostname = span_text(t->conf->hostname);
	int64_t now = wall_now();
	struct qid qid = qid_format((uint64_t)now);
	struct buf *out = &t->content;

	(void)buf_printf(out,
	    "From: Postern <MAILER-DAEMON@%s>\r\nTo: <%s>\r\n"
	    "Subject: Test message of the relay %s\r\n",
	    t->conf->hostname, t->to, t->conf->hostname);
	trace_write_date(out, now);
	trace_write_message_id(
	    out, span_text(qid.text), random_u32(), hostname);
	(void)buf_printf(out,
	    "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
	    "Somebody asked the mail relay %s to send this message, to see\r\n"
	    "whether its mail arrives (postern check --network --send).\r\n"
	    "Nothing needs to be done.\r\n",
	    t->conf->hostname);
}

static void
open_trial(struct trial *t)
{
	struct span to = span_text(t->to);
	uint32_t only = 0;

	write_content(t);
	t->env = envelope_new(&(struct envelope_parts){
	    .id = 1,
	    .size = buf_len(&t->content),
	    .arrived = wall_now(),
	    .flags = ENVELOPE_REPORT,
	    .nrcpt = 1,
	    .account = SPAN(""),
	    .sender = SPAN(""),
	    .rcpt = &to,
	});
	t->attempt = attempt_new(t->env, NULL, &only, 1);
}

static void
close_trial(struct trial *t)
{
	attempt_free(t->attempt);
	free(t->env);
	buf_clear(&t->content);
}

/* --- what came of it --- */

/* What the host said of the recipient; or else, that it was lost. */
static void
tell(const struct trial *t, const struct way *w, const struct err *err)
{
	const struct attempt_rcpt *r = &t->attempt->rcpts[0];
	struct words words = reason_words(r->reason);
	struct buf said = { 0 };

	words_join(&said, &words);
	if (r->outcome == OUTCOME_DELIVERED)
		findings_add(t->findings, FINDING_OK,
		    "network: %s took the test message for %s%s%.*s; look for "
		    "it there, among the junk too",
		    w->host, t->to, buf_len(&said) == 0 ? "" : ": ",
		    SPAN_ARG(buf_span(&said)));
	else if (r->outcome != OUTCOME_NONE)
		findings_add(t->findings, FINDING_ERROR,
		    "network: %s did not take the test message for %s: %.*s",
		    w->host, t->to, SPAN_ARG(buf_span(&said)));
	else
		findings_add(t->findings, FINDING_ERROR,
		    "network: the test message for %s, at %s: %s", t->to,
		    w->host[0] == '\0' ? "its next host" : w->host, err->text);
	buf_clear(&said);
}

static bool
is_answered(const struct trial *t)
{
	return t->attempt->rcpts[0].outcome != OUTCOME_NONE ||
	       t->attempt->content_ended;
}

static void
by_relay(struct trial *t, const struct conf_route *route)
{
	struct probe_message message = { t->attempt, buf_span(&t->content) };
	struct way w = { 0 };
	struct err err = { "" };

	if (way_to_relay(&w, t->conf, route, &err) == 0)
		(void)way_try(&w, &message, &err);
	tell(t, &w, &err);
	way_clear(&w);
}

/* One host by its name. Whether another one is to be tried. */
static bool
try_host(struct trial *t, const char *name, const struct conf_route *route,
    bool is_last)
{
	struct probe_message message = { t->attempt, buf_span(&t->content) };
	struct way w = { 0 };
	struct err err = { "" };
	bool goes_on;

	if (way_to_host(&w, t->conf, name, route, &err) == 0)
		(void)way_try(&w, &message, &err);
	goes_on = !is_answered(t) && !is_last;
	if (!goes_on)
		tell(t, &w, &err);
	way_clear(&w);
	return goes_on;
}

static void
by_hosts(struct trial *t, const char *domain, const struct conf_route *route,
    struct dns_answer *a)
{
	/* RFC 5321 5.1: without an MX the domain is the host. */
	if (a->nmx == 0)
		(void)try_host(t, domain, route, true);
	for (int i = 0; i < HOSTS_MOST && a->nmx > 0; i++) {
		const struct dns_mx *mx = way_first_mx(a);
		size_t at = (size_t)(mx - a->mx);
		char name[DNS_NAME_MAX];

		memcpy(name, mx->name, sizeof name);
		a->mx[at] = a->mx[--a->nmx];
		if (!try_host(
			t, name, route, a->nmx == 0 || i + 1 == HOSTS_MOST))
			return;
	}
}

/* RFC 7505: its one MX is the root. */
static bool
takes_no_mail(const struct dns_answer *a)
{
	return a->nmx == 1 && a->mx[0].name[0] == '\0';
}

static void
by_mx(struct trial *t, struct span domain, const struct conf_route *route)
{
	struct dns_answer *a = MEM_NEW(struct dns_answer);
	char *name = span_dup(domain);
	struct err err = { "" };
	int rc = ask_dns(t->conf, name, DNS_MX, a, &err);

	if (rc != 0 || a->status == DNS_FAILED || a->status == DNS_NO_NAME ||
	    takes_no_mail(a))
		findings_add(t->findings, FINDING_ERROR,
		    "network: the test message for %s: %s: %s", t->to, name,
		    rc != 0		       ? err.text
		    : a->status == DNS_FAILED  ? a->why
		    : a->status == DNS_NO_NAME ? "there is no such domain"
					       : "it takes no mail (RFC 7505)");
	else
		by_hosts(t, name, route, a);
	free(name);
	free(a);
}

void
trial_send(const struct conf *conf, const char *address, struct findings *f)
{
	struct trial t = { .conf = conf, .to = address, .findings = f };
	struct span domain = span_from(
	    span_text(address), span_find_last(span_text(address), '@') + 1);
	const struct conf_route *route = conf_route(conf, domain);

	open_trial(&t);
	if (route != NULL && route->host != NULL)
		by_relay(&t, route);
	else
		by_mx(&t, domain, route);
	close_trial(&t);
}
