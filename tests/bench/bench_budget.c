/*
 * What budgets cost a message: on the thread that takes it, and in all.
 *
 *   bench_budget ACCOUNTS MESSAGES [RCPTS] [KNOWN]
 *
 * ACCOUNTS send by turns, each with the six windows of the defaults (with numbers
 * that are never reached), to RCPTS recipients of KNOWN that each has.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "intake/ledger_io.h"
#include "io/loop.h"
#include "state/state.h"

#include <uv.h>

enum { ROUNDS = 8 };

static bool is_ready;

static void
on_ready(struct ledger_waiter *w)
{
	(void)w;
	is_ready = true;
}

static double
seconds_of(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
message(struct ledger *l, struct loop *loop, const struct conf_account *conf,
    uint64_t i, unsigned accounts, unsigned rcpts, unsigned known, int64_t now)
{
	struct ledger_waiter w = { .loop = loop, .ready = on_ready };
	struct reservation r = { 0 };
	struct ledger_why why;
	char name[64], to[64];

	(void)snprintf(name, sizeof name, "user%u@example.com",
	    (unsigned)(i * 2654435761u % accounts));
	is_ready = false;
	while (ledger_begin(l, &r, span_text(name), conf, now, &w, &why) ==
	       LEDGER_LATER)
		while (!is_ready)
			(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	for (unsigned k = 0; k < rcpts; k++) {
		(void)snprintf(to, sizeof to, "rcpt%u@example.net",
		    (unsigned)((i / accounts * rcpts + k) % known));
		(void)ledger_add(l, &r, span_text(to), now, &why);
	}
	ledger_take(l, &r, now);
}

int
main(int argc, char **argv)
{
	unsigned accounts = argc > 1 ? (unsigned)atoi(argv[1]) : 10000;
	uint64_t messages = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
	unsigned rcpts = argc > 3 ? (unsigned)atoi(argv[3]) : 1;
	unsigned known = argc > 4 ? (unsigned)atoi(argv[4]) : 20;
	static const struct conf_rates rates = {
		.list = { { 1000000000, 3600 }, { 1000000000, 86400 } }, .n = 2
	};
	struct conf_account conf = { .budgets = { rates, rates, rates } };
	char folder[] = "bench-budget-XXXXXX", command[64];
	struct loop *loop = loop_new();
	struct err err;
	struct state *state;
	struct ledger *l;

	if (mkdtemp(folder) == NULL)
		return 1;
	state =
	    state_open(&(struct state_options){ .directory = folder }, &err);
	if (state == NULL)
		return 1;
	l = ledger_new(state, NULL);
	for (unsigned round = 0; round < ROUNDS; round++) {
		double wall = seconds_of(CLOCK_MONOTONIC);
		double own = seconds_of(CLOCK_THREAD_CPUTIME_ID);
		double all = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
		int64_t now = (int64_t)(wall * 1000);

		for (uint64_t i = 0; i < messages / ROUNDS; i++)
			message(l, loop, &conf, round * messages + i, accounts,
			    rcpts, known, now);
		own = seconds_of(CLOCK_THREAD_CPUTIME_ID) - own;
		all = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - all;
		wall = seconds_of(CLOCK_MONOTONIC) - wall;
		(void)printf("%u accounts, %u recipients: %.2f us a message on "
			     "its thread, %.2f us in all, %.0f messages/s\n",
		    accounts, rcpts, own * 1e6 * ROUNDS / (double)messages,
		    all * 1e6 * ROUNDS / (double)messages,
		    (double)messages / ROUNDS / wall);
	}
	state_close(state);
	ledger_free(l);
	loop_stop(loop);
	loop_run(loop);
	loop_free(loop);
	(void)snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command) == 0 ? 0 : 1;
}
