#include "sched/target.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct target *
target_new(void)
{
	struct target *t = MEM_NEW(struct target);

	atomic_store(&t->refs, 1);
	return t;
}

void
target_add_host(struct target *t, struct span name, uint16_t group)
{
	assert(t->nhosts == 0 || t->hosts[t->nhosts - 1].group <= group);
	t->hosts = mem_realloc(t->hosts, (t->nhosts + 1) * sizeof *t->hosts);
	t->hosts[t->nhosts++] = (struct target_host){
		.name = span_dup(name), .group = group, .first = t->naddresses
	};
}

void
target_add_address(struct target *t, const struct sockaddr *sa, uint16_t port)
{
	struct target_address *a;
	struct target_host *host;

	assert(t->nhosts > 0);
	host = &t->hosts[t->nhosts - 1];
	host->naddresses++;
	t->addresses = mem_realloc(
	    t->addresses, (t->naddresses + 1) * sizeof *t->addresses);
	a = &t->addresses[t->naddresses++];
	*a = (struct target_address){ .host = host->name };
	if (sa->sa_family == AF_INET6) {
		memcpy(&a->to.in6, sa, sizeof a->to.in6);
		a->to.in6.sin6_port = htons(port);
	} else {
		memcpy(&a->to.in, sa, sizeof a->to.in);
		a->to.in.sin_port = htons(port);
	}
}

void
target_host_text(const struct target_address *a, char *out, size_t size)
{
	char ip[TARGET_ADDRESS_TEXT];
	bool is_literal;

	target_address_text(&a->to.sa, ip);
	is_literal = a->host[0] == '[' || strcmp(a->host, ip) == 0;
	(void)snprintf(out, size, "%.240s%s[%s]:%u", is_literal ? "" : a->host,
	    is_literal ? "" : " ", ip, ntohs(a->to.in.sin_port));
}

void
target_certificate_name(const char *host, char *out, size_t size)
{
	struct span name = span_text(host);

	if (name.len > 2 && name.ptr[0] == '[') {
		name = span_make(name.ptr + 1, name.len - 2);
		if (span_starts_nocase(name, SPAN("IPv6:")))
			name = span_from(name, 5);
	}
	(void)snprintf(out, size, "%.*s", SPAN_ARG(name));
}

struct target *
target_ref(struct target *t)
{
	atomic_fetch_add(&t->refs, 1);
	return t;
}

void
target_unref(struct target *t)
{
	if (t == NULL || atomic_fetch_sub(&t->refs, 1) != 1)
		return;
	for (uint32_t i = 0; i < t->nhosts; i++)
		free(t->hosts[i].name);
	free(t->hosts);
	free(t->addresses);
	free(t->because);
	free(t->login);
	secret_clear(&t->password);
	free(t->hostname);
	free(t);
}

void
target_address_text(const struct sockaddr *sa, char out[TARGET_ADDRESS_TEXT])
{
	const void *from =
	    sa->sa_family == AF_INET6
		? (const void *)&((const struct sockaddr_in6 *)sa)->sin6_addr
		: (const void *)&((const struct sockaddr_in *)sa)->sin_addr;

	if (inet_ntop(sa->sa_family, from, out, TARGET_ADDRESS_TEXT) == NULL)
		out[0] = '\0';
}

/* RFC 6890: "this network"; multicast, reserved and broadcast. */
static bool
v4_is_nowhere(uint32_t a)
{
	return a >> 24 == 0 || a >> 28 == 0xe || a >> 28 == 0xf;
}

static bool
v4_is_special(uint32_t a)
{
	return v4_is_nowhere(a) || a >> 24 == 127 ||
	       a >> 16 == 0xa9fe; /* link-local */
}

/*
 * RFC 8215: a NAT64 of the network's own. The IPv4 address is at the end (a prefix
 * of 96 bits), or, with nothing at the end, behind the prefix of 48 bits and around
 * the octet that RFC 6052 2.2 keeps free.
 */
static bool
local_nat64(const struct in6_addr *a6, uint32_t *out)
{
	static const uint8_t prefix[6] = { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 },
			     nothing[4] = { 0 };
	const uint8_t *a = a6->s6_addr;
	uint8_t behind[4] = { a[6], a[7], a[9], a[10] };

	if (memcmp(a, prefix, sizeof prefix) != 0)
		return false;
	memcpy(out, memcmp(a + 12, nothing, 4) != 0 ? a + 12 : behind, 4);
	return true;
}

/*
 * Of an IPv4 address, also of one that is written as IPv6's, or that a gateway
 * makes of it: mapped and compatible (RFC 4291), translated (RFC 2765), NAT64
 * (RFC 6052, RFC 8215), 6to4 (RFC 3056).
 */
static bool
v4_of(const struct sockaddr *sa, uint32_t *out)
{
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b },
			     translated[12] = { [8] = 0xff, 0xff },
			     six_to_four[2] = { 0x20, 0x02 };
	const struct in6_addr *a6 =
	    &((const struct sockaddr_in6 *)sa)->sin6_addr;
	uint32_t a4;

	if (sa->sa_family == AF_INET)
		a4 = ((const struct sockaddr_in *)sa)->sin_addr.s_addr;
	else if (IN6_IS_ADDR_V4MAPPED(a6) || IN6_IS_ADDR_V4COMPAT(a6) ||
		 memcmp(a6->s6_addr, nat64, sizeof nat64) == 0 ||
		 memcmp(a6->s6_addr, translated, sizeof translated) == 0)
		memcpy(&a4, a6->s6_addr + 12, sizeof a4);
	else if (memcmp(a6->s6_addr, six_to_four, sizeof six_to_four) == 0)
		memcpy(&a4, a6->s6_addr + 2, sizeof a4);
	else if (!local_nat64(a6, &a4))
		return false;
	*out = ntohl(a4);
	return true;
}

bool
target_address_is_special(const struct sockaddr *sa)
{
	const struct in6_addr *a6 =
	    &((const struct sockaddr_in6 *)sa)->sin6_addr;
	uint32_t a4;

	if (v4_of(sa, &a4))
		return v4_is_special(a4);
	return target_address_is_nowhere(sa) || IN6_IS_ADDR_LOOPBACK(a6) ||
	       IN6_IS_ADDR_LINKLOCAL(a6);
}

bool
target_address_is_nowhere(const struct sockaddr *sa)
{
	const struct in6_addr *a6 =
	    &((const struct sockaddr_in6 *)sa)->sin6_addr;
	uint32_t a4;

	if (v4_of(sa, &a4))
		return v4_is_nowhere(a4);
	return IN6_IS_ADDR_UNSPECIFIED(a6) || IN6_IS_ADDR_MULTICAST(a6);
}
