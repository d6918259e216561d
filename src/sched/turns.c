/*
 * An account exists while somebody of it waits or holds a place. It is in
 * `ready` while somebody waits. Taking looks at accounts in the order of their
 * turns and stops at the first that has somebody who may; those that were passed
 * over keep their turn.
 */
#include "sched/turns.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { RETRY_EVERY = 4 };

struct turn_account {
	struct list ready; /* in turns->ready; alone when nobody waits */
	struct list lines[TURN_RANKS];
	uint32_t waiting, held;
	uint8_t since_retry; /* first attempts taken since the last retry */
	char name[];
};

void
turns_init(struct turns *t)
{
	*t = (struct turns){ 0 };
	list_init(&t->ready);
}

void
turns_clear(struct turns *t)
{
	struct turn_account *a;
	size_t at = 0;

	assert(t->waiting == 0);
	while ((a = map_next(&t->accounts, &at)) != NULL)
		free(a);
	map_clear(&t->accounts);
	turns_init(t);
}

static struct turn_account *
find(const struct turns *t, struct span name)
{
	return map_get(&t->accounts, name);
}

static struct turn_account *
find_or_add(struct turns *t, struct span name)
{
	struct turn_account *a = find(t, name);

	if (a != NULL)
		return a;
	a = mem_zalloc(1, sizeof *a + name.len + 1);
	if (name.len > 0)
		memcpy(a->name, name.ptr, name.len);
	list_init(&a->ready);
	for (int i = 0; i < TURN_RANKS; i++)
		list_init(&a->lines[i]);
	(void)map_put(&t->accounts, span_text(a->name), a);
	return a;
}

static void
forget_if_idle(struct turns *t, struct turn_account *a)
{
	if (a->waiting > 0 || a->held > 0)
		return;
	(void)map_remove(&t->accounts, span_text(a->name));
	free(a);
}

bool
turn_is_waiting(const struct turn *turn)
{
	return turn->account != NULL;
}

struct span
turn_account(const struct turn *turn)
{
	return span_text(turn->account->name);
}

void
turns_join(struct turns *t, struct turn *turn, struct span account,
    enum turn_rank rank)
{
	struct turn_account *a = find_or_add(t, account);

	assert(turn->account == NULL);
	turn->account = a;
	turn->rank = (uint8_t)rank;
	if (rank == TURN_FRONT)
		list_prepend(&a->lines[rank], &turn->node);
	else
		list_append(&a->lines[rank], &turn->node);
	if (a->waiting++ == 0)
		list_append(&t->ready, &a->ready);
	t->waiting++;
}

/* The account stays, even if nobody waits any more. */
static void
take_out(struct turns *t, struct turn *turn)
{
	struct turn_account *a = turn->account;

	list_remove(&turn->node);
	turn->account = NULL;
	t->waiting--;
	if (--a->waiting == 0)
		list_remove(&a->ready);
}

void
turns_leave(struct turns *t, struct turn *turn)
{
	struct turn_account *a = turn->account;

	assert(a != NULL);
	take_out(t, turn);
	forget_if_idle(t, a);
}

/* --- whose turn it is --- */

static struct turn *
first_that_fits(const struct list *line, const struct turns_place *p)
{
	unsigned looked = 0;

	LIST_FOREACH (node, line) {
		struct turn *turn = LIST_ENTRY(node, struct turn, node);

		if (p->fits == NULL || p->fits(turn, p->arg))
			return turn;
		if (++looked == TURNS_LOOKED_AT)
			break;
	}
	return NULL;
}

static struct turn *
next_of(const struct turn_account *a, const struct turns_place *p)
{
	static const enum turn_rank usual[TURN_RANKS] = { TURN_FRONT,
		TURN_FIRST_HIGH, TURN_RETRY_HIGH, TURN_FIRST, TURN_RETRY,
		TURN_FIRST_LOW, TURN_RETRY_LOW };
	static const enum turn_rank fourth[TURN_RANKS] = { TURN_FRONT,
		TURN_RETRY_HIGH, TURN_RETRY, TURN_RETRY_LOW, TURN_FIRST_HIGH,
		TURN_FIRST, TURN_FIRST_LOW };
	const enum turn_rank *order =
	    a->since_retry + 1 >= RETRY_EVERY ? fourth : usual;

	for (int i = 0; i < TURN_RANKS; i++) {
		struct turn *turn = first_that_fits(&a->lines[order[i]], p);

		if (turn != NULL)
			return turn;
	}
	return NULL;
}

static struct turn *
look(const struct turns *t, const struct turns_place *p)
{
	LIST_FOREACH (node, &t->ready) {
		struct turn_account *a =
		    LIST_ENTRY(node, struct turn_account, ready);
		struct turn *turn;

		if (p->held_most > 0 && a->held > p->held_most)
			continue;
		if (p->admits != NULL && !p->admits(span_text(a->name), p->arg))
			continue;
		turn = next_of(a, p);
		if (turn != NULL)
			return turn;
	}
	return NULL;
}

static bool
is_retry(const struct turn *turn)
{
	return turn->rank == TURN_RETRY_HIGH || turn->rank == TURN_RETRY ||
	       turn->rank == TURN_RETRY_LOW;
}

const struct turn *
turns_peek(const struct turns *t, const struct turns_place *place)
{
	return look(t, place);
}

struct turn *
turns_take(struct turns *t, const struct turns_place *place)
{
	struct turn *turn = look(t, place);
	struct turn_account *a;

	if (turn == NULL)
		return NULL;
	a = turn->account;
	if (is_retry(turn))
		a->since_retry = 0;
	else if (turn->rank != TURN_FRONT && a->since_retry < RETRY_EVERY)
		a->since_retry++;
	take_out(t, turn);
	if (a->waiting > 0) { /* the others first */
		list_remove(&a->ready);
		list_append(&t->ready, &a->ready);
	}
	forget_if_idle(t, a);
	return turn;
}

/* --- places --- */

void
turns_hold(struct turns *t, struct span account)
{
	find_or_add(t, account)->held++;
	t->held++;
}

void
turns_give_back(struct turns *t, struct span account)
{
	struct turn_account *a = find(t, account);

	assert(a != NULL && a->held > 0);
	a->held--;
	t->held--;
	forget_if_idle(t, a);
}

uint32_t
turns_held(const struct turns *t, struct span account)
{
	const struct turn_account *a = find(t, account);

	return a == NULL ? 0 : a->held;
}

uint32_t
turns_waiting(const struct turns *t, struct span account)
{
	const struct turn_account *a = find(t, account);

	return a == NULL ? 0 : a->waiting;
}
