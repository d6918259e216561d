/*
 * strangers: what the loads of the benchmarks have in common: a clock, many
 * connections from many addresses, a login, the beginning of a handshake.
 */
#ifndef TESTS_BENCH_STRANGERS_H
#define TESTS_BENCH_STRANGERS_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Monotonic seconds. */
static inline double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* As many descriptors as the system lets us have. */
static inline void
raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* A connection from that address (host order); -1: there is none. */
static inline int
dial_from(uint32_t address, const struct sockaddr_in *to, unsigned patience_s)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(address) };
	struct timeval wait = { .tv_sec = patience_s };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	if (bind(fd, (struct sockaddr *)&from, sizeof from) == 0 &&
	    connect(fd, (const struct sockaddr *)to, sizeof *to) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

/* "AUTH PLAIN ...", with its line's end. */
static inline void
write_login(char *out, size_t size, const char *user, const char *password)
{
	char plain[160];
	unsigned char coded[2 * sizeof plain];
	int n = snprintf(
	    plain, sizeof plain, "%c%s%c%s", '\0', user, '\0', password);

	if (n >= (int)sizeof plain)
		n = sizeof plain - 1;
	(void)EVP_EncodeBlock(coded, (const unsigned char *)plain, n);
	(void)snprintf(out, size, "AUTH PLAIN %s\r\n", coded);
}

/* What OpenSSL would begin with, with a key share of a group that we choose. */
static inline size_t
record_hello(SSL_CTX *tls, char *out, size_t size)
{
	SSL *ssl = SSL_new(tls);
	BIO *in = BIO_new(BIO_s_mem()), *sent = BIO_new(BIO_s_mem());
	int n;

	SSL_set_bio(ssl, in, sent);
	(void)SSL_connect(ssl);
	n = BIO_read(sent, out, (int)size);
	SSL_free(ssl);
	return n < 0 ? 0 : (size_t)n;
}

#endif
