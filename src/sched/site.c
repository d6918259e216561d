/*
 * Closing and opening, by time alone: nothing is done for those in line when a
 * site closes or opens. A site that opens again has one lane, so that one leg
 * tries it first; what that brings decides about the others.
 */
#include "sched/site.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mail/reason.h"
#include "sched/target.h"

struct site_ban {
	struct list node; /* in site->bans */
	struct reason *why; /* owned reference */
	uint64_t until; /* monotonic ms */
	uint32_t failures;
	char account[];
};

/* --- marks of hosts --- */

/* Hosts are few, and nearly always it is one. */
static struct site_host *
find_host(const struct site_hosts *hosts, const char *name)
{
	for (uint32_t i = 0; i < hosts->n; i++)
		if (strcmp(hosts->list[i].name, name) == 0)
			return &hosts->list[i];
	return NULL;
}

static struct site_host *
host_of(struct site_hosts *hosts, const char *name)
{
	struct site_host *h = find_host(hosts, name);

	if (h != NULL)
		return h;
	hosts->list =
	    mem_realloc(hosts->list, (hosts->n + 1) * sizeof *hosts->list);
	h = &hosts->list[hosts->n++];
	*h = (struct site_host){ .name = mem_strdup(name) };
	return h;
}

static bool
is_marked(const struct site_hosts *hosts, const char *name, uint64_t now)
{
	const struct site_host *h = find_host(hosts, name);

	return h != NULL && h->bad_until > now;
}

static bool
is_any_marked(const struct site_hosts *hosts, uint64_t now)
{
	for (uint32_t i = 0; i < hosts->n; i++)
		if (hosts->list[i].bad_until > now)
			return true;
	return false;
}

static void
unmark_all(struct site_hosts *hosts)
{
	for (uint32_t i = 0; i < hosts->n; i++)
		hosts->list[i].bad_until = 0;
}

static void
unmark(struct site_hosts *hosts, const char *name)
{
	struct site_host *h = find_host(hosts, name);

	if (h == NULL)
		return;
	h->failures = 0;
	h->bad_until = 0;
}

static void
hosts_clear(struct site_hosts *hosts)
{
	for (uint32_t i = 0; i < hosts->n; i++)
		free(hosts->list[i].name);
	free(hosts->list);
}

/* --- making --- */

struct site *
site_new(const char *key, const char *name)
{
	struct site *s = MEM_NEW(struct site);

	s->key = mem_strdup(key);
	s->name = mem_strdup(name);
	s->lanes_max = s->lanes_most = SITE_LANES_FIRST;
	list_init(&s->channels);
	list_init(&s->bans);
	return s;
}

static void
channel_free(struct channel *c)
{
	assert(c->lanes == 0 && c->due.place == 0);
	assert(list_is_empty(&c->serve) && list_is_empty(&c->full));
	assert(!turn_is_waiting(&c->want));
	turns_clear(&c->line);
	hosts_clear(&c->unmet);
	reason_unref(c->why);
	target_unref(c->target);
	free(c->key);
	free(c);
}

static void
ban_free(struct site_ban *b)
{
	list_remove(&b->node);
	reason_unref(b->why);
	free(b);
}

void
site_free(struct site *s)
{
	assert(s->lanes == 0);
	LIST_FOREACH_SAFE (node, next, &s->channels)
		channel_free(LIST_ENTRY(node, struct channel, node));
	LIST_FOREACH_SAFE (node, next, &s->bans)
		ban_free(LIST_ENTRY(node, struct site_ban, node));
	hosts_clear(&s->hosts);
	reason_unref(s->why);
	free(s->death_account);
	free(s->key);
	free(s->name);
	free(s);
}

void
site_set_most(struct site *s, uint32_t most)
{
	/* It had as many as there might be, not as few as failures leave. */
	bool was_bound = s->lanes_max == s->lanes_most && s->failures == 0;

	s->lanes_most = most == 0 ? 1 : most;
	if (was_bound && s->lanes_max < SITE_LANES_FIRST)
		s->lanes_max = SITE_LANES_FIRST;
	if (s->lanes_max > s->lanes_most)
		s->lanes_max = s->lanes_most;
}

struct channel *
site_channel_take(struct site *s, const char *key, struct target *t)
{
	struct channel *c;

	LIST_FOREACH (node, &s->channels) {
		c = LIST_ENTRY(node, struct channel, node);
		if (strcmp(c->key, key) != 0)
			continue;
		target_unref(c->target);
		c->target = t;
		return c;
	}
	c = MEM_NEW(struct channel);
	c->site = s;
	c->key = mem_strdup(key);
	c->target = t;
	turns_init(&c->line);
	list_init(&c->serve);
	list_init(&c->full);
	list_init(&c->idle);
	list_append(&s->channels, &c->node);
	return c;
}

void
channel_name(const struct channel *c, struct buf *out)
{
	(void)buf_append_text(out, c->site->name);
	if (c->target->tls == TARGET_TLS_REQUIRE)
		(void)buf_append_text(out, " (TLS required)");
}

uint32_t
site_waiting(const struct site *s)
{
	uint32_t n = 0;

	LIST_FOREACH (node, &s->channels)
		n += LIST_ENTRY(node, struct channel, node)->line.waiting;
	return n;
}

/* --- hosts --- */

static bool
is_bad(const struct channel *c, uint32_t host, uint64_t now)
{
	const char *name = c->target->hosts[host].name;

	return is_marked(&c->site->hosts, name, now) ||
	       is_marked(&c->unmet, name, now);
}

uint32_t
channel_hosts(const struct channel *c)
{
	uint32_t n = c->target->nhosts;

	return n >= 32 ? UINT32_MAX : (1u << n) - 1;
}

/* Those that did not fail lately; all, when each did: the site says when. */
static uint32_t
good_hosts(const struct channel *c, uint64_t now)
{
	uint32_t good = 0;

	for (uint32_t i = 0; i < c->target->nhosts && i < 32; i++)
		if (!is_bad(c, i, now))
			good |= 1u << i;
	return good == 0 ? channel_hosts(c) : good;
}

/* The hosts that such a leg may go to: of one preference. */
static uint32_t
candidates(const struct channel *c, uint32_t tried, uint64_t now)
{
	uint32_t good = good_hosts(c, now), left = good & ~tried, best = 0;
	int group = -1;

	if (left == 0) /* what it tried was tried for a while: again, then */
		left = good;
	for (uint32_t i = 0; i < c->target->nhosts && i < 32; i++) {
		if ((left & 1u << i) == 0)
			continue;
		if (group == -1)
			group = c->target->hosts[i].group;
		if (c->target->hosts[i].group == group)
			best |= 1u << i;
	}
	return best;
}

int
channel_choose(
    const struct channel *c, uint32_t tried, uint64_t now, uint32_t random)
{
	return channel_choose_but(c, tried, 0, now, random);
}

int
channel_choose_but(const struct channel *c, uint32_t tried, uint32_t avoid,
    uint64_t now, uint32_t random)
{
	uint32_t may = candidates(c, tried, now) & ~avoid, n = 0;

	for (uint32_t i = 0; i < 32; i++)
		n += may >> i & 1;
	if (n == 0)
		return CHANNEL_NO_HOST;
	random %= n;
	for (uint32_t i = 0; i < 32; i++)
		if ((may >> i & 1) != 0 && random-- == 0)
			return (int)i;
	return CHANNEL_NO_HOST;
}

bool
channel_allows(
    const struct channel *c, uint32_t tried, uint32_t host, uint64_t now)
{
	return host < 32 && (candidates(c, tried, now) >> host & 1) != 0;
}

bool
channel_has_other(const struct channel *c, uint32_t tried, uint64_t now)
{
	return (good_hosts(c, now) & ~tried) != 0;
}

bool
channel_has_untried(const struct channel *c, uint32_t tried)
{
	return (channel_hosts(c) & ~tried) != 0;
}

/* --- closing --- */

bool
site_is_closed(const struct site *s, uint64_t now)
{
	return s->closed_until > now;
}

uint64_t
channel_opens_at(const struct channel *c, uint64_t now)
{
	uint64_t at = c->closed_until > c->site->closed_until
			  ? c->closed_until
			  : c->site->closed_until;

	return at > now ? at : now;
}

bool
channel_is_open(const struct channel *c, uint64_t now)
{
	return channel_opens_at(c, now) == now;
}

struct reason *
channel_why(const struct channel *c, uint64_t now)
{
	return c->closed_until > now || c->site->why == NULL ? c->why
							     : c->site->why;
}

void
site_open(struct site *s)
{
	s->closed_until = 0;
	unmark_all(&s->hosts);
	LIST_FOREACH (node, &s->channels) {
		struct channel *c = LIST_ENTRY(node, struct channel, node);

		c->closed_until = 0;
		unmark_all(&c->unmet);
	}
	LIST_FOREACH_SAFE (node, next, &s->bans)
		ban_free(LIST_ENTRY(node, struct site_ban, node));
}

static uint64_t
pause_of(uint32_t failures, const struct site_failure *f)
{
	uint64_t ms = backoff_delay(f->backoff, failures, f->random);

	if (ms > (uint64_t)SITE_CLOSED_MAX_S * 1000)
		ms = (uint64_t)SITE_CLOSED_MAX_S * 1000;
	return f->now + ms;
}

static void
keep_why(struct reason **kept, struct reason *why)
{
	if (why == NULL)
		return;
	(void)reason_ref(why);
	reason_unref(*kept);
	*kept = why;
}

static bool
has_good_host(const struct channel *c, uint64_t now)
{
	for (uint32_t i = 0; i < c->target->nhosts && i < 32; i++)
		if (!is_bad(c, i, now))
			return true;
	return false;
}

/* Of no host of the channel's plan a connection is to be had. */
static bool
is_down(const struct channel *c, uint64_t now)
{
	for (uint32_t i = 0; i < c->target->nhosts && i < 32; i++)
		if (!is_marked(&c->site->hosts, c->target->hosts[i].name, now))
			return false;
	return true;
}

/* With the most preferred host it begins again. */
static void
close_channel(struct channel *c, const struct site_failure *f)
{
	unmark_all(&c->unmet);
	c->closed_until = pause_of(++c->failures, f);
}

void
channel_host_failed(
    struct channel *c, uint32_t host, const struct site_failure *f)
{
	struct site *s = c->site;
	struct site_host *h = host_of(&s->hosts, c->target->hosts[host].name);

	keep_why(&s->why, f->why);
	s->lanes_max = s->lanes_max > 1 ? s->lanes_max / 2 : 1;
	s->credit = 0;
	h->bad_until = pause_of(++h->failures, f);
	if (s->lanes > 0 || has_good_host(c, f->now))
		return; /* others still work, or have not been asked */
	if (!is_down(c, f->now)) {
		close_channel(c, f); /* the rest does not meet its rule */
		return;
	}
	s->lanes_max = 1;
	s->closed_until = pause_of(++s->failures, f);
	unmark_all(&s->hosts);
}

void
channel_failed(struct channel *c, uint32_t host, const struct site_failure *f)
{
	struct site_host *h = host_of(&c->unmet, c->target->hosts[host].name);

	keep_why(&c->why, f->why);
	h->bad_until = pause_of(++h->failures, f);
	if (has_good_host(c, f->now))
		return;
	if (c->lanes == 0)
		close_channel(c, f);
	else /* others met it */
		unmark_all(&c->unmet);
}

static void
forget_deaths(struct site *s)
{
	free(s->death_account);
	s->death_account = NULL;
	s->ndeaths = 0;
}

static struct site_ban *
ban_of(const struct site *s, struct span account)
{
	LIST_FOREACH (node, &s->bans) {
		struct site_ban *b = LIST_ENTRY(node, struct site_ban, node);

		if (span_equal(span_text(b->account), account))
			return b;
	}
	return NULL;
}

static void
ban(struct site *s, struct span account, const struct site_failure *f)
{
	struct site_ban *b = ban_of(s, account);

	if (b == NULL) {
		b = mem_zalloc(1, sizeof *b + account.len + 1);
		if (account.len > 0)
			memcpy(b->account, account.ptr, account.len);
		list_append(&s->bans, &b->node);
	}
	keep_why(&b->why, f->why);
	b->until = pause_of(++b->failures, f);
}

/* One message that meets it again is still one. */
static bool
is_new_death(const struct site *s, uint64_t message)
{
	for (uint32_t i = 0; i < s->ndeaths; i++)
		if (s->deaths[i] == message)
			return false;
	return true;
}

void
channel_died(struct channel *c, uint32_t host, struct span account,
    uint64_t message, const struct site_failure *f)
{
	struct site *s = c->site;

	if (s->death_account != NULL &&
	    !span_equal(span_text(s->death_account), account)) {
		forget_deaths(s);
		channel_host_failed(c, host, f);
		return;
	}
	if (s->death_account == NULL)
		s->death_account = span_dup(account);
	if (!is_new_death(s, message))
		return;
	s->deaths[s->ndeaths++] = message;
	if (s->ndeaths < SITE_DEATHS)
		return;
	ban(s, account, f);
	forget_deaths(s);
}

void
channel_succeeded(struct channel *c, uint32_t host, struct span account)
{
	struct site *s = c->site;
	struct site_ban *b = ban_of(s, account);

	if (b != NULL)
		ban_free(b);
	unmark(&s->hosts, c->target->hosts[host].name);
	unmark(&c->unmet, c->target->hosts[host].name);
	s->failures = 0;
	s->closed_until = 0;
	c->failures = 0;
	c->closed_until = 0;
	forget_deaths(s);
	if (s->lanes_max >= s->lanes_most || ++s->credit < s->lanes_max)
		return;
	s->credit = 0;
	s->lanes_max++;
}

bool
site_admits(const struct site *s, struct span account, uint64_t now,
    struct reason **why)
{
	struct site_ban *b =
	    list_is_empty(&s->bans) ? NULL : ban_of(s, account);

	if (b == NULL || b->until <= now)
		return true;
	*why = b->why;
	return false;
}

uint64_t
site_ban_ends(const struct site *s, uint64_t now)
{
	uint64_t at = UINT64_MAX;

	LIST_FOREACH (node, &s->bans) {
		const struct site_ban *b =
		    LIST_ENTRY(node, struct site_ban, node);

		if (b->until > now && b->until < at)
			at = b->until;
	}
	return at;
}

/* --- lanes --- */

bool
channel_wants_lane(const struct channel *c, uint64_t now, uint64_t *again)
{
	const struct site *s = c->site;

	*again = 0;
	if (c->line.waiting == 0 || s->lanes >= s->lanes_max ||
	    !channel_is_open(c, now))
		return false;
	/* A connection costs more than a short wait behind the busy ones. */
	if (c->line.waiting > c->lanes - c->nidle ||
	    now >= s->progress + SITE_MOMENT_MS)
		return true;
	*again = s->progress + SITE_MOMENT_MS;
	return false;
}

/* --- numbers --- */

void
site_number_met(struct site_number *number, uint32_t n, uint64_t now)
{
	if (number->until <= now)
		*number = (struct site_number){ 0 };
	number->until = now + SITE_NUMBER_MS;
	if (number->met == 0) {
		number->met = n;
		return;
	}
	number->most = n;
}

uint32_t
site_number_get(const struct site_number *number, uint32_t most, uint64_t now)
{
	if (number->most == 0 || number->until <= now || number->most > most)
		return most;
	return number->most;
}

void
site_number_passed(struct site_number *number, uint32_t n, uint64_t now)
{
	if (number->most != 0 && number->until > now && n >= number->most)
		number->most = n + 1;
}

/* --- what is told --- */

bool
site_tells_login(struct site *s, uint64_t now)
{
	if (s->login_told != 0 && now - s->login_told < SITE_LOGIN_TOLD_MS)
		return false;
	s->login_told = now == 0 ? 1 : now;
	return true;
}

static bool
number_is_known(const struct site_number *number, uint64_t now)
{
	return number->met != 0 && number->until > now;
}

bool
site_remembers(const struct site *s, uint64_t now)
{
	if (site_is_closed(s, now) || site_ban_ends(s, now) != UINT64_MAX ||
	    number_is_known(&s->rcpts, now) ||
	    number_is_known(&s->messages, now) ||
	    is_any_marked(&s->hosts, now) ||
	    (s->login_told != 0 && now - s->login_told < SITE_LOGIN_TOLD_MS))
		return true;
	LIST_FOREACH (node, &s->channels) {
		const struct channel *c =
		    LIST_ENTRY(node, struct channel, node);

		if (c->closed_until > now || is_any_marked(&c->unmet, now))
			return true;
	}
	return false;
}
