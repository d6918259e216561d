/* Where messages go: relays, their passwords, name servers. */
#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/network.h"
#include "conf/conf.h"
#include "io/password_file.h"
#include "prepare_priv.h"

/* What a connection leads back here by: an own address, loopback, 0.0.0.0, ::. */
static bool
is_own_address(const char *host)
{
	static const char *const back[] = { "127.0.0.0/8", "::1", "0.0.0.0",
		"::" };
	struct network us, n;
	struct ifaddrs *all, *i;
	bool own = false;

	if (!network_parse(span_text(host), &us))
		return false;
	for (size_t k = 0; k < ARRAY_LEN(back) && !own; k++)
		own = network_parse(span_text(back[k]), &n) &&
		      network_has(&n, &us);
	if (own || getifaddrs(&all) == -1)
		return own;
	for (i = all; i != NULL && !own; i = i->ifa_next)
		own = i->ifa_addr != NULL && network_of(i->ifa_addr, &n) &&
		      network_has(&n, &us);
	freeifaddrs(all);
	return own;
}

/* The listener of ours that the relay would be. */
static const struct conf_listen *
is_ourselves(const struct conf *conf, const struct conf_route *r)
{
	bool by_name = strcasecmp(r->host, conf->hostname) == 0 ||
		       strcasecmp(r->host, "localhost") == 0;

	if (!by_name && !is_own_address(r->host))
		return NULL;
	for (size_t i = 0; i < conf->nlistens; i++) {
		const struct conf_listen *l = &conf->listens[i];

		if (l->port == r->port && l->socket == NULL &&
		    (by_name || conf_addresses_meet(l->address, r->host)))
			return l;
	}
	return NULL;
}

static void
look_at_password(const struct look *l, const struct conf_route *r)
{
	const char *path = r->password_file;
	struct secret password = { 0 };
	struct stat st;
	char why[WHY_SIZE];
	struct err err;

	if (password_file_read(path, &password, &err) != 0) {
		look_said(l, FINDING_ERROR, r->line,
		    "route.%s%s, expected the file with the password in one "
		    "line, mode 0600",
		    err.text, why_denied(path, why, sizeof why));
	} else if (stat(path, &st) == 0 && (st.st_mode & 07) != 0) {
		look_found(l, FINDING_WARNING, "route.password-file", r->line,
		    "%s: mode %04o lets everybody read it; chmod 600 %s", path,
		    (unsigned)st.st_mode & 07777, path);
	}
	secret_clear(&password);
}

void
look_at_routes(const struct look *l)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < l->conf->nroutes; i++) {
		const struct conf_route *r = &l->conf->routes[i];
		const struct conf_listen *us =
		    r->host == NULL ? NULL : is_ourselves(l->conf, r);

		conf_route_say(r, &text);
		findings_add(
		    l->findings, FINDING_OK, "%.*s", SPAN_ARG(buf_span(&text)));
		buf_reset(&text);
		if (us != NULL)
			look_found(l, FINDING_WARNING, "route.relay", r->line,
			    "%s:%u is this relay itself (listen %s), and mail "
			    "would come back for ever; expected another host",
			    r->host, r->port, us->name);
		if (r->password_file != NULL)
			look_at_password(l, r);
	}
	buf_clear(&text);
}

void
look_at_resolver(const struct look *l)
{
	FILE *f;
	char line[256];
	bool found = false;

	if (l->conf->nresolvers > 0)
		return;
	f = fopen("/etc/resolv.conf", "re");
	while (f != NULL && !found && fgets(line, sizeof line, f) != NULL)
		found = strncmp(line, "nameserver", 10) == 0;
	if (f != NULL)
		(void)fclose(f);
	if (!found)
		look_option(l, FINDING_WARNING, "resolver.servers",
		    "/etc/resolv.conf names no server, and 127.0.0.1 is asked; "
		    "name one there, or here");
}
