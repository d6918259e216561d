#include "crew/crew.h"

#include <stdlib.h>
#include <uv.h>

#include "base/mem.h"
#include "io/loop.h"
#include "crew/worker.h"
#include "policy/aliases.h"

enum {
	/* A thread that ran for so much of a sample is busy. */
	BUSY_PERCENT = 75,
	SAMPLE_MS = 50,
};

struct member {
	struct worker *worker; /* owned */
	uint64_t ran_ns, at; /* its CPU time, and when, at its last sample */
};

struct crew {
	struct member *members; /* owned, as is the next */
	struct crew_seat *seats;
	uint32_t n;
};

/* What the queue has to do, as a number of sessions and lanes. */
static uint32_t
queue_work(const struct crew_seat *seats, size_t n)
{
	uint32_t all = 0;

	for (size_t i = 0; i < n; i++)
		all += seats[i].load;
	return all / CREW_QUEUE_PART;
}

static uint32_t
load_of(const struct crew_seat *seats, size_t i, uint32_t queue)
{
	return seats[i].load + (i == 0 ? queue : 0);
}

size_t
crew_choose(const struct crew_seat *seats, size_t n)
{
	const uint32_t queue = queue_work(seats, n);
	size_t least = 0;

	for (size_t i = 1; i < n; i++)
		if (load_of(seats, i, queue) < load_of(seats, least, queue))
			least = i;
	for (size_t i = 0; i < n; i++)
		if (!seats[i].busy &&
		    load_of(seats, i, queue) <=
			load_of(seats, least, queue) + CREW_UNEVEN)
			return i;
	return least;
}

static void
take_sample(struct member *m, struct crew_seat *seat, uint64_t now)
{
	uint64_t ran;

	seat->load = worker_load(m->worker);
	if (now - m->at < SAMPLE_MS)
		return;
	ran = worker_ran_ns(m->worker);
	seat->busy = ran > m->ran_ns &&
		     (ran - m->ran_ns) / 10000 > (now - m->at) * BUSY_PERCENT;
	m->ran_ns = ran;
	m->at = now;
}

struct worker *
crew_pick(struct crew *c, uint64_t now)
{
	for (uint32_t i = 0; i < c->n; i++)
		take_sample(&c->members[i], &c->seats[i], now);
	return c->members[crew_choose(c->seats, c->n)].worker;
}

struct crew *
crew_start(uint32_t workers, const struct worker_shared *shared,
    const struct worker_events *events, struct err *err)
{
	struct crew *c = MEM_NEW(struct crew);
	struct worker_shared all = *shared;

	if (workers == 0)
		workers = uv_available_parallelism();
	all.workers = workers;
	c->members = mem_zalloc(workers, sizeof *c->members);
	c->seats = mem_zalloc(workers, sizeof *c->seats);
	for (; c->n < workers; c->n++) {
		struct member *m = &c->members[c->n];

		m->worker = worker_start(
		    c->n == 0 ? NULL : m[-1].worker, &all, events, err);
		if (m->worker == NULL) {
			crew_join(c);
			return NULL;
		}
		m->at = loop_now(shared->queue);
	}
	return c;
}

uint32_t
crew_count(const struct crew *c)
{
	return c->n;
}

struct worker *
crew_worker(struct crew *c, uint32_t i)
{
	return c->members[i].worker;
}

void
crew_set_aliases(struct crew *c, struct aliases *aliases)
{
	for (uint32_t i = 0; i < c->n; i++)
		worker_set_aliases(c->members[i].worker, aliases_ref(aliases));
}

void
crew_look_at_logins(struct crew *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		worker_look_at_logins(c->members[i].worker);
}

void
crew_quit(struct crew *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		worker_quit(c->members[i].worker);
}

void
crew_abort(struct crew *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		worker_abort(c->members[i].worker);
}

void
crew_join(struct crew *c)
{
	if (c == NULL)
		return;
	for (uint32_t i = 0; i < c->n; i++)
		worker_join(c->members[i].worker);
	free(c->members);
	free(c->seats);
	free(c);
}
