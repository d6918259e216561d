/*
 * What it costs a message that its From's domain is known: who it is from, and one
 * look into the table.
 *
 *   bench_sending PAIRS MESSAGES
 *
 * PAIRS of an account and a domain send by turns, in an order that no cache likes. No
 * name server is asked: the loop does not turn.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "io/loop.h"
#include "mail/envelope.h"
#include "mail/origin.h"
#include "sending/domains_io.h"
#include "sign/keys.h"

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct envelope *
make(unsigned i)
{
	struct span rcpt = SPAN("to@there.test");
	char *account = mem_printf("user%u@domain%u.example", i, i);
	struct envelope_parts parts = { .id = i + 1,
		.nrcpt = 1,
		.account = span_text(account),
		.sender = span_text(account),
		.rcpt = &rcpt };
	struct envelope *env = envelope_new(&parts);

	free(account);
	return env;
}

static void
use(struct domains *d, const struct envelope *env)
{
	char room[IDN_SIZE], sender[IDN_SIZE];

	domains_used(d, span_text(env->account), origin_domain(env, room),
	    origin_of_sender(span_text(env->sender), sender));
}

int
main(int argc, char **argv)
{
	unsigned pairs = argc > 1 ? (unsigned)atoi(argv[1]) : 10000;
	unsigned n = argc > 2 ? (unsigned)atoi(argv[2]) : 1000000;
	struct envelope **envs = mem_zalloc(pairs, sizeof *envs);
	struct domains_events events = { .arg = NULL };
	struct loop *loop = loop_new();
	struct keys *keys = keys_new();
	struct buf warnings = { 0 };
	struct domains *d;
	struct conf *conf;
	struct err err;
	double began;

	conf = conf_parse(SPAN("hostname = relay.example.com\n"), "bench",
	    "relay.example.com", &warnings, &err);
	if (conf == NULL || pairs == 0)
		return 1;
	d = domains_open(loop, conf, keys, NULL, &events);
	for (unsigned i = 0; i < pairs; i++)
		envs[i] = make(i);
	began = now();
	for (unsigned i = 0; i < pairs; i++)
		use(d, envs[i]);
	(void)printf("new    %8.0f ns\n", (now() - began) * 1e9 / pairs);
	began = now();
	for (unsigned i = 0; i < n; i++)
		use(d, envs[(uint64_t)i * 2654435761u % pairs]);
	(void)printf("known  %8.0f ns\n", (now() - began) * 1e9 / n);
	domains_close(d);
	loop_stop(loop);
	loop_run(loop);
	domains_free(d);
	for (unsigned i = 0; i < pairs; i++)
		free(envs[i]);
	free(envs);
	keys_free(keys);
	conf_unref(conf);
	buf_clear(&warnings);
	loop_free(loop);
	return 0;
}
