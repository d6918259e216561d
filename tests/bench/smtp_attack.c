/*
 * smtp_attack: what a stranger can do to a relay, for contrib/bench attack. It
 * only ever talks to 127.0.0.0/8, on one core, for a bounded time.
 *
 *   smtp_attack -p port [-q port] [-t seconds] [-c connections] KIND
 *
 *     -p  the port with TLS from the first byte, -q the one with STARTTLS
 *     auth    AUTH that is ended and begun again in one segment
 *     hello   a ClientHello that was recorded, again and again
 *     half    handshakes that are begun and left there
 *     seats   as many connections as it gets, from many addresses, held by a
 *             byte now and then
 *     guess   wrong passwords, always the same account
 *     junk    commands without end, and a line without one
 *     http    requests with an AUTH in their body
 *
 * Prints one line of JSON: how many times it did it, and for how long.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/span.h"
#include "tests/bench/strangers.h"

#define USER "user@example.com"

enum { SECONDS_MOST = 60, CONNECTIONS_MOST = 512, HELLO_MAX = 4096 };

struct attack {
	uint16_t tls_port, clear_port;
	unsigned connections;
	double end; /* of CLOCK_MONOTONIC */
	SSL_CTX *tls;
	char hello[HELLO_MAX];
	size_t hello_len;
	void (*run)(struct attack *a, unsigned number);
	atomic_uint done;
};

struct attacker {
	struct attack *attack; /* borrowed: main() joins us */
	unsigned number;
};

static bool
is_over(const struct attack *a)
{
	return now() >= a->end;
}

static void
count(struct attack *a)
{
	(void)atomic_fetch_add(&a->done, 1);
}

/* From an address of its own, 127.1.0.0 and up, or of the system's choice. */
static int
dial(uint16_t port, uint32_t from)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in own = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f010000u + (from & 0xffff)) };
	struct timeval wait = { .tv_sec = 2 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd == -1)
		return -1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	if ((from != 0 &&
		bind(fd, (struct sockaddr *)&own, sizeof own) == -1) ||
	    connect(fd, (struct sockaddr *)&to, sizeof to) == -1) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* Without waiting for the other side: a reset, so that no port is kept. */
static void
drop(int fd)
{
	struct linger l = { .l_onoff = 1 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
	(void)close(fd);
}

/* --- inside TLS --- */

struct channel {
	int fd;
	SSL *ssl;
};

static void
hang_up(struct channel *c)
{
	SSL_free(c->ssl);
	if (c->fd != -1)
		drop(c->fd);
	*c = (struct channel){ .fd = -1 };
}

static bool
put(struct channel *c, const char *text)
{
	return SSL_write(c->ssl, text, (int)strlen(text)) > 0;
}

/* Reads until there is a whole last line; its code, or -1. */
static int
hear(struct channel *c)
{
	char in[4096];
	int n = SSL_read(c->ssl, in, sizeof in - 1);

	if (n < 4)
		return -1;
	return (int)strtol(in, NULL, 10);
}

static bool
enter(struct attack *a, struct channel *c, uint32_t from)
{
	*c = (struct channel){ .fd = dial(a->tls_port, from) };
	if (c->fd == -1)
		return false;
	c->ssl = SSL_new(a->tls);
	(void)SSL_set_fd(c->ssl, c->fd);
	if (SSL_connect(c->ssl) == 1 && hear(c) == 220 &&
	    put(c, "EHLO attack.test\r\n") && hear(c) == 250)
		return true;
	hang_up(c);
	return false;
}

static void
pause_a_moment(void)
{
	(void)poll(NULL, 0, 5);
}

static void
run_auth(struct attack *a, unsigned number)
{
	struct channel c = { .fd = -1 };

	(void)number;
	while (!is_over(a)) {
		if (c.ssl == NULL && !enter(a, &c, 0)) {
			pause_a_moment();
			continue;
		}
		if (!put(&c, "AUTH LOGIN\r\n*\r\nAUTH LOGIN\r\n*\r\n") ||
		    hear(&c) == 421 || hear(&c) < 0)
			hang_up(&c);
		count(a);
	}
	hang_up(&c);
}

static void
run_guess(struct attack *a, unsigned number)
{
	struct channel c = { .fd = -1 };
	unsigned tries = 0;

	while (!is_over(a)) {
		char password[64], line[512];
		int code;

		if (c.ssl == NULL && !enter(a, &c, 1)) {
			pause_a_moment();
			continue;
		}
		(void)snprintf(
		    password, sizeof password, "guess %u %u", number, tries++);
		write_login(line, sizeof line, USER, password);
		code = put(&c, line) ? hear(&c) : -1;
		if (code == 535)
			count(a);
		else
			hang_up(&c);
	}
	hang_up(&c);
}

/* --- in the clear, or with no handshake of our own --- */

static void
run_hello(struct attack *a, unsigned number)
{
	char in[8192];

	(void)number;
	while (!is_over(a)) {
		int fd = dial(a->tls_port, 0);

		if (fd == -1) {
			pause_a_moment();
			continue;
		}
		if (send(fd, a->hello, a->hello_len, MSG_NOSIGNAL) > 0 &&
		    recv(fd, in, sizeof in, 0) > 0)
			count(a);
		drop(fd);
	}
}

/* Half a hello, held for a while by hundreds. */
static void
run_half(struct attack *a, unsigned number)
{
	int held[64];

	while (!is_over(a)) {
		for (size_t i = 0; i < 64; i++) {
			held[i] = dial(a->tls_port, number * 64 + 1);
			if (held[i] != -1 &&
			    send(held[i], a->hello, a->hello_len,
				MSG_NOSIGNAL) > 0)
				count(a);
		}
		(void)poll(NULL, 0, 100);
		for (size_t i = 0; i < 64; i++)
			if (held[i] != -1)
				drop(held[i]);
	}
}

static void
run_seats(struct attack *a, unsigned number)
{
	enum { MINE = 100 };
	int held[MINE];
	uint32_t from = number * 1000 + 1;

	for (size_t i = 0; i < MINE; i++)
		held[i] = -1;
	for (size_t i = 0; !is_over(a); i = (i + 1) % MINE) {
		if (held[i] != -1 && send(held[i], "N", 1, MSG_NOSIGNAL) != 1) {
			drop(held[i]);
			held[i] = -1;
		}
		if (held[i] != -1)
			continue;
		held[i] = dial(a->clear_port, from++);
		if (held[i] == -1)
			pause_a_moment();
		else
			count(a);
	}
	for (size_t i = 0; i < MINE; i++)
		if (held[i] != -1)
			drop(held[i]);
}

static void
run_junk(struct attack *a, unsigned number)
{
	static char noops[6 * 2048], endless[16384];
	char in[16384];

	for (size_t i = 0; i < sizeof noops; i += 6)
		memcpy(noops + i, "NOOP\r\n", 6);
	memset(endless, 'x', sizeof endless);
	while (!is_over(a)) {
		const char *what = number % 2 == 0 ? noops : endless;
		size_t len = number % 2 == 0 ? sizeof noops : sizeof endless;
		int fd = dial(a->clear_port, 0);

		if (fd == -1) {
			pause_a_moment();
			continue;
		}
		while (!is_over(a) && send(fd, what, len, MSG_NOSIGNAL) > 0) {
			count(a);
			if (recv(fd, in, sizeof in, MSG_DONTWAIT) == 0)
				break;
		}
		drop(fd);
	}
}

static void
run_http(struct attack *a, unsigned number)
{
	static const char request[] =
	    "POST / HTTP/1.1\r\nHost: relay.example.com\r\n"
	    "Content-Length: 100\r\n\r\nEHLO attack.test\r\n"
	    "AUTH PLAIN AHVzZXJAZXhhbXBsZS5jb20Ac2VjcmV0\r\n";
	char in[4096];

	(void)number;
	while (!is_over(a)) {
		int fd = dial(a->clear_port, 0);

		if (fd == -1) {
			pause_a_moment();
			continue;
		}
		if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0)
			while (recv(fd, in, sizeof in, 0) > 0)
				continue;
		count(a);
		drop(fd);
	}
}

/* --- the whole --- */

static const struct kind {
	const char *name;
	void (*run)(struct attack *a, unsigned number);
	unsigned connections; /* unless -c says so: each is a thread */
} kinds[] = {
	{ "auth", run_auth, 8 },
	{ "hello", run_hello, 64 },
	{ "half", run_half, 16 },
	{ "seats", run_seats, 64 },
	{ "guess", run_guess, 80 },
	{ "junk", run_junk, 16 },
	{ "http", run_http, 32 },
};

static void *
run_attacker(void *arg)
{
	struct attacker *one = arg;

	one->attack->run(one->attack, one->number);
	return NULL;
}

static void
keep_to_one_core(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	(void)sched_setaffinity(0, sizeof set, &set);
}

static void
run(struct attack *a, double seconds)
{
	pthread_t *threads = mem_zalloc(a->connections, sizeof *threads);
	struct attacker *all = mem_zalloc(a->connections, sizeof *all);

	a->end = now() + seconds;
	for (unsigned i = 0; i < a->connections; i++) {
		all[i] = (struct attacker){ .attack = a, .number = i };
		if (pthread_create(&threads[i], NULL, run_attacker, &all[i]) !=
		    0)
			abort();
	}
	for (unsigned i = 0; i < a->connections; i++)
		(void)pthread_join(threads[i], NULL);
	(void)printf("{\"done\": %u, \"seconds\": %.1f}\n", a->done, seconds);
	free(all);
	free(threads);
}

static unsigned
number(const char *text, unsigned most)
{
	unsigned long n = strtoul(text, NULL, 10);

	return n < 1 ? 1 : n > most ? most : (unsigned)n;
}

int
main(int argc, char **argv)
{
	struct attack a = { 0 };
	unsigned seconds = 10;
	int o;

	while ((o = getopt(argc, argv, "p:q:t:c:")) != -1) {
		switch (o) {
		case 'p': a.tls_port = (uint16_t)number(optarg, 65535); break;
		case 'q': a.clear_port = (uint16_t)number(optarg, 65535); break;
		case 't': seconds = number(optarg, SECONDS_MOST); break;
		case 'c':
			a.connections = number(optarg, CONNECTIONS_MOST);
			break;
		default: argc = 0; break;
		}
	}
	for (size_t i = 0; argc - optind == 1 && i < ARRAY_LEN(kinds); i++) {
		if (strcmp(argv[optind], kinds[i].name) != 0)
			continue;
		a.run = kinds[i].run;
		if (a.connections == 0)
			a.connections = kinds[i].connections;
	}
	if (a.run == NULL || a.tls_port == 0 || a.clear_port == 0) {
		(void)fprintf(stderr, "usage: smtp_attack -p port -q port "
				      "[-t seconds] [-c connections] KIND\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	keep_to_one_core();
	a.tls = SSL_CTX_new(TLS_client_method());
	a.hello_len = record_hello(a.tls, a.hello, sizeof a.hello);
	run(&a, seconds);
	SSL_CTX_free(a.tls);
	return 0;
}
