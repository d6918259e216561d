#include "summary.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "control_priv.h"
#include "describe.h"
#include "dispatch/message.h"
#include "io/loop.h"
#include "mail/reason.h"
#include "scan.h"

/* Of a reason: what is behind that is seldom the same for two. */
enum { KEY_MOST = 160 };

enum by { BY_DOMAIN, BY_SITE, BY_ACCOUNT, BY_REASON, BY_AGE, BY_COUNT };
static const char *const by_names[BY_COUNT] = { "domain", "site", "account",
	"reason", "age" };

static const struct {
	uint64_t below; /* ms */
	const char *name;
} ages[] = {
	{ 60 * 1000, "under 1m" },
	{ 10 * 60 * 1000, "1m to 10m" },
	{ 3600 * 1000, "10m to 1h" },
	{ 6 * 3600 * 1000, "1h to 6h" },
	{ 24 * 3600 * 1000, "6h to 1d" },
	{ 3 * 24 * 3600 * 1000, "1d to 3d" },
	{ UINT64_MAX, "over 3d" },
};

struct group {
	const struct message *last; /* borrowed: that one is counted already */
	uint64_t messages, rcpts, oldest; /* ms */
	size_t len;
	char key[];
};

struct summary {
	struct map groups[BY_COUNT];
	bool wants[BY_COUNT];
	uint64_t messages, rcpts;
};

static void
count_in(struct summary *s, enum by by, struct span key,
    const struct message *m, uint64_t age)
{
	struct group *g;
	char lower[KEY_MOST];

	key = span_to(key, KEY_MOST);
	for (size_t i = 0; i < key.len; i++)
		lower[i] =
		    by == BY_DOMAIN ? ascii_lower(key.ptr[i]) : key.ptr[i];
	key = span_make(lower, key.len);
	g = map_get(&s->groups[by], key);
	if (g == NULL) {
		g = mem_zalloc(1, sizeof *g + key.len);
		g->len = key.len;
		memcpy(g->key, key.ptr, key.len);
		(void)map_put(&s->groups[by], span_make(g->key, g->len), g);
	}
	g->messages += g->last != m;
	g->last = m;
	g->rcpts++;
	if (age > g->oldest)
		g->oldest = age;
}

static void
count_reason(struct summary *s, const struct leg *leg, uint32_t i, uint64_t now,
    uint64_t age)
{
	struct reason *why = filter_why(leg, i, now);
	struct reason *whole = reason_whole(why);
	struct words w;
	struct buf text = { 0 };

	if (why == NULL) {
		count_in(s, BY_REASON, SPAN("(nothing was said yet)"),
		    leg->message, age);
		return;
	}
	w = reason_words(whole);
	words_say(&text, &w);
	count_in(s, BY_REASON, buf_span(&text), leg->message, age);
	buf_clear(&text);
	reason_unref(whole);
}

static struct span
age_name(uint64_t age)
{
	size_t i = 0;

	while (age >= ages[i].below && i + 1 < ARRAY_LEN(ages))
		i++;
	return span_text(ages[i].name);
}

static void
count_rcpt(struct summary *s, const struct scan *scan, const struct leg *leg,
    uint32_t i, uint64_t age)
{
	const struct message *m = leg->message;
	struct span site;

	s->rcpts++;
	if (s->wants[BY_DOMAIN])
		count_in(s, BY_DOMAIN, envelope_domain(m->env, i), m, age);
	if (s->wants[BY_SITE]) {
		site = filter_site(&scan->filter, leg);
		count_in(s, BY_SITE,
		    span_is_empty(site) ? SPAN("(not known yet)") : site, m,
		    age);
	}
	if (s->wants[BY_ACCOUNT])
		count_in(s, BY_ACCOUNT, span_text(m->env->account), m, age);
	if (s->wants[BY_REASON])
		count_reason(s, leg, i, scan->now, age);
	if (s->wants[BY_AGE])
		count_in(s, BY_AGE, age_name(age), m, age);
}

static void
count_message(
    struct summary *s, const struct scan *scan, const struct message *m)
{
	uint64_t before = s->rcpts, age = message_age(m, scan->now);

	for (uint32_t l = 0; l < m->env->ngroups; l++)
		for (uint32_t i = m->legs[l].first; i != ENVELOPE_NO_MORE;
		     i = m->env->rcpts[i].next)
			if (m->rcpts[i].state == RCPT_QUEUED &&
			    (scan->part == FILTER_WHOLE || scan->only[i]))
				count_rcpt(s, scan, &m->legs[l], i, age);
	s->messages += s->rcpts > before;
}

/* Empties the map, too. */
static json_t *
groups_json(struct map *groups)
{
	json_t *o = json_object();
	struct group *g;
	size_t at = 0;

	while ((g = map_next(groups, &at)) != NULL) {
		json_t *key = describe_text(span_make(g->key, g->len));

		(void)json_object_set_new(o, json_string_value(key),
		    json_pack("[I, I, I]", (json_int_t)g->messages,
			(json_int_t)g->rcpts, (json_int_t)g->oldest / 1000));
		json_decref(key);
		free(g);
	}
	map_clear(groups);
	return o;
}

json_t *
summary_page(struct scan *scan, const json_t *request)
{
	const char *by = json_string_value(json_object_get(request, "by"));
	struct summary s = { .messages = 0 };
	struct scan_item item;
	uint64_t seed[2];
	json_t *o;

	random_fill(seed, sizeof seed);
	for (int i = 0; i < BY_COUNT; i++) {
		map_init(&s.groups[i], seed);
		s.wants[i] = by == NULL || strcmp(by, by_names[i]) == 0;
	}
	while (scan_next(scan, &item))
		if (item.message != NULL)
			count_message(&s, scan, item.message);
	o = json_pack("{s:I, s:I}", "messages", (json_int_t)s.messages,
	    "recipients", (json_int_t)s.rcpts);
	for (int i = 0; i < BY_COUNT; i++)
		if (s.wants[i])
			(void)json_object_set_new(
			    o, by_names[i], groups_json(&s.groups[i]));
	scan_end(scan, o);
	return o;
}

static bool
is_known(const char *by)
{
	for (int i = 0; i < BY_COUNT; i++)
		if (by == NULL || strcmp(by, by_names[i]) == 0)
			return true;
	return false;
}

json_t *
do_summary(const struct ask *ask)
{
	struct scan scan;
	json_t *o = ask_scan(ask, &scan);

	if (o == NULL &&
	    !is_known(json_string_value(json_object_get(ask->request, "by"))))
		o = error_answer(
		    "--by wants domain, site, account, reason or age");
	if (o == NULL)
		o = summary_page(&scan, ask->request);
	control_add_loading(ask->control, o);
	scan_clear(&scan);
	return o;
}
