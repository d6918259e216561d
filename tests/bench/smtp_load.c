/*
 * smtp_load: clients that submit as fast as they are answered, for
 * contrib/bench.
 *
 *   smtp_load [-h host] -p port [-c clients] [-n messages] [-k a connection]
 *             [-s bytes] [-d domains] [-i run] [-u account] [-r file] [-w ms]
 *             [-t file]
 *
 * Each client is a thread with a connection of its own: TLS from the first
 * byte, EHLO, AUTH PLAIN, then up to K messages, QUIT, and again until all N
 * are sent. It resumes its TLS session as mail clients do. Every message
 * carries `X-Seq: RUN-number`, which smtp_sink reads back. At the end one line
 * of JSON: what was accepted, in what time, and the latencies. A transaction is
 * timed from MAIL to the reply to the final dot; a login from connect() to 235.
 * `began` is CLOCK_MONOTONIC, to be held against smtp_sink's. With -r the
 * recipients' domains are a file's lines, in turn; with -w each client waits so
 * long between two messages; with -t the times of all messages that were accepted
 * go to a file: number, MAIL, the reply to the dot.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/bench/strangers.h"

#define USER "user@example.com"
#define PASSWORD "secret"

/* A client that fails so often in a row gives up: the load always ends. */
enum { MOST_FAILURES = 20, PATIENCE_S = 60, LINE = 512, INPUT = 8192 };

struct load {
	struct sockaddr_in to;
	unsigned clients, messages, per_connection, domains;
	size_t size;
	unsigned pause; /* ms */
	const char *run, *user, *times;
	char **names; /* owned, as their texts: of domains; NULL: none */
	size_t nnames;
	char login[2 * LINE];
	char *body; /* owned; ends with the final dot */
	size_t body_len;
	SSL_CTX *tls;
	double *transactions, *logins; /* owned; by message, 0: none */
	double *begins; /* owned; by message */
	atomic_uint next, accepted, failed, connections, resumed, said;
};

struct client {
	struct load *load; /* borrowed: lives longer, main() joins us */
	int fd;
	SSL *ssl;
	SSL_SESSION *session; /* owned */
	unsigned sent; /* on this connection */
	char *message; /* owned; room for the header and the body */
	char in[INPUT];
	size_t got;
	char last[LINE]; /* the newest reply, for the complaint */
};

/* --- the wire --- */

static bool
put(struct client *c, const char *data, size_t len)
{
	size_t n;

	return SSL_write_ex(c->ssl, data, len, &n) == 1;
}

/* Takes a line off the input: its reply code, 0 while more lines follow. */
static int
take_line(struct client *c, const char *end)
{
	size_t len = (size_t)(end - c->in) + 1;
	int code = -1;

	if (len >= 4) {
		(void)snprintf(c->last, sizeof c->last, "%.*s",
		    (int)(len < 200 ? len - 1 : 200), c->in);
		code = c->in[3] == '-' ? 0 : (int)strtol(c->in, NULL, 10);
	}
	memmove(c->in, c->in + len, c->got - len);
	c->got -= len;
	return code;
}

/* The code of one reply, or -1. */
static int
reply(struct client *c)
{
	for (;;) {
		char *end = memchr(c->in, '\n', c->got);
		size_t n;

		if (end != NULL) {
			int code = take_line(c, end);

			if (code != 0)
				return code;
			continue;
		}
		if (c->got == sizeof c->in ||
		    SSL_read_ex(c->ssl, c->in + c->got, sizeof c->in - c->got,
			&n) != 1) {
			(void)snprintf(
			    c->last, sizeof c->last, "connection lost");
			return -1;
		}
		c->got += n;
	}
}

static bool
say(struct client *c, const char *line, int code)
{
	return put(c, line, strlen(line)) && reply(c) == code;
}

/* --- connections --- */

static void
hang_up(struct client *c)
{
	if (c->ssl != NULL) {
		SSL_SESSION_free(c->session);
		c->session = SSL_get1_session(c->ssl);
		(void)SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
	}
	if (c->fd != -1)
		(void)close(c->fd);
	c->ssl = NULL;
	c->fd = -1;
	c->got = 0;
}

static bool
start_tls(struct client *c)
{
	c->ssl = SSL_new(c->load->tls);
	(void)SSL_set_fd(c->ssl, c->fd);
	if (c->session != NULL)
		(void)SSL_set_session(c->ssl, c->session);
	if (SSL_connect(c->ssl) != 1)
		return false;
	if (SSL_session_reused(c->ssl))
		atomic_fetch_add(&c->load->resumed, 1);
	return true;
}

static bool
dial(struct client *c, unsigned number)
{
	struct load *l = c->load;
	struct timeval wait = { .tv_sec = PATIENCE_S };
	double began = now();
	int one = 1;

	(void)snprintf(c->last, sizeof c->last, "no connection");
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	(void)setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	if (connect(c->fd, (struct sockaddr *)&l->to, sizeof l->to) != 0)
		return false;
	if (!start_tls(c) || reply(c) != 220 ||
	    !say(c, "EHLO load.test\r\n", 250) || !say(c, l->login, 235))
		return false;
	l->logins[number] = now() - began;
	atomic_fetch_add(&l->connections, 1);
	c->sent = 0;
	return true;
}

/* --- messages --- */

static bool
submit(struct client *c, unsigned number)
{
	struct load *l = c->load;
	char line[LINE], to[64];
	double began = now();
	size_t len;

	if (l->nnames > 0)
		(void)snprintf(
		    to, sizeof to, "rcpt@%s", l->names[number % l->nnames]);
	else if (l->domains > 1)
		(void)snprintf(
		    to, sizeof to, "rcpt@d%u.dest.test", number % l->domains);
	else
		(void)snprintf(to, sizeof to, "rcpt@dest.test");
	len = (size_t)snprintf(c->message, LINE,
	    "From: <%s>\r\nTo: <%s>\r\nSubject: load %u\r\n"
	    "X-Seq: %s-%u\r\nMessage-ID: <%s.%u@load.test>\r\n"
	    "Date: Mon, 02 Nov 2026 10:00:00 +0000\r\n\r\n",
	    l->user, to, number, l->run, number, l->run, number);
	memcpy(c->message + len, l->body, l->body_len);
	(void)snprintf(line, sizeof line, "MAIL FROM:<%s>\r\n", l->user);
	if (!say(c, line, 250))
		return false;
	(void)snprintf(line, sizeof line, "RCPT TO:<%s>\r\n", to);
	if (!say(c, line, 250) || !say(c, "DATA\r\n", 354) ||
	    !put(c, c->message, len + l->body_len) || reply(c) != 250)
		return false;
	l->begins[number] = began;
	l->transactions[number] = now() - began;
	atomic_fetch_add(&l->accepted, 1);
	return true;
}

static void
complain(struct client *c, const char *what)
{
	atomic_fetch_add(&c->load->failed, 1);
	if (atomic_fetch_add(&c->load->said, 1) < 5)
		(void)fprintf(stderr, "smtp_load: %s: %s\n", what, c->last);
	hang_up(c);
}

/* A new connection is tried again for the same message. */
static bool
dial_again(struct client *c, unsigned number, unsigned *bad)
{
	while (!dial(c, number)) {
		complain(c, "connect");
		if (++*bad >= MOST_FAILURES)
			return false;
	}
	return true;
}

static void
rest(const struct load *l)
{
	struct timespec t = { .tv_sec = l->pause / 1000,
		.tv_nsec = (long)(l->pause % 1000) * 1000000 };

	if (l->pause > 0)
		(void)nanosleep(&t, NULL);
}

static void *
run_client(void *arg)
{
	struct client *c = arg;
	struct load *l = c->load;
	unsigned bad = 0, number;

	c->message = mem_alloc(LINE + l->body_len);
	while (bad < MOST_FAILURES &&
	       (number = atomic_fetch_add(&l->next, 1)) < l->messages) {
		if (c->fd == -1 && !dial_again(c, number, &bad))
			break;
		if (!submit(c, number)) {
			complain(c, "message");
			bad++;
			continue;
		}
		bad = 0;
		if (++c->sent >= l->per_connection) {
			(void)say(c, "QUIT\r\n", 221);
			hang_up(c);
		}
		rest(l);
	}
	hang_up(c);
	SSL_SESSION_free(c->session);
	free(c->message);
	return NULL;
}

/* --- the whole --- */

static void
make_texts(struct load *l)
{
	static const char text[] = "The quick brown fox jumps over the lazy dog"
				   " and packs five dozen jugs.\r\n";

	write_login(l->login, sizeof l->login, l->user, PASSWORD);
	l->body = mem_alloc(l->size + 2 * sizeof text);
	while (l->body_len < l->size) {
		memcpy(l->body + l->body_len, text, sizeof text - 1);
		l->body_len += sizeof text - 1;
	}
	memcpy(l->body + l->body_len, ".\r\n", 3);
	l->body_len += 3;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts out the zeros, and prints two quantiles in milliseconds. */
static void
print_latency(const char *name, double *took, unsigned n)
{
	unsigned have = 0;

	for (unsigned i = 0; i < n; i++) {
		if (took[i] > 0)
			took[have++] = took[i];
	}
	qsort(took, have, sizeof *took, compare);
	(void)printf(", \"%s_p50\": %.3f, \"%s_p99\": %.3f", name,
	    have == 0 ? 0 : took[have / 2] * 1e3, name,
	    have == 0 ? 0 : took[(size_t)have * 99 / 100] * 1e3);
}

static void
write_times(const struct load *l)
{
	FILE *f = fopen(l->times, "w");

	if (f == NULL) {
		perror(l->times);
		return;
	}
	for (unsigned i = 0; i < l->messages; i++)
		if (l->begins[i] > 0)
			(void)fprintf(f, "%u %.6f %.6f\n", i, l->begins[i],
			    l->begins[i] + l->transactions[i]);
	(void)fclose(f);
}

static void
run(struct load *l)
{
	pthread_t *threads = mem_zalloc(l->clients, sizeof *threads);
	struct client *all = mem_zalloc(l->clients, sizeof *all);
	double began = now(), took;

	for (unsigned i = 0; i < l->clients; i++) {
		all[i].load = l;
		all[i].fd = -1;
		if (pthread_create(&threads[i], NULL, run_client, &all[i]) != 0)
			abort();
	}
	for (unsigned i = 0; i < l->clients; i++)
		(void)pthread_join(threads[i], NULL);
	took = now() - began;
	if (l->times != NULL)
		write_times(l);
	(void)printf("{\"began\": %.6f, \"seconds\": %.6f, \"accepted\": %u, "
		     "\"failed\": %u, \"connections\": %u, \"resumed\": %u",
	    began, took, l->accepted, l->failed, l->connections, l->resumed);
	print_latency("transaction", l->transactions, l->messages);
	print_latency("login", l->logins, l->messages);
	(void)printf("}\n");
	free(all);
	free(threads);
}

static unsigned
number(const char *text)
{
	unsigned long n = strtoul(text, NULL, 10);

	return n < 1 ? 1 : n > 10000000 ? 10000000 : (unsigned)n;
}

/* A domain a line. */
static void
read_names(struct load *l, const char *path)
{
	FILE *f = fopen(path, "r");
	char line[48];

	if (f == NULL) {
		perror(path);
		exit(2);
	}
	while (fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		l->names =
		    mem_realloc(l->names, (l->nnames + 1) * sizeof *l->names);
		l->names[l->nnames++] = mem_strdup(line);
	}
	(void)fclose(f);
}

static bool
read_options(struct load *l, int argc, char **argv)
{
	const char *host = "127.0.0.1";
	int o;

	while ((o = getopt(argc, argv, "h:p:c:n:k:s:d:i:u:r:w:t:")) != -1) {
		switch (o) {
		case 'h': host = optarg; break;
		case 'p':
			l->to.sin_port = htons((uint16_t)number(optarg));
			break;
		case 'c': l->clients = number(optarg); break;
		case 'n': l->messages = number(optarg); break;
		case 'k': l->per_connection = number(optarg); break;
		case 's': l->size = number(optarg); break;
		case 'd': l->domains = number(optarg); break;
		case 'i': l->run = optarg; break;
		case 'u': l->user = optarg; break;
		case 'r': read_names(l, optarg); break;
		case 'w': l->pause = number(optarg); break;
		case 't': l->times = optarg; break;
		default: return false;
		}
	}
	return l->to.sin_port != 0 && strlen(l->run) < 40 &&
	       strlen(l->user) < 100 &&
	       inet_pton(AF_INET, host, &l->to.sin_addr) == 1;
}

int
main(int argc, char **argv)
{
	struct load l = {
		.to.sin_family = AF_INET,
		.user = USER,
		.clients = 20,
		.messages = 1000,
		.per_connection = 1,
		.domains = 1,
		.size = 4096,
		.run = "run",
	};

	if (!read_options(&l, argc, argv)) {
		(void)fprintf(stderr,
		    "usage: smtp_load [-h host] -p port [-c clients] "
		    "[-n messages] [-k a connection]\n"
		    "                 [-s bytes] [-d domains] [-i run] "
		    "[-u account] [-r file]\n"
		    "                 [-w ms] [-t file]\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	/* No verification: the certificate is the benchmark's own. */
	l.tls = SSL_CTX_new(TLS_client_method());
	make_texts(&l);
	l.transactions = mem_zalloc(l.messages, sizeof *l.transactions);
	l.logins = mem_zalloc(l.messages, sizeof *l.logins);
	l.begins = mem_zalloc(l.messages, sizeof *l.begins);
	run(&l);
	free(l.begins);
	for (size_t i = 0; i < l.nnames; i++)
		free(l.names[i]);
	free(l.names);
	free(l.transactions);
	free(l.logins);
	free(l.body);
	SSL_CTX_free(l.tls);
	return l.failed == 0 ? 0 : 1;
}
