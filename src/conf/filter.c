/* Where a filter listens, as it is written in Postfix's and Sendmail's files. */
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/mem.h"
#include "conf_priv.h"

/* "/run/x.sock": what a socket's address has room for. */
static bool
take_path(struct span text, struct conf_filter *out)
{
	if (text.len < 2 || text.ptr[0] != '/' ||
	    text.len >= sizeof((struct sockaddr_un *)0)->sun_path)
		return false;
	out->path = span_dup(text);
	return true;
}

static bool
take_address(struct span host, struct span port, struct conf_filter *out)
{
	char text[96];
	bool is_v6 = span_find(host, ':') < host.len;
	int n;

	if (span_equal_nocase(host, SPAN("localhost")))
		host = SPAN("127.0.0.1");
	if (host.len > 1 && host.ptr[0] == '[' &&
	    host.ptr[host.len - 1] == ']') {
		host = span_make(host.ptr + 1, host.len - 2);
		is_v6 = true;
	}
	n = snprintf(text, sizeof text, "%s%.*s%s:%.*s", is_v6 ? "[" : "",
	    SPAN_ARG(host), is_v6 ? "]" : "", SPAN_ARG(port));
	return host.len > 0 && n < (int)sizeof text &&
	       conf_parse_address(
		   span_text(text), out->host, sizeof out->host, &out->port) &&
	       out->host[0] != '\0' && out->port != 0;
}

/* Postfix: ADDRESS:PORT. Sendmail: PORT@ADDRESS. */
static bool
take_inet(struct span text, struct conf_filter *out)
{
	struct span front = text;
	size_t at = span_find(text, '@'), colon = span_find_last(text, ':');

	if (at < text.len)
		return take_address(
		    span_from(text, at + 1), span_to(text, at), out);
	if (colon == text.len)
		return false;
	front = span_to(text, colon);
	return take_address(front, span_from(text, colon + 1), out);
}

bool
conf_parse_filter_socket(struct span text, struct conf_filter *out)
{
	static const struct {
		struct span prefix;
		bool is_path;
	} kinds[] = {
		{ { "unix:", 5 }, true },
		{ { "local:", 6 }, true },
		{ { "inet:", 5 }, false },
		{ { "inet6:", 6 }, false },
	};

	out->socket = span_dup(text);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct span rest;

		if (!span_starts_nocase(text, kinds[i].prefix))
			continue;
		rest = span_from(text, kinds[i].prefix.len);
		return kinds[i].is_path ? take_path(rest, out)
					: take_inet(rest, out);
	}
	return false;
}

bool
conf_has_filter(const struct conf *conf, enum conf_when when)
{
	for (size_t i = 0; i < conf->nfilters; i++)
		if (conf->filters[i].when == when)
			return true;
	return false;
}

int
conf_check_filter(struct reading *r, cfg_t *cfg, void *filled)
{
	struct conf_filter *f = filled;

	f->line = tree_line(cfg, "socket");
	if (r->conf->nfilters > CONF_FILTERS_MOST)
		return conf_fail(r, f->line, "filter",
		    "%s is one too many; expected up to %d", f->name,
		    CONF_FILTERS_MOST);
	return 0;
}
