/*
 * The mailbox is a list under a lock and one uv_async_t: the first parcel of a
 * batch wakes the loop, which takes the whole list at once.
 */
#include "io/loop.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <uv.h>

#include "base/mem.h"
#include "io/mailbox.h"
#include "io/work.h"

struct loop {
	uv_loop_t uv;
	uv_async_t wake;
	pthread_mutex_t lock;
	struct parcel *first, **last; /* under `lock` */
};

static void
open_parcels(struct loop *loop)
{
	struct parcel *p;

	(void)pthread_mutex_lock(&loop->lock);
	p = loop->first;
	loop->first = NULL;
	loop->last = &loop->first;
	(void)pthread_mutex_unlock(&loop->lock);
	while (p != NULL) {
		struct parcel *next = p->next;

		p->open(p);
		p = next;
	}
}

static void
on_wake(uv_async_t *wake)
{
	open_parcels(wake->data);
}

struct loop *
loop_new(void)
{
	struct loop *loop = MEM_NEW(struct loop);
	int rc;

	/* These fail only when the process has no descriptors left at all. */
	rc = uv_loop_init(&loop->uv);
	assert(rc == 0);
	rc = uv_async_init(&loop->uv, &loop->wake, on_wake);
	assert(rc == 0);
	loop->wake.data = loop;
	loop->last = &loop->first;
	(void)pthread_mutex_init(&loop->lock, NULL);
	return loop;
}

void
loop_free(struct loop *loop)
{
	int rc;

	if (loop == NULL)
		return;
	if (!uv_is_closing((uv_handle_t *)&loop->wake)) {
		uv_close((uv_handle_t *)&loop->wake, NULL);
		(void)uv_run(&loop->uv, UV_RUN_DEFAULT);
	}
	/* What was posted to a loop at its end still has an owner: it. */
	open_parcels(loop);
	rc = uv_loop_close(&loop->uv);
	assert(rc == 0);
	(void)pthread_mutex_destroy(&loop->lock);
	free(loop);
}

void
loop_run(struct loop *loop)
{
	(void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void
loop_stop(struct loop *loop)
{
	if (!uv_is_closing((uv_handle_t *)&loop->wake))
		uv_close((uv_handle_t *)&loop->wake, NULL);
}

struct uv_loop_s *
loop_uv(struct loop *loop)
{
	return &loop->uv;
}

uint64_t
loop_now(const struct loop *loop)
{
	return uv_now(&loop->uv);
}

void
mailbox_post(struct loop *to, struct parcel *p)
{
	bool first;

	p->next = NULL;
	(void)pthread_mutex_lock(&to->lock);
	first = to->first == NULL;
	*to->last = p;
	to->last = &p->next;
	if (first)
		(void)uv_async_send(&to->wake);
	(void)pthread_mutex_unlock(&to->lock);
}

int64_t
wall_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
random_fill(void *p, unsigned long len)
{
	unsigned char *at = p;

	while (len > 0) {
		ssize_t n = getrandom(at, len > 256 ? 256 : len, 0);

		/* Up to 256 bytes are never interrupted (getrandom(2)). */
		assert(n > 0);
		at += n;
		len -= (unsigned long)n;
	}
}

/* From a small store of the thread's own: one system call serves many. */
uint32_t
random_u32(void)
{
	static _Thread_local uint32_t store[64];
	static _Thread_local size_t left;

	if (left == 0) {
		random_fill(store, sizeof store);
		left = sizeof store / sizeof store[0];
	}
	return store[--left];
}

struct work {
	uv_work_t uv;
	work_cb run, done;
	void *arg;
};

static void
on_run(uv_work_t *uv)
{
	struct work *w = uv->data;

	w->run(w->arg);
}

static void
on_done(uv_work_t *uv, int status)
{
	struct work *w = uv->data;
	struct work copy = *w;

	(void)status; /* never cancelled */
	free(w);
	copy.done(copy.arg);
}

void
work_run(struct loop *loop, work_cb run, work_cb done, void *arg)
{
	struct work *w = MEM_NEW(struct work);
	int rc;

	w->run = run;
	w->done = done;
	w->arg = arg;
	w->uv.data = w;
	rc = uv_queue_work(&loop->uv, &w->uv, on_run, on_done);
	assert(rc == 0);
}
