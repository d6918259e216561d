/*
 * after_io: filters that are asked after acceptance. A message that waits is read from
 * the spool, goes through the same steps as what filters change before acceptance, and
 * is replaced in the spool by what came of it. On one loop, which it never blocks.
 */
#ifndef INTAKE_AFTER_IO_H
#define INTAKE_AFTER_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct after;
struct aliases;
struct conf;
struct envelope;
struct ledger;
struct loop;
struct progress;
struct spool;
struct suppressor;

enum after_verdict {
	AFTER_PASSED, /* it is as it was */
	AFTER_CHANGED, /* the spool has it as it is now: `env` */
	AFTER_REFUSED, /* for good: `reply` */
	AFTER_DISCARDED,
	AFTER_LATER, /* `reply` says why */
};

struct after_answer {
	uint64_t id;
	enum after_verdict verdict;
	struct envelope *env; /* the callee's; NULL: see verdict */
	/* Recipients that filters took out; borrowed, as the next two. */
	const struct progress *news;
	size_t nnews;
	const char *filter; /* that refused it, or was away; or NULL */
	const char *reply; /* as a client would hear it; or NULL */
};
typedef void (*after_cb)(const struct after_answer *answer, void *arg);

/* All borrowed: they outlive it. */
struct after_of {
	struct loop *loop;
	struct spool *spool;
	struct ledger *ledger; /* NULL: budgets are not asked; the next alike */
	struct suppressor *suppressor;
	struct aliases *const *aliases; /* as they are now */
	after_cb cb; /* once for each that is asked about, later */
	void *arg;
};

struct after *after_new(const struct after_of *of);
/*
 * The envelope is copied. `open`: which recipients are still to get it
 * (env->nrcpt of them). `counts`: recipients that are added count in the account's
 * budgets now.
 */
void after_ask(struct after *a, const struct conf *conf,
    const struct envelope *env, const bool *open, bool counts);
/* All that are asked about are over soon: AFTER_LATER. */
void after_hurry(struct after *a);
/* Nobody is asked about. NULL is allowed. */
void after_free(struct after *a);

#endif
