#include "filter.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "conf/conf.h"
#include "ctl/verbs.h"
#include "dispatch/message.h"
#include "mail/reason.h"
#include "route/router.h"
#include "sched/site.h"
#include "smtp/idn.h"

static bool
is_same_nocase(char a, char b)
{
	return ascii_lower(a) == ascii_lower(b);
}

/* A "*" that has taken too little takes one more: no deeper than one of them. */
bool
filter_matches_text(struct span pattern, struct span text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, from = 0;

	while (t < text.len) {
		if (p < pattern.len && pattern.ptr[p] == '*') {
			star = p++;
			from = t;
		} else if (p < pattern.len &&
			   is_same_nocase(pattern.ptr[p], text.ptr[t])) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}

static bool
has_part(struct span text, struct span part)
{
	for (size_t i = 0; i + part.len <= text.len; i++)
		if (span_equal_nocase(
			span_to(span_from(text, i), part.len), part))
			return true;
	return false;
}

static struct span
text_of(const json_t *request, const char *key)
{
	const json_t *o = json_object_get(request, key);

	return json_is_string(o)
		   ? span_make(json_string_value(o), json_string_length(o))
		   : (struct span){ 0 };
}

/* With the brackets that listings show it in, or without: "<>" is the null one. */
static struct span
address_of(const json_t *request, const char *key)
{
	struct span text = text_of(request, key);

	if (text.len >= 2 && text.ptr[0] == '<' &&
	    text.ptr[text.len - 1] == '>')
		text = span_make(text.ptr + 1, text.len - 2);
	return text;
}

/* As the configuration writes it; minutes also as listings do: 15m. */
static bool
read_time(struct span text, uint32_t *seconds)
{
	char minutes[16];
	int n;

	if (!span_ends_nocase(text, SPAN("m")))
		return conf_parse_duration(text, seconds);
	n = snprintf(minutes, sizeof minutes, "%.*sin", SPAN_ARG(text));
	return n < (int)sizeof minutes &&
	       conf_parse_duration(span_text(minutes), seconds);
}

/* What was left out for its kind would mean more messages, or the real thing. */
static bool
has_kinds(const json_t *request)
{
	for (size_t i = 0; i < ARRAY_LEN(verb_options); i++) {
		const struct verb_option_row *row = &verb_options[i];
		const json_t *o = json_object_get(request, row->key);

		if (o != NULL && (row->value == NULL ? !json_is_boolean(o)
						     : !json_is_string(o)))
			return false;
	}
	return true;
}

bool
filter_read(struct filter *f, const json_t *request, const char **wrong)
{
	struct span older = text_of(request, "older");
	uint32_t seconds = 0;

	if (!has_kinds(request)) {
		*wrong = "a filter is a text, and held, all and dry_run are "
			 "true or false";
		return false;
	}
	f->account = text_of(request, "account");
	f->from = address_of(request, "from");
	f->to = address_of(request, "to");
	f->domain = text_of(request, "domain");
	f->site = text_of(request, "site");
	f->reason = text_of(request, "reason");
	f->held = json_is_true(json_object_get(request, "held"));
	f->all = json_is_true(json_object_get(request, "all"));
	if (older.ptr != NULL && !read_time(older, &seconds)) {
		*wrong = "--older wants a time: 90s, 15m, 2h, 1d";
		return false;
	}
	f->older = (uint64_t)seconds * 1000;
	return true;
}

static bool
is_about_rcpts(const struct filter *f)
{
	return f->held || f->to.ptr != NULL || f->domain.ptr != NULL ||
	       f->site.ptr != NULL || f->reason.ptr != NULL;
}

bool
filter_chooses(const struct filter *f)
{
	return f->all || is_about_rcpts(f) || f->account.ptr != NULL ||
	       f->from.ptr != NULL || f->older != 0;
}

static bool
fits(struct span pattern, struct span text)
{
	return pattern.ptr == NULL || filter_matches_text(pattern, text);
}

/* However it is written: U-labels or A-labels, with the root's dot or without. */
static bool
domain_fits(struct span pattern, struct span domain)
{
	size_t len = pattern.len;

	if (fits(pattern, domain))
		return true;
	if (len > 1 && pattern.ptr[len - 1] == '.')
		pattern.len--;
	return span_find(pattern, '*') == pattern.len &&
	       idn_equal(pattern, domain);
}

/* The local part as it is; case is not looked at. */
static bool
address_fits(struct span pattern, struct span address)
{
	size_t at = span_find_last(pattern, '@'),
	       end = span_find_last(address, '@');

	if (fits(pattern, address))
		return true;
	return at < pattern.len && end < address.len &&
	       filter_matches_text(
		   span_to(pattern, at), span_to(address, end)) &&
	       domain_fits(
		   span_from(pattern, at + 1), span_from(address, end + 1));
}

static bool
message_fits(const struct filter *f, const struct message *m, uint64_t now)
{
	return fits(f->account, span_text(m->env->account)) &&
	       address_fits(f->from, span_text(m->env->sender)) &&
	       (f->older == 0 || message_age(m, now) >= f->older);
}

struct span
filter_site(const struct filter *f, const struct leg *leg)
{
	const struct route *route = NULL;

	if (leg->channel != NULL)
		return span_text(leg->channel->site->name);
	if (f->router != NULL)
		route = router_peek(
		    f->router, envelope_domain(leg->message->env, leg->first));
	return route == NULL || route->channel == NULL
		   ? SPAN("")
		   : span_text(route->channel->site->name);
}

static bool
leg_fits(const struct filter *f, const struct leg *leg)
{
	if (leg->state == LEG_OVER || (f->held && leg->state != LEG_HELD))
		return false;
	return domain_fits(
		   f->domain, envelope_domain(leg->message->env, leg->first)) &&
	       (f->site.ptr == NULL ||
		   filter_matches_text(f->site, filter_site(f, leg)));
}

static bool
reason_fits(const struct filter *f, struct reason *reason)
{
	struct reason *whole = reason_whole(reason);
	struct words w = reason_words(whole);
	struct buf text = { 0 };
	bool fits;

	words_say(&text, &w);
	fits = has_part(buf_span(&text), f->reason);
	buf_clear(&text);
	reason_unref(whole);
	return fits;
}

/* What many recipients of a message share is looked at once. */
struct looked {
	struct reason *reason;
	bool fits;
};

static bool
why_fits(const struct filter *f, struct reason *why, struct looked *last)
{
	if (f->reason.ptr == NULL)
		return true;
	if (why == NULL)
		return false;
	if (why != last->reason)
		*last = (struct looked){ why, reason_fits(f, why) };
	return last->fits;
}

struct reason *
filter_why(const struct leg *leg, uint32_t i, uint64_t now)
{
	struct reason *why = NULL;

	if (leg->state == LEG_LINE && !channel_is_open(leg->channel, now))
		why = channel_why(leg->channel, now);
	return why != NULL ? why : leg->message->rcpts[i].reason;
}

enum filter_part
filter_match(
    const struct filter *f, const struct message *m, uint64_t now, bool *only)
{
	uint32_t meant = 0, waiting = 0;
	struct looked last = { NULL, false };

	if (!message_fits(f, m, now))
		return FILTER_NONE;
	if (!is_about_rcpts(f))
		return FILTER_WHOLE;
	memset(only, 0, m->env->nrcpt * sizeof *only);
	for (uint32_t l = 0; l < m->env->ngroups; l++) {
		const struct leg *leg = &m->legs[l];
		bool is_meant = leg_fits(f, leg);

		for (uint32_t i = leg->first; i != ENVELOPE_NO_MORE;
		     i = m->env->rcpts[i].next) {
			if (m->rcpts[i].state != RCPT_QUEUED)
				continue;
			only[i] = is_meant &&
				  address_fits(f->to,
				      span_text(m->env->rcpts[i].address)) &&
				  why_fits(f, filter_why(leg, i, now), &last);
			waiting++;
			meant += only[i];
		}
	}
	if (meant == 0)
		return FILTER_NONE;
	return meant == waiting ? FILTER_WHOLE : FILTER_SOME;
}

void
filter_say(const json_t *request, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(verb_options); i++) {
		const struct verb_option_row *row = &verb_options[i];
		const json_t *o = json_object_get(request, row->key);

		if ((row->option & OPTIONS_FILTER) == 0 || o == NULL)
			continue;
		if (buf_len(out) > 0)
			(void)buf_append_char(out, ' ');
		(void)buf_append_text(out, row->key);
		if (json_is_string(o))
			(void)buf_printf(out, "=%s", json_string_value(o));
	}
}
