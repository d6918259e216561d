#include "acceptor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "conf/conf.h"
#include "crew.h"
#include "io/listener.h"
#include "io/loop.h"
#include "io/tls.h"
#include "worker.h"

/* How many sessions an address has. Exists while it has any. */
struct client {
	char address[INET6_ADDRSTRLEN];
	uint32_t sessions;
};

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
	struct map clients;
	uint32_t sessions;
	uint64_t next_number;
};

struct acceptor *
acceptor_new(struct loop *loop, struct crew *crew)
{
	struct acceptor *a = MEM_NEW(struct acceptor);
	uint64_t seed[2];

	random_fill(seed, sizeof seed);
	map_init(&a->clients, seed);
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

static struct client *
count_in(struct acceptor *a, const char *address)
{
	struct client *c = map_get(&a->clients, span_text(address));

	if (c == NULL) {
		c = MEM_NEW(struct client);
		(void)snprintf(c->address, sizeof c->address, "%s", address);
		(void)map_put(&a->clients, span_text(c->address), c);
	}
	c->sessions++;
	a->sessions++;
	return c;
}

void
acceptor_closed(struct acceptor *a, void *token)
{
	struct client *c = token;

	a->sessions--;
	if (--c->sessions > 0)
		return;
	(void)map_remove(&a->clients, span_text(c->address));
	free(c);
}

static const char *
refusal(const struct acceptor *a, const struct client *c)
{
	if (a->sessions > a->conf->limits.sessions)
		return "limits.sessions";
	if (c->sessions > a->conf->limits.sessions_per_address)
		return "limits.sessions-per-address";
	return NULL;
}

static void
refuse(struct acceptor *a, struct client *c, int fd, const struct port *port,
    const char *limit)
{
	static const char text[] = "421 4.7.0 Too many connections\r\n";

	log_warn("refused client=%s port=%u reason=\"%s\" sessions=%u",
	    c->address, port->listen.port, limit, c->sessions);
	if (port->listen.tls == LISTEN_STARTTLS)
		(void)send(fd, text, sizeof text - 1, MSG_NOSIGNAL);
	(void)close(fd);
	acceptor_closed(a, c);
}

static void
on_connection(int fd, const struct sockaddr_storage *peer, void *arg)
{
	struct port *port = arg;
	struct acceptor *a = port->acceptor;
	char address[INET6_ADDRSTRLEN] = "";
	struct client *c;
	const char *limit;

	client_text(peer, address);
	c = count_in(a, address);
	metric_add(METRIC_CONNECTIONS, 1);
	limit = refusal(a, c);
	if (limit != NULL) {
		refuse(a, c, fd, port, limit);
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
		.number = a->next_number++,
		.token = c,
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
	return a->sessions;
}

void
acceptor_free(struct acceptor *a)
{
	struct client *c;
	size_t at = 0;

	if (a == NULL)
		return;
	close_ports(a);
	while ((c = map_next(&a->clients, &at)) != NULL)
		free(c);
	map_clear(&a->clients);
	conf_unref(a->conf);
	tls_server_unref(a->tls);
	free(a);
}
