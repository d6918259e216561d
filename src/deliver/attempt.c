#include "deliver/attempt.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

enum { REPLY_KEPT = 600 };

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
	for (uint32_t i = 0; i < a->nrcpt; i++)
		free(a->rcpts[i].reply);
	free(a);
}

/* A reply of several lines on one line, cut. */
static char *
one_line(struct span reply)
{
	char *text = span_dup(span_to(reply, REPLY_KEPT)), *to = text;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\r')
			continue;
		*to++ = *p;
		if (*p == '\n')
			to[-1] = ' ';
	}
	while (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
	return text;
}

void
attempt_set(struct attempt_rcpt *r, enum stage stage, enum outcome o,
    struct span status, struct span reply)
{
	/* A class that does not fit the code would tell the sender nonsense. */
	char class = o == OUTCOME_FAILED     ? '5'
		     : o == OUTCOME_DEFERRED ? '4'
					     : '2';

	r->outcome = o;
	if (status.len == 0 || status.len >= sizeof r->status ||
	    status.ptr[0] != class)
		status = span_text(outcome_status(stage, o));
	(void)snprintf(r->status, sizeof r->status, "%.*s", SPAN_ARG(status));
	free(r->reply);
	r->reply = one_line(reply);
}

void
attempt_set_rest(struct attempt *a, enum stage stage, enum outcome o,
    struct span status, struct span reply)
{
	for (uint32_t i = 0; i < a->nrcpt; i++)
		if (a->rcpts[i].outcome == OUTCOME_NONE)
			attempt_set(&a->rcpts[i], stage, o, status, reply);
}
