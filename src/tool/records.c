#include "records.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "dns/answer.h"
#include "dns/resolver.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "sign/key.h"

enum { AT_ONCE = 32, PATIENCE_MS = 10000 };

struct asking {
	struct loop *loop; /* borrowed */
	struct resolver *resolver; /* borrowed */
	struct looked_up *keys; /* borrowed */
	struct deadline *limit; /* owned: people wait */
	size_t n, next, answered;
	struct one *ones; /* owned */
};

struct one {
	struct asking *all; /* borrowed */
	struct looked_up *key; /* borrowed */
};

static void on_answer(const struct dns_answer *answer, void *arg);

static void
finish(struct asking *a)
{
	resolver_close(a->resolver);
	deadline_close(a->limit);
	loop_stop(a->loop);
}

static void
ask_next(struct asking *a)
{
	struct one *one = &a->ones[a->next];

	if (a->next == a->n)
		return;
	one->all = a;
	one->key = &a->keys[a->next++];
	(void)resolver_ask(
	    a->resolver, key_name(one->key->key), DNS_TXT, on_answer, one);
}

static void
on_answer(const struct dns_answer *answer, void *arg)
{
	struct one *one = arg;
	struct asking *a = one->all;

	one->key->verdict =
	    record_judge_answer(one->key->key, answer, one->key->why);
	if (++a->answered < a->n)
		ask_next(a);
	else
		finish(a);
}

/* What was not answered stays as it was: unanswered. */
static void
on_limit(void *arg)
{
	finish(arg);
}

int
records_look_up(
    const struct conf *conf, struct looked_up *keys, size_t n, struct err *err)
{
	struct asking a = { .loop = loop_new(), .keys = keys, .n = n };

	a.resolver =
	    resolver_new(a.loop, conf->resolvers, conf->nresolvers, err);
	a.limit = deadline_new(a.loop, on_limit, &a);
	a.ones = mem_zalloc(n + 1, sizeof *a.ones);
	for (size_t i = 0; i < n; i++) {
		keys[i].verdict = RECORD_UNANSWERED;
		(void)snprintf(keys[i].why, sizeof keys[i].why,
		    "the name servers do not answer in time");
	}
	if (a.resolver == NULL || n == 0) {
		finish(&a);
	} else {
		deadline_set(a.limit, PATIENCE_MS);
		for (int i = 0; i < AT_ONCE; i++)
			ask_next(&a);
	}
	loop_run(a.loop);
	loop_free(a.loop);
	free(a.ones);
	return a.resolver == NULL ? -1 : 0;
}
