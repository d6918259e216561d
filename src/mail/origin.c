#include "mail/origin.h"

#include <string.h>

#include "mail/attrs.h"
#include "mail/envelope.h"

static struct span
kept(const struct envelope *env)
{
	return attrs_get(envelope_attrs(env), ATTR_AUTHOR);
}

bool
origin_is_known(const struct envelope *env)
{
	return env->account[0] != '\0' &&
	       (env->sender[0] != '\0' || !span_is_empty(kept(env)));
}

struct span
origin_of_sender(struct span sender, char room[IDN_SIZE])
{
	size_t at = span_find_last(sender, '@');
	struct span domain;

	if (at == sender.len)
		return SPAN("");
	domain = idn_to_ascii(span_from(sender, at + 1), room);
	if (domain.len >= IDN_SIZE)
		return SPAN("");
	for (size_t i = 0; i < domain.len; i++)
		room[i] = ascii_lower(domain.ptr[i]);
	room[domain.len] = '\0';
	return span_make(room, domain.len);
}

struct span
origin_domain(const struct envelope *env, char room[IDN_SIZE])
{
	struct span author = kept(env);

	if (!origin_is_known(env))
		return SPAN("");
	return span_is_empty(author)
		   ? origin_of_sender(span_text(env->sender), room)
		   : author;
}
