/*
 * The one table of options and sections. libConfuse's arrays, the defaults and
 * the checks of a single value all come from here; what several values say
 * together is checked in check.c.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "conf_priv.h"
#include "smtp/address.h"

enum {
	RATE_MOST = 1000000000,
	RATE_LEAST_S = 60,
	RATE_MOST_S = 366 * 86400,
};

static bool
is_clean_text(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
			return false;
	return text.len > 0;
}

static bool
store_text(const struct option *o, struct span text, void *base)
{
	if (!is_clean_text(text) || text.len > o->most)
		return false;
	*(char **)(void *)((char *)base + o->at) = span_dup(text);
	return true;
}

static bool
store_domain(const struct option *o, struct span text, void *base)
{
	if (!conf_domain_is_valid(text))
		return false;
	*(char **)(void *)((char *)base + o->at) = conf_lower(text);
	return true;
}

static bool
store_u32(const struct option *o, uint64_t n, void *base)
{
	if (n < o->least || n > o->most)
		return false;
	*(uint32_t *)(void *)((char *)base + o->at) = (uint32_t)n;
	return true;
}

static bool
store_number(const struct option *o, struct span text, void *base)
{
	uint64_t n;

	return span_to_u64(text, UINT32_MAX, &n) && store_u32(o, n, base);
}

static bool
store_duration(const struct option *o, struct span text, void *base)
{
	uint32_t n;

	return conf_parse_duration(text, &n) && store_u32(o, n, base);
}

static bool
store_size(const struct option *o, struct span text, void *base)
{
	uint64_t n;

	if (!conf_parse_size(text, &n) || n < o->least || n > o->most)
		return false;
	*(uint64_t *)(void *)((char *)base + o->at) = n;
	return true;
}

static bool
store_port(const struct option *o, struct span text, void *base)
{
	uint64_t n;

	if (!span_to_u64(text, UINT16_MAX, &n) || n == 0)
		return false;
	*(uint16_t *)(void *)((char *)base + o->at) = (uint16_t)n;
	return true;
}

/* "5%", "2.5%": up to three digits behind the point. */
static bool
store_percent(const struct option *o, struct span text, void *base)
{
	struct span whole, part;
	uint64_t n, thousandths = 0;

	if (!span_ends_nocase(text, SPAN("%")))
		return false;
	part = span_to(text, text.len - 1);
	whole = span_cut(&part, '.');
	if (!span_to_u64(whole, o->most, &n) || part.len > 3 ||
	    (part.len == 0 && whole.len + 1 != text.len))
		return false;
	if (part.len > 0 && !span_to_u64(part, 999, &thousandths))
		return false;
	for (size_t i = part.len; i < 3; i++)
		thousandths *= 10;
	if (n * 1000 + thousandths > o->most * 1000)
		return false;
	*(double *)(void *)((char *)base + o->at) =
	    (double)n + (double)thousandths / 1000;
	return true;
}

static bool
store_bool(const struct option *o, struct span text, void *base)
{
	bool on = span_equal_nocase(text, SPAN("true")) ||
		  span_equal_nocase(text, SPAN("yes")) ||
		  span_equal_nocase(text, SPAN("on"));

	if (!on && !span_equal_nocase(text, SPAN("false")) &&
	    !span_equal_nocase(text, SPAN("no")) &&
	    !span_equal_nocase(text, SPAN("off")))
		return false;
	*(bool *)(void *)((char *)base + o->at) = on;
	return true;
}

struct choice {
	const char *name;
	int value;
};

static bool
choose(const struct choice *choices, size_t n, struct span text, int *out)
{
	for (size_t i = 0; i < n; i++) {
		if (!span_equal_nocase(text, span_text(choices[i].name)))
			continue;
		*out = choices[i].value;
		return true;
	}
	return false;
}

static bool
store_backend(const struct option *o, struct span text, void *base)
{
	static const struct choice choices[] = {
		{ "users", AUTH_BACKEND_USERS },
		{ "cyrus", AUTH_BACKEND_CYRUS },
	};
	struct conf *conf = base;
	int got;

	(void)o;
	if (!choose(choices, ARRAY_LEN(choices), text, &got))
		return false;
	conf->backend = (enum conf_auth_backend)got;
	return true;
}

static bool
store_format(const struct option *o, struct span text, void *base)
{
	static const struct choice choices[] = {
		{ "text", LOG_FORMAT_TEXT },
		{ "json", LOG_FORMAT_JSON },
	};
	struct conf *conf = base;
	int got;

	(void)o;
	if (!choose(choices, ARRAY_LEN(choices), text, &got))
		return false;
	conf->log_format = (enum conf_log_format)got;
	return true;
}

static bool
store_line_endings(const struct option *o, struct span text, void *base)
{
	static const struct choice choices[] = {
		{ "mend", LINE_ENDINGS_MEND },
		{ "refuse", LINE_ENDINGS_REFUSE },
	};
	struct conf *conf = base;
	int got;

	(void)o;
	if (!choose(choices, ARRAY_LEN(choices), text, &got))
		return false;
	conf->line_endings = (enum conf_line_endings)got;
	return true;
}

static bool
store_level(const struct option *o, struct span text, void *base)
{
	static const struct choice choices[] = {
		{ "error", LOG_ERROR },
		{ "warn", LOG_WARN },
		{ "info", LOG_INFO },
		{ "debug", LOG_DEBUG },
	};
	struct conf *conf = base;

	(void)o;
	return choose(choices, ARRAY_LEN(choices), text, &conf->log_level);
}

/* An address to listen on; also decides what `tls` is when it is not given. */
static bool
store_listen_address(const struct option *o, struct span text, void *base)
{
	struct conf_listen *l = base;
	char host[64];

	(void)o;
	if (!conf_parse_address(text, host, sizeof host, &l->port))
		return false;
	l->address = mem_strdup(host);
	l->tls = l->port == 465 ? LISTEN_IMPLICIT : LISTEN_STARTTLS;
	return true;
}

static bool
store_listen_tls(const struct option *o, struct span text, void *base)
{
	static const struct choice choices[] = {
		{ "implicit", LISTEN_IMPLICIT },
		{ "starttls", LISTEN_STARTTLS },
		{ "none", LISTEN_NONE },
	};
	struct conf_listen *l = base;
	int got;

	(void)o;
	if (!choose(choices, ARRAY_LEN(choices), text, &got))
		return false;
	l->tls = (enum conf_listen_tls)got;
	return true;
}

static bool
add_network(struct network *list, size_t *n, struct span text)
{
	if (*n == CONF_NETWORKS_MOST || !network_parse(text, &list[*n]))
		return false;
	++*n;
	return true;
}

static bool
store_network(const struct option *o, struct span text, void *base)
{
	struct conf_listen *l = base;

	(void)o;
	return add_network(l->networks, &l->nnetworks, text);
}

static bool
store_proxy(const struct option *o, struct span text, void *base)
{
	struct conf_listen *l = base;

	(void)o;
	return add_network(l->proxies, &l->nproxies, text);
}

static bool
store_socket(const struct option *o, struct span text, void *base)
{
	struct conf_listen *l = base;

	if (!store_text(o, text, base))
		return false;
	l->tls = LISTEN_LOCAL;
	return true;
}

/* (uid_t)-1 is nobody (setreuid(2)). */
static bool
store_uid(const struct option *o, struct span text, void *base)
{
	struct conf_account *a = base;
	uint64_t uid;

	(void)o;
	if (!span_to_u64(text, UINT32_MAX - 1, &uid))
		return false;
	a->has_uid = true;
	a->uid = (uint32_t)uid;
	return true;
}

/* The host and port of "SCHEME://HOST[:PORT]/...": up to the path or query. */
static struct span
authority_of(struct span rest)
{
	size_t n = 0;

	while (n < rest.len && strchr("/?#", rest.ptr[n]) == NULL)
		n++;
	return span_to(rest, n);
}

/* "HOST" or "HOST:PORT"; a name before an @ would be taken for the host. */
static bool
parse_authority(struct span text, struct span *host)
{
	size_t colon = span_find_last(text, ':');
	uint64_t port;

	if (text.len == 0 || span_find(text, '@') < text.len)
		return false;
	*host = text;
	if (text.ptr[text.len - 1] == ']' || colon == text.len)
		return true;
	*host = span_to(text, colon);
	return host->len > 0 &&
	       span_to_u64(span_from(text, colon + 1), UINT16_MAX, &port) &&
	       port > 0;
}

static bool
is_this_machine(struct span host)
{
	struct network here, n;

	return span_equal_nocase(host, SPAN("localhost")) ||
	       span_equal(host, SPAN("[::1]")) ||
	       (network_parse(SPAN("127.0.0.0/8"), &here) &&
		   span_find(host, '/') == host.len &&
		   network_parse(host, &n) && network_has(&here, &n));
}

/* In the clear only what does not leave the machine. */
static bool
store_url(const struct option *o, struct span text, void *base)
{
	static const struct span https = { "https://", 8 };
	static const struct span http = { "http://", 7 };
	bool is_secure = span_starts_nocase(text, https);
	struct span host;

	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
			return false;
	if (!is_secure && !span_starts_nocase(text, http))
		return false;
	if (!parse_authority(
		authority_of(span_from(text, is_secure ? https.len : http.len)),
		&host))
		return false;
	return (is_secure || is_this_machine(host)) &&
	       store_text(o, text, base);
}

/* An address of ours; kept as it is written. */
static bool
store_address(const struct option *o, struct span text, void *base)
{
	char host[64];
	uint16_t port;

	return conf_parse_address(text, host, sizeof host, &port) &&
	       store_text(o, text, base);
}

static void
append_text(char ***list, size_t *n, char *text)
{
	*list = mem_realloc(*list, (*n + 1) * sizeof **list);
	(*list)[(*n)++] = text;
}

/* RFC 4422 3.1: up to 20 of A-Z, digits, hyphen and underscore. */
static bool
store_mechanism(const struct option *o, struct span text, void *base)
{
	struct conf *conf = base;
	char name[21];

	(void)o;
	if (text.len == 0 || text.len >= sizeof name)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!ascii_is_alnum(c) && c != '-' && c != '_')
			return false;
		name[i] = c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
	}
	name[text.len] = '\0';
	append_text(&conf->mechanisms, &conf->nmechanisms, mem_strdup(name));
	return true;
}

static bool
store_from(const struct option *o, struct span text, void *base)
{
	static const struct choice choices[] = {
		{ "reject", FROM_REJECT },
		{ "rewrite", FROM_REWRITE },
		{ "sender", FROM_SENDER },
		{ "any", FROM_ANY },
	};
	struct conf_account *a = base;
	int got;

	(void)o;
	if (!choose(choices, ARRAY_LEN(choices), text, &got))
		return false;
	a->from = (enum conf_from)got;
	return true;
}

/* "300/1h": so many within any such time; or "none", which stands alone. */
static bool
add_rate(struct conf_rates *rates, struct span text)
{
	struct conf_rate rate;
	struct span most = span_cut(&text, '/');
	uint64_t n;

	if (rates->is_none || rates->n == CONF_RATES_MOST)
		return false;
	rates->is_none = span_equal_nocase(most, SPAN("none"));
	if (rates->is_none)
		return text.len == 0 && rates->n == 0;
	if (!span_to_u64(most, RATE_MOST, &n) || n == 0 ||
	    !conf_parse_duration(text, &rate.seconds) ||
	    rate.seconds < RATE_LEAST_S || rate.seconds > RATE_MOST_S)
		return false;
	rate.most = (uint32_t)n;
	for (size_t i = 0; i < rates->n; i++)
		if (rates->list[i].seconds == rate.seconds)
			return false;
	rates->list[rates->n++] = rate;
	return true;
}

/* Which of an account's budgets is in `least`. */
static bool
store_rate(const struct option *o, struct span text, void *base)
{
	struct conf_account *a = base;

	return add_rate(&a->budgets[o->least], text);
}

static bool
store_over(const struct option *o, struct span text, void *base)
{
	static const struct choice choices[] = {
		{ "refuse", OVER_REFUSE },
		{ "hold", OVER_HOLD },
	};
	struct conf_account *a = base;
	int got;

	(void)o;
	if (!choose(choices, ARRAY_LEN(choices), text, &got))
		return false;
	a->over = (enum conf_over)got;
	return true;
}

/* An address that mail can go to; kept as it leaves. */
static bool
store_notify(const struct option *o, struct span text, void *base)
{
	struct conf *conf = base;
	struct buf written = { 0 };
	struct address a;

	(void)o;
	if (text.len > ADDRESS_MAX || address_parse(text, &a) != ADDRESS_OK ||
	    a.domain.len == 0)
		return false;
	address_write(&a, &written);
	conf->notify = span_dup(buf_span(&written));
	buf_clear(&written);
	return true;
}

/* "sha256:" and 64 hexadecimal digits, with colons or not. */
static bool
store_fingerprint(const struct option *o, struct span text, void *base)
{
	struct conf_account *a = base;
	struct conf_fingerprint f = { { 0 } };
	size_t n = 0;

	(void)o;
	if (a->nfingerprints == CONF_FINGERPRINTS_MOST ||
	    !span_starts_nocase(text, SPAN("sha256:")))
		return false;
	text = span_from(text, 7);
	for (size_t i = 0; i < text.len; i++) {
		int digit = ascii_hex(text.ptr[i]);

		if (text.ptr[i] == ':' && n > 0 && n % 2 == 0)
			continue;
		if (digit < 0 || n == 2 * sizeof f.sha256)
			return false;
		f.sha256[n / 2] = (unsigned char)(f.sha256[n / 2] << 4 | digit);
		n++;
	}
	if (n != 2 * sizeof f.sha256)
		return false;
	a->fingerprints = mem_realloc(
	    a->fingerprints, (a->nfingerprints + 1) * sizeof *a->fingerprints);
	a->fingerprints[a->nfingerprints++] = f;
	return true;
}

static bool
store_priority(const struct option *o, struct span text, void *base)
{
	struct conf_account *a = base;
	bool is_negative = text.len > 0 && text.ptr[0] == '-';
	uint64_t n;

	(void)o;
	if (!span_to_u64(span_from(text, is_negative), 9, &n))
		return false;
	a->priority = is_negative ? -(int)n : (int)n;
	return true;
}

/* What is not said follows `bulk`: conf_check_account(). */
static bool
store_suppress(const struct option *o, struct span text, void *base)
{
	struct conf_account *a = base;

	a->has_suppress = store_bool(o, text, base);
	return a->has_suppress;
}

bool
conf_pattern_is_valid(struct span text)
{
	size_t at = span_find_last(text, '@');
	struct span local = span_to(text, at);

	if (span_equal(text, SPAN("$login")) ||
	    span_equal(text, SPAN("$login+*")))
		return true;
	if (at == text.len || !is_clean_text(local) || text.len > ADDRESS_MAX ||
	    !conf_domain_is_valid(span_from(text, at + 1)))
		return false;
	/* A star stands for every local part, not for some. */
	return local.len <= 1 || span_find(local, '*') == local.len;
}

static bool
store_pattern(const struct option *o, struct span text, void *base)
{
	struct conf_account *a = base;

	(void)o;
	if (!conf_pattern_is_valid(text))
		return false;
	append_text(&a->send_as, &a->nsend_as, span_dup(text));
	return true;
}

static bool
store_server(const struct option *o, struct span text, void *base)
{
	struct conf *conf = base;
	char host[64];
	uint16_t port;

	(void)o;
	if (!conf_parse_address(text, host, sizeof host, &port) ||
	    host[0] == '\0' || port == 0)
		return false;
	append_text(&conf->resolvers, &conf->nresolvers, span_dup(text));
	return true;
}

/* As others see it: a single address, not a network. */
static bool
store_public_address(const struct option *o, struct span text, void *base)
{
	struct conf *conf = base;
	struct network n;

	(void)o;
	if (conf->npublic_addresses == CONF_ADDRESSES_MOST ||
	    span_find(text, '/') < text.len || !network_parse(text, &n))
		return false;
	append_text(
	    &conf->public_addresses, &conf->npublic_addresses, span_dup(text));
	return true;
}

static bool
store_refuse(const struct option *o, struct span text, void *base)
{
	struct conf *conf = base;
	struct network n;

	(void)o;
	if (!network_parse(text, &n))
		return false;
	conf->refuse = mem_realloc(
	    conf->refuse, (conf->nrefuse + 1) * sizeof *conf->refuse);
	conf->refuse[conf->nrefuse++] = n;
	return true;
}

static bool
store_retry(const struct option *o, struct span text, void *base)
{
	struct conf *conf = base;
	uint32_t n;

	if (!conf_parse_duration(text, &n) || n < o->least || n > o->most)
		return false;
	conf->retry =
	    mem_realloc(conf->retry, (conf->nretry + 1) * sizeof *conf->retry);
	conf->retry[conf->nretry++] = n;
	return true;
}

/* A name, an IPv4 address, or an IPv6 one in brackets (then taken off). */
static char *
relay_host(struct span text)
{
	char host[64], copy[80];
	uint16_t port;
	int n;

	if (conf_domain_is_valid(text))
		return conf_lower(text);
	if (text.len == 0 || span_equal(text, SPAN("*")))
		return NULL;
	n = snprintf(copy, sizeof copy, "%.*s:0", SPAN_ARG(text));
	if (n >= (int)sizeof copy ||
	    !conf_parse_address(span_text(copy), host, sizeof host, &port))
		return NULL;
	return mem_strdup(host);
}

/* smtp://host[:port] or submissions://host[:port]. */
static bool
store_relay(const struct option *o, struct span text, void *base)
{
	static const struct span smtp = { "smtp://", 7 };
	static const struct span submissions = { "submissions://", 14 };
	struct conf_route *r = base;
	bool implicit = span_starts_nocase(text, submissions);
	uint64_t port = implicit ? 465 : 25;
	size_t colon;

	(void)o;
	if (!implicit && !span_starts_nocase(text, smtp))
		return false;
	text = span_from(text, implicit ? submissions.len : smtp.len);
	colon = span_find_last(text, ':');
	if (colon < text.len && text.ptr[text.len - 1] != ']') {
		if (!span_to_u64(
			span_from(text, colon + 1), UINT16_MAX, &port) ||
		    port == 0)
			return false;
		text = span_to(text, colon);
	}
	r->host = relay_host(text);
	r->port = (uint16_t)port;
	if (implicit)
		r->tls = RELAY_TLS_IMPLICIT;
	return r->host != NULL;
}

/* Comes behind `relay` in the table: submissions:// is never opportunistic. */
static bool
store_relay_tls(const struct option *o, struct span text, void *base)
{
	static const struct choice choices[] = {
		{ "opportunistic", RELAY_TLS_OPPORTUNISTIC },
		{ "require", RELAY_TLS_REQUIRE },
	};
	struct conf_route *r = base;
	int got;

	(void)o;
	if (!choose(choices, ARRAY_LEN(choices), text, &got))
		return false;
	if (r->tls == RELAY_TLS_IMPLICIT)
		return got == RELAY_TLS_REQUIRE;
	r->tls = (enum conf_relay_tls)got;
	return true;
}

static bool
store_filter_socket(const struct option *o, struct span text, void *base)
{
	(void)o;
	return is_clean_text(text) && conf_parse_filter_socket(text, base);
}

static bool
store_away(const struct option *o, struct span text, void *base)
{
	static const struct choice choices[] = {
		{ "tempfail", AWAY_TEMPFAIL },
		{ "accept", AWAY_ACCEPT },
		{ "hold", AWAY_HOLD },
	};
	struct conf_filter *f = base;
	int got;

	(void)o;
	if (!choose(choices, ARRAY_LEN(choices), text, &got))
		return false;
	f->away = (enum conf_away)got;
	return true;
}

static bool
store_when(const struct option *o, struct span text, void *base)
{
	static const struct choice choices[] = {
		{ "before", WHEN_BEFORE },
		{ "after", WHEN_AFTER },
	};
	struct conf_filter *f = base;
	int got;

	(void)o;
	if (!choose(choices, ARRAY_LEN(choices), text, &got))
		return false;
	f->when = (enum conf_when)got;
	return true;
}

#define APPEND(list, n)                                                        \
	((list) = mem_realloc((list), ((n) + 1) * sizeof *(list)),             \
	    memset(&(list)[n], 0, sizeof *(list)), &(list)[(n)++])

static void *
begin_conf(struct conf *conf, const char *title)
{
	(void)title;
	return conf;
}

static void *
begin_listen(struct conf *conf, const char *title)
{
	struct conf_listen *l;

	if (!is_clean_text(span_text(title)))
		return NULL;
	l = APPEND(conf->listens, conf->nlistens);
	l->name = mem_strdup(title);
	return l;
}

static void *
begin_tls(struct conf *conf, const char *title)
{
	(void)title;
	return APPEND(conf->certificates, conf->ncertificates);
}

static void *
begin_oauth(struct conf *conf, const char *title)
{
	(void)title;
	conf->oauth = MEM_NEW(struct conf_oauth);
	return conf->oauth;
}

static void *
begin_sni(struct conf *conf, const char *title)
{
	struct conf_certificate *c;

	if (!conf_domain_is_valid(span_text(title)))
		return NULL;
	c = APPEND(conf->certificates, conf->ncertificates);
	c->name = conf_lower(span_text(title));
	return c;
}

static void *
begin_account(struct conf *conf, const char *title)
{
	struct conf_account *a;

	if (!is_clean_text(span_text(title)))
		return NULL;
	a = APPEND(conf->accounts, conf->naccounts);
	if (!conf_is_default(title))
		a->name = mem_strdup(title);
	return a;
}

static void *
begin_route(struct conf *conf, const char *title)
{
	struct conf_route *r;

	if (!conf_domain_is_valid(span_text(title)))
		return NULL;
	r = APPEND(conf->routes, conf->nroutes);
	if (!conf_is_default(title))
		r->domain = conf_lower(span_text(title));
	return r;
}

static bool
is_filter_name(struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_alnum(name.ptr[i]) && name.ptr[i] != '-' &&
		    name.ptr[i] != '_' && name.ptr[i] != '.')
			return false;
	return name.len > 0 && name.len <= 32;
}

static void *
begin_filter(struct conf *conf, const char *title)
{
	struct conf_filter *f;

	if (!is_filter_name(span_text(title)))
		return NULL;
	f = APPEND(conf->filters, conf->nfilters);
	f->name = mem_strdup(title);
	return f;
}

/* In the order in which they are read: listen before sni, and so on. */
const struct section conf_sections[] = {
	{ "", NULL, false, false, begin_conf, "", NULL },
	{ "listen", "", true, false, begin_listen, "a name",
	    conf_check_listen },
	{ "tls", "", false, false, begin_tls, "", conf_check_tls },
	{ "sni", "tls", true, false, begin_sni, "a domain name",
	    conf_check_sni },
	{ "auth", "", false, false, begin_conf, "", conf_check_auth },
	{ "oauth", "auth", false, false, begin_oauth, "", conf_check_oauth },
	{ "account", "", true, true, begin_account,
	    "an account's name or default", conf_check_account },
	{ "spool", "", false, false, begin_conf, "", NULL },
	{ "state", "", false, false, begin_conf, "", NULL },
	{ "dkim", "", false, false, begin_conf, "", NULL },
	{ "queue", "", false, false, begin_conf, "", conf_check_queue },
	{ "resolver", "", false, false, begin_conf, "", NULL },
	{ "deliver", "", false, false, begin_conf, "", conf_check_deliver },
	{ "route", "", true, false, begin_route, "a domain name or default",
	    conf_check_route },
	{ "filter", "", true, false, begin_filter,
	    "a name of up to 32 letters, digits, hyphens, dots and underscores",
	    conf_check_filter },
	{ "control", "", false, false, begin_conf, "", NULL },
	{ "http", "", false, false, begin_conf, "", NULL },
	{ "log", "", false, false, begin_conf, "", conf_check_log },
	{ "limits", "", false, false, begin_conf, "", conf_check_limits },
};
const size_t conf_nsections = ARRAY_LEN(conf_sections);

enum {
	TEXT_MOST = 1000,
	PATH_MOST = 4095,
	SOCKET_MOST = 107,
	DAY = 86400,
	HOUR = 3600
};

static const char a_path[] = "a path of up to 4095 bytes";
static const char a_time[] = "a time such as 30s, 5min, 2h or 5d";
static const char a_rate[] =
    "up to 8 different times with a number each, such as 300/1h (1min at "
    "least), or none";
static const char a_url[] =
    "https://HOST/..., or http:// of this machine (127.0.0.1, localhost)";
static const char an_address[] =
    "ADDRESS:PORT with a numeric address, [IPv6]:PORT, :PORT or \"*:PORT\"";

#define CONF(member) offsetof(struct conf, member)
#define ACCOUNT(member) offsetof(struct conf_account, member)
#define OAUTH(member) offsetof(struct conf_oauth, member)
#define FILTER(member) offsetof(struct conf_filter, member)
#define LIMIT(member) offsetof(struct conf, limits.member)

/* clang-format off */
const struct option conf_options[] = {
	{ "", "hostname", 0, NULL, store_domain, CONF(hostname), 0, 0,
	    "a domain name" },
	{ "", "workers", 0, "0", store_number, CONF(workers), 0, 256,
	    "a number up to 256; 0 is one a processor" },
	{ "", "line-endings", 0, "mend", store_line_endings, 0, 0, 0,
	    "mend or refuse" },
	{ "", "notify", 0, NULL, store_notify, 0, 0, 0, "an address" },
	{ "", "countries", 0, NULL, store_text, CONF(countries), 0, PATH_MOST,
	    "a path, or none" },
	{ "", "public-address", OPTION_LIST, "", store_public_address, 0, 0, 0,
	    "an address such as 192.0.2.1 or 2001:db8::1, 16 at most" },
	{ "", "received-client", 0, "false", store_bool, CONF(received_client),
	    0, 0, "true or false" },

	{ "listen", "address", 0, NULL, store_listen_address, 0, 0, 0,
	    an_address },
	{ "listen", "socket", OPTION_PATH, NULL, store_socket,
	    offsetof(struct conf_listen, socket), 0, SOCKET_MOST,
	    "a path of up to 107 bytes" },
	{ "listen", "proxy-protocol", OPTION_LIST, NULL, store_proxy, 0, 0, 0,
	    "up to 32 networks such as 10.0.0.0/8" },
	{ "listen", "tls", 0, NULL, store_listen_tls, 0, 0, 0,
	    "implicit or starttls, or none for devices" },
	{ "listen", "networks", OPTION_LIST, NULL, store_network, 0, 0, 0,
	    "up to 32 networks such as 10.0.0.0/8" },
	{ "listen", "account", 0, NULL, store_text,
	    offsetof(struct conf_listen, account), 0, 255, "an account's name" },

	{ "tls", "certificate", OPTION_PATH, SYSCONFDIR "/postern/tls/fullchain.pem",
	    store_text, offsetof(struct conf_certificate, certificate),
	    0, PATH_MOST, a_path },
	{ "tls", "key", OPTION_PATH, SYSCONFDIR "/postern/tls/privkey.pem",
	    store_text, offsetof(struct conf_certificate, key),
	    0, PATH_MOST, a_path },
	{ "tls", "client-ca", OPTION_PATH, NULL, store_text,
	    offsetof(struct conf_certificate, client_ca), 0, PATH_MOST,
	    a_path },
	{ "sni", "certificate", OPTION_NEEDED | OPTION_PATH, NULL,
	    store_text, offsetof(struct conf_certificate, certificate),
	    0, PATH_MOST, a_path },
	{ "sni", "key", OPTION_NEEDED | OPTION_PATH, NULL,
	    store_text, offsetof(struct conf_certificate, key),
	    0, PATH_MOST, a_path },

	{ "auth", "mechanisms", OPTION_LIST | OPTION_FILLED,
	    "SCRAM-SHA-256 PLAIN LOGIN",
	    store_mechanism, 0, 0, 0, "a SASL mechanism's name" },
	{ "auth", "users", OPTION_PATH, SYSCONFDIR "/postern/users", store_text,
	    CONF(users), 0, PATH_MOST, a_path },
	{ "auth", "aliases", OPTION_PATH, NULL, store_text, CONF(aliases), 0,
	    PATH_MOST, a_path },
	{ "auth", "backend", 0, "users", store_backend, 0, 0, 0,
	    "users or cyrus" },
	{ "auth", "delay", 0, "on", store_bool, CONF(auth_delay), 0, 0,
	    "on or off" },
	{ "auth", "iterations", 0, "40000", store_number,
	    CONF(auth_iterations), 4096, 1000000,
	    "a number from 4096 to 1000000" },
	{ "auth", "remember", 0, "10min", store_duration, CONF(auth_remember),
	    0, DAY, "a time up to 1d; 0 remembers nothing" },

	{ "oauth", "issuer", 0, NULL, store_text, OAUTH(issuer), 1, TEXT_MOST,
	    "the issuer (iss) of tokens" },
	{ "oauth", "audience", 0, NULL, store_text, OAUTH(audience), 1,
	    TEXT_MOST, "the audience (aud) of tokens" },
	{ "oauth", "jwks-file", OPTION_PATH, NULL, store_text,
	    OAUTH(jwks_file), 0, PATH_MOST, a_path },
	{ "oauth", "jwks-url", 0, NULL, store_url, OAUTH(jwks_url), 0,
	    TEXT_MOST, a_url },
	{ "oauth", "introspection-url", 0, NULL, store_url,
	    OAUTH(introspection_url), 0, TEXT_MOST, a_url },
	{ "oauth", "client-id", 0, NULL, store_text, OAUTH(client_id), 1,
	    TEXT_MOST, "our name at the authorization server" },
	{ "oauth", "client-secret-file", OPTION_PATH, NULL, store_text,
	    OAUTH(client_secret_file), 0, PATH_MOST, a_path },
	{ "oauth", "account-claim", 0, "email", store_text,
	    OAUTH(account_claim), 1, 100, "the name of a claim" },

	{ "account", "send-as", OPTION_LIST, "$login", store_pattern, 0, 0, 0,
	    "\"$login\", \"$login+*\", \"name@domain\" or \"*@domain\"" },
	{ "account", "from", 0, "reject", store_from, 0, 0, 0,
	    "reject, rewrite, sender or any" },
	{ "account", "messages", OPTION_LIST | OPTION_FILLED, "300/1h 2000/1d",
	    store_rate, 0, CONF_MESSAGES, 0, a_rate },
	{ "account", "recipients", OPTION_LIST | OPTION_FILLED, "500/1h 4000/1d",
	    store_rate, 0, CONF_RECIPIENTS, 0, a_rate },
	{ "account", "new-recipients", OPTION_LIST | OPTION_FILLED, "100/1h 200/1d",
	    store_rate, 0, CONF_NEW_RECIPIENTS, 0, a_rate },
	{ "account", "over", 0, "refuse", store_over, 0, 0, 0, "refuse or hold" },
	{ "account", "brake", 0, "on", store_bool, ACCOUNT(brake), 0, 0,
	    "on or off" },
	{ "account", "certificate", OPTION_LIST, NULL, store_fingerprint, 0, 0,
	    0, "sha256: and 64 hexadecimal digits; up to 8" },
	{ "account", "uid", 0, NULL, store_uid, 0, 0, 0,
	    "the number of a user of this machine (id -u NAME)" },
	{ "account", "priority", 0, "9", store_priority, 0, 0, 0,
	    "a number from -9 to 9" },
	{ "account", "held-messages", 0, "1000", store_number,
	    ACCOUNT(held_messages), 0, 1000000, "a number up to 1000000" },
	{ "account", "bulk", 0, "false", store_bool, ACCOUNT(bulk), 0, 0,
	    "true or false" },
	{ "account", "suppress", 0, NULL, store_suppress, ACCOUNT(suppress), 0, 0,
	    "on or off" },

	{ "spool", "directory", OPTION_PATH, LOCALSTATEDIR "/lib/postern/spool",
	    store_text, CONF(spool_directory), 0, PATH_MOST, a_path },
	{ "spool", "reserve", 0, "5%", store_percent, CONF(spool_reserve), 0, 90,
	    "a percentage such as 5% or 2.5%, up to 90%" },
	{ "spool", "max-message", 0, "50mb", store_size, CONF(max_message),
	    1 << 10, (uint64_t)2 << 30,
	    "a size such as 500kb or 50mb, 1kb to 2gb" },

	{ "state", "directory", OPTION_PATH, NULL, store_text, CONF(state_directory), 0,
	    PATH_MOST, a_path },

	{ "dkim", "directory", OPTION_PATH, NULL, store_text, CONF(dkim_directory), 0,
	    PATH_MOST, a_path },

	{ "queue", "retry", OPTION_LIST | OPTION_FILLED,
	    "1min 5min 15min 30min 1h 2h 4h", store_retry, 0, 1, 30 * DAY,
	    "a time such as 30s, 5min or 2h, 1s to 30d" },
	{ "queue", "expire", 0, "5d", store_duration, CONF(expire), 1, 365 * DAY,
	    "a time such as 12h or 5d, 1s to 365d" },
	{ "queue", "delay-warning", 0, "4h", store_duration, CONF(delay_warning),
	    0, 365 * DAY, "a time such as 4h; 0 sends no warning" },

	{ "resolver", "servers", OPTION_LIST, "", store_server, 0, 0, 0,
	    "ADDRESS:PORT with a numeric address" },

	{ "deliver", "port", 0, "25", store_port, CONF(deliver_port), 0, 0,
	    "a port, 1 to 65535" },
	{ "deliver", "allow-loopback", 0, "false", store_bool,
	    CONF(allow_loopback), 0, 0, "true or false" },
	{ "deliver", "refuse", OPTION_LIST, "", store_refuse, 0, 0, 0,
	    "a network such as 10.0.0.0/8 or 2001:db8::/32" },
	{ "deliver", "max-lanes", 0, "20", store_number, CONF(max_lanes),
	    1, 1000, "a number, 1 to 1000" },
	{ "deliver", "connections", 0, "2000", store_number,
	    CONF(deliver_connections), 1, 1000000, "a number from 1" },
	{ "deliver", "lane-idle", 0, "5s", store_duration, CONF(lane_idle),
	    0, HOUR, "a time such as 5s, up to 1h" },
	{ "deliver", "lane-messages", 0, "1000", store_number,
	    CONF(lane_messages), 1, 1000000, "a number, 1 to 1000000" },
	{ "deliver", "chunking", 0, "true", store_bool, CONF(chunking), 0, 0,
	    "true or false" },
	{ "deliver", "timeout", 0, "30s", store_duration, CONF(deliver_timeout),
	    1, HOUR, "a time such as 30s, 1s to 1h" },

	{ "route", "relay", 0, NULL, store_relay, 0, 0, 0,
	    "smtp://HOST[:PORT] or submissions://HOST[:PORT]" },
	{ "route", "tls", 0, NULL, store_relay_tls, 0, 0, 0,
	    "opportunistic or require (with submissions:// always require)" },
	{ "route", "login", 0, NULL, store_text,
	    offsetof(struct conf_route, login), 0, 255, "an account's name" },
	{ "route", "password-file", OPTION_PATH, NULL, store_text,
	    offsetof(struct conf_route, password_file), 0, PATH_MOST, a_path },

	{ "filter", "socket", OPTION_NEEDED, NULL, store_filter_socket, 0, 0, 0,
	    "unix:/PATH, or inet:ADDRESS:PORT with a numeric address or "
	    "localhost" },
	{ "filter", "when", 0, "before", store_when, 0, 0, 0,
	    "before or after" },
	{ "filter", "away", 0, "tempfail", store_away, 0, 0, 0,
	    "tempfail, accept or hold" },
	{ "filter", "timeout", 0, "30s", store_duration, FILTER(timeout),
	    1, 300, "a time such as 30s, 1s to 5min" },
	{ "filter", "connections", 0, "50", store_number,
	    FILTER(connections), 1, 10000, "a number, 1 to 10000" },

	{ "control", "socket", OPTION_PATH, RUNSTATEDIR "/postern/control.sock",
	    store_text, CONF(control_socket), 0, SOCKET_MOST,
	    "a path of up to 107 bytes" },
	{ "http", "address", 0, NULL, store_address,
	    CONF(http_address), 0, 128, an_address },

	{ "log", "target", OPTION_PATH, "stderr", store_text, CONF(log_target), 0,
	    PATH_MOST, "stderr or a path from /" },
	{ "log", "format", 0, "text", store_format, 0, 0, 0, "text or json" },
	{ "log", "level", 0, "info", store_level, 0, 0, 0,
	    "error, warn, info or debug" },

	{ "limits", "sessions", 0, "12000", store_number, LIMIT(sessions),
	    1, 1000000, "a number, 1 to 1000000" },
	{ "limits", "sessions-per-address", 0, "500", store_number,
	    LIMIT(sessions_per_address), 1, 1000000, "a number, 1 to 1000000" },
	{ "limits", "strangers-per-address", 0, "100", store_number,
	    LIMIT(strangers_per_address), 1, 1000000, "a number, 1 to 1000000" },
	{ "limits", "recipients", 0, "1000", store_number, LIMIT(recipients),
	    1, 100000, "a number, 1 to 100000" },
	{ "limits", "errors", 0, "20", store_number, LIMIT(errors),
	    1, 10000, "a number, 1 to 10000" },
	{ "limits", "auth-failures", 0, "3", store_number, LIMIT(auth_failures),
	    1, 100, "a number, 1 to 100" },
	{ "limits", "received", 0, "50", store_number, LIMIT(received),
	    1, 1000, "a number, 1 to 1000" },
	{ "limits", "line", 0, "8192", store_number, LIMIT(line), 998, 1000000,
	    "a number, 998 to 1000000" },
	{ "limits", "header", 0, "256kb", store_size, LIMIT(header),
	    1 << 10, 16 << 20, "a size such as 256kb, 1kb to 16mb" },
	{ "limits", "login-timeout", 0, "1min", store_duration,
	    LIMIT(login_timeout), 1, HOUR, "a time of 1s to 1h" },
	{ "limits", "timeout", 0, "5min", store_duration, LIMIT(timeout),
	    1, HOUR, a_time },
};
/* clang-format on */
const size_t conf_noptions = ARRAY_LEN(conf_options);
