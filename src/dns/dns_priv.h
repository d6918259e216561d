/*
 * dns_priv: what the files of this folder share. packet.c reads answers,
 * resolver.c has c-ares and the loop's handles.
 */
#ifndef DNS_PRIV_H
#define DNS_PRIV_H

#include "base/span.h"
#include "dns/answer.h"
#include "dns/resolver.h"

/*
 * What a server's answer says about records of `type` at `name`, also behind
 * CNAMEs. Nothing in the packet is trusted; what does not fit is left out.
 */
void packet_parse(
    struct span bytes, const char *name, uint16_t type, struct dns_answer *out);

struct resolver_options {
	unsigned timeout_ms; /* a try */
	unsigned tries;
};

/* resolver_new() with other than the usual patience, for tests. */
struct resolver *resolver_open(struct loop *loop, char *const *servers,
    size_t nservers, const struct resolver_options *options, struct err *err);

#endif
