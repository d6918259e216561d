#include "io/deadline.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <uv.h>

#include "base/mem.h"
#include "io/loop.h"

struct deadline {
	uv_timer_t timer;
	struct loop *loop; /* borrowed: handles close before their loop */
	uint64_t due; /* 0: not set */
	uint64_t armed; /* when the timer fires; 0: it does not */
	deadline_cb cb;
	void *arg;
};

static void arm(struct deadline *d, uint64_t now);

static void
on_timer(uv_timer_t *timer)
{
	struct deadline *d = timer->data;
	uint64_t now = loop_now(d->loop);

	d->armed = 0;
	if (d->due == 0)
		return;
	if (d->due > now) { /* it was moved away meanwhile */
		arm(d, now);
		return;
	}
	d->due = 0;
	d->cb(d->arg);
}

static void
arm(struct deadline *d, uint64_t now)
{
	int rc;

	d->armed = d->due;
	rc = uv_timer_start(&d->timer, on_timer, d->due - now, 0);
	assert(rc == 0);
}

struct deadline *
deadline_new(struct loop *loop, deadline_cb cb, void *arg)
{
	struct deadline *d = MEM_NEW(struct deadline);

	d->loop = loop;
	d->cb = cb;
	d->arg = arg;
	(void)uv_timer_init(loop_uv(loop), &d->timer);
	d->timer.data = d;
	return d;
}

void
deadline_set(struct deadline *d, uint64_t ms)
{
	uint64_t now = loop_now(d->loop);

	d->due = now + (ms == 0 ? 1 : ms);
	if (d->armed == 0 || d->armed > d->due)
		arm(d, now);
}

void
deadline_cancel(struct deadline *d)
{
	d->due = 0;
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
deadline_close(struct deadline *d)
{
	if (d == NULL)
		return;
	uv_close((uv_handle_t *)&d->timer, on_closed);
}
