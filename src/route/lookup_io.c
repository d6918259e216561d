/*
 *   lookup_io_start -> (the core asks) -> on_answer -> ... -> `cb`
 *        \-> (the core knows already) -> on_soon -> `cb`
 *
 * What is known at once (a literal, a name that is none) is told a little later,
 * and some at a time, so that a flood of them is no long turn of the loop.
 */
#include "lookup_priv.h"

#include <assert.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "dns/resolver.h"
#include "io/deadline.h"
#include "route/lookup.h"

enum { SOON_A_TURN = 64 };

struct lookups {
	struct resolver *resolver; /* owned */
	struct deadline *soon; /* owned */
	struct list known; /* lookups that are over from the start */
	unsigned under_way; /* all lookups */
	bool in_turn, is_closed; /* closed from inside on_soon() */
};

/* A question under way. */
struct asked {
	struct lookup_io *io;
	struct question *question; /* the resolver's; NULL: it was answered */
};

struct lookup_io {
	struct list node; /* in `known`; else alone */
	struct lookups *all; /* borrowed: closes after its lookups */
	struct lookup *core; /* owned */
	const struct lookup_answer *answer; /* the core's; NULL: not over */
	lookup_cb cb;
	lookup_open_cb on_open;
	void *arg;
	struct asked asked[LOOKUP_QUESTIONS_MAX];
};

static void on_answer(const struct dns_answer *answer, void *arg);
static void on_soon(void *arg);

struct lookups *
lookups_new_take(struct loop *loop, struct resolver *resolver)
{
	struct lookups *all = MEM_NEW(struct lookups);

	all->resolver = resolver;
	all->soon = deadline_new(loop, on_soon, all);
	list_init(&all->known);
	return all;
}

void
lookups_close(struct lookups *all)
{
	if (all == NULL || all->is_closed)
		return;
	assert(all->under_way == 0);
	all->is_closed = true;
	resolver_close(all->resolver);
	deadline_close(all->soon);
	if (!all->in_turn)
		free(all);
}

static void
io_free(struct lookup_io *l)
{
	list_remove(&l->node);
	l->all->under_way--;
	lookup_free(l->core);
	free(l);
}

/* Calling back is the last thing that touches others. */
static void
finish(struct lookup_io *l)
{
	lookup_cb cb = l->cb;
	struct lookup *core = l->core;
	const struct lookup_answer *answer = l->answer;
	void *arg = l->arg;

	l->core = NULL; /* the answer is in it */
	io_free(l);
	cb(answer, arg);
	lookup_free(core);
}

static void
ask(struct lookup_io *l, const struct lookup_need *need)
{
	for (unsigned n = need->first; n < need->end; n++) {
		l->asked[n].io = l;
		l->asked[n].question = resolver_ask(l->all->resolver,
		    lookup_question_name(l->core, n),
		    lookup_question_type(l->core, n), on_answer, &l->asked[n]);
	}
}

static void
run(struct lookup_io *l, const struct lookup_event *ev)
{
	struct lookup_need need = lookup_step(l->core, ev);

	switch (need.type) {
	case LOOKUP_NOTHING: break;
	case LOOKUP_ASK: ask(l, &need); break;
	case LOOKUP_DONE: l->answer = need.answer; break;
	}
}

static void
on_answer(const struct dns_answer *answer, void *arg)
{
	struct asked *asked = arg;
	struct lookup_io *l = asked->io;
	struct lookup_event ev = { .type = LOOKUP_ANSWERED,
		.question = (unsigned)(asked - l->asked),
		.answer = answer };

	asked->question = NULL;
	run(l, &ev);
	if (l->answer != NULL)
		finish(l);
	else
		l->on_open(lookup_open(l->core), l->arg);
}

struct lookup_io *
lookup_io_start(struct lookups *all, const struct lookup_request *request)
{
	struct lookup_io *l = MEM_NEW(struct lookup_io);
	struct lookup_options options = { .name = request->name,
		.is_mail = request->is_mail,
		.servers = resolver_servers(all->resolver) };
	struct lookup_event ev = { .type = LOOKUP_BEGIN };

	list_init(&l->node);
	l->all = all;
	all->under_way++;
	l->cb = request->cb;
	l->on_open = request->on_open;
	l->arg = request->arg;
	l->core = lookup_new(&options);
	run(l, &ev);
	if (l->answer != NULL) {
		list_append(&all->known, &l->node);
		deadline_set(all->soon, 0);
	}
	return l;
}

static void
on_soon(void *arg)
{
	struct lookups *all = arg;

	all->in_turn = true;
	for (unsigned n = 0; n < SOON_A_TURN && !list_is_empty(&all->known);
	     n++)
		finish(LIST_ENTRY(all->known.next, struct lookup_io, node));
	all->in_turn = false;
	if (all->is_closed)
		free(all);
	else if (!list_is_empty(&all->known))
		deadline_set(all->soon, 0);
}

void
lookup_io_cancel(struct lookup_io *l)
{
	struct lookup_event ev = { .type = LOOKUP_CANCEL };

	for (unsigned n = 0; n < LOOKUP_QUESTIONS_MAX; n++)
		if (l->asked[n].question != NULL)
			resolver_forget(l->asked[n].question);
	run(l, &ev);
	io_free(l);
}

unsigned
lookup_io_open(const struct lookup_io *l)
{
	return lookup_open(l->core);
}
