/*
 * A connection gets a seat (policy/seats.h) and goes to a worker, or hears that
 * there is none: at once where it may speak in the clear, else from a session
 * that ends with 421 when the handshake is done.
 */
#include "acceptor.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "base/peer.h"
#include "conf/conf.h"
#include "crew/crew.h"
#include "crew/worker.h"
#include "facts/fact.h"
#include "io/listener.h"
#include "io/loop.h"
#include "io/tls.h"
#include "locals.h"
#include "policy/seats.h"
#include "proxies.h"

struct port {
	struct acceptor *acceptor; /* borrowed: owns it */
	struct listener *listener; /* owned */
	struct conf_listen listen; /* its address is owned */
};

struct acceptor {
	struct loop *loop; /* borrowed: the relay's */
	struct crew *crew; /* borrowed: the relay's */
	const struct conf *conf; /* owned reference */
	struct tls_server *tls; /* owned reference */
	struct port **ports; /* owned */
	size_t nports;
	struct seats *seats; /* owned */
	struct proxies *proxies; /* owned */
	struct locals *locals; /* owned */
	atomic_bool is_crowded; /* for the sessions, on all threads */
	uint64_t next_number;
	uint32_t turned_away; /* from ports for devices, since then (ms): */
	uint64_t told_at;
};

enum { TOLD_EVERY_MS = 1000 };

static void
note_crowd(struct acceptor *a)
{
	atomic_store_explicit(&a->is_crowded,
	    seats_are_scarce(a->seats, &a->conf->limits), memory_order_relaxed);
}

void
acceptor_logged_in(struct acceptor *a, void *token)
{
	seats_log_in(a->seats, token, loop_now(a->loop));
}

void
acceptor_closed(struct acceptor *a, void *token)
{
	seats_leave(a->seats, token, loop_now(a->loop));
	note_crowd(a);
}

/* A connection that has come, and by which port. */
struct arrival {
	int fd; /* owned until it is passed on */
	char client[INET6_ADDRSTRLEN]; /* an address, or "local:" and a user */
	enum conf_listen_tls tls;
	uint16_t port;
	/* Borrowed: a device's, of the configuration; or a local user's. */
	const char *account;
	bool is_anybody; /* the latter, and root */
	uint64_t host; /* who shares the seats of one address */
	bool is_check; /* a balancer's own: nobody need hear of it */
};

static void
log_refusal(
    struct acceptor *a, const struct arrival *c, uint64_t host, const char *why)
{
	uint32_t times = seats_refusals(a->seats, host, loop_now(a->loop));

	if (times > 0)
		FACT(REFUSED, fact_word("client", c->client),
		    fact_number("port", c->port), fact_string("reason", why),
		    fact_number("times", times),
		    fact_number("sessions", seats_taken(a->seats)));
}

/* In the clear the reply is one call, and no seat is needed for it. */
static bool
refuse_at_once(struct acceptor *a, struct seat *seat, const struct arrival *c)
{
	static const char text[] = "421 4.7.0 Too many connections\r\n";

	if (seat != NULL && c->tls == LISTEN_IMPLICIT)
		return false;
	if (c->tls != LISTEN_IMPLICIT)
		(void)send(c->fd, text, sizeof text - 1, MSG_NOSIGNAL);
	(void)close(c->fd);
	if (seat != NULL)
		acceptor_closed(a, seat);
	return true;
}

/* As the configuration calls the port; it may be gone from that. */
static const char *
listener_name(const struct conf *conf, const struct arrival *c)
{
	for (size_t i = 0; i < conf->nlistens; i++)
		if (conf->listens[i].port == c->port &&
		    conf->listens[i].tls == c->tls)
			return conf->listens[i].name;
	return NULL;
}

static void
take(struct acceptor *a, const struct arrival *c)
{
	uint64_t host = c->host != 0 ? c->host : peer_of(c->client).host;
	struct seat *seat;
	const char *why;

	metric_add(METRIC_CONNECTIONS, 1);
	seat = seats_take(
	    a->seats, &a->conf->limits, host, loop_now(a->loop), &why);
	note_crowd(a);
	if (why != NULL) {
		log_refusal(a, c, host, why);
		if (refuse_at_once(a, seat, c))
			return;
	}
	worker_serve(crew_pick(a->crew, loop_now(a->loop)),
	    &(struct submit_connection){
		.fd = c->fd,
		.client = c->client,
		.conf = conf_ref(a->conf),
		.tls = tls_server_ref(a->tls),
		.mechanisms = (const char *const *)a->conf->mechanisms,
		.nmechanisms = a->conf->nmechanisms,
		.implicit_tls = c->tls == LISTEN_IMPLICIT,
		.is_refused = why != NULL,
		.is_check = c->is_check,
		.account = c->account,
		.is_local = c->tls == LISTEN_LOCAL,
		.is_anybody = c->is_anybody,
		.listener = listener_name(a->conf, c),
		.is_crowded = &a->is_crowded,
		.number = a->next_number++,
		.token = seat,
	    });
}

/* A balancer has said whose it is. */
static void
on_proxied(int fd, const char *client, void *token, void *arg)
{
	struct arrival *c = token;

	c->fd = fd;
	c->is_check = client == NULL;
	if (client != NULL)
		(void)snprintf(c->client, sizeof c->client, "%s", client);
	take(arg, c);
	free(c);
}

static void
forget_arrival(void *token, void *arg)
{
	(void)arg;
	free(token);
}

static bool
is_same(const struct conf_listen *a, const struct conf_listen *b)
{
	if (a->socket != NULL || b->socket != NULL)
		return a->socket != NULL && b->socket != NULL &&
		       strcmp(a->socket, b->socket) == 0;
	return a->port == b->port && strcmp(a->address, b->address) == 0;
}

/* Anybody may come: a line a second for all of them. */
static void
log_turned_away(struct acceptor *a, const struct arrival *c)
{
	uint64_t now = loop_now(a->loop);

	a->turned_away++;
	if (a->told_at != 0 && now - a->told_at < TOLD_EVERY_MS)
		return;
	FACT(REFUSED, fact_word("client", c->client),
	    fact_number("port", c->port),
	    fact_string("reason", "no network of this port"),
	    fact_number("times", a->turned_away),
	    fact_number("sessions", seats_taken(a->seats)));
	a->told_at = now;
	a->turned_away = 0;
}

/* The account is its network's; who is of none is told so. */
static void
on_device(const struct port *port, struct arrival *c,
    const struct sockaddr_storage *peer)
{
	static const char text[] =
	    "554 5.7.1 This port is for devices of networks that are listed; "
	    "log in on port 465 or 587\r\n";
	struct acceptor *a = port->acceptor;

	for (size_t i = 0; i < a->conf->nlistens; i++)
		if (is_same(&a->conf->listens[i], &port->listen))
			c->account = a->conf->listens[i].account;
	if (c->account != NULL &&
	    networks_contain(port->listen.networks, port->listen.nnetworks,
		(const struct sockaddr *)peer)) {
		take(a, c);
		return;
	}
	log_turned_away(a, c);
	(void)send(c->fd, text, sizeof text - 1, MSG_NOSIGNAL);
	(void)close(c->fd);
}

/*
 * A user of this machine: one without a name is nobody. Users have numbers that no
 * address has (base/peer.h).
 */
static void
on_local(int fd, const struct local_user *user, void *token, void *arg)
{
	static const char text[] =
	    "554 5.7.1 This system has no name for your user\r\n";
	static const uint64_t local = UINT64_C(3) << 32;
	struct acceptor *a = arg;
	struct arrival *c = token;

	c->fd = fd;
	c->account = user->account;
	c->is_anybody = user->is_root;
	c->host = local | user->uid;
	(void)snprintf(
	    c->client, sizeof c->client, "local:%lu", (unsigned long)user->uid);
	if (user->account != NULL) {
		take(a, c);
	} else {
		log_refusal(a, c, c->host, "its user has no name here");
		(void)send(fd, text, sizeof text - 1, MSG_NOSIGNAL);
		(void)close(fd);
	}
	free(c);
}

/* What anybody else says of a client is not heard: it is no command. */
static void
on_connection(int fd, const struct sockaddr_storage *peer, void *arg)
{
	struct port *port = arg;
	struct arrival c = {
		.fd = fd, .tls = port->listen.tls, .port = port->listen.port
	};

	if (c.tls == LISTEN_LOCAL) {
		locals_take(port->acceptor->locals, fd, port->acceptor->conf,
		    mem_dup(&c, sizeof c));
		return;
	}
	peer_text(peer, c.client);
	if (c.tls == LISTEN_NONE) {
		on_device(port, &c, peer);
		return;
	}
	if (networks_contain(port->listen.proxies, port->listen.nproxies,
		(const struct sockaddr *)peer))
		proxies_take(port->acceptor->proxies, fd, c.client,
		    mem_dup(&c, sizeof c));
	else
		take(port->acceptor, &c);
}

struct acceptor *
acceptor_new(struct loop *loop, struct crew *crew)
{
	struct acceptor *a = MEM_NEW(struct acceptor);
	uint64_t seed[2];

	random_fill(seed, sizeof seed);
	a->seats = seats_new(seed);
	a->loop = loop;
	a->crew = crew;
	a->proxies = proxies_new(loop, on_proxied, forget_arrival, a);
	a->locals = locals_new(loop, on_local, a);
	/* Session ids do not start over with the process. */
	a->next_number = (uint64_t)(wall_now() / 1000) << 16;
	return a;
}

static void
port_close(struct port *p)
{
	listener_close(p->listener);
	if (p->listen.socket != NULL)
		(void)unlink(p->listen.socket);
	free(p->listen.address);
	free(p->listen.socket);
	free(p);
}

static struct listener *
open_listener(struct port *p, struct err *err)
{
	const struct conf_listen *l = &p->listen;
	struct listener_path everybody = { l->socket, 0666 };

	if (l->socket != NULL)
		return listener_open_path(
		    p->acceptor->loop, &everybody, on_connection, p, err);
	return listener_open(
	    p->acceptor->loop, l->address, l->port, on_connection, p, err);
}

static struct port *
port_open(struct acceptor *a, const struct conf_listen *l, struct err *err)
{
	struct port *p = MEM_NEW(struct port);

	p->acceptor = a;
	p->listen = *l;
	p->listen.address = mem_strdup(l->address);
	p->listen.account = NULL; /* asked of the configuration */
	if (l->socket != NULL)
		p->listen.socket = mem_strdup(l->socket);
	p->listener = open_listener(p, err);
	if (p->listener != NULL)
		return p;
	free(p->listen.address);
	free(p->listen.socket);
	free(p);
	return NULL;
}

static void
close_ports(struct acceptor *a)
{
	for (size_t i = 0; i < a->nports; i++)
		if (a->ports[i] != NULL)
			port_close(a->ports[i]);
	free(a->ports);
	a->ports = NULL;
	a->nports = 0;
}

/* --- a new configuration --- */

struct acceptor_next {
	struct conf *conf; /* owned reference */
	struct tls_server *tls; /* owned reference */
	/* Owned, one for each of conf's; NULL: an old one stays, or makes way. */
	struct port **ports;
};

static bool
is_wanted(const struct conf *conf, const struct port *p)
{
	for (size_t i = 0; i < conf->nlistens; i++)
		if (is_same(&conf->listens[i], &p->listen))
			return true;
	return false;
}

/* The port that listens there already; the place of it in the list. */
static struct port **
find_port(const struct acceptor *a, const struct conf_listen *l)
{
	for (size_t i = 0; i < a->nports; i++)
		if (a->ports[i] != NULL && is_same(&a->ports[i]->listen, l))
			return &a->ports[i];
	return NULL;
}

/* Whether one of ours that goes is in the way, and nothing else is known to be. */
static bool
can_be_moved(
    struct acceptor *a, const struct conf *conf, const struct conf_listen *l)
{
	struct listener *proof = NULL;
	struct err err;

	for (size_t i = 0; l->socket == NULL && i < a->nports; i++)
		if (a->ports[i]->listen.socket == NULL &&
		    a->ports[i]->listen.port == l->port &&
		    !is_wanted(conf, a->ports[i])) {
			proof = listener_open(a->loop, l->address, 0,
			    on_connection, a->ports[i], &err);
			break;
		}
	listener_close(proof);
	return proof != NULL;
}

struct acceptor_next *
acceptor_prepare(struct acceptor *a, const struct conf *conf,
    struct tls_server *tls, struct err *err)
{
	struct acceptor_next *next = MEM_NEW(struct acceptor_next);

	next->conf = conf_ref(conf);
	next->tls = tls_server_ref(tls);
	next->ports = mem_zalloc(conf->nlistens, sizeof(struct port *));
	for (size_t i = 0; i < conf->nlistens; i++) {
		const struct conf_listen *l = &conf->listens[i];

		if (find_port(a, l) != NULL)
			continue;
		next->ports[i] = port_open(a, l, err);
		if (next->ports[i] == NULL && !can_be_moved(a, conf, l)) {
			acceptor_discard(next);
			return NULL;
		}
	}
	return next;
}

void
acceptor_discard(struct acceptor_next *next)
{
	if (next == NULL)
		return;
	for (size_t i = 0; i < next->conf->nlistens; i++)
		if (next->ports[i] != NULL)
			port_close(next->ports[i]);
	free(next->ports);
	conf_unref(next->conf);
	tls_server_unref(next->tls);
	free(next);
}

static void
add_trouble(struct buf *trouble, const struct err *err, const char *then)
{
	if (buf_len(trouble) > 0)
		(void)buf_append_text(trouble, "; ");
	(void)buf_printf(trouble, "%s: %s", err->text, then);
}

/*
 * The old port that is in the way goes, and the new one comes. Another process
 * may have come between: then the old one comes again.
 */
static struct port *
move_port(struct acceptor *a, const struct conf_listen *l, struct buf *trouble)
{
	struct conf_listen old = { .address = NULL };
	struct port *p;
	struct err err;

	for (size_t i = 0; i < a->nports; i++) {
		if (a->ports[i] == NULL || a->ports[i]->listen.socket != NULL ||
		    a->ports[i]->listen.port != l->port)
			continue;
		old = a->ports[i]->listen;
		old.address = mem_strdup(old.address);
		listener_drain(a->ports[i]->listener);
		port_close(a->ports[i]);
		a->ports[i] = NULL;
		break;
	}
	p = port_open(a, l, &err);
	if (p == NULL && old.address != NULL) {
		struct err again;

		p = port_open(a, &old, &again);
		add_trouble(trouble, &err,
		    p != NULL ? "listens where it did before" : again.text);
	} else if (p == NULL) {
		add_trouble(trouble, &err, "does not listen there");
	}
	free(old.address);
	return p;
}

/* What may change of a port that stays; its address is its own. */
static void
update(struct conf_listen *l, const struct conf_listen *from)
{
	char *address = l->address, *path = l->socket;

	*l = *from;
	l->address = address;
	l->socket = path;
	l->account = NULL;
}

void
acceptor_take(
    struct acceptor *a, struct acceptor_next *next, struct buf *trouble)
{
	const struct conf *conf = next->conf;
	size_t n = 0;

	for (size_t i = 0; i < conf->nlistens; i++) {
		struct port **kept = find_port(a, &conf->listens[i]);

		if (next->ports[i] != NULL || kept == NULL)
			continue;
		next->ports[i] = *kept;
		update(&next->ports[i]->listen, &conf->listens[i]);
		*kept = NULL;
	}
	for (size_t i = 0; i < conf->nlistens; i++) {
		struct port *p = next->ports[i];

		if (p == NULL)
			p = move_port(a, &conf->listens[i], trouble);
		if (p != NULL)
			next->ports[n++] = p;
	}
	/* The relay goes on, and so do those who have connected there. */
	for (size_t i = 0; i < a->nports; i++)
		if (a->ports[i] != NULL)
			listener_drain(a->ports[i]->listener);
	close_ports(a);
	conf_unref(a->conf);
	tls_server_unref(a->tls);
	a->ports = next->ports;
	a->nports = n;
	a->conf = next->conf;
	a->tls = next->tls;
	free(next);
}

void
acceptor_stop(struct acceptor *a)
{
	close_ports(a);
	proxies_stop(a->proxies);
	locals_close(a->locals, free);
	a->locals = NULL;
}

uint32_t
acceptor_sessions(const struct acceptor *a)
{
	return seats_taken(a->seats);
}

void
acceptor_free(struct acceptor *a)
{
	if (a == NULL)
		return;
	close_ports(a);
	proxies_free(a->proxies);
	locals_close(a->locals, free);
	seats_free(a->seats);
	conf_unref(a->conf);
	tls_server_unref(a->tls);
	free(a);
}
