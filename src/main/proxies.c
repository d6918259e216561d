#include "proxies.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/list.h"
#include "base/mem.h"
#include "facts/fact.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "smtp/proxy.h"

enum { HEADER_MS = 5000, WAITING_MOST = 4096 };

struct proxies {
	struct loop *loop; /* borrowed: outlives what is on it */
	struct list waiting; /* struct waiting */
	unsigned nwaiting;
	bool is_stopped;
	proxies_cb cb;
	void (*forget)(void *token, void *arg);
	void *arg;
};

/* A connection whose header is not whole. */
struct waiting {
	uv_poll_t poll;
	struct list node;
	struct proxies *proxies; /* borrowed: lives until proxies_free() */
	struct deadline *deadline; /* owned */
	int fd; /* owned; -1: closed, or handed over */
	void *token; /* the owner's */
	char balancer[PROXY_ADDRESS_SIZE];
	struct proxy proxy;
	bool is_local;
	size_t n;
	char header[PROXY_V2_MOST];
};

struct proxies *
proxies_new(struct loop *loop, proxies_cb cb,
    void (*forget)(void *token, void *arg), void *arg)
{
	struct proxies *p = MEM_NEW(struct proxies);

	p->loop = loop;
	p->cb = cb;
	p->forget = forget;
	p->arg = arg;
	list_init(&p->waiting);
	return p;
}

/* The poll has let go of the descriptor: another loop may have it. */
static void
on_closed(uv_handle_t *handle)
{
	struct waiting *w = handle->data;
	struct proxies *p = w->proxies;
	int fd = w->fd;

	if (fd >= 0 && !p->is_stopped) {
		p->cb(
		    fd, w->is_local ? NULL : w->proxy.client, w->token, p->arg);
	} else {
		if (fd >= 0)
			(void)close(fd);
		p->forget(w->token, p->arg);
	}
	free(w);
}

static void
leave(struct waiting *w)
{
	list_remove(&w->node);
	w->proxies->nwaiting--;
	deadline_close(w->deadline);
	(void)uv_poll_stop(&w->poll);
	uv_close((uv_handle_t *)&w->poll, on_closed);
}

/* `why`: NULL where nobody need know. */
static void
give_up(struct waiting *w, const char *why)
{
	if (why != NULL)
		FACT(PROXY_BAD, fact_word("balancer", w->balancer),
		    fact_string("why", why));
	(void)close(w->fd);
	w->fd = -1;
	leave(w);
}

static void
on_time(void *arg)
{
	/* Who opens connections in advance, or looks whether we listen. */
	struct waiting *w = arg;

	give_up(w,
	    w->n == 0 ? NULL : "its PROXY header was not whole in 5 seconds");
}

/* Not an octet more than belongs to the header. */
static ssize_t
take(struct waiting *w)
{
	size_t wants = w->proxy.length - w->n;
	char *to = w->header + w->n;
	ssize_t got;

	/* A line's end is to be found first. */
	if (w->n >= PROXY_FIRST && w->header[0] == 'P') {
		got = recv(w->fd, to, PROXY_V1_MOST - w->n, MSG_PEEK);
		if (got <= 0)
			return got;
		wants = span_find(span_make(to, (size_t)got), '\n') + 1;
		wants = wants > (size_t)got ? (size_t)got : wants;
	}
	return recv(w->fd, to, wants, 0);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct waiting *w = poll->data;
	enum proxy_status got = PROXY_MORE;
	ssize_t n = 0;

	(void)status;
	(void)events;
	loop_awake(w->proxies->loop);
	while (got == PROXY_MORE && (n = take(w)) > 0) {
		w->n += (size_t)n;
		got = proxy_parse(span_make(w->header, w->n), &w->proxy);
	}
	if (got == PROXY_BAD) {
		give_up(w,
		    "it sent no PROXY header, or a wrong one: "
		    "listen.proxy-protocol names it, so its connections begin "
		    "with one (HAProxy: send-proxy-v2)");
		return;
	}
	if (got == PROXY_MORE) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			give_up(w, NULL);
		return;
	}
	w->is_local = got == PROXY_LOCAL;
	leave(w);
}

void
proxies_take(struct proxies *p, int fd, const char *balancer, void *token)
{
	struct waiting *w;

	if (p->nwaiting >= WAITING_MOST) {
		(void)close(fd);
		p->forget(token, p->arg);
		return;
	}
	w = MEM_NEW(struct waiting);
	w->proxies = p;
	w->fd = fd;
	w->token = token;
	w->proxy.length = PROXY_FIRST;
	(void)snprintf(w->balancer, sizeof w->balancer, "%s", balancer);
	w->deadline = deadline_new(p->loop, on_time, w);
	list_append(&p->waiting, &w->node);
	p->nwaiting++;
	(void)uv_poll_init(loop_uv(p->loop), &w->poll, fd);
	w->poll.data = w;
	(void)uv_poll_start(&w->poll, UV_READABLE, on_poll);
	deadline_set(w->deadline, HEADER_MS);
}

void
proxies_stop(struct proxies *p)
{
	p->is_stopped = true;
	LIST_FOREACH_SAFE (node, next, &p->waiting)
		give_up(LIST_ENTRY(node, struct waiting, node), NULL);
}

void
proxies_free(struct proxies *p)
{
	free(p);
}
