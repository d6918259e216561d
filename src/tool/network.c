#include "network.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "question.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "sched/target.h"
#include "trial.h"
#include "way.h"

/* Large, and always there. */
static const char usual_domain[] = "gmail.com";

/* --- the name of the address that mail goes out from --- */

static bool
is_private(const struct sockaddr_storage *at)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)at;
	uint32_t a;

	if (at->ss_family != AF_INET)
		return false;
	a = ntohl(in->sin_addr.s_addr);
	return a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8 ||
	       a >> 22 == 0x191; /* RFC 1918, RFC 6598 */
}

static void
reverse_name(const struct sockaddr_storage *at, char out[80])
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)at;
	const struct sockaddr_in *in = (const struct sockaddr_in *)at;
	const unsigned char *b;
	char *to = out;

	if (at->ss_family == AF_INET) {
		b = (const unsigned char *)&in->sin_addr;
		(void)snprintf(out, 80, "%u.%u.%u.%u.in-addr.arpa", b[3], b[2],
		    b[1], b[0]);
		return;
	}
	b = in6->sin6_addr.s6_addr;
	for (int i = 15; i >= 0; i--)
		to += snprintf(to, 5, "%x.%x.", b[i] & 0xf, b[i] >> 4);
	(void)snprintf(to, 9, "ip6.arpa");
}

static void
look_at_name(const struct conf *conf, const struct sockaddr_storage *local,
    struct findings *f)
{
	char ip[TARGET_ADDRESS_TEXT], name[80];
	struct dns_answer *a = MEM_NEW(struct dns_answer);
	struct err err;
	bool is_ours = false;

	target_address_text((const struct sockaddr *)local, ip);
	reverse_name(local, name);
	if (is_private(local)) {
		findings_add(f, FINDING_OK,
		    "network: mail goes out from %s, which is private: the PTR "
		    "record of the address outside must be %s",
		    ip, conf->hostname);
	} else if (ask_dns(conf, name, DNS_PTR, a, &err) == 0) {
		for (unsigned i = 0; i < a->nmx; i++)
			is_ours = is_ours || strcasecmp(a->mx[i].name,
						 conf->hostname) == 0;
		findings_add(f, is_ours ? FINDING_OK : FINDING_WARNING,
		    is_ours ? "network: the name (PTR) of %s is %s"
			    : "network: the name (PTR) of %s is %s, expected "
			      "%s, or receiving hosts refuse its mail; who "
			      "gives you the address sets it",
		    ip, a->nmx == 0 ? "none" : a->mx[0].name, conf->hostname);
	}
	free(a);
}

/* --- name servers, and port 25 --- */

static void
look_at_port(const struct conf *conf, const char *mx, struct findings *f)
{
	struct way w = { 0 };
	struct err err;
	int rc = way_to_host(&w, conf, mx, NULL, &err);

	if (rc == 0)
		rc = way_try(&w, NULL, &err);
	if (rc == 0)
		findings_add(f, FINDING_OK, "network: port %u of %s is reached",
		    conf->deliver_port, w.host);
	else
		findings_add(f, FINDING_ERROR,
		    "network: port %u of %s: %s; many networks close it: ask "
		    "whose network it is to open it, or name a relay (route "
		    "default)",
		    conf->deliver_port, w.host[0] == '\0' ? mx : w.host,
		    err.text);
	if (w.local.ss_family != 0)
		look_at_name(conf, &w.local, f);
	way_clear(&w);
}

static void
look_at_servers(const struct conf *conf, const char *domain, bool with_port,
    struct findings *f)
{
	struct dns_answer *a = MEM_NEW(struct dns_answer);
	const struct dns_mx *mx;
	struct err err = { "" };
	int rc = ask_dns(conf, domain, DNS_MX, a, &err);

	if (rc != 0 || a->status == DNS_FAILED) {
		findings_add(f, FINDING_ERROR,
		    "network: the name servers do not answer (MX of %s): %s; "
		    "look at resolver.servers or /etc/resolv.conf",
		    domain, rc != 0 ? err.text : a->why);
	} else {
		mx = way_first_mx(a);
		findings_add(f, FINDING_OK,
		    "network: the name servers answer (MX of %s: %s)", domain,
		    mx == NULL ? "none" : mx->name);
		if (with_port)
			look_at_port(conf, mx == NULL ? domain : mx->name, f);
	}
	free(a);
}

/* --- relays --- */

static void
look_at_relay(
    const struct conf *conf, const struct conf_route *r, struct findings *f)
{
	struct way w = { 0 };
	struct err err;
	int rc = way_to_relay(&w, conf, r, &err);

	if (rc == 0)
		rc = way_try(&w, NULL, &err);
	if (rc == 0)
		findings_add(f, FINDING_OK, "network: relay %s is reached%s%s",
		    w.host, r->login == NULL ? "" : ", login good: ",
		    r->login == NULL ? "" : r->login);
	else
		findings_add(f, FINDING_ERROR,
		    "%s:%d: route.relay %s:%u: %s; mail by this route would "
		    "wait: look at its host, port, tls, login and "
		    "password-file",
		    conf->file, r->line, r->host, r->port, err.text);
	way_clear(&w);
}

void
network_look(const struct conf *conf, const struct network_wish *wish,
    struct findings *f)
{
	const char *domain = wish->domain;
	const struct conf_route *usual = conf_route(conf, SPAN(""));
	bool by_mx = usual == NULL || usual->host == NULL;

	/* Where a relay takes all, port 25 is its affair. */
	look_at_servers(conf, domain == NULL ? usual_domain : domain,
	    by_mx || domain != NULL, f);
	for (size_t i = 0; i < conf->nroutes; i++)
		if (conf->routes[i].host != NULL)
			look_at_relay(conf, &conf->routes[i], f);
	if (wish->send_to != NULL)
		trial_send(conf, wish->send_to, f);
}
