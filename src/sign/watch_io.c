/*
 * Every LOOK_MS a look at the files, in the pool, with the changes of state that
 * became due since the last:
 *
 *   on_time -> [in the pool: change states, look, read] -> on_looked
 *
 * and rounds of questions, a few at a time, at once after a change and then ever
 * more rarely, up to once an hour:
 *
 *   begin_round -> ask ... -> on_answer ... -> end_round
 */
#include "sign/watch_io.h"

#include <stdlib.h>
#include <string.h>

#include "base/findings.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "conf/conf.h"
#include "dns/answer.h"
#include "dns/resolver.h"
#include "facts/fact.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "io/work.h"
#include "sign/key.h"
#include "sign/key_files.h"
#include "sign/keyring.h"
#include "sign/keys.h"
#include "sign/record.h"

enum {
	LOOK_MS = 2000,
	ASK_FIRST_MS = 5000, /* until the second round after a change */
	ASK_MOST_MS = 3600 * 1000,
	AT_ONCE = 16, /* questions under way */
	DAY_MS = 24 * 3600 * 1000,
	YEAR_S = 365 * 24 * 3600,
	GRACE_S = 2 * 24 * 3600, /* of x=, beyond the longest wait here */
};

/* A key in a round of questions. */
struct asked {
	struct watch *watch; /* borrowed */
	struct key *key; /* owned reference */
	struct question *question; /* NULL: answered, or not asked yet */
	enum record_verdict verdict, before;
	bool has_verdict, had_verdict;
};

struct change {
	struct key *key; /* owned reference */
	enum key_state to;
};

/* One piece of work for the pool; it owns what it uses. */
struct look {
	struct watch *watch;
	char *folder;
	struct keyring *before; /* a reference */
	struct change *changes;
	size_t nchanges;
	uint64_t seen; /* what was there at the last look, and at this one */
	int64_t now; /* s since 1970 */
	struct keyring *ring; /* NULL: nothing has changed */
	struct findings found, failed; /* at reading, at changing states */
};

struct watch {
	struct loop *loop; /* borrowed */
	struct keys *keys; /* borrowed */
	const struct conf *conf; /* owned reference */
	struct deadline *time; /* owned */
	struct resolver *resolver; /* owned; NULL: nothing was asked yet */
	bool is_busy; /* on_looked() will come */
	bool is_closed;
	uint64_t seen; /* key_files_look() */
	struct buf told; /* what was wrong at the last look: told once */
	struct buf told_failed;
	struct change *changes; /* owned: for the next look */
	size_t nchanges;
	struct asked *round; /* owned: the keys of this round, or the last */
	size_t nround, next; /* next: to be asked */
	unsigned under_way;
	bool in_round;
	uint64_t ask_at, ask_pause; /* ms */
	uint64_t old_told_at; /* ms; 0: never */
};

static void on_time(void *arg);
static void look(void *arg);
static void on_looked(void *arg);
static void on_answer(const struct dns_answer *answer, void *arg);

/* --- telling --- */

/* All of them, unless they are what was told last. */
static void
tell_findings(const struct findings *f, struct buf *told)
{
	struct buf text = { 0 };

	findings_join(f, FINDING_ERROR, &text);
	findings_join(f, FINDING_WARNING, &text);
	if (span_equal(buf_span(&text), buf_span(told))) {
		buf_clear(&text);
		return;
	}
	buf_clear(told);
	*told = text;
	for (size_t i = 0; i < f->n; i++) {
		if (f->all[i].level == FINDING_ERROR)
			FACT(DKIM_KEY, fact_string("what", f->all[i].text));
		else if (f->all[i].level == FINDING_WARNING)
			FACT(
			    DKIM_KEY_OPEN, fact_string("what", f->all[i].text));
	}
}

static void
tell_state(const struct key *k)
{
	FACT(DKIM_STATE, fact_word("domain", key_domain(k)),
	    fact_word("selector", key_selector(k)),
	    fact_word("state", key_state_name(key_state(k))));
}

/* What has another state now, and what is missed. */
static void
tell_changes(const struct keyring *before, const struct keyring *now)
{
	size_t nactive = 0;

	for (size_t i = 0; i < keyring_count(now); i++) {
		const struct key *k = keyring_at(now, i);
		const struct key *old =
		    keyring_get(before, key_domain(k), key_selector(k));

		nactive += key_state(k) == KEY_ACTIVE;
		if (old == NULL ? keyring_count(before) > 0
				: key_state(old) != key_state(k))
			tell_state(k);
	}
	for (size_t i = 0; i < keyring_count(before); i++) {
		const struct key *k = keyring_at(before, i);

		if (key_state(k) == KEY_ACTIVE &&
		    keyring_get(now, key_domain(k), key_selector(k)) == NULL)
			FACT(DKIM_KEY_GONE, fact_word("domain", key_domain(k)),
			    fact_word("selector", key_selector(k)),
			    fact_string("what",
				"the file of an active key is gone; mail of "
				"this domain goes out unsigned unless it has "
				"another: bring it back, or make new ones "
				"(postern dkim add)"));
	}
	metric_set(METRIC_DKIM_KEYS, (int64_t)nactive);
	FACT(DKIM_KEYS, fact_number("keys", keyring_count(now)),
	    fact_number("active", nactive));
}

static void
tell_old(struct watch *w, const struct keyring *ring)
{
	uint64_t now = loop_now(w->loop);
	int64_t today = wall_now() / 1000;
	const char *domain = "";

	if (w->old_told_at != 0 && now - w->old_told_at < DAY_MS)
		return;
	w->old_told_at = now;
	/* The newest of a domain is its first. */
	for (size_t i = 0; i < keyring_count(ring); i++) {
		const struct key *k = keyring_at(ring, i);
		bool is_first = strcmp(key_domain(k), domain) != 0;

		domain = key_domain(k);
		if (is_first && key_state(k) == KEY_ACTIVE &&
		    today - key_made(k) > YEAR_S)
			FACT(DKIM_KEY_OLD, fact_word("domain", domain),
			    fact_word("selector", key_selector(k)),
			    fact_number("days",
				(uint64_t)(today - key_made(k)) / 86400),
			    fact_string("what",
				"older than a year; make the next pair "
				"(postern dkim add)"));
	}
}

/* --- rounds of questions --- */

static void
end_round(struct watch *w)
{
	w->in_round = false;
	w->ask_at = loop_now(w->loop) + w->ask_pause;
	w->ask_pause =
	    w->ask_pause * 2 < ASK_MOST_MS ? w->ask_pause * 2 : ASK_MOST_MS;
}

static void
forget_round(struct watch *w)
{
	for (size_t i = 0; i < w->nround; i++) {
		if (w->round[i].question != NULL)
			resolver_forget(w->round[i].question);
		key_unref(w->round[i].key);
	}
	free(w->round);
	w->round = NULL;
	w->nround = w->next = 0;
	w->under_way = 0;
	w->in_round = false;
}

/* What the last round said of that key. */
static void
remember_verdict(struct asked *a, const struct asked *last, size_t nlast)
{
	for (size_t i = 0; i < nlast; i++) {
		if (strcmp(key_name(last[i].key), key_name(a->key)) != 0)
			continue;
		a->had_verdict = last[i].has_verdict || last[i].had_verdict;
		a->before =
		    last[i].has_verdict ? last[i].verdict : last[i].before;
	}
}

static struct asked *
gather(struct watch *w, const struct keyring *ring, size_t *n)
{
	struct asked *all = mem_zalloc(keyring_count(ring) + 1, sizeof *all);

	*n = 0;
	for (size_t i = 0; i < keyring_count(ring); i++) {
		struct key *k = keyring_at(ring, i);
		struct asked *a = &all[*n];

		if (key_state(k) != KEY_WAITING && key_state(k) != KEY_ACTIVE)
			continue;
		a->watch = w;
		a->key = key_ref(k);
		remember_verdict(a, w->round, w->nround);
		(*n)++;
	}
	return all;
}

static bool
open_resolver(struct watch *w)
{
	struct err err;

	if (w->resolver == NULL)
		w->resolver = resolver_new(
		    w->loop, w->conf->resolvers, w->conf->nresolvers, &err);
	if (w->resolver == NULL)
		FACT(DKIM_RECORD, fact_string("what", err.text));
	return w->resolver != NULL;
}

static void
ask_more(struct watch *w)
{
	while (w->next < w->nround && w->under_way < AT_ONCE) {
		struct asked *a = &w->round[w->next++];

		w->under_way++;
		a->question = resolver_ask(
		    w->resolver, key_name(a->key), DNS_TXT, on_answer, a);
	}
	if (w->under_way == 0)
		end_round(w);
}

static void
begin_round(struct watch *w)
{
	struct keyring *ring = keys_take(w->keys);
	struct asked *all;
	size_t n;

	tell_old(w, ring);
	all = gather(w, ring, &n);
	keyring_unref(ring);
	forget_round(w);
	w->round = all;
	w->nround = n;
	w->in_round = true;
	if (n == 0 || !open_resolver(w))
		end_round(w);
	else
		ask_more(w);
}

static void
add_change(struct watch *w, struct key *k, enum key_state to)
{
	w->changes =
	    mem_realloc(w->changes, (w->nchanges + 1) * sizeof *w->changes);
	w->changes[w->nchanges++] = (struct change){ key_ref(k), to };
}

/* Once for each verdict, and again when it is asked as rarely as ever. */
static void
tell_record(const struct watch *w, const struct asked *a, const char *why)
{
	const struct key *k = a->key;
	bool is_news = !a->had_verdict || a->before != a->verdict;

	if (a->verdict == RECORD_RIGHT ||
	    (!is_news && w->ask_pause < ASK_MOST_MS))
		return;
	/* That nobody answers says nothing of the record. */
	if (key_state(k) == KEY_ACTIVE && a->verdict != RECORD_UNANSWERED)
		FACT(DKIM_RECORD_WRONG, fact_word("name", key_name(k)),
		    fact_word("state", key_state_name(key_state(k))),
		    fact_word("dns", record_verdict_name(a->verdict)),
		    fact_string("what", why));
	else
		FACT(DKIM_RECORD, fact_word("name", key_name(k)),
		    fact_word("state", key_state_name(key_state(k))),
		    fact_word("dns", record_verdict_name(a->verdict)),
		    fact_string("what", why));
}

static void
on_answer(const struct dns_answer *answer, void *arg)
{
	struct asked *a = arg;
	struct watch *w = a->watch;
	char why[RECORD_WHY_MAX];

	a->question = NULL;
	a->verdict = record_judge_answer(a->key, answer, why);
	a->has_verdict = true;
	tell_record(w, a, why);
	if (a->verdict == RECORD_RIGHT && key_state(a->key) == KEY_WAITING)
		add_change(w, a->key, KEY_ACTIVE);
	w->under_way--;
	ask_more(w);
	/* What is right signs at once. */
	if (!w->in_round && w->nchanges > 0 && !w->is_busy)
		deadline_set(w->time, 0);
}

static void
ask_soon(struct watch *w)
{
	w->ask_pause = ASK_FIRST_MS;
	w->ask_at = loop_now(w->loop);
	if (w->in_round)
		forget_round(w);
	begin_round(w);
}

/* --- looks at the files --- */

static void
look_free(struct look *l)
{
	for (size_t i = 0; i < l->nchanges; i++)
		key_unref(l->changes[i].key);
	free(l->changes);
	free(l->folder);
	keyring_unref(l->before);
	findings_clear(&l->found);
	findings_clear(&l->failed);
	free(l);
}

static struct look *
look_new(struct watch *w)
{
	struct look *l = MEM_NEW(struct look);

	l->watch = w;
	l->folder = mem_strdup(w->conf->dkim_directory);
	l->before = keys_take(w->keys);
	l->changes = w->changes;
	l->nchanges = w->nchanges;
	w->changes = NULL;
	w->nchanges = 0;
	l->seen = w->seen;
	l->now = wall_now() / 1000;
	return l;
}

/* In the pool. */
static void
look(void *arg)
{
	struct look *l = arg;
	uint64_t seen;
	struct err err;

	for (size_t i = 0; i < l->nchanges; i++)
		if (key_files_set_state(l->folder, l->changes[i].key,
			l->changes[i].to, l->now, &err) != 0)
			findings_add(&l->failed, FINDING_ERROR,
			    "%s cannot be made %s: %s; let the relay's user "
			    "write there (dkim.directory)",
			    key_name(l->changes[i].key),
			    key_state_name(l->changes[i].to), err.text);
	seen = key_files_look(l->folder);
	if (seen != l->seen)
		l->ring = key_files_load(l->folder, l->before, &l->found);
	l->seen = seen;
}

static void
take_look(struct watch *w, struct look *l)
{
	if (l->nchanges > 0)
		tell_findings(&l->failed, &w->told_failed);
	w->seen = l->seen;
	if (l->ring == NULL)
		return;
	tell_findings(&l->found, &w->told);
	tell_changes(l->before, l->ring);
	keys_set_take(w->keys, l->ring);
	l->ring = NULL;
}

/* Nothing under them is on its way: they are of no use any more. */
static void
retire(struct watch *w)
{
	struct keyring *ring = keys_take(w->keys);

	for (size_t i = 0; i < keyring_count(ring); i++) {
		struct key *k = keyring_at(ring, i);

		if (key_state(k) == KEY_RETIRING && key_uses(k) == 0)
			add_change(w, k, KEY_RETIRED);
	}
	keyring_unref(ring);
}

static void
on_time(void *arg)
{
	struct watch *w = arg;

	retire(w);
	w->is_busy = true;
	work_run(w->loop, look, on_looked, look_new(w));
	if (!w->in_round && loop_now(w->loop) >= w->ask_at)
		begin_round(w);
}

static void
watch_free(struct watch *w)
{
	for (size_t i = 0; i < w->nchanges; i++)
		key_unref(w->changes[i].key);
	free(w->changes);
	buf_clear(&w->told);
	buf_clear(&w->told_failed);
	conf_unref(w->conf);
	free(w);
}

static void
on_looked(void *arg)
{
	struct look *l = arg;
	struct watch *w = l->watch;
	bool is_new = l->ring != NULL;

	w->is_busy = false;
	if (w->is_closed) {
		keyring_unref(l->ring);
		look_free(l);
		watch_free(w);
		return;
	}
	take_look(w, l);
	look_free(l);
	if (is_new)
		ask_soon(w);
	deadline_set(w->time, LOOK_MS);
}

/* --- life --- */

static void
set_conf(struct watch *w, const struct conf *conf)
{
	conf_unref(w->conf);
	w->conf = conf_ref(conf);
	keys_set_lifetime(w->keys, conf->expire + GRACE_S);
}

struct watch *
watch_open(struct loop *loop, const struct conf *conf, struct keys *keys)
{
	struct watch *w = MEM_NEW(struct watch);
	struct look *l;

	w->loop = loop;
	w->keys = keys;
	w->time = deadline_new(loop, on_time, w);
	set_conf(w, conf);
	l = look_new(w);
	l->seen = ~key_files_look(l->folder);
	look(l);
	if (keyring_count(l->ring) > 0 || l->found.n > 0) {
		take_look(w, l);
	} else {
		w->seen = l->seen;
		keyring_unref(l->ring);
	}
	look_free(l);
	ask_soon(w);
	deadline_set(w->time, LOOK_MS);
	return w;
}

void
watch_take(struct watch *w, const struct conf *conf)
{
	bool is_moved =
	    strcmp(conf->dkim_directory, w->conf->dkim_directory) != 0;

	set_conf(w, conf);
	if (is_moved)
		w->seen = ~w->seen;
	forget_round(w);
	resolver_close(w->resolver);
	w->resolver = NULL;
	ask_soon(w);
}

void
watch_close(struct watch *w)
{
	if (w == NULL)
		return;
	w->is_closed = true;
	forget_round(w);
	resolver_close(w->resolver);
	w->resolver = NULL;
	deadline_close(w->time);
	if (!w->is_busy)
		watch_free(w);
}
