#include "tests/lib/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "base/span.h"
#include "io/listener.h"
#include "io/loop.h"

#define AT(path) (&(struct listener_path){ (path), 0600 })

static struct loop *loop;
static char folder[] = "/tmp/postern-listener-XXXXXX", path[64];
static struct sockaddr_storage peer;
static int taken[200];
static size_t ntaken;

static void
setup(void)
{
	loop = loop_new();
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/socket", folder);
}

static void
teardown(void)
{
	for (size_t i = 0; i < ntaken; i++)
		(void)close(taken[i]);
	loop_stop(loop);
	loop_run(loop);
	loop_free(loop);
	(void)unlink(path);
	(void)rmdir(folder);
}

static void
on_connection(int fd, const struct sockaddr_storage *from, void *arg)
{
	ck_assert_ptr_eq(arg, &ntaken);
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	peer = *from;
	taken[ntaken++] = fd;
}

static struct listener *
open_listener(const char *address, uint16_t port, struct err *err)
{
	return listener_open(loop, address, port, on_connection, &ntaken, err);
}

static int
call(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
	return fd;
}

START_TEST(port_0_becomes_a_port_that_answers)
{
	struct err err;
	struct listener *l = open_listener("127.0.0.1", 0, &err);
	struct sockaddr_in *from = (struct sockaddr_in *)&peer;
	char byte = 0;
	int fd;

	ck_assert_msg(l != NULL, "%s", err.text);
	ck_assert_uint_ne(listener_port(l), 0);
	fd = call(listener_port(l));
	while (ntaken == 0)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	ck_assert_int_eq(from->sin_family, AF_INET);
	ck_assert_uint_eq(ntohl(from->sin_addr.s_addr), INADDR_LOOPBACK);
	ck_assert_int_eq(write(taken[0], "x", 1), 1);
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	ck_assert_int_eq(byte, 'x');
	(void)close(fd);
	listener_close(l);
}
END_TEST

START_TEST(many_connections_at_once_are_all_taken)
{
	struct err err;
	struct listener *l = open_listener("127.0.0.1", 0, &err);
	int fds[150];

	ck_assert_ptr_nonnull(l);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = call(listener_port(l));
	while (ntaken < ARRAY_LEN(fds))
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		(void)close(fds[i]);
	listener_close(l);
}
END_TEST

/* As when a listener is closed while the loop has not turned since they came. */
START_TEST(who_has_connected_is_handed_over_before_the_end)
{
	struct err err;
	struct listener *l = open_listener("127.0.0.1", 0, &err);
	int fds[40];

	ck_assert_ptr_nonnull(l);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = call(listener_port(l));
	ck_assert_uint_eq(ntaken, 0);
	listener_drain(l);
	listener_close(l);
	ck_assert_uint_eq(ntaken, ARRAY_LEN(fds));
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		ck_assert_int_eq(write(taken[i], "x", 1), 1);
		(void)close(fds[i]);
	}
}
END_TEST

START_TEST(every_address_is_both_families_on_one_socket)
{
	struct err err;
	struct listener *l = open_listener("", 0, &err);
	int fd;

	ck_assert_msg(l != NULL, "%s", err.text);
	fd = call(listener_port(l));
	while (ntaken == 0)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	(void)close(fd);
	listener_close(l);
}
END_TEST

START_TEST(a_port_that_is_taken_is_an_error_that_names_it)
{
	struct err err;
	struct listener *l = open_listener("127.0.0.1", 0, &err);
	char name[40];

	ck_assert_ptr_nonnull(l);
	ck_assert_ptr_null(open_listener("127.0.0.1", listener_port(l), &err));
	(void)snprintf(name, sizeof name, "127.0.0.1:%u", listener_port(l));
	ck_assert_ptr_nonnull(strstr(err.text, name));
	ck_assert_ptr_nonnull(strstr(err.text, strerror(EADDRINUSE)));
	listener_close(l);
}
END_TEST

static const char *const no_addresses[] = { "localhost", "300.1.1.1",
	"192.0.2.1:25" };

START_TEST(an_address_that_is_not_numeric_is_an_error)
{
	struct err err;

	ck_assert_ptr_null(open_listener(no_addresses[_i], 0, &err));
	ck_assert_ptr_nonnull(strstr(err.text, no_addresses[_i]));
}
END_TEST

static int
call_path(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)strcpy(at.sun_path, path);
	if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

START_TEST(a_path_is_for_its_owner_only)
{
	struct err err;
	struct listener *l =
	    listener_open_path(loop, AT(path), on_connection, &ntaken, &err);
	struct stat st;
	int fd;

	ck_assert_msg(l != NULL, "%s", err.text);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	fd = call_path();
	ck_assert_int_ne(fd, -1);
	while (ntaken == 0)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	(void)close(fd);
	listener_close(l);
}
END_TEST

START_TEST(a_path_where_somebody_listens_is_left_alone)
{
	struct err err;
	struct listener *l =
	    listener_open_path(loop, AT(path), on_connection, &ntaken, &err);
	int fd;

	ck_assert_ptr_nonnull(l);
	ck_assert_ptr_null(
	    listener_open_path(loop, AT(path), on_connection, &ntaken, &err));
	ck_assert_ptr_nonnull(strstr(err.text, path));
	fd = call_path();
	ck_assert_int_ne(fd, -1);
	(void)close(fd);
	listener_close(l);
}
END_TEST

START_TEST(a_path_that_nobody_serves_is_replaced)
{
	struct err err;
	struct listener *l =
	    listener_open_path(loop, AT(path), on_connection, &ntaken, &err);

	ck_assert_ptr_nonnull(l);
	listener_close(l); /* as after a crash: the file stays */
	while (call_path() != -1)
		(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	ck_assert_int_eq(access(path, F_OK), 0);
	l = listener_open_path(loop, AT(path), on_connection, &ntaken, &err);
	ck_assert_msg(l != NULL, "%s", err.text);
	listener_close(l);
}
END_TEST

/* What else may be at the path that the configuration names. */
START_TEST(what_is_no_socket_is_left_alone)
{
	struct stat st;
	struct err err;
	FILE *f;

	if (_i == 0) {
		f = fopen(path, "w");
		ck_assert_ptr_nonnull(f);
		(void)fputs("precious", f);
		(void)fclose(f);
	} else if (_i == 1) {
		ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	} else {
		ck_assert_int_eq(mkfifo(path, 0600), 0);
	}
	ck_assert_ptr_null(
	    listener_open_path(loop, AT(path), on_connection, &ntaken, &err));
	ck_assert_ptr_nonnull(strstr(err.text, path));
	ck_assert_ptr_nonnull(strstr(err.text, "expected a socket"));
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(!S_ISSOCK(st.st_mode));
}
END_TEST

START_TEST(a_path_that_is_too_long_is_an_error)
{
	char text[200];
	struct err err;

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	ck_assert_ptr_null(
	    listener_open_path(loop, AT(text), on_connection, &ntaken, &err));
	ck_assert_ptr_null(listener_open_path(
	    loop, AT("/nonexistent/socket"), on_connection, &ntaken, &err));
	listener_close(NULL);
}
END_TEST

START_TEST(a_try_takes_nothing)
{
	struct err err;
	struct listener *l = open_listener("127.0.0.1", 0, &err);
	uint16_t port = listener_port(l);

	ck_assert_int_eq(listener_try("127.0.0.1", port, &err), -EADDRINUSE);
	ck_assert_int_eq(listener_try("127.0.0.2", port, &err), 0);
	ck_assert_int_eq(listener_try("192.0.2.1", port, &err), -EADDRNOTAVAIL);
	listener_close(l);
	ck_assert_int_eq(listener_try("127.0.0.1", port, &err), 0);
	ck_assert_int_eq(listener_try("127.0.0.1", port, &err), 0);
	l = open_listener("127.0.0.1", port, &err);
	ck_assert_ptr_nonnull(l);
	listener_close(l);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, port_0_becomes_a_port_that_answers);
	tcase_add_test(tc, many_connections_at_once_are_all_taken);
	tcase_add_test(tc, who_has_connected_is_handed_over_before_the_end);
	tcase_add_test(tc, every_address_is_both_families_on_one_socket);
	tcase_add_test(tc, a_port_that_is_taken_is_an_error_that_names_it);
	tcase_add_test(tc, a_try_takes_nothing);
	tcase_add_loop_test(tc, an_address_that_is_not_numeric_is_an_error, 0,
	    (int)ARRAY_LEN(no_addresses));
	tcase_add_test(tc, a_path_is_for_its_owner_only);
	tcase_add_test(tc, a_path_where_somebody_listens_is_left_alone);
	tcase_add_test(tc, a_path_that_nobody_serves_is_replaced);
	tcase_add_loop_test(tc, what_is_no_socket_is_left_alone, 0, 3);
	tcase_add_test(tc, a_path_that_is_too_long_is_an_error);
}

SUITE_MAIN("listener", fill)
