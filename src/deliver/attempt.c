#include "deliver/attempt.h"

#include <stdlib.h>

#include "base/mem.h"
#include "mail/reason.h"

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
	if (a == NULL)
		return;
	for (uint32_t i = 0; i < a->nrcpt; i++)
		reason_unref(a->rcpts[i].reason);
	free(a);
}

static struct reason *
reason_of(const struct attempt *a, const struct verdict *v)
{
	char *said = words_keep(v->said);
	struct words w = { .status = span_text(v->status),
		.host = span_text(a->host),
		.what = v->what,
		.said = span_text(said),
		.stage = v->stage };
	struct reason *r = reason_new(&w);

	free(said);
	return r;
}

static void
set(struct attempt_rcpt *r, enum outcome outcome, struct reason *reason)
{
	r->outcome = outcome;
	reason_unref(r->reason);
	r->reason = reason_ref(reason);
}

void
attempt_set(struct attempt *a, struct attempt_rcpt *r, const struct verdict *v)
{
	struct reason *reason = reason_of(a, v);

	set(r, v->outcome, reason);
	reason_unref(reason);
}

static void
set_all(struct attempt *a, const struct verdict *v, bool asked_only)
{
	struct reason *reason = NULL;

	for (uint32_t i = 0; i < a->nrcpt; i++) {
		struct attempt_rcpt *r = &a->rcpts[i];

		if (r->outcome != OUTCOME_NONE || (asked_only && !r->is_asked))
			continue;
		if (reason == NULL)
			reason = reason_of(a, v);
		set(r, v->outcome, reason);
	}
	reason_unref(reason);
}

void
attempt_set_rest(struct attempt *a, const struct verdict *v)
{
	set_all(a, v, false);
}

void
attempt_set_asked(struct attempt *a, const struct verdict *v)
{
	set_all(a, v, true);
}

bool
attempt_is_untouched(const struct attempt *a)
{
	for (uint32_t i = 0; i < a->nrcpt; i++)
		if (a->rcpts[i].outcome != OUTCOME_NONE)
			return false;
	return true;
}
