/*
 * A lane, as the queue thread knows it, on a worker that is a guest on this thread.
 * The host is a socket that somebody listens on and nobody accepts from: the kernel
 * connects, and nothing is said.
 */
#include "crew/worker.h"

#include "tests/lib/suite.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"
#include "deliver/attempt.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "mail/envelope.h"
#include "sched/target.h"

enum { PATIENCE_MS = 20000 };

static struct loop *loop;
static struct deadline *patience;
static struct worker *worker;
static struct target *target;
static struct envelope *env;
static struct attempt *attempt;
static struct lane lane;
static int listener;

static unsigned ends, answers, lates;
static struct lane_end end;

static void
on_late(void *arg)
{
	(void)arg;
	ck_abort_msg("nothing happens any more");
}

static void
on_answered(struct lane *l, struct attempt *a, bool more, void *arg)
{
	ck_assert(l == &lane && a == attempt && arg == &lane);
	ck_assert(!more);
	answers++;
}

static void
on_ended(
    struct lane *l, struct attempt *a, const struct lane_end *why, void *arg)
{
	ck_assert(l == &lane && a == attempt && arg == &lane);
	ck_assert_ptr_null(l->io);
	ends++;
	end = (struct lane_end){ .blame = why->blame,
		.withdrawn = why->withdrawn,
		.no_descriptor = why->no_descriptor };
}

static void
on_too_late(struct lane *l, void *arg)
{
	(void)l;
	(void)arg;
	lates++;
}

static void
listen_somewhere(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof in;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&in, len), 0);
	ck_assert_int_eq(listen(listener, 5), 0);
	ck_assert_int_eq(
	    getsockname(listener, (struct sockaddr *)&in, &len), 0);
	target_add_host(target, SPAN("mx1.test"), 0);
	target_add_host(target, SPAN("mx2.test"), 0);
	target_add_address(target, (struct sockaddr *)&in, ntohs(in.sin_port));
}

static void
setup(void)
{
	static const uint32_t one = 0;
	struct worker_events events = { .answered = on_answered,
		.too_late = on_too_late,
		.ended = on_ended,
		.arg = &lane };
	struct span rcpt = SPAN("x@c.test");
	struct envelope_parts parts = {
		.sender = SPAN("a@b.test"), .rcpt = &rcpt, .nrcpt = 1
	};
	struct err err;

	loop = loop_new();
	patience = deadline_new(loop, on_late, NULL);
	deadline_set(patience, PATIENCE_MS);
	worker = worker_start(
	    NULL, &(struct worker_shared){ .queue = loop }, &events, &err);
	ck_assert_ptr_nonnull(worker);
	target = target_new();
	target->hostname = mem_strdup("relay.test");
	target->timeout = 30;
	listen_somewhere();
	env = envelope_new(&parts);
	attempt = attempt_new(env, NULL, &one, 1);
	worker_open_lane(worker, &lane, target_ref(target), 1, attempt);
	ck_assert_uint_eq(worker_load(worker), 1);
}

static void
turn(void)
{
	(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
}

static void
teardown(void)
{
	deadline_close(patience);
	worker_join(worker);
	loop_stop(loop);
	loop_run(loop);
	loop_free(loop);
	target_unref(target);
	attempt_free(attempt);
	free(env);
	(void)close(listener);
}

START_TEST(what_a_lane_has_in_hand_is_withdrawn)
{
	while (lane.io == NULL)
		turn();
	worker_withdraw(&lane);
	worker_withdraw(&lane); /* asked for twice, it comes once */
	while (ends == 0)
		turn();
	ck_assert(end.withdrawn);
	ck_assert_int_eq(end.blame, BLAME_NONE);
	ck_assert(attempt_is_untouched(attempt));
	ck_assert_uint_eq(worker_load(worker), 0);
	ck_assert_uint_eq(lates, 0);
}
END_TEST

START_TEST(an_attempt_for_a_lane_that_has_ended_goes_back)
{
	while (lane.io == NULL)
		turn();
	worker_withdraw(&lane);
	while (ends == 0)
		turn();
	worker_withdraw(&lane);
	worker_give(&lane, attempt);
	while (answers == 0)
		turn();
	ck_assert(attempt_is_untouched(attempt));
	ck_assert_uint_eq(ends, 1);
}
END_TEST

/* The lane was ended in the call that started it, and written to behind it. */
START_TEST(without_a_descriptor_the_lane_ends_and_is_told)
{
	struct rlimit all, none;
	int next = dup(listener);

	(void)close(next);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
	none = all;
	none.rlim_cur = (rlim_t)next;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	while (ends == 0)
		turn();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
	ck_assert(end.no_descriptor);
	ck_assert_int_eq(end.blame, BLAME_NONE);
	ck_assert(attempt_is_untouched(attempt));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_a_lane_has_in_hand_is_withdrawn);
	tcase_add_test(tc, an_attempt_for_a_lane_that_has_ended_goes_back);
	tcase_add_test(tc, without_a_descriptor_the_lane_ends_and_is_told);
}

SUITE_MAIN("worker", fill)
