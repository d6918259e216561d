/* Addresses to listen at, and how many connections there can be. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "conf/conf.h"
#include "io/listener.h"
#include "prepare_priv.h"

/* What a relay has open beside connections: segments, logs, loops, libraries. */
enum { DESCRIPTORS_ELSE = 200, PORT_PRIVILEGED = 1024 };

struct at {
	const char *key;
	int line;
	const char *name; /* of the listener; "" */
	const char *address;
	uint16_t port;
};

static void
say_why(
    const struct look *l, const struct at *at, int rc, const struct err *err)
{
	const char *shown = at->address[0] == '\0' ? "*" : at->address;
	char command[128] = "";

	switch (-rc) {
	case EADDRINUSE:
		(void)snprintf(command, sizeof command,
		    "; ss -ltnp 'sport = :%u' shows who has it: stop that, or "
		    "name another port",
		    at->port);
		break;
	case EADDRNOTAVAIL:
		(void)snprintf(command, sizeof command,
		    "; it is no address of this machine (ip address shows "
		    "them): name one, or \"*:%u\"",
		    at->port);
		break;
	case EACCES:
		(void)snprintf(command, sizeof command, "%s",
		    at->port < PORT_PRIVILEGED
			? "; a port under 1024 needs CAP_NET_BIND_SERVICE: the "
			  "unit gives it (AmbientCapabilities=), root has it"
			: "; the system forbids it to this user");
		break;
	case EINVAL:
		(void)snprintf(command, sizeof command,
		    "; expected an address that can be listened at as it is "
		    "written: no fe80::, and IPv4 such as 127.0.0.1");
		break;
	default: break;
	}
	look_found(l, FINDING_ERROR, at->key, at->line, "%s%s%s:%u: %s%s",
	    at->name, at->name[0] == '\0' ? "" : ": ", shown, at->port,
	    err->text, command);
}

/* What the running relay has is ours to have. */
static void
look_at_one(const struct look *l, const struct at *at)
{
	enum held held = held_port(l->pid, at->port);
	struct err err;
	int rc;

	if (held == HELD_YES)
		return;
	rc = listener_try(at->address, at->port, &err);
	/* A relay with capabilities that we have not does not let us look. */
	if (held == HELD_UNKNOWN && (rc == -EADDRINUSE || rc == -EACCES))
		return;
	if (rc < 0)
		say_why(l, at, rc, &err);
}

void
look_at_ports(const struct look *l)
{
	for (size_t i = 0; i < l->conf->nlistens; i++) {
		const struct conf_listen *listen = &l->conf->listens[i];
		struct at at = { "listen", listen->line, listen->name,
			listen->address, listen->port };

		if (listen->socket == NULL)
			look_at_one(l, &at);
	}
}

static const struct conf_listen *
listener_at(const struct conf *conf, const char *address, uint16_t port)
{
	for (size_t i = 0; i < conf->nlistens; i++) {
		const struct conf_listen *l = &conf->listens[i];

		if (l->port == port && port != 0 && l->socket == NULL &&
		    conf_addresses_meet(l->address, address))
			return l;
	}
	return NULL;
}

void
look_at_http(const struct look *l)
{
	const struct conf_listen *other;
	struct at at = { .key = "http.address", .name = "" };
	char host[64];

	if (l->conf->http_address == NULL ||
	    !conf_parse_address(
		span_text(l->conf->http_address), host, sizeof host, &at.port))
		return;
	at.line = conf_line(l->conf, at.key);
	at.address = host[0] == '\0' ? "0.0.0.0" : host;
	other = listener_at(l->conf, host, at.port);
	if (other != NULL)
		look_found(l, FINDING_ERROR, at.key, at.line,
		    "%s: listen %s has this port, expected another, such as "
		    "127.0.0.1:9225",
		    l->conf->http_address, other->name);
	else
		look_at_one(l, &at);
}

/* The relay raises its soft limit to the hard one. */
void
look_at_descriptors(const struct look *l)
{
	const struct conf *conf = l->conf;
	uint64_t wanted = (uint64_t)conf->limits.sessions +
			  conf->deliver_connections + DESCRIPTORS_ELSE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < wanted)
		look_option(l, FINDING_WARNING, "limits.sessions",
		    "%u and deliver.connections %u need %llu descriptors, and "
		    "there are %llu; lower them, or raise LimitNOFILE of the "
		    "unit (ulimit -Hn)",
		    conf->limits.sessions, conf->deliver_connections,
		    (unsigned long long)wanted,
		    (unsigned long long)limit.rlim_max);
}
