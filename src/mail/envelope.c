#include "mail/envelope.h"

#include <string.h>

#include "base/mem.h"

static bool
is_shared(const struct envelope_parts *p)
{
	return span_equal(p->account, p->sender);
}

static size_t
text_size(const struct envelope_parts *p)
{
	size_t size = p->account.len + 1;

	if (!is_shared(p))
		size += p->sender.len + 1;
	for (uint32_t i = 0; i < p->nrcpt; i++)
		size += p->rcpt[i].len + 1;
	return size;
}

static const char *
place(char **at, struct span s)
{
	char *text = *at;

	if (s.len > 0)
		memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	*at += s.len + 1;
	return text;
}

struct envelope *
envelope_new(const struct envelope_parts *p)
{
	size_t head = sizeof(struct envelope) + p->nrcpt * sizeof(char *);
	struct envelope *env = mem_alloc(head + text_size(p));
	char *at = (char *)env + head;

	env->id = p->id;
	env->size = p->size;
	env->arrived = p->arrived;
	env->flags = p->flags;
	env->nrcpt = p->nrcpt;
	env->account = place(&at, p->account);
	/* Most send as what they are called. */
	env->sender = is_shared(p) ? env->account : place(&at, p->sender);
	for (uint32_t i = 0; i < p->nrcpt; i++)
		env->rcpt[i] = place(&at, p->rcpt[i]);
	return env;
}

size_t
envelope_memory(const struct envelope *env)
{
	size_t size = sizeof *env + env->nrcpt * sizeof(char *) +
		      strlen(env->account) + 1;

	if (env->sender != env->account)
		size += strlen(env->sender) + 1;
	for (uint32_t i = 0; i < env->nrcpt; i++)
		size += strlen(env->rcpt[i]) + 1;
	return size;
}
