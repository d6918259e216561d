#include "question.h"

#include <arpa/inet.h>
#include <string.h>

#include "conf/conf.h"
#include "dns/resolver.h"
#include "io/loop.h"

struct asked {
	struct loop *loop; /* borrowed */
	struct resolver *resolver; /* borrowed */
	struct dns_answer *answer; /* borrowed */
};

static void
on_answer(const struct dns_answer *answer, void *arg)
{
	struct asked *a = arg;

	*a->answer = *answer;
	resolver_close(a->resolver);
	loop_stop(a->loop);
}

int
ask_dns(const struct conf *conf, const char *name, enum dns_type type,
    struct dns_answer *answer, struct err *err)
{
	struct asked a = { .loop = loop_new(), .answer = answer };

	a.resolver =
	    resolver_new(a.loop, conf->resolvers, conf->nresolvers, err);
	if (a.resolver == NULL)
		loop_stop(a.loop);
	else
		(void)resolver_ask(
		    a.resolver, name, (uint16_t)type, on_answer, &a);
	loop_run(a.loop);
	loop_free(a.loop);
	return a.resolver == NULL ? -1 : 0;
}

static bool
is_numeric(const char *host, struct dns_answer *answer)
{
	union dns_address *to = &answer->addresses[0];

	*answer = (struct dns_answer){ .status = DNS_DATA, .naddresses = 1 };
	if (inet_pton(AF_INET, host, &to->in.sin_addr) == 1)
		to->in.sin_family = AF_INET;
	else if (inet_pton(AF_INET6, host, &to->in6.sin6_addr) == 1)
		to->in6.sin6_family = AF_INET6;
	else
		return false;
	return true;
}

int
ask_addresses(const struct conf *conf, const char *host,
    struct dns_answer *answer, struct err *err)
{
	static const enum dns_type kinds[] = { DNS_HOSTS_FILE, DNS_A,
		DNS_AAAA };

	if (is_numeric(host, answer))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		int rc = ask_dns(conf, host, kinds[i], answer, err);

		if (rc != 0 || answer->naddresses > 0)
			return rc;
		if (kinds[i] != DNS_HOSTS_FILE && answer->status == DNS_FAILED)
			return err_set(err, -1,
			    "%s: no answer of the name "
			    "servers: %s",
			    host, answer->why);
	}
	return err_set(err, -1, "%s has no address", host);
}
