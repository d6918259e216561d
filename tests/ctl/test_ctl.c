/*
 * Server and client of the control socket: the server on a loop in a thread of
 * its own, the blocking client here. Requests say what the handler is to do.
 */
#include "tests/lib/suite.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "ctl/client.h"
#include "ctl/server.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "io/mailbox.h"

static struct loop *loop;
static struct ctl_server *server;
static pthread_t thread;
static struct parcel stop;
static char folder[] = "/tmp/postern-ctl-XXXXXX", path[64];

/* An answer that is given by a deadline. */
struct later {
	struct deadline *deadline;
	struct ctl_later *ctl;
};

static void
on_later(void *arg)
{
	struct later *l = arg;

	ctl_answer(l->ctl, SPAN("{\"ok\":\"later\"}"));
	deadline_close(l->deadline);
	free(l);
}

static void
answer_soon(struct ctl_later *ctl)
{
	struct later *l = MEM_NEW(struct later);

	l->ctl = ctl;
	l->deadline = deadline_new(loop, on_later, l);
	deadline_set(l->deadline, 10);
}

static void
put_large(struct buf *answer, size_t size)
{
	(void)buf_append_text(answer, "{\"ok\":\"");
	for (size_t i = 0; i < size; i++)
		(void)buf_append_char(answer, 'x');
	(void)buf_append_text(answer, "\"}");
}

static bool
handle(
    struct span request, struct buf *answer, struct ctl_later *later, void *arg)
{
	json_t *o = json_loadb(request.ptr, request.len, 0, NULL);
	const char *what = json_string_value(json_object_get(o, "do"));
	bool now = true;

	ck_assert_ptr_eq(arg, &loop);
	if (what == NULL)
		(void)buf_append_text(answer, "{\"error\":\"what?\"}");
	else if (strcmp(what, "later") == 0) {
		answer_soon(later);
		now = false;
	} else if (strcmp(what, "large") == 0)
		put_large(answer,
		    (size_t)json_integer_value(json_object_get(o, "size")));
	else if (strcmp(what, "garbage") == 0)
		(void)buf_append_text(answer, "this is no JSON");
	else
		(void)buf_printf(answer, "{\"ok\":\"%s\"}", what);
	json_decref(o);
	return now;
}

static void *
run_loop(void *arg)
{
	loop_run(arg);
	return NULL;
}

static void
on_stop(struct parcel *p)
{
	(void)p;
	ctl_server_close(server);
	server = NULL;
	loop_stop(loop);
}

static void
setup(void)
{
	struct err err;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/control.sock", folder);
	loop = loop_new();
	server = ctl_server_open(loop, path, handle, &loop, &err);
	ck_assert_msg(server != NULL, "%s", err.text);
	ck_assert_int_eq(pthread_create(&thread, NULL, run_loop, loop), 0);
	stop.open = on_stop;
}

static void
end_server(void)
{
	if (server == NULL)
		return;
	mailbox_post(loop, &stop);
	(void)pthread_join(thread, NULL);
	ck_assert_ptr_null(server);
}

static void
teardown(void)
{
	end_server();
	ck_assert_int_eq(access(path, F_OK), -1);
	loop_free(loop);
	(void)rmdir(folder);
}

static struct ctl_client *
open_client(void)
{
	struct err err;
	struct ctl_client *c = ctl_client_open(path, &err);

	ck_assert_msg(c != NULL, "%s", err.text);
	return c;
}

static void
expect(struct ctl_client *c, json_t *request, const char *want)
{
	struct err err;
	json_t *o = ctl_client_ask(c, request, &err);

	ck_assert_msg(o != NULL, "%s", err.text);
	ck_assert_str_eq(json_string_value(json_object_get(o, "ok")), want);
	json_decref(o);
}

static void
expect_error(struct ctl_client *c, json_t *request, const char *part)
{
	struct err err;

	ck_assert_ptr_null(ctl_client_ask(c, request, &err));
	ck_assert_msg(strstr(err.text, part) != NULL, "%s", err.text);
}

START_TEST(a_request_has_its_answer)
{
	struct ctl_client *c = open_client();

	expect(c, json_pack("{s:s}", "do", "status"), "status");
	expect(c, json_pack("{s:s}", "do", "again"), "again");
	expect_error(c, json_pack("{s:i}", "no", 1), "what?");
	expect(c, json_pack("{s:s}", "do", "and on"), "and on");
	ctl_client_close(c);
}
END_TEST

START_TEST(an_answer_may_come_later)
{
	struct ctl_client *c = open_client(), *d = open_client();

	expect(c, json_pack("{s:s}", "do", "later"), "later");
	expect(d, json_pack("{s:s}", "do", "now"), "now");
	expect(c, json_pack("{s:s}", "do", "later"), "later");
	expect(c, json_pack("{s:s}", "do", "now"), "now");
	ctl_client_close(c);
	ctl_client_close(d);
}
END_TEST

static const size_t sizes[] = { 1000, 100000, 1000000, 6000000 };

START_TEST(large_answers_arrive_whole)
{
	struct ctl_client *c = open_client();
	struct err err;
	json_t *o = ctl_client_ask(c,
	    json_pack(
		"{s:s, s:I}", "do", "large", "size", (json_int_t)sizes[_i]),
	    &err);

	ck_assert_msg(o != NULL, "%s", err.text);
	ck_assert_uint_eq(
	    json_string_length(json_object_get(o, "ok")), sizes[_i]);
	json_decref(o);
	expect(c, json_pack("{s:s}", "do", "status"), "status");
	ctl_client_close(c);
}
END_TEST

START_TEST(an_answer_that_is_no_json_is_an_error)
{
	struct ctl_client *c = open_client();

	expect_error(c, json_pack("{s:s}", "do", "garbage"), "not JSON");
	ctl_client_close(c);
}
END_TEST

static int
call(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)strcpy(at.sun_path, path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
	return fd;
}

/* Reads until `lines` line ends came, or the end. */
static unsigned
read_lines(int fd, unsigned lines)
{
	unsigned n = 0;
	char c;

	while (n < lines && read(fd, &c, 1) == 1)
		n += c == '\n';
	return n;
}

START_TEST(requests_may_come_together_and_in_pieces)
{
	static const char text[] = "{\"do\":\"a\"}\n{\"do\":\"later\"}\n"
				   "{\"do\":\"b\"}\nnonsense\n{\"do\"";
	int fd = call();

	ck_assert_int_eq(
	    write(fd, text, sizeof text - 1), (int)sizeof text - 1);
	ck_assert_uint_eq(read_lines(fd, 4), 4);
	ck_assert_int_eq(write(fd, ":\"c\"}\n", 6), 6);
	ck_assert_uint_eq(read_lines(fd, 1), 1);
	(void)close(fd);
}
END_TEST

START_TEST(a_line_without_end_is_not_taken_for_ever)
{
	char text[4096];
	int fd = call();

	memset(text, 'x', sizeof text);
	for (int i = 0; i < 1000; i++)
		if (send(fd, text, sizeof text, MSG_NOSIGNAL) < 0)
			break;
	ck_assert_uint_eq(read_lines(fd, 1), 0); /* closed */
	(void)close(fd);
}
END_TEST

START_TEST(a_client_that_goes_before_its_answer_does_no_harm)
{
	struct ctl_client *c;

	for (int i = 0; i < 5; i++) {
		int fd = call();

		ck_assert_int_eq(write(fd, "{\"do\":\"later\"}\n", 15), 15);
		(void)close(fd);
	}
	c = open_client();
	expect(c, json_pack("{s:s}", "do", "later"), "later");
	ctl_client_close(c);
}
END_TEST

START_TEST(closing_the_server_closes_its_connections)
{
	struct ctl_client *c = open_client();
	int fd = call();

	expect(c, json_pack("{s:s}", "do", "status"), "status");
	ck_assert_int_eq(write(fd, "{\"do\":\"later\"}\n", 15), 15);
	end_server();
	ck_assert_uint_le(read_lines(fd, 1), 1);
	ck_assert_ptr_null(ctl_client_ask(
	    c, json_pack("{s:s}", "do", "status"), &(struct err){ "" }));
	ctl_client_close(c);
	(void)close(fd);
}
END_TEST

START_TEST(nobody_there_is_an_error_that_says_what_to_do)
{
	struct err err;

	end_server();
	ck_assert_ptr_null(ctl_client_open(path, &err));
	ck_assert_ptr_nonnull(strstr(err.text, path));
	ck_assert_ptr_nonnull(strstr(err.text, "is posternd running"));
	ctl_client_close(NULL);
	ctl_server_close(NULL);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_request_has_its_answer);
	tcase_add_test(tc, an_answer_may_come_later);
	tcase_add_loop_test(
	    tc, large_answers_arrive_whole, 0, (int)ARRAY_LEN(sizes));
	tcase_add_test(tc, an_answer_that_is_no_json_is_an_error);
	tcase_add_test(tc, requests_may_come_together_and_in_pieces);
	tcase_add_test(tc, a_line_without_end_is_not_taken_for_ever);
	tcase_add_test(tc, a_client_that_goes_before_its_answer_does_no_harm);
	tcase_add_test(tc, closing_the_server_closes_its_connections);
	tcase_add_test(tc, nobody_there_is_an_error_that_says_what_to_do);
}

SUITE_MAIN("ctl", fill)
