/*
 * libmicrohttpd brings an epoll descriptor of its own and starts no thread; the
 * loop polls that descriptor and lets the library run when it shows something,
 * or when a connection of it is to time out.
 */
#include "http/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "io/deadline.h"
#include "io/loop.h"

enum { CONNECTIONS_MAX = 32, TIMEOUT_S = 15, PAGE_MAX = 1 << 20 };

struct http_server {
	struct MHD_Daemon *daemon; /* owned */
	uv_poll_t poll;
	struct deadline *deadline; /* owned */
	http_handler handler;
	void *arg;
};

static enum MHD_Result
answer(struct MHD_Connection *connection, struct http_page *page)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
	    buf_len(&page->body), (void *)(uintptr_t)buf_span(&page->body).ptr,
	    MHD_RESPMEM_MUST_COPY);
	enum MHD_Result rc;

	if (r == NULL)
		return MHD_NO;
	(void)MHD_add_response_header(r, "Content-Type", page->type);
	rc = MHD_queue_response(connection, page->status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **state)
{
	struct http_server *s = arg;
	struct http_page page = {
		.status = 200, .type = "text/plain", .body.max = PAGE_MAX
	};
	enum MHD_Result rc;

	(void)version, (void)upload, (void)state;
	if (*upload_size != 0)
		*upload_size = 0; /* read, and not looked at */
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		page.status = 405;
		(void)buf_append_text(&page.body, "GET and HEAD only\n");
	} else {
		s->handler(span_text(url), &page, s->arg);
	}
	rc = answer(connection, &page);
	buf_clear(&page.body);
	return rc;
}

static void
run(struct http_server *s)
{
	MHD_UNSIGNED_LONG_LONG ms;

	(void)MHD_run(s->daemon);
	if (MHD_get_timeout(s->daemon, &ms) == MHD_YES)
		deadline_set(s->deadline, ms == 0 ? 1 : ms);
	else
		deadline_cancel(s->deadline);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	(void)status, (void)events;
	run(poll->data);
}

static void
on_deadline(void *arg)
{
	run(arg);
}

static bool
parse(const char *address, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	char host[64];
	uint16_t port;

	if (!conf_parse_address(span_text(address), host, sizeof host, &port))
		return false;
	memset(out, 0, sizeof *out);
	if (host[0] == '\0' || inet_pton(AF_INET, host, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		return true;
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1;
}

static struct MHD_Daemon *
start(struct http_server *s, const struct sockaddr_storage *at)
{
	unsigned flags = MHD_USE_EPOLL | MHD_NO_FLAG;

	if (at->ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, s,
	    MHD_OPTION_SOCK_ADDR, at, MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
	    (unsigned)TIMEOUT_S, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U,
	    MHD_OPTION_END);
}

struct http_server *
http_server_open(struct loop *loop, const char *address, http_handler handler,
    void *arg, struct err *err)
{
	const union MHD_DaemonInfo *info;
	struct sockaddr_storage at;
	struct http_server *s;
	int rc;

	s = MEM_NEW(struct http_server);
	s->handler = handler;
	s->arg = arg;
	errno = 0;
	if (parse(address, &at))
		s->daemon = start(s, &at);
	if (s->daemon == NULL) {
		(void)err_set(err, -EINVAL, "http.address %s: %s", address,
		    errno == 0 ? "cannot be listened on" : strerror(errno));
		free(s);
		return NULL;
	}
	info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	assert(info != NULL);
	rc = uv_poll_init(loop_uv(loop), &s->poll, info->epoll_fd);
	assert(rc == 0);
	s->poll.data = s;
	s->deadline = deadline_new(loop, on_deadline, s);
	(void)uv_poll_start(&s->poll, UV_READABLE, on_poll);
	return s;
}

static void
on_closed(uv_handle_t *handle)
{
	struct http_server *s = handle->data;

	MHD_stop_daemon(s->daemon);
	free(s);
}

void
http_server_close(struct http_server *s)
{
	if (s == NULL)
		return;
	deadline_close(s->deadline);
	(void)uv_poll_stop(&s->poll);
	uv_close((uv_handle_t *)&s->poll, on_closed);
}
