/*
 * c-ares on a loop: a uv_poll_t for each of its sockets, a timer for its
 * time-outs, and one for questions that have their answer. Nothing of ours is
 * called back from inside c-ares: an answer is noted there and read in the
 * loop's next turn, so that a question may be forgotten and the resolver closed
 * from any callback.
 *
 * Asked to try the next server after a SERVFAIL, c-ares 1.18 forgets what the
 * first one said and reports "connection refused" in the end. So the first
 * channel hands over any answer, and only after a bad one the second channel
 * goes through all servers; what the first one said is kept for the operator.
 */
#include <ares.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "dns_priv.h"
#include "io/loop.h"

enum { TIMEOUT_MS = 5000, TRIES = 2, EDNS_SIZE = 1232 };
enum { ANSWERS_A_TURN = 256 };

enum { FIRST, ALL, CHANNELS };

struct channel {
	struct resolver *resolver;
	ares_channel ares; /* owned; NULL when closed */
	uv_timer_t patience; /* c-ares' next time-out */
};

struct resolver {
	struct channel channels[CHANNELS];
	struct loop *loop; /* borrowed: runs until this is closed */
	uv_timer_t turn; /* hands out what is ready */
	unsigned nservers;
	unsigned handles; /* open ones of libuv; the last one frees */
	struct list sockets;
	struct list ready; /* questions with an answer; owned */
	bool closing;
	char servers[160];
};

struct sock {
	uv_poll_t poll;
	struct list node;
	struct channel *channel;
	ares_socket_t fd;
};

static void on_patience(uv_timer_t *timer);
static void on_turn(uv_timer_t *timer);

static void
on_handle_closed(struct resolver *r)
{
	if (--r->handles == 0 && r->closing)
		free(r);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	on_handle_closed(handle->data);
}

static void
on_sock_closed(uv_handle_t *handle)
{
	struct sock *s = handle->data;
	struct resolver *r = s->channel->resolver;

	free(s);
	on_handle_closed(r);
}

/* c-ares says when it wants to look again; every call into it may change it. */
static void
set_patience(struct channel *c)
{
	struct timeval tv, *left;
	uint64_t ms;

	if (c->ares == NULL)
		return;
	left = ares_timeout(c->ares, NULL, &tv);
	if (left == NULL) {
		(void)uv_timer_stop(&c->patience);
		return;
	}
	ms = (uint64_t)left->tv_sec * 1000 + (uint64_t)left->tv_usec / 1000;
	(void)uv_timer_start(&c->patience, on_patience, ms + 1, 0);
}

static void
on_patience(uv_timer_t *timer)
{
	struct channel *c = LIST_ENTRY(timer, struct channel, patience);

	ares_process_fd(c->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_patience(c);
}

static void
on_sock_event(uv_poll_t *poll, int status, int events)
{
	struct sock *s = poll->data;
	struct channel *c = s->channel;
	ares_socket_t fd = s->fd;
	bool read = status < 0 || (events & UV_READABLE);
	bool write = status < 0 || (events & UV_WRITABLE);

	/* `s` may be gone afterwards. */
	ares_process_fd(
	    c->ares, read ? fd : ARES_SOCKET_BAD, write ? fd : ARES_SOCKET_BAD);
	set_patience(c);
}

static struct sock *
find_sock(struct resolver *r, ares_socket_t fd)
{
	LIST_FOREACH (node, &r->sockets) {
		struct sock *s = LIST_ENTRY(node, struct sock, node);

		if (s->fd == fd)
			return s;
	}
	return NULL;
}

static struct sock *
add_sock(struct channel *c, ares_socket_t fd)
{
	struct resolver *r = c->resolver;
	struct sock *s = MEM_NEW(struct sock);

	if (uv_poll_init(loop_uv(r->loop), &s->poll, fd) != 0) {
		/* Not a socket that can be watched: c-ares' time-out comes. */
		free(s);
		return NULL;
	}
	s->poll.data = s;
	s->channel = c;
	s->fd = fd;
	list_append(&r->sockets, &s->node);
	r->handles++;
	return s;
}

/* c-ares closes the descriptor right after it wants neither. */
static void
on_sock_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct channel *c = arg;
	struct sock *s = find_sock(c->resolver, fd);
	int events =
	    (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);

	if (s == NULL && events != 0)
		s = add_sock(c, fd);
	if (s == NULL)
		return;
	if (events != 0) {
		(void)uv_poll_start(&s->poll, events, on_sock_event);
		return;
	}
	list_remove(&s->node);
	uv_close((uv_handle_t *)&s->poll, on_sock_closed);
}

static void
start_turn(struct resolver *r)
{
	if (!r->closing && !uv_is_active((uv_handle_t *)&r->turn))
		(void)uv_timer_start(&r->turn, on_turn, 0, 0);
}

/* A question on its way through c-ares, and its answer until it is read. */
struct question {
	struct list node; /* in `ready` */
	struct resolver *resolver; /* borrowed: frees it as it ends */
	resolver_cb cb; /* NULL: nobody wants to hear it any more */
	void *arg;
	const char *failure; /* of the last server; NULL: there are bytes */
	const char *refusal; /* the first server's; NULL: none yet */
	char *bytes; /* owned; the packet */
	size_t len;
	uint16_t type;
	char name[];
};

static void
question_free(struct question *q)
{
	list_remove(&q->node);
	free(q->bytes);
	free(q);
}

static void
make_ready(struct question *q)
{
	list_append(&q->resolver->ready, &q->node);
	start_turn(q->resolver);
}

/* What c-ares says when there is no packet to read, in words for a log. */
static const char *
failure_text(int status)
{
	switch (status) {
	case ARES_ESERVFAIL: return "SERVFAIL";
	case ARES_EREFUSED: return "REFUSED";
	case ARES_ENOTIMP: return "NOTIMP";
	case ARES_EFORMERR: return "FORMERR";
	case ARES_ETIMEOUT: return "no answer in time";
	case ARES_ECONNREFUSED: return "no server could be reached";
	case ARES_EBADRESP: return "malformed answer";
	default: return ares_strerror(status);
	}
}

/* A server's answer that another server may better. */
static bool
is_refusal(int status)
{
	return status == ARES_ESERVFAIL || status == ARES_EREFUSED ||
	       status == ARES_ENOTIMP;
}

/* Any answer shows that somebody is there. */
static void
note_answer(int status)
{
	if (status == ARES_ETIMEOUT || status == ARES_ECONNREFUSED)
		metric_add(METRIC_DNS_UNANSWERED, 1);
	else if (status != ARES_EDESTRUCTION && status != ARES_ECANCELLED)
		metric_set(METRIC_DNS_UNANSWERED, 0);
}

static void ask(struct question *q, int channel);

static void
on_ares(void *arg, int status, int timeouts, unsigned char *bytes, int len)
{
	struct question *q = arg;
	struct resolver *r = q->resolver;
	bool has_packet = bytes != NULL && len > 0 &&
			  (status == ARES_SUCCESS || status == ARES_ENODATA ||
			      status == ARES_ENOTFOUND);

	(void)timeouts;
	note_answer(status);
	if (r->closing || q->cb == NULL) {
		question_free(q);
		return;
	}
	if (is_refusal(status) && q->refusal == NULL && r->nservers > 1) {
		q->refusal = failure_text(status);
		ask(q, ALL);
		return;
	}
	if (has_packet) {
		q->bytes =
		    span_dup(span_make((const char *)bytes, (size_t)len));
		q->len = (size_t)len;
	} else {
		q->failure =
		    q->refusal != NULL ? q->refusal : failure_text(status);
	}
	make_ready(q);
}

static void
ask(struct question *q, int channel)
{
	struct channel *c = &q->resolver->channels[channel];
	enum { CLASS_IN = 1 };

	/* The answer may come before ares_query() returns, but is only noted. */
	ares_query(c->ares, q->name, CLASS_IN, q->type, on_ares, q);
	set_patience(c);
}

static unsigned
take_hostent(
    const struct hostent *h, union dns_address *out, unsigned at, unsigned most)
{
	for (char **p = h->h_addr_list; *p != NULL && at < most; p++) {
		memset(&out[at], 0, sizeof out[at]);
		out[at].sa.sa_family = (sa_family_t)h->h_addrtype;
		if (h->h_addrtype == AF_INET6)
			memcpy(&out[at++].in6.sin6_addr, *p, 16);
		else
			memcpy(&out[at++].in.sin_addr, *p, 4);
	}
	return at;
}

/*
 * What the system's hosts file says of a name. A small local file: reading it
 * does not wait.
 */
static void
read_hosts_file(struct question *q, struct dns_answer *out)
{
	static const int families[] = { AF_INET6, AF_INET };
	ares_channel ares = q->resolver->channels[FIRST].ares;

	*out = (struct dns_answer){ .ttl = UINT32_MAX };
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		struct hostent *h;

		if (ares_gethostbyname_file(ares, q->name, families[i], &h) !=
		    ARES_SUCCESS)
			continue;
		out->naddresses = take_hostent(
		    h, out->addresses, out->naddresses, DNS_ADDRESSES_MAX);
		ares_free_hostent(h);
	}
	out->status = out->naddresses > 0 ? DNS_DATA : DNS_NO_NAME;
}

static void
read_answer(struct question *q, struct dns_answer *out)
{
	if (q->type == DNS_HOSTS_FILE)
		read_hosts_file(q, out);
	else if (q->failure == NULL)
		packet_parse(
		    span_make(q->bytes, q->len), q->name, q->type, out);
	else
		*out = (struct dns_answer){ .status = DNS_FAILED,
			.ttl = UINT32_MAX,
			.why = q->failure };
}

/* The question is gone before its callback, which may do anything. */
static void
answer(struct question *q, struct dns_answer *room)
{
	resolver_cb cb = q->cb;
	void *arg = q->arg;

	read_answer(q, room);
	question_free(q);
	cb(room, arg);
}

static void
free_ready(struct resolver *r)
{
	for (struct list *node; (node = list_pop(&r->ready)) != NULL;)
		question_free(LIST_ENTRY(node, struct question, node));
}

/* What becomes ready meanwhile, or is too much for one turn, has the next. */
static void
on_turn(uv_timer_t *timer)
{
	struct resolver *r = timer->data;
	struct dns_answer *room = MEM_NEW(struct dns_answer);
	unsigned n = 0;

	LIST_FOREACH (node, &r->ready)
		if (++n == ANSWERS_A_TURN)
			break;
	while (n-- > 0 && !r->closing && !list_is_empty(&r->ready))
		answer(LIST_ENTRY(r->ready.next, struct question, node), room);
	free(room);
	if (!list_is_empty(&r->ready))
		start_turn(r);
}

struct question *
resolver_ask(struct resolver *r, const char *name, uint16_t type,
    resolver_cb cb, void *arg)
{
	size_t size = strlen(name) + 1;
	struct question *q = mem_zalloc(1, sizeof *q + size);

	assert(cb != NULL && !r->closing);
	list_init(&q->node);
	q->resolver = r;
	q->cb = cb;
	q->arg = arg;
	q->type = type;
	memcpy(q->name, name, size);
	if (type == DNS_HOSTS_FILE)
		make_ready(q);
	else
		ask(q, FIRST);
	return q;
}

void
resolver_forget(struct question *q)
{
	q->cb = NULL;
	if (!list_is_empty(&q->node)) /* c-ares has it no more */
		question_free(q);
}

const char *
resolver_servers(const struct resolver *r)
{
	return r->servers;
}

static int
take_servers(struct channel *c, char *const *servers, size_t n, struct err *err)
{
	struct buf csv = { 0 };
	int rc = ARES_SUCCESS;

	for (size_t i = 0; i < n; i++)
		(void)buf_printf(&csv, "%s%s", i == 0 ? "" : ",", servers[i]);
	(void)buf_append_char(&csv, '\0');
	if (n > 0)
		rc = ares_set_servers_ports_csv(c->ares, buf_span(&csv).ptr);
	if (rc != ARES_SUCCESS)
		(void)err_set(err, -EINVAL, "name servers %s: %s",
		    buf_span(&csv).ptr, ares_strerror(rc));
	buf_clear(&csv);
	return rc == ARES_SUCCESS ? 0 : -EINVAL;
}

/* Which ones they are, the system's too. */
static void
list_servers(struct resolver *r)
{
	struct ares_addr_port_node *first = NULL;
	struct buf text = { .max = sizeof r->servers - 1 };

	(void)ares_get_servers_ports(r->channels[FIRST].ares, &first);
	for (struct ares_addr_port_node *s = first; s != NULL; s = s->next) {
		char host[INET6_ADDRSTRLEN] = "?";
		bool v6 = s->family == AF_INET6;

		(void)uv_inet_ntop(s->family, &s->addr, host, sizeof host);
		(void)buf_printf(&text, "%s%s%s%s:%d",
		    r->nservers++ == 0 ? "" : ",", v6 ? "[" : "", host,
		    v6 ? "]" : "", s->udp_port == 0 ? 53 : s->udp_port);
	}
	ares_free_data(first);
	memcpy(r->servers, buf_span(&text).ptr, buf_len(&text));
	buf_clear(&text);
}

static int
open_channel(struct channel *c, int flags,
    const struct resolver_options *options, struct err *err)
{
	char lookups[] = "b"; /* the hosts file names no mail hosts */
	struct ares_options o = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_EDNS | flags,
		.timeout = (int)options->timeout_ms,
		.tries = (int)options->tries,
		.ednspsz = EDNS_SIZE,
		.lookups = lookups,
		.sock_state_cb = on_sock_state,
		.sock_state_cb_data = c,
	};
	int rc = ares_init_options(&c->ares, &o,
	    ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		ARES_OPT_EDNSPSZ | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);

	if (rc == ARES_SUCCESS)
		return 0;
	c->ares = NULL;
	return err_set(err, -EIO, "start of c-ares: %s", ares_strerror(rc));
}

static void
close_channels(struct resolver *r)
{
	for (int i = 0; i < CHANNELS; i++) {
		ares_channel ares = r->channels[i].ares;

		r->channels[i].ares = NULL;
		if (ares != NULL)
			ares_destroy(ares);
	}
}

static void
open_timer(struct resolver *r, uv_timer_t *timer)
{
	(void)uv_timer_init(loop_uv(r->loop), timer);
	timer->data = r;
	r->handles++;
}

struct resolver *
resolver_open(struct loop *loop, char *const *servers, size_t nservers,
    const struct resolver_options *options, struct err *err)
{
	struct resolver *r = MEM_NEW(struct resolver);
	int rc = 0;

	r->loop = loop;
	list_init(&r->sockets);
	list_init(&r->ready);
	for (int i = 0; i < CHANNELS && rc == 0; i++) {
		r->channels[i].resolver = r;
		rc = open_channel(&r->channels[i],
		    i == FIRST ? ARES_FLAG_NOCHECKRESP : 0, options, err);
		if (rc == 0)
			rc = take_servers(
			    &r->channels[i], servers, nservers, err);
	}
	if (rc != 0) {
		close_channels(r);
		free(r);
		return NULL;
	}
	list_servers(r);
	for (int i = 0; i < CHANNELS; i++)
		open_timer(r, &r->channels[i].patience);
	open_timer(r, &r->turn);
	return r;
}

struct resolver *
resolver_new(
    struct loop *loop, char *const *servers, size_t nservers, struct err *err)
{
	static const struct resolver_options options = {
		.timeout_ms = TIMEOUT_MS,
		.tries = TRIES,
	};

	return resolver_open(loop, servers, nservers, &options, err);
}

void
resolver_close(struct resolver *r)
{
	if (r == NULL || r->closing)
		return;
	r->closing = true;
	close_channels(r); /* ends every question that c-ares has */
	free_ready(r);
	for (int i = 0; i < CHANNELS; i++)
		uv_close(
		    (uv_handle_t *)&r->channels[i].patience, on_timer_closed);
	uv_close((uv_handle_t *)&r->turn, on_timer_closed);
}
