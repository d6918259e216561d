/*
 * A connection gets a seat (policy/seats.h) and goes to a worker, or hears that
 * there is none: at once where it may speak in the clear, else from a session
 * that ends with 421 when the handshake is done.
 */
#include "acceptor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/peer.h"
#include "conf/conf.h"
#include "crew/crew.h"
#include "io/listener.h"
#include "io/loop.h"
#include "io/tls.h"
#include "policy/seats.h"
#include "crew/worker.h"

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
	atomic_bool is_crowded; /* for the sessions, on all threads */
	uint64_t next_number;
};

struct acceptor *
acceptor_new(struct loop *loop, struct crew *crew)
{
	struct acceptor *a = MEM_NEW(struct acceptor);
	uint64_t seed[2];

	random_fill(seed, sizeof seed);
	a->seats = seats_new(seed);
	a->loop = loop;
	a->crew = crew;
	/* Session ids do not start over with the process. */
	a->next_number = (uint64_t)(wall_now() / 1000) << 16;
	return a;
}

static void
client_text(const struct sockaddr_storage *peer, char out[INET6_ADDRSTRLEN])
{
	const struct in6_addr *a6 =
	    &((const struct sockaddr_in6 *)peer)->sin6_addr;

	if (peer->ss_family == AF_INET)
		(void)inet_ntop(AF_INET,
		    &((const struct sockaddr_in *)peer)->sin_addr, out,
		    INET6_ADDRSTRLEN);
	else if (IN6_IS_ADDR_V4MAPPED(a6))
		(void)inet_ntop(
		    AF_INET, a6->s6_addr + 12, out, INET6_ADDRSTRLEN);
	else
		(void)inet_ntop(AF_INET6, a6, out, INET6_ADDRSTRLEN);
}

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

static void
log_refusal(struct acceptor *a, const struct port *port, const char *address,
    uint64_t host, const char *why)
{
	uint32_t times = seats_refusals(a->seats, host, loop_now(a->loop));

	if (times > 0)
		log_warn("refused client=%s port=%u reason=\"%s\" times=%u "
			 "sessions=%u",
		    address, port->listen.port, why, times,
		    seats_taken(a->seats));
}

/* In the clear the reply is one call, and no seat is needed for it. */
static bool
refuse_at_once(
    struct acceptor *a, struct seat *seat, int fd, const struct port *port)
{
	static const char text[] = "421 4.7.0 Too many connections\r\n";

	if (seat != NULL && port->listen.tls == LISTEN_IMPLICIT)
		return false;
	if (port->listen.tls == LISTEN_STARTTLS)
		(void)send(fd, text, sizeof text - 1, MSG_NOSIGNAL);
	(void)close(fd);
	if (seat != NULL)
		acceptor_closed(a, seat);
	return true;
}

static void
on_connection(int fd, const struct sockaddr_storage *peer, void *arg)
{
	struct port *port = arg;
	struct acceptor *a = port->acceptor;
	char address[INET6_ADDRSTRLEN] = "";
	struct seat *seat;
	const char *why;
	uint64_t host;

	client_text(peer, address);
	host = peer_of(address).host;
	metric_add(METRIC_CONNECTIONS, 1);
	seat = seats_take(
	    a->seats, &a->conf->limits, host, loop_now(a->loop), &why);
	note_crowd(a);
	if (why != NULL) {
		log_refusal(a, port, address, host, why);
		if (refuse_at_once(a, seat, fd, port))
			return;
	}
	worker_serve(crew_pick(a->crew, loop_now(a->loop)),
	    &(struct submit_connection){
		.fd = fd,
		.client = address,
		.conf = conf_ref(a->conf),
		.tls = tls_server_ref(a->tls),
		.mechanisms = (const char *const *)a->conf->mechanisms,
		.nmechanisms = a->conf->nmechanisms,
		.implicit_tls = port->listen.tls == LISTEN_IMPLICIT,
		.is_refused = why != NULL,
		.is_crowded = &a->is_crowded,
		.number = a->next_number++,
		.token = seat,
	    });
}

static void
port_close(struct port *p)
{
	listener_close(p->listener);
	free(p->listen.address);
	free(p);
}

static struct port *
port_open(struct acceptor *a, const struct conf_listen *l, struct err *err)
{
	struct port *p = MEM_NEW(struct port);

	p->acceptor = a;
	p->listen = *l;
	p->listen.address = mem_strdup(l->address);
	p->listener =
	    listener_open(a->loop, l->address, l->port, on_connection, p, err);
	if (p->listener == NULL) {
		free(p->listen.address);
		free(p);
		return NULL;
	}
	return p;
}

/* The port that listens there already, taken out of the old list. */
static struct port *
take_port(struct acceptor *a, const struct conf_listen *l)
{
	for (size_t i = 0; i < a->nports; i++) {
		struct port *p = a->ports[i];

		if (p == NULL || p->listen.port != l->port ||
		    strcmp(p->listen.address, l->address) != 0)
			continue;
		a->ports[i] = NULL;
		p->listen.tls = l->tls;
		return p;
	}
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

int
acceptor_configure(struct acceptor *a, const struct conf *conf,
    struct tls_server *tls, struct err *err)
{
	struct port **ports = mem_zalloc(conf->nlistens, sizeof *ports);
	bool kept[64] = { false };

	for (size_t i = 0; i < conf->nlistens; i++) {
		const struct conf_listen *l = &conf->listens[i];

		ports[i] = take_port(a, l);
		if (i < ARRAY_LEN(kept))
			kept[i] = ports[i] != NULL;
		if (ports[i] == NULL)
			ports[i] = port_open(a, l, err);
		if (ports[i] != NULL)
			continue;
		/* Back to how it was: new ones close, old ones return. */
		for (size_t k = 0; k < i; k++) {
			if (k >= ARRAY_LEN(kept) || !kept[k]) {
				port_close(ports[k]);
				continue;
			}
			for (size_t o = 0; o < a->nports; o++)
				if (a->ports[o] == NULL) {
					a->ports[o] = ports[k];
					break;
				}
		}
		free(ports);
		return -1;
	}
	close_ports(a);
	a->ports = ports;
	a->nports = conf->nlistens;
	conf_unref(a->conf);
	tls_server_unref(a->tls);
	a->conf = conf_ref(conf);
	a->tls = tls_server_ref(tls);
	return 0;
}

void
acceptor_stop(struct acceptor *a)
{
	close_ports(a);
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
	seats_free(a->seats);
	conf_unref(a->conf);
	tls_server_unref(a->tls);
	free(a);
}
