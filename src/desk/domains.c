/*
 * The domains that accounts send from: what is known of them, in `account show` and
 * `explain`; `domain look` and `domain release`.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control_priv.h"
#include "ctl/server.h"
#include "describe.h"
#include "facts/fact.h"
#include "sending/domains_io.h"
#include "smtp/idn.h"

enum { SHOWN_MOST = 100 };

/* Who waits for a look. */
struct domain_look {
	struct list node; /* in control->domain_looks */
	struct ctl_later *later; /* borrowed: answered once */
};

static json_t *
text_of(const char *s)
{
	return describe_text(span_text(s));
}

static json_t *
describe_advice(const struct sending *s)
{
	struct buf text = { 0 };
	json_t *lines = json_array();
	struct span rest, line;

	sending_advise(s, &text);
	rest = buf_span(&text);
	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		(void)json_array_append_new(lines, describe_text(line));
	}
	buf_clear(&text);
	return lines;
}

static json_t *
describe_domain(const struct domains_view *v)
{
	const struct sending *s = v->sending;
	bool is_looked = v->looked != 0;
	json_t *o = json_object();

	(void)json_object_set_new(o, "domain", text_of(s->domain));
	(void)json_object_set_new(o, "mail_from", text_of(s->mail_from));
	(void)json_object_set_new(
	    o, "verdict", json_string(sending_verdict_name(s->verdict)));
	(void)json_object_set_new(o, "spf",
	    json_pack("{s:s, s:b, s:i, s:o, s:o}", "result",
		!is_looked || !s->spf.is_known ? "unknown"
					       : spf_result_name(s->spf.result),
		"aligned", s->spf.is_aligned, "lookups", (int)s->spf.lookups,
		"record", text_of(s->spf.record), "why", text_of(s->spf.why)));
	(void)json_object_set_new(o, "dkim",
	    json_pack("{s:s, s:b, s:o, s:o}", "result",
		is_looked ? dkim_status_name(s->dkim.status) : "unknown",
		"aligned", s->dkim.is_aligned, "domain",
		text_of(s->dkim.domain), "why", text_of(s->dkim.why)));
	(void)json_object_set_new(o, "dmarc",
	    json_pack("{s:s, s:s, s:b, s:o, s:o}", "result",
		is_looked ? dmarc_status_name(s->dmarc.status) : "unknown",
		"policy", dmarc_policy_name(s->dmarc.policy), "passes",
		s->dmarc.passes, "domain", text_of(s->dmarc.domain), "why",
		text_of(s->dmarc.why)));
	(void)json_object_set_new(
	    o, "looked", is_looked ? describe_time(v->looked) : json_null());
	(void)json_object_set_new(o, "held", json_boolean(v->is_held));
	(void)json_object_set_new(o, "held_by", text_of(v->site));
	(void)json_object_set_new(o, "said", text_of(v->said));
	(void)json_object_set_new(
	    o, "advice", is_looked ? describe_advice(s) : json_array());
	return o;
}

/* Of an account with more, those that it used last. */
static void
append(const struct domains_view *v, void *arg)
{
	if (json_array_size(arg) < SHOWN_MOST)
		(void)json_array_append_new(arg, describe_domain(v));
}

json_t *
describe_domains(const struct control *c, const char *account)
{
	json_t *all = json_array();

	domains_each(c->domains, account, append, all);
	return all;
}

/* --- the verbs --- */

static void
on_looked(const struct domains_view *v, void *arg)
{
	struct domain_look *l = arg;

	answer_later(l->later,
	    v == NULL ? error_answer("nobody sends from that domain any more")
		      : describe_domain(v));
	list_remove(&l->node);
	free(l);
}

static json_t *
look(const struct ask *ask, struct span domain)
{
	struct domain_look *l = MEM_NEW(struct domain_look);

	l->later = ask->later;
	list_init(&l->node);
	if (!domains_look(ask->control->domains, domain, on_looked, l)) {
		free(l);
		return error_answer("no account has sent from that domain");
	}
	list_append(&ask->control->domain_looks, &l->node);
	return NULL;
}

static void
take(const struct domains_view *v, void *arg)
{
	*(json_t **)arg = describe_domain(v);
}

static json_t *
release(const struct ask *ask, struct span domain)
{
	json_t *o = NULL;

	if (!domains_let_go(ask->control->domains, domain))
		return error_answer("no mail of that domain is held");
	FACT(OPERATOR, fact_string("user", ctl_user(ask->later)),
	    fact_number("uid", (uint64_t)ctl_uid(ask->later)),
	    fact_word("did", "domain release"), fact_text("domain", domain));
	(void)domains_find(ask->control->domains, domain, take, &o);
	return o;
}

json_t *
do_domain(const struct ask *ask)
{
	const char *text =
	    json_string_value(json_object_get(ask->request, "what"));
	char room[IDN_SIZE], lower[IDN_SIZE];
	struct span domain = idn_to_ascii(span_text(text), room);

	if (domain.len == 0 || domain.len >= IDN_SIZE)
		return error_answer("which domain?");
	for (size_t i = 0; i < domain.len; i++)
		lower[i] = ascii_lower(domain.ptr[i]);
	domain = span_make(lower, domain.len);
	return ask->verb == VERB_DOMAIN_LOOK ? look(ask, domain)
					     : release(ask, domain);
}

void
domains_verbs_forget(struct control *c)
{
	struct list *node;

	if (c->domains != NULL)
		domains_forget_looks(c->domains);
	while ((node = list_pop(&c->domain_looks)) != NULL)
		free(LIST_ENTRY(node, struct domain_look, node));
}
