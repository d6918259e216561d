#include "records.h"

#include <stdlib.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "dns/answer.h"
#include "dns/resolver.h"
#include "io/loop.h"
#include "sign/key.h"

enum { AT_ONCE = 32 };

struct asking {
	struct loop *loop; /* borrowed */
	struct resolver *resolver; /* borrowed */
	struct looked_up *keys; /* borrowed */
	size_t n, next, answered;
};

struct one {
	struct asking *all; /* borrowed */
	struct looked_up *key; /* borrowed */
};

static void on_answer(const struct dns_answer *answer, void *arg);

static void
ask_next(struct asking *a)
{
	struct one *one;

	if (a->next == a->n)
		return;
	one = MEM_NEW(struct one);
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
	free(one);
	if (++a->answered < a->n) {
		ask_next(a);
		return;
	}
	resolver_close(a->resolver);
	loop_stop(a->loop);
}

int
records_look_up(
    const struct conf *conf, struct looked_up *keys, size_t n, struct err *err)
{
	struct asking a = { .loop = loop_new(), .keys = keys, .n = n };

	a.resolver =
	    resolver_new(a.loop, conf->resolvers, conf->nresolvers, err);
	if (a.resolver == NULL || n == 0) {
		resolver_close(a.resolver);
		loop_stop(a.loop);
	} else {
		for (int i = 0; i < AT_ONCE; i++)
			ask_next(&a);
	}
	loop_run(a.loop);
	loop_free(a.loop);
	return a.resolver == NULL ? -1 : 0;
}
