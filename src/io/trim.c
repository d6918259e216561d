#include "io/trim.h"

#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "io/loop.h"
#include "io/work.h"

/* More than at the best time since the last one; what did not help then is
   not tried again. */
static uint64_t
unexplained(struct trim *t, uint64_t in_use, uint64_t held)
{
	int64_t extra = (int64_t)held - (int64_t)in_use;

	if (!t->has_base || extra < t->base)
		t->base = extra;
	t->has_base = true;
	return (uint64_t)(extra - t->base);
}

bool
trim_is_due(struct trim *t, uint64_t in_use, uint64_t held, uint64_t now)
{
	uint64_t step = t->last > in_use ? t->last - in_use : 0;
	uint64_t extra = unexplained(t, in_use, held);
	uint64_t fell;

	t->last = in_use;
	if (t->most < in_use)
		t->most = in_use;
	fell = t->most - in_use;
	if (fell < extra)
		fell = extra;
	/* A crowd that is still leaving would want another one soon. */
	if (fell < TRIM_WORTH || step > fell / 8 || now < t->next_at)
		return false;
	t->has_base = false; /* the next look finds what is left */
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

/* Resident bytes of this process; 0 when the system does not say. */
static uint64_t
held_now(void)
{
	unsigned long all = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%lu %lu", &all, &resident) != 2)
		resident = 0;
	(void)fclose(f);
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

void
trim_look(struct trim *t, struct loop *loop, uint64_t in_use)
{
	if (t->runs || !trim_is_due(t, in_use, held_now(), loop_now(loop)))
		return;
	t->runs = true;
	work_run(loop, run, on_done, t);
}
