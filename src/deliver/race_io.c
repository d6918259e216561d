/*
 *  race_go -> a runner starts -> on_connected: won, or failed (the next one starts)
 *                            \-> on_deadline: company, or the runner's time is over
 *
 * A runner is a connection that opens. It outlives the race when it is closed, for
 * a stream goes at its own time.
 */
#include "race_io.h"

#include <stdlib.h>

#include "base/mem.h"
#include "deliver/peers.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "io/stream.h"
#include "lane_parts_io.h"
#include "sched/target.h"

enum { RUNNERS = 2 };

struct runner {
	struct race *race; /* borrowed: gone only when the runner is closed */
	struct stream *stream; /* owned */
	uint32_t way; /* into the race's */
	uint64_t gives_up; /* monotonic ms */
};

/* An address, in the order to try them. */
struct way {
	uint32_t address;
	bool is_used; /* it runs, has failed or won */
};

struct race {
	struct loop *loop; /* borrowed */
	const struct target *target; /* borrowed: the lane holds a reference */
	struct race_events events;
	struct runner *runners[RUNNERS]; /* owned; NULL: none */
	uint64_t started; /* when the last one was */
	bool no_descriptor; /* the last one could not be */
	struct deadline *deadline; /* owned */
	uint32_t nways;
	struct way ways[];
};

static void on_connected(enum stream_status status, void *arg);
static void on_deadline(void *arg);

static bool
is_known_to_fail(
    const struct target *t, uint32_t address, struct peers *peers, uint64_t now)
{
	char key[PEER_KEY_MAX];

	peer_key(&t->addresses[address], key);
	return peers_has_failed(peers, key, now);
}

struct race *
race_new(struct loop *loop, const struct target *target, uint32_t host,
    struct peers *peers, const struct race_events *events)
{
	const struct target_host *h = &target->hosts[host];
	struct race *r =
	    mem_zalloc(1, sizeof *r + h->naddresses * sizeof r->ways[0]);

	r->loop = loop;
	r->target = target;
	r->events = *events;
	r->deadline = deadline_new(loop, on_deadline, r);
	for (int failed = 0; failed < 2; failed++)
		for (uint32_t i = h->first; i < h->first + h->naddresses; i++)
			if (is_known_to_fail(target, i, peers,
				loop_now(loop)) == (failed == 1))
				r->ways[r->nways++].address = i;
	return r;
}

/* The first way that is not used; the count: none. */
static uint32_t
next_way(const struct race *r)
{
	uint32_t i = 0;

	while (i < r->nways && r->ways[i].is_used)
		i++;
	return i;
}

static unsigned
count_runners(const struct race *r)
{
	unsigned n = 0;

	for (int i = 0; i < RUNNERS; i++)
		n += r->runners[i] != NULL;
	return n;
}

bool
race_may_go(const struct race *r)
{
	return next_way(r) < r->nways;
}

/* When the next thing happens that no stream tells of. */
static void
arm(struct race *r)
{
	uint64_t now = loop_now(r->loop), next = UINT64_MAX;
	unsigned n = count_runners(r);

	if (n < RUNNERS && race_may_go(r) && !r->no_descriptor)
		next = r->started + RACE_HEAD_START_MS;
	for (int i = 0; i < RUNNERS; i++)
		if (r->runners[i] != NULL && r->runners[i]->gives_up < next)
			next = r->runners[i]->gives_up;
	if (n == 0)
		next = now; /* it is lost, which must be told from the loop */
	deadline_set(r->deadline, next > now ? next - now : 0);
}

static void
start_runner(struct race *r)
{
	uint32_t way = next_way(r);
	struct runner **slot = &r->runners[r->runners[0] != NULL];
	const struct target_address *a;
	struct runner *runner;

	if (way == r->nways || *slot != NULL)
		return;
	a = &r->target->addresses[r->ways[way].address];
	runner = MEM_NEW(struct runner);
	runner->race = r;
	runner->way = way;
	r->started = loop_now(r->loop);
	runner->gives_up = r->started + (uint64_t)r->target->timeout * 1000;
	runner->stream = stream_connect(r->loop, &a->to.sa,
	    a->to.sa.sa_family == AF_INET6 ? sizeof a->to.in6 : sizeof a->to.in,
	    on_connected, runner);
	r->no_descriptor = runner->stream == NULL;
	if (r->no_descriptor) {
		free(runner);
		return;
	}
	r->ways[way].is_used = true;
	*slot = runner;
}

static void
take_out(struct runner *runner)
{
	struct race *r = runner->race;

	for (int i = 0; i < RUNNERS; i++)
		if (r->runners[i] == runner)
			r->runners[i] = NULL;
}

static void
on_runner_closed(void *arg)
{
	free(arg);
}

static void
close_runner(struct runner *runner)
{
	take_out(runner);
	stream_close(runner->stream, on_runner_closed, runner);
}

static void
win(struct runner *runner)
{
	struct race *r = runner->race;
	struct stream *s = runner->stream;
	uint32_t address = r->ways[runner->way].address;

	take_out(runner);
	free(runner);
	race_stop(r);
	r->events.won(s, address, r->events.arg);
}

static void
fail(struct runner *runner, const char *why)
{
	struct race *r = runner->race;

	r->events.failed(r->ways[runner->way].address, why, r->events.arg);
	close_runner(runner);
}

/* After a failure the next one starts at once. */
static void
go_on(struct race *r)
{
	start_runner(r);
	arm(r);
}

static void
on_connected(enum stream_status status, void *arg)
{
	struct runner *runner = arg;
	struct race *r = runner->race;

	if (status == STREAM_OK) {
		win(runner);
		return;
	}
	fail(runner, stream_error(runner->stream));
	go_on(r);
}

static void
on_deadline(void *arg)
{
	struct race *r = arg;
	uint64_t now = loop_now(r->loop);

	for (int i = 0; i < RUNNERS; i++)
		if (r->runners[i] != NULL && r->runners[i]->gives_up <= now)
			fail(r->runners[i], "no answer in time");
	if (count_runners(r) == 0 && (r->no_descriptor || !race_may_go(r)))
		r->events.lost(r->no_descriptor, r->events.arg);
	else
		go_on(r);
}

void
race_go(struct race *r)
{
	r->no_descriptor = false;
	go_on(r);
}

void
race_go_again(struct race *r, uint32_t address)
{
	for (uint32_t i = 0; i < r->nways; i++)
		if (r->ways[i].address == address) {
			r->ways[i] = r->ways[0];
			r->ways[0] = (struct way){ .address = address };
		}
	race_go(r);
}

void
race_stop(struct race *r)
{
	deadline_cancel(r->deadline);
	for (int i = 0; i < RUNNERS; i++)
		if (r->runners[i] != NULL) {
			r->ways[r->runners[i]->way].is_used = false;
			close_runner(r->runners[i]);
		}
}

void
race_free(struct race *r)
{
	race_stop(r);
	deadline_close(r->deadline);
	free(r);
}
