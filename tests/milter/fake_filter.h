/*
 * fake_filter: a filter in a thread of its own, which speaks as simply as can be: it
 * wants the body, says "go on" to each piece, and has last words for the end. The
 * connections of a program's tests go to one at a time.
 */
#ifndef TESTS_MILTER_FAKE_FILTER_H
#define TESTS_MILTER_FAKE_FILTER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "milter/packet.h"
#include "tests/lib/suite.h"

/* What the filter answers to the end of a message; NULL: nothing. */
static const struct span *last_words;
static atomic_uint now_open, most_open, taken;
static int listener;
static pthread_t thread;
static char path[108];

static bool
read_all(int fd, char *to, size_t n)
{
	while (n > 0) {
		ssize_t got = recv(fd, to, n, 0);

		if (got <= 0)
			return false;
		to += got;
		n -= (size_t)got;
	}
	return true;
}

static void
put(int fd, char letter, struct span data)
{
	struct buf out = { .max = PACKET_MOST + 10 };

	packet_write(&out, letter, data);
	(void)send(fd, buf_span(&out).ptr, buf_len(&out), MSG_NOSIGNAL);
	buf_clear(&out);
}

static void *
serve_one(void *arg)
{
	char data[PACKET_BODY_MOST];
	int fd = (int)(intptr_t)arg;
	unsigned open = atomic_fetch_add(&now_open, 1) + 1;
	unsigned char head[5];
	bool is_asked = true;

	if (open > atomic_load(&most_open))
		atomic_store(&most_open, open);
	while (read_all(fd, (char *)head, 5) && head[4] != PACKET_QUIT) {
		size_t n =
		    ((size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3]) -
		    1;

		if (!read_all(fd, data, n))
			break;
		/* It wants the body, and the end. */
		if (head[4] == PACKET_OPTIONS)
			put(fd, PACKET_OPTIONS,
			    SPAN("\0\0\0\6\0\0\1\xff\0\0\2\x6f"));
		else if (head[4] == PACKET_BODY)
			put(fd, PACKET_CONTINUE, SPAN(""));
		if (head[4] != PACKET_END || last_words == NULL)
			continue;
		/* Who has its last words may ask again before we hear that this
		   connection is over. */
		if (is_asked)
			(void)atomic_fetch_sub(&now_open, 1);
		is_asked = false;
		(void)send(fd, last_words->ptr, last_words->len, MSG_NOSIGNAL);
	}
	if (is_asked)
		(void)atomic_fetch_sub(&now_open, 1);
	(void)close(fd);
	return NULL;
}

static void *
serve(void *arg)
{
	int fd;

	(void)arg;
	while ((fd = accept(listener, NULL, NULL)) != -1) {
		pthread_t one;

		atomic_fetch_add(&taken, 1);
		ck_assert_int_eq(
		    pthread_create(&one, NULL, serve_one, (void *)(intptr_t)fd),
		    0);
		(void)pthread_detach(one);
	}
	return NULL;
}

static inline void
fake_filter_start(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	(void)snprintf(
	    path, sizeof path, "/tmp/postern-milter-%ld.sock", (long)getpid());
	(void)snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	(void)unlink(path); /* of one that was ended, and had the same number */
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
	ck_assert_int_eq(listen(listener, 16), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
}

static inline void
fake_filter_stop(void)
{
	(void)shutdown(listener, SHUT_RDWR);
	(void)pthread_join(thread, NULL);
	(void)close(listener);
	(void)unlink(path);
}

#endif
