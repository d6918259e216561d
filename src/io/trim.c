#include "io/trim.h"

#include <malloc.h>
#include <stddef.h>

#include "io/loop.h"
#include "io/work.h"

bool
trim_is_due(struct trim *t, uint64_t in_use, uint64_t now)
{
	uint64_t step = t->last > in_use ? t->last - in_use : 0;
	uint64_t fell;

	t->last = in_use;
	if (t->most < in_use)
		t->most = in_use;
	fell = t->most - in_use;
	/* A crowd that is still leaving would want another one soon. */
	if (fell < TRIM_WORTH || step > fell / 8 || now < t->next_at)
		return false;
	t->most = in_use;
	t->next_at = now + TRIM_PAUSE_MS;
	return true;
}

/* It locks one arena after the other; see tame_malloc() in posternd.c. */
static void
run(void *arg)
{
	(void)arg;
	(void)malloc_trim(0);
}

static void
on_done(void *arg)
{
	struct trim *t = arg;

	t->runs = false;
}

void
trim_look(struct trim *t, struct loop *loop, uint64_t in_use)
{
	if (t->runs || !trim_is_due(t, in_use, loop_now(loop)))
		return;
	t->runs = true;
	work_run(loop, run, on_done, t);
}
