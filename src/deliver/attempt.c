#include "deliver/attempt.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct attempt *
attempt_new(const struct envelope *env, struct content *content,
    const uint32_t *rcpts, uint32_t nrcpt)
{
	struct attempt *a =
	    mem_zalloc(1, sizeof *a + nrcpt * sizeof a->rcpts[0]);

	a->env = env;
	a->content = content;
	a->nrcpt = nrcpt;
	for (uint32_t i = 0; i < nrcpt; i++)
		a->rcpts[i].index = rcpts[i];
	return a;
}

void
attempt_free(struct attempt *a)
{
	for (uint32_t i = 0; i < a->nrcpt; i++) {
		free(a->rcpts[i].what);
		free(a->rcpts[i].said);
	}
	free(a);
}

void
attempt_set(struct attempt_rcpt *r, const struct verdict *v)
{
	r->outcome = v->outcome;
	memcpy(r->status, v->status, sizeof r->status);
	free(r->what);
	free(r->said);
	r->what = span_is_empty(v->what) ? NULL : span_dup(v->what);
	r->said = span_is_empty(v->said) ? NULL : words_keep(v->said);
}

void
attempt_set_rest(struct attempt *a, const struct verdict *v)
{
	for (uint32_t i = 0; i < a->nrcpt; i++)
		if (a->rcpts[i].outcome == OUTCOME_NONE)
			attempt_set(&a->rcpts[i], v);
}
