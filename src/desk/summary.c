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

/* The group of that key; a reference that holds until the page is over. */
static struct group *
group_of(struct summary *s, enum by by, struct span key)
{
	char lower[KEY_MOST];
	struct group *g;

	key = span_to(key, KEY_MOST);
	for (size_t i = 0; i < key.len; i++)
		lower[i] =
		    by == BY_DOMAIN ? ascii_lower(key.ptr[i]) : key.ptr[i];
	key = span_make(lower, key.len);
	g = map_get(&s->groups[by], key);
	if (g != NULL)
		return g;
	g = mem_zalloc(1, sizeof *g + key.len);
	g->len = key.len;
	if (key.len > 0)
		memcpy(g->key, key.ptr, key.len);
	(void)map_put(&s->groups[by], span_make(g->key, g->len), g);
	return g;
}

/* So many recipients of that message. */
static void
count(struct group *g, const struct message *m, uint64_t age, uint32_t rcpts)
{
	g->messages += g->last != m;
	g->last = m;
	g->rcpts += rcpts;
	if (age > g->oldest)
		g->oldest = age;
}

static struct group *
group_of_reason(struct summary *s, struct reason *why)
{
	struct reason *whole = reason_whole(why);
	struct words w = reason_words(whole);
	struct buf text = { 0 };
	struct group *g;

	if (why != NULL)
		words_say(&text, &w);
	else
		(void)buf_append_text(&text, "(nothing was said yet)");
	g = group_of(s, BY_REASON, buf_span(&text));
	buf_clear(&text);
	reason_unref(whole);
	return g;
}

static struct span
age_name(uint64_t age)
{
	size_t i = 0;

	while (age >= ages[i].below && i + 1 < ARRAY_LEN(ages))
		i++;
	return span_text(ages[i].name);
}

/*
 * What is the same for all recipients of a leg is looked up once: a message may have
 * ten thousand of them, and a turn is short.
 */
static void
count_leg(struct summary *s, const struct leg *leg, uint64_t age,
    struct span site, uint32_t rcpts)
{
	const struct message *m = leg->message;
	struct span keys[BY_COUNT] = {
		[BY_DOMAIN] = envelope_domain(m->env, leg->first),
		[BY_SITE] =
		    span_is_empty(site) ? SPAN("(not known yet)") : site,
		[BY_ACCOUNT] = span_text(m->env->account),
		[BY_AGE] = age_name(age),
	};

	for (int by = 0; by < BY_COUNT; by++)
		if (s->wants[by] && by != BY_REASON)
			count(
			    group_of(s, (enum by)by, keys[by]), m, age, rcpts);
}

/* How many of the leg wait and are meant; each is counted by its reason. */
static uint32_t
count_reasons(struct summary *s, const struct scan *scan, const struct leg *leg,
    uint64_t age)
{
	const struct message *m = leg->message;
	struct reason *last = NULL;
	struct group *g = NULL;
	uint32_t n = 0;

	for (uint32_t i = leg->first; i != ENVELOPE_NO_MORE;
	     i = m->env->rcpts[i].next) {
		struct reason *why;

		if (m->rcpts[i].state != RCPT_QUEUED ||
		    (scan->part == FILTER_SOME && !scan->only[i]))
			continue;
		n++;
		if (!s->wants[BY_REASON])
			continue;
		why = filter_why(leg, i, scan->now);
		if (g == NULL || why != last)
			g = group_of_reason(s, why);
		last = why;
		count(g, m, age, 1);
	}
	return n;
}

static void
count_message(
    struct summary *s, const struct scan *scan, const struct message *m)
{
	uint64_t before = s->rcpts, age = message_age(m, scan->now);

	for (uint32_t l = 0; l < m->env->ngroups; l++) {
		const struct leg *leg = &m->legs[l];
		uint32_t n = count_reasons(s, scan, leg, age);

		s->rcpts += n;
		if (n > 0)
			count_leg(
			    s, leg, age, filter_site(&scan->filter, leg), n);
	}
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
