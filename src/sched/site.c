#include "sched/site.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mail/envelope.h"
#include "sched/queue.h"

/* One account's line at this site. Exists while it has jobs. */
struct line {
	struct list turn; /* in site->turns */
	struct list jobs;
	char name[];
};

struct site *
site_new(const char *key, const char *name)
{
	struct site *s = MEM_NEW(struct site);

	s->key = mem_strdup(key);
	s->name = mem_strdup(name);
	s->lanes_max = SITE_LANES_FIRST;
	list_init(&s->turns);
	return s;
}

void
site_free(struct site *s)
{
	assert(s->waiting == 0 && s->lanes == 0);
	map_clear(&s->accounts);
	free(s->detail);
	free(s->key);
	free(s->name);
	free(s);
}

static struct line *
line_of(struct site *s, const struct job *job)
{
	const char *account = job->message->env->account;
	struct line *l = map_get(&s->accounts, span_text(account));
	size_t size;

	if (l != NULL)
		return l;
	size = strlen(account) + 1;
	l = mem_alloc(sizeof *l + size);
	memcpy(l->name, account, size);
	list_init(&l->jobs);
	list_append(&s->turns, &l->turn);
	(void)map_put(&s->accounts, span_text(l->name), l);
	return l;
}

void
site_push(struct site *s, struct job *job)
{
	list_append(&line_of(s, job)->jobs, &job->node);
	s->waiting++;
}

void
site_push_first(struct site *s, struct job *job)
{
	list_prepend(&line_of(s, job)->jobs, &job->node);
	s->waiting++;
}

struct job *
site_pop(struct site *s)
{
	struct list *turn = list_pop(&s->turns);
	struct line *l;
	struct job *job;

	if (turn == NULL)
		return NULL;
	l = LIST_ENTRY(turn, struct line, turn);
	job = LIST_ENTRY(list_pop(&l->jobs), struct job, node);
	s->waiting--;
	if (list_is_empty(&l->jobs)) {
		(void)map_remove(&s->accounts, span_text(l->name));
		free(l);
	} else {
		list_append(&s->turns, &l->turn); /* the others first */
	}
	return job;
}

bool
site_is_closed(const struct site *s, uint64_t now)
{
	return s->closed_until > now;
}

bool
site_wants_lane(const struct site *s, uint64_t now)
{
	/* A connection costs more than a short wait behind the others. */
	return s->waiting > s->lanes && s->idle == 0 &&
	       s->lanes < s->lanes_max && !site_is_closed(s, now);
}

void
site_succeeded(struct site *s, uint32_t most)
{
	s->failures = 0;
	s->closed_until = 0;
	if (s->lanes_max >= most || ++s->credit < s->lanes_max)
		return;
	s->credit = 0;
	s->lanes_max++;
}

static void
keep_why(struct site *s, const struct words *why)
{
	struct words line = *why;
	struct buf text = { 0 };

	words_write(&text, why);
	free(s->detail);
	s->detail = span_dup(buf_span(&text));
	buf_reset(&text);
	line.status = SPAN("");
	words_say(&text, &line);
	(void)snprintf(
	    s->why, sizeof s->why, "%.*s", SPAN_ARG(buf_span(&text)));
	buf_clear(&text);
}

bool
site_tells_login(struct site *s, uint64_t now)
{
	if (s->login_told != 0 && now - s->login_told < SITE_LOGIN_TOLD_MS)
		return false;
	s->login_told = now;
	return true;
}

bool
site_remembers(const struct site *s, uint64_t now)
{
	return site_is_closed(s, now) ||
	       (s->login_told != 0 && now - s->login_told < SITE_LOGIN_TOLD_MS);
}

void
site_failed(struct site *s, const struct words *why, const struct backoff *b,
    uint64_t now, uint32_t random)
{
	uint64_t ms;

	keep_why(s, why);
	s->lanes_max = s->lanes_max > 1 ? s->lanes_max / 2 : 1;
	s->credit = 0;
	if (s->lanes > 0)
		return; /* others still work */
	s->lanes_max = 1;
	s->failures++;
	ms = backoff_delay(b, s->failures, random);
	if (ms > (uint64_t)SITE_CLOSED_MAX_S * 1000)
		ms = (uint64_t)SITE_CLOSED_MAX_S * 1000;
	s->closed_until = now + ms;
}
