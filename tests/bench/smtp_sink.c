/*
 * smtp_sink: a next host that counts messages and throws them away, for
 * contrib/bench.
 *
 *   smtp_sink -p port [-b address] [-c certificate -k key] [-n messages]
 *             [-x percent] [-i run] [-d] [-a addresses] [-t file]
 *
 * Offers CHUNKING (not with -d), and STARTTLS when it has a certificate. Reads
 * `X-Seq: RUN-number` from each message, so that loss and duplicates show. It
 * ends a second after N different messages of this run, or on SIGTERM, with one
 * line of JSON; `last` is the time of the newest message on CLOCK_MONOTONIC,
 * `chunked` how many came by BDAT. With -x so many percent of the RCPTs are
 * answered 451. With -a it listens at so many addresses, from the one of -b on;
 * with -t the times of the messages of this run go to a file: number, arrival.
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
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/bench/strangers.h"

enum { INPUT = 65536, LINE = 256, STACK = 256 << 10, MOST = 10000000 };

struct sink {
	struct sockaddr_in at;
	const char *cert, *key, *run, *times;
	unsigned want, defer, addresses;
	bool data_only;
	SSL_CTX *tls;
	pthread_mutex_t lock; /* for what follows up to `seen` */
	unsigned received, distinct, duplicates, foreign;
	double first, last;
	unsigned char *seen; /* owned; by number */
	double *arrivals; /* owned; by number; NULL: nobody asks */
	pthread_attr_t attr; /* of its threads */
	atomic_uint connections, secured, resumed, deferred, chunked, live,
	    most;
};

struct peer {
	struct sink *sink;
	int fd;
	SSL *ssl;
	unsigned random;
	bool has_rcpt;
	char seq[LINE]; /* of the message that comes */
	const char *command; /* into `in`: there until more is read */
	size_t at, got;
	char in[INPUT];
};

/* --- counting --- */

static void
write_times(const struct sink *s)
{
	FILE *f = fopen(s->times, "w");

	if (f == NULL) {
		perror(s->times);
		return;
	}
	for (unsigned i = 0; i < MOST; i++)
		if (s->seen[i])
			(void)fprintf(f, "%u %.6f\n", i, s->arrivals[i]);
	(void)fclose(f);
}

static _Noreturn void
report(struct sink *s)
{
	(void)pthread_mutex_lock(&s->lock);
	if (s->times != NULL)
		write_times(s);
	(void)printf("{\"received\": %u, \"distinct\": %u, \"duplicates\": %u, "
		     "\"foreign\": %u, \"first\": %.6f, \"last\": %.6f, "
		     "\"connections\": %u, \"tls\": %u, \"resumed\": %u, "
		     "\"deferred\": %u, \"chunked\": %u, "
		     "\"at_once\": %u}\n",
	    s->received, s->distinct, s->duplicates, s->foreign, s->first,
	    s->last, s->connections, s->secured, s->resumed, s->deferred,
	    s->chunked, s->most);
	(void)fflush(stdout);
	_exit(0);
}

/* `seq` is RUN-number; another run's message is a late one of before. */
static void
count(struct sink *s, const char *seq)
{
	size_t len = strlen(s->run);
	unsigned long n = MOST;

	if (strncmp(seq, s->run, len) == 0 && seq[len] == '-')
		n = strtoul(seq + len + 1, NULL, 10);
	(void)pthread_mutex_lock(&s->lock);
	if (n >= MOST) {
		s->foreign++;
	} else {
		s->last = now();
		if (s->received++ == 0)
			s->first = s->last;
		if (s->seen[n])
			s->duplicates++;
		else
			s->distinct++;
		if (s->arrivals != NULL && !s->seen[n])
			s->arrivals[n] = s->last;
		s->seen[n] = 1;
	}
	(void)pthread_mutex_unlock(&s->lock);
}

/* Ends the program: a second after the last message that was asked for. */
static void *
watch(void *arg)
{
	struct sink *s = arg;
	sigset_t set;
	bool full = false;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	for (;;) {
		struct timespec tick = { .tv_nsec = 50000000 };

		if (full)
			tick = (struct timespec){ .tv_sec = 1 };
		if (sigtimedwait(&set, NULL, &tick) > 0 || full)
			report(s);
		(void)pthread_mutex_lock(&s->lock);
		full = s->want > 0 && s->distinct >= s->want;
		(void)pthread_mutex_unlock(&s->lock);
	}
}

/* --- the wire --- */

static bool
fill(struct peer *p)
{
	size_t room, n = 0;

	memmove(p->in, p->in + p->at, p->got - p->at);
	p->got -= p->at;
	p->at = 0;
	room = sizeof p->in - p->got;
	if (room == 0)
		return false;
	if (p->ssl != NULL) {
		if (SSL_read_ex(p->ssl, p->in + p->got, room, &n) != 1)
			return false;
	} else {
		ssize_t rc = read(p->fd, p->in + p->got, room);

		if (rc <= 0)
			return false;
		n = (size_t)rc;
	}
	p->got += n;
	return true;
}

/* The next line, with its end; it is there until the next call. */
static const char *
next_line(struct peer *p, size_t *len)
{
	for (;;) {
		char *line = p->in + p->at;
		char *end = memchr(line, '\n', p->got - p->at);

		if (end != NULL) {
			*len = (size_t)(end - line) + 1;
			p->at += *len;
			return line;
		}
		if (!fill(p))
			return NULL;
	}
}

static bool
say(struct peer *p, const char *text)
{
	size_t len = strlen(text), n;

	if (p->ssl != NULL)
		return SSL_write_ex(p->ssl, text, len, &n) == 1;
	return write(p->fd, text, len) == (ssize_t)len;
}

/* --- the dialogue --- */

static bool
do_ehlo(struct peer *p)
{
	return say(p, "250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n") &&
	       (p->sink->tls == NULL || p->ssl != NULL ||
		   say(p, "250-STARTTLS\r\n")) &&
	       (p->sink->data_only || say(p, "250-CHUNKING\r\n")) &&
	       say(p, "250-ENHANCEDSTATUSCODES\r\n250 SIZE 104857600\r\n");
}

static bool
do_starttls(struct peer *p)
{
	if (p->sink->tls == NULL || p->ssl != NULL)
		return say(p, "503 5.5.1 no\r\n");
	if (!say(p, "220 2.0.0 go\r\n"))
		return false;
	p->at = p->got = 0;
	p->ssl = SSL_new(p->sink->tls);
	(void)SSL_set_fd(p->ssl, p->fd);
	if (SSL_accept(p->ssl) != 1)
		return false;
	atomic_fetch_add(&p->sink->secured, 1);
	if (SSL_session_reused(p->ssl))
		atomic_fetch_add(&p->sink->resumed, 1);
	return true;
}

static bool
do_mail(struct peer *p)
{
	p->has_rcpt = false;
	memset(p->seq, 0, sizeof p->seq);
	return say(p, "250 2.1.0 ok\r\n");
}

static bool
do_rcpt(struct peer *p)
{
	if ((unsigned)rand_r(&p->random) % 100 < p->sink->defer) {
		atomic_fetch_add(&p->sink->deferred, 1);
		return say(p, "451 4.3.0 come again\r\n");
	}
	p->has_rcpt = true;
	return say(p, "250 2.1.5 ok\r\n");
}

/* Its number, from the first line that has one. */
static void
look_at(const char *line, size_t len, char seq[LINE])
{
	static const char key[] = "X-Seq: ";

	if (seq[0] == '\0' && len > sizeof key && len < LINE &&
	    strncasecmp(line, key, sizeof key - 1) == 0)
		memcpy(seq, line + sizeof key - 1, len - sizeof key - 1);
}

/* Counted first: what we answer 250 for has arrived. */
static bool
take(struct peer *p)
{
	p->has_rcpt = false;
	count(p->sink, p->seq);
	return say(p, "250 2.0.0 taken\r\n");
}

static bool
do_data(struct peer *p)
{
	const char *line;
	size_t len;

	if (!p->has_rcpt)
		return say(p, "554 5.5.1 no valid recipients\r\n");
	if (!say(p, "354 go on\r\n"))
		return false;
	do {
		line = next_line(p, &len);
		if (line == NULL)
			return false;
		look_at(line, len, p->seq);
	} while (len != 3 || memcmp(line, ".\r\n", 3) != 0);
	return take(p);
}

/* Lines of the next `left` bytes; the last may end in another chunk. */
static bool
read_chunk(struct peer *p, size_t left)
{
	while (left > 0) {
		const char *line = p->in + p->at;
		size_t here = p->got - p->at < left ? p->got - p->at : left;
		const char *end = memchr(line, '\n', here);
		size_t len = end != NULL ? (size_t)(end - line) + 1 : here;

		if (end == NULL && here < left) {
			if (!fill(p))
				return false;
			continue;
		}
		look_at(line, len, p->seq);
		p->at += len;
		left -= len;
	}
	return true;
}

/* "BDAT 4096" or "BDAT 4096 LAST". */
static bool
do_bdat(struct peer *p)
{
	char *rest;
	size_t size = strtoul(p->command + 5, &rest, 10);
	bool is_last = strncasecmp(rest, " LAST", 5) == 0;

	if (!read_chunk(p, size))
		return false;
	if (!p->has_rcpt)
		return say(p, "554 5.5.1 no valid recipients\r\n");
	if (!is_last)
		return say(p, "250 2.0.0 go on\r\n");
	atomic_fetch_add(&p->sink->chunked, 1);
	return take(p);
}

static bool
do_quit(struct peer *p)
{
	(void)say(p, "221 2.0.0 bye\r\n");
	return false;
}

static bool
do_other(struct peer *p)
{
	return say(p, "250 2.0.0 ok\r\n");
}

static bool
answer(struct peer *p, const char *line, size_t len)
{
	static const struct {
		const char *verb;
		bool (*does)(struct peer *p);
	} verbs[] = {
		{ "EHLO", do_ehlo },
		{ "STARTTLS", do_starttls },
		{ "MAIL", do_mail },
		{ "RCPT", do_rcpt },
		{ "DATA", do_data },
		{ "BDAT", do_bdat },
		{ "QUIT", do_quit },
	};

	p->command = line;
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		size_t n = strlen(verbs[i].verb);

		if (len > n && strncasecmp(line, verbs[i].verb, n) == 0)
			return verbs[i].does(p);
	}
	return do_other(p);
}

static void *
serve(void *arg)
{
	struct peer *p = arg;
	struct sink *s = p->sink;
	const char *line;
	bool going = say(p, "220 sink.test ESMTP\r\n");
	size_t len;

	while (going) {
		line = next_line(p, &len);
		going = line != NULL && answer(p, line, len);
	}
	if (p->ssl != NULL) {
		(void)SSL_shutdown(p->ssl);
		SSL_free(p->ssl);
	}
	(void)close(p->fd);
	free(p);
	atomic_fetch_sub(&s->live, 1);
	return NULL;
}

/* --- the whole --- */

static void
welcome(struct sink *s, int fd)
{
	struct peer *p = MEM_NEW(struct peer);
	unsigned live = atomic_fetch_add(&s->live, 1) + 1;
	pthread_t thread;
	int one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	p->sink = s;
	p->fd = fd;
	/* A fixed start: each run defers alike. */
	p->random = atomic_fetch_add(&s->connections, 1) * 2654435761u;
	if (live > s->most)
		s->most = live;
	if (pthread_create(&thread, &s->attr, serve, p) != 0) {
		(void)close(fd);
		free(p);
		atomic_fetch_sub(&s->live, 1);
	}
}

/* At the address that many places behind the first. */
static int
listening(const struct sink *s, unsigned behind)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_in at = s->at;

	at.sin_addr.s_addr = htonl(ntohl(at.sin_addr.s_addr) + behind);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (const struct sockaddr *)&at, sizeof at) != 0 ||
	    listen(fd, 1024) != 0) {
		perror("smtp_sink");
		exit(2);
	}
	return fd;
}

/* A listening socket, and whose it is. */
struct door {
	struct sink *sink;
	int fd;
};

static void *
keep_door(void *arg)
{
	struct door *d = arg;

	while (d->fd != -1) {
		int peer = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC);

		if (peer != -1)
			welcome(d->sink, peer);
	}
	return NULL;
}

static void
run(struct sink *s)
{
	struct door *doors = mem_zalloc(s->addresses, sizeof *doors);
	pthread_t thread;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	(void)pthread_attr_init(&s->attr);
	(void)pthread_attr_setdetachstate(&s->attr, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&s->attr, STACK);
	if (pthread_create(&thread, &s->attr, watch, s) != 0)
		abort();
	for (unsigned i = 0; i < s->addresses; i++)
		doors[i] = (struct door){ s, listening(s, i) };
	for (unsigned i = 1; i < s->addresses; i++)
		if (pthread_create(&thread, &s->attr, keep_door, &doors[i]) !=
		    0)
			abort();
	(void)printf("ready\n");
	(void)fflush(stdout);
	(void)keep_door(&doors[0]);
}

static bool
load_certificate(struct sink *s)
{
	if (s->cert == NULL)
		return true;
	s->tls = SSL_CTX_new(TLS_server_method());
	return SSL_CTX_use_certificate_chain_file(s->tls, s->cert) == 1 &&
	       s->key != NULL &&
	       SSL_CTX_use_PrivateKey_file(s->tls, s->key, SSL_FILETYPE_PEM) ==
		   1;
}

static bool
read_options(struct sink *s, int argc, char **argv)
{
	const char *address = "127.0.0.2";
	unsigned long port = 0;
	int o;

	while ((o = getopt(argc, argv, "b:p:c:k:n:x:i:da:t:")) != -1) {
		switch (o) {
		case 'b': address = optarg; break;
		case 'p': port = strtoul(optarg, NULL, 10); break;
		case 'c': s->cert = optarg; break;
		case 'k': s->key = optarg; break;
		case 'n': s->want = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'x': s->defer = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'i': s->run = optarg; break;
		case 'd': s->data_only = true; break;
		case 'a':
			s->addresses = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 't': s->times = optarg; break;
		default: return false;
		}
	}
	s->at.sin_family = AF_INET;
	s->at.sin_port = htons((uint16_t)port);
	return port > 0 && port < 65536 && s->addresses > 0 &&
	       s->addresses < 256 &&
	       inet_pton(AF_INET, address, &s->at.sin_addr) == 1;
}

int
main(int argc, char **argv)
{
	static struct sink s = {
		.lock = PTHREAD_MUTEX_INITIALIZER, .run = "run", .addresses = 1
	};

	if (!read_options(&s, argc, argv) || !load_certificate(&s)) {
		(void)fprintf(stderr,
		    "usage: smtp_sink -p port [-b address] "
		    "[-c certificate -k key] [-n messages]\n"
		    "                 [-x percent] [-i run] [-d] "
		    "[-a addresses] [-t file]\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	s.seen = mem_zalloc(MOST, 1);
	if (s.times != NULL)
		s.arrivals = mem_zalloc(MOST, sizeof *s.arrivals);
	run(&s);
}
