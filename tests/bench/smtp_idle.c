/*
 * smtp_idle: many sessions that log in over TLS and then say nothing, for
 * `contrib/bench idle`.
 *
 *   smtp_idle -p port [-h host] [-n sessions] [-a sessions an address]
 *             [-t threads]
 *
 * It opens them from 127.0.1.1, 127.0.1.2 ... so that the relay's limit of
 * sessions an address need not be raised, prints one line of JSON when all are
 * logged in (or have failed), and keeps them until its standard input ends.
 * Then each one says NOOP and QUIT, and a second line says how many were still
 * answered.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/bench/strangers.h"

#define USER "user@example.com"
#define PASSWORD "secret"

enum { PATIENCE_S = 60, LINE = 512, INPUT = 2048, FIRST_ADDRESS = 0x7f000101 };

struct session {
	int fd; /* -1: it did not come about */
	SSL *ssl;
};

struct idle {
	struct sockaddr_in to;
	unsigned sessions, per_address, threads;
	char login[LINE];
	SSL_CTX *tls;
	struct session *all; /* owned */
	atomic_uint next, count, said;
	bool leaving;
};

/* --- one session --- */

/* The code of one reply, or -1. We never send ahead: nothing follows it. */
static int
reply(struct session *s)
{
	char in[INPUT];
	size_t got = 0, n;

	while (got < sizeof in - 1 &&
	       SSL_read_ex(s->ssl, in + got, sizeof in - 1 - got, &n) == 1) {
		char *line = in, *end;

		got += n;
		in[got] = '\0';
		while ((end = strchr(line, '\n')) != NULL) {
			if (end - line >= 4 && line[3] != '-')
				return (int)strtol(line, NULL, 10);
			line = end + 1;
		}
	}
	return -1;
}

static bool
say(struct session *s, const char *line, int code)
{
	size_t n;

	return SSL_write_ex(s->ssl, line, strlen(line), &n) == 1 &&
	       reply(s) == code;
}

static int
dial(const struct idle *all, unsigned number)
{
	return dial_from(
	    FIRST_ADDRESS + number / all->per_address, &all->to, PATIENCE_S);
}

static bool
log_in(const struct idle *all, struct session *s)
{
	s->ssl = SSL_new(all->tls);
	(void)SSL_set_fd(s->ssl, s->fd);
	return SSL_connect(s->ssl) == 1 && reply(s) == 220 &&
	       say(s, "EHLO idle.test\r\n", 250) && say(s, all->login, 235);
}

static void
hang_up(struct session *s)
{
	SSL_free(s->ssl);
	if (s->fd != -1)
		(void)close(s->fd);
	s->ssl = NULL;
	s->fd = -1;
}

static bool
enter(struct idle *all, unsigned number)
{
	struct session *s = &all->all[number];

	s->fd = dial(all, number);
	if (s->fd != -1 && log_in(all, s))
		return true;
	if (atomic_fetch_add(&all->said, 1) < 5)
		(void)fprintf(stderr, "smtp_idle: session %u: %s\n", number,
		    s->fd == -1 ? "no connection" : "no login");
	hang_up(s);
	return false;
}

static bool
leave(struct idle *all, unsigned number)
{
	struct session *s = &all->all[number];
	bool alive = s->fd != -1 && say(s, "NOOP\r\n", 250);

	if (alive)
		(void)say(s, "QUIT\r\n", 221);
	hang_up(s);
	return alive;
}

/* --- all of them --- */

static void *
work(void *arg)
{
	struct idle *all = arg;
	unsigned number;

	while ((number = atomic_fetch_add(&all->next, 1)) < all->sessions)
		if (all->leaving ? leave(all, number) : enter(all, number))
			atomic_fetch_add(&all->count, 1);
	return NULL;
}

/* Enters or leaves all of them and says how many could. */
static void
run_threads(struct idle *all, bool leaving)
{
	pthread_t *threads = mem_zalloc(all->threads, sizeof *threads);
	double began = now();

	all->leaving = leaving;
	atomic_store(&all->next, 0);
	atomic_store(&all->count, 0);
	for (unsigned i = 0; i < all->threads; i++)
		if (pthread_create(&threads[i], NULL, work, all) != 0)
			abort();
	for (unsigned i = 0; i < all->threads; i++)
		(void)pthread_join(threads[i], NULL);
	free(threads);
	(void)printf("{\"%s\": %u, \"seconds\": %.3f}\n",
	    leaving ? "alive" : "open", all->count, now() - began);
	(void)fflush(stdout);
}

static void
wait_for_end_of_input(void)
{
	char c;

	while (read(STDIN_FILENO, &c, 1) > 0)
		continue;
}

static void
prepare(struct idle *all)
{
	write_login(all->login, sizeof all->login, USER, PASSWORD);
	raise_files();
	/* No verification: the certificate is the benchmark's own. */
	all->tls = SSL_CTX_new(TLS_client_method());
	(void)SSL_CTX_set_mode(all->tls, SSL_MODE_RELEASE_BUFFERS);
	all->all = mem_zalloc(all->sessions, sizeof *all->all);
	for (unsigned i = 0; i < all->sessions; i++)
		all->all[i].fd = -1;
}

static unsigned
number(const char *text)
{
	unsigned long n = strtoul(text, NULL, 10);

	return n < 1 ? 1 : n > 1000000 ? 1000000 : (unsigned)n;
}

static bool
read_options(struct idle *all, int argc, char **argv)
{
	const char *host = "127.0.0.1";
	int o;

	while ((o = getopt(argc, argv, "h:p:n:a:t:")) != -1) {
		switch (o) {
		case 'h': host = optarg; break;
		case 'p':
			all->to.sin_port = htons((uint16_t)number(optarg));
			break;
		case 'n': all->sessions = number(optarg); break;
		case 'a': all->per_address = number(optarg); break;
		case 't': all->threads = number(optarg); break;
		default: return false;
		}
	}
	return all->to.sin_port != 0 &&
	       inet_pton(AF_INET, host, &all->to.sin_addr) == 1;
}

int
main(int argc, char **argv)
{
	struct idle all = {
		.to.sin_family = AF_INET,
		.sessions = 10000,
		.per_address = 400,
		.threads = 8,
	};

	if (!read_options(&all, argc, argv)) {
		(void)fprintf(stderr,
		    "usage: smtp_idle -p port [-h host] [-n sessions] "
		    "[-a sessions an address]\n"
		    "                 [-t threads]\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	prepare(&all);
	run_threads(&all, false);
	wait_for_end_of_input();
	run_threads(&all, true);
	free(all.all);
	SSL_CTX_free(all.tls);
	return all.count == all.sessions ? 0 : 1;
}
