/*
 * smtp_drip: clients that send a byte a second, for `contrib/bench drip`. They come
 * from 127.1.0.0/16 and are four kinds, so many of each:
 *
 *   handshake  the ClientHello of a TLS handshake
 *   line       a command without an end, in the clear
 *   commands   NOOP, again and again, in the clear
 *   content    logged in, the content of a message behind DATA
 *
 *   smtp_drip -p port -q port [-n clients] [-a clients an address] [-t seconds]
 *
 *     -p  the port with TLS from the first byte, -q the one with STARTTLS
 *
 * A line of JSON says when all have come; a second one, when the relay has ended all
 * of them or the time is up, how many it has ended, and when the last one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/span.h"
#include "tests/bench/strangers.h"

#define USER "user@example.com"
#define PASSWORD "secret"

enum { FIRST_ADDRESS = 0x7f010001, PATIENCE_S = 30, INPUT = 4096, TICKS = 100 };

enum kind { HANDSHAKE, A_LINE, COMMANDS, CONTENT, KINDS };

static const char *const names[KINDS] = { "handshake", "line", "commands",
	"content" };

struct client {
	enum kind kind;
	int fd; /* -1: it is over */
	SSL *ssl; /* of `content` */
	unsigned sent; /* bytes */
	double began;
};

struct drip {
	uint16_t tls_port, clear_port;
	unsigned clients, per_address, seconds;
	SSL_CTX *tls;
	char login[512], hello[INPUT];
	size_t hello_len;
	struct client *all; /* owned */
	unsigned opened[KINDS], ended[KINDS];
	double last[KINDS]; /* s that the one lived that lived longest */
};

/* --- coming --- */

static int
dial(const struct drip *d, unsigned number, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return dial_from(
	    FIRST_ADDRESS + number / d->per_address, &to, PATIENCE_S);
}

static bool
say(struct client *c, const char *text, const char *want)
{
	char in[INPUT];
	int n;

	if (text[0] != '\0' && SSL_write(c->ssl, text, (int)strlen(text)) <= 0)
		return false;
	n = SSL_read(c->ssl, in, sizeof in);
	return n >= 3 && memcmp(in, want, 3) == 0;
}

static bool
log_in(const struct drip *d, struct client *c)
{
	c->ssl = SSL_new(d->tls);
	(void)SSL_set_fd(c->ssl, c->fd);
	return SSL_connect(c->ssl) == 1 && say(c, "", "220") &&
	       say(c, "EHLO drip.test\r\n", "250") && say(c, d->login, "235") &&
	       say(c, "MAIL FROM:<" USER ">\r\n", "250") &&
	       say(c, "RCPT TO:<x@dest.test>\r\n", "250") &&
	       say(c, "DATA\r\n", "354");
}

static void
hang_up(struct client *c)
{
	SSL_free(c->ssl);
	if (c->fd != -1)
		(void)close(c->fd);
	c->ssl = NULL;
	c->fd = -1;
}

static void
come(struct drip *d, unsigned number)
{
	struct client *c = &d->all[number];
	bool is_clear = c->kind == A_LINE || c->kind == COMMANDS;

	c->fd = dial(d, number, is_clear ? d->clear_port : d->tls_port);
	if (c->fd == -1)
		return;
	if (c->kind == CONTENT && !log_in(d, c)) {
		hang_up(c);
		return;
	}
	(void)fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
	c->began = now();
	d->opened[c->kind]++;
}

/* --- dripping --- */

static char
next_byte(const struct drip *d, const struct client *c)
{
	static const char line[] = "EHLO ", noop[] = "NOOP\r\n";

	switch (c->kind) {
	case HANDSHAKE: return d->hello[c->sent % d->hello_len];
	case A_LINE: return c->sent < 5 ? line[c->sent] : 'x';
	case COMMANDS: return noop[c->sent % 6];
	case CONTENT:
	case KINDS: break;
	}
	return 'x';
}

/* Whether the relay has hung up. */
static bool
is_ended(const struct client *c)
{
	char in[INPUT];
	ssize_t n;

	if (c->ssl == NULL) {
		do {
			n = recv(c->fd, in, sizeof in, 0);
		} while (n > 0);
		return n == 0 || (errno != EAGAIN && errno != EINTR);
	}
	do {
		n = SSL_read(c->ssl, in, sizeof in);
	} while (n > 0);
	return SSL_get_error(c->ssl, (int)n) != SSL_ERROR_WANT_READ;
}

static void
drip(struct drip *d, struct client *c)
{
	char byte = next_byte(d, c);
	double lived;

	if (c->fd == -1)
		return;
	c->sent++;
	if (c->ssl != NULL)
		(void)SSL_write(c->ssl, &byte, 1);
	else
		(void)send(c->fd, &byte, 1, MSG_NOSIGNAL);
	if (!is_ended(c))
		return;
	lived = now() - c->began;
	d->ended[c->kind]++;
	if (lived > d->last[c->kind])
		d->last[c->kind] = lived;
	hang_up(c);
}

static unsigned
sum(const unsigned *counts)
{
	unsigned n = 0;

	for (size_t i = 0; i < KINDS; i++)
		n += counts[i];
	return n;
}

/* A byte of each in a second, spread over it. */
static void
drip_all(struct drip *d)
{
	double began = now();

	for (unsigned tick = 0; sum(d->ended) < sum(d->opened) &&
				now() - began < (double)d->seconds;
	     tick++) {
		double rest = began + (tick + 1) * (1.0 / TICKS) - now();

		for (unsigned i = tick % TICKS; i < d->clients; i += TICKS)
			drip(d, &d->all[i]);
		if (rest > 0)
			(void)poll(NULL, 0, (int)(rest * 1000));
	}
}

/* --- the whole --- */

static void
prepare(struct drip *d)
{
	write_login(d->login, sizeof d->login, USER, PASSWORD);
	raise_files();
	d->tls = SSL_CTX_new(TLS_client_method());
	(void)SSL_CTX_set_mode(d->tls, SSL_MODE_RELEASE_BUFFERS);
	d->hello_len = record_hello(d->tls, d->hello, sizeof d->hello);
	d->all = mem_zalloc(d->clients, sizeof *d->all);
}

/* The slow ones first, so that all have come within a moment of the others. */
static void
come_all(struct drip *d)
{
	for (unsigned i = 0; i < d->clients; i++)
		d->all[i] = (struct client){ .fd = -1,
			.kind =
			    (enum kind)(KINDS - 1 - i * KINDS / d->clients) };
	for (unsigned i = 0; i < d->clients; i++)
		come(d, i);
	(void)printf("{\"open\": %u}\n", sum(d->opened));
	(void)fflush(stdout);
}

static void
tell(const struct drip *d)
{
	(void)printf(
	    "{\"open\": %u, \"ended\": %u", sum(d->opened), sum(d->ended));
	for (size_t i = 0; i < KINDS; i++)
		(void)printf(", \"%s\": {\"open\": %u, \"ended\": %u, "
			     "\"longest\": %.1f}",
		    names[i], d->opened[i], d->ended[i], d->last[i]);
	(void)printf("}\n");
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
	struct drip d = { .clients = 5000, .per_address = 50, .seconds = 180 };
	int o;

	while ((o = getopt(argc, argv, "p:q:n:a:t:")) != -1) {
		switch (o) {
		case 'p': d.tls_port = (uint16_t)number(optarg, 65535); break;
		case 'q': d.clear_port = (uint16_t)number(optarg, 65535); break;
		case 'n': d.clients = number(optarg, 100000); break;
		case 'a': d.per_address = number(optarg, 10000); break;
		case 't': d.seconds = number(optarg, 3600); break;
		default:
			d.tls_port = 0;
			optind = argc;
			break;
		}
	}
	if (d.tls_port == 0 || d.clear_port == 0) {
		(void)fprintf(stderr,
		    "usage: smtp_drip -p port -q port [-n clients] "
		    "[-a clients an address] [-t seconds]\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	prepare(&d);
	come_all(&d);
	drip_all(&d);
	tell(&d);
	for (unsigned i = 0; i < d.clients; i++)
		hang_up(&d.all[i]);
	free(d.all);
	SSL_CTX_free(d.tls);
	return sum(d.ended) == d.clients ? 0 : 1;
}
