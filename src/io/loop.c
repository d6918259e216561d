/*
 * The mailbox is a list under a lock and one eventfd(2). A loop opens what has
 * come just before it sleeps, so that only one that sleeps already need be
 * woken, and only once. A loop that posts wakes the others when it is done with
 * what it has: a wake at each parcel would let the receiver run for each of
 * them. `wakers` keeps a loop while a wake for it is under way. (A uv_async_t
 * does the like, but its receiver spins until the sender is back from its call.)
 */
#include "io/loop.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"
#include "io/mailbox.h"
#include "io/work.h"

enum {
	WAKES_MOST = 8,
	ROUNDS_MOST = 4,
	/* A few handshakes: so late comes the answer to who has logged in. */
	STRANGERS_NS = 2 * 1000 * 1000,
};

struct loop {
	uv_loop_t uv;
	uv_poll_t wake;
	uv_prepare_t before_sleep;
	struct loop *to_wake[WAKES_MOST]; /* borrowed: `wakers` keeps them */
	unsigned nto_wake;
	uint64_t strangers_ns; /* used in this turn */
	int wake_fd;
	atomic_int wakers;
	atomic_bool asleep; /* set under `lock`, by its own thread */
	pthread_mutex_t lock;
	struct parcel *first, **last; /* under `lock` */
};

static _Thread_local struct loop
    *running; /* this thread's loop, while it runs */

static void
ring(const struct loop *to)
{
	const uint64_t one = 1;
	ssize_t n = write(to->wake_fd, &one, sizeof one);

	/* EAGAIN: the counter is full, so the loop is being woken. */
	assert(n == sizeof one || errno == EAGAIN);
}

static void
wake_up(struct loop *to)
{
	ring(to);
	(void)atomic_fetch_sub_explicit(&to->wakers, 1, memory_order_release);
}

static void
wake_others(struct loop *loop)
{
	while (loop->nto_wake > 0)
		wake_up(loop->to_wake[--loop->nto_wake]);
}

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

/* False: there is something to be opened. */
static bool
fall_asleep(struct loop *loop)
{
	bool empty;

	(void)pthread_mutex_lock(&loop->lock);
	empty = loop->first == NULL;
	atomic_store_explicit(&loop->asleep, empty, memory_order_relaxed);
	(void)pthread_mutex_unlock(&loop->lock);
	return empty;
}

static void
on_before_sleep(uv_prepare_t *prepare)
{
	struct loop *loop = prepare->data;

	loop->strangers_ns = 0;
	for (int i = 0; i < ROUNDS_MOST; i++) {
		wake_others(loop);
		if (fall_asleep(loop))
			return;
		open_parcels(loop);
		/* Who turns the loop once waits for nothing more than that. */
		if (running != loop)
			uv_stop(&loop->uv);
	}
	/* Descriptors are to have their turn, too. */
	wake_others(loop);
	ring(loop);
}

static void
on_wake(uv_poll_t *wake, int status, int events)
{
	struct loop *loop = wake->data;
	uint64_t count;

	(void)status, (void)events;
	loop_awake(loop);
	/* Nothing to read: somebody else's wake was taken with an earlier one. */
	(void)!read(loop->wake_fd, &count, sizeof count);
	open_parcels(loop);
}

struct loop *
loop_new(void)
{
	struct loop *loop = MEM_NEW(struct loop);
	int rc;

	/* These fail only when the process has no descriptors left at all. */
	rc = uv_loop_init(&loop->uv);
	assert(rc == 0);
	loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert(loop->wake_fd != -1);
	rc = uv_poll_init(&loop->uv, &loop->wake, loop->wake_fd);
	assert(rc == 0);
	loop->wake.data = loop;
	rc = uv_poll_start(&loop->wake, UV_READABLE, on_wake);
	assert(rc == 0);
	(void)uv_prepare_init(&loop->uv, &loop->before_sleep);
	loop->before_sleep.data = loop;
	(void)uv_prepare_start(&loop->before_sleep, on_before_sleep);
	uv_unref((uv_handle_t *)&loop->before_sleep);
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
	if (!uv_is_closing((uv_handle_t *)&loop->wake))
		uv_close((uv_handle_t *)&loop->wake, NULL);
	uv_close((uv_handle_t *)&loop->before_sleep, NULL);
	loop_run(loop);
	/* What was posted to a loop at its end still has an owner: it. */
	open_parcels(loop);
	mailbox_flush();
	while (atomic_load_explicit(&loop->wakers, memory_order_acquire) > 0)
		(void)sched_yield();
	(void)close(loop->wake_fd);
	rc = uv_loop_close(&loop->uv);
	assert(rc == 0);
	(void)pthread_mutex_destroy(&loop->lock);
	free(loop);
}

void
loop_run(struct loop *loop)
{
	struct loop *before = running;

	running = loop;
	(void)uv_run(&loop->uv, UV_RUN_DEFAULT);
	wake_others(loop);
	running = before;
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

void
loop_awake(struct loop *loop)
{
	atomic_store_explicit(&loop->asleep, false, memory_order_relaxed);
}

uint64_t
loop_now(const struct loop *loop)
{
	return uv_now(&loop->uv);
}

void
loop_refresh(struct loop *loop)
{
	uv_update_time(&loop->uv);
}

uint64_t
loop_clock(void)
{
	return uv_hrtime();
}

bool
loop_has_time_for_strangers(const struct loop *loop)
{
	return loop->strangers_ns < STRANGERS_NS;
}

void
loop_used_by_stranger(struct loop *loop, uint64_t began)
{
	loop->strangers_ns += uv_hrtime() - began;
}

void
mailbox_post(struct loop *to, struct parcel *p)
{
	bool wake;

	p->next = NULL;
	(void)pthread_mutex_lock(&to->lock);
	*to->last = p;
	to->last = &p->next;
	wake = to != running &&
	       atomic_load_explicit(&to->asleep, memory_order_relaxed);
	if (wake) {
		atomic_store_explicit(&to->asleep, false, memory_order_relaxed);
		(void)atomic_fetch_add_explicit(
		    &to->wakers, 1, memory_order_relaxed);
	}
	(void)pthread_mutex_unlock(&to->lock);
	if (!wake)
		return;
	if (running != NULL && running->nto_wake < WAKES_MOST)
		running->to_wake[running->nto_wake++] = to;
	else
		wake_up(to);
}

void
mailbox_flush(void)
{
	if (running != NULL)
		wake_others(running);
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

uint64_t
random_u64(void)
{
	return (uint64_t)random_u32() << 32 | random_u32();
}

struct work {
	uv_work_t uv;
	struct loop *loop; /* borrowed */
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
	loop_awake(copy.loop);
	free(w);
	copy.done(copy.arg);
}

void
work_run(struct loop *loop, work_cb run, work_cb done, void *arg)
{
	struct work *w = MEM_NEW(struct work);
	int rc;

	w->loop = loop;
	w->run = run;
	w->done = done;
	w->arg = arg;
	w->uv.data = w;
	rc = uv_queue_work(&loop->uv, &w->uv, on_run, on_done);
	assert(rc == 0);
}
